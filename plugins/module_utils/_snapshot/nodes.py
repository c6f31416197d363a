# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes: role, state, size and hardware of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import accelerators, disks, nics
from .values import amount, condition, conditions, dig, mapping, name_of, rows, text

KEPT_LABELS = (
    "feature.node.kubernetes.io/",
    "nvidia.com/",
    "amd.com/",
    "beta.amd.com/",
    "node-role.kubernetes.io/",
    "topology.kubernetes.io/",
    "kubernetes.io/hostname",
    "kubernetes.io/arch",
)
ROLE = "node-role.kubernetes.io/"


def reduce(node: dict[str, Any]) -> dict[str, Any]:
    """One Node without what the snapshot doesn't need (images, annotations, addresses): thousands stay small."""
    labels = mapping(node, "metadata", "labels")
    return {
        "name": name_of(node),
        "all_labels": {key: value for key, value in labels.items() if isinstance(value, str)},
        "conditions": conditions(node),
        "ready": condition(node, "Ready"),
        "schedulable": dig(node, "spec", "unschedulable") is not True,
        "taints": [{key: text(row, key) for key in ("key", "value", "effect")} for row in rows(node, "spec", "taints")],
        "capacity": mapping(node, "status", "capacity"),
        "allocatable": mapping(node, "status", "allocatable"),
        "info": mapping(node, "status", "nodeInfo"),
    }


def describe(
    node: Mapping[str, Any],
    feature: Mapping[str, Any] | None,
    sriov: list[dict[str, Any]] | None,
    pools: list[dict[str, Any]] | None,
    catalog: Mapping[str, Any],
) -> dict[str, Any]:
    """The snapshot's entry of one reduced node."""
    labels = node["all_labels"]
    capacity, allocatable = _extended(node["capacity"]), _extended(node["allocatable"])
    cards = nics.describe(feature, sriov)
    info = node["info"]
    return {
        "name": node["name"],
        "roles": sorted(key[len(ROLE) :] for key in labels if key.startswith(ROLE) and len(key) > len(ROLE)),
        "pool": pool_of(labels, pools),
        "ready": node["ready"],
        "schedulable": node["schedulable"],
        "conditions": node["conditions"],
        "taints": node["taints"],
        "cpu": amount(node["capacity"].get("cpu")),
        "memory_bytes": amount(node["capacity"].get("memory")),
        "allocatable": allocatable,
        "capacity": capacity,
        "kernel": text(info, "kernelVersion"),
        "os_image": text(info, "osImage"),
        "kubelet": text(info, "kubeletVersion"),
        "runtime": text(info, "containerRuntimeVersion"),
        "arch": text(info, "architecture"),
        "labels": {key: value[:256] for key, value in labels.items() if key.startswith(KEPT_LABELS)},
        "accelerators": accelerators.describe(labels, capacity, allocatable, feature, catalog),
        "nics": cards,
        "rdma_capable": nics.rdma_capable(labels, allocatable, cards, catalog),
        "nvme": disks.describe(feature),
        "numa_nodes": feature["numa_nodes"] if feature else None,
    }


def _extended(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Extended resources (those with a domain), as numbers."""
    found = {name: amount(value) for name, value in resources.items() if isinstance(name, str) and "/" in name}
    return {name: value for name, value in found.items() if value is not None}


def pool_of(labels: Mapping[str, str], pools: list[dict[str, Any]] | None) -> str | None:
    """The MachineConfigPool that manages a node: master first, then a custom pool, else worker.

    That order is the machine-config-operator's. Two custom pools claim it: the operator refuses that, so unknown.
    """
    if pools is None:
        return None
    claims = [pool["name"] for pool in pools if _selects(pool["selector"], labels)]
    custom = [name for name in claims if name not in ("master", "worker")]
    if "master" in claims:
        return "master"
    if custom:
        return custom[0] if len(custom) == 1 else None
    return "worker" if "worker" in claims else None


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = mapping(selector, "matchLabels")
    expressions = rows(selector, "matchExpressions")
    if not wanted and not expressions:
        return False
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(row, labels) for row in expressions
    )


def _meets(row: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(row.get("key")), row.get("values") or []
    operator = row.get("operator")
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "In":
        return labels.get(key) in values
    return operator == "NotIn" and labels.get(key) not in values
