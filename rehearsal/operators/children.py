# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes of stand-ins: real controllers that a product would start as pods."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

log = logging.getLogger("children")

BACKOFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
STABLE_SECONDS = 60.0  # a child that ran this long starts with the shortest pause again
GRACE_SECONDS = 5.0


class Child:
    """One process that is started again, with growing pauses, until it is stopped."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str], cwd: str | None, logfile: Path) -> None:
        self.name, self.argv, self.env, self.cwd, self.logfile = name, list(argv), dict(env), cwd, logfile
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"child-{name}", daemon=True)

    def start(self) -> None:
        """Start the process and the thread that looks after it."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def stop(self) -> None:
        """End the process (SIGTERM, then SIGKILL after a grace) and stop restarting it."""
        self._stop.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._thread.join(GRACE_SECONDS)

    def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            began = time.monotonic()
            self.logfile.parent.mkdir(parents=True, exist_ok=True)
            with self.logfile.open("ab") as output:
                try:
                    self._process = subprocess.Popen(
                        self.argv, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                    )
                    code: int | str = self._process.wait()
                except OSError as error:
                    code = str(error)
            if self._stop.is_set():
                return
            tries = 0 if time.monotonic() - began > STABLE_SECONDS else tries + 1
            pause = BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS)) - 1] if tries else BACKOFF_SECONDS[0]
            self.restarts += 1
            log.warning("%s ended (%s), starting again in %.0f s; see %s", self.name, code, pause, self.logfile)
            self._stop.wait(pause)


class Children:
    """The child processes of one stand-in, by name."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, Child] = {}

    def run(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str | None = None) -> Child:
        """Make sure that child `name` runs with exactly this command line and environment.

        `env` is added to this process's environment. A change of argv, env or cwd restarts the child. Output goes to
        `<state>/logs/<name>.log`.
        """
        full = {**os.environ, **(env or {})}
        have = self._running.get(name)
        if have is not None:
            if (have.argv, have.env, have.cwd) == (list(argv), full, cwd):
                return have
            have.stop()
        child = Child(name, argv, full, cwd, self._logs / f"{name}.log")
        self._running[name] = child
        child.start()
        return child

    def stop(self, name: str) -> None:
        """Stop one child; nothing happens when it does not run."""
        child = self._running.pop(name, None)
        if child is not None:
            child.stop()

    def stop_all(self) -> None:
        """Stop every child, newest first."""
        for name in reversed(list(self._running)):
            self.stop(name)
