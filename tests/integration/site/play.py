# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook as a user runs it, on a rehearsal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Result:
    """What a run printed and left behind."""

    rc: int
    output: str
    folder: Path

    @property
    def changed(self) -> int:
        """Number of changed tasks in the recap."""
        found = re.findall(r"changed=(\d+)", self.output)
        assert found, self.output
        return int(found[-1])

    @property
    def report(self) -> dict[str, Any]:
        """The report of the run."""
        return json.loads((self.folder / "report.json").read_text())

    @property
    def message(self) -> str:
        """The message that stopped the run."""
        return self.report["failure"]["message"]


class Site:
    """Plays against one rehearsal; reports go to a folder of the test."""

    def __init__(self, rehearsal: Any, folder: Path) -> None:
        self.rehearsal, self.folder = rehearsal, folder

    def command(self, *args: str, playbook: str = "site.yml", **variables: Any) -> list[str]:
        """The command line; *variables* are extra vars."""
        extra = {"rehearsal_name": self.rehearsal.name, "llmd_output_dir": str(self.folder), **variables}
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return [program, playbook, "-i", "inventories/rehearsal", "-e", json.dumps(extra), *args]

    def run(
        self, *args: str, playbook: str = "site.yml", env: dict[str, str] | None = None, timeout: int = 900, **variables: Any
    ) -> Result:
        """One whole run."""
        done = subprocess.run(
            self.command(*args, playbook=playbook, **variables),
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Result(done.returncode, done.stdout + done.stderr, self.folder / "rehearsal")
