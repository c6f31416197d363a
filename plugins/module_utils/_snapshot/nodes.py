# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes: role, state, size and hardware of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from sys import intern
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data.selectors import selects

from . import accelerators, disks, nics
from .pools import SRIOV_STATE
from .values import amount, condition, conditions, dig, mapping, name_of, number, rows, text

HOSTNAME = "kubernetes.io/hostname"
KEPT_LABELS = (
    "feature.node.kubernetes.io/",
    "nvidia.com/",
    "amd.com/",
    "beta.amd.com/",
    "node-role.kubernetes.io/",
    "topology.kubernetes.io/",
    HOSTNAME,
    "kubernetes.io/arch",
    "kubernetes.io/os",
)
# A measurement that the site writes down: nothing in the API tells the generation of the host's PCIe.
PCIE = "llmd.openshift.io/pcie-generation"
PCIE_GENERATIONS = range(1, 8)
LEFT_OUT = "feature.node.kubernetes.io/cpu-cpuid."  # dozens a node, one for each instruction set
# What the description of GPUs and network cards looks at.
HARDWARE_LABELS = (
    "nvidia.com/", "amd.com/", "beta.amd.com/", "feature.node.kubernetes.io/pci-", "feature.node.kubernetes.io/rdma",
)  # fmt: skip
INFO = ("kernelVersion", "osImage", "kubeletVersion", "containerRuntimeVersion", "architecture")
ROLE = "node-role.kubernetes.io/"
MACHINE_CONFIG = "machineconfiguration.openshift.io/currentConfig"


def reduce(node: dict[str, Any]) -> dict[str, Any]:
    """One Node without what the snapshot doesn't need (images, most annotations, addresses): thousands stay small."""
    labels = mapping(node, "metadata", "labels")
    return {
        "name": name_of(node),
        "all_labels": {intern(key): intern(value) for key, value in labels.items() if isinstance(value, str)},
        "conditions": {kind: _once(row) for kind, row in conditions(node).items()},
        "ready": condition(node, "Ready"),
        "schedulable": dig(node, "spec", "unschedulable") is not True,
        "taints": [{key: text(row, key) for key in ("key", "value", "effect")} for row in rows(node, "spec", "taints")],
        "capacity": mapping(node, "status", "capacity"),
        "allocatable": mapping(node, "status", "allocatable"),
        "machine_config": text(node, "metadata", "annotations", MACHINE_CONFIG),
        "info": _once({key: text(node, "status", "nodeInfo", key) for key in INFO}),
        "sriov_state": text(node, "metadata", "annotations", SRIOV_STATE),
        "uplinks": nics.gateway_macs(mapping(node, "metadata", "annotations")),
    }


def _once(row: dict[str, str | None]) -> dict[str, str | None]:
    """The row with its texts kept once a process: thousands of nodes have the same few."""
    return {key: value if value is None else intern(value) for key, value in row.items()}


def describe(
    node: Mapping[str, Any],
    feature: Mapping[str, Any] | None,
    sriov: list[dict[str, Any]] | None,
    drives: disks.Drives | None,
    pools: list[dict[str, Any]] | None,
    catalog: Mapping[str, Any],
    wanted_labels: Collection[str] = (),
    alike: dict[Any, Any] | None = None,
) -> dict[str, Any]:
    """The snapshot's entry of one reduced node.

    :param wanted_labels: keys of labels to keep beside those of hardware and place (a declared node selector names them).
    :param alike: what was described for nodes of the same hardware; one dictionary for all nodes of a reading.
    """
    labels = node["all_labels"]
    kept, roles, hardware = _labels(labels, wanted_labels, {} if alike is None else alike)
    capacity, allocatable = _extended(node["capacity"]), _extended(node["allocatable"])
    info = node["info"]
    return {
        "name": node["name"],
        "roles": roles,
        "pool": pool_of(labels, pools),
        "machine_config": node["machine_config"],
        "ready": node["ready"],
        "schedulable": node["schedulable"],
        "sriov_state": node["sriov_state"],
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
        "labels": kept,
        **_hardware(hardware, capacity, allocatable, feature, (sriov, node.get("uplinks")), drives, catalog, {} if alike is None else alike),
        "pcie_generation": _pcie(labels),
        "pods": number(node["allocatable"].get("pods")),
        "numa_nodes": feature["numa_nodes"] if feature else None,
    }


def _labels(
    labels: Mapping[str, str], wanted: Collection[str], alike: dict[Any, Any]
) -> tuple[dict[str, str], list[str], dict[str, str]]:
    """(labels to keep, roles, labels that tell of hardware). But for its host name, a node often has the labels of another one."""
    name = labels.get(HOSTNAME)
    key = ("labels", tuple([pair for pair in labels.items() if pair[0] != HOSTNAME]))
    found = alike.get(key)
    if found is None:
        kept = {
            label: value[:256]
            for label, value in key[1]
            if (label.startswith(KEPT_LABELS) and not label.startswith(LEFT_OUT)) or label in wanted
        }
        roles = sorted(label[len(ROLE) :] for label in kept if label.startswith(ROLE) and len(label) > len(ROLE))
        hardware = {label: value for label, value in kept.items() if label.startswith(HARDWARE_LABELS)}
        found = alike[key] = (kept, roles, hardware)
    kept, roles, hardware = found
    return (kept if name is None else {HOSTNAME: name[:256], **kept}), roles, hardware


def _hardware(
    labels: Mapping[str, str],
    capacity: Mapping[str, Any],
    allocatable: Mapping[str, Any],
    feature: Mapping[str, Any] | None,
    cards_of: tuple[list[dict[str, Any]] | None, list[str] | None],
    drives: disks.Drives | None,
    catalog: Mapping[str, Any],
    alike: dict[Any, Any],
) -> dict[str, Any]:
    """GPUs, network cards and drives. Nodes of equal labels, resources and features share one description.

    Equal features are the same lists (`features.Alike`), so that their identity will do; what operators say of a single node is
    described each time.
    """
    sriov, uplinks = cards_of
    lists = tuple(id(feature[key]) for key in ("pci", "links", "disks")) if feature is not None else None
    key = (tuple(labels.items()), tuple(capacity.items()), tuple(allocatable.items()), lists)
    found = alike.get(key) if not sriov and not drives else None
    if found is None:
        cards = nics.describe(feature, sriov, uplinks)
        found = {
            "accelerators": accelerators.describe(labels, capacity, allocatable, feature, catalog),
            "nics": cards,
            "rdma_capable": nics.rdma_capable(labels, allocatable, cards, catalog),
            "nvme": disks.describe(feature, drives),
        }
        if not sriov and not drives:
            alike[key] = found
    return found


def _pcie(labels: Mapping[str, str]) -> int | None:
    found = number(labels.get(PCIE))
    return found if found in PCIE_GENERATIONS else None


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
    claims = [pool["name"] for pool in pools if _claims(pool["selector"], labels)]
    custom = [name for name in claims if name not in ("master", "worker")]
    if "master" in claims:
        return "master"
    if custom:
        return custom[0] if len(custom) == 1 else None
    return "worker" if "worker" in claims else None


def _claims(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A pool without a selector has no nodes."""
    return bool(mapping(selector, "matchLabels") or rows(selector, "matchExpressions")) and selects(selector, labels)
