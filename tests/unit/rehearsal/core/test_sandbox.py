# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can have a sandbox, and what those who can't are told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rehearsal import sandbox
from rehearsal.errors import RehearsalError


def test_other_systems_are_told_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    with pytest.raises(RehearsalError, match=r"needs Linux \(Darwin\).*virtual machine or container.*kubeconfig"):
        sandbox.check()


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "ip" else f"/bin/{name}")
    with pytest.raises(RehearsalError, match=r"\(ip\).*iproute2"):
        sandbox.check()


@pytest.mark.parametrize(("user", "advice"), [(0, "--privileged"), (1000, "Run as root|run as root")])
def test_refused_namespaces_are_explained(user: int, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    refused = subprocess.CompletedProcess([], 1, "", "unshare: unshare failed: Operation not permitted\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: refused)
    with pytest.raises(RehearsalError, match=f"Operation not permitted.*({advice}).*existing cluster"):
        sandbox.check()


def test_only_ordinary_users_get_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--map-root-user" in sandbox.command()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--map-root-user" not in sandbox.command()


@pytest.mark.parametrize(
    ("folder", "refused"), [("/run", True), ("/run/user/1000/x", True), ("/srv/x", False), ("/running", False)]
)
def test_folders_that_the_sandbox_hides_are_refused(folder: str, refused: bool) -> None:
    if refused:
        with pytest.raises(RehearsalError) as error:
            sandbox.check_folder(Path(folder), "the state folder")
        assert error.value.code == 2
    else:
        sandbox.check_folder(Path(folder), "the state folder")
