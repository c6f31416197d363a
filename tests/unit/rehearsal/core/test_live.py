# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts follow the settings file: catalogs go down and come back, changed ones are served anew, faults stand before the API."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rehearsal import live, olm, prepare, settings_file
from rehearsal.errors import RehearsalError


class Processes:
    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.log: list[str] = []

    def pids(self) -> dict[str, int]:
        return dict(self.running)

    def start(self, program: Any) -> None:
        self.running[program.name] = 1
        self.log.append(f"start {program.name}")

    def stop(self, name: str) -> None:
        self.running.pop(name)
        self.log.append(f"stop {name}")

    def wait_ready(self, programs: Any, seconds: float, on_ready: Any) -> None:
        pass


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name in olm.PORTS:
        (tmp_path / "run" / "catalogs" / name).mkdir(parents=True)
        (tmp_path / "run" / "catalogs" / name / "catalog.json").write_text("{}")
    return tmp_path / "run"


def settings(run: Path, **scenario: Any) -> None:
    file = run / "settings.json"
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(json.dumps({"scenario": scenario}))
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def test_parts_follow_the_settings(run: Path) -> None:
    settings(run)
    processes = Processes()
    files: Any = SimpleNamespace(api=(Path("c"), Path("k")), authority=SimpleNamespace(path=Path("a")))
    one = live.Live(run.parent, "/bin/opm", files, processes)  # type: ignore[arg-type]
    for program in one.catalogs():
        processes.start(program)
    processes.log.clear()
    one.step()
    assert processes.log == [] and (run / "api-target").read_text() == live.REAL_API

    settings(run, **{"catalog-down": {"catalogs": ["redhat-operators"]}})
    one.step()
    assert processes.log == ["stop opm-redhat-operators"]
    one.step()
    assert len(processes.log) == 1, "it stays down"

    settings(run, api_faults=[{"kind": "500"}])
    one.step()
    assert processes.log[1:] == ["start opm-redhat-operators", "start faults"] and (run / "api-target").read_text() == live.FAULTY_API

    settings(run)
    os.utime(run / "catalogs" / "certified-operators" / "catalog.json", ns=(1, 1))
    one.step()
    assert processes.log[3:] == ["stop opm-certified-operators", "start opm-certified-operators"]
    assert (run / "api-target").read_text() == live.REAL_API


def test_a_step_that_fails_is_told_once_and_tried_again() -> None:
    class End(Exception):
        pass

    told: list[str] = []
    turns = iter(range(4))

    def pause() -> None:
        if next(turns) == 3:
            raise End

    def step() -> None:
        raise RehearsalError("faults ended while starting")

    with pytest.raises(End):
        live.follow(SimpleNamespace(step=step), pause, told.append)  # type: ignore[arg-type]
    assert len(told) == 1 and "faults ended while starting" in told[0]


def test_provoking_and_repairing_rewrite_the_settings(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rehearsal import data

    monkeypatch.setattr(prepare, "write_catalogs", lambda *_: None)
    monkeypatch.setattr("rehearsal.prepare.Crds.load", lambda: None)
    loaded = data.load("cpu-only", "4.20", ["epp-dead"])
    settings_file.write_settings(run, loaded)
    assert prepare.provoke(run.parent, ["api-outage", "epp-dead"]) == ["epp-dead", "api-outage"]
    assert settings_file.read_settings(run.parent)["scenario"]["api_faults"]
    assert prepare.repair(run.parent, ["epp-dead"]) == ["api-outage"]
    assert "pods" not in settings_file.read_settings(run.parent)["scenario"]
    with pytest.raises(RehearsalError, match="up --scenario node-not-ready") as error:
        prepare.provoke(run.parent, ["node-not-ready"])
    assert error.value.code == 2
