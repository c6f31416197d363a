# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Pods tell why an awaited object isn't getting there, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fields import dig, mapping
from .model import DONE, FAILED, State
from .pods import worst
from .targets import Target


@dataclass(frozen=True)
class Query:
    """A list of Pods: a namespace and a label selector (empty: all of the namespace)."""

    namespace: str
    label_selector: str


def query(target: Target, obj: Mapping[str, Any] | None) -> Query | None:
    """The Pods behind a target, or None when there are none to ask."""
    if obj is None or target.kind not in _RULES:
        return None
    return _RULES[target.kind](target, obj)


def with_pods(state: State, pods: list[Mapping[str, Any]]) -> State:
    """The state of an awaited object, or the failure of one of its Pods when that ends the wait earlier."""
    if state.phase == DONE:
        return state
    trouble = worst(pods)
    if trouble is None or (state.phase == FAILED and state.grace <= trouble.grace):
        return state
    return trouble


def _selector(labels: Mapping[str, Any]) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted(labels.items()))


def _by_selector(target: Target, obj: Mapping[str, Any]) -> Query | None:
    labels = mapping(obj, "spec.selector.matchLabels")
    return Query(target.namespace, _selector(labels)) if labels else None


def _own_namespace(target: Target, obj: Mapping[str, Any]) -> Query | None:
    return Query(target.namespace, "") if target.namespace else None


def _gpu_operator(target: Target, obj: Mapping[str, Any]) -> Query:
    # ClusterPolicy is cluster-scoped; its operands live where the operator is installed.
    return Query(str(target.options.get("namespace") or dig(obj, "status.namespace") or "nvidia-gpu-operator"), "")


def _llm_service(target: Target, obj: Mapping[str, Any]) -> Query:
    return Query(
        target.namespace,
        _selector({"app.kubernetes.io/name": target.name, "app.kubernetes.io/part-of": "llminferenceservice"}),
    )


def _gateway(target: Target, obj: Mapping[str, Any]) -> Query:
    return Query(target.namespace, _selector({"gateway.networking.k8s.io/gateway-name": target.name}))


def _network_operator(target: Target, obj: Mapping[str, Any]) -> Query:
    # NicClusterPolicy is cluster-scoped, too.
    return Query(str(target.options.get("namespace") or "nvidia-network-operator"), "")


def _config_daemon(target: Target, obj: Mapping[str, Any]) -> Query:
    return Query(target.namespace, _selector({"app": "sriov-network-config-daemon"}))


def _csv(target: Target, obj: Mapping[str, Any]) -> Query | None:
    deployments = dig(obj, "spec.install.spec.deployments")
    if not isinstance(deployments, list) or len(deployments) != 1:
        return None  # one query a target: with several deployments the CSV's own message names the late one
    labels = mapping(deployments[0], "spec.selector.matchLabels")
    return Query(target.namespace, _selector(labels)) if labels else None


_RULES = {
    "Deployment": _by_selector,
    "DaemonSet": _by_selector,
    "StatefulSet": _by_selector,
    "Job": _by_selector,
    "ClusterPolicy": _gpu_operator,
    "DeviceConfig": _own_namespace,
    "NodeFeatureDiscovery": _own_namespace,
    "NicClusterPolicy": _network_operator,
    "SriovNetworkNodeState": _config_daemon,
    "LVMCluster": _own_namespace,
    "LLMInferenceService": _llm_service,
    "Gateway": _gateway,
    "ClusterServiceVersion": _csv,
}
