# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rehearsal for the whole run and what follows from it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from play import ROOT, Site

from tests.integration.conftest import Rehearsal, rehearsal_cli, start


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bare cluster of this test file's own."""
    name = f"site-{os.getpid()}-{tmp_path_factory.getbasetemp().name}"
    rehearsal: Rehearsal = start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10")
    yield Site(rehearsal, tmp_path_factory.mktemp("reports"))
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
