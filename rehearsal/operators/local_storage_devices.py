# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's block devices as the Local Storage operator's daemons see, filter and match them (pure).

Source: openshift/local-storage-operator release-4.20 pkg/diskmaker/discovery/discovery.go, pkg/diskmaker/controllers/lvset/matcher.go,
pkg/common/{provisioner_utils,capacity}.go. What is on a disk comes from the profile (`lvms_devices.py` tells how lsblk shows it).
A LocalVolume takes a disk with a file system, a LocalVolumeSet does not: so it is in the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.operators.lvms_devices import Device, block_devices
from rehearsal.operators.sizes import quantity

Object = dict[str, Any]
AVAILABLE, NOT_AVAILABLE = "Available", "NotAvailable"
MIN_SIZE = 1024**3
GIB, MIB = 1024**3, 1024**2
BOOT_LABELS = ("bios", "boot")
# RHCOS' small partitions (coreos-assembler's disk layout); `root` has the rest.
PART_SIZES = {"BIOS-BOOT": MIB, "EFI-SYSTEM": 127 * MIB, "boot": 384 * MIB}


@dataclass(frozen=True)
class Disk:
    """A block device with what a set may select it by."""

    name: str  # kernel name, nvme1n1
    path: str
    by_id: str
    links: tuple[str, ...]
    kind: str  # disk or part
    size: int
    rotational: bool
    model: str
    vendor: str
    serial: str
    fstype: str
    part_label: str
    has_children: bool
    in_use: bool  # someone holds it open: it cannot be opened exclusively


def disks_of(server: Mapping[str, Any], held: Iterable[str] = (), gone: Iterable[str] = ()) -> list[Disk]:
    """Disks and partitions of a node. `held`: devices (paths) in use by a volume group or a mount; `gone`: those that have vanished."""
    rows = {f"/dev/{disk['name']}": disk for disk in server["disks"]}
    found: list[Disk] = []
    for device in block_devices(server):
        if device.name in set(gone):
            continue
        row = rows[device.name]
        found += [_disk(device, row, "disk", device.name in set(held)), *(_disk(child, row, "part", False) for child in device.children)]
    return found


def discovered(disks: list[Disk]) -> list[Object]:
    """`status.discoveredDevices` of a LocalVolumeDiscoveryResult: devices with children are left out, their partitions are not."""
    return [
        {
            "deviceID": disk.by_id,
            "path": disk.path,
            "model": disk.model,
            "vendor": disk.vendor,
            "serial": disk.serial,
            "fstype": disk.fstype,
            "size": disk.size,
            "type": disk.kind,
            "property": "Rotational" if disk.rotational else "NonRotational",
            "status": {"state": NOT_AVAILABLE if _taken(disk) else AVAILABLE},
        }
        for disk in disks
        if not disk.has_children
    ]


def matches(disk: Disk, inclusion: Mapping[str, Any] | None) -> bool:
    """True when a LocalVolumeSet may take the disk: nothing is on it, and its inclusion spec selects it."""
    spec = inclusion or {}
    if disk.has_children or _taken(disk):
        return False
    low = quantity(spec["minSize"]) if spec.get("minSize") else MIN_SIZE
    high = quantity(spec["maxSize"]) if spec.get("maxSize") else disk.size
    types = [str(item).lower() for item in spec.get("deviceTypes") or []] or ["disk"]
    properties = spec.get("deviceMechanicalProperties") or []
    return (
        low <= disk.size <= high
        and disk.kind in types
        and (not properties or ("Rotational" if disk.rotational else "NonRotational") in properties)
        and _listed(disk.vendor, spec.get("vendors"))
        and _listed(disk.model, spec.get("models"))
    )


def by_path(path: str, disks: list[Disk]) -> Disk | None:
    """The device behind a path or udev link."""
    return next((disk for disk in disks if path == disk.path or path in disk.links), None)


def volume_name(file: str, node: str, storage_class: str) -> str:
    """Name of the PersistentVolume: FNV-1a (32 bits) of link, node and class."""
    value = 0x811C9DC5
    for byte in f"{file}{node}{storage_class}".encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return f"local-pv-{value:x}"


def capacity(size: int) -> str:
    """A disk's size as its volume tells it: rounded down to whole Gi, or Mi below ten Gi."""
    for unit, factor in (("Gi", GIB), ("Mi", MIB)):
        if size // factor >= 10:
            return f"{size // factor}{unit}"
    return str(size)


def _taken(disk: Disk) -> bool:
    return bool(disk.fstype) or disk.in_use or any(word in disk.part_label.lower() for word in BOOT_LABELS)


def _listed(value: str, words: Iterable[str] | None) -> bool:
    given = list(words or [])
    return not given or any(str(word).lower() in value.lower() for word in given)


def _disk(device: Device, row: Mapping[str, Any], kind: str, held: bool) -> Disk:
    whole = kind == "disk"
    suffix = device.name.removeprefix(f"/dev/{row['name']}").lstrip("p")
    by_id = str(row.get("by_id") or "") if whole else (f"{row['by_id']}-part{suffix}" if row.get("by_id") else "")
    return Disk(
        name=device.name.removeprefix("/dev/"),
        path=device.name,
        by_id=by_id,
        links=tuple(link for link in (by_id, str(row.get("by_path") or "") if whole else "") if link),
        kind=kind,
        size=int(row["size_bytes"]) if whole else PART_SIZES.get(device.part_label, int(row["size_bytes"]) - 512 * MIB),
        rotational=bool(row.get("rotational")),
        model=str(row.get("model") or ""),
        vendor="" if row.get("transport") == "nvme" else "ATA" if row.get("transport") == "sata" else "",
        serial=str(row.get("serial") or ""),
        fstype=device.fstype,
        part_label=device.part_label,
        has_children=bool(device.children),
        in_use=held,
    )
