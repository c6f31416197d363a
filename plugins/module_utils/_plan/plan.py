# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole plan, and whether the declaration permits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import text
from .._assess.nodes import candidates, name
from .._data.facts import Facts
from .._nodes.pools import OWN_POOL, Pool
from .._nodes.unavailable import settling
from . import approval
from .decision import Decision
from .model import KEEP, Disruption, Step, total
from .operators import decide, needed
from .steps import World, gpu_nodes, plan_steps


def plan(snapshot: Mapping[str, Any], declared: Mapping[str, Any], facts: Facts, approved: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Contract 3.5, and what roles act on: operators (one decision each) and context.

    complete is false while the GPUs' vendor isn't known: the plan then assumes the one that the collection can set up.

    :param approved: what somebody has approved (`approval.of`); whatever goes beyond it isn't allowed.
    """
    release = str(declared.get("release") or "")
    path = str(declared.get("path") or "inference_scheduling")
    seen = candidates(snapshot, declared)
    vendor = seen.vendors[0] if len(seen.vendors) == 1 else None
    assumed = vendor or facts.automation["vendors"][0]
    packages = needed(facts, declared, release, path, [assumed])
    decisions = tuple(decide(facts, snapshot, declared, release, package) for package in packages)
    world = World(snapshot, declared, facts, seen, decisions, assumed)
    steps = plan_steps(world)
    whole = total(steps)
    missing = [kind for kind in whole.kinds if kind not in (declared.get("allow_disruption") or [])]
    made = {
        "steps": [step.as_dict() for step in steps],
        "disruption": whole.as_dict(),
        "allowed": not missing and not world.machines.problems and not world.fabric["problems"],
        "missing": missing,
        "message": _blocked(world.machines.problems) or _no_fabric(world.fabric["problems"]) or _message(missing, steps, whole),
        "counts": _counts(steps),
        "complete": vendor is not None and not seen.unsure and world.fabric["known"],
        "assumptions": [*_assumptions(vendor, assumed, [entry[0] for entry in seen.unsure]), *([] if world.fabric["known"] else world.fabric["notes"])],
        "operators": [_operator(facts, decision) for decision in decisions],
        "fabric": world.fabric,
        "context": {
            "vendor": assumed,
            "gpu_resource": f"{assumed}.com/gpu",
            "gdrcopy": world.gdrcopy,
            "driver_parameters": world.driver_parameters,
            "gpu_nodes": [name(node) for node in gpu_nodes(world)],
            "serving_nodes": seen.names,
            "local_storage": world.local_storage,
            "drives": world.drives.as_dict(),
            "packages": packages,
            "machine_pools": [_pool(pool) for pool in world.machines.pools],
            "restarting": world.machines.restarting,
            "settling": settling(snapshot),
            "move": {"before": world.move.before, "after": world.move.after, "picker": world.move.picker} if world.move and world.moves else None,
            "draining": world.machines.restarting if world.drains else [],
        },
    }
    return _compared(made, approval.of(made, text(snapshot, "cluster", "id"), declared), approved)


def _compared(made: dict[str, Any], mine: dict[str, Any], approved: Mapping[str, Any] | None) -> dict[str, Any]:
    found = [] if approved is None else approval.differences(approved, mine)
    return {
        **made,
        "approval": mine,
        "differences": found,
        "allowed": made["allowed"] and not found,
        "message": made["message"] or approval.message(found),
    }


def _pool(pool: Pool) -> dict[str, Any]:
    """What role nodes renders of a pool."""
    return {
        "name": pool.name,
        "config": pool.config,
        "own": pool.name == OWN_POOL,
        "kernel_arguments": [setting.argument for setting in pool.settings if setting.argument],
        "files": {setting.path: setting.content for setting in pool.settings if setting.path},
        "machines": pool.machines,
        "moved": list(pool.moved),
        "rolling": pool.rolling,
    }


def _blocked(problems: tuple[str, ...]) -> str:
    if not problems:
        return ""
    return f"Nothing of the plan was done, because the machines can't be set up: {'; '.join(problems)}. Repair that, then run again."


def _no_fabric(problems: list[str]) -> str:
    if not problems:
        return ""
    return f"Nothing of the plan was done, because the network between GPU nodes can't be made: {' '.join(_sentence(one) for one in problems)}"


def _sentence(problem: str) -> str:
    text = problem[:1].upper() + problem[1:]
    return text if text.endswith(".") else f"{text}."


def _counts(steps: list[Step]) -> dict[str, int]:
    counts = {"create": 0, "update": 0, "approve": 0, KEEP: 0}
    for step in steps:
        for change in step.changes:
            counts[change.action] += 1
    return counts


def _assumptions(vendor: str | None, assumed: str, unsure: list[str]) -> list[str]:
    if vendor is None:
        return [f"the GPUs aren't known yet; {assumed.upper()} is assumed until Node Feature Discovery has run"]
    return [f"the hardware of {', '.join(unsure)} isn't known yet"] if unsure else []


def _message(missing: list[str], steps: list[Step], whole: Disruption) -> str:
    if not missing:
        return ""
    parts = []
    for step in steps:
        wanted = [kind for kind in step.disruption.kinds if kind in missing]
        if wanted:
            where = f" on {', '.join(step.disruption.nodes)}" if step.disruption.nodes else ""
            parts.append(f"{step.title} needs {' and '.join(wanted)}{where}: {step.disruption.why}")
    return (
        f"Nothing of the plan was done, because it disturbs nodes in ways that aren't permitted. {'. '.join(parts)}."
        f" Permit it with llmd_allow_disruption: [{', '.join(whole.kinds)}]."
    )


def _operator(facts: Facts, decision: Decision) -> dict[str, Any]:
    row = facts.operators[decision.package]
    return {
        "package": decision.package,
        "title": row["title"],
        "action": decision.action,
        "why": decision.why,
        "remedy": decision.remedy,
        "warnings": list(decision.warnings),
        "namespace": decision.namespace,
        "install_mode": row["install_mode"],
        "monitored": bool(row.get("monitored", False)),
        "subscription": decision.subscription or decision.package,
        "channel": decision.channel,
        "csv": decision.csv,
        "catalog": decision.catalog,
        "catalog_namespace": decision.catalog_namespace,
        "expected_csvs": list(decision.expected_csvs),
        "pending": decision.pending,
        "installed": decision.installed,
        "hops": [{"channel": hop.channel, "csv": hop.csv} for hop in decision.hops],
        "group": decision.group,
        "managed_by": decision.managed_by,
        "stage": row["stage"],
        "before_discovery": bool(row.get("before_discovery", False)),
        "provides": list(row["provides"]),
    }
