# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes that would serve: those with GPUs, of those that the declaration selects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._nodes.unavailable import away
from .look import dig, mapping, number, rows, strings, text

Node = Mapping[str, Any]
# Labels that a snapshot keeps of every node, beside those that the reader was asked for (`labels_read`): a key of these families
# that is absent is absent on the node too.
KEPT = (
    "feature.node.kubernetes.io/", "nvidia.com/", "amd.com/", "beta.amd.com/", "node-role.kubernetes.io/",
    "topology.kubernetes.io/", "kubernetes.io/hostname", "kubernetes.io/arch",
)  # fmt: skip
# The name of a node's GPUs, which the vendors' operators write once the driver runs. Before, the model that is known from the bus answers for it.
PRODUCTS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name")
_LEFT_OUT = "feature.node.kubernetes.io/cpu-cpuid."
_CONTROL = {"master", "control-plane"}
_HARDWARE = (
    "accelerators", "nics", "rdma_capable", "nvme", "allocatable", "cpu", "memory_bytes", "pcie_generation",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """Nodes whose hardware looks the same, so that a rule judges one for all."""

    node: Node
    nodes: tuple[Node, ...]

    @cached_property
    def names(self) -> list[str]:
        return [name(node) for node in self.nodes]


@dataclass(frozen=True)
class Candidates:
    """gpu: nodes that have GPUs; unsure: (node, what isn't known of it), any of which may turn out to be a GPU node."""

    gpu: tuple[Node, ...]
    unsure: tuple[tuple[str, str], ...]

    @cached_property
    def names(self) -> list[str]:
        return [name(node) for node in self.gpu]

    @cached_property
    def vendors(self) -> list[str]:
        return sorted({vendor for kind in self.kinds if (vendor := text(kind.node, "accelerators", "vendor"))})

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        groups: dict[str, list[Node]] = {}
        shown: dict[tuple[Any, ...], str] = {}  # nodes of one reading share equal parts, which need no second look
        for node in self.gpu:
            parts = [node.get(key) for key in _HARDWARE]
            same = tuple(id(part) if isinstance(part, (dict, list)) and part else str(part) for part in parts)
            groups.setdefault(shown.get(same) or shown.setdefault(same, repr(parts)), []).append(node)
        return tuple(Kind(nodes[0], tuple(nodes)) for nodes in groups.values())


def name(node: Node) -> str:
    return text(node, "name") or "(node without a name)"


def candidates(snapshot: Mapping[str, Any], declared: Mapping[str, Any]) -> Candidates:
    nodes = rows(snapshot, "nodes")
    if nodes is None:
        return Candidates((), (("all nodes", "could not be read"),))
    selector = declared.get("node_selector") or {}
    seen = {key for node in nodes for key in mapping(node, "labels")} | set(strings(snapshot, "labels_read"))
    known: dict[str | None, Node] = {}
    gpu: list[Node] = []
    unsure: list[tuple[str, str]] = []
    for node in nodes:
        selected, equipped = _selected(node, selector, seen), has_gpu(node)
        if known.setdefault(text(node, "name"), node) is not node and known[text(node, "name")] == node:
            continue  # the same node twice has its GPUs once; two that differ under one name are both looked at
        if _control_only(node) or _windows(node) or selected is False or equipped is False:
            continue
        doubt = _doubt(node, selected, equipped)
        if doubt:
            unsure.append((name(node), doubt))
        else:
            gpu.append(node)
    return Candidates(tuple(gpu), tuple(unsure))


def _doubt(node: Node, selected: bool | None, equipped: bool | None) -> str | None:
    """Why it can't be said whether the node is a candidate; None when it is one."""
    if not isinstance(dig(node, "roles"), (list, tuple)):
        return "its role isn't known"
    if selected is None:
        return "whether llmd_node_selector selects it isn't known"
    return "whether it has GPUs isn't known" if equipped is None else None


def _selected(node: Node, selector: Mapping[str, Any], seen: set[str]) -> bool | None:
    """None where the node's labels are unknown, or a label that the snapshot doesn't keep is on no node."""
    if not selector:
        return True
    if not isinstance(dig(node, "labels"), dict):
        return None
    answers = {_has(node, key, value, seen) for key, value in selector.items()}
    return False if False in answers else None if None in answers else True


def _has(node: Node, key: str, value: Any, seen: set[str]) -> bool | None:
    labels = mapping(node, "labels")
    if key in PRODUCTS and key not in labels:
        return _will_be(node, str(value))
    return None if key not in seen and not _kept(key) else labels.get(key) == value


def _will_be(node: Node, product: str) -> bool | None:
    """Whether a node without a driver has GPUs of this product, as far as their model tells: H200 is a word of NVIDIA-H200, and none of NVIDIA-GH200-480GB."""
    if has_gpu(node) is not True:
        return has_gpu(node)
    model = text(node, "accelerators", "model")
    return None if model in (None, "unlisted") else model in re.split("[-_ ]", product)


def _kept(key: str) -> bool:
    return key.startswith(KEPT) and not key.startswith(_LEFT_OUT)


def _control_only(node: Node) -> bool:
    roles = dig(node, "roles")
    return isinstance(roles, (list, tuple)) and bool(_CONTROL & set(strings(node, "roles"))) and "worker" not in roles


def _windows(node: Node) -> bool:
    """OpenShift's Windows nodes run Windows containers only, so no inference server."""
    return dig(node, "labels", "kubernetes.io/os") == "windows"


def has_gpu(node: Node) -> bool | None:
    """True, False, or None where nothing has looked at the node's devices yet."""
    if text(node, "accelerators", "model") or strings(node, "accelerators", "pci_ids"):
        return True
    if number(node, "accelerators", "count") == 0 and text(node, "accelerators", "source") not in (None, "none"):
        return False
    return True if text(node, "accelerators", "vendor") or number(node, "accelerators", "count") else None


def models(node: Node, by_pci: Mapping[str, str]) -> set[str] | None:
    """The GPU models in a node; None where one of them can't be named."""
    model = text(node, "accelerators", "model")
    seen = {by_pci.get(pci) for pci in strings(node, "accelerators", "pci_ids")}
    if model == "unlisted" or None in seen or (model is None and not seen):
        return None
    return {str(found) for found in seen} | ({model} if model else set())


def is_rdma_card(nic: Node, rdma_nics: frozenset[str]) -> bool:
    """InfiniBand, a current card of NVIDIA Networking (vendor 15b3: all of them do RDMA), or one that the data list."""
    pci = text(nic, "pci_id") or ""
    infiniband = text(nic, "class") == "0207" or text(nic, "link_layer") == "InfiniBand"
    return infiniband or pci.startswith("15b3:") or pci in rdma_nics


def comes_back(node: Node) -> bool:
    """The SR-IOV operator drains or restarts it, and lets it go again: it is no reason to stop what gave the operator its work, or mends it.

    Source: openshift/sriov-network-operator pkg/consts (annotation sriovnetwork.openshift.io/state of the Node).
    """
    return text(node, "sriov_state") not in (None, "Idle")


def serves(node: Node) -> bool:
    """Ready and schedulable, as far as it is known, or soon so."""
    return not away(node) or comes_back(node)


def usable_gpus(node: Node) -> float | None:
    """GPUs of the node that pods can get: allocatable once the device plugin runs, else those of the bus."""
    count = number(node, "accelerators", "count")
    usable = number(node, "allocatable", f"{text(node, 'accelerators', 'vendor')}.com/gpu")
    if usable:
        return min(usable, count) if count else usable
    return count
