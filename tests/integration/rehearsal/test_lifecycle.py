# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Life and death of rehearsals: several at once, killed parts, killed keepers, an interrupted start, faults of the API."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kube import Kube, KubeError

pytestmark = pytest.mark.rehearsal

ROOT = Path(__file__).resolve().parents[3]
Start = Callable[..., Any]


def cli(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", *args], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )


def status(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("status", "--name", name, "--json").stdout)
    return found


def mentions(state: Path) -> list[str]:
    """Command lines of all processes that have to do with a state folder."""
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
            except OSError:
                continue
            if f"{state}/" in words or words.strip().endswith(str(state)):
                lines.append(words)
    return lines


def wait_until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s")


def refused(url: str) -> bool:
    host, _, port = url.removeprefix("https://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def assert_gone(state: Path, api_url: str) -> None:
    wait_until(lambda: not mentions(state), 10)
    wait_until(lambda: refused(api_url), 10)  # a dying process loses its name before its sockets
    assert not (state / "run").exists() or not list((state / "run").rglob("*.sock"))
    assert str(state) not in Path("/proc/self/mounts").read_text(encoding="utf-8")


def test_two_at_once_are_two_clusters_and_end_without_a_trace(new_rehearsal: Start) -> None:
    first, second = new_rehearsal("--speed", "10"), new_rehearsal("--speed", "10")
    assert first.status["api_url"] != second.status["api_url"]
    ids = [one.get("clusterversion", "version")["spec"]["clusterID"] for one in (first, second)]
    assert ids == [first.status["cluster_id"], second.status["cluster_id"]] and len(set(ids)) == 2

    theirs = Kube.from_kubeconfig(second.kubeconfig)
    stranger = json.loads(Path(first.kubeconfig).read_text(encoding="utf-8"))["users"][0]["user"]["token"]
    theirs._headers["Authorization"] = f"Bearer {stranger}"
    with pytest.raises(KubeError) as error:
        theirs.get("/api/v1/nodes")
    assert error.value.status == 401

    assert mentions(first.state)
    assert cli("down", "--name", first.name).returncode == 0
    assert_gone(first.state, first.status["api_url"])
    assert status(second.name)["state"] == "ready"


def test_a_killed_part_is_visible_and_reset_heals(new_rehearsal: Start) -> None:
    one = new_rehearsal("--speed", "10")
    one.kubectl("create", "namespace", "mine")
    os.kill(one.status["pids"]["kube-scheduler"], signal.SIGKILL)
    broken = wait_until(lambda: (s := status(one.name))["state"] == "failed" and s)
    assert "kube-scheduler was killed by signal 9 (SIGKILL)" in broken["error"]
    again = cli("up", "--name", one.name, "--speed", "10")
    assert again.returncode == 1 and f"reset --name {one.name}" in again.stderr
    assert cli("reset", "--name", one.name).returncode == 0
    healed = status(one.name)
    assert healed["state"] == "ready" and healed["speed"] == 10
    assert "NotFound" in one.kubectl("get", "namespace", "mine", check=False), "a fresh cluster"


def test_a_killed_keeper_takes_everything_with_it_and_up_starts_anew(new_rehearsal: Start) -> None:
    one = new_rehearsal("--speed", "10")
    os.kill(one.status["pids"]["keeper"], signal.SIGKILL)
    assert_gone(one.state, one.status["api_url"])
    dead = status(one.name)
    assert dead["state"] == "failed" and "keeper was killed" in dead["error"]
    assert cli("up", "--name", one.name, "--speed", "10").returncode == 0
    assert status(one.name)["state"] == "ready"


def test_a_killed_sandbox_is_told_and_leaves_nothing(new_rehearsal: Start) -> None:
    one = new_rehearsal("--speed", "10")
    os.kill(one.status["pids"]["sandbox"], signal.SIGKILL)
    dead = wait_until(lambda: (s := status(one.name))["state"] == "failed" and s)
    assert "the sandbox ended by itself" in dead["error"] and dead["pids"] == {}
    assert_gone(one.state, one.status["api_url"])


def test_an_interrupted_start_leaves_nothing() -> None:
    name = f"test-{os.getpid()}-int"
    command = [sys.executable, "-m", "rehearsal", "up", "--name", name]
    # A shell starts what runs in its background deaf to Ctrl-C, and children inherit that.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    starting = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, heard)
    try:
        assert starting.stderr
        assert any("etcd ready" in line for line in starting.stderr)
        starting.send_signal(signal.SIGINT)
        starting.communicate(timeout=60)
        assert starting.returncode == 130
        state = Path(status(name)["kubeconfig"]).parent
        wait_until(lambda: not mentions(state), 10)
        assert status(name)["state"] == "stopped"
    finally:
        cli("down", "--name", name)


def test_faults_hit_clients_on_the_host_only_and_repair_ends_them(new_rehearsal: Start) -> None:
    one = new_rehearsal("--scenario", "api-faults", "--scenario", "package-missing", "--speed", "10")
    client = Kube.from_kubeconfig(one.kubeconfig, "lifecycle-test")
    seen = set()
    for _ in range(80):
        try:
            client._send("GET", "/api/v1/namespaces/default", None, None, "", 5.0)
        except KubeError as error:
            seen.add(error.status)
    assert 429 in seen
    assert status(one.name)["state"] == "ready", "the parts inside talk to the real API server"

    package = ("get", "packagemanifest", "leader-worker-set", "-n", "openshift-marketplace")
    assert cli("repair", "--name", one.name, "--scenario", "package-mising").returncode == 2
    assert cli("repair", "--name", one.name, "--scenario", "api-faults").returncode == 0
    assert "NotFound" in one.kubectl(*package, check=False)
    assert cli("repair", "--name", one.name).returncode == 0
    wait_until(lambda: "leader-worker-set" in one.kubectl(*package, check=False).splitlines()[-1].split(), 90)
    assert status(one.name)["state"] == "ready", "opm was started anew, which is no crash"
