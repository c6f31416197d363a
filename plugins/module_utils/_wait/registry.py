# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The named conditions of ``wait_for``: which function judges, for which kinds, with which options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._olm import states as olm
from . import accelerators, basics, fabric, gateway, openshift, platform, pods, serving, storage, workloads
from .model import State

Judge = Callable[[Any, Mapping[str, Any]], State]


@dataclass(frozen=True)
class Check:
    """A judge of one object with the options it takes. ``judges_absence``: it wants to see None as well."""

    judge: Judge
    required: frozenset[str] = field(default_factory=frozenset)
    optional: frozenset[str] = field(default_factory=frozenset)
    judges_absence: bool = False
    one_of: frozenset[str] = field(default_factory=frozenset)

    @property
    def options(self) -> frozenset[str]:
        """Every option's name."""
        return self.required | self.optional | self.one_of


def _check(
    judge: Judge, required: str = "", optional: str = "", one_of: str = "", judges_absence: bool = False
) -> Check:
    words = [frozenset(w.split()) for w in (required, optional, one_of)]
    return Check(judge, words[0], words[1], judges_absence, words[2])


# Conditions for every kind.
GENERAL: dict[str, Check] = {
    "exists": _check(basics.exists),
    "absent": _check(basics.absent, judges_absence=True),
    "condition": _check(basics.any_condition, "type", "status reason fail_reasons repair"),
    "field": _check(basics.field, "path", "equals in at_least fail_in repair"),
    "labels": _check(basics.labels, "labels"),
}

# Conditions of one kind; the first of a kind is what `ready` means.
BY_KIND: dict[str, dict[str, Check]] = {
    "Pod": {"ready": _check(pods.ready), "completed": _check(pods.completed)},
    "Deployment": {"available": _check(workloads.deployment)},
    "DaemonSet": {"available": _check(workloads.daemonset, optional="minimum")},
    "StatefulSet": {"ready": _check(workloads.statefulset)},
    "Job": {"completed": _check(workloads.job, optional="progress")},
    "PersistentVolumeClaim": {"bound": _check(workloads.claim, optional="unbound_ok")},
    "Node": {
        "ready": _check(basics.node_ready),
        "allocatable": _check(basics.allocatable, "resource", one_of="equals at_least"),
        "devices": _check(fabric.node_devices, "resources"),
        "gpus": _check(accelerators.gpus, "resource equals"),
    },
    "CustomResourceDefinition": {"established": _check(basics.established, optional="version")},
    "MachineConfigPool": {
        "updated": _check(openshift.pool, optional="config machines without"),
        "rendered": _check(openshift.rendered, optional="config machines"),
    },
    "ClusterOperator": {"available": _check(openshift.cluster_operator)},
    "ClusterServiceVersion": {"succeeded": _check(olm.csv)},
    "Subscription": {"installed": _check(olm.subscription, optional="csv")},
    "InstallPlan": {"complete": _check(olm.install_plan)},
    "CatalogSource": {"ready": _check(olm.catalog)},
    "NodeFeatureDiscovery": {"available": _check(accelerators.feature_discovery, optional="nodes labels")},
    "ClusterPolicy": {"ready": _check(accelerators.cluster_policy, optional="nodes resource namespace")},
    "DeviceConfig": {"ready": _check(accelerators.device_config, optional="nodes resource")},
    "SriovNetworkNodeState": {
        "synced": _check(fabric.synced, "resources", "patience_seconds"),
        "described": _check(fabric.described),
    },
    "NicClusterPolicy": {"ready": _check(fabric.nic_cluster_policy, optional="namespace")},
    "MacvlanNetwork": {"ready": _check(fabric.nvidia_network)},
    "IPoIBNetwork": {"ready": _check(fabric.nvidia_network)},
    "HostDeviceNetwork": {"ready": _check(fabric.nvidia_network)},
    "LVMCluster": {"ready": _check(storage.lvm_cluster)},
    "DataScienceCluster": {"ready": _check(platform.data_science_cluster, optional="components version")},
    "DSCInitialization": {"ready": _check(platform.initialization)},
    "Kuadrant": {"ready": _check(platform.kuadrant)},
    "LeaderWorkerSetOperator": {"available": _check(platform.lws_operator)},
    "CertManager": {"available": _check(platform.cert_manager)},
    "GatewayClass": {"accepted": _check(gateway.gateway_class)},
    "Gateway": {"programmed": _check(gateway.gateway, optional="address_grace_seconds")},
    "HTTPRoute": {"accepted": _check(gateway.route)},
    "InferencePool": {"accepted": _check(gateway.inference_pool)},
    "AuthPolicy": {"enforced": _check(gateway.auth_policy)},
    "LLMInferenceService": {"ready": _check(serving.inference_service)},
}


def find(kind: str, until: str) -> Check | None:
    """The check of that name for that kind; ``ready`` stands for a kind's own first one."""
    own = BY_KIND.get(kind, {})
    if until in own:
        return own[until]
    if until == "ready" and own:
        return next(iter(own.values()))
    return GENERAL.get(until)


def known(kind: str) -> list[str]:
    """The names that ``find`` knows for a kind."""
    own = list(BY_KIND.get(kind, {}))
    return sorted({*own, *GENERAL, *(["ready"] if own else [])})
