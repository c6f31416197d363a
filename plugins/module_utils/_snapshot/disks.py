# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVMe drives of a node: how many, how large, and whether something has them already.

NodeFeature counts and names them, before anything is installed. Sizes and use are known only where LVM Storage (why it took or
left a device) or the Local Storage Operator's discovery has looked; what nobody has looked at is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .values import name_of, number, rows, text

NVME_CLASS = "0108"
_NAMESPACE = re.compile(r"^nvme\d+n\d+$")  # a namespace, not a partition
# The one reason for leaving a device alone that says nothing of its use (openshift/lvm-operator v4.20 filter/filter.go).
_NOT_SELECTED = "not part of the device selector"
_IN_USE = {"Available": False, "NotAvailable": True}  # openshift/local-storage-operator, DeviceStatus
_WHOLE = re.compile(r"^(nvme\d+n\d+)p\d+$")  # a partition, and the namespace that it is on
_PART = re.compile(r"-part\d+$")
Drives = dict[str, dict[str, Any]]  # device name -> {size_bytes, in_use, why}, and by_id where it is known


def describe(feature: Mapping[str, Any] | None, drives: Drives | None = None) -> dict[str, Any]:
    """The node's `nvme`: drives on the PCI bus, and what is known of each block device.

    :param drives: what the storage operators say of the node (`by_node`), None where they have not looked.
    """
    listed = set(feature["disks"] if feature is not None else []) | set(drives or {})
    names = sorted(name for name in listed if _NAMESPACE.match(name))
    nothing = {"size_bytes": None, "in_use": None, "why": None}
    return {
        "count": _count(feature, names, drives),
        "devices": [{"name": name, **nothing, **(drives or {}).get(name, {})} for name in names],
    }


def _count(feature: Mapping[str, Any] | None, names: list[str], drives: Drives | None) -> int | None:
    if feature is not None:
        return sum(1 for row in feature["pci"] if row["class"] == NVME_CLASS)
    return len(names) if drives else None  # no device at all: nobody has looked, since each machine has some


def from_lvms(status: dict[str, Any]) -> tuple[str, Drives]:
    """(node, drives) of an LVMVolumeGroupNodeStatus, which is named after its node. It gives no sizes."""
    found: Drives = {}
    for row in rows(status, "spec", "nodeStatus"):
        for excluded in rows(row, "excluded"):
            reasons = [reason for reason in _texts(excluded.get("reasons")) if _NOT_SELECTED not in reason]
            name = _device(text(excluded, "name"))
            if name and not (reasons == [] and name in found):
                found[name] = _seen(None, True if reasons else None, "; ".join(reasons)[:300] or None)
    for row in rows(status, "spec", "nodeStatus"):
        for path in _texts(row.get("devices")):
            found[_device(path) or ""] = _seen(None, True, f"volume group {text(row, 'name')}")
    found.pop("", None)
    return name_of(status), found


def from_local_storage(result: dict[str, Any]) -> tuple[str, Drives]:
    """(node, drives) of a LocalVolumeDiscoveryResult."""
    found: Drives = {}
    listed = rows(result, "status", "discoveredDevices")
    for row in listed:
        name = _device(text(row, "path"))
        if name and text(row, "type") in (None, "disk"):
            kind = text(row, "fstype")
            in_use = True if kind else _IN_USE.get(text(row, "status", "state") or "")
            seen = _seen(number(row.get("size")), in_use, f"holds {kind}" if kind else None)
            found[name] = {**seen, **_named(text(row, "deviceID"))}
    for row in listed:  # a drive with partitions isn't listed itself
        whole = _WHOLE.match(_device(text(row, "path")) or "")
        if whole:
            before = found.get(whole[1], {})
            seen = _seen(before.get("size_bytes"), True, before.get("why") or "has partitions")
            found[whole[1]] = {**before, **seen, **_named(_PART.sub("", text(row, "deviceID") or ""))}
    return text(result, "spec", "nodeName") or "", found


def _named(path: str | None) -> dict[str, str]:
    """The name that udev made of model and serial number; the operator leaves it empty where there is none."""
    return {"by_id": path} if path and path.startswith("/dev/disk/by-id/") else {}


def by_node(*sources: Iterable[tuple[str, Drives]] | None) -> dict[str, Drives]:
    """Node -> drives. Of two sources each adds what the other doesn't know; "in use" from either stands."""
    found: dict[str, Drives] = {}
    for source in sources:
        for node, drives in source or []:
            known = found.setdefault(node, {})
            for name, row in drives.items():
                known[name] = _joined(known[name], row) if name in known else row
    return found


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    uses = [row["in_use"] for row in (one, other)]
    in_use = True if True in uses else False if False in uses else None
    size = one["size_bytes"] if one["size_bytes"] is not None else other["size_bytes"]
    return {**_seen(size, in_use, one["why"] or other["why"]), **_named(one.get("by_id") or other.get("by_id"))}


def _seen(size: int | None, in_use: bool | None, why: str | None) -> dict[str, Any]:
    return {"size_bytes": size, "in_use": in_use, "why": why}


def _device(path: str | None) -> str | None:
    return path.removeprefix("/dev/") if path else None


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
