# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigPools: which node belongs to which, who may update next, and the pool's status (pure).

Sources: openshift/machine-config-operator pkg/controller/node/{node_controller,status}.go, pkg/helpers/helpers.go.
"""

from __future__ import annotations

from typing import Any

from rehearsal.operators.objects import Object, condition, is_true, labels_of, matches

PREFIX = "machineconfiguration.openshift.io/"
CURRENT, DESIRED, STATE, REASON = (f"{PREFIX}{name}" for name in ("currentConfig", "desiredConfig", "state", "reason"))
DESIRED_DRAIN, APPLIED_DRAIN = f"{PREFIX}desiredDrain", f"{PREFIX}lastAppliedDrain"
DONE, WORKING, DEGRADED = "Done", "Working", "Degraded"
MASTER, WORKER = "master", "worker"


def note(node: Object, key: str) -> str:
    """An annotation of a node, "" when absent."""
    return str((node["metadata"].get("annotations") or {}).get(key) or "")


def pool_of(node: Object, pools: list[Object]) -> tuple[str | None, str]:
    """Name of the pool that manages a node, and an error text when the labels contradict each other.

    A master is always in `master`; a custom pool goes before `worker`; two custom pools are an error.
    """
    found = sorted(pool["metadata"]["name"] for pool in pools if matches((pool.get("spec") or {}).get("nodeSelector"), labels_of(node)))
    if MASTER in found:
        return MASTER, ""
    custom = [name for name in found if name != WORKER]
    if len(custom) > 1:
        name = node["metadata"]["name"]
        return None, f"node {name} belongs to {len(custom)} custom roles, cannot proceed with this Node"
    return (custom or found or [None])[0], ""


def is_done(node: Object, target: str) -> bool:
    """True when the node runs the target and its daemon is idle."""
    return note(node, CURRENT) == target == note(node, DESIRED) and note(node, STATE) == DONE


def is_unavailable(node: Object) -> bool:
    """True when the node is cordoned, not Ready, or its daemon is at work or has failed."""
    spec = node.get("spec") or {}
    return bool(spec.get("unschedulable")) or not is_true(node, "Ready") or _is_working(node)


def is_degraded(node: Object) -> bool:
    """True when the node's daemon reports a failure."""
    return note(node, STATE) == DEGRADED and note(node, DESIRED) != ""


def max_unavailable(pool: Object, count: int) -> int:
    """How many nodes may be away at once: 1, a number, or a share (rounded down, at least 1)."""
    given: Any = (pool.get("spec") or {}).get("maxUnavailable")
    if given is None:
        return 1
    text = str(given)
    value = int(text[:-1]) * count // 100 if text.endswith("%") else int(text)
    return max(value, 1)


def candidates(pool: Object, nodes: list[Object], target: str) -> list[Object]:
    """Nodes that get the target as their desired configuration now, oldest first."""
    if (pool.get("spec") or {}).get("paused"):
        return []
    # A cordoned or NotReady node is left alone, and takes one of the places: so it can stop a whole roll-out.
    capacity = max_unavailable(pool, len(nodes)) - sum(1 for node in nodes if is_unavailable(node))
    waiting = [node for node in nodes if note(node, DESIRED) != target and not is_unavailable(node)]
    order = sorted(waiting, key=lambda node: (node["metadata"].get("creationTimestamp") or "", node["metadata"]["name"]))
    return order[: max(capacity, 0)]


def status(pool: Object, nodes: list[Object], target: str, render_error: str | None) -> tuple[Object, list[Object]]:
    """Counts and conditions of a pool, in MCO's order and words."""
    updated = [node for node in nodes if is_done(node, target)]
    ready = [node for node in updated if is_true(node, "Ready") and not (node.get("spec") or {}).get("unschedulable")]
    degraded = [node for node in nodes if is_degraded(node)]
    unavailable = [node for node in nodes if is_unavailable(node)]
    counts = {
        "observedGeneration": pool["metadata"].get("generation", 1),
        "machineCount": len(nodes),
        "updatedMachineCount": len(updated),
        "readyMachineCount": len(ready),
        "unavailableMachineCount": len(unavailable),
        "degradedMachineCount": len(degraded),
    }
    told = ", ".join(f'Node {node["metadata"]["name"]} is reporting: "{note(node, REASON)}"' for node in degraded)
    conditions = [*_progress(pool, target, len(updated) == len(ready) == len(nodes) and not unavailable)]
    reason = f"{len(degraded)} nodes are reporting degraded status on sync" if degraded else ""
    conditions.append(condition("NodeDegraded", bool(degraded), reason, told))
    conditions.append(condition("RenderDegraded", render_error is not None, "", render_error or ""))
    conditions.append(condition("Degraded", bool(degraded) or render_error is not None, "", told))
    return counts, conditions


def _progress(pool: Object, target: str, all_updated: bool) -> list[Object]:
    if all_updated:
        return [condition("Updated", True, "", f"All nodes are updated with MachineConfig {target}"), condition("Updating", False)]
    if (pool.get("spec") or {}).get("paused"):
        message = f"Pool is paused; will not update to MachineConfig {target}"
        return [condition("Updated", False), condition("Updating", False, "", message)]
    return [condition("Updated", False), condition("Updating", True, "", f"All nodes are updating to MachineConfig {target}")]


def _is_working(node: Object) -> bool:
    if not note(node, CURRENT):
        return False
    return note(node, DESIRED) != note(node, CURRENT) or note(node, STATE) in (WORKING, DEGRADED)
