# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on network, host link and drives."""

from __future__ import annotations

from .look import dig, flag, mapping, names, number, rows, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import Node, is_rdma_card, models

_NFD = "Let Node Feature Discovery run on the nodes (site does that), then assess again."


def rdma(case: Case) -> list[Finding]:
    """P/D and WEP need an RDMA fabric on every candidate."""
    if not dig(case.row, "network", "rdma"):
        return []
    grouped = case.grouped(lambda node: node_rdma(case, node))
    return [
        case.finding(
            "fabric-rdma", status, f"node {names(nodes)}", observed, "an active RDMA port (InfiniBand or RoCE) of at least 100 Gb/s",
            "Connect and bring up the port, or leave the node out with llmd_node_selector." if status == FAIL else _NFD,
            deciding=True, hardware=True, nodes=tuple(nodes),
        )
        for (status, observed), nodes in grouped.items()
    ]  # fmt: skip


def node_rdma(case: Case, node: Node) -> tuple[str, str]:
    """(status, what was seen). A device plugin's rdma/ resource proves it; else cards and ports are looked at."""
    if any(str(key).startswith("rdma/") and number(node, "allocatable", key) for key in mapping(node, "allocatable")):
        return PASS, "an RDMA resource is allocatable"
    capable, nics = flag(node, "rdma_capable"), rows(node, "nics")
    if capable is False:
        return FAIL, "no card that can do RDMA"
    if capable is None or nics is None:
        return UNKNOWN, "its network cards aren't known"
    cards = [nic for nic in nics if is_rdma_card(nic, case.facts.rdma_nics)]
    fast = [nic for nic in cards if _fast(case, nic)]
    if not cards:
        return UNKNOWN, "the card that can do RDMA isn't known"
    if not fast:
        return FAIL, f"only RDMA cards of less than 100 Gb/s ({names(_labels(cards))})"
    return _ports(fast)


def _ports(cards: list[Node]) -> tuple[str, str]:
    states = [text(card, "state") for card in cards]
    if "up" in states:
        live = [card for card, state in zip(cards, states, strict=True) if state == "up"]
        return PASS, f"{len(live)} active RDMA ports{_layers(live)}"
    # NodeFeature lists cards without their ports (no name): that the card is there is all that can be known before a driver.
    if any(state is None and text(card, "name") is None for card, state in zip(cards, states, strict=True)):
        return PASS, f"{len(cards)} RDMA cards{_layers(cards)}, the state of their ports isn't known"
    if None in states:
        return UNKNOWN, f"the state of {names(_labels(cards))} isn't known"
    return FAIL, f"no active RDMA port: {names(_labels(cards))} down"


def link_layer(nic: Node) -> str | None:
    """InfiniBand or Ethernet: by the link, else by the card's PCI class (0207 is InfiniBand), known before any operator runs."""
    by_class = {"0200": "Ethernet", "0207": "InfiniBand"}
    return text(nic, "link_layer") or by_class.get(text(nic, "class") or "")


def _layers(cards: list[Node]) -> str:
    words = {"Ethernet": "RoCE", "InfiniBand": "InfiniBand"}
    seen = {words.get(link_layer(card) or "", "") for card in cards}
    return f" ({' and '.join(sorted(seen))})" if seen and "" not in seen else ""


def layer(case: Case) -> list[Finding]:
    """InfiniBand or RoCE: all nodes alike, since a node of one can't reach a node of the other."""
    if not dig(case.row, "network", "rdma") or not case.candidates.gpu:
        return []
    groups = case.grouped(lambda node: _node_layers(case, node))
    seen = {entry for group in groups for entry in group}
    unclear = [name for group, nodes in groups.items() if not group or None in group for name in nodes]
    common = set.intersection(*(set(group) for group in groups))
    apart = len(groups) > 1 and not unclear and not common
    said = [f"{' and '.join(sorted(str(item or 'not known') for item in group)) or 'not known'} on {names(nodes)}" for group, nodes in groups.items()]
    return [case.finding(
        "fabric-link-layer", WARN if apart else UNKNOWN if unclear else PASS, "RDMA fabric", "; ".join(said),
        "one kind of fabric on all nodes (InfiniBand or RoCE)",
        "Serve from the nodes of one fabric (llmd_node_selector), or set the cards' LINK_TYPE alike (mstconfig)." if apart
        else _NFD if unclear else "Nothing.", source="PCI classes 0200 and 0207; SriovNetworkNodeState linkType",
    )] if seen or unclear else []  # fmt: skip


def _node_layers(case: Case, node: Node) -> tuple[str | None, ...]:
    """The link layers of a node's fast RDMA cards; empty where no such card is known."""
    cards = [nic for nic in rows(node, "nics") or [] if is_rdma_card(nic, case.facts.rdma_nics) and _fast(case, nic)]
    return tuple(sorted({link_layer(card) for card in cards}, key=str))


def _labels(cards: list[Node]) -> list[str]:
    return [text(card, "name") or text(card, "pci_id") or "a card" for card in cards]


def _fast(case: Case, nic: Node) -> bool:
    floor = case.facts.traits["fabric_gbit"]["at_least"]
    speed, slow = number(nic, "speed_mbps"), dig(case.facts.traits, "slow_nics", text(nic, "pci_id") or "")
    if slow:
        return False
    return not speed or speed >= floor * 1000


def port_state(case: Case) -> list[Finding]:
    """Says which nodes' RDMA ports could not be looked at, so that a verdict that stands on the cards shows it."""
    if not dig(case.row, "network", "rdma"):
        return []
    grouped = case.grouped(lambda node: node_rdma(case, node)[1])
    blind = [node for seen, nodes in grouped.items() if "isn't known" in seen for node in nodes]
    if not blind:
        return []
    return [case.finding(
        "fabric-port-state", UNKNOWN, f"node {names(blind)}", "the state of the RDMA ports isn't known", "active ports",
        "Install the SR-IOV operator, whose SriovNetworkNodeState shows it.", nodes=tuple(blind),
    )]  # fmt: skip


def ethernet(case: Case) -> list[Finding]:
    """Line rate of the fastest Ethernet link of each candidate; it confirms, it doesn't decide when unknown."""
    rates = dig(case.row, "network", "ethernet_gbit")
    if not rates:
        return []
    floor = min(rates)
    grouped = case.grouped(lambda node: _node_ethernet(node, floor))
    return [
        case.finding(
            "ethernet-line-rate", status, f"node {names(nodes)}", observed, f"{floor} Gb/s or more (the article: {' or '.join(map(str, rates))} GbE)",
            f"Use a port of at least {floor} Gb/s on these nodes." if status == FAIL else _NFD, required=True, nodes=tuple(nodes),
        )
        for (status, observed), nodes in grouped.items()
    ]  # fmt: skip


def _node_ethernet(node: Node, floor: int) -> tuple[str, str]:
    nics = rows(node, "nics")
    links = [
        nic
        for nic in nics or []
        if text(nic, "link_layer") != "InfiniBand" and text(nic, "class") != "0207" and text(nic, "state") != "down"
    ]
    speeds = [number(nic, "speed_mbps") for nic in links]
    known = [speed for speed in speeds if speed]
    if known and max(known) >= floor * 1000:
        return PASS, f"{max(known) / 1000:g} Gb/s"
    # Cards without a name are the PCI view of the same ports: they carry no speed and say nothing against the links.
    open_questions = [nic for nic, speed in zip(links, speeds, strict=True) if not speed and text(nic, "name")]
    if not known or open_questions:
        return UNKNOWN, "the line rate isn't known"
    return FAIL, f"{max(known) / 1000:g} Gb/s"


def pcie(case: Case) -> list[Finding]:
    """PCIe 5+ is an attribute of the host: as the site has measured it, else inferred from the GPU's model, which nothing contradicts."""
    floor = dig(case.row, "network", "pcie_generation")
    if not floor:
        return []
    grouped = case.grouped(lambda node: _node_pcie(case, node, floor))
    remedies = {
        PASS: "Nothing.",
        WARN: "The article lists this GPU all the same; expect half the transfer rate of a generation 5 device.",
        FAIL: "Serve this path from nodes with such hosts (llmd_node_selector), or correct the label llmd.openshift.io/pcie-generation.",
        UNKNOWN: "Measure the host (max_link_speed of the GPUs' ports in sysfs, or DCGM field 235) and write it into the node's label "
        "llmd.openshift.io/pcie-generation.",
    }
    return [
        case.finding(
            "pcie-generation",
            status,
            f"node {names(nodes)}",
            observed,
            f"host of PCIe {floor} or newer",
            remedies[status],
            required=True,
            nodes=tuple(nodes),
        )
        for (status, observed), nodes in grouped.items()
    ]


def _node_pcie(case: Case, node: Node, floor: int) -> tuple[str, str]:
    measured = number(node, "pcie_generation")
    if measured:
        return (PASS if measured >= floor else FAIL), f"host of PCIe {measured:g} (measured, label of the node)"
    seen = sorted(models(node, case.facts.gpu_models) or [])
    generations = [dig(case.facts.traits, "models", model, "pcie_generation") for model in seen]
    known = [generation for generation in generations if generation is not None]
    said = " and ".join(
        f"{model} is a generation {generation or '(unknown)'} device"
        for model, generation in zip(seen, generations, strict=True)
    )
    if not seen or len(known) < len(seen):
        return UNKNOWN, f"{said} (by its model)" if said else "not known"
    return (PASS if min(known) >= floor else WARN), f"{said} (by its model)"


def nvme(case: Case) -> list[Finding]:
    """Required for wide expert parallelism, recommended elsewhere."""
    wanted = dig(case.row, "storage")
    if wanted not in ("nvme_required", "nvme_recommended"):
        return []
    must = wanted == "nvme_required"
    grouped = case.grouped(lambda node: _node_nvme(node, must))
    return [
        case.finding(
            "local-nvme", status, f"node {names(nodes)}", observed, "local NVMe drives" + ("" if must else " (recommended)"),
            _NFD if status == UNKNOWN else "Add NVMe drives, or leave the nodes out with llmd_node_selector.",
            deciding=must, hardware=True, nodes=tuple(nodes),
        )
        for (status, observed), nodes in grouped.items()
    ]  # fmt: skip


def _node_nvme(node: Node, must: bool) -> tuple[str, str]:
    count = number(node, "nvme", "count")
    if count is None:
        return UNKNOWN, "its drives aren't known"
    return PASS if count else FAIL if must else WARN, f"{count:g} NVMe drives{_use(node)}"


def _use(node: Node) -> str:
    """What the storage operators say of the drives: how many are free, and how large those of known size are together."""
    devices = rows(node, "nvme", "devices") or []
    free = [device for device in devices if flag(device, "in_use") is False]
    sizes = [size for device in devices if (size := number(device, "size_bytes"))]
    said = [f"{len(free)} of {len(devices)} devices are free"] if any(flag(device, "in_use") is not None for device in devices) else []
    said += [f"{sum(sizes) / 2**40:.3g} TiB in {len(sizes)} devices"] if sizes else []
    return f" ({', '.join(said)})" if said else ""
