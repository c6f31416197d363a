# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on addresses and rails: overlaps, room for pods, RDMA ports per GPU, virtual functions."""

from __future__ import annotations

from typing import Any

from .look import dig, names, number, rows, strings, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import Node, is_rdma_card, usable_gpus

try:
    import netaddr
except ImportError:  # a broken controller is told so by the finding itself
    netaddr = None

_OVN = "openshift-docs, OVN-Kubernetes address ranges (join 100.64.0.0/16, transit 100.88.0.0/16, masquerade 169.254.0.0/17)"
_TAKEN = 3  # of a node's piece: network, broadcast, gateway
_RAILS = "one RDMA port a GPU is the layout of the vendors' reference systems (DGX, HGX)"


def _parsed(label: str, texts: list[str]) -> tuple[list[tuple[str, Any]], list[str]]:
    """([(words, network)], what isn't a network)."""
    good, bad = [], []
    for item in texts:
        try:
            good.append((f"{label} {item}", netaddr.IPNetwork(item)))
        except (netaddr.AddrFormatError, ValueError, TypeError):
            bad.append(item)
    return good, bad


def overlaps(case: Case) -> list[Finding]:
    """Networks that must not share an address. Rails are yours to choose, so they stop a run; the others are there already."""
    expected = "networks without a common address"
    if netaddr is None:
        return [case.finding(
            "network-overlap", UNKNOWN, "networks", "the Python package netaddr isn't installed", expected, "Install it on the controller.", source=_OVN
        )]  # fmt: skip
    given = {key: dig(case.snapshot, "networks", key) for key in ("cluster", "service", "machine")}
    words = {"cluster": "pod network", "service": "service network", "machine": "machine network"}
    whole = text(case.declared, "rail_range")
    ours, bad = _parsed("rail", [*strings(case.declared, "rail_subnets"), *([whole] if whole else [])])
    theirs: list[tuple[str, Any]] = []
    for key, word in words.items():
        good, wrong = _parsed(word, strings(case.snapshot, "networks", key))
        theirs += good
        bad += wrong
    if text(case.snapshot, "networks", "type") == "OVNKubernetes" and ours:
        theirs += [(f"{row['name']} network {row['cidr']}", netaddr.IPNetwork(row["cidr"])) for row in case.facts.fabric["inner_networks"]]
    found = [_overlap(case, one, two, True) for one, two in _pairs(ours, ours, theirs)]
    found += [_overlap(case, one, two, False) for one, two in _pairs(theirs, theirs)]
    unknown = [words[key] for key, value in given.items() if value is None]
    if bad or (unknown and ours):
        said = [f"{names([ascii(item)[1:-1] for item in bad])} isn't a network"] if bad else []
        said += [f"the {' and the '.join(unknown)} isn't known"] if unknown and ours else []
        found.append(
            case.finding(
                "network-overlap",
                UNKNOWN,
                "networks",
                "; ".join(said),
                expected,
                "Look them up by hand (Network and Infrastructure cluster).",
                source=_OVN,
            )
        )
    if not found and theirs:
        found.append(
            case.finding(
                "network-overlap",
                PASS,
                "networks",
                f"{len(ours) + len(theirs)} networks, no common address",
                expected,
                "Nothing.",
                source=_OVN,
            )
        )
    return found


def _pairs(one: list[Any], *others: list[Any]) -> list[tuple[str, str]]:
    """Each overlapping pair once, as words."""
    seen: dict[frozenset[str], tuple[str, str]] = {}
    for word, net in one:
        for other, against in (entry for group in others for entry in group):
            same_family = net.version == against.version
            if word != other and same_family and (net in against or against in net):
                seen.setdefault(frozenset((word, other)), (word, other))
    duplicates = {word for word, _net in one if [entry[0] for entry in one].count(word) > 1}
    return [*seen.values(), *((word, "itself, given twice") for word in sorted(duplicates))]


def _overlap(case: Case, one: str, two: str, rail: bool) -> Finding:
    remedy = (
        "Choose another range in llmd_rail_range or llmd_rail_subnets."
        if rail
        else "The cluster's networks can't be changed in place; ask Red Hat."
    )
    return case.finding(
        "network-overlap", FAIL if rail else WARN, one, f"overlaps with {two}", "networks without a common address", remedy, blocking=rail, source=_OVN
    )  # fmt: skip


def rail_room(case: Case) -> list[Finding]:
    """Each rail's subnet has an address for each GPU node's pod and a gateway."""
    subnets = strings(case.declared, "rail_subnets")
    need = len(case.candidates.gpu) + len(case.candidates.unsure) + 1
    if netaddr is None or not subnets:
        return []
    good = _parsed("rail", subnets)[0]
    small = [f"{word} has {net.size - 2}" for word, net in good if net.version == 4 and net.size - 2 < need]
    return [case.finding(
        "rail-addresses", FAIL if small else PASS, "llmd_rail_subnets", "; ".join(small) or f"{len(good)} subnets are large enough",
        f"at least {need} addresses each", "Take larger subnets.", blocking=bool(small), source="one pod a node and rail, and a gateway",
    )]  # fmt: skip


def pod_room(case: Case) -> list[Finding]:
    """The pod network is cut into one piece a node (hostPrefix): enough pieces, and each large enough for the pods."""
    prefixes = dig(case.snapshot, "networks", "host_prefixes")
    cidrs = strings(case.snapshot, "networks", "cluster")
    nodes = rows(case.snapshot, "nodes")
    if netaddr is None or not isinstance(prefixes, list) or len(prefixes) != len(cidrs) or nodes is None:
        return []
    room, pods = 0, [count for node in nodes if (count := number(node, "pods"))]
    tight: list[str] = []
    for cidr, prefix in zip(cidrs, prefixes, strict=True):
        good = _parsed("pod network", [cidr])[0]
        if (
            not good
            or not isinstance(prefix, int)
            or good[0][1].version != 4
            or not good[0][1].prefixlen <= prefix <= 32
        ):
            continue
        room += 2 ** (prefix - good[0][1].prefixlen)
        each = 2 ** (32 - prefix) - _TAKEN
        if pods and each < max(pods):
            tight.append(f"a /{prefix} has {each} addresses, and a node takes {max(pods):g} pods")
    if not room:
        return []
    status = WARN if len(nodes) > room * 0.9 or tight else PASS
    return [case.finding(
        "pod-addresses", status, "pod network", "; ".join([f"pieces for {room} nodes, {len(nodes)} are there", *tight]),
        "a tenth of the pieces free, each large enough for the pods of a node",
        "No node can join when they are used up: add a cluster network (oc edit network.operator).", source="Network spec.clusterNetwork hostPrefix",
    )]  # fmt: skip


def rails(case: Case) -> list[Finding]:
    """RDMA ports per GPU, and whether the declared rails are as many as the ports."""
    if not dig(case.row, "network", "rdma"):
        return []
    declared = len(strings(case.declared, "rail_subnets"))
    groups = case.grouped(lambda node: _ports_per_gpu(case, node, declared))
    return [
        case.finding(
            "rdma-ports-per-gpu", status, f"node {names(nodes)}", seen, "one RDMA port a GPU" + (f", {declared} rails" if declared else ""),
            "Check the cabling and the declared rails; with fewer ports, GPUs share one." if status == WARN
            else "Let Node Feature Discovery or the SR-IOV operator show the ports.",
            nodes=tuple(nodes), source=_RAILS,
        )
        for (status, seen), nodes in groups.items()
    ]  # fmt: skip


def _ports_per_gpu(case: Case, node: Node, declared: int) -> tuple[str, str]:
    gpus, nics = usable_gpus(node), rows(node, "nics")
    if not gpus or nics is None:
        return UNKNOWN, "its GPUs or its network cards aren't known"
    ports = sum(
        1
        for nic in nics
        if is_rdma_card(nic, case.facts.rdma_nics)
        and not dig(case.facts.traits, "slow_nics", text(nic, "pci_id") or "")
    )
    said = f"{ports} RDMA ports for {gpus:g} GPUs"
    return (PASS if ports >= gpus and declared in (0, ports) else WARN), said


def virtual_functions(case: Case) -> list[Finding]:
    """SR-IOV: cards that have no virtual functions to give (switched off in the firmware or the BIOS)."""
    if not dig(case.row, "network", "rdma"):
        return []
    groups = case.grouped(lambda node: _functions(case, node))
    return [
        case.finding(
            "sriov-capable", status, f"node {names(nodes)}", seen, "RDMA cards with virtual functions",
            "Switch SR-IOV on in the BIOS and in the card's firmware (mstconfig SRIOV_EN, NUM_OF_VFS)." if status == WARN
            else "Let Node Feature Discovery run on the nodes.",
            nodes=tuple(nodes), source="openshift-docs, SR-IOV hardware networks, configuring the BIOS",
        )
        for (status, seen), nodes in groups.items()
    ]  # fmt: skip


def _functions(case: Case, node: Node) -> tuple[str, str]:
    nics = rows(node, "nics")
    cards = [nic for nic in nics or [] if is_rdma_card(nic, case.facts.rdma_nics)]
    known = [count for nic in cards if (count := number(nic, "sriov_totalvfs")) is not None]
    if not cards or not known:
        return UNKNOWN, "the virtual functions of its RDMA cards aren't known"
    return (PASS if max(known) > 0 else WARN), f"up to {max(known):g} virtual functions a card"
