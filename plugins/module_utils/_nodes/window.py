# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A weekly maintenance window, like "sat,sun 22:00 360": days, beginning (UTC) and length in minutes. Pure: the caller has the clock."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

from .._assess.look import names

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY = "daily"
FORM = '"<days> <HH:MM> <minutes>", like "sat,sun 22:00 360" (UTC); days are daily, or some of mon to sun'
_SHAPE = re.compile(r"([a-z,]+) ([01]\d|2[0-3]):([0-5]\d) ([1-9]\d{0,3})", re.ASCII)
_DAY_MINUTES = 24 * 60
_LONGEST = 7 * _DAY_MINUTES


@dataclass(frozen=True)
class Window:
    """days: 0 is Monday; start: minute of the day; minutes: how long it is open."""

    days: frozenset[int]
    start: int
    minutes: int

    def closes(self, now: datetime.datetime) -> datetime.datetime | None:
        """When the window that is open now ends; None while it is closed. Windows that meet count as one."""
        end: datetime.datetime | None = None
        moment = now
        while (longest := max((stop for begin, stop in self._around(moment) if begin <= moment < stop), default=None)) is not None:
            end = moment = longest
            if end - now >= datetime.timedelta(minutes=_LONGEST):
                return end
        return end

    def opens(self, now: datetime.datetime) -> datetime.datetime:
        """When it opens next (now, while it is open)."""
        return now if self.closes(now) else min(begin for begin, _stop in self._around(now) if begin > now)

    def _around(self, now: datetime.datetime) -> list[tuple[datetime.datetime, datetime.datetime]]:
        """Beginnings and ends of the windows from a week before to a week after."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        days = [midnight + datetime.timedelta(days=shift) for shift in range(-7, 9)]
        begins = [day + datetime.timedelta(minutes=self.start) for day in days if day.weekday() in self.days]
        return [(begin, begin + datetime.timedelta(minutes=self.minutes)) for begin in begins]


def parse(text: str) -> Window:
    """:raises ValueError: with what is wrong."""
    found = _SHAPE.fullmatch(text)
    if not found:
        raise ValueError(f"must have the form {FORM}")
    words = found[1].split(",")
    wrong = [word for word in words if word not in DAYS and word != DAILY]
    if wrong or (DAILY in words and len(words) > 1):
        raise ValueError(f"has the days {found[1]}; the form is {FORM}")
    days = range(7) if words == [DAILY] else [DAYS.index(word) for word in words]
    return Window(frozenset(days), int(found[2]) * 60 + int(found[3]), int(found[4]))


def closed(text: str | None, now: datetime.datetime) -> str:
    """Why nothing that disturbs may begin now; empty inside the window, or where none is declared."""
    if not text:
        return ""
    window = parse(text)
    if window.closes(now):
        return ""
    return f"the maintenance window ({text} UTC) is closed until {window.opens(now):%Y-%m-%d %H:%M} UTC"


def refusal(why_closed: str, steps: list[dict[str, Any]], stages: list[str] | None) -> str:
    """What would disturb whom outside the window; empty when nothing would.

    :param steps: of the plan; :param stages: only steps of these, None for all.
    """
    disturbing = [
        f"{step['title']} needs {' and '.join(step['disruption']['kinds'])} on {names(step['disruption']['nodes']) or 'nodes'}"
        for step in steps
        if step["disruption"]["kinds"] and (stages is None or step["stage"] in stages)
    ]
    if not why_closed or not disturbing:
        return ""
    return f"Nothing that disturbs nodes may begin now, because {why_closed}. {'. '.join(disturbing)}. Run again when the window is open."
