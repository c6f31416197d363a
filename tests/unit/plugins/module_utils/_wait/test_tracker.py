# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States over time: graces, lines, the end."""

from __future__ import annotations

from ansible_collections.llmd.openshift.plugins.module_utils._wait.model import done, failed, waiting
from ansible_collections.llmd.openshift.plugins.module_utils._wait.tracker import Tracker, span
from hypothesis import given
from hypothesis import strategies as st


def test_all_must_be_ready_at_the_same_time() -> None:
    tracker = Tracker(["a", "b"], 0)
    tracker.update("a", done(), 1)
    tracker.update("b", waiting("Slow"), 1)
    assert not tracker.finished
    tracker.update("a", waiting("Again"), 2)
    tracker.update("b", done(), 2)
    assert not tracker.finished
    tracker.update("a", done(), 5)
    assert tracker.finished
    assert [r["seconds"] for r in tracker.results()] == [5, 2]


def test_failure_without_grace_ends_at_once() -> None:
    tracker = Tracker(["a"], 0)
    tracker.update("a", failed("Bad", "d", "do x"), 1)
    found = tracker.failure(1)
    assert found and "a: Bad: d" in found.as_text() and "do x" in found.as_text()


def test_grace_counts_from_the_first_sight_and_starts_again() -> None:
    tracker = Tracker(["a"], 0)
    bad = failed("Bad", "d", "r", grace=10)
    tracker.update("a", bad, 1)
    tracker.update("a", failed("Bad", "other words", "r", grace=10), 9)
    assert tracker.failure(10.9) is None and tracker.failure(11) is not None
    tracker.update("a", waiting("Better"), 10)
    tracker.update("a", bad, 10.5)
    assert tracker.failure(20) is None and tracker.failure(20.5) is not None


def test_the_clock_wakes_when_a_grace_ends() -> None:
    tracker = Tracker(["a"], 0)
    tracker.update("a", failed("Bad", "d", "r", grace=10), 0)
    tracker.lines(3)
    assert tracker.pause(4, deadline=100) == 6
    assert tracker.pause(99, deadline=100) == 0


def test_a_line_a_change_and_one_each_half_minute() -> None:
    tracker = Tracker(["a", "b"], 0)
    tracker.update("a", waiting("Slow", "1 of 9"), 0)
    tracker.update("b", waiting("Slow"), 0)
    assert len(tracker.lines(0)) == 2
    assert tracker.lines(29) == []
    beat = tracker.lines(30)
    assert len(beat) == 1 and "2 of 2 objects" in beat[0] and "slowest: a" in beat[0]
    tracker.update("a", waiting("Slow", "2 of 9"), 31)
    assert len(tracker.lines(31)) == 1, "the last line of this object is older than the quiet time"
    tracker.update("a", waiting("Slow", "3 of 9"), 32)
    assert tracker.lines(32) == [] and tracker.lines(36), "details are told at most every few seconds"
    tracker.update("a", done("Ready"), 36.5)
    assert tracker.lines(36.5), "another state is told at once"


def test_trouble_that_may_heal_is_shown_when_it_lasts() -> None:
    tracker = Tracker(["a"], 0)
    tracker.update("a", failed("RequirementsNotMet", "d", "r", grace=120), 0)
    assert tracker.lines(1) == []
    assert "trouble" in tracker.lines(3)[0]


def test_timeout_text_names_what_is_open() -> None:
    tracker = Tracker([str(n) for n in range(8)], 0)
    for n in range(8):
        tracker.update(str(n), waiting("Slow", f"d{n}"), 1)
    text = tracker.timeout_text(61)
    assert "8 of 8" in text and "and 3 more" in text and "1 min 1 s" in text


def test_span() -> None:
    assert [span(s) for s in (0.9, 59, 60, 3661)] == ["0 s", "59 s", "1 min 0 s", "1 h 1 min"]


STATES = st.sampled_from(
    [done(), waiting("W"), waiting("W", "2"), failed("F", "d", "r", grace=5), failed("G", "d", "r")]
)


@given(st.lists(st.tuples(st.sampled_from("ab"), STATES, st.floats(0, 20)), max_size=30))
def test_any_history_keeps_the_promises(events: list) -> None:
    tracker, now = Tracker("ab", 0.0), 0.0
    for key, state, step in events:
        now += step
        tracker.update(key, state, now)
        assert tracker.pause(now, now + 50) >= 0
        assert len(tracker.lines(now)) <= 2
        assert not (tracker.finished and tracker.failure(now))
    for row in tracker.results():
        assert (row["seconds"] is None) == (tracker.rows[row["object"]].state.phase != "done")
