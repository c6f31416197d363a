# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods, Deployments, DaemonSets, claims: good starts and the states that need a person."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._wait import pods, workloads
from ansible_collections.llmd.openshift.plugins.module_utils._wait.model import failed, waiting
from ansible_collections.llmd.openshift.plugins.module_utils._wait.related import query, with_pods
from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import parse


def pod(phase: str = "Running", ready: str = "False", container: dict[str, Any] | None = None, init: dict[str, Any] | None = None,
        scheduled: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:  # fmt: skip
    conditions = [{"type": "Ready", "status": ready}]
    if scheduled:
        conditions.append({"type": "PodScheduled", **scheduled})
    return {"metadata": {"name": "p", "namespace": "n"},
            "status": {"phase": phase, "conditions": conditions, "containerStatuses": [container] if container else [],
                       "initContainerStatuses": [init] if init else [], **status}}  # fmt: skip


def held(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"name": "main", "image": "i", "state": {"waiting": {"reason": reason, "message": message}}, **more}


def test_ready_pod() -> None:
    assert pods.ready(pod(ready="True"), {}).phase == "done"
    assert pods.ready(pod("Pending", container=held("ContainerCreating")), {}).phase == "waiting"


@pytest.mark.parametrize(
    "reason", ["ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"]
)
def test_waiting_reasons_that_need_a_person(reason: str) -> None:
    state = pods.ready(pod("Pending", container=held(reason, 'secret "x" not found')), {})
    assert (state.phase, state.reason, state.culprit) == ("failed", reason, "Pod n/p")
    assert "secret" in state.detail and state.repair and state.grace > 0


def test_init_container_counts_too() -> None:
    assert pods.ready(pod("Pending", init=held("ImagePullBackOff")), {}).reason == "ImagePullBackOff"


def test_crash_loop_needs_several_crashes() -> None:
    last = {"terminated": {"exitCode": 2, "reason": "Error", "message": "unknown flag"}}
    young = pod(container=held("CrashLoopBackOff", restartCount=1, lastState=last))
    old = pod(container=held("CrashLoopBackOff", restartCount=5, lastState=last))
    assert pods.ready(young, {}).phase == "waiting"
    state = pods.ready(old, {})
    assert state.reason == "CrashLoopBackOff" and "exit code 2" in state.detail and "unknown flag" in state.detail


def test_unschedulable_has_the_schedulers_words() -> None:
    message = "0/5 nodes are available: 5 Insufficient nvidia.com/gpu."
    state = pods.ready(pod("Pending", scheduled={"status": "False", "reason": "Unschedulable", "message": message}), {})
    assert state.reason == "Unschedulable" and message in state.detail


def test_a_claim_that_the_cluster_makes_by_itself_is_awaited() -> None:
    message = '0/5 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "m". not found'
    state = pods.ready(pod("Pending", scheduled={"status": "False", "reason": "Unschedulable", "message": message}), {})
    assert state.reason != "Unschedulable"


def test_gated_pod_only_waits() -> None:
    assert pods.ready(pod("Pending", scheduled={"status": "False", "reason": "SchedulingGated"}), {}).phase == "waiting"


def test_completed_and_failed_pod() -> None:
    assert pods.completed(pod("Succeeded"), {}).phase == "done"
    bad = pod("Failed", container={"name": "main", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}})
    assert pods.completed(bad, {}).reason == "PodFailed"
    assert pods.completed(pod("Failed", reason="DeadlineExceeded"), {}).phase == "failed"
    assert pods.completed(pod("Failed", reason="Evicted"), {}).phase == "waiting"


def test_deleted_pod_is_nobodys_fault() -> None:
    gone = pod(container=held("ImagePullBackOff"))
    gone["metadata"]["deletionTimestamp"] = "now"
    assert pods.diagnose(gone) is None


def deployment(
    wanted: int, updated: int, available: int, *conditions: dict[str, str], generation: int = 1
) -> dict[str, Any]:
    return {"metadata": {"generation": generation}, "spec": {"replicas": wanted},
            "status": {"observedGeneration": 1, "replicas": updated, "updatedReplicas": updated, "availableReplicas": available,
                       "conditions": list(conditions)}}  # fmt: skip


def test_deployment() -> None:
    assert workloads.deployment(deployment(2, 2, 2), {}).phase == "done"
    assert workloads.deployment(deployment(2, 2, 1), {}).phase == "waiting"
    assert workloads.deployment(deployment(2, 2, 2, generation=2), {}).reason == "NotObserved"
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}
    assert workloads.deployment(deployment(2, 2, 1, late), {}).phase == "failed"
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    assert workloads.deployment(deployment(2, 0, 0, refused), {}).detail.endswith("exceeded quota")


def daemonset(wanted: int, updated: int, available: int) -> dict[str, Any]:
    return {
        "status": {"desiredNumberScheduled": wanted, "updatedNumberScheduled": updated, "numberAvailable": available}
    }


def test_daemonset_on_no_node_is_not_ready() -> None:
    assert workloads.daemonset(daemonset(2, 2, 2), {}).phase == "done"
    assert workloads.daemonset(daemonset(2, 2, 1), {}).phase == "waiting"
    assert workloads.daemonset(daemonset(0, 0, 0), {}).reason == "NoNodes"
    assert workloads.daemonset(daemonset(0, 0, 0), {"minimum": 0}).phase == "done"


def test_claims_and_jobs_and_statefulsets() -> None:
    assert workloads.claim({"status": {"phase": "Bound"}}, {}).phase == "done"
    assert workloads.claim({"status": {"phase": "Pending"}}, {}).phase == "waiting"
    assert workloads.claim({"status": {"phase": "Pending"}}, {"unbound_ok": True}).phase == "done"
    assert workloads.claim({"status": {"phase": "Lost"}}, {}).phase == "failed"
    assert workloads.job({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, {}).phase == "done"
    gone = {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}
    assert workloads.job(gone, {}).reason == "BackoffLimitExceeded"
    assert workloads.statefulset({"spec": {"replicas": 2}, "status": {"readyReplicas": 1}}, {}).phase == "waiting"


def test_pods_behind_an_object_end_the_wait_earlier() -> None:
    broken = pod("Pending", container=held("ImagePullBackOff", "manifest unknown"))
    state = with_pods(waiting("Progressing"), [pod(ready="True"), broken])
    assert state.reason == "ImagePullBackOff" and state.culprit == "Pod n/p"
    own = failed("Degraded", "d", "r")
    assert with_pods(own, [broken]) is own
    assert with_pods(waiting("Progressing"), [pod(ready="True")]).reason == "Progressing"


@pytest.mark.parametrize(
    ("item", "obj", "selector"),
    [
        ({"api_version": "apps/v1", "kind": "Deployment", "name": "d", "namespace": "n"},
         {"spec": {"selector": {"matchLabels": {"b": "2", "a": "1"}}}}, ("n", "a=1,b=2")),
        ({"api_version": "nvidia.com/v1", "kind": "ClusterPolicy", "name": "g"}, {}, ("nvidia-gpu-operator", "")),
        ({"api_version": "serving.kserve.io/v1alpha1", "kind": "LLMInferenceService", "name": "s", "namespace": "n"}, {},
         ("n", "app.kubernetes.io/name=s,app.kubernetes.io/part-of=llminferenceservice")),
        ({"api_version": "gateway.networking.k8s.io/v1", "kind": "Gateway", "name": "g", "namespace": "n"}, {},
         ("n", "gateway.networking.k8s.io/gateway-name=g")),
    ],
)  # fmt: skip
def test_related_pods(item: dict[str, Any], obj: dict[str, Any], selector: tuple[str, str]) -> None:
    asked = query(parse([item])[0], obj)
    assert asked is not None and (asked.namespace, asked.label_selector) == selector
    assert query(parse([item])[0], None) is None
