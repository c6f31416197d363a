# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a cluster's runs: one JSON line an event, kept beside the report.

An event is ``{"time": ISO 8601 UTC, "run": str, "event": "begin"|"end"|"failed", "stage": str, ...}``. A run starts with the
``begin`` of its first stage. A killed run has no ``end`` for its last stage: that is how the next run can say so.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

RUNS_KEPT = 20


def parse(text: str) -> list[dict[str, Any]]:
    """Events of a journal file; a half-written last line (killed while writing) is left out."""
    events = []
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and {"time", "run", "event", "stage"} <= event.keys():
            events.append(event)
    return events


def line(event: dict[str, Any]) -> str:
    """One event as a line of the file."""
    return json.dumps(event, sort_keys=True, ensure_ascii=False) + "\n"


def last_run(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of the newest run, in order; empty without any run."""
    return [event for event in events if event["run"] == events[-1]["run"]] if events else []


def open_stage(events: list[dict[str, Any]]) -> str | None:
    """Name of the stage of the newest run that began and neither ended nor failed."""
    run = last_run(events)
    return run[-1]["stage"] if run and run[-1]["event"] == "begin" else None


def pruned(events: list[dict[str, Any]], kept: int = RUNS_KEPT) -> list[dict[str, Any]]:
    """The events of the newest *kept* runs, so that a journal does not grow for ever."""
    runs = list(dict.fromkeys(event["run"] for event in events))
    keep = set(runs[-kept:])
    return [event for event in events if event["run"] in keep]


def stages(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Timeline of one run: ``[{"stage", "started", "ended"|None, "seconds"|None, "state": "done"|"failed"|"open"}]``."""
    rows: list[dict[str, Any]] = []
    for event in events:
        if event["event"] == "begin":
            rows.append(
                {"stage": event["stage"], "started": event["time"], "ended": None, "seconds": None, "state": "open"}
            )
        elif rows:
            row = rows[-1]
            row["ended"] = event["time"]
            row["seconds"] = round(_seconds(row["started"], event["time"]), 1)
            row["state"] = "done" if event["event"] == "end" else "failed"
    return rows


def _seconds(start: str, end: str) -> float:
    return (_instant(end) - _instant(start)).total_seconds()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
