# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NFD's NodeFeature objects hold about a node: PCI devices, links, disks, NUMA.

They list every PCI device and NIC of a node, whatever the label whitelist, before any driver is installed
(source: kubernetes-sigs/node-feature-discovery pkg/nfd-worker).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from .values import dig, mapping, name_of, number, rows, text

NODE_NAME = "nfd.node.kubernetes.io/node-name"
_HEX = re.compile(r"^[0-9a-f]{4}$")


class Alike:
    """Reads lists of attributes; lists that are the same are read once, and all nodes share what was read (nobody changes it).

    A cluster of thousands of nodes has a handful of kinds of servers, and most of the cost of a snapshot would lie here.
    """

    LIMIT = 2000

    def __init__(self, read: Callable[[list[dict[str, Any]]], list[Any]], *fields: str) -> None:
        self.read, self.fields = read, fields
        self.known: dict[Any, list[Any]] = {}

    def __call__(self, instances: dict[str, Any], kind: str) -> list[Any]:
        """What is read of `instances[kind].elements[].attributes`."""
        try:
            elements = instances[kind]["elements"]
            key = tuple([tuple(map(row["attributes"].get, self.fields)) for row in elements])
            found = self.known.get(key)
        except (KeyError, TypeError, AttributeError):  # something isn't as it should be: read what is there
            return self.read([mapping(row, "attributes") for row in rows(instances, kind, "elements")])
        if found is None:
            if len(self.known) >= self.LIMIT:
                self.known.clear()
            found = self.known[key] = self.read([mapping(row, "attributes") for row in rows(elements)])
        return found


def reduce(feature: dict[str, Any]) -> dict[str, Any]:
    """The few facts of one NodeFeature object, small enough to keep for thousands of nodes."""
    instances = mapping(feature, "spec", "features", "instances")
    return {
        "node": text(feature, "metadata", "labels", NODE_NAME) or name_of(feature),
        "pci": _PCI(instances, "pci.device"),
        "links": _LINKS(instances, "network.device"),
        "disks": _DISKS(instances, "storage.block"),
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


def _devices(attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for row in attributes:
        parts = [(text(row, key) or "").lower() for key in ("vendor", "device", "class")]
        if all(_HEX.match(part) for part in parts):
            vfs = number(row.get("sriov_totalvfs"))
            found.append({"id": f"{parts[0]}:{parts[1]}", "vendor": parts[0], "class": parts[2], "vfs": vfs})
    return found


def _links(attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [link for row in attributes if (link := _link(row))]


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


def _names(attributes: list[dict[str, Any]]) -> list[str]:
    return [name for row in attributes if (name := text(row, "name"))]


_PCI = Alike(_devices, "vendor", "device", "class", "sriov_totalvfs")
_LINKS = Alike(_links, "name", "speed", "operstate", "sriov_totalvfs")
_DISKS = Alike(_names, "name")
