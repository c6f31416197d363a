# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a container's spec to a running process: its root, its mounts, its pipes; and commands inside it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.kubelet.env import expand
from rehearsal.kubelet.logs import LogFile, Pump
from rehearsal.kubelet.rootplan import Mount, RootPlan
from rehearsal.kubelet.runners.base import Launch
from rehearsal.kubelet.volumes import Volumes

Obj = dict[str, Any]
LAUNCHER = Path(__file__).with_name("launch.py")
START_SECONDS = 30.0
DRAIN_SECONDS = 0.05  # for the last output of a process that has ended
TERMINATE, KILL, STOP, CONTINUE = signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


class StartError(Exception):
    """The process could not be started. The text is the runtime's."""


@dataclass(frozen=True)
class Place:
    """Where one run of a container lives on disk."""

    folder: Path  # of the container
    netns: str
    hostname: str
    hosts: Path
    resolv: Path
    pidns: str | None = None  # of the pod, when its containers share their process ids


@dataclass
class Started:
    """A running process. ``launcher`` stays only where the process isn't a child of the kubelet (shared process ids)."""

    pid: int
    launcher: subprocess.Popen[bytes] | None = None

    def wait(self) -> int:
        """Block until the end; returns the exit code as the API counts it (128 + signal)."""
        code = self.launcher.wait() if self.launcher else os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        time.sleep(DRAIN_SECONDS)
        return 128 - code if code < 0 else code


def list_folder(path: str) -> list[tuple[str, str | None]] | None:
    """For RootPlan: names and link targets."""
    try:
        with os.scandir(path) as entries:
            return [(entry.name, os.readlink(entry.path) if entry.is_symlink() else None) for entry in entries]
    except OSError:
        return None


def volume_mounts(container: Obj, volumes: Volumes, env: dict[str, str]) -> list[Mount]:
    """The container's volumeMounts, outer ones first. A missing subPath is made as a folder, as the kubelet does."""
    mounts = []
    for entry in container.get("volumeMounts") or []:
        source = volumes.path(entry["name"])
        sub = entry.get("subPath") or expand(entry.get("subPathExpr") or "", env)
        if sub:
            if Path(sub).is_absolute() or ".." in Path(sub).parts:
                raise StartError(f'failed to prepare subPath for volumeMount "{entry["name"]}" of container "{container["name"]}"')
            source = source / sub
            if not source.exists():
                source.mkdir(parents=True)
            source = Path(os.path.realpath(source))
        mounts.append(Mount(str(source), entry["mountPath"], source.is_dir(), bool(entry.get("readOnly"))))
    return sorted(mounts, key=lambda mount: mount.target.rstrip("/").count("/"))


def plan_root(launch: Launch, mounts: list[Mount], place: Place, termination: str) -> RootPlan:
    """The container's root: the image's part (links, files), then what every container has, then its volumes."""
    plan = RootPlan(list_folder)
    for path, target in launch.links.items():
        plan.host_link(path, target)
    for path, (text, mode) in launch.files.items():
        plan.file(path, text, mode)
    message = place.folder / "termination-log"
    own = [
        Mount(str(place.hosts), "/etc/hosts", directory=False),
        Mount(str(place.resolv), "/etc/resolv.conf", directory=False),
        Mount(str(message), termination, directory=False),
    ]
    plan.file("/etc/hostname", place.hostname + "\n")
    wanted = {mount.target.rstrip("/") for mount in mounts}
    every = [*launch.mounts, *(m for m in own if m.target not in wanted), *mounts]
    for mount in sorted(every, key=lambda m: m.target.rstrip("/").count("/")):
        plan.mount(mount)
    return plan


def start(launch: Launch, container: Obj, env: dict[str, str], mounts: list[Mount], place: Place, log: LogFile, pump: Pump) -> Started:
    """Start the process. Raises StartError with the reason."""
    place.folder.mkdir(parents=True, exist_ok=True)
    (place.folder / "root").mkdir(exist_ok=True)
    (place.folder / "termination-log").write_bytes(b"")
    try:
        plan = plan_root(launch, mounts, place, container.get("terminationMessagePath") or "/dev/termination-log")
    except ValueError as error:
        raise StartError(f"container create failed: {error}") from error
    reads, writes = os.pipe()
    spec = {
        "root": str(place.folder / "root"), "netns": place.netns, "operations": plan.operations(),
        "hostname": place.hostname, "cwd": container.get("workingDir") or "/", "argv": launch.argv,
        "env": {**launch.env, **env}, "report_fd": writes, "pidns": place.pidns,
    }
    path = place.folder / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    path.chmod(0o600)
    try:
        return _run(path, reads, writes, log, pump)
    finally:
        os.close(reads)
        path.unlink()


def _run(spec: Path, reads: int, writes: int, log: LogFile, pump: Pump) -> Started:
    out, err = pump.pipe(log, "stdout"), pump.pipe(log, "stderr")
    try:
        launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(spec)], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            pass_fds=[writes], close_fds=True, cwd="/",
        )
    finally:
        os.close(out)
        os.close(err)
        os.close(writes)
    word, _, rest = _report(launcher, reads).partition(" ")
    if word == "stays":
        return Started(int(rest), launcher)
    launcher.wait()
    if word == "ok":
        return Started(int(rest))
    raise StartError(rest or f"the launcher ended with status {launcher.returncode}; see the container's log")


def _report(launcher: subprocess.Popen[bytes], reads: int) -> str:
    """The launcher's one message; it closes the pipe with it."""
    ready, _, _ = select.select([reads], [], [], START_SECONDS)
    if not ready:
        launcher.kill()
        launcher.wait()
        raise StartError("context deadline exceeded")
    return os.read(reads, 65536).decode("utf-8", "replace")


def send(pid: int, number: int) -> None:
    """Send a signal; a process that has ended meanwhile is no error: its waiting thread reports that."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def inside(pid: int, argv: list[str], env: dict[str, str], cwd: str) -> list[str]:
    """The words that run a command in a container's namespaces."""
    enter = ["nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--uts", "--ipc", "--"]
    there = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", cwd]
    return [*enter, "/usr/bin/env", "-i", *(f"{key}={value}" for key, value in env.items()), *there, *argv]


def execute(pid: int, argv: list[str], env: dict[str, str], cwd: str, timeout: float) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a container (exec probes)."""
    return subprocess.run(inside(pid, argv, env, cwd), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, check=False)
