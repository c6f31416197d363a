# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the states of all awaited objects over time: progress lines, graces, the end. The clock is passed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .model import DONE, FAILED, State, waiting

HEARTBEAT = 30.0
# While only the detail of an object changes ("2 of 3", "3 of 3"), its lines come no closer than this.
QUIET = 5.0
# Trouble that may heal is shown when it has lasted that long: products pass through it in normal starts.
SETTLE = 3.0


@dataclass
class Row:
    """What is known of one awaited object (times: seconds of the caller's clock)."""

    key: str
    state: State
    since: float
    changed: float
    told: State | None = None
    told_at: float = float("-inf")
    seconds: float | None = None


@dataclass(frozen=True)
class Failure:
    """The object that ended the wait."""

    key: str
    state: State
    after: float

    def as_dict(self) -> dict[str, str]:
        """The failure as results of actions show it."""
        return {
            "object": self.key,
            "culprit": self.state.culprit or self.key,
            "reason": self.state.reason,
            "detail": self.state.detail,
            "repair": self.state.repair,
        }

    def as_text(self) -> str:
        """Object, reason, repair in one message."""
        at = f" (at {self.state.culprit})" if self.state.culprit and self.state.culprit != self.key else ""
        return f"{self.key}{at}: {self.state.text} - seen after {span(self.after)}. What to do: {self.state.repair}"


class Tracker:
    """States of the awaited objects since ``started``."""

    def __init__(self, keys: Iterable[str], started: float) -> None:
        self.started = started
        self.last_line = started
        self.rows = {k: Row(k, waiting("NotSeen", "not read yet"), started, started) for k in keys}

    def update(self, key: str, state: State, now: float) -> None:
        """Takes the newest state of an object."""
        row = self.rows[key]
        if state.phase == DONE and row.state.phase != DONE:
            row.seconds = now - self.started
        if (state.phase, state.reason, state.culprit) != (row.state.phase, row.state.reason, row.state.culprit):
            row.since = now
        if state != row.state:
            row.changed = now
        row.state = state

    @property
    def finished(self) -> bool:
        """Whether every object is done now."""
        return all(r.state.phase == DONE for r in self.rows.values())

    def failure(self, now: float) -> Failure | None:
        """The first object whose failure has outlived its grace."""
        for row in self.rows.values():
            if row.state.phase == FAILED and now - row.since >= row.state.grace:
                return Failure(row.key, row.state, now - self.started)
        return None

    def pause(self, now: float, deadline: float) -> float:
        """Seconds until the clock alone may change something: a grace ends, a line is due, the deadline comes."""
        moments = [deadline, self.last_line + HEARTBEAT]
        for row in self.rows.values():
            if row.state.phase == FAILED:
                moments.append(row.since + row.state.grace)
            if row.told != row.state:
                moments.append(self._due(row))
        return max(0.0, min(moments) - now)

    def _due(self, row: Row) -> float:
        """When the row's present state is to be shown."""
        due = row.changed
        if row.told and (row.told.phase, row.told.reason) == (row.state.phase, row.state.reason):
            due = max(due, row.told_at + QUIET)
        if row.state.phase == FAILED and row.state.grace:
            due = max(due, row.since + min(SETTLE, row.state.grace))
        return due

    def lines(self, now: float) -> list[str]:
        """Lines to show now: one for each changed object, or one heartbeat after half a minute without any."""
        out = []
        for row in self.rows.values():
            if row.told == row.state or row.state.reason == "NotSeen" or now < self._due(row):
                continue
            row.told, row.told_at = row.state, now
            out.append(f"{row.key}: {_mark(row.state)}{row.state.text} ({span(now - self.started)})")
        if not out and now - self.last_line >= HEARTBEAT:
            out = [self._heartbeat(now)]
        if out:
            self.last_line = now
        return out

    def slowest(self) -> Row | None:
        """The object that has been in its state longest among those not done."""
        return min((r for r in self.rows.values() if r.state.phase != DONE), key=lambda r: r.since, default=None)

    def _heartbeat(self, now: float) -> str:
        row = self.slowest()
        left = sum(r.state.phase != DONE for r in self.rows.values())
        if row is None:
            return f"all {len(self.rows)} objects are ready"
        return (
            f"{left} of {len(self.rows)} objects awaited for {span(now - self.started)}; slowest: {row.key}: "
            f"{_mark(row.state)}{row.state.text} (for {span(now - row.since)})"
        )

    def timeout_text(self, now: float) -> str:
        """What was still awaited when time ran out."""
        open_rows = sorted((r for r in self.rows.values() if r.state.phase != DONE), key=lambda r: r.since)
        listed = "; ".join(f"{r.key}: {r.state.text} (for {span(now - r.since)})" for r in open_rows[:5])
        more = f"; and {len(open_rows) - 5} more" if len(open_rows) > 5 else ""
        return f"{len(open_rows)} of {len(self.rows)} objects weren't ready after {span(now - self.started)}: {listed}{more}"

    def results(self) -> list[dict[str, Any]]:
        """One entry an object: ``object``, ``state``, ``detail``, ``seconds`` until it was ready (null: it isn't)."""
        return [
            {
                "object": r.key,
                "state": r.state.reason,
                "detail": r.state.detail,
                "seconds": round(r.seconds, 3) if r.seconds is not None and r.state.phase == DONE else None,
            }
            for r in self.rows.values()
        ]


def _mark(state: State) -> str:
    return {DONE: "ok, ", FAILED: "trouble, "}.get(state.phase, "")


def span(seconds: float) -> str:
    """``75.2`` as ``1 min 15 s``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
