# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people who decide: the approval of a workflow, and its summary."""

from __future__ import annotations

from typing import Any

from .._report.text import printable

Row = dict[str, Any]

LONGEST_NAME = 200  # of an approval; the controller's limit is 512
GUESS = "; its hardware isn't known yet: provision brings Node Feature Discovery first, and stops if the plan then goes beyond this one"


def can_start(result: Row) -> bool:
    """Whether provision would begin on this cluster."""
    return not result.get("failure") and bool(result.get("plan")) and not result["plan"].get("stop")


def headline(results: list[Row]) -> str:
    """Name of the approval: what notifications show."""
    ready = [one for one in results if can_start(one)]
    plans = [one["plan"] for one in ready]
    kinds = sorted({kind for plan in plans for kind in plan["kinds"]})
    where = ready[0]["host"] if len(ready) == 1 else f"{len(ready)} clusters"
    what = f"{', '.join(kinds)} on {_nodes(plans)}" if kinds else "nothing is disturbed"
    return printable(f"Approve llm-d on {where}: {what}")[:LONGEST_NAME]


def brief(results: list[Row]) -> str:
    """Text of the approval: what each cluster goes through, those that will not begin last."""
    lines = [_planned(one) for one in results if can_start(one)]
    outside = [refused(one) for one in results if not can_start(one)]
    if outside:
        lines += ["", "Will not begin:", *outside]
    lines += ["", "Approved is what is listed here. Provision stops without a change on a cluster whose plan has become another one."]
    return "\n".join(lines)


def _planned(result: Row) -> str:
    plan = result["plan"]
    if not plan["changes"]:
        return printable(f"{result['host']}: nothing to change")
    disturbed = f"{', '.join(plan['kinds'])} on {_nodes([plan])}, about {plan['minutes']} min" if plan["kinds"] else "nothing is disturbed"
    # Hardware that only Node Feature Discovery can tell; site installs it, plans again and compares.
    guess = "" if plan["complete"] else GUESS
    what = f"{_count(plan['changes'], 'change')}, {disturbed}{guess}"
    return printable(f"{result['host']}: OpenShift AI {result['release']}, {result['path']}; {what}")


def _nodes(plans: list[Row]) -> str:
    """How many nodes are disturbed. Those of a cluster whose hardware isn't known are all of its GPU nodes, and approved as such."""
    count = sum(plan["nodes"] for plan in plans)
    unknown = any(plan["kinds"] and not plan["nodes"] and not plan["complete"] for plan in plans)
    said = [_count(count, "node")] if count or not unknown else []
    return " and ".join([*said, *(["the GPU nodes, not known yet"] if unknown else [])])


def refused(result: Row) -> str:
    """Why provision would not begin on a cluster."""
    why = result.get("failure") or (result.get("plan") or {}).get("stop") or "there is no plan"
    return printable(f"{result['host']}: {why}")


def summary(results: list[Row]) -> list[str]:
    """The last job's table: one line a cluster."""
    width = max((len(one["host"]) for one in results), default=0)
    return [printable(f"{one['host']:{width}}  {one['outcome']:10}  {_told(one)}") for one in results]


def _told(result: Row) -> str:
    if result.get("failure"):
        return f"stopped at {result.get('stage') or '?'}: {result['failure']}"
    verdict = (result.get("verdicts") or {}).get(result.get("path"))
    proof = f", proof {result['proof']}" if result.get("proof") else ""
    cause = f", likely cause {result['cause']}" if result.get("cause") else ""
    return f"OpenShift AI {result.get('release')}, {result.get('path')} {verdict or 'not judged'}{proof}{cause}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
