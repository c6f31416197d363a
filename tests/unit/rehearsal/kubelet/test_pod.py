# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's life step by step, with the clock in hand: no process is started, ``FakeStart`` stands in for the launcher."""

from __future__ import annotations

import json
import os
import queue
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubelet import agent, network, process
from rehearsal.kubelet.cluster import Config
from rehearsal.kubelet.faults import Faults
from rehearsal.kubelet.images import Images, Rule
from rehearsal.kubelet.logs import Pump
from rehearsal.kubelet.node import Node
from rehearsal.kubelet.pod import Pod

IMAGES = Images([Rule(re.compile("real"), "python")])


class FakeKube:
    """Keeps the pod; a status patch changes it, a delete notes that it's gone."""

    def __init__(self) -> None:
        self.obj: dict[str, Any] = {}
        self.deleted: list[str] = []
        self.version = 1

    def get(self, path: str) -> Any:
        return {"status": {"addresses": [{"type": "InternalIP", "address": "10.244.0.1"}], "allocatable": {"cpu": "8"}}} if "/nodes/" in path else None

    def apply_status(self, path: str, status: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.obj = {**self.obj, "status": status, "metadata": {**self.obj["metadata"], "resourceVersion": str(self.version)}}
        return self.obj

    def delete(self, path: str, **_options: Any) -> None:
        self.deleted.append(path)


class FakeEvents:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, _pod: Any, reason: str, message: str, *_more: Any, **_named: Any) -> None:
        self.sent.append((reason, message))

    def forget(self, _uid: str) -> None:
        return


class FakeStore:
    def all(self) -> list[Any]:
        return []


class FakeStart:
    """Stands in for ``process.start``: each process ends when the test puts its exit code into its queue."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.ends: dict[int, queue.SimpleQueue[int]] = {}
        self.refuse: str | None = None
        self.signals: list[tuple[int, int]] = []

    def __call__(self, _launch: Any, container: dict[str, Any], *_rest: Any) -> process.Started:
        if self.refuse:
            raise process.StartError(self.refuse)
        pid = 1000 + len(self.names)
        self.names.append(container["name"])
        self.ends[pid] = queue.SimpleQueue()
        started = process.Started(pid)
        started.wait = self.ends[pid].get  # type: ignore[method-assign]
        return started

    def send(self, pid: int, number: int) -> None:
        self.signals.append((pid, number))


class World:
    """One pod on a node without a machine under it."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any], scenario: dict[str, Any] | None = None) -> None:
        self.kube, self.events, self.start = FakeKube(), FakeEvents(), FakeStart()
        monkeypatch.setattr(process, "start", self.start)
        monkeypatch.setattr(process, "send", self.start.send)
        monkeypatch.setattr(network, "create", lambda uid, address: Path("/run/netns/x"))
        monkeypatch.setattr(network, "remove", lambda uid: None)
        node = Node(
            kube=self.kube, state=tmp_path, binaries={}, delay=lambda name, default: 0.0, images=IMAGES,  # type: ignore[arg-type]
            faults=Faults(lambda: scenario or {}, 1.0), events=self.events, config=Config(self.kube),  # type: ignore[arg-type]
            services=FakeStore(), slices=FakeStore(), addresses=network.Addresses(tmp_path / "a.json"), pump=Pump(),  # type: ignore[arg-type]
            probes=ThreadPoolExecutor(1), images_there=set(), record=lambda pid, running: None)
        meta = {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1"}
        self.kube.obj = {"metadata": meta, "spec": {"nodeName": "gpu-0", **spec}, "status": {}}
        self.now = 0.0
        self.pod = Pod(node, self.kube.obj, lambda uid: None, lambda: self.now)

    def step(self, now: float) -> float | None:
        self.now = now
        return self.pod.step(now)

    def end(self, index: int, code: int, now: float) -> None:
        """Process number ``index`` (in order of start) ends; the pod hears of it."""
        self.now = now
        self.start.ends[1000 + index].put(code)
        self.pod._receive(5.0)

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.kube.obj["status"])


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "real", "command": ["x"], **more}


def test_init_containers_come_one_by_one_and_sidecars_before_what_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {
        "initContainers": [container("i1"), container("side", restartPolicy="Always"), container("i2")], "containers": [container("c1"), container("c2")]})
    world.step(0.0)
    assert world.start.names == ["i1"] and world.status["phase"] == "Pending"
    world.end(0, 0, 1.0)
    world.step(1.0)
    assert world.start.names == ["i1", "side"]
    world.step(1.1)
    assert world.start.names == ["i1", "side", "i2"]
    world.end(2, 0, 2.0)
    world.step(2.0)
    assert world.start.names[3:] == ["c1", "c2"] and world.status["phase"] == "Running"
    assert {c["type"]: c["status"] for c in world.status["conditions"]}["Ready"] == "True"


def test_a_failing_init_container_is_tried_again_with_back_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"initContainers": [container("i")], "containers": [container("c")]})
    world.step(0.0)
    world.end(0, 1, 1.0)
    world.step(1.0)  # at once
    world.end(1, 1, 2.0)
    assert world.step(2.0) == pytest.approx(10.0)
    assert world.status["initContainerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    world.step(11.9)
    assert len(world.start.names) == 2
    world.step(12.0)
    assert len(world.start.names) == 3 and world.status["initContainerStatuses"][0]["restartCount"] == 2


def test_a_pod_that_never_restarts_ends_with_its_containers_and_takes_the_sidecar_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"restartPolicy": "Never", "initContainers": [container("side", restartPolicy="Always")], "containers": [container("c")]})
    world.step(0.0)
    world.step(0.1)
    world.end(1, 3, 1.0)
    world.step(1.0)
    assert world.status["phase"] == "Failed"
    assert (1000, process.TERMINATE) in world.start.signals
    world.step(10.0)
    assert (1000, process.KILL) in world.start.signals
    assert len(world.start.names) == 2


def test_termination_is_asked_for_then_forced_and_ends_with_the_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"containers": [container("c")]})
    world.step(0.0)
    world.pod.obj = {**world.pod.obj, "metadata": {**world.pod.obj["metadata"], "deletionTimestamp": "x", "deletionGracePeriodSeconds": 5}}
    world.step(1.0)
    assert (1000, process.TERMINATE) in world.start.signals and (1000, process.KILL) not in world.start.signals
    world.step(6.0)
    assert (1000, process.KILL) in world.start.signals and not world.kube.deleted
    world.end(0, 137, 6.1)
    world.step(6.1)
    assert world.kube.deleted == ["/api/v1/namespaces/n/pods/p"]
    assert not world.pod.box.folder.exists()


def test_a_pod_whose_object_is_gone_is_ended_without_reporting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"containers": [container("c")]})
    world.step(0.0)
    world.pod.tell("gone")
    world.pod._receive(None)
    world.step(1.0)
    world.step(4.0)
    assert (1000, process.KILL) in world.start.signals
    world.end(0, 137, 4.1)
    world.step(4.1)
    assert not world.kube.deleted and not world.pod.box.folder.exists()


def test_a_start_that_fails_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"containers": [container("c")]})
    world.start.refuse = "container create failed: no"
    world.step(0.0)
    world.step(0.1)
    assert world.status["containerStatuses"][0]["state"]["waiting"] == {"reason": "CreateContainerError", "message": "container create failed: no"}
    world.start.refuse = None
    world.step(5.0)
    assert world.start.names == ["c"]


def test_an_image_that_cannot_be_pulled_backs_off_and_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario: dict[str, Any] = {"image_pull_failures": ["real"]}
    world = World(tmp_path, monkeypatch, {"containers": [container("c")]}, scenario)
    reasons = []
    for now in (0.0, 0.1, 1.0, 1.1, 10.0, 10.1):
        world.step(now)
        reasons.append(world.pod.containers[0].waiting[0])
    assert reasons == ["ErrImagePull", "ErrImagePull", "ImagePullBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImagePull"]
    scenario.clear()
    world.step(11.0)
    assert world.start.names == ["c"]


def test_a_missing_volume_holds_the_pod_back_with_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"volumes": [{"name": "v", "secret": {"secretName": "gone"}}], "containers": [container("c")]})
    assert world.step(0.0) == pytest.approx(5.0)
    assert ("FailedMount", 'MountVolume.SetUp failed for volume "v" : secret "gone" not found') in world.events.sent
    assert world.status["phase"] == "Pending" and not world.start.names


def test_a_deadline_ends_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"restartPolicy": "Never", "activeDeadlineSeconds": 5, "containers": [container("c")]})
    world.step(0.0)
    world.step(5.0)
    assert (world.status["phase"], world.status["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_fault_strikes_after_the_container_was_ready_and_then_at_each_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"containers": [container("c")]}, {"pods": [{"image": "real", "action": "exit", "after_seconds": 10, "code": 2, "log": "panic"}]})
    world.step(0.0)
    assert world.step(1.0) == pytest.approx(9.0)
    world.step(10.0)
    assert (1000, process.KILL) in world.start.signals
    assert b"panic" in world.pod.box.log_path("c", 0).read_bytes()
    world.end(0, 137, 10.0)
    world.step(10.1)
    assert world.status["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 2
    assert (1001, process.KILL) in world.start.signals


def test_an_ended_pod_of_an_earlier_kubelet_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, {"restartPolicy": "Never", "containers": [container("c")]})
    ended = {**world.kube.obj, "status": {"phase": "Succeeded"}}
    world.kube.obj = ended
    world.pod = Pod(world.pod.node, ended, lambda uid: None)
    assert world.step(0.0) is None
    assert not world.start.names and world.kube.obj is ended


def test_processes_of_an_earlier_kubelet_are_ended_only_in_the_same_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append(pid))
    table, me = tmp_path / "processes.json", os.getpid()
    mine = {str(me): agent.start_time(me), "999999999": "5", "1": "wrong start time"}
    table.write_text(json.dumps({"sandbox": "elsewhere", "pids": mine}))
    agent.Processes(table).end_leftovers()
    assert killed == []
    table.write_text(json.dumps({"sandbox": agent.sandbox_id(), "pids": mine}))
    agent.Processes(table).end_leftovers()
    assert killed == [me]
    table.write_text("not json")
    agent.Processes(table).end_leftovers()
