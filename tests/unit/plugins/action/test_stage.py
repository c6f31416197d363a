# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal that the action writes: one event a stage is enough for an honest timeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible_collections.llmd.openshift.plugins.action import stage
from ansible_collections.llmd.openshift.plugins.module_utils._report import journal


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def run(**args: Any) -> dict[str, Any]:
        task = MagicMock(args={"output_dir": str(tmp_path), **args}, async_val=0, check_mode=False)
        action = stage.ActionModule(task, MagicMock(), MagicMock(), None, None, None)
        action._connection._shell.tmpdir = "/nonexistent"
        return dict(action.run(task_vars={"inventory_hostname": "one"}))

    return run


def timeline(folder: Path) -> list[tuple[str, str]]:
    events = journal.parse((folder / "one" / "journal.jsonl").read_text())
    return [(row["stage"], row["state"]) for row in journal.stages(journal.last_run(events))]


def test_the_next_begin_ends_the_stage_before(write: Any, tmp_path: Path) -> None:
    write(state="begin", name="access", first=True)
    write(state="begin", name="discover")
    assert timeline(tmp_path) == [("access", "done"), ("discover", "open")]
    write(state="end", name="discover")
    assert timeline(tmp_path) == [("access", "done"), ("discover", "done")]


def test_a_failed_stage_was_not_ended(write: Any, tmp_path: Path) -> None:
    write(state="begin", name="access", first=True)
    write(state="begin", name="operators")
    result = write(state="failed", message="no", task="t")
    assert timeline(tmp_path) == [("access", "done"), ("operators", "failed")]
    assert result["failure"]["stage"] == "operators" and result["failure"]["message"] == "no"


def test_a_killed_run_stays_open_when_the_next_one_begins(write: Any, tmp_path: Path) -> None:
    """Nothing ended the stage in which the run was killed: the next run's begin must not say so."""
    write(state="begin", name="access", first=True)
    write(state="begin", name="serving")
    write(state="begin", name="access", first=True)
    events = [json.loads(line) for line in (tmp_path / "one" / "journal.jsonl").read_text().splitlines()]
    first = [event for event in events if event["run"] == events[0]["run"]]
    assert journal.stages(first)[-1]["state"] == "open" and timeline(tmp_path) == [("access", "open")]
