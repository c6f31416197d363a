# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AMD GPUs: blacklist, image registry, KMM's way from Module to node label, the operator's operands, labels and numbers."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest

from rehearsal.operators import amd_labels, amd_objects, kmm_host, kmm_objects, pod_logs
from rehearsal.operators.amd_gpu import AmdGpu
from rehearsal.operators.kmm import Kmm
from rehearsal.operators.kmm_registry import ImageRegistry
from rehearsal.operators.mco_pool import CURRENT

KERNEL = "5.14.0-570.49.1.el9_6.x86_64"
GPU = {"vendor": "amd", "product": "AMD Instinct MI300X OAM", "memory_mib": 196608, "family": "AI", "multiprocessors": 304, "pci_id": "1002:74a1"}
SELECTOR = {"feature.node.kubernetes.io/amd-gpu": "true"}
BLACKLIST = "data:text/plain;base64," + base64.b64encode(b"blacklist amdgpu\n").decode()


def machine_config(source: str = "", **spec: Any) -> dict[str, Any]:
    files = [{"path": "/etc/modprobe.d/amdgpu-blacklist.conf", "contents": {"source": source}}] if source else []
    return {"config": {"storage": {"files": files}}, **spec}


class TestInboxDriver:
    SERVER: dict[str, Any] = {"gpus": [dict(GPU)]}

    @pytest.mark.parametrize(
        ("config", "loaded"),
        [
            (machine_config(), True),
            (None, True),
            (machine_config(BLACKLIST), False),
            (machine_config("data:,blacklist%20amdgpu"), False),
            (machine_config("data:,blacklist%20nouveau"), True),
            (machine_config("https://example.com/x"), True),
            (machine_config("data:;base64,%%%"), True),
            (machine_config(kernelArguments=["modprobe.blacklist=foo,amdgpu"]), False),
            (machine_config(kernelArguments=["quiet", "module_blacklist=irdma"]), True),
        ],
    )
    def test_only_a_blacklist_keeps_it_away(self, config: Any, loaded: bool) -> None:
        assert kmm_host.inbox_loaded("amdgpu", self.SERVER, config) is loaded

    def test_without_the_hardware_it_is_not_loaded(self) -> None:
        assert not kmm_host.inbox_loaded("amdgpu", {"gpus": []}, None)
        assert not kmm_host.inbox_loaded("xfs", self.SERVER, None)


class TestLabels:
    def test_eight_alike(self) -> None:
        made = amd_labels.node_labels({"gpus": [dict(GPU)] * 8}, "30.20.1")
        assert made["amd.com/gpu.device-id"] == "74a1"
        assert made["beta.amd.com/gpu.device-id.74a1"] == "8"
        assert made["amd.com/gpu.product-name"] == "AMD_Instinct_MI300X_OAM"
        assert (made["amd.com/gpu.vram"], made["amd.com/gpu.cu-count"], made["amd.com/gpu.simd-count"]) == ("192G", "304", "1216")
        assert made["amd.com/gpu.driver-version"] == "30.20.1"

    def test_two_kinds_give_counters_only(self) -> None:
        made = amd_labels.counted("device-id", Counter({"74a1": 7, "74a5": 1}))
        assert "amd.com/gpu.device-id" not in made
        assert made["amd.com/gpu.device-id.74a5"] == "1"


class TestObjects:
    def config(self, **spec: Any) -> dict[str, Any]:
        meta = {"name": "dc", "namespace": "amd", "uid": "u"}
        return {"apiVersion": amd_objects.API, "kind": "DeviceConfig", "metadata": meta, "spec": {"selector": SELECTOR, **spec}}

    def node(self, kernel: str = KERNEL) -> dict[str, Any]:
        info = {"kernelVersion": kernel, "osImage": "Red Hat Enterprise Linux CoreOS 9.6.20250925-0 (Plow)"}
        return {"metadata": {"name": "n", "labels": dict(SELECTOR)}, "status": {"nodeInfo": info}}

    def test_one_mapping_a_kernel(self) -> None:
        module = amd_objects.module(self.config(driver={"version": "30.20.1"}), [self.node(), self.node(), self.node("6.0")])
        rows = module["spec"]["moduleLoader"]["container"]["kernelMappings"]
        assert [row["literal"] for row in rows] == [KERNEL, "6.0"]
        image = kmm_objects.image_for(module, rows[0], KERNEL)
        assert image == f"image-registry.openshift-image-registry.svc:5000/amd/amdgpu_kmod:coreos-9.6-{KERNEL}-30.20.1"

    def test_operands_wait_for_the_driver_only_when_it_is_installed(self) -> None:
        by_name = {item["metadata"]["name"]: item for item in amd_objects.workloads(self.config(metricsExporter={"enable": True}))}
        ready = kmm_objects.ready_label("amd", "dc")
        selectors = {name: item["spec"]["template"]["spec"]["nodeSelector"] for name, item in by_name.items()}
        assert ready in selectors["dc-device-plugin"] and ready in selectors["dc-metrics-exporter"]
        assert ready not in selectors["dc-node-labeller"]
        plain = amd_objects.workloads(self.config(driver={"enable": False}))
        assert all(ready not in item["spec"]["template"]["spec"]["nodeSelector"] for item in plain)

    @pytest.mark.parametrize(
        ("spec", "why"),
        [
            ({"draDriver": {"enable": True}}, "DRADriver and DevicePlugin cannot be enabled at the same time"),
            ({"devicePlugin": {"devicePluginArguments": {"foo": "x"}}}, "devicePlugin Invalid flag: foo"),
            ({"devicePlugin": {"devicePluginArguments": {"resource_naming_strategy": "x"}}}, "Supported values: [single mixed]"),
        ],
    )
    def test_what_is_refused(self, spec: dict[str, Any], why: str) -> None:
        assert why in amd_objects.faults(spec, [])[0]
        assert amd_objects.faults({}, []) == []

    def test_taints_decide_where_a_module_goes(self) -> None:
        node = {"spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}
        assert not kmm_objects.schedulable(node, {"tolerations": []})
        assert kmm_objects.schedulable(node, {"tolerations": [{"operator": "Exists"}]})
        assert not kmm_objects.schedulable({"spec": {"unschedulable": True}}, {})


@pytest.fixture
def amd(world: Any, server: Any) -> Any:
    """One node with eight MI300X, blacklisted, a registry, both operators; `settle()` runs them and plays the DaemonSet controller."""
    server["gpus"] = [dict(GPU) for _ in range(8)]
    world.settings.data["profile"] |= {"nodes": [server], "delays": dict.fromkeys(("kmm-build", "kmm-load", "amd-plugin", "amd-labeller"), 0.0),
                                       "platform": {"type": "BareMetal"}}
    node = world.node("gpu-0", dict(SELECTOR))
    node["metadata"]["annotations"] = {CURRENT: "rendered-1"}
    node["status"]["nodeInfo"]["osImage"] = "Red Hat Enterprise Linux CoreOS 9.6.20250925-0 (Plow)"
    config = {"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig", "metadata": {"name": "rendered-1"}}
    world.rendered = world.kube.add({**config, "spec": machine_config(BLACKLIST)})
    world.kube.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "openshift-amd-gpu"}})
    registry = world.run(ImageRegistry)
    registry.start(world.kube)
    parts = [
        registry,
        world.run(Kmm, {"metadata": {"name": "kernel-module-management.v2", "namespace": "openshift-kmm"}}),
        world.run(AmdGpu, {"metadata": {"name": "amd-gpu-operator.v1.5.2", "namespace": "openshift-amd-gpu"}}),
    ]

    def settle(rounds: int = 12) -> None:
        for _ in range(rounds):
            daemon_sets(world)
            for part in parts:
                for obj in list(world.kube.objects.values()):
                    if (obj["apiVersion"], obj["kind"]) in part.watches and world.kube.path_of(obj) in world.kube.objects:
                        part.reconcile(world.kube, obj)

    world.settle = settle
    return world


def daemon_sets(world: Any) -> None:
    """What DaemonSet and Deployment controllers, garbage collector and scheduler do."""
    for obj in [item for item in world.kube.objects.values() if item["kind"] == "Deployment"]:
        obj["status"] = {"observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}]}
    for obj in [item for item in world.kube.objects.values() if item["kind"] == "Pod" and not item["spec"].get("nodeName")]:
        obj["spec"]["nodeName"] = "gpu-0"
    node = world.kube.get("v1|Node||gpu-0")
    for workload in [item for item in world.kube.objects.values() if item["kind"] == "DaemonSet"]:
        meta, spec = workload["metadata"], workload["spec"]["template"]
        wanted = all(node["metadata"]["labels"].get(key) == value for key, value in spec["spec"]["nodeSelector"].items())
        path = f"v1|Pod|{meta['namespace']}|{meta['name']}-x"
        owner = [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": meta["name"], "uid": meta["uid"]}]
        if wanted and path not in world.kube.objects:
            pod = {"name": f"{meta['name']}-x", "namespace": meta["namespace"], "labels": spec["metadata"]["labels"], "ownerReferences": owner}
            world.kube.add({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "spec": {**spec["spec"], "nodeName": "gpu-0"}, "status": {}})
        if not wanted:
            world.kube.objects.pop(path, None)
        found = world.kube.get(path)
        ready = bool(found) and any(c["type"] == "Ready" and c["status"] == "True" for c in (found.get("status") or {}).get("conditions") or [])
        workload["status"] = {"desiredNumberScheduled": int(wanted), "numberAvailable": int(ready)}


def apply(world: Any, name: str = "dc", **spec: Any) -> None:
    body = {"selector": SELECTOR, "driver": {"enable": True, "version": "30.20.1"}, **spec}
    meta = {"name": name, "namespace": "openshift-amd-gpu"}
    world.kube.add({"apiVersion": amd_objects.API, "kind": "DeviceConfig", "metadata": meta, "spec": body})


def status(world: Any, name: str = "dc") -> dict[str, Any]:
    return dict(world.kube.get(f"{amd_objects.API}|DeviceConfig|openshift-amd-gpu|{name}").get("status") or {})


def registry(world: Any, **spec: Any) -> None:
    world.kube.get("imageregistry.operator.openshift.io/v1|Config||cluster")["spec"].update(spec)


class TestRegistry:
    @pytest.mark.parametrize(("platform", "state"), [("BareMetal", "Removed"), ("None", "Removed"), ("AWS", "Managed")])
    def test_where_it_runs_from_the_start(self, world: Any, platform: str, state: str) -> None:
        world.settings.data["profile"]["platform"] = {"type": platform}
        world.run(ImageRegistry).start(world.kube)
        assert world.kube.get("imageregistry.operator.openshift.io/v1|Config||cluster")["spec"]["managementState"] == state

    def test_an_administrators_choice_survives_a_restart(self, world: Any) -> None:
        world.settings.data["profile"]["platform"] = {"type": "BareMetal"}
        world.run(ImageRegistry).start(world.kube)
        registry(world, managementState="Managed")
        world.run(ImageRegistry).start(world.kube)
        assert world.kube.get("imageregistry.operator.openshift.io/v1|Config||cluster")["spec"]["managementState"] == "Managed"


class TestAmd:
    def test_the_whole_way(self, amd: Any) -> None:
        registry(amd, managementState="Managed", storage={"emptyDir": {}})
        apply(amd, metricsExporter={"enable": True})
        amd.settle()
        node = amd.kube.get("v1|Node||gpu-0")
        assert node["status"]["allocatable"]["amd.com/gpu"] == "8"
        assert node["metadata"]["labels"]["kmm.node.kubernetes.io/openshift-amd-gpu.dc.ready"] == ""
        assert node["metadata"]["labels"]["amd.com/gpu.driver-version"] == "30.20.1"
        told = status(amd)
        assert told["driver"] == {"nodesMatchingSelectorNumber": 1, "desiredNumber": 1, "availableNumber": 1}
        assert told["devicePlugin"]["availableNumber"] == told["metricsExporter"]["availableNumber"] == 1
        assert told["nodeModuleStatus"]["gpu-0"]["status"] == "Install-Complete"
        assert [(item["type"], item["status"], item["reason"]) for item in told["conditions"]] == [("Ready", "True", "OperatorReady")]
        assert {event["reason"] for event in (amd.events("BuildCreated") + amd.events("BuildSucceeded") + amd.events("ModuleLoaded"))} == {
            "BuildCreated", "BuildSucceeded", "ModuleLoaded",
        }  # fmt: skip

    def test_a_settled_node_is_left_alone(self, amd: Any) -> None:
        registry(amd, managementState="Managed", storage={"emptyDir": {}})
        apply(amd)
        amd.settle()
        amd.kube.writes.clear()
        amd.settle(2)
        assert amd.kube.writes == []

    def test_without_a_registry_nothing_is_built_and_yet_the_operator_is_ready(self, amd: Any) -> None:
        apply(amd)
        amd.settle()
        assert status(amd)["driver"] == {"nodesMatchingSelectorNumber": 1, "desiredNumber": 0, "availableNumber": 0}
        assert status(amd)["conditions"][0]["reason"] == "OperatorReady"
        assert "amd.com/gpu" not in amd.kube.get("v1|Node||gpu-0")["status"].get("allocatable", {})
        registry(amd, managementState="Managed")
        amd.settle(2)
        found = amd.kube.get("imageregistry.operator.openshift.io/v1|Config||cluster")["status"]["conditions"]
        assert next(item for item in found if item["type"] == "Degraded")["message"].endswith("storage backend not configured")
        registry(amd, storage={"emptyDir": {}})
        amd.settle()
        assert amd.kube.get("v1|Node||gpu-0")["status"]["allocatable"]["amd.com/gpu"] == "8"

    def test_an_inbox_driver_makes_the_worker_crash_until_it_is_blacklisted(self, amd: Any) -> None:
        amd.rendered["spec"] = machine_config()
        registry(amd, managementState="Managed", storage={"emptyDir": {}})
        apply(amd)
        amd.settle()
        pod = amd.kube.get("v1|Pod|openshift-amd-gpu|kmm-worker-gpu-0-dc")
        assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        log = pod_logs.path(amd.settings.state, pod["metadata"]["uid"], "worker").read_text()
        assert "could not insert 'amdgpu'" in log
        assert status(amd)["driver"]["availableNumber"] == 0
        assert status(amd)["nodeModuleStatus"]["gpu-0"]["status"] == "Install-In-Progress"
        amd.rendered["spec"] = machine_config(BLACKLIST)
        amd.kube.get("v1|Node||gpu-0")["status"]["nodeInfo"]["bootID"] = "boot-2"
        amd.settle()
        assert amd.kube.get("v1|Node||gpu-0")["status"]["allocatable"]["amd.com/gpu"] == "8"

    def test_the_inbox_driver_alone(self, amd: Any) -> None:
        amd.rendered["spec"] = machine_config()
        apply(amd, driver={"enable": False})
        amd.settle()
        node = amd.kube.get("v1|Node||gpu-0")
        assert node["status"]["allocatable"]["amd.com/gpu"] == "8"
        assert not [key for key in node["metadata"]["labels"] if key.startswith("kmm.node")]
        assert "driver" not in status(amd)

    def test_a_reboot_loads_the_module_again(self, amd: Any) -> None:
        registry(amd, managementState="Managed", storage={"emptyDir": {}})
        apply(amd)
        amd.settle()
        amd.kube.get("v1|Node||gpu-0")["status"]["nodeInfo"]["bootID"] = "boot-2"
        amd.settle(1)
        assert amd.kube.get("v1|Node||gpu-0")["status"]["allocatable"]["amd.com/gpu"] == "0"
        amd.settle()
        config = amd.kube.get(f"{kmm_objects.API}|NodeModulesConfig||gpu-0")
        assert config["status"]["modules"][0]["bootId"] == "boot-2"
        assert amd.kube.get("v1|Node||gpu-0")["status"]["allocatable"]["amd.com/gpu"] == "8"

    def test_no_label_no_node(self, amd: Any) -> None:
        del amd.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["feature.node.kubernetes.io/amd-gpu"]
        apply(amd)
        amd.settle(2)
        told = {item["type"]: item for item in status(amd)["conditions"]}
        assert (told["Error"]["status"], told["Ready"]["status"]) == ("True", "False")
        assert told["Error"]["reason"] == told["Ready"]["reason"] == "NoMatchingNodes"
        assert "verify node labels or check that NFD has labeled the GPU nodes" in told["Error"]["message"]

    def test_a_second_configuration_for_the_same_node_is_refused(self, amd: Any) -> None:
        apply(amd)
        apply(amd, "other")
        amd.settle(2)
        told = {item["type"]: item for item in status(amd, "other")["conditions"]}
        assert told["Error"]["reason"] == "ValidationError"
        assert "node gpu-0 already assigned to DeviceConfig openshift-amd-gpu/dc" in told["Error"]["message"]
        assert all(item["reason"] != "ValidationError" for item in status(amd)["conditions"])

    def test_a_new_driver_waits_for_the_upgrade_policy(self, amd: Any) -> None:
        registry(amd, managementState="Managed", storage={"emptyDir": {}})
        apply(amd)
        amd.settle()
        spec = amd.kube.get(f"{amd_objects.API}|DeviceConfig|openshift-amd-gpu|dc")["spec"]
        spec["driver"] = {"enable": True, "version": "30.30"}
        amd.settle()
        assert amd.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["amd.com/gpu.driver-version"] == "30.20.1"
        spec["driver"]["upgradePolicy"] = {"enable": True}
        amd.settle(20)
        assert amd.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["amd.com/gpu.driver-version"] == "30.30"
        assert status(amd)["nodeModuleStatus"]["gpu-0"]["status"] == "Upgrade-Complete"
