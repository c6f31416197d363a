# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long wait keeps the lock, and ends when the run that started it is gone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._access import lock, whoami
from ansible_collections.llmd.openshift.plugins.module_utils._access.lease import Locked
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Unreachable
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction


def beat_of(monkeypatch: pytest.MonkeyPatch, tick: Any) -> Any:
    monkeypatch.setattr(lock.Renewal, "tick", lambda self: tick())
    return ClusterAction.beat(object(), object())  # type: ignore[arg-type]


def fail(error: Exception) -> Any:
    def tick() -> None:
        raise error

    return tick


def test_the_lock_is_renewed_on_each_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[int] = []
    beat = beat_of(monkeypatch, lambda: ticks.append(1))
    beat()
    beat()
    assert len(ticks) == 2


def test_an_outage_is_no_reason_to_stop_but_a_lost_lock_is(monkeypatch: pytest.MonkeyPatch) -> None:
    beat_of(monkeypatch, fail(Unreachable("what", "where", "why", "todo")))()
    with pytest.raises(Locked, match="taken"):
        beat_of(monkeypatch, fail(Locked("taken over", "where", "why", "todo")))()


def test_a_worker_that_outlives_its_run_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    beat = beat_of(monkeypatch, lambda: None)
    monkeypatch.setattr(whoami, "outlived", lambda: True)
    with pytest.raises(Locked, match="The run has ended"):
        beat()
