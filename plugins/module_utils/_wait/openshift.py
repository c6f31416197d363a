# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenShift's own kinds: MachineConfigPool and ClusterOperator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import because, condition, dig, integer, is_true
from .model import State, done, failed, waiting

# A node reports trouble for a moment when its daemon restarts.
DEGRADED_GRACE = 10.0


def pool(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when all machines of a MachineConfigPool run its newest rendered configuration.

    Numbers and conditions must agree: right after a MachineConfig is made, ``Updated`` is still True of the old
    render, so the render named in the status has to be the one in the specification. Source: openshift/api
    ``machineconfiguration/v1``. Options: ``config``, a MachineConfig that has to be part of that render; ``machines``,
    how many the pool must have at least (a new pool has none until its nodes' labels were seen); ``without``, a MachineConfig
    that was deleted and must have left that render.
    """
    trouble = _degraded(obj)
    if trouble:
        return trouble
    total, ready = integer(obj, "status.machineCount"), integer(obj, "status.readyMachineCount")
    same = dig(obj, "spec.configuration.name") == dig(obj, "status.configuration.name")
    counted = f"{ready} of {total} machines ready"
    lacking = _lacking(obj, options, total)
    if same and not lacking and is_true(obj, "Updated") and not is_true(obj, "Updating") and _all_there(obj, total):
        return done("Updated", counted)
    if dig(obj, "spec.paused"):
        return failed(
            "Paused",
            f"the pool is paused with a change waiting; {counted}",
            'Ask whoever paused it, then: oc patch mcp NAME --type merge -p \'{"spec":{"paused":false}}\'',
        )
    return waiting("Updating", lacking or f"{counted}, {integer(obj, 'status.updatedMachineCount')} updated")


def rendered(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when a MachineConfigPool, paused or not, has taken up what was asked for: ``config`` and ``machines``."""
    lacking = _lacking(obj, options, integer(obj, "status.machineCount")) or ("" if dig(obj, "spec.configuration.name") else "nothing is rendered yet")
    return _degraded(obj) or (waiting("Rendering", lacking) if lacking else done("Rendered"))


def _degraded(obj: Mapping[str, Any]) -> State | None:
    for kind in ("RenderDegraded", "NodeDegraded", "Degraded"):
        found = condition(obj, kind)
        if found.get("status") == "True":
            return failed(
                kind,
                because(found),
                "Repair what the message names (oc describe mcp; log of machine-config-daemon on that node).",
                grace=DEGRADED_GRACE,
            )
    return None


def _lacking(obj: Mapping[str, Any], options: Mapping[str, Any], total: int) -> str:
    """What the pool hasn't taken up yet of what was asked for; empty when it has all of it."""
    config, machines = options.get("config"), int(options.get("machines", 0))
    sources = dig(obj, "spec.configuration.source")
    names = [source.get("name") for source in sources if isinstance(source, Mapping)] if isinstance(sources, list) else []
    if config and config not in names:
        return f"MachineConfig {config} isn't rendered yet"
    if options.get("without") in names:
        return f"MachineConfig {options['without']} is still rendered"
    return f"{total} of {machines} machines are in the pool" if total < machines else ""


def _all_there(obj: Mapping[str, Any], total: int) -> bool:
    return integer(obj, "status.readyMachineCount") == total == integer(obj, "status.updatedMachineCount")


def cluster_operator(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when a ClusterOperator is available, not progressing and not degraded."""
    degraded = condition(obj, "Degraded")
    if degraded.get("status") == "True":
        return failed("Degraded", because(degraded), "Repair what the message names.", grace=120)
    if is_true(obj, "Available") and not is_true(obj, "Progressing"):
        return done("Available")
    return waiting("Progressing", because(condition(obj, "Progressing")) or because(condition(obj, "Available")))
