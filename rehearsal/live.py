# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts that follow the settings file while a rehearsal runs: catalogs that change, go down or come back, and faults of the API.

``repair`` and ``provoke`` rewrite that file; whoever is concerned notices within a second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rehearsal import controlplane, faults, olm
from rehearsal.controlplane import Files, Program
from rehearsal.errors import RehearsalError
from rehearsal.processes import Processes

REAL_API = "127.0.0.1:443"
FAULTY_API = f"127.0.0.1:{faults.PORT}"
START_SECONDS = 60.0


class Live:
    """What can be started and stopped again. ``step`` is called about once a second."""

    def __init__(self, state: Path, opm: str, files: Files, processes: Processes) -> None:
        self._run = state / "run"
        self._state, self._opm, self._files, self._processes = state, opm, files, processes
        self._catalogs = {name: self._run / "catalogs" / name / "catalog.json" for name in olm.PORTS}
        self._served: dict[str, int] = {}  # catalog -> time stamp of the file that its server read
        self._stamp = 0
        self._scenario: dict[str, Any] = {}

    def catalogs(self) -> list[Program]:
        """The servers of all catalogs, for the start."""
        return [self._catalog(name) for name in self._catalogs]

    def step(self) -> None:
        """Bring the parts to what the settings file asks for now."""
        self._read()
        down = (self._scenario.get("catalog-down") or {}).get("catalogs", [])
        for name, file in self._catalogs.items():
            self._serve(name, file.stat().st_mtime_ns, name not in down)
        self.open_door()

    def open_door(self) -> None:
        """Lead clients of the host to the API server, or to its faults when the scenario has any."""
        self._read()
        wanted = FAULTY_API if self._scenario.get("api_faults") else REAL_API
        target = self._run / "api-target"
        if target.exists() and target.read_text(encoding="ascii") == wanted:
            return
        if wanted == FAULTY_API and "faults" not in self._processes.pids():
            program = self._faults()
            self._processes.start(program)
            self._processes.wait_ready([program], START_SECONDS, lambda name: None)
        scratch = target.with_suffix(".new")
        scratch.write_text(wanted, encoding="ascii")
        scratch.replace(target)

    def _read(self) -> None:
        file = self._run / "settings.json"
        stamp = file.stat().st_mtime_ns
        if stamp != self._stamp:
            self._scenario = json.loads(file.read_text(encoding="utf-8"))["scenario"]
            self._stamp = stamp

    def _serve(self, name: str, stamp: int, wanted: bool) -> None:
        part = f"opm-{name}"
        running = part in self._processes.pids()
        if running and (not wanted or stamp != self._served.get(name)):
            self._processes.stop(part)
            running = False
        if wanted and not running:
            self._processes.start(self._catalog(name))

    def _catalog(self, name: str) -> Program:
        file = self._catalogs[name]
        self._served[name] = file.stat().st_mtime_ns
        return olm.opm(self._opm, name, file.parent, self._state)

    def _faults(self) -> Program:
        certificate, key = self._files.api
        argv = [
            sys.executable,
            "-m",
            "rehearsal.faults",
            f"--settings={self._run / 'settings.json'}",
            f"--certificate={certificate}",
            f"--key={key}",
            f"--authority={self._files.authority.path}",
        ]
        return Program("faults", argv, ready=controlplane.listens(faults.PORT))


def follow(live: Live, pause: Any, tell: Any) -> None:
    """For ever. A step that fails is told once, and tried again."""
    told = ""
    while True:
        pause()
        try:
            live.step()
        except (RehearsalError, OSError, ValueError) as error:
            if str(error) != told:
                told = str(error)
                tell(f"a change of the settings isn't in force yet: {error}")
