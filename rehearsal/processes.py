# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes of process 1: started with a log file each, watched until they're ready, reaped when they end.

Process 1 inherits every orphan of the sandbox, so one thread waits for *any* child. That takes exit statuses away from the
subprocess module: nobody else in this process may use ``subprocess.run`` once the reaper runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rehearsal.controlplane import Program
from rehearsal.errors import RehearsalError

OnExit = Callable[[str, int], None]


class Processes:
    """The named programs that run now. ``on_exit(name, status)`` is told about each end that nobody asked for."""

    def __init__(self, logs: Path, env: dict[str, str], on_exit: OnExit) -> None:
        self._logs = logs
        self._env = env
        self._on_exit = on_exit
        self._lock = threading.Condition()
        self._running: dict[int, str] = {}
        self._pids: dict[str, int] = {}
        self._expected: set[int] = set()
        self._keep: list[subprocess.Popen[bytes]] = []
        threading.Thread(target=self._reap, daemon=True, name="reaper").start()

    def start(self, program: Program) -> None:
        """Start it; its output goes to ``logs/<name>.log``."""
        with self._lock, open(self._logs / f"{program.name}.log", "ab") as log:
            process = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self._env, **program.env},
                pass_fds=program.pass_fds,
                start_new_session=True,
            )
            process.returncode = 0  # the reaper waits for it; without this, Popen would warn that nobody did
            self._keep.append(process)
            self._running[process.pid] = program.name
            self._pids[program.name] = process.pid

    def pids(self) -> dict[str, int]:
        """Name -> process id (as the sandbox counts them)."""
        with self._lock:
            return dict(self._pids)

    def wait_ready(self, programs: list[Program], seconds: float, on_ready: Callable[[str], None]) -> None:
        """Wait until each says that it's ready; raises RehearsalError when one ends before or time is up."""
        waiting = [program for program in programs if program.ready]
        for program in programs:
            if not program.ready:
                on_ready(program.name)
        end = time.monotonic() + seconds
        while waiting:
            for program in list(waiting):
                if program.name not in self.pids():
                    raise RehearsalError(
                        f"{program.name} ended while starting",
                        why=self.tail(program.name),
                        todo=f"See 'python -m rehearsal logs {program.name}'",
                    )
                if program.ready and program.ready():
                    waiting.remove(program)
                    on_ready(program.name)
            if waiting and time.monotonic() > end:
                names = ", ".join(program.name for program in waiting)
                raise RehearsalError(
                    f"not ready after {seconds:.0f} s",
                    names,
                    self.tail(waiting[0].name),
                    f"See 'python -m rehearsal logs {waiting[0].name}'",
                )
            time.sleep(0.1)

    def stop(self, name: str, seconds: float = 5.0) -> None:
        """SIGTERM, then SIGKILL after ``seconds``. Returns when it has ended; an unknown name is no error."""
        with self._lock:
            pid = self._pids.get(name)
            if pid is None:
                return
            self._expected.add(pid)
            _signal(pid, signal.SIGTERM)
            if not self._lock.wait_for(lambda: pid not in self._running, seconds):
                _signal(pid, signal.SIGKILL)
                self._lock.wait_for(lambda: pid not in self._running, 5)

    def tail(self, name: str, lines: int = 3) -> str:
        """The last lines of a program's log, for an error message."""
        try:
            text = (self._logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "no log"
        return " | ".join(line.strip()[:240] for line in text.strip().splitlines()[-lines:]) or "its log is empty"

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                time.sleep(0.1)
                continue
            with self._lock:
                name = self._running.pop(pid, None)
                if name and self._pids.get(name) == pid:
                    del self._pids[name]
                asked = pid in self._expected
                self._expected.discard(pid)
                self._keep = [process for process in self._keep if process.pid != pid]
                self._lock.notify_all()
            if name and not asked:
                self._on_exit(name, os.waitstatus_to_exitcode(status))


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended at this very moment
        os.kill(pid, number)
