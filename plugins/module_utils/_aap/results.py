# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one job hands on to the next (`set_stats`): one small value per cluster, under a name of its own.

The controller merges the artifacts of a workflow's (and of a sliced job's) jobs by their top-level names only
(awx/main/models/workflow.py, get_effective_artifacts), so clusters of different slices must not share a name.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]

PREFIX = "llmd_result_"
LONGEST = 600  # characters of a message: artifacts become extra vars of each later job


def name(host: str) -> str:
    """The variable of a cluster. A host's name may hold what a variable can't; the sum keeps a-b and a_b apart."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", host)
    return f"{PREFIX}{plain}" + ("" if plain == host else f"_{zlib.crc32(host.encode()):08x}")


def result(report: Row, assessment: Row) -> Row:
    """What later jobs, the approver and notifications need of a report (data/schema/report.json): nothing secret, and little."""
    statuses = [item["status"] for item in report["findings"]]
    failure = report["failure"] or {}
    return {
        "host": report["host"],
        "outcome": report["outcome"],
        "mode": report["mode"],
        "cluster_id": report["cluster"]["id"],
        "openshift": report["cluster"]["openshift"],
        "release": report["release"],
        "path": report["path"],
        "best_release": report["best_release"],
        "verdicts": {path: row["verdict"] for path, row in report["paths"].items()},
        "proof": (report["proof"] or {}).get("status"),
        "cause": ((report["diagnosis"] or {}).get("cause") or {}).get("id"),
        "findings": {status: statuses.count(status) for status in sorted(set(statuses))},
        "plan": _plan(report["plan"] or {}, assessment),
        "stage": failure.get("stage"),
        "failure": short(failure.get("message")),
    }


def _plan(plan: Row, assessment: Row) -> Row | None:
    """The plan as its approver needs it; `stop` says why provision would refuse it.

    The approval travels as one text: the controller marks texts in extra vars as unsafe, and ansible-core 2.19 and later then reads "4" as a number, which
    would break its digest.
    """
    if not plan:
        return None
    changes = [change for step in plan.get("steps") or [] for change in step.get("changes") or []]
    sum_of = plan.get("disruption") or {}
    stop = assessment.get("gate_message") if assessment.get("gate") == "stop" else None if plan.get("allowed") else plan.get("message")
    return {
        "approval": json.dumps(plan["approval"], sort_keys=True) if plan.get("approval") else None,
        "changes": sum(1 for change in changes if change.get("action") != "keep"),
        "kinds": sum_of.get("kinds") or [],
        "nodes": len(sum_of.get("nodes") or []),
        "minutes": sum_of.get("minutes") or 0,
        "complete": plan.get("complete") is not False,
        "stop": short(stop),
    }


def short(text: Any) -> str | None:
    """*text*, cut where it is long."""
    if not text:
        return None
    text = str(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def collect(variables: Mapping[str, Any]) -> list[Row]:
    """The results among *variables*, by host. What isn't a result is left out: extra vars are anybody's."""
    found = [value for key, value in variables.items() if str(key).startswith(PREFIX)]
    return sorted(
        (dict(one) for one in found if isinstance(one, Mapping) and isinstance(one.get("host"), str) and "outcome" in one),
        key=lambda one: one["host"],
    )


def approved_steps(values: list[Any], host: str) -> Row | str:
    """The approval of *host*'s plan. Empty text: no workflow, nothing was asked; empty mapping: asked, but not for this cluster."""
    if not values:
        return ""
    for one in values:
        if isinstance(one, Mapping) and one.get("host") == host:
            return _read((one.get("plan") or {}).get("approval"))
    return {}


def _read(text: Any) -> Row:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
