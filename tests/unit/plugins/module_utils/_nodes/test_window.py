# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a maintenance window is open, and what of its text is refused."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._nodes import window
from hypothesis import given
from hypothesis import strategies as st


def at(day: int, time: str) -> datetime.datetime:
    """A moment of the week of Monday, 2026-11-30."""
    hour, minute = time.split(":")
    return datetime.datetime(2026, 11, 30, int(hour), int(minute), tzinfo=datetime.UTC) + datetime.timedelta(days=day)


@pytest.mark.parametrize(
    ("text", "now", "closes", "opens"),
    [
        ("sat,sun 22:00 360", at(5, "21:59"), None, at(5, "22:00")),
        ("sat,sun 22:00 360", at(5, "22:00"), at(6, "04:00"), at(5, "22:00")),
        # over midnight, and over the end of the week
        ("sat,sun 22:00 360", at(6, "03:59"), at(6, "04:00"), at(6, "03:59")),
        ("sat,sun 22:00 360", at(6, "04:00"), None, at(6, "22:00")),
        ("sun 22:00 360", at(0, "03:00"), at(0, "04:00"), at(0, "03:00")),
        ("daily 00:00 60", at(2, "12:00"), None, at(3, "00:00")),
        # one that begins when the one before ends, or earlier, keeps it open
        ("mon,tue 00:00 1440", at(0, "10:00"), at(2, "00:00"), at(0, "10:00")),
        ("mon 08:00 30", at(0, "08:30"), None, at(7, "08:00")),
    ],
)
def test_open_and_closed(text, now, closes, opens):
    found = window.parse(text)
    assert (found.closes(now), found.opens(now)) == (closes, opens)


def test_always_open_has_an_end_that_is_far():
    found = window.parse("daily 00:00 1440").closes(at(0, "12:00"))
    assert found is not None and found >= at(7, "00:00")


@pytest.mark.parametrize("text", ["", "sat", "sat 24:00 60", "sat 22:60 60", "sat 22:00 0", "sat 22:00 -5", "saturday 22:00 60", "daily,sat 22:00 60", "sat, 22:00 60", "sat  22:00 60", "sat 22:00 60\n"])
def test_what_is_refused(text):
    with pytest.raises(ValueError, match=r"sat,sun 22:00 360"):
        window.parse(text)


def test_the_reason_names_window_and_opening():
    assert window.closed("sat 22:00 60", at(0, "12:00")) == "the maintenance window (sat 22:00 60 UTC) is closed until 2026-12-05 22:00 UTC"
    assert window.closed("sat 22:00 60", at(5, "22:30")) == "" and window.closed(None, at(0, "12:00")) == ""


@given(st.sets(st.sampled_from(window.DAYS), min_size=1), st.integers(0, 1439), st.integers(1, 9999), st.integers(0, 7 * 1440))
def test_what_opens_is_open_then_and_what_closes_is_closed_then(days, start, minutes, shift):
    found = window.Window(frozenset(window.DAYS.index(day) for day in days), start, minutes)
    now = at(0, "00:00") + datetime.timedelta(minutes=shift)
    assert found.closes(found.opens(now)) is not None
    end = found.closes(now)
    if end and end - now < datetime.timedelta(days=7):
        assert end > now and found.closes(end) is None


STEPS = [
    {"stage": "nodes", "title": "Set up the machines", "disruption": {"kinds": ["drain", "reboot"], "nodes": ["g0", "g1"]}},
    {"stage": "serving", "title": "Serve the model", "disruption": {"kinds": [], "nodes": []}},
]


def test_a_closed_window_stops_what_disturbs_and_only_that():
    told = window.refusal("the maintenance window is closed", STEPS, None)
    assert "Set up the machines needs drain and reboot on g0, g1" in told and "Run again" in told and "Serve" not in told
    assert window.refusal("closed", STEPS, ["nodes"]) and window.refusal("closed", STEPS, ["serving"]) == ""
    assert window.refusal("", STEPS, None) == ""
