# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks of a node LVMS takes for a volume group, and why it refuses the others (pure).

Source: openshift/lvm-operator v4.20.0 internal/controllers/vgmanager/{controller,devices,wipe_devices}.go, filter/filter.go (the
reasons' words). A disk's content comes from the profile (`holds`, see rehearsal/hardware.py). How lsblk shows each kind of content
(partition labels of RHCOS, file system names) is general knowledge, not read from a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

INVALID_PARTITION_LABELS = ("bios", "boot", "reserved")
TAG = "@lvms"
LSBLK_COLUMNS = "NAME,ROTA,TYPE,SIZE,MODEL,VENDOR,RO,STATE,KNAME,SERIAL,PARTLABEL,FSTYPE"
UNKNOWN = "[unknown]"  # LVM's name of a physical volume whose disk is not there
FOREIGN_GROUP = "vg_data"  # the volume group of a disk that `holds: lvm`


@dataclass
class Device:
    """A block device as lsblk shows it."""

    name: str
    fstype: str = ""
    part_label: str = ""
    size: int = 0
    links: tuple[str, ...] = ()
    children: list[Device] = field(default_factory=list)


@dataclass
class Found:
    """What a volume group's manager found on one node."""

    available: list[Device]
    excluded: dict[str, list[str]]  # device -> reasons
    used: list[str]  # devices that are in the volume group already
    error: str | None = None  # why the group cannot be made as asked
    event: str = ""  # reason of the event that goes with `error`
    lost: list[str] = field(default_factory=list)  # devices of the volume group that the node does not have any more


def block_devices(server: Mapping[str, Any], wiped: Iterable[str] = ()) -> list[Device]:
    """The disks of a profile's node; `wiped` ones are empty."""
    clean = set(wiped)
    return [_device(disk, "nothing" if f"/dev/{disk['name']}" in clean else disk.get("holds") or "nothing") for disk in server["disks"]]


def resolve(path: str, devices: Iterable[Device]) -> str | None:
    """The kernel name behind a path or udev link; None when there is no such file on the node."""
    for device in _flat(devices):
        if path == device.name or path in device.links:
            return device.name
    return None


def examine(
    group: str, selector: Mapping[str, Any] | None, devices: list[Device], owners: Mapping[str, str], thin: bool = False
) -> Found:
    """Apply the filters of volume group `group`. `owners`: device -> volume group of LVMS that has it; `thin`: it has a thin pool."""
    available: list[Device] = []
    excluded: dict[str, list[str]] = {}
    used: list[str] = []
    for device in _flat(devices):
        owner = owners.get(device.name)
        if owner == group:
            used.append(device.name)  # expected after set-up: neither available nor excluded
            continue
        reasons = sorted(_reasons(group, selector, device, devices, owner))
        if reasons:
            excluded[device.name] = reasons
        else:
            available.append(device)
    found = Found(available, excluded, used)
    there = {device.name for device in _flat(devices)}
    found.lost = sorted(name for name, owner in owners.items() if owner == group and name not in there)
    found.error, found.event = _error(group, selector, devices, found, thin)
    return found


def to_wipe(selector: Mapping[str, Any] | None, devices: list[Device]) -> list[str]:
    """Devices that the group may wipe: named by path, with the opt-in; never the disk that the node runs from."""
    if not selector or not selector.get("forceWipeDevicesAndDestroyAllData"):
        return []
    names = [resolve(path, devices) for path in [*(selector.get("paths") or []), *(selector.get("optionalPaths") or [])]]
    busy = {device.name for device in devices if any(child.part_label == "root" for child in device.children)}
    return [name for name in names if name and name not in busy]


def _error(
    group: str, selector: Mapping[str, Any] | None, devices: list[Device], found: Found, thin: bool
) -> tuple[str | None, str]:
    for path in (selector or {}).get("paths") or []:
        name = resolve(path, devices)
        if name is None:
            why = f"lstat {path}: no such file or directory"
            return f"failed to resolve symlink to determine available or setup path: {why}", "DevicePathCheckFailed"
        if name in found.used or any(device.name == name for device in found.available):
            continue
        reasons = found.excluded.get(name)
        cause = "\n".join(reasons) if reasons else f"the device did not exist on the host (lsblk --json --paths -o {LSBLK_COLUMNS})"
        return (
            f'mandatory device path "{name}" cannot be used, because it is NOT available as a new device for the volume group '
            f"and NOT part of a valid and tagged existing volume group: {cause}",
            "DevicePathCheckFailed",
        )
    if found.lost and found.used and thin:
        # Only of a thin pool the manager looks at the volumes inside; a thick group with a lost disk stays Ready.
        return (
            "error while validating logical volumes in existing volume group: could not activate the inactive logical volume, maybe "
            "external repairs are necessary/already happening or there is anotherentity conflicting with vg-manager, cannot proceed "
            "until volume is activated again: lv_attr: twi---tzp-",
            "InconsistentLVs",
        )
    if not found.available and not found.used:
        return (
            f'the volume group {group} does not exist (or was not tagged properly with "{TAG}"), '
            "and there were no available devices to create it",
            "NoAvailableDevicesForVG",
        )
    return None, ""


def _reasons(
    group: str, selector: Mapping[str, Any] | None, device: Device, devices: list[Device], owner: str | None
) -> list[str]:
    reasons = []
    if selector is not None:
        paths = [*(selector.get("paths") or []), *(selector.get("optionalPaths") or [])]
        if device.name not in [resolve(path, devices) for path in paths]:
            reasons.append(f"{device.name} is not part of the device selector or could not be resolved via symlink resolution")
    if any(word in device.part_label.lower() for word in INVALID_PARTITION_LABELS):
        reasons.append(f'{device.name} has an invalid partition label "{device.part_label}"')
    holder = owner or (FOREIGN_GROUP if device.fstype == "LVM2_member" else None)
    if holder:
        reasons.append(
            f"{device.name} is already a LVM2_Member of another volume group ({holder}) and cannot be used for the volume group {group}"
        )
    elif device.fstype:
        reasons.append(f"{device.name} has an invalid filesystem signature ({device.fstype}) and cannot be used")
    if device.children:
        reasons.append(f"{device.name} has children block devices and could not be considered")
    return reasons


def _device(disk: Mapping[str, Any], holds: str) -> Device:
    name = f"/dev/{disk['name']}"
    links = tuple(str(disk[key]) for key in ("by_path", "by_id") if disk.get(key))
    device = Device(name, size=int(disk["size_bytes"]), links=links)
    infix = "p" if name[-1].isdigit() else ""
    if holds == "os":
        parts = [("", "BIOS-BOOT"), ("vfat", "EFI-SYSTEM"), ("ext4", "boot"), ("xfs", "root")]
        device.children = [Device(f"{name}{infix}{index}", fstype, label) for index, (fstype, label) in enumerate(parts, 1)]
    elif holds == "partitions":
        device.children = [Device(f"{name}{infix}1", "ext4", "data")]
    else:
        kinds = {"filesystem": "xfs", "lvm": "LVM2_member", "ceph": "ceph_bluestore", "raid": "linux_raid_member"}
        device.fstype = kinds.get(holds, "")
    return device


def _flat(devices: Iterable[Device]) -> Iterable[Device]:
    for device in devices:
        yield device
        yield from _flat(device.children)
