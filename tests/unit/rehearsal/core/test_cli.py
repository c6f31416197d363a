# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: exit codes, JSON, and that bad input is told before anything is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal import cli
from rehearsal.control import Rehearsal
from rehearsal.errors import RehearsalError


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMD_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture
def namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.sandbox.check", lambda: None)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--profile", "h200-rce"], ["h200-rce", "did you mean 'h200-roce'", "Known:"]),
        (["--scenario", "package-mising"], ["package-mising", "did you mean 'package-missing'", "Known:"]),
        (["--openshift", "4.2"], ["version of OpenShift '4.2'", "Known:", "4.20"]),
        (["--name", "No Name"], ["'No Name'", "lower-case"]),
    ],
)
def test_bad_input_is_2_names_the_nearest_word_and_leaves_no_trace(
    argv: list[str], told: list[str], namespaces: None, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["up", *argv]) == 2
    error = capsys.readouterr().err
    assert all(text in error for text in told), error
    assert "Traceback" not in error and error.count("\n") == 1
    assert list(state.iterdir()) == []


@pytest.mark.parametrize(
    "argv", [[], ["upp"], ["up", "--speed", "0"], ["up", "--speed", "fast"], ["logs", "--tail", "x"]]
)
def test_wrong_usage_is_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == 2


def test_failures_are_1_and_told_as_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Rehearsal, wanted: object, say: object) -> None:
        raise RehearsalError("namespaces are refused", "user id 7", "EPERM", "Run as root")

    monkeypatch.setattr(Rehearsal, "up", fail)
    assert cli.main(["up", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["why"] == "EPERM"
    assert err == "rehearsal: namespaces are refused (user id 7): EPERM. Run as root\n"


def test_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Rehearsal, wanted: object, say: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Rehearsal, "up", interrupt)
    assert cli.main(["up"]) == 130


def test_status_is_0_only_when_ready(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status"]) == 1
    assert "never started" in capsys.readouterr().out
    ready = {
        "name": "default", "state": "ready", "openshift": "4.20.20", "profile": "p", "scenarios": ["s"], "kubeconfig": "k",
        "api_url": "u", "gateway_url": "g", "cluster_id": "c", "pids": {}, "error": None,
    }  # fmt: skip
    monkeypatch.setattr(Rehearsal, "status", lambda self: ready)
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rss_bytes"] == {}


def test_down_of_nothing_is_fine_and_makes_nothing(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["down", "--name", "nonesuch"]) == 0
    assert "was not running" in capsys.readouterr().out
    assert cli.main(["down", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ended": []}
    assert list(state.iterdir()) == []


def test_logs_lists_shows_and_names_the_nearest(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = state / "rehearsal" / "default" / "logs"
    logs.mkdir(parents=True)
    (logs / "kwok.log").write_text("a\nb\nc\n", encoding="utf-8")
    assert cli.main(["logs", "--list"]) == 0
    assert capsys.readouterr().out == "kwok\n"
    assert cli.main(["logs", "kwok", "--tail", "2"]) == 0
    assert capsys.readouterr().out == "b\nc\n"
    assert cli.main(["logs", "kwk"]) == 2
    assert "did you mean 'kwok'" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["profiles", "scenarios", "openshift"])
def test_known_names_have_a_description(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known and all(known.values())
