# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at one awaited object can say: still waiting, done, or failed."""

from __future__ import annotations

from dataclasses import dataclass, replace

WAITING = "waiting"
DONE = "done"
FAILED = "failed"


@dataclass(frozen=True)
class State:
    """The verdict on one object at one moment.

    ``reason`` is a short stable word (often the product's own), ``detail`` one line for people, ``repair`` what a
    person can do about a failure. A failure with ``grace`` counts only when it has been seen without a break for
    that many seconds, because the product is known to leave it by itself. ``culprit`` names the object at fault
    when that isn't the awaited one (a Pod of an awaited Deployment).
    """

    phase: str
    reason: str
    detail: str = ""
    repair: str = ""
    grace: float = 0.0
    culprit: str = ""

    @property
    def text(self) -> str:
        """Reason and detail as one line, without saying the same thing twice."""
        if not self.detail or self.detail == self.reason:
            return self.reason
        if self.detail.startswith(f"{self.reason}:"):
            return self.detail
        return f"{self.reason}: {self.detail}"


def waiting(reason: str, detail: str = "") -> State:
    """The object is on its way."""
    return State(WAITING, reason, one_line(detail))


def done(reason: str = "Ready", detail: str = "") -> State:
    """The object is what was asked for."""
    return State(DONE, reason, one_line(detail))


def failed(reason: str, detail: str, repair: str, grace: float = 0.0, culprit: str = "") -> State:
    """The object doesn't get there by itself (after ``grace`` seconds of the same state)."""
    return State(FAILED, reason, one_line(detail), repair, grace, culprit)


def blamed_on(state: State, culprit: str) -> State:
    """The same state with the object that is at fault."""
    return replace(state, culprit=culprit)


def one_line(text: object, limit: int = 400) -> str:
    """Text from a cluster as one bounded line without control characters (it goes to terminals and reports)."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in str(text or "")).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
