# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A roll-out that is held back, let go, stopped at a limit, resumed, and halted where a machine doesn't come back."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Conflict
from ansible_collections.llmd.openshift.plugins.module_utils._nodes import rollout as states
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot.pools import PAUSED_BY
from ansible_collections.llmd.openshift.plugins.module_utils._watch import rollout, wait
from ansible_collections.llmd.openshift.plugins.module_utils._watch.rollout import Limits, Rollout, Stopped
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import WaitFailed

sys.path.insert(0, str(Path(__file__).parent))
from fake import FakeCluster

NAMES = ["g0", "g1", "g2"]
POOL = {"name": "worker", "config": "99-llmd-worker", "machines": 3}
NOTE = "machineconfiguration.openshift.io/"
SATURDAY = datetime.datetime(2026, 12, 5, 22, 0, tzinfo=datetime.UTC)


class Machines(FakeCluster):
    """Nodes that restart one after the other while their pool isn't paused; each look at the nodes is one step in time."""

    def __init__(self, lost: str = "", steps: int = 3) -> None:
        super().__init__()
        self.lost, self.steps, self.age = lost, steps, dict.fromkeys(NAMES, 0)
        self.order: list[str] = []
        for name in NAMES:
            self.node(name, "old", "old")
        self.pool(paused=False)
        for name, arguments in (("99-llmd-worker", ["a=2"]), ("new", ["a=2"])):
            self.put("MachineConfig", {"metadata": {"name": name, "labels": {}}, "spec": {"kernelArguments": arguments}})

    def node(self, name: str, current: str, desired: str, ready: bool = True) -> None:
        notes = {f"{NOTE}currentConfig": current, f"{NOTE}desiredConfig": desired, f"{NOTE}state": "Done" if current == desired else "Working"}
        told = {"type": "Ready", "status": "True" if ready else "Unknown", "message": "Kubelet stopped posting node status."}
        self.put("Node", {"metadata": {"name": name, "annotations": notes}, "spec": {}, "status": {"conditions": [told]}})

    def pool(self, paused: bool, notes: dict[str, str] | None = None, degraded: str = "") -> None:
        done = all(self.note(name, "currentConfig") == "new" for name in NAMES)
        conditions = [{"type": "Updated", "status": str(done)}, {"type": "Updating", "status": str(not done)}, {"type": "Degraded", "status": str(bool(degraded)), "message": degraded}]
        configuration = {"name": "new", "source": [{"name": "99-llmd-worker"}]}
        self.put("MachineConfigPool", {
            "metadata": {"name": "worker", "annotations": notes or {}}, "spec": {"paused": paused, "configuration": configuration},
            "status": {"machineCount": 3, "readyMachineCount": 3 * done, "updatedMachineCount": 3 * done, "conditions": conditions,
                       "configuration": configuration if done else {"name": "old"}},
        })  # fmt: skip

    def note(self, name: str, word: str) -> str:
        return str(self.objects["Node"][f"/{name}"]["metadata"]["annotations"][f"{NOTE}{word}"])

    def get(self, path: str) -> dict[str, Any] | None:
        kind, _namespace, name = path.split("|")
        return self.objects[kind].get(f"/{name}")

    def patch(self, path: str, body: Any, content_type: str = "") -> dict[str, Any]:
        self.patches.append((path, body))
        notes = {key: value for key, value in body["metadata"]["annotations"].items() if value}
        self.pool(body["spec"]["paused"], notes)
        return {}

    def list(self, path: str, label_selector: str | None = None, field_selector: str | None = None, **options: Any) -> list[Any]:
        if path.startswith("Node"):
            self.step()
            return [options["reduce"](node) for node in self.objects["Node"].values()]
        if path.startswith("MachineConfig|"):
            return [options["reduce"](config) for config in self.objects["MachineConfig"].values()]
        return super().list(path, label_selector, field_selector)

    def step(self) -> None:
        pool = self.objects["MachineConfigPool"]["/worker"]
        busy = [name for name in NAMES if self.note(name, "currentConfig") != self.note(name, "desiredConfig")]
        waiting = [name for name in NAMES if self.note(name, "desiredConfig") == "old"]
        if busy:
            self.age[busy[0]] += 1
            if self.age[busy[0]] >= self.steps and busy[0] != self.lost:
                self.node(busy[0], "new", "new")
        elif waiting and not pool["spec"]["paused"]:
            self.order.append(waiting[0])
            self.node(waiting[0], "old", "new", ready=False)
        self.pool(pool["spec"]["paused"], pool["metadata"]["annotations"])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(wait, "BEAT_SECONDS", 0.05)  # the machines take a step at each look


def roll(cluster: Machines, limits: Limits | None = None, now: datetime.datetime = SATURDAY) -> Rollout:
    return Rollout(cluster, [POOL], NAMES, limits or Limits(), 60, lambda _line: None, now=lambda: now, sleep=lambda _seconds: None)


def paused(cluster: Machines) -> tuple[bool, Any]:
    pool = cluster.objects["MachineConfigPool"]["/worker"]
    return pool["spec"]["paused"], pool["metadata"]["annotations"].get(PAUSED_BY)


def test_held_back_then_every_machine_once() -> None:
    cluster = Machines()
    work = roll(cluster)
    assert work.held() == ["worker"] and work.hold() == ["worker"] and paused(cluster) == (True, "llmd-openshift")
    assert work.hold() == []
    assert work.release()[0]["state"] == "Updated"
    assert cluster.order == NAMES and paused(cluster) == (False, None)


def test_stops_after_as_many_nodes_as_declared_and_goes_on_in_the_next_run() -> None:
    cluster = Machines()
    roll(cluster).hold()
    with pytest.raises(Stopped) as stop:
        roll(cluster, Limits(most=1)).release()
    assert cluster.order == ["g0"] and paused(cluster) == (True, "llmd-openshift")
    assert "llmd_stop_after_nodes is 1" in str(stop.value) and "1 of 3 machines run with their settings (g0)" in str(stop.value)
    assert "g1, g2 didn't restart yet" in str(stop.value) and "run again" in str(stop.value)
    with pytest.raises(Stopped):
        roll(cluster, Limits(most=1)).release()
    assert cluster.order == ["g0", "g1"]
    roll(cluster, Limits(most=1)).release()
    assert cluster.order == NAMES and paused(cluster) == (False, None)


def test_nothing_begins_outside_the_window_and_nothing_more_when_it_closes() -> None:
    cluster = Machines()
    roll(cluster).hold()
    with pytest.raises(Stopped, match=r"closed until 2026-12-05 23:00 UTC"):
        roll(cluster, Limits(window="sat 23:00 60")).release()
    assert cluster.order == [] and paused(cluster) == (True, "llmd-openshift")

    def late() -> datetime.datetime:
        return SATURDAY if len(cluster.order) < 2 else SATURDAY + datetime.timedelta(hours=2)

    work = Rollout(cluster, [POOL], NAMES, Limits(window="sat 22:00 60"), 20, lambda _line: None, now=late, sleep=lambda _seconds: None)
    with pytest.raises(Stopped, match="2 of 3 machines"):
        work.release()
    assert cluster.order == ["g0", "g1"] and paused(cluster)[0]


def test_nothing_is_let_go_before_the_changed_content_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The MachineConfig is part of the old render too: a roll-out of that one would seem to be over at once."""
    monkeypatch.setattr(rollout, "RENDER_SECONDS", 0.3)
    cluster = Machines()
    cluster.put("MachineConfig", {"metadata": {"name": "new", "labels": {}}, "spec": {"kernelArguments": ["a=1"]}})
    roll(cluster).hold()
    with pytest.raises(WaitFailed, match="hasn't taken up MachineConfig 99-llmd-worker"):
        roll(cluster).release()
    assert cluster.order == [] and paused(cluster)[0]


@pytest.mark.parametrize(
    ("rendered", "sources", "fits"),
    [
        ({"kernel_arguments": ["a", "b"], "files": {"/x": "1", "/y": "2"}}, [{"name": "us", "kernel_arguments": ["a"], "files": {"/x": "1"}}, {"name": "they", "kernel_arguments": ["b"], "files": {}}], True),
        ({"kernel_arguments": ["a", "old"], "files": {}}, [{"name": "us", "kernel_arguments": ["a"], "files": {}}], False),
        ({"kernel_arguments": ["a"], "files": {"/x": "old"}}, [{"name": "us", "kernel_arguments": ["a"], "files": {"/x": "1"}}], False),
        ({"kernel_arguments": [], "files": {}}, [{"name": "they", "kernel_arguments": [], "files": {}}], False),
        (None, [{"name": "us", "kernel_arguments": [], "files": {}}], False),
    ],
)
def test_what_a_render_has_taken_up(rendered: Any, sources: Any, fits: bool) -> None:
    assert states.taken_up(rendered, sources, "us") is fits


def test_a_machine_that_does_not_come_back_halts_the_others() -> None:
    cluster = Machines(lost="g1", steps=1)
    roll(cluster).hold()
    with pytest.raises(WaitFailed) as failed:
        roll(cluster, Limits(away=1.5)).release()
    assert failed.value.failure is not None and failed.value.failure.key == "Node g1" and failed.value.failure.state.reason == "NeverReturned"
    assert "Kubelet stopped posting node status" in str(failed.value) and "console" in str(failed.value)
    assert cluster.order == ["g0", "g1"] and paused(cluster) == (True, "llmd-openshift")


def test_a_degraded_pool_is_named_with_its_node_and_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Machines()
    roll(cluster).hold()
    told = 'Node g0 is reporting: "unexpected on-disk state"'
    usual = cluster.pool
    monkeypatch.setattr(cluster, "pool", lambda paused, notes=None, degraded="": usual(paused, notes, "" if paused and not cluster.order else told))
    monkeypatch.setattr("ansible_collections.llmd.openshift.plugins.module_utils._wait.openshift.DEGRADED_GRACE", 0.2)
    with pytest.raises(WaitFailed, match="unexpected on-disk state"):
        roll(cluster).release()
    assert paused(cluster) == (True, "llmd-openshift")


def test_a_pool_that_somebody_else_paused_stays_so() -> None:
    cluster = Machines()
    cluster.pool(paused=True)
    with pytest.raises(Conflict, match="somebody has paused it"):
        roll(cluster).hold()
    assert cluster.patches == []
