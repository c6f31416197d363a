# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals for tests. `REHEARSAL_KUBECONFIG` (a running one) saves a developer the start."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Images by what the products call them; the rehearsal knows them by their names, whatever the digest.
DOWNLOAD = "registry.redhat.io/rhoai/odh-kserve-storage-initializer-rhel9@sha256:aa"
MEASURING = f"registry.redhat.io/rhoai/odh-rhaii-validator-tools-rhel9@sha256:{'7' * 64}"


class Rehearsal:
    """A running virtual OpenShift and the ways in which tests look at it from outside."""

    def __init__(self, name: str, status: dict[str, Any]) -> None:
        self.name = name
        self.status = status
        self.kubeconfig = status["kubeconfig"]
        self.state = Path(self.kubeconfig).parent

    def __str__(self) -> str:
        return str(self.kubeconfig)

    __fspath__ = __str__

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Output of kubectl; a failing one raises with its error text unless *check* is off."""
        command = [str(Path(sys.executable).with_name("kubectl")), "--kubeconfig", self.kubeconfig, *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=600)
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr}")
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def get(self, *args: str) -> Any:
        """JSON of `kubectl get`."""
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    @property
    def tools(self) -> str:
        """The image with a shell and Python that every OpenShift has."""
        tags = self.get("imagestream", "tools", "-n", "openshift")["status"]["tags"]
        return str(tags[0]["items"][0]["dockerImageReference"])

    def audit(self, start: int = 0) -> list[dict[str, Any]]:
        """Audit events from byte *start* of the log on."""
        with (self.state / "audit.log").open("rb") as log:
            log.seek(start)
            return [json.loads(line) for line in log if line.endswith(b"\n")]

    def audit_size(self) -> int:
        """Where the audit log ends now."""
        return (self.state / "audit.log").stat().st_size


def rehearsal_cli(*args: str, timeout: int = 1500) -> subprocess.CompletedProcess[str]:
    """`python -m rehearsal …`."""
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", *args], cwd=ROOT, capture_output=True, text=True, timeout=timeout
    )


def start(name: str, *args: str) -> Rehearsal:
    """Start a rehearsal, or fail the test with what it printed."""
    done = rehearsal_cli("up", "--name", name, *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return Rehearsal(name, json.loads(rehearsal_cli("status", "--name", name, "--json").stdout))


@pytest.fixture(scope="session")
def rehearsal() -> Iterator[Rehearsal]:
    """One bare cluster (h200-roce, 4.20) for the tests that can share it."""
    if given := os.environ.get("REHEARSAL_KUBECONFIG"):
        status = json.loads((Path(given).parent / "status.json").read_text())
        yield Rehearsal(status["name"], status)
        return
    name = f"test-{os.getpid()}"
    yield start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "4")
    rehearsal_cli("down", "--name", name)


@pytest.fixture
def from_saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Rehearsal]]:
    """Start from a saved state: ``from_saved("ready-to-serve", make, "--profile", "h200-roce", ...)``.

    The first test that asks for a state starts a rehearsal with these arguments, calls ``make(rehearsal)`` and saves it; the others
    (also of later runs, as long as the rehearsal's code is the same) are there in seconds.
    """
    names: list[str] = []

    def begin(state: str, make: Callable[[Rehearsal], object], *args: str) -> Rehearsal:
        names.append(f"saved-{os.getpid()}-{len(names)}")
        lock = Path(tempfile.gettempdir()) / f"rehearsal-{os.getuid()}-{state}.lock"
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)  # two test processes need not make it twice
            states = json.loads(rehearsal_cli("saved", "--json").stdout)
            if not any(row["name"] == state and row["usable"] for row in states):
                first = start(names[-1], *args)
                make(first)
                done = rehearsal_cli("save", "--name", first.name, "--as", state)
                assert done.returncode == 0, done.stderr
                return first
        return start(names[-1], "--from-saved", state)

    yield begin
    for name in names:
        rehearsal_cli("down", "--name", name)


@pytest.fixture
def new_rehearsal(request: pytest.FixtureRequest) -> Iterator[Callable[..., Rehearsal]]:
    """Start rehearsals of the test's own; they are taken down afterwards."""
    names: list[str] = []

    def begin(*args: str) -> Rehearsal:
        names.append(f"test-{os.getpid()}-{len(names)}")
        return start(names[-1], *args)

    yield begin
    for name in names:
        rehearsal_cli("down", "--name", name)


@pytest.fixture(scope="session")
def old_core() -> Callable[[str], Path]:
    """ansible-playbook of another ansible-core release, in a virtual environment below the user's cache."""

    def get(core: str) -> Path:
        cache = Path(os.environ.get("LLMD_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "llmd-openshift")
        folder = cache / "cores" / core
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                shutil.rmtree(folder, ignore_errors=True)
                python = shutil.which("python3.11") or shutil.which("python3.12") or sys.executable
                subprocess.run([python, "-m", "venv", str(folder)], check=True)
                subprocess.run(
                    [str(folder / "bin" / "pip"), "install", "--quiet", f"ansible-core~={core}.0", "-r", str(ROOT / "requirements.txt")],
                    check=True,
                )
                (folder / "ready").touch()
        return folder / "bin" / "ansible-playbook"

    return get
