# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NVIDIA GPU operator: node labels, operands, the order on a node, readiness and its traps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.operators import nvidia_labels, nvidia_operands, pod_logs
from rehearsal.operators.nvidia_gpu import NvidiaGpu, daemon_set_ready, stream_tags
from rehearsal.operators.pod_status import is_ready

NS = "nvidia-gpu-operator"
CSV = {"metadata": {"name": "gpu-operator-certified.v26.3.3", "namespace": NS}}
NFD = {"feature.node.kubernetes.io/pci-10de.present": "true", nvidia_labels.OSTREE_LABEL: "9.6.1"}
TAGS = {"9.6.1": "quay.io/dtk@sha256:1"}


def policy(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": "p", "uid": "u"}, "spec": spec}


def node(labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "n", "labels": labels}}


class TestLabels:
    def test_without_nfd_there_is_no_gpu_node(self) -> None:
        assert not nvidia_labels.is_gpu_node(node({}))
        assert nvidia_labels.operator_labels(node({}), {}) == {}
        assert not nvidia_labels.has_nfd_labels([node({"kubernetes.io/os": "linux"})])

    def test_a_gpu_node_gets_the_deploy_labels(self) -> None:
        changes = nvidia_labels.operator_labels(node(NFD), {})
        assert changes["nvidia.com/gpu.present"] == changes["nvidia.com/gpu.deploy.driver"] == "true"
        assert "nvidia.com/gpu.deploy.mig-manager" not in changes  # only once feature discovery has said "capable"

    def test_mig_manager_comes_with_mig_capable(self) -> None:
        changes = nvidia_labels.operator_labels(node({**NFD, "nvidia.com/mig.capable": "true"}), {})
        assert changes["nvidia.com/gpu.deploy.mig-manager"] == "true"
        assert changes["nvidia.com/mig.config"] == "all-disabled"

    def test_an_administrator_can_switch_a_node_or_a_part_off(self) -> None:
        off = nvidia_labels.operator_labels(node({**NFD, "nvidia.com/gpu.deploy.operands": "false"}), {})
        assert off == {"nvidia.com/gpu.present": "true"}
        part = nvidia_labels.operator_labels(node({**NFD, "nvidia.com/gpu.deploy.dcgm": "false"}), {})
        assert "nvidia.com/gpu.deploy.dcgm" not in part

    def test_a_node_that_lost_its_gpu_loses_the_labels(self) -> None:
        changes = nvidia_labels.operator_labels(node({"nvidia.com/gpu.present": "true", "nvidia.com/gpu.deploy.driver": "true"}), {})
        assert changes == {"nvidia.com/gpu.present": None, "nvidia.com/gpu.deploy.driver": None}

    @pytest.mark.parametrize(
        ("name", "label"),
        [("NVIDIA H100 80GB HBM3", "NVIDIA-H100-80GB-HBM3"), ("NVIDIA H200", "NVIDIA-H200"), ("NVIDIA A100 (x)", "NVIDIA-A100-x")],
    )
    def test_product(self, name: str, label: str) -> None:
        assert nvidia_labels.product_label(name) == label

    def test_discovery(self, server: Any) -> None:
        made = nvidia_labels.discovery_labels(server, "580.126.20", "single")
        assert made["nvidia.com/gpu.product"] == "NVIDIA-H200"
        assert made["nvidia.com/gpu.count"] == "8"
        assert made["nvidia.com/gpu.machine"] == "PowerEdge-XE9680"
        assert made["nvidia.com/cuda.driver-version.full"] == "580.126.20"
        assert made["nvidia.com/cuda.runtime-version.full"] == "13.0"

    def test_only_gpus_that_work_count(self, server: Any) -> None:
        server["gpus"][3]["health"] = "missing"
        assert nvidia_labels.discovery_labels(server, "580.1", "single")["nvidia.com/gpu.count"] == "7"
        for gpu in server["gpus"]:
            gpu["health"] = "fallen-off-bus"
        assert nvidia_labels.discovery_labels(server, "580.1", "single") == {"nvidia.com/gpu.machine": "PowerEdge-XE9680"}

    def test_amd_gpus_are_none_of_its_business(self, server: Any) -> None:
        for gpu in server["gpus"]:
            gpu["vendor"] = "amd"
        assert nvidia_labels.healthy_gpus(server) == []


class TestOperands:
    def states(self, versions: list[str] | None = None, tags: dict[str, str] | None = None, **spec: Any) -> Any:
        return nvidia_operands.states(policy(**spec), NS, ["9.6.1"] if versions is None else versions, TAGS if tags is None else tags, "580.1.2")

    def test_states_come_in_the_operators_order(self) -> None:
        assert list(self.states())[:4] == ["state-driver", "state-container-toolkit", "state-operator-validation", "state-device-plugin"]

    def test_the_driver_is_named_after_the_release_of_rhcos(self) -> None:
        (driver,) = self.states()["state-driver"]
        assert driver["metadata"]["name"] == "nvidia-driver-daemonset-9.6.1"
        containers = [item["name"] for item in driver["spec"]["template"]["spec"]["containers"]]
        assert containers == ["nvidia-driver-ctr", "openshift-driver-toolkit-ctr"]

    def test_a_release_without_driver_toolkit_image_is_marked(self) -> None:
        (driver,) = self.states(tags={})["state-driver"]
        assert driver["metadata"]["labels"][nvidia_operands.DTK_MISSING_LABEL] == "true"

    def test_without_the_os_label_the_driver_builds_by_itself(self) -> None:
        (driver,) = self.states(versions=[])["state-driver"]
        assert driver["metadata"]["name"] == "nvidia-driver-daemonset"
        assert nvidia_operands.DTK_LABEL not in driver["metadata"]["labels"]

    def test_disabled_parts_have_no_daemonset(self) -> None:
        found = self.states(driver={"enabled": False}, dcgmExporter={"enabled": False})
        assert found["state-driver"] == found["state-dcgm-exporter"] == []
        assert found["state-dcgm"] == []  # off unless asked for

    def test_rdma_adds_the_wait_for_the_network_driver(self) -> None:
        (driver,) = self.states(driver={"rdma": {"enabled": True}})["state-driver"]
        inits = [item["name"] for item in driver["spec"]["template"]["spec"]["initContainers"]]
        assert inits == ["mofed-validation", "k8s-driver-manager"]

    def test_parameters_of_the_module_are_mounted(self) -> None:
        (plain,) = self.states(driver={"kernelModuleConfig": {"name": "params"}})["state-driver"]
        assert "volumes" not in plain["spec"]["template"]["spec"], "the operator stops before it gets here without the ConfigMap"
        config = {"metadata": {"name": "params"}, "data": {"nvidia.conf": "a=1", "nvidia-uvm.conf": "b=1"}}
        (driver,) = nvidia_operands.states(policy(), NS, ["9.6.1"], TAGS, "580.1.2", config)["state-driver"]
        spec = driver["spec"]["template"]["spec"]
        assert [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]] == ["/drivers/nvidia-uvm.conf", "/drivers/nvidia.conf"]
        assert "volumeMounts" not in spec["containers"][1] and spec["volumes"][0]["configMap"]["name"] == "params"

    def test_images_and_version(self) -> None:
        (driver,) = self.states(driver={"repository": "mirror/nvidia", "image": "driver", "version": "570.1"})["state-driver"]
        assert driver["spec"]["template"]["spec"]["containers"][0]["image"] == "mirror/nvidia/driver:570.1"
        assert nvidia_operands.driver_version({"driver": {"version": "570.1-rhcos4.20"}}, "580.1") == "570.1"
        assert nvidia_operands.driver_version({"driver": {"version": "sha256:abc"}}, "580.1") == "580.1"

    def test_own_tolerations_replace_the_default(self) -> None:
        (toolkit,) = self.states(daemonsets={"tolerations": [{"operator": "Exists"}]})["state-container-toolkit"]
        assert toolkit["spec"]["template"]["spec"]["tolerations"] == [{"operator": "Exists"}]


class TestReadiness:
    def test_a_daemonset_that_wants_nothing_is_ready(self) -> None:
        assert daemon_set_ready({"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "desiredNumberScheduled": 0}})

    def test_one_that_nobody_has_looked_at_is_not(self) -> None:
        assert not daemon_set_ready({"metadata": {"generation": 1}, "status": {}})

    def test_tags_of_the_driver_toolkit(self) -> None:
        stream = {
            "spec": {"tags": [{"name": "a", "from": {"name": "img-a"}}, {"name": "empty"}]},
            "status": {"tags": [{"tag": "b", "items": [{"dockerImageReference": "img-b"}]}]},
        }
        assert stream_tags(stream) == {"a": "img-a", "b": "img-b"}


@pytest.fixture
def cluster(world: Any) -> Any:
    """A world with NFD labels, the driver toolkit and one ClusterPolicy; `step` runs everything once."""
    world.no_delays()
    world.node("gpu-0", dict(NFD))
    stream = {"metadata": {"name": "driver-toolkit", "namespace": "openshift"}, "spec": {"tags": [{"name": "9.6.1", "from": {"name": "dtk"}}]}}
    world.kube.add({"apiVersion": "image.openshift.io/v1", "kind": "ImageStream", **stream})
    world.policy = world.kube.add({**policy(driver={"enabled": True}), "metadata": {"name": "gpu-cluster-policy"}})
    world.operator = world.run(NvidiaGpu, CSV)
    return world


def step(world: Any) -> None:
    """One round of: operator, DaemonSet controller, pods."""
    kube, operator = world.kube, world.operator
    current = kube.get(kube.path_of(world.policy))
    operator.reconcile(kube, current)
    for workload in [obj for obj in kube.objects.values() if obj["kind"] == "DaemonSet"]:
        daemon_set_controller(world, workload)
    for pod in operator.play.pods("gpu-0"):
        operator.reconcile(kube, pod)
    for workload in [obj for obj in kube.objects.values() if obj["kind"] == "DaemonSet"]:
        daemon_set_controller(world, workload)
    operator.reconcile(kube, kube.get(kube.path_of(world.policy)))


def daemon_set_controller(world: Any, workload: Any) -> None:
    """What kube-controller-manager does for one node."""
    kube = world.kube
    labels = kube.get("v1|Node||gpu-0")["metadata"]["labels"]
    template = workload["spec"]["template"]
    wanted = all(labels.get(key) == value for key, value in template["spec"].get("nodeSelector", {}).items())
    name = f"{workload['metadata']['name']}-x"
    path = kube.path("v1", "Pod", NS, name)
    if wanted and kube.get(path) is None:
        owner = [{"kind": "DaemonSet", "name": workload["metadata"]["name"], "apiVersion": "apps/v1", "uid": workload["metadata"]["uid"]}]
        meta = {"name": name, "namespace": NS, "labels": template["metadata"]["labels"], "ownerReferences": owner}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**template["spec"], "nodeName": "gpu-0"}, "status": {"phase": "Pending"}}
        kube.add(pod)
    if not wanted:
        kube.objects.pop(path, None)
    pod = kube.get(path)
    workload["status"] = {
        "observedGeneration": workload["metadata"]["generation"],
        "desiredNumberScheduled": int(wanted),
        "numberAvailable": int(pod is not None and is_ready(pod)),
    }


def told(world: Any) -> tuple[str, str]:
    status = world.kube.get(world.kube.path_of(world.policy))["status"]
    conditions = {item["type"]: item for item in status["conditions"]}
    return status["state"], conditions["Ready"]["reason"] if conditions["Ready"]["status"] == "True" else conditions["Error"]["message"]


def allocatable(world: Any) -> str | None:
    value = world.kube.get("v1|Node||gpu-0")["status"].get("allocatable", {}).get("nvidia.com/gpu")
    return None if value is None else str(value)


def test_a_config_map_of_parameters_must_be_there(cluster: Any) -> None:
    named = cluster.kube.get(cluster.kube.path_of(cluster.policy))
    named["spec"]["driver"]["kernelModuleConfig"] = {"name": "params"}
    step(cluster)
    assert told(cluster) == ("notReady", 'Failed to reconcile state-driver: ERROR: could not get ConfigMap params from client: ConfigMap "params" not found')
    cluster.kube.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "params", "namespace": NS}, "data": {"nvidia.conf": "a=1"}})
    for _ in range(6):
        step(cluster)
    assert told(cluster) == ("ready", "Reconciled")


def upgrade_states(world: Any, rounds: int) -> list[str]:
    """The values that the upgrade label takes."""
    seen: list[str] = []
    for _ in range(rounds):
        step(world)
        value = world.kube.get("v1|Node||gpu-0")["metadata"]["labels"].get(nvidia_labels.UPGRADE_STATE)
        seen += [value] if value and (not seen or seen[-1] != value) else []
    while seen and seen[0] in ("upgrade-done", "upgrade-required"):
        seen.pop(0)
    return seen


def gpu_pod(world: Any, name: str = "model") -> Any:
    limits = {"limits": {"nvidia.com/gpu": "1"}}
    return world.pod(name, "gpu-0", containers=[{"name": "c", "image": "i", "resources": limits}])


def mig(world: Any, config: str, rounds: int = 10) -> list[str]:
    """Ask for a layout; the values that the state label takes."""
    world.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["nvidia.com/mig.config"] = config
    seen: list[str] = []
    for _ in range(rounds):
        step(world)
        value = world.kube.get("v1|Node||gpu-0")["metadata"]["labels"].get("nvidia.com/mig.config.state", "")
        seen += [value] if not seen or seen[-1] != value else []
    return seen


def resources(world: Any) -> dict[str, str]:
    found = world.kube.get("v1|Node||gpu-0")["status"].get("allocatable", {})
    return {key: value for key, value in found.items() if key.startswith("nvidia.com/")}


class TestMig:
    @pytest.fixture
    def ready(self, cluster: Any) -> Any:
        cluster.settings.data["profile"]["delays"]["mig-reconfigure"] = 0.0
        for gpu in cluster.settings.data["profile"]["nodes"][0]["gpus"]:
            gpu["pci_id"] = "10de:2335"
        for _ in range(5):
            step(cluster)
        return cluster

    def test_single(self, ready: Any) -> None:
        assert mig(ready, "all-1g.18gb") == ["pending", "success"]
        assert resources(ready) == {"nvidia.com/gpu": "56"}
        labels = ready.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
        assert labels["nvidia.com/gpu.product"] == "NVIDIA-H200-MIG-1g.18gb"
        assert labels["nvidia.com/gpu.deploy.device-plugin"] == "true", "its clients are back"
        assert mig(ready, "all-disabled")[-1] == "success"
        assert resources(ready) == {"nvidia.com/gpu": "8"}
        assert ready.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-H200"

    def test_single_cannot_name_a_mixture(self, ready: Any) -> None:
        assert mig(ready, "all-balanced")[-1] == "success"
        assert resources(ready) == {"nvidia.com/gpu": "0"}
        assert ready.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-H200-MIG-INVALID"

    def test_mixed(self, ready: Any) -> None:
        ready.kube.get(ready.kube.path_of(ready.policy))["spec"]["mig"] = {"strategy": "mixed"}
        mig(ready, "all-balanced")
        assert resources(ready) == {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.18gb": "16", "nvidia.com/mig-2g.35gb": "8",
                                    "nvidia.com/mig-3g.71gb": "8"}  # fmt: skip
        labels = ready.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
        assert labels["nvidia.com/mig-2g.35gb.count"] == "8"
        mig(ready, "all-disabled")
        assert resources(ready)["nvidia.com/mig-1g.18gb"] == "0"
        assert "nvidia.com/mig-2g.35gb.count" not in ready.kube.get("v1|Node||gpu-0")["metadata"]["labels"]

    @pytest.mark.parametrize("config", ["all-1g.10gb", "nonsense"])
    def test_a_layout_of_another_gpu_fails(self, ready: Any, config: str) -> None:
        assert mig(ready, config) == ["failed"]
        assert resources(ready) == {"nvidia.com/gpu": "8"}

    def test_half_done(self, ready: Any) -> None:
        ready.settings.data["scenario"] = {"mig-half-done": {"node": "gpu-0"}}
        assert mig(ready, "all-7g.141gb") == ["pending", "failed"]
        assert resources(ready) == {"nvidia.com/gpu": "0"}
        assert ready.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-H200-MIG-INVALID"

    def test_a_workload_holds_the_gpus(self, ready: Any) -> None:
        gpu_pod(ready)
        assert mig(ready, "all-1g.18gb") == ["pending", "failed"]
        assert resources(ready) == {"nvidia.com/gpu": "8"}

    def test_with_leave_to_reboot_it_reboots(self, ready: Any) -> None:
        ready.settings.data["profile"]["delays"]["reboot"] = 0.0
        ready.kube.get(ready.kube.path_of(ready.policy))["spec"]["migManager"] = {"env": [{"name": "WITH_REBOOT", "value": "true"}]}
        held = gpu_pod(ready)
        assert mig(ready, "all-1g.18gb", 4)[-1] == "rebooting"
        node_object = ready.kube.get("v1|Node||gpu-0")
        assert node_object["metadata"]["labels"].get("type") != "kwok"
        assert node_object["status"]["conditions"][0]["status"] == "Unknown"
        ready.kube.delete(ready.kube.path_of(held))
        counters = json.loads((ready.settings.state / "run" / "counters.json").read_text())
        assert counters["reboots"] == {"gpu-0": 1}


class TestClusterPolicy:
    def test_from_labels_to_gpus_in_the_real_order(self, cluster: Any) -> None:
        step(cluster)
        assert told(cluster)[0] == "notReady"
        for _ in range(4):
            step(cluster)
        assert told(cluster) == ("ready", "Reconciled")
        assert allocatable(cluster) == "8"
        labels = cluster.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
        assert labels["nvidia.com/gpu.product"] == "NVIDIA-H200"
        assert labels["nvidia.com/mig.config.state"] == "success"

    def test_once_ready_nothing_is_written_any_more(self, cluster: Any) -> None:
        for _ in range(6):
            step(cluster)
        cluster.kube.writes.clear()
        step(cluster)
        assert cluster.kube.writes == []

    def test_ready_without_nfd_and_without_gpus_is_kept_as_the_trap_it_is(self, cluster: Any) -> None:
        node_object = cluster.kube.get("v1|Node||gpu-0")
        node_object["metadata"]["labels"] = {}
        step(cluster)
        assert told(cluster) == ("ready", "NFDLabelsMissing")
        node_object["metadata"]["labels"] = {"feature.node.kubernetes.io/kernel-version.full": "5"}
        step(cluster)
        assert told(cluster) == ("ready", "NoGPUNodes")
        assert not [obj for obj in cluster.kube.objects.values() if obj["kind"] == "DaemonSet"]

    def test_a_driver_that_cannot_load_keeps_the_policy_not_ready_until_repaired(self, cluster: Any) -> None:
        cluster.settings.data["scenario"] = {"gpu-driver-never-ready": {"node": "gpu-0"}}
        for _ in range(4):
            step(cluster)
        state, message = told(cluster)
        assert state == "notReady"
        assert message.startswith("ClusterPolicy is not ready, states not ready: [state-driver state-container-toolkit")
        pod = cluster.operator.play.driver_pod("gpu-0")
        assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert allocatable(cluster) in (None, "0")
        cluster.settings.data["scenario"] = {}
        for _ in range(5):
            step(cluster)
        assert told(cluster) == ("ready", "Reconciled")

    def test_a_fault_on_another_node_does_not_matter(self, cluster: Any) -> None:
        cluster.settings.data["scenario"] = {"gpu-driver-never-ready": {"node": "gpu-1"}}
        for _ in range(5):
            step(cluster)
        assert told(cluster) == ("ready", "Reconciled")

    def test_without_driver_or_toolkit_nothing_works_on_rhcos(self, cluster: Any) -> None:
        cluster.policy["spec"]["driver"]["enabled"] = False
        for _ in range(5):
            step(cluster)
        assert (told(cluster)[0], allocatable(cluster)) == ("notReady", None)
        cluster.kube.get(cluster.kube.path_of(cluster.policy))["spec"].update(driver={"enabled": True}, toolkit={"enabled": False})
        for _ in range(5):
            step(cluster)
        assert (told(cluster)[0], allocatable(cluster)) == ("notReady", None)

    def test_a_switched_off_device_plugin_gives_no_gpus_and_is_not_waited_for(self, cluster: Any) -> None:
        cluster.policy["spec"]["devicePlugin"] = {"enabled": False}
        for _ in range(5):
            step(cluster)
        assert (told(cluster), allocatable(cluster)) == (("ready", "Reconciled"), None)

    def test_a_second_policy_is_ignored(self, cluster: Any) -> None:
        second = cluster.kube.add({**policy(), "metadata": {"name": "another"}})
        cluster.operator.reconcile(cluster.kube, second)
        assert cluster.kube.get(cluster.kube.path_of(second))["status"]["state"] == "ignored"

    def test_rdma_without_the_network_operator_waits_for_ever(self, cluster: Any) -> None:
        cluster.policy["spec"]["driver"]["rdma"] = {"enabled": True}
        labels = cluster.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
        labels["feature.node.kubernetes.io/pci-15b3.present"] = "true"
        for _ in range(4):
            step(cluster)
        assert told(cluster)[0] == "notReady"
        pod = cluster.operator.play.driver_pod("gpu-0")
        assert pod["status"]["phase"] == "Pending"
        cluster.kube.get("v1|Node||gpu-0")["metadata"]["labels"][nvidia_labels.OFED_WAIT] = "false"
        for _ in range(5):
            step(cluster)
        assert told(cluster) == ("ready", "Reconciled")

    def test_a_missing_driver_toolkit_image_crashes_the_driver(self, cluster: Any) -> None:
        cluster.kube.delete("image.openshift.io/v1|ImageStream|openshift|driver-toolkit")
        for _ in range(4):
            step(cluster)
        assert told(cluster)[0] == "notReady"

    def test_after_a_reboot_the_driver_is_built_again_and_gpus_are_away_meanwhile(self, cluster: Any) -> None:
        for _ in range(5):
            step(cluster)
        cluster.settings.data["profile"]["delays"]["driver-build"] = 60.0
        cluster.kube.get("v1|Node||gpu-0")["status"]["nodeInfo"]["bootID"] = "boot-2"
        step(cluster)
        assert allocatable(cluster) == "0"
        assert told(cluster)[0] == "notReady"
        cluster.settings.data["profile"]["delays"]["driver-build"] = 0.0
        for _ in range(5):
            step(cluster)
        assert (allocatable(cluster), told(cluster)) == ("8", ("ready", "Reconciled"))

    def test_pods_with_gpus_go_before_a_driver_is_loaded_and_budgets_hold_it_up(self, cluster: Any) -> None:
        gpu_pod = cluster.pod("llm", "gpu-0")
        gpu_pod["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
        cluster.kube.blocked.add("llm")
        for _ in range(3):
            step(cluster)
        assert told(cluster)[0] == "notReady"
        cluster.kube.blocked.clear()
        for _ in range(5):
            step(cluster)
        assert "evict llm" in cluster.kube.writes
        assert told(cluster) == ("ready", "Reconciled")

    def test_eviction_can_be_forbidden(self, cluster: Any) -> None:
        cluster.policy["spec"]["driver"]["manager"] = {"env": [{"name": "ENABLE_GPU_POD_EVICTION", "value": "false"}]}
        gpu_pod = cluster.pod("llm", "gpu-0")
        gpu_pod["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
        for _ in range(5):
            step(cluster)
        assert cluster.kube.get(cluster.kube.path_of(gpu_pod)) is not None
        assert told(cluster) == ("ready", "Reconciled")

    def test_a_new_driver_version_restarts_the_pod_when_upgrades_are_automatic(self, cluster: Any) -> None:
        cluster.policy["spec"]["driver"]["upgradePolicy"] = {"autoUpgrade": True}
        for _ in range(5):
            step(cluster)
        key = nvidia_labels.UPGRADE_STATE
        assert cluster.kube.get("v1|Node||gpu-0")["metadata"]["labels"][key] == "upgrade-done"
        cluster.kube.get(cluster.kube.path_of(cluster.policy))["spec"]["driver"].update(
            repository="nvcr.io/nvidia", image="driver", version="595.1.1"
        )
        seen = upgrade_states(cluster, 20)
        order = ["cordon-required", "wait-for-jobs-required", "pod-restart-required", "validation-required", "uncordon-required",
                 "upgrade-done"]  # fmt: skip
        assert seen == [state for state in order if state in seen], "a step takes two looks, so some states pass unseen"
        assert (seen[0], seen[-1]) == ("cordon-required", "upgrade-done")
        labels = cluster.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
        assert not cluster.kube.get("v1|Node||gpu-0")["spec"].get("unschedulable")
        assert labels["nvidia.com/cuda.driver-version.full"] == "595.1.1"

    def test_an_upgrade_waits_for_pods_that_a_budget_protects_and_then_fails(self, cluster: Any) -> None:
        cluster.settings.data["profile"]["delays"]["gpu-pod-deletion"] = 1000.0
        upgrade = {"autoUpgrade": True, "podDeletion": {"timeoutSeconds": 300}}
        cluster.policy["spec"]["driver"]["upgradePolicy"] = upgrade
        for _ in range(5):
            step(cluster)
        gpu_pod(cluster)
        cluster.kube.blocked.add("model")
        cluster.kube.get(cluster.kube.path_of(cluster.policy))["spec"]["driver"].update(repository="r", image="driver", version="595.1.1")
        assert upgrade_states(cluster, 10)[-1] == "pod-deletion-required"
        assert cluster.kube.get("v1|Node||gpu-0")["spec"]["unschedulable"] is True
        assert allocatable(cluster) == "8", "the old driver still runs"
        cluster.settings.data["profile"]["delays"]["gpu-pod-deletion"] = 0.0
        assert upgrade_states(cluster, 3)[-1] == "upgrade-failed"
        assert cluster.events("GPUDriverUpgrade")

    @pytest.mark.parametrize(("why", "words"), [("nouveau", "nouveau"), ("secure-boot", "Key was rejected by service"), ("build", "was not created")])
    def test_a_crash_loop_says_why_in_the_log(self, cluster: Any, why: str, words: str) -> None:
        cluster.settings.data["scenario"] = {"driver-crash-loop": {"node": "gpu-0", "why": why}}
        for _ in range(3):
            step(cluster)
        pod = cluster.operator.play.driver_pod("gpu-0")
        waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
        assert waiting["reason"] == "CrashLoopBackOff"
        assert words in pod_logs.path(cluster.settings.state, pod["metadata"]["uid"], "nvidia-driver-ctr").read_text()
        assert allocatable(cluster) in (None, "0")
        cluster.settings.data["scenario"] = {}
        for _ in range(5):
            step(cluster)
        assert allocatable(cluster) == "8"

    def test_a_driver_in_use_crashes_the_driver_manager(self, cluster: Any) -> None:
        cluster.settings.data["scenario"] = {"driver-crash-loop": {"node": "gpu-0", "why": "in-use"}}
        for _ in range(3):
            step(cluster)
        row = cluster.operator.play.driver_pod("gpu-0")["status"]["initContainerStatuses"][0]
        assert (row["name"], row["state"]["waiting"]["reason"]) == ("k8s-driver-manager", "CrashLoopBackOff")

    def test_an_image_that_cannot_be_pulled(self, cluster: Any) -> None:
        cluster.settings.data["scenario"] = {"image_pull_failures": ["nvcr\\.io/nvidia/driver"]}
        for _ in range(3):
            step(cluster)
        rows = cluster.operator.play.driver_pod("gpu-0")["status"]["containerStatuses"]
        waiting = next(row["state"]["waiting"] for row in rows if row["name"] == "nvidia-driver-ctr")
        assert waiting["reason"] == "ImagePullBackOff" and "unauthorized" in waiting["message"]
        assert cluster.events("Failed")
        cluster.settings.data["scenario"] = {}
        for _ in range(5):
            step(cluster)
        assert allocatable(cluster) == "8"

    def test_seven_of_eight(self, cluster: Any) -> None:
        cluster.settings.data["scenario"] = {"seven-of-eight-gpus": {"node": "gpu-0"}}
        for _ in range(5):
            step(cluster)
        assert allocatable(cluster) == "7"
        assert cluster.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["nvidia.com/gpu.count"] == "7"
        assert told(cluster) == ("ready", "Reconciled"), "the policy knows nothing of it"

    def test_with_the_policy_the_gpus_go(self, cluster: Any) -> None:
        for _ in range(5):
            step(cluster)
        gone = cluster.kube.delete(cluster.kube.path_of(cluster.policy))
        cluster.operator.deleted(cluster.kube, gone)
        assert allocatable(cluster) == "0"
        assert "nvidia.com/gpu.product" not in cluster.kube.get("v1|Node||gpu-0")["metadata"]["labels"]

    def test_a_heartbeat_wakes_nobody(self, cluster: Any) -> None:
        node_object = cluster.kube.get("v1|Node||gpu-0")
        assert cluster.operator.route("ADDED", node_object)
        node_object["status"]["conditions"][0]["lastHeartbeatTime"] = "later"
        assert cluster.operator.route("MODIFIED", node_object) == []
