# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status of an LVMCluster from the states of its volume groups (pure).

Source: openshift/lvm-operator v4.20.0 internal/controllers/lvmcluster/status.go (reasons, messages, precedence).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.operators.objects import Object, condition, matches_node_terms, tolerated


def node_is_valid(node: Object, spec: Mapping[str, Any], device_class: Mapping[str, Any]) -> bool:
    """True when a device class is meant for the node: its taints tolerated, its labels selected."""
    taints = (node.get("spec") or {}).get("taints")
    return tolerated(taints, spec.get("tolerations")) and matches_node_terms(device_class.get("nodeSelector"), node)


def resources_condition(trouble: str | None) -> Object:
    """Condition ResourcesAvailable; `trouble` says what is not there yet."""
    if trouble is None:
        return condition(
            "ResourcesAvailable", True, "ResourcesAvailable", "Reconciliation is complete and all the resources are available"
        )
    message = (
        "Resources have not yet been fully synced to the cluster: LVMCluster's resources are not yet fully synchronized: " + trouble
    )
    return condition("ResourcesAvailable", False, "ResourcesSyncIncomplete", message)


def volume_groups_condition(spec: Mapping[str, Any], nodes: Iterable[Object], statuses: list[Object]) -> Object:
    """Condition VolumeGroupsReady."""
    classes = (spec.get("storage") or {}).get("deviceClasses") or []
    if not classes:
        message = "VGs are unmanaged and not part of the LVMCluster, but the manager is running"
        return condition("VolumeGroupsReady", True, "VGsUnmanaged", message)
    if all_ready(spec, list(nodes), statuses):
        return condition("VolumeGroupsReady", True, "VGsReady", "All the VGs are ready")
    told = {row.get("status") for status in statuses for row in (status.get("spec") or {}).get("nodeStatus") or []}
    if "Failed" in told:
        return condition("VolumeGroupsReady", False, "VGsFailed", "One or more VGs are failed")
    if "Degraded" in told:
        return condition("VolumeGroupsReady", False, "VGsDegraded", "One or more VGs are degraded")
    return condition("VolumeGroupsReady", False, "VGReadinessInProgress", "VG readiness check is still in progress")


def all_ready(spec: Mapping[str, Any], nodes: list[Object], statuses: list[Object]) -> bool:
    """True when every device class is Ready on each of its nodes. A class without any node never is."""
    by_node = {
        status["metadata"]["name"]: {row["name"]: row.get("status") for row in (status.get("spec") or {}).get("nodeStatus") or []}
        for status in statuses
    }
    for item in (spec.get("storage") or {}).get("deviceClasses") or []:
        wanted = [node["metadata"]["name"] for node in nodes if node_is_valid(node, spec, item)]
        if not wanted or any(by_node.get(name, {}).get(item["name"]) != "Ready" for name in wanted):
            return False
    return True


def class_statuses(statuses: list[Object]) -> list[Object]:
    """`deviceClassStatuses`: each class with the state on every node."""
    found: dict[str, list[Object]] = {}
    for status in statuses:
        for row in (status.get("spec") or {}).get("nodeStatus") or []:
            found.setdefault(row["name"], []).append({"node": status["metadata"]["name"], **row})
    return [{"name": name, "nodeStatus": rows} for name, rows in sorted(found.items())]


def overall(reasons: Iterable[str]) -> str:
    """The cluster's state from the reasons of its conditions, in order: Failed before Degraded before Progressing before Ready."""
    state = "Unknown"
    for reason in reasons:
        if reason == "VGsFailed":
            return "Failed"
        if reason == "VGsDegraded":
            state = "Degraded"
        elif reason in ("ReconciliationInProgress", "VGReadinessInProgress", "ResourcesSyncIncomplete"):
            state = state if state == "Degraded" else "Progressing"
        elif reason in ("ResourcesAvailable", "VGsReady", "VGsUnmanaged"):
            state = "Ready" if state in ("Unknown", "Ready") else state
        else:
            return "Unknown"
    return state
