# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole wait over a changing set of objects, with faults of the API."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Forbidden, Gone, Unreachable
from ansible_collections.llmd.openshift.plugins.module_utils._wait import pods
from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import parse
from ansible_collections.llmd.openshift.plugins.module_utils._watch import follow, hangs, wait
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import Wait, WaitFailed, look_once

sys.path.insert(0, str(Path(__file__).parent))
from fake import FakeCluster

POLICY = {"api_version": "nvidia.com/v1", "kind": "ClusterPolicy", "name": "p"}
READY = {"state": "ready", "conditions": [{"type": "Ready", "status": "True", "reason": "Reconciled"}]}


def run(
    cluster: FakeCluster, targets: list[dict[str, Any]], seconds: float = 5
) -> tuple[list[dict[str, Any]], list[str]]:
    lines: list[str] = []
    return Wait(cluster, parse(targets), seconds, lines.append).run(), lines


def test_waits_until_an_object_appears_and_is_ready() -> None:
    cluster = FakeCluster()
    cluster.after(
        0.2, lambda: cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": {"state": "notReady"}})
    )
    cluster.after(0.4, lambda: cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": READY}))
    results, lines = run(cluster, [POLICY])
    assert results[0]["state"] == "ready" and results[0]["seconds"] >= 0.3
    assert [line.split(":")[1].split()[0].strip(",") for line in lines] == ["Missing", "notReady", "ok"]


def test_a_change_is_seen_quickly() -> None:
    cluster = FakeCluster()
    changed: list[float] = []

    def change() -> None:
        changed.append(time.monotonic())
        cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": READY})

    cluster.after(0.3, change)
    run(cluster, [POLICY])
    assert time.monotonic() - changed[0] < 0.2


def test_lives_through_outages_old_positions_and_missing_kinds() -> None:
    cluster = FakeCluster()
    cluster.missing.add("ClusterPolicy")
    cluster.faults = [Unreachable("w", "x", "refused", "t")]
    cluster.after(0.2, cluster.missing.clear)
    cluster.after(0.5, lambda: cluster.faults.append(Gone("w", "x", "y", "t")))
    cluster.after(1.5, lambda: cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": READY}))
    results, lines = run(cluster, [POLICY], 10)
    assert results[0]["state"] == "ready"
    assert any("doesn't serve ClusterPolicy" in line for line in lines)
    assert any("the API doesn't answer" in line for line in lines) and any("answers again" in line for line in lines)


def test_a_refusal_ends_the_wait() -> None:
    cluster = FakeCluster()
    cluster.faults = [Forbidden("No right", "nodes", "403", "Grant it.")]
    with pytest.raises(WaitFailed, match="Grant it") as caught:
        run(cluster, [POLICY])
    assert isinstance(caught.value.error, Forbidden)


def test_a_fault_of_ours_is_not_a_hang() -> None:
    cluster = FakeCluster()
    cluster.list_versioned = lambda *_a, **_k: 1 / 0  # type: ignore[method-assign,assignment]
    with pytest.raises(WaitFailed, match="please report"):
        run(cluster, [POLICY])


def test_terminal_state_ends_at_once_with_reason_and_repair() -> None:
    cluster = FakeCluster()
    cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": {"state": "ignored"}})
    start = time.monotonic()
    with pytest.raises(WaitFailed, match="another ClusterPolicy is the active one.*What to do") as caught:
        run(cluster, [POLICY], 30)
    assert time.monotonic() - start < 2 and caught.value.failure is not None and not caught.value.timed_out


def test_pod_behind_an_object_ends_the_wait_with_its_last_log_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.llmd.openshift.plugins.module_utils._watch.wait.LOOK_SECONDS", 0.1)
    cluster = FakeCluster()
    cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": {"state": "notReady"}})
    crash = {"name": "main", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}  # fmt: skip
    cluster.put("Pod", {"metadata": {"name": "drv"}, "status": {"phase": "Running", "containerStatuses": [crash]}},
                "nvidia-gpu-operator")  # fmt: skip
    with pytest.raises(WaitFailed, match="last words") as caught:
        run(cluster, [POLICY])
    assert caught.value.failure and caught.value.failure.state.culprit == "Pod nvidia-gpu-operator/drv"


def test_a_pod_without_a_node_is_told_with_the_claim_that_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.llmd.openshift.plugins.module_utils._wait.pods.PLACEMENT_GRACE", 0.0)
    cluster = FakeCluster()
    held = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/5 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"}  # fmt: skip
    cluster.put("Pod", {"metadata": {"name": "download"}, "status": {"phase": "Pending", "conditions": [held]},
                        "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "models"}}]}}, "llmd")  # fmt: skip
    cluster.put("PersistentVolumeClaim", {"metadata": {"name": "models"}, "spec": {"storageClassName": "files"}, "status": {"phase": "Pending"}}, "llmd")
    cluster.put("Event", {"metadata": {"name": "e"}, "reason": "ExternalProvisioning", "message": "waiting for nfs.csi", "lastTimestamp": "2"}, "llmd")
    with pytest.raises(WaitFailed, match="PersistentVolumeClaim llmd/models of StorageClass files is Pending: ExternalProvisioning: waiting for nfs.csi.*oc describe pvc"):
        run(cluster, [{"api_version": "v1", "kind": "Pod", "name": "download", "namespace": "llmd"}], 5)


def test_timeout_names_state_and_last_warning() -> None:
    cluster = FakeCluster()
    cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": {"state": "notReady"}})
    cluster.put(
        "Event",
        {"metadata": {"name": "e"}, "reason": "FailedBuild", "message": "no kernel", "lastTimestamp": "2"},
        "default",
    )
    with pytest.raises(WaitFailed, match="1 of 1 objects weren't ready.*notReady.*FailedBuild: no kernel") as caught:
        run(cluster, [POLICY], 0.5)
    assert caught.value.timed_out and caught.value.results[0]["seconds"] is None


def test_look_once_waits_for_nothing() -> None:
    cluster = FakeCluster()
    cluster.missing.add("ClusterPolicy")
    cluster.put("Node", {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    states = look_once(cluster, parse([POLICY, {"api_version": "v1", "kind": "Node", "name": "n"},
                                       {**POLICY, "until": "absent"}]))  # fmt: skip
    assert [s["state"] for s in states] == ["KindMissing", "Ready", "Gone"]


def test_many_nodes_are_one_list() -> None:
    cluster = FakeCluster()
    for name in "abcdef":
        cluster.put(
            "Node", {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        )
    results, _lines = run(cluster, [{"api_version": "v1", "kind": "Node", "name": n} for n in "abcdef"])
    assert len(results) == 6 and cluster.calls.count("list Node||") == 1


def test_no_time_still_means_one_reading() -> None:
    cluster = FakeCluster()
    secret = {"api_version": "v1", "kind": "Secret", "name": "s", "namespace": "n", "until": "exists"}
    with pytest.raises(WaitFailed, match="Missing"):
        run(cluster, [secret], 0)
    cluster.put("Secret", {"metadata": {"name": "s"}}, "n")
    assert run(cluster, [secret], 0)[0][0]["state"] == "Exists"


def test_what_is_ready_costs_one_list_each_and_no_watch() -> None:
    cluster = FakeCluster()
    watched: list[str] = []
    cluster.watch = lambda path, *_a, **_k: watched.append(path) or iter(())  # type: ignore[method-assign,assignment,func-returns-value]
    cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": READY})
    cluster.put("Node", {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    run(cluster, [POLICY, {"api_version": "v1", "kind": "Node", "name": "n"}])
    time.sleep(follow.GRACE * 2)
    assert cluster.calls == ["list ClusterPolicy||", "list Node||"] and watched == []


def test_a_kind_that_is_missing_does_not_keep_the_others_waiting() -> None:
    cluster = FakeCluster()
    cluster.missing.add("ClusterPolicy")
    cluster.after(0.3, lambda: cluster.put("Node", {"metadata": {"name": "n"}, "status": {"conditions": []}}))
    cluster.after(0.6, cluster.missing.clear)
    cluster.put("ClusterPolicy", {"metadata": {"name": "p"}, "status": READY})
    started = time.monotonic()
    results, _lines = run(cluster, [POLICY, {"api_version": "v1", "kind": "Node", "name": "n", "until": "exists"}])
    seconds = {r["object"].split()[0]: r["seconds"] for r in results}
    assert seconds["Node"] < 0.8 and time.monotonic() - started < 3


def creating(name: str = "a") -> dict[str, Any]:
    waiting = {"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}
    return {"metadata": {"name": name, "namespace": "n"}, "spec": {"nodeName": "gpu-0"}, "status": {"phase": "Pending", "containerStatuses": [waiting]}}


def test_a_pod_that_hangs_before_its_start_is_explained_by_its_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Pod's own status says ContainerCreating for ever; the kubelet's event says which Secret is missing."""
    monkeypatch.setattr(hangs, "HANG_SECONDS", 0.2)
    monkeypatch.setattr(wait, "LOOK_SECONDS", 0.1)
    cluster = FakeCluster()
    cluster.put("Pod", creating(), "n")
    event = {"reason": "FailedMount", "message": 'MountVolume.SetUp failed: secret "token" not found', "metadata": {"name": "e"}}
    cluster.put("Event", event, "n")
    with pytest.raises(WaitFailed, match=r'Pod n/a hangs in ContainerCreating: FailedMount: MountVolume.SetUp failed: secret "token" not found') as caught:
        run(cluster, [{"api_version": "v1", "kind": "Pod", "name": "a", "namespace": "n"}], 1.5)
    assert caught.value.timed_out
    assert len([call for call in cluster.calls if "Event" in call]) < 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "ContainerCreating"),
        ({"status": {"phase": "Pending"}}, "ContainerCreating"),
        ({"spec": {}}, ""),  # no node yet: the scheduler's condition tells
        ({"status": {"phase": "Running"}}, ""),
        ({"metadata": {"name": "a", "deletionTimestamp": "now"}}, ""),
        ({"status": {"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}}, ""),
    ],
)
def test_which_pods_hang(change: dict[str, Any], reason: str) -> None:
    assert pods.unstarted({**creating(), **change}) == reason
