# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, the lock that proves a living keeper, and what is told about one that was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rehearsal import control, keeper, paths
from rehearsal.control import Rehearsal
from rehearsal.errors import RehearsalError
from rehearsal.prepare import Wanted


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMD_STATE", str(tmp_path))
    folder = tmp_path / "rehearsal" / "a"
    folder.mkdir(parents=True)
    return folder


def write_status(folder: Path, **values: Any) -> None:
    data = {
        "name": "a",
        "state": "ready",
        "error": None,
        "pids": {"keeper": 1},
        "wanted": Wanted("a", "p", "4.20").as_dict(),
    }
    (folder / "status.json").write_text(json.dumps({**data, **values}), encoding="utf-8")


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "-a", "a-", "a" * 40])
def test_names_that_can_be_no_folder_are_refused(name: str) -> None:
    with pytest.raises(RehearsalError) as error:
        paths.state_dir(name)
    assert error.value.code == 2


def test_state_and_cache_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert paths.state_root() == tmp_path / "rehearsal"
    monkeypatch.delenv("LLMD_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert paths.state_root() == Path("/x/llmd-openshift/rehearsal")


def test_lock_is_held_once_and_dies_with_its_holder(state: Path) -> None:
    assert Rehearsal("a").keeper() is None
    script = "import sys; from pathlib import Path; from rehearsal.keeper import lock; h = lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    assert Rehearsal("a").keeper() == holder.pid
    assert keeper.lock(state) is None
    holder.kill()
    holder.communicate()
    assert Rehearsal("a").keeper() is None


def test_status_of_a_killed_keeper_is_failed_with_the_reason(state: Path) -> None:
    write_status(state)
    status = Rehearsal("a").status()
    assert (status["state"], status["pids"]) == ("failed", {})
    assert "keeper was killed" in status["error"]


def test_status_without_or_with_a_broken_file(state: Path) -> None:
    assert Rehearsal("a").status()["state"] == "absent"
    (state / "status.json").write_text("{", encoding="utf-8")
    assert Rehearsal("a").status()["state"] == "absent"


def test_down_of_one_that_does_not_run_cleans_up_and_keeps_logs(state: Path) -> None:
    write_status(state, state="stopped")
    for folder in ("etcd", "run", "logs"):
        (state / folder / "x").mkdir(parents=True)
    assert Rehearsal("a").down() is False
    assert sorted(path.name for path in state.iterdir()) == ["logs", "status.json"]


def test_reset_and_repair_need_one_that_is_there() -> None:
    with pytest.raises(RehearsalError, match="never started"):
        Rehearsal("b").wanted()
    with pytest.raises(RehearsalError, match="isn't running"):
        Rehearsal("b").repair([])


def test_running_with_other_settings_is_refused_and_a_broken_one_is_explained(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rehearsal, "keeper", lambda self: 1)
    write_status(state)
    said: list[str] = []
    assert Rehearsal("a")._running(Wanted("a", "p", "4.20"), said.append)["state"] == "ready"
    with pytest.raises(RehearsalError, match=r"other settings.*profile q") as error:
        Rehearsal("a")._running(Wanted("a", "q", "4.20"), said.append)
    assert error.value.code == 2
    write_status(state, state="failed", error="etcd ended with status 1")
    with pytest.raises(RehearsalError, match=r"broken.*etcd ended.*reset --name a"):
        Rehearsal("a")._running(Wanted("a", "p", "4.20"), said.append)


def test_processes_of_a_half_dead_sandbox_are_found_by_their_state_folder(state: Path) -> None:
    arguments = ["rehearsal.supervisor", "--state", str(state)]
    program = "import sys; print(flush=True); sys.stdin.read()"
    alive = subprocess.Popen([sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert alive.stdout and alive.stdout.readline()  # right after its start a process has no arguments yet in /proc
        assert control.sandbox_processes(state) == [alive.pid]
        assert control.sandbox_processes(state.parent / "b") == []
    finally:
        alive.communicate()


def test_memory_of_a_process() -> None:
    assert control.resident_bytes(os.getpid()) > 1 << 20
    assert control.resident_bytes(2**22 + 1) == 0


def test_memory_counts_named_and_unnamed_processes_of_a_sandbox() -> None:
    sizes = control.memory({"sandbox": os.getpid(), "gone": 2**22 + 1})
    assert sizes["sandbox"] > 1 << 20 and sizes["gone"] == 0
    assert len(sizes) > 2, "other processes of this namespace are there by their program's name"
    assert control.memory({}) == {}


def test_host_pids_of_something_that_is_gone() -> None:
    assert keeper.host_pids(2**22 + 1, {"etcd": 5}) == {}
