# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigNodes, which OpenShift has from 4.19 on: how far a node's update has come, as conditions. A part of the platform.

Sources: openshift/machine-config-operator release-4.20 pkg/upgrademonitor, pkg/daemon/{daemon,update}.go, pkg/controller/drain (types, reasons, words,
and that an updated node keeps the last step's words behind "Action during update to"). The steps are read off the node that `mco_node.py` leads
through its update. Not played: files and OS image apart from the reboot, PinnedImageSets.
"""

from __future__ import annotations

from typing import Any

from rehearsal.operators.mco_pool import (
    APPLIED_DRAIN,
    CURRENT,
    DEGRADED,
    DESIRED,
    DESIRED_DRAIN,
    DONE,
    REASON,
    STATE,
    note,
    pool_of,
)
from rehearsal.operators.node_reboot import is_away
from rehearsal.operators.objects import merge_conditions
from rehearsal.operators.runtime import Kube, NotFound, Object, StandIn, condition, digest, labels_of, now

API = "machineconfiguration.openshift.io/v1"
TOLD, POOL, NODE = (API, "MachineConfigNode"), (API, "MachineConfigPool"), ("v1", "Node")
EXECUTED = "UpdateExecuted"
TYPES = (
    "UpdatePrepared", EXECUTED, "UpdatePostActionComplete", "UpdateComplete", "Resumed", "Drained", "AppliedFilesAndOS", "Cordoned",
    "RebootedNode", "Updated", "Uncordoned", "NodeDegraded", "PinnedImageSetsDegraded", "PinnedImageSetsProgressing",
)  # fmt: skip


def steps(node: Object) -> list[Object]:
    """The conditions that the node's present state speaks of."""
    name, desired = node["metadata"]["name"], note(node, DESIRED)
    if note(node, STATE) == DEGRADED:
        return [condition("NodeDegraded", True, "NodeDegraded", f"Node {name} upgrade failure. {note(node, REASON)}")]
    well = condition("NodeDegraded", False, "NodeDegraded", f"Node {name} upgrade succeeded")
    if note(node, STATE) == DONE:
        if note(node, CURRENT) == desired:
            return [condition("Updated", True, "Updated", f"Node {name} Updated"), well]
        return [condition("Updated", False, "Updated", f"Node {name} needs an update"), well]
    drain, applied = note(node, DESIRED_DRAIN), note(node, APPLIED_DRAIN)
    drains = drain == f"drain-{desired}"
    told = [
        condition("Updated", False, "Updated", f"Node {name} needs an update"), well,
        condition("UpdatePrepared", True, "UpdatePrepared", f"Update Compatible. Drain Required: {str(drains).lower()}"),
    ]  # fmt: skip
    if drains and drain != applied:
        text = f"Draining node. The drain will not be complete until desired drainer {drain} matches current drainer {applied}"
        told += [_executed("Drained", "Draining"), condition("Drained", None, f"{EXECUTED}Drained", text), _cordoned(node)]
    elif drains:
        text = f"Drained node. The drain is complete as the desired drainer matches current drainer: {drain}"
        told += [_executed("Drained", "Drained"), condition("Drained", True, f"{EXECUTED}Drained", text), _cordoned(node)]
    if is_away(node):
        told.append(condition("RebootedNode", None, "RebootedNode", "Upgrade requires a reboot."))
    return told


def _executed(step: str, verb: str) -> Object:
    return condition(EXECUTED, None, step, f"{verb} Node as part of update executed phase")


def _cordoned(node: Object) -> Object:
    cordoned = bool((node.get("spec") or {}).get("unschedulable"))
    text = f"Cordoned node. The node is reporting Unschedulable = {str(cordoned).lower()}"
    return condition("Cordoned", cordoned, f"{EXECUTED}Cordoned", text)


def conditions(node: Object, have: list[Object], stamp: str) -> list[Object]:
    """All conditions of a MachineConfigNode after the node's present state was put in."""
    fresh = [condition(kind, False, "NotYetOccurred", f"This node has not yet entered the {kind} phase") for kind in TYPES]
    known = {item["type"] for item in have}
    have = merge_conditions(have, [item for item in fresh if item["type"] not in known], stamp)
    told = steps(node)
    if told[0]["type"] == "Updated" and told[0]["status"] == "True":
        given = {item["type"] for item in told}
        over = [item for item in have if item["type"] not in given and item["status"] != "False"]
        text = f"Action during update to {note(node, DESIRED)}: "
        told += [{**item, "status": "False", "message": text + item["message"]} for item in over]
    return merge_conditions(have, told, stamp)


class MachineConfigNodes(StandIn):
    """One MachineConfigNode for each node, from its first configuration on."""

    name = "machine-config-operator"
    watches = [NODE, POOL, TOLD]
    workers = 2

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[str, str] = {}

    def route(self, event: str, obj: Object) -> list[Object]:
        """A node when something of it is told; all of them when a pool comes or goes; the node whose MachineConfigNode was touched."""
        if not self.openshift.get("machine_config_nodes"):
            return []
        if obj["kind"] == "MachineConfigPool":
            return [] if event == "MODIFIED" else self.objects(*NODE)
        name = obj["metadata"]["name"]
        if obj["kind"] == "MachineConfigNode":
            node = self.find(*NODE, name)
            return [node] if node is not None and event != "MODIFIED" else []
        notes = [note(obj, key) for key in (CURRENT, DESIRED, STATE, REASON, DESIRED_DRAIN, APPLIED_DRAIN)]
        seen = digest([event == "DELETED", labels_of(obj), is_away(obj), (obj.get("spec") or {}).get("unschedulable"), notes])
        if self._seen.get(name) == seen:
            return []
        self._seen[name] = seen
        return [obj]

    def reconcile(self, kube: Kube, obj: Object) -> None:
        """Make the object, or bring it up to date."""
        if obj["kind"] != "Node" or not note(obj, CURRENT):
            return
        name, desired = obj["metadata"]["name"], note(obj, DESIRED)
        pool = pool_of(obj, self.objects(*POOL))[0] or ""
        spec = {"node": {"name": name}, "pool": {"name": pool}, "configVersion": {"desired": desired}}
        told = self.find(*TOLD, name)
        if told is None:
            owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": obj["metadata"]["uid"]}
            kube.create(kube.path(*TOLD), {
                "apiVersion": API, "kind": TOLD[1], "metadata": {"name": name, "ownerReferences": [owner]}, "spec": spec,
            })  # fmt: skip
            return  # its appearance wakes the node again
        try:
            if told["spec"] != {**told["spec"], **spec}:
                kube.patch(kube.path_of(told), {"spec": spec})
            versions = {"current": note(obj, CURRENT), "desired": desired}
            old = (told.get("status") or {}).get("conditions") or []
            self.set_status(kube, told, {"configVersion": versions, "observedGeneration": told["metadata"].get("generation", 1) + 1,
                                         "conditions": conditions(obj, old, now())})
        except NotFound:
            self.log.info("MachineConfigNode %s has gone", name)
