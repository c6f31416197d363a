# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LVMCluster (LVM Storage).

Source: openshift/lvm-operator ``api/v1alpha1/lvmcluster_types.go`` (states; ``deviceClassStatuses[].nodeStatus[]``
with the excluded devices and why).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import because, condition, dig, items
from .model import State, done, failed, one_line, waiting

# LVMS tries again by itself, and shows Degraded or Failed while only some nodes are through.
GRACE = 30.0
# LVM's name of a physical volume whose drive isn't there; a group of thick volumes stays Ready without it.
LOST = "[unknown]"


def lvm_cluster(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the state is Ready; failed when a node has no usable drive, lost one, or a volume group can't be made."""
    state = str(dig(obj, "status.state") or "")
    lost = [f"{group} on {node.get('node')}" for group, node in _groups(obj) if LOST in (node.get("devices") or [])]
    if lost:
        return failed(
            "DriveLost",
            f"a drive of volume group {', '.join(lost)} is gone; volumes on it are lost, and LVM Storage says {state or 'nothing'}",
            "Put the drive back or replace it. If it stays away, take it out of the group on the node (vgreduce --removemissing) and run again.",
            grace=GRACE,
        )
    if state == "Ready" and dig(obj, "status.ready") is not False:
        return done("Ready", _nodes(obj))
    if state in ("Failed", "Degraded"):
        return failed(
            state,
            _why(obj) or "LVMS gives no reason",
            "Name empty drives (llmd_nvme_paths), or empty those whose data nobody needs; nothing here ever wipes one.",
            grace=GRACE,
        )
    return waiting(state or "NoStatus", _why(obj))


def _nodes(obj: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{c.get('name')} on {len(items(c, 'nodeStatus'))} nodes" for c in items(obj, "status.deviceClassStatuses")
    )


def _groups(obj: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """(device class, its state on a node), for all classes and nodes."""
    return [
        (str(device_class.get("name")), node)
        for device_class in items(obj, "status.deviceClassStatuses")
        for node in items(device_class, "nodeStatus")
    ]


def _why(obj: Mapping[str, Any]) -> str:
    parts = [_node(group, node) for group, node in _groups(obj) if node.get("status") in ("Failed", "Degraded")]
    if parts:
        return one_line("; ".join(parts))
    for kind in ("VolumeGroupsReady", "ResourcesAvailable"):
        found = condition(obj, kind)
        if found.get("status") == "False":
            return because(found)
    return ""


def _node(device_class: str, node: Mapping[str, Any]) -> str:
    out = f"{device_class} on {node.get('node')} is {node.get('status')}"
    if node.get("reason"):
        out += f": {node['reason']}"
    excluded = [f"{e.get('name')} ({', '.join(map(str, e.get('reasons') or []))})" for e in items(node, "excluded")]
    return f"{out}; excluded: {', '.join(excluded[:4])}" if excluded else out
