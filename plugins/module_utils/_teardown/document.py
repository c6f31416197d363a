# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The removal as data for people, reports and the role: the plan's own shape (docs/architecture.md 3.5)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from .._plan.model import KEEP, UPDATE, Change, Step, total
from .decide import Removal

DELETE = "delete"


def document(removals: list[Removal], unread: Iterable[str] = ()) -> dict[str, Any]:
    """The plan; steps without any object of ours are left out."""
    steps = [_step(one) for one in removals if one.going or one.kept]
    whole = total(steps)
    counts = {word: sum(change.action == word for step in steps for change in step.changes) for word in (DELETE, UPDATE, KEEP)}
    return {
        "steps": [step.as_dict() for step in steps],
        "disruption": whole.as_dict(),
        "allowed": True,  # what isn't permitted stays
        "missing": [],
        "message": _message(counts, sorted(unread)),
        "counts": counts,
        "complete": not list(unread),
        "assumptions": [],
    }


def _step(removal: Removal) -> Step:
    leaving = [Change(f"Node {machine.name}", UPDATE, f"it leaves pool {label.partition('/')[2]}") for machine, label in removal.leaving]
    gone = [Change(item.label, DELETE) for item in removal.going]
    kept = [Change(item.label, KEEP, why) for item, why in removal.kept]
    return Step(removal.step.id, removal.step.stage, removal.step.title, (*leaving, *gone, *kept), removal.disruption)


def _message(counts: dict[str, int], unread: list[str]) -> str:
    blind = f" Not looked at, since they may not be listed: {', '.join(unread)}." if unread else ""
    stays = f"{counts[KEEP]} stay{'s' if counts[KEEP] == 1 else ''}"
    if not counts[DELETE]:
        return (f"Nothing to remove; {stays} and the plan says why." if counts[KEEP] else "Nothing of ours is there: nothing to do.") + blind
    return f"{counts[DELETE]} object{'' if counts[DELETE] == 1 else 's'} to remove, {stays}.{blind}"


def lines(plan: dict[str, Any]) -> list[str]:
    """The preview for the terminal."""
    told = [plan["message"]]
    for step in plan["steps"]:
        kinds = f"  ({', '.join(step['disruption']['kinds'])} on {', '.join(step['disruption']['nodes'])})" if step["disruption"]["kinds"] else ""
        told.append(f"{step['title']}{kinds}")
        for (action, why), group in groupby(step["changes"], lambda change: (change["action"], change.get("why", ""))):
            told += _told(action, why, [change["object"] for change in group])
    return told


def _told(action: str, why: str, objects: list[str]) -> list[str]:
    """What goes has a line each; what stays for one reason has one together."""
    if action != KEEP:
        return [f"  {action:7}{one}{': ' + why if why else ''}" for one in objects]
    return [f"  {action:7}{', '.join(objects)}: {why}"]
