# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network cards of a node and whether it can do RDMA."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .values import number, rows, text

NIC_CLASSES = {"0200": "Ethernet", "0207": "InfiniBand"}
# NFD's label of an InfiniBand card ("pci-0207_15b3.present"): where NodeFeatures weren't gathered, labels may be all there is.
_INFINIBAND = "feature.node.kubernetes.io/pci-0207"
_SPEED = re.compile(r"^(\d{1,9})\s*Mb/s$")
_LINK = {"ETH": "Ethernet", "IB": "InfiniBand"}
_DOWN = "-1 Mb/s"  # the kernel's speed of a port without link
GATEWAY = "k8s.ovn.org/l3-gateway-config"


def describe(
    feature: Mapping[str, Any] | None, sriov: list[dict[str, Any]] | None, uplinks: list[str] | None = None
) -> list[dict[str, Any]] | None:
    """The node's `nics`.

    The SR-IOV operator's list joins card and link; it holds only the cards that the operator supports, so NodeFeature's others
    come after it. NodeFeature holds cards and links apart; both carry the number of
    virtual functions. Where that number names one kind of card and as many links as cards, they are joined. What
    doesn't fit stays apart, never guessed: cards as rows without name, links as rows without `pci_id`.

    :param uplinks: MAC addresses of the node's own gateway (`gateway_macs`).
    """
    if sriov:
        return [_placed(row, uplinks) for row in sriov] + _others(feature, sriov)
    if feature is None:
        return None
    cards = [row for row in feature["pci"] if row["class"] in NIC_CLASSES]
    links = list(feature["links"])
    joined: list[dict[str, Any]] = []
    for vfs in sorted({row["vfs"] for row in cards if row["vfs"]}):
        same = [row for row in cards if row["vfs"] == vfs]
        theirs = [link for link in links if link["vfs"] == vfs]
        if len(same) == len(theirs) and len({(row["id"], row["class"]) for row in same}) == 1:
            joined += [_joined(card, link) for card, link in zip(same, theirs, strict=True)]
            cards = [row for row in cards if row["vfs"] != vfs]
            links = [link for link in links if link["vfs"] != vfs]
    return joined + [_joined(card, None) for card in cards] + [_joined(None, link) for link in links]


def _placed(row: dict[str, Any], uplinks: list[str] | None) -> dict[str, Any]:
    """The row with `uplink` in place of its address: whether the node's own network goes over this card. A bond's members all have the bond's."""
    mac = row["mac"]
    kept = {key: value for key, value in row.items() if key != "mac"}
    return {**kept, "uplink": None if uplinks is None or mac is None else mac in uplinks}


def _others(feature: Mapping[str, Any] | None, sriov: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """NodeFeature's cards that the SR-IOV operator doesn't list; of the same kind, as many as are left over.

    Virtual functions are PCI devices too: what has none of its own, of a vendor whose cards are listed, is one of theirs.
    """
    listed = Counter(row["pci_id"] for row in sriov)
    vendors = {str(row["pci_id"])[:5] for row in sriov}
    found = []
    for card in [row for row in (feature["pci"] if feature else []) if row["class"] in NIC_CLASSES]:
        if listed[card["id"]]:
            listed[card["id"]] -= 1
        elif card["vfs"] or card["id"][:5] not in vendors:
            found.append(_joined(card, None))
    return found


def gateway_macs(annotations: Mapping[str, Any]) -> list[str] | None:
    """MAC addresses of a node's gateway as OVN-Kubernetes notes them (the bridge has its card's); None where it notes none.

    Source: ovn-kubernetes go-controller/pkg/util/node_annotations.go.
    """
    try:
        noted = json.loads(text(annotations, GATEWAY) or "")
    except ValueError:
        return None
    rows_of = noted.values() if isinstance(noted, dict) else []
    return [mac.lower() for row in rows_of if isinstance(row, dict) and (mac := text(row, "mac-address"))] or None


def _joined(card: Mapping[str, Any] | None, link: Mapping[str, Any] | None) -> dict[str, Any]:
    name, speed, state = (link["name"], link["speed_mbps"], link["state"]) if link else (None, None, None)
    vfs = (card or link or {})["vfs"]
    if card is None:
        return _row(name, None, None, None, speed, state, vfs)
    return _row(name, card["id"], card["class"], NIC_CLASSES[card["class"]], speed, state, vfs)


def _row(
    name: str | None, pci_id: str | None, pci_class: str | None, layer: str | None,
    speed: int | None, state: str | None, vfs: int | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "name": name,
        "pci_id": pci_id,
        "class": pci_class,
        "link_layer": layer,
        "speed_mbps": speed,
        "state": state,
        "sriov_totalvfs": vfs,
    }


def from_sriov(state: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """(node, cards) of a SriovNetworkNodeState; it lists only the cards that the operator supports."""
    found: list[dict[str, Any]] = []
    for row in rows(state, "status", "interfaces"):
        vendor, device = text(row, "vendor"), text(row, "deviceID")
        speed = _SPEED.match(text(row, "linkSpeed") or "")
        layer = _LINK.get((text(row, "linkType") or "").upper())
        pci_class = {"Ethernet": "0200", "InfiniBand": "0207"}.get(layer or "")
        pci_id = f"{vendor}:{device}" if vendor and device else None
        link = "down" if text(row, "linkSpeed") == _DOWN else (text(row, "linkAdminState") or "").lower() or None
        mbps = int(speed.group(1)) if speed else None
        # Without the capability the operator leaves the number out; the card then has none to give.
        vfs = number(row.get("totalvfs")) or 0
        base = _row(text(row, "name"), pci_id, pci_class, layer, mbps, link, vfs)
        found.append({**base, **_details(row)})
    return text(state, "metadata", "name") or "", found


def _details(row: Mapping[str, Any]) -> dict[str, Any]:
    """What only the operator's list has: place and address of the card, and what was made of it already."""
    mac = text(row, "mac")
    return {
        "pci": text(row, "pciAddress"),
        "mac": mac.lower() if mac else None,
        "driver": text(row, "driver"),
        "mtu": number(row.get("mtu")),
        "sriov_numvfs": number(row.get("numVfs")) or 0,
    }


def rdma_capable(
    labels: Mapping[str, Any],
    allocatable: Mapping[str, Any],
    nics: list[dict[str, Any]] | None,
    catalog: Mapping[str, Any],
) -> bool | None:
    """NFD's labels (of NVIDIA cards, of InfiniBand's PCI class), an RDMA resource, or a listed card; False only where the cards are known."""
    if labels.get("feature.node.kubernetes.io/rdma.capable") == "true":
        return True
    if any(key.startswith(_INFINIBAND) and value == "true" for key, value in labels.items()):
        return True
    if any(name.startswith("rdma/") for name in allocatable):
        return True
    known = {row["id"] for row in catalog.get("nics", []) if row.get("rdma")}
    cards = [row for row in nics or [] if row["pci_id"]]
    if any(row["pci_id"] in known or row["class"] == "0207" for row in cards):
        return True
    return False if cards else None
