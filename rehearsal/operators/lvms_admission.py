# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What LVMS' admission webhook refuses in an LVMCluster (pure).

Source: openshift/lvm-operator v4.20.0 api/v1alpha1/lvmcluster_webhook.go (order of checks and words).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


class Refused(ValueError):
    """The request is denied with this message."""


def check(operation: str, new: Object, old: Object | None, namespace: str, existing: list[Object]) -> list[str]:
    """Warnings for an allowed CREATE or UPDATE. Raises Refused.

    `namespace`: the operator's. `existing`: LVMClusters of that namespace (CREATE only).
    """
    if operation == "CREATE":
        _create_only(new, namespace, existing)
    classes = _classes(new)
    warnings = [*_defaults(classes), *_paths(classes)]
    _absolute(classes)
    _overlap(classes)
    _file_systems(classes)
    if operation == "UPDATE" and old is not None and not new["metadata"].get("deletionTimestamp"):
        _unchanged(classes, _classes(old))
    return warnings


def _create_only(new: Object, namespace: str, existing: list[Object]) -> None:
    if new["metadata"].get("namespace") != namespace:
        raise Refused(f'creating LVMCluster is only supported within namespace "{namespace}": invalid namespace was supplied')
    if existing:
        meta = existing[0]["metadata"]
        raise Refused(
            f'LVMCluster exists at "{meta["namespace"]}/{meta["name"]}": duplicate LVMClusters are not allowed, '
            "remove the old LVMCluster or work with the existing instance"
        )


def _defaults(classes: list[Object]) -> list[str]:
    count = sum(1 for item in classes if item.get("default"))
    if count > 1:
        raise Refused(f"only one default deviceClass is allowed. Currently, there are {count} default deviceClasses")
    if count:
        return []
    return [
        "no default deviceClass was specified, it will be mandatory to specify the generated storage class in any PVC explicitly "
        "or you will have to declare another default StorageClass"
    ]


def _paths(classes: list[Object]) -> list[str]:
    without = [item.get("name", "") for item in classes if item.get("deviceSelector") is None]
    for item in classes:
        selector = item.get("deviceSelector")
        if selector is not None and not selector.get("paths") and not selector.get("optionalPaths"):
            raise Refused("either paths or optionalPaths must be specified when DeviceSelector is specified")
    if len(classes) > 1 and without:
        raise Refused(
            "path list should not be empty when there are multiple deviceClasses. "
            f"Please specify device path(s) under deviceSelector.paths for {','.join(without)} deviceClass(es)"
        )
    if len(classes) == 1 and without:
        return [
            f"no device path(s) under deviceSelector.paths was specified for the {without[0]} deviceClass, "
            "LVMS will actively monitor and dynamically utilize any supported unused devices"
        ]
    return []


def _absolute(classes: list[Object]) -> None:
    for item in classes:
        for key, word in (("paths", "path"), ("optionalPaths", "optional path")):
            for path in (item.get("deviceSelector") or {}).get(key) or []:
                if not str(path).startswith("/dev/"):
                    raise Refused(f"{word} {path} must be an absolute path to the device")


def _overlap(classes: list[Object]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for item in classes:
        where = repr(item.get("nodeSelector"))
        for key, word in (("paths", "device path"), ("optionalPaths", "optional device path")):
            for path in (item.get("deviceSelector") or {}).get(key) or []:
                before = seen.setdefault((where, path), "")
                if before == "":
                    seen[(where, path)] = item["name"]
                elif before != item["name"]:
                    raise Refused(f"error: {word} {path} overlaps in two different deviceClasss {before} and {item['name']}")
                else:
                    raise Refused(f"error: {word} {path} is specified at multiple places in deviceClass {before}")


def _file_systems(classes: list[Object]) -> None:
    for item in classes:
        if item.get("fstype", "xfs") not in ("xfs", "ext4"):
            raise Refused(f"fstype '{item.get('fstype')}' is not a supported filesystem type")


def _unchanged(new: list[Object], old: list[Object]) -> None:
    before = {item["name"]: item for item in old}
    if missing := sorted(set(before) - {item["name"] for item in new}):
        raise Refused(
            "invalid: device classes were deleted from the LVMCluster: device classes can not be removed from the LVMCluster "
            f"once added: {', '.join(missing)}"
        )
    for item in new:
        was = before.get(item["name"])
        if was is not None:
            _same_class(item, was)


def _same_class(new: Object, old: Object) -> None:
    if (new.get("thinPoolConfig") is None) != (old.get("thinPoolConfig") is None):
        raise Refused("ThinPoolConfig can not be changed")
    for key, word in (("name", "Name"), ("sizePercent", "SizePercent"), ("chunkSize", "ChunkSize")):
        if (new.get("thinPoolConfig") or {}).get(key) != (old.get("thinPoolConfig") or {}).get(key):
            raise Refused(f"ThinPoolConfig.{word} is invalid: ThinPoolConfig can not be changed")
    if new.get("nodeSelector") != old.get("nodeSelector"):
        raise Refused("NodeSelector can not be changed")
    selector, was = _mapping(new.get("deviceSelector")), _mapping(old.get("deviceSelector"))
    force = "forceWipeDevicesAndDestroyAllData"
    if selector.get(force) != was.get(force):
        raise Refused("ForceWipeDevicesAndDestroyAllData can not be changed")
    for key, word in (("paths", "required"), ("optionalPaths", "optional")):
        now, then = selector.get(key) or [], was.get(key) or []
        if now and not then:
            raise Refused("device paths can not be added after a device class has been initialized")
        if gone := [path for path in then if path not in now]:
            raise Refused(
                f"invalid: {word} device paths were deleted from the LVMCluster: devices can not be removed from the LVMCluster "
                f"once added: {', '.join(gone)}"
            )


def _classes(cluster: Object) -> list[Object]:
    return ((cluster.get("spec") or {}).get("storage") or {}).get("deviceClasses") or []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
