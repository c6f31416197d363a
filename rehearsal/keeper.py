# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon of one rehearsal on the host: holds its lock, its ports and its life line, and writes ``status.json``.

If it dies in any way, the kernel closes its end of the life line and the sandbox ends itself. So there's nothing that a
crash could leave behind.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from rehearsal import sandbox
from rehearsal.settings_file import read_settings

STOP_SECONDS = 10.0


class Status:
    """``status.json``: written by the keeper only, always whole (by rename)."""

    def __init__(self, state: Path, settings: dict[str, Any], ports: tuple[int, int]) -> None:
        self.path = state / "status.json"
        wanted = settings["wanted"]
        self.data: dict[str, Any] = {
            "name": wanted["name"],
            "profile": wanted["profile"],
            "openshift": settings["openshift"]["version"],
            "scenarios": wanted["scenarios"],
            "speed": wanted["speed"],
            "state": "starting",
            "kubeconfig": str(state / "kubeconfig"),
            "api_url": f"https://127.0.0.1:{ports[0]}",
            "cluster_id": settings["cluster_id"],
            "gateway_url": f"http://127.0.0.1:{ports[1]}",
            "pids": {"keeper": os.getpid()},
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "ready_seconds": None,
            "error": None,
            "wanted": wanted,
            **({"twin": settings["twin"]} if settings.get("twin") else {}),
        }
        self.write()

    def update(self, **values: Any) -> None:
        self.data.update(values)
        self.write()

    def write(self) -> None:
        scratch = self.path.with_suffix(".new")
        scratch.write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")
        scratch.replace(self.path)


def lock(state: Path) -> IO[str] | None:
    """Take the lock of a rehearsal; None when a living keeper has it."""
    handle = open(state / "keeper.lock", "a+", encoding="ascii")  # noqa: SIM115 - held as long as we live
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def keep(state: Path) -> int:
    """Run one rehearsal until it's told to stop or ends by itself. Returns the exit status."""
    held = lock(state)
    if held is None:
        print("another keeper runs this rehearsal", file=sys.stderr)
        return 1
    settings = read_settings(state)
    api, gateway = _listen(), _listen()
    status = Status(state, settings, (api.getsockname()[1], gateway.getsockname()[1]))
    life_read, life_write = os.pipe()
    child = _spawn(state, api, gateway, life_read)
    os.close(life_read)
    api.close()
    gateway.close()
    status.update(pids={"keeper": os.getpid(), "unshare": child.pid})
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _stop(child, life_write, asked))
    follower = threading.Thread(target=_follow, args=(child, status, state), daemon=True)
    follower.start()
    while child.poll() is None:
        time.sleep(0.1)
    follower.join(2)
    if not asked.is_set() and status.data["state"] != "failed":
        status.update(state="failed", error="the sandbox ended by itself (was its process 1 killed?); 'up' starts anew")
    if status.data["state"] != "failed":
        status.update(state="stopped")
    status.update(pids={})
    return 0 if status.data["state"] == "stopped" else 1


def _listen() -> socket.socket:
    """A listening socket on a free port of the host's loopback."""
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 0))
    server.listen(128)
    return server


def _spawn(state: Path, api: socket.socket, gateway: socket.socket, life_line: int) -> subprocess.Popen[str]:
    program = [
        sys.executable,
        "-m",
        "rehearsal.supervisor",
        "--state",
        str(state),
        "--api-fd",
        str(api.fileno()),
        "--gateway-fd",
        str(gateway.fileno()),
        "--api-port",
        str(api.getsockname()[1]),
    ]
    return subprocess.Popen(
        [*sandbox.command(), *program],
        stdin=life_line,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        pass_fds=(api.fileno(), gateway.fileno()),
    )


def _stop(child: subprocess.Popen[str], life_line: int, asked: threading.Event) -> None:
    """Ask the supervisor to stop; kill the sandbox when it doesn't."""
    asked.set()
    with contextlib.suppress(OSError):  # it has ended already
        os.write(life_line, b"x")
    timer = threading.Timer(STOP_SECONDS, child.kill)
    timer.daemon = True
    timer.start()


def _follow(child: subprocess.Popen[str], status: Status, state: Path) -> None:
    """Turn what the supervisor tells into ``status.json`` and ``logs/up.log``."""
    assert child.stdout is not None
    with open(state / "logs" / "up.log", "a", encoding="utf-8", buffering=1) as log:
        for line in child.stdout:
            message = json.loads(line)
            if "progress" in message:
                log.write(f"{message['seconds']:6.1f} s  {message['progress']}\n")
            if message.get("state") == "failed" and status.data["error"] is None:
                status.update(state="failed", error=message["error"])
            elif message.get("state") == "ready" and status.data["state"] == "starting":
                own = {"keeper": os.getpid(), "unshare": child.pid}
                pids = {**own, **host_pids(child.pid, message["pids"])}
                status.update(state="ready", ready_seconds=message["ready_seconds"], pids=pids)


def host_pids(unshare: int, inside: dict[str, int]) -> dict[str, int]:
    """Translate process ids of the sandbox that ``unshare`` made into those of the host."""
    found: dict[int, int] = {}
    try:
        namespace = os.readlink(f"/proc/{unshare}/ns/pid_for_children")
    except OSError:
        return {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "ns" / "pid") == namespace:
                    found[_inner_pid(entry)] = int(entry.name)
            except OSError:
                continue  # gone, or not ours to look at
    return {name: found[pid] for name, pid in {"sandbox": 1, **inside}.items() if pid in found}


def _inner_pid(entry: Path) -> int:
    for line in (entry / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    raise OSError("no NSpid")


def main() -> int:
    parser = argparse.ArgumentParser(prog="rehearsal.keeper", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    return keep(parser.parse_args().state)


if __name__ == "__main__":
    sys.exit(main())
