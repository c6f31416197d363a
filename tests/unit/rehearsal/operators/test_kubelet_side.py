# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod states, what KWOK leaves undone, and the admission webhook's answers."""

from __future__ import annotations

import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from rehearsal.operators import pod_status
from rehearsal.operators.admission import Webhook, review
from rehearsal.operators.simulated_kubelet import SimulatedKubelet, image_rows, pattern, revived, uses

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "n", "uid": "u"},
    "spec": {"initContainers": [{"name": "i1", "image": "x"}, {"name": "i2", "image": "x"}], "containers": [{"name": "c", "image": "x"}]},
}


class TestPodStatus:
    def test_ready_only_when_everything_runs(self) -> None:
        for make, phase, ready in (
            (pod_status.pod_running, "Running", True),
            (pod_status.pod_starting, "Running", False),
            (pod_status.pod_initializing, "Pending", False),
        ):
            status = make(POD, "t")
            assert status["phase"] == phase
            assert pod_status.is_ready({**POD, "status": status}) is ready

    def test_init_containers_go_one_by_one(self) -> None:
        status = pod_status.pod_initializing(POD, "t", done=1)
        states = [next(iter(item["state"])) for item in status["initContainerStatuses"]]
        assert states == ["terminated", "running"]

    def test_a_crashing_pod_reads_like_a_real_one(self) -> None:
        status = pod_status.pod_crashing(POD, "t", 5, 1)
        container = status["containerStatuses"][0]
        assert container["state"]["waiting"] == {
            "reason": "CrashLoopBackOff",
            "message": "back-off 5m0s restarting failed container=c pod=p_n(u)",
        }
        assert (container["restartCount"], container["lastState"]["terminated"]["exitCode"]) == (5, 1)

    def test_times_and_addresses_do_not_make_a_difference_but_states_do(self) -> None:
        status = pod_status.pod_running(POD, "t1")
        assert pod_status.same_pod_state(status, pod_status.pod_running(POD, "t2"))
        assert not pod_status.same_pod_state(status, pod_status.pod_starting(POD, "t1"))
        assert not pod_status.same_pod_state(None, status)

    def test_a_terminating_pod_is_not_ready(self) -> None:
        pod = {**POD, "metadata": {**POD["metadata"], "deletionTimestamp": "t"}, "status": pod_status.pod_running(POD, "t")}
        assert not pod_status.is_ready(pod)

    def test_an_address_stays(self) -> None:
        assert pod_status.pod_address(POD) == pod_status.pod_address(POD)
        assert pod_status.pod_address({**POD, "status": {"podIP": "10.1.2.3"}}) == "10.1.2.3"


class TestSimulatedKubelet:
    def test_operands_of_the_gpu_operator_are_held_and_its_own_pod_is_not(self) -> None:
        held = pattern(image_rows(), held=True)
        for image in ("nvcr.io/nvidia/driver:580", "mirror.example/nvidia/k8s-device-plugin@sha256:1", "nvcr.io/nvidia/cloud-native/dcgm:4"):
            assert uses({"spec": {"containers": [{"image": image}]}}, held), image
        for image in ("nvcr.io/nvidia/gpu-operator:v26", "nvcr.io/nvidia/k8s/cuda-sample:vectoradd", "example.com/driver:1"):
            assert not uses({"spec": {"containers": [{"image": image}]}}, held), image

    def test_without_rows_nothing_is_held(self) -> None:
        assert pattern([], held=True) is None
        assert not uses(POD, None)

    def pod(self, world: Any, image: str = "example.com/app:1", ready: str = "False", container_ready: bool = True) -> Any:
        pod = world.pod("p", "gpu-0")
        pod["spec"]["containers"][0]["image"] = image
        pod["status"] = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "c", "ready": container_ready}],
        }
        return pod

    def kubelet(self, world: Any) -> Any:
        kubelet = world.run(SimulatedKubelet)
        kubelet.start(world.kube)
        return kubelet

    def test_a_pod_is_ready_again_when_its_node_is(self, world: Any) -> None:
        node = world.node("gpu-0", ready=False)
        pod, kubelet = self.pod(world), self.kubelet(world)
        kubelet.reconcile(world.kube, pod)
        assert world.kube.writes == []
        node["status"]["conditions"][0]["status"] = "True"
        kubelet.reconcile(world.kube, pod)
        assert world.kube.get(world.kube.path_of(pod))["status"]["conditions"][0]["status"] == "True"

    def test_a_pod_whose_container_is_down_stays_down(self, world: Any) -> None:
        world.node("gpu-0")
        self.kubelet(world).reconcile(world.kube, self.pod(world, container_ready=False))
        assert world.kube.writes == []

    @pytest.mark.parametrize("image", ["nvcr.io/nvidia/driver:1", "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3"])
    def test_pods_that_others_play_are_left_to_them(self, world: Any, image: str) -> None:
        world.node("gpu-0")
        self.kubelet(world).reconcile(world.kube, self.pod(world, image))
        assert world.kube.writes == []

    def test_deleted_held_pods_end_and_others_are_kwoks(self, world: Any) -> None:
        world.node("gpu-0")
        kubelet = self.kubelet(world)
        for image, gone in (("nvcr.io/nvidia/driver:1", True), ("example.com/app:1", False)):
            pod = self.pod(world, image)
            pod["metadata"]["deletionTimestamp"] = "t"
            for routed in kubelet.route("MODIFIED", pod):
                kubelet.reconcile(world.kube, routed)
            assert (world.kube.get(world.kube.path_of(pod)) is None) is gone

    def test_revived_needs_the_node_controllers_trace(self) -> None:
        assert revived({"status": {"phase": "Pending"}}, "t") is None
        assert revived({"status": {"phase": "Running", "conditions": [], "containerStatuses": []}}, "t") is None


def judge(request: dict[str, Any]) -> list[str]:
    if request.get("name") == "bad":
        raise ValueError("not like this")
    return ["careful"]


class TestAdmission:
    def test_answers(self) -> None:
        good = review(judge, {"uid": "1", "name": "good"})["response"]
        assert (good["allowed"], good["warnings"]) == (True, ["careful"])
        bad = review(judge, {"uid": "2", "name": "bad"})["response"]
        assert (bad["uid"], bad["allowed"], bad["status"]["message"]) == ("2", False, "not like this")

    def test_over_https_as_registered(self, tmp_path: Path) -> None:
        hook = Webhook("v.test", "/validate", judge, tmp_path)
        try:
            made = hook.registration("c", "g", "v1", "things", ["CREATE"])["webhooks"][0]
            assert made["failurePolicy"] == "Fail"
            context = ssl.create_default_context(cafile=str(tmp_path / "v.test-ca.crt"))
            body = json.dumps({"request": {"uid": "7", "name": "bad"}}).encode()
            request = urllib.request.Request(made["clientConfig"]["url"], body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, context=context, timeout=5) as answer:
                assert json.loads(answer.read())["response"]["allowed"] is False
        finally:
            hook.close()
