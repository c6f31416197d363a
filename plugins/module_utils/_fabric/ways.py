# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a pod gets at a rail: virtual functions (SR-IOV), the cards shared (NVIDIA's network operator), whole cards, or what the site has made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import flag, names, rows, text
from .._data.facts import Facts
from .rails import Rail

Row = Mapping[str, Any]

AUTO, SRIOV, SHARED, WHOLE, EXISTING = "auto", "sriov", "nvidia-network-operator", "host-device", "existing"
OPERATORS = {SRIOV: ("sriov-network-operator",), SHARED: ("sriov-network-operator", "nvidia-network-operator")}
OPERATORS[WHOLE] = OPERATORS[SHARED]
PREFIX = {SRIOV: "openshift.io", SHARED: "rdma", WHOLE: "nvidia.com"}


def chosen(declared: str | None) -> str:
    """SR-IOV unless declared otherwise: each pod has its own devices, and Red Hat's operator makes them."""
    return SRIOV if declared in (None, "", AUTO) else str(declared)


def problems(way: str, rails: list[Rail], pods: int, mtu: int | None, facts: Facts) -> list[str]:
    """Why the rails' cards can't be given to pods in this way.

    :param pods: model servers that a node has room for.
    """
    cards = [card for rail in rails for card in rail.cards.values()]
    if way == SRIOV:
        able = {row["id"] for row in facts.fabric["sriov_cards"]}
        other = sorted({card.pci_id for card in cards} - able)
        return [f"cards {names(other)} don't do RDMA by virtual functions of the SR-IOV operator; declare another llmd_fabric_way."] if other else []
    foreign = sorted({card.pci_id for card in cards if card.vendor != "15b3"})
    if foreign:
        return [f"cards {names(foreign)} aren't NVIDIA's, and its network operator drives no others; declare llmd_fabric_way: sriov."]
    found = _by_name(rails) if way == SHARED else []
    if way == WHOLE and pods > 1:
        found.append(
            f"a whole card goes to one pod, but a node has room for {pods} model servers. Declare llmd_gpus_per_replica so that a node has one,"
            " or llmd_fabric_way: sriov."
        )
    low = [f"node {card.node}, {card.where} has {card.mtu}" for card in cards if mtu and card.mtu and card.mtu < mtu]
    if low:
        found.append(f"the rails' MTU is to be {mtu}, but {names(low)}. Raise it on the nodes (NodeNetworkConfigurationPolicy of NMState), or declare less.")
    return found


def _by_name(rails: list[Rail]) -> list[str]:
    """A MacvlanNetwork has one interface name for all nodes, and the shared device plugin one list of names for a rail."""
    odd = [f"rail {rail.index} is {names(rail.interfaces)}" for rail in rails if len(rail.interfaces) > 1]
    todo = "Make the names alike on all nodes (udev), or declare llmd_fabric_way: sriov, which goes by PCI address."
    return [f"the interfaces have other names on other nodes: {names(odd)}. {todo}"] if odd else []


def driver_problems(nodes: list[Row]) -> list[str]:
    """NVIDIA's driver takes all of its cards down while it loads, so the node's own network can't be one of them."""
    cut_off = [str(text(node, "name")) for node in nodes if any(flag(nic, "uplink") and _is_nvidia(nic) for nic in rows(node, "nics") or [])]
    if not cut_off:
        return []
    return [
        f"node {names(cut_off)}: the node's own network goes over a card of NVIDIA, which its driver takes down while it loads."
        " Leave llmd_fabric_driver false."
    ]


def third_party(nodes: list[Row]) -> bool:
    """Whether RDMA drivers of others hold the modules that NVIDIA's driver must replace (irdma of Intel, bnxt_re of Broadcom)."""
    return any((text(nic, "pci_id") or "")[:4] in ("8086", "14e4") for node in nodes for nic in rows(node, "nics") or [])


def _is_nvidia(nic: Row) -> bool:
    return (text(nic, "pci_id") or "").startswith("15b3:")
