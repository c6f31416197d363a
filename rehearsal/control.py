# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding, starting and ending rehearsals from outside: what the command line does with a name."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rehearsal import parts, paths, sandbox, saved, timeline
from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.kube import Kube
from rehearsal.prepare import Wanted, load, prepare, provoke, repair

Say = Callable[[str], None]

STOP_SECONDS = 20.0
# Left behind by a start: all of it belongs to a rehearsal that no longer runs.
LEFTOVERS = ("etcd", "run")


class Rehearsal:
    """One rehearsal by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = paths.state_dir(name)

    @staticmethod
    def all() -> list[Rehearsal]:
        root = paths.state_root()
        return [Rehearsal(path.name) for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []

    def keeper(self) -> int | None:
        """Process id of the living keeper. Its lock proves it: a lock dies with its process."""
        path = self.state / "keeper.lock"
        if not path.exists():
            return None
        with open(path, "r+", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = handle.read().strip()
                return int(text) if text.isdigit() else None
        return None

    def status(self) -> dict[str, Any]:
        """``status.json``, corrected when its writer was killed: then nothing of it runs any more."""
        try:
            status: dict[str, Any] = json.loads((self.state / "status.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {"name": self.name, "state": "absent", "pids": {}}
        if status["state"] in ("starting", "ready") and self.keeper() is None:
            status.update(
                state="failed", pids={}, error="the keeper was killed, and the sandbox with it; 'up' starts anew"
            )
        return status

    def check(self, wanted: Wanted) -> None:
        """Raise RehearsalError when it can't be started with these settings on this machine."""
        sandbox.check()
        for folder, what in (
            (self.state, "the state folder"),
            (paths.cache_dir(), "the cache"),
            (paths.PACKAGE, "the project"),
        ):
            sandbox.check_folder(folder, what)
        if wanted.saved:
            saved.load(wanted.saved)
        else:
            load(wanted)

    def up(self, wanted: Wanted, say: Say) -> dict[str, Any]:
        """Start it and wait until it's ready. One that runs already with the same settings is left as it is."""
        self.check(wanted)  # before anything is made
        if self.keeper():
            return self._running(wanted, say)
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clean()
        binaries = parts.find(say)
        prepare(wanted, binaries)
        keeper = self._start_keeper()
        try:
            return self._await(keeper, say)
        except BaseException:
            self.down()
            raise

    def down(self) -> bool:
        """End it; nothing of it stays but logs. False when it wasn't running."""
        pid = self.keeper()
        if pid:
            _signal(pid, signal.SIGTERM)
            if not self._gone(STOP_SECONDS):
                _signal(pid, signal.SIGKILL)  # the sandbox ends by itself when its keeper does
                self._gone(STOP_SECONDS)
        self.clean()
        return pid is not None

    def save(self, name: str) -> dict[str, Any]:
        """Keep its present state under ``name``; returns the state's description."""
        self._must_run("nothing to save")
        return saved.save(self.state, self.status(), name)

    def repair(self, scenarios: list[str]) -> list[str]:
        """End scenarios of a running rehearsal; returns those that go on."""
        self._must_run("nothing to repair")
        return repair(self.state, scenarios)

    def provoke(self, scenarios: list[str]) -> list[str]:
        """Let scenarios begin in a running rehearsal; returns all that go on then."""
        self._must_run("nothing to harm")
        return provoke(self.state, scenarios)

    def timeline(self, since: str = "", reads: bool = False) -> list[dict[str, Any]]:
        """All rows of its timeline in their order; Events only while it runs. ``since``: ISO time, or a number of seconds."""
        status = self._must_be_known()
        log = self.state / "logs" / "up.log"
        steps = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        rows = [*timeline.start(steps, status["started_at"]), *timeline.rows(timeline.audit_log(self.state), reads)]
        if status["state"] == "ready":
            rows += timeline.events(Kube.from_kubeconfig(self.state / "kubeconfig", "rehearsal-timeline").list("/api/v1/events"))
        return sorted((row for row in rows if row["at"] >= _moment(since)), key=lambda row: str(row["at"]))

    def counters(self, since: str = "") -> dict[str, Any]:
        """Requests, writes, refusals, reboots and drains."""
        self._must_be_known()
        first = _moment(since)
        audit = (event for event in timeline.audit_log(self.state) if event["requestReceivedTimestamp"] >= first)
        return timeline.counters(audit, timeline.node_counters(self.state))

    def _must_be_known(self) -> dict[str, Any]:
        status = self.status()
        if status["state"] == "absent":
            raise RehearsalError(
                f"there is no rehearsal '{self.name}'",
                str(self.state),
                "it was never started",
                f"Use 'python -m rehearsal up --name {self.name}'",
                code=BAD_INPUT,
            )
        return status

    def _must_run(self, why: str) -> None:
        if not self.keeper():
            raise RehearsalError(
                f"rehearsal '{self.name}' isn't running",
                str(self.state),
                f"there is {why}",
                f"Use 'python -m rehearsal up --name {self.name}'",
                code=BAD_INPUT,
            )

    def clean(self) -> None:
        """Remove what a rehearsal that isn't running has left: processes of a half-dead sandbox, its data."""
        for pid in sandbox_processes(self.state):
            _signal(pid, signal.SIGKILL)
        for folder in LEFTOVERS:
            subprocess.run(["rm", "-rf", str(self.state / folder)], check=False)
        status = self.status()
        if status["state"] != "absent":
            status.update(state="failed" if status.get("error") else "stopped", pids={})
            (self.state / "status.json").write_text(json.dumps(status, indent=1) + "\n", encoding="utf-8")

    def wanted(self) -> Wanted:
        """The settings of the last start; raises RehearsalError when there was none."""
        last = self._must_be_known()["wanted"]
        return Wanted(**last)

    def logs(self) -> dict[str, Path]:
        """Name -> log file."""
        return {path.stem: path for path in sorted((self.state / "logs").glob("*.log"))}

    def _running(self, wanted: Wanted, say: Say) -> dict[str, Any]:
        status = self.status()
        if status.get("wanted") != wanted.as_dict():
            raise RehearsalError(
                f"rehearsal '{self.name}' runs with other settings",
                str(self.state),
                f"it has {_short(status.get('wanted'))}, you want {_short(wanted.as_dict())}",
                f"Use another --name, or 'down --name {self.name}' first",
                code=BAD_INPUT,
            )
        if status["state"] == "failed":
            raise RehearsalError(
                f"rehearsal '{self.name}' runs, but is broken",
                str(self.state),
                status["error"],
                f"Use 'python -m rehearsal reset --name {self.name}'",
            )
        if status["state"] == "starting":
            say("it's being started already; waiting for it")
            return self._await(None, say)
        say("it's up already")
        return status

    def _start_keeper(self) -> subprocess.Popen[bytes]:
        for old in (self.state / "logs").glob("*.log"):
            old.unlink()
        (self.state / "audit.log").unlink(missing_ok=True)
        (self.state / "status.json").unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(paths.REPOSITORY), "PYTHONUNBUFFERED": "1"}
        with open(self.state / "logs" / "keeper.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "rehearsal.keeper", "--state", str(self.state)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=paths.REPOSITORY,
                env=environment,
            )

    def _await(self, keeper: subprocess.Popen[bytes] | None, say: Say) -> dict[str, Any]:
        """Show the progress until it's ready; raises RehearsalError with the reason when it won't be."""
        told = 0
        while True:
            ended = keeper.poll() is not None if keeper else self.keeper() is None
            status = self.status()
            told = self._tell_progress(told, say)
            if status["state"] == "ready":
                return status
            if status["state"] == "failed" or ended:
                why = status.get("error") or _last_line(self.state / "logs" / "keeper.log")
                raise RehearsalError(
                    f"rehearsal '{self.name}' didn't start",
                    str(self.state),
                    why,
                    f"See 'python -m rehearsal logs --name {self.name} --list'",
                )
            time.sleep(0.1)

    def _tell_progress(self, told: int, say: Say) -> int:
        try:
            lines = (self.state / "logs" / "up.log").read_text(encoding="utf-8").splitlines()
        except OSError:
            return told
        for line in lines[told:]:
            say(line)
        return len(lines)

    def _gone(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.keeper() is not None:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True


def sandbox_processes(state: Path) -> list[int]:
    """Processes (of ours) that run the supervisor of this state folder: more than none only if it's half-dead."""
    found = []
    wanted = ["rehearsal.supervisor", "--state", str(state)]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if "rehearsal.supervisor" in words and words[words.index("rehearsal.supervisor") :][:3] == wanted:
            found.append(int(entry.name))
    return found


def memory(pids: dict[str, int]) -> dict[str, int]:
    """Resident bytes of every process of a rehearsal: the named ones, and by their program's name all others inside.

    Shared pages count for each process that has them, so the sum is an upper bound.
    """
    names = {pid: name for name, pid in pids.items()}
    sizes = {name: resident_bytes(pid) for name, pid in pids.items()}
    for pid in _inside(pids.get("sandbox")):
        if pid not in names:
            name = _program(pid)
            sizes[name] = sizes.get(name, 0) + resident_bytes(pid)
    return sizes


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, 0 when it's gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _inside(sandbox: int | None) -> list[int]:
    """All processes in the process namespace of ``sandbox`` (process 1 of it)."""
    if sandbox is None:
        return []
    found = []
    try:
        namespace = os.readlink(f"/proc/{sandbox}/ns/pid")
    except OSError:
        return []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # gone, or another user's
                if os.readlink(entry / "ns" / "pid") == namespace:
                    found.append(int(entry.name))
    return found


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() or "unnamed"
    except OSError:
        return "unnamed"


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # gone by itself
        os.kill(pid, number)


def _moment(since: str) -> str:
    """A time as the audit log writes it, from ISO 8601 or a number of seconds before now; "" = the beginning."""
    try:
        if not since:
            return ""
        moment = datetime.now(UTC) - timedelta(seconds=float(since)) if since.replace(".", "", 1).isdigit() else datetime.fromisoformat(since)
    except ValueError as error:
        raise RehearsalError(
            f"'{since}' is no time", "--since", str(error), "Give 2026-11-24T10:00:00Z or a number of seconds", code=BAD_INPUT
        ) from error
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _short(wanted: dict[str, Any] | None) -> str:
    return ", ".join(f"{k} {v}" for k, v in (wanted or {}).items() if k != "name")


def _last_line(path: Path) -> str:
    try:
        return (path.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no reason told"])[-1]
    except OSError:
        return "no reason told"
