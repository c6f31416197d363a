# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network cards of a node and whether it can do RDMA."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .values import number, rows, text

NIC_CLASSES = {"0200": "Ethernet", "0207": "InfiniBand"}
# NFD's label of an InfiniBand card ("pci-0207_15b3.present"): where NodeFeatures weren't gathered, labels may be all there is.
_INFINIBAND = "feature.node.kubernetes.io/pci-0207"
_SPEED = re.compile(r"^(\d{1,9})\s*Mb/s$")
_LINK = {"ETH": "Ethernet", "IB": "InfiniBand"}


def describe(feature: Mapping[str, Any] | None, sriov: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """The node's `nics`.

    The SR-IOV operator's list joins card and link. NodeFeature holds cards and links apart; both carry the number of
    virtual functions. Where that number names one kind of card and as many links as cards, they are joined. What
    doesn't fit stays apart, never guessed: cards as rows without name, links as rows without `pci_id`.
    """
    if sriov:
        return sriov
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
        link = (text(row, "linkAdminState") or "").lower() or None
        mbps = int(speed.group(1)) if speed else None
        vfs = number(row.get("totalvfs"))
        found.append(_row(text(row, "name"), pci_id, pci_class, layer, mbps, link, vfs))
    return text(state, "metadata", "name") or "", found


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
