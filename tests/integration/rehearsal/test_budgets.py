# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal may cost: seconds to be ready, memory, and the processor's time of one that nobody uses.

The budgets are those of an idle machine with two cores. A busy one is given as much more as it is busy, so that the test finds a rehearsal that has
become dear and not a machine that has something else to do; the numbers are printed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli
from tests.integration.rehearsal.looks import apply, wait_for
from tests.integration.rehearsal.test_saved import with_an_operator

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

GIB = 1 << 30
STAND_INS = ("operators", "kubelet")
IDLE_SECONDS = 60
Start = Callable[..., Any]


def patience() -> float:
    """How many times slower than an idle machine this one is now, roughly."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)) * float(os.environ.get("REHEARSAL_SLOWER", "1"))


def status(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rehearsal_cli("status", "--name", name, "--json").stdout)
    return found


def again(name: str) -> dict[str, Any]:
    """The same from the cache: its definitions and objects were loaded by the start before."""
    done = rehearsal_cli("reset", "--name", name)
    assert done.returncode == 0, done.stderr
    return status(name)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gib(state: dict[str, Any]) -> float:
    return sum(state["rss_bytes"].values()) / GIB


@pytest.mark.parametrize(("profile", "nodes", "seconds", "memory"), [("h200-roce", 5, 45, 4), ("fleet-200", 200, 60, 4), ("fleet-1000", 1000, 300, 7)])
def test_a_start_from_the_cache_and_rest(new_rehearsal: Start, profile: str, nodes: int, seconds: float, memory: float) -> None:
    one = new_rehearsal("--profile", profile)
    slower = patience()
    state = again(one.name)
    print(f"{profile}: ready after {state['ready_seconds']} s, {gib(state):.2f} GiB (machine {slower:.1f} times slower)")
    assert state["ready_seconds"] <= seconds * slower
    assert gib(state) <= memory
    ready = [n for n in one.get("nodes")["items"] if any(c["type"] == "Ready" and c["status"] == "True" for c in n["status"]["conditions"])]
    assert len(ready) == nodes
    wait_for(lambda: all(pool["status"].get("readyMachineCount") == pool["status"].get("machineCount", -1) for pool in one.get("mcp")["items"]), 180 * slower)

    before, began = {name: cpu_seconds(state["pids"][name]) for name in STAND_INS}, time.monotonic()
    time.sleep(IDLE_SECONDS)
    spent = sum(cpu_seconds(state["pids"][name]) - used for name, used in before.items()) / (time.monotonic() - began)
    print(f"{profile}: stand-ins at rest {spent:.2%} of a core, {gib(status(one.name)):.2f} GiB")
    assert spent < 0.05
    assert gib(status(one.name)) <= memory


def test_a_saved_state_is_back_in_seconds_and_its_pods_soon_after(new_rehearsal: Start) -> None:
    """A real pod whose readiness is first asked for after half a minute, as an endpoint picker's, doesn't make a restore wait for that."""
    one = new_rehearsal("--profile", "cpu-only", "--speed", "10")
    with_an_operator(one)
    image = one.get("pod", "client")["spec"]["containers"][0]["image"]
    probe = {"exec": {"command": ["true"]}, "initialDelaySeconds": 30, "periodSeconds": 10}
    apply(one, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "late", "namespace": "default"}, "spec": {"containers": [
        {"name": "main", "image": image, "command": ["sleep", "3600"], "readinessProbe": probe}]}})

    def ready() -> bool:
        return bool(one.get("pod", "late")["status"]["containerStatuses"][0]["ready"])

    wait_for(ready, 90)
    name = f"budget-{os.getpid()}"
    assert rehearsal_cli("save", "--name", one.name, "--as", name).returncode == 0
    try:
        slower, began = patience(), time.monotonic()
        done = rehearsal_cli("restore", "--name", one.name, "--from", name)
        assert done.returncode == 0, done.stderr
        took = time.monotonic() - began
        wait_for(ready, 15 * slower)
        print(f"restored after {took:.1f} s, its late pod ready after {time.monotonic() - began:.1f} s (machine {slower:.1f} times slower)")
        assert took <= 15 * slower
    finally:
        rehearsal_cli("saved", "--drop", name)
