# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Children of process 1. Each test runs in a Python of its own: the reaper waits for *any* child."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HEAD = """
import json, os, sys, time
from pathlib import Path
from rehearsal.controlplane import Program
from rehearsal.errors import RehearsalError
from rehearsal.processes import Processes
logs = Path(sys.argv[1])
ended, ready = [], []
processes = Processes(logs, dict(os.environ), lambda name, status: ended.append([name, status]))
def say(**out): print(json.dumps(out))
"""


def run(tmp_path: Path, script: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_output_is_logged_and_an_unasked_end_is_told(tmp_path: Path) -> None:
    out = run(
        tmp_path,
        """
processes.start(Program("a", ["sh", "-c", "echo hello; exit 3"]))
processes.start(Program("b", ["sleep", "60"]))
while not ended: time.sleep(0.02)
say(ended=ended, tail=processes.tail("a"), running=list(processes.pids()))
""",
    )
    assert out == {"ended": [["a", 3]], "tail": "hello", "running": ["b"]}


def test_stop_is_no_crash_and_ends_stubborn_ones(tmp_path: Path) -> None:
    out = run(
        tmp_path,
        """
processes.start(Program("a", ["sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.1; done"]))
while processes.tail("a") != "on": time.sleep(0.02)
processes.stop("a", seconds=0.3)
processes.stop("unknown")
say(ended=ended, running=list(processes.pids()))
""",
    )
    assert out == {"ended": [], "running": []}


def test_ready_is_awaited_and_an_early_end_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    out = run(
        tmp_path,
        """
flag = logs / "flag"
good = Program("good", ["sh", "-c", f"sleep 0.3; touch {flag}; sleep 60"], ready=flag.exists)
bad = Program("bad", ["sh", "-c", "echo no such flag: --x; exit 1"], ready=lambda: False)
slow = Program("slow", ["sleep", "60"], ready=lambda: False)
processes.start(good)
processes.wait_ready([good], 10, ready.append)
errors = []
for program in (bad, slow):
    processes.start(program)
    try:
        processes.wait_ready([program], 0.5 if program is slow else 10, ready.append)
    except RehearsalError as error:
        errors.append(str(error))
say(ready=ready, errors=errors)
""",
    )
    assert out["ready"] == ["good"]
    assert "bad ended while starting: no such flag: --x" in out["errors"][0]
    assert "(slow)" in out["errors"][1]


def test_orphans_are_reaped_in_silence(tmp_path: Path) -> None:
    out = run(
        tmp_path,
        """
import ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans come to us, as they come to process 1
processes.start(Program("a", ["sh", "-c", "sh -c 'echo $$ > " + str(logs / "pid") + "; sleep 0.3' & exit 0"]))
while not ended: time.sleep(0.02)
time.sleep(0.6)
pid = (logs / "pid").read_text().strip()
say(gone=not Path(f"/proc/{pid}").exists(), ended=ended)
""",
    )
    assert out == {"gone": True, "ended": [["a", 0]]}
