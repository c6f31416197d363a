# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NFD's NodeFeature objects hold about a node: PCI devices, links, disks, NUMA.

They list every PCI device and NIC of a node, whatever the label whitelist, before any driver is installed
(source: kubernetes-sigs/node-feature-discovery pkg/nfd-worker).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .values import dig, mapping, name_of, number, rows, text

NODE_NAME = "nfd.node.kubernetes.io/node-name"
_HEX = re.compile(r"^[0-9a-f]{4}$")


def reduce(feature: dict[str, Any]) -> dict[str, Any]:
    """The few facts of one NodeFeature object, small enough to keep for thousands of nodes."""
    instances = mapping(feature, "spec", "features", "instances")
    return {
        "node": text(feature, "metadata", "labels", NODE_NAME) or name_of(feature),
        "pci": list(_devices(_attributes(instances, "pci.device"))),
        "links": [link for row in _attributes(instances, "network.device") if (link := _link(row))],
        "disks": [name for row in _attributes(instances, "storage.block") if (name := text(row, "name"))],
        "numa_nodes": number(dig(feature, "spec", "features", "attributes", "memory.numa", "elements", "node_count")),
    }


def by_node(features: Iterable[dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """Node name -> facts. Several objects for one node (other feature sources write them too) are joined."""
    found: dict[str, dict[str, Any]] = {}
    for row in features or []:
        known = found.setdefault(row["node"], {"pci": [], "links": [], "disks": [], "numa_nodes": None})
        for key in ("pci", "links", "disks"):
            known[key] = known[key] or row[key]
        known["numa_nodes"] = known["numa_nodes"] or row["numa_nodes"]
    # An object without any PCI device says nothing about devices: each machine has some.
    return {node: facts for node, facts in found.items() if facts["pci"]}


def _attributes(instances: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [mapping(row, "attributes") for row in rows(instances, kind, "elements")]


def _devices(attributes: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for row in attributes:
        parts = [(text(row, key) or "").lower() for key in ("vendor", "device", "class")]
        if all(_HEX.match(part) for part in parts):
            vfs = number(row.get("sriov_totalvfs"))
            yield {"id": f"{parts[0]}:{parts[1]}", "vendor": parts[0], "class": parts[2], "vfs": vfs}


def _link(row: dict[str, Any]) -> dict[str, Any] | None:
    name = text(row, "name")
    if not name:
        return None
    speed = number(row.get("speed"))
    return {
        "name": name,
        "speed_mbps": speed if speed and speed > 0 else None,
        "state": text(row, "operstate"),
        "vfs": number(row.get("sriov_totalvfs")),
    }
