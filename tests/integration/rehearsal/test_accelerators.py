# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accelerators by plain kubectl, after the vendors' documentation for OpenShift: AMD (KMM, DeviceConfig) and NVIDIA in depth."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.rehearsal.steps import (
    allocatable,
    apply,
    break_,
    conditions,
    counters,
    install,
    labels,
    machine_config,
    one_cluster,
    until,
    updated,
)

pytestmark = pytest.mark.rehearsal
AMD, NVIDIA = "openshift-amd-gpu", "nvidia-gpu-operator"
NODES = ("gpu-0", "gpu-1")
NFD_CONFIG = 'sources:\n  pci:\n    deviceClassWhitelist: ["02", "03", "12"]\n    deviceLabelFields: ["vendor"]\n'
NFD = {
    "apiVersion": "nfd.openshift.io/v1", "kind": "NodeFeatureDiscovery", "metadata": {"name": "nfd-instance", "namespace": "openshift-nfd"},
    "spec": {"workerConfig": {"configData": NFD_CONFIG}},
}  # fmt: skip


# ---- AMD


@pytest.fixture(scope="class")  # one cluster at a time
def amd(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield from one_cluster(request, f"test-amd-{os.getpid()}", "--profile", "mi300x", "--openshift", "4.20", "--speed", "10")


def nfd_rule(*devices: str) -> dict[str, Any]:
    """The rule that AMD's guide tells to create beside an existing NodeFeatureDiscovery."""
    term = {"vendor": {"op": "In", "value": ["1002"]}, "device": {"op": "In", "value": list(devices)}}
    rule = {
        "name": "amd-gpu",
        "labels": {"feature.node.kubernetes.io/amd-gpu": "true"},
        "matchAny": [{"matchFeatures": [{"feature": "pci.device", "matchExpressions": term}]}],
    }
    return {"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeatureRule", "metadata": {"name": "amd-gpu"}, "spec": {"rules": [rule]}}


def device_config(**spec: Any) -> dict[str, Any]:
    body = {
        "selector": {"feature.node.kubernetes.io/amd-gpu": "true"},
        "driver": {"enable": True, "version": "30.20.1", "useSourceImage": True},
        "metricsExporter": {"enable": True},
        **spec,
    }
    return {"apiVersion": "amd.com/v1alpha1", "kind": "DeviceConfig", "metadata": {"name": "mi300x", "namespace": AMD}, "spec": body}


def amd_status(cluster: Any) -> dict[str, Any]:
    return dict(cluster.get("deviceconfig", "mi300x", "-n", AMD).get("status") or {})


class TestAmd:
    """In this order: nothing, GPUs, use, the end."""

    def test_from_bare_nodes_to_gpus(self, amd: Any) -> None:
        assert "amd.com/gpu" not in amd.get("node", "gpu-0")["status"]["allocatable"]
        install(
            amd,
            ("openshift-nfd", "nfd", "stable", "redhat-operators", True),
            ("openshift-kmm", "kernel-module-management", "stable", "redhat-operators", False),
            (AMD, "amd-gpu-operator", "alpha", "certified-operators", False),
        )
        # Without a label of NFD nobody is selected.
        apply(amd, NFD, device_config())
        error = until("no node", lambda: conditions(amd.get("deviceconfig", "mi300x", "-n", AMD)).get("Error"))
        assert error["reason"] == "NoMatchingNodes" and "check that NFD has labeled the GPU nodes" in error["message"]
        apply(amd, nfd_rule("75a3"))  # MI355X
        until("NFD at work", lambda: "feature.node.kubernetes.io/pci-1002.present" in labels(amd, "gpu-0"))
        assert "feature.node.kubernetes.io/amd-gpu" not in labels(amd, "gpu-0")
        apply(amd, nfd_rule("75a3", "74a1"))
        until("the rule's label", lambda: all(labels(amd, name).get("feature.node.kubernetes.io/amd-gpu") == "true" for name in NODES))

        # The cluster's registry is Removed on bare metal: no image can be built, and the DeviceConfig calls itself ready all the same.
        registry = amd.get("configs.imageregistry.operator.openshift.io", "cluster")
        assert registry["spec"]["managementState"] == "Removed"
        until("a module", lambda: amd_status(amd).get("driver", {}).get("nodesMatchingSelectorNumber") == 2)
        assert conditions(amd.get("deviceconfig", "mi300x", "-n", AMD))["Ready"]["reason"] == "OperatorReady"
        assert not [item for item in amd.get("pods", "-n", AMD)["items"] if "-build-" in item["metadata"]["name"]]
        told = until("the build's reason", lambda: [b["status"] for b in amd.get("builds.build.openshift.io", "-n", AMD)["items"] if b.get("status")])
        assert (told[0]["phase"], told[0]["reason"]) == ("New", "InvalidOutputReference")
        patch = '{"spec":{"managementState":"Managed","storage":{"emptyDir":{}}}}'
        amd.kubectl("patch", "configs.imageregistry.operator.openshift.io", "cluster", "--type=merge", "-p", patch)

        # The kernel's own amdgpu is loaded: KMM's worker cannot load another one.
        def worker() -> Any:
            for pod in amd.get("pods", "-n", AMD, "-l", "app.kubernetes.io/component=worker")["items"]:
                for row in pod["status"].get("containerStatuses") or []:
                    if ((row["state"].get("waiting") or {}).get("reason")) == "CrashLoopBackOff":
                        return pod
            return None

        pod = until("a crashing worker", worker)
        assert "could not insert 'amdgpu'" in amd.kubectl("logs", pod["metadata"]["name"], "-n", AMD, "-c", "worker")
        assert amd_status(amd)["driver"]["availableNumber"] == 0
        assert amd_status(amd)["nodeModuleStatus"]["gpu-0"]["status"] == "Install-In-Progress"

        source = "data:text/plain;base64," + base64.b64encode(b"blacklist amdgpu\n").decode()
        apply(amd, machine_config("amdgpu-module-blacklist", "worker", {"/etc/modprobe.d/amdgpu-blacklist.conf": source}))
        until("GPUs", lambda: [allocatable(amd, name, "amd.com/gpu") for name in NODES] == ["8", "8"], 240)
        until("the pool", lambda: updated(amd, "worker"))
        assert {name: counters(amd)["reboots"].get(name) for name in NODES} == dict.fromkeys(NODES, 1)

        until("numbers", lambda: all(
            amd_status(amd).get(part, {}).get("availableNumber") == 2 for part in ("driver", "devicePlugin", "metricsExporter")
        ))  # fmt: skip
        found = until("labels", lambda: labels(amd, "gpu-1").get("amd.com/gpu.driver-version") and labels(amd, "gpu-1"))
        assert (found["amd.com/gpu.product-name"], found["amd.com/gpu.vram"]) == ("AMD_Instinct_MI300X_OAM", "192G")
        assert (found["beta.amd.com/gpu.device-id.74a1"], found["amd.com/gpu.driver-version"]) == ("8", "30.20.1")
        assert found[f"kmm.node.kubernetes.io/{AMD}.mi300x.ready"] == ""
        assert amd.get("service", "mi300x-metrics-exporter", "-n", AMD)["spec"]["ports"][0]["port"] == 5000
        assert amd_status(amd)["nodeModuleStatus"]["gpu-1"]["status"] == "Install-Complete"

    def test_a_pod_gets_its_gpu_and_another_configuration_is_refused(self, amd: Any) -> None:
        container = {"name": "c", "image": "example.com/app:1", "resources": {"limits": {"amd.com/gpu": "8"}}}
        apply(amd, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "model", "namespace": "default"}, "spec": {"containers": [container]}})
        until("the pod", lambda: amd.get("pod", "model")["status"].get("phase") == "Running")
        second = device_config()
        second["metadata"]["name"] = "second"
        apply(amd, second)
        error = until("a refusal", lambda: conditions(amd.get("deviceconfig", "second", "-n", AMD)).get("Error"))
        assert error["reason"] == "ValidationError" and f"already assigned to DeviceConfig {AMD}/mi300x" in error["message"]
        amd.kubectl("delete", "deviceconfig", "second", "-n", AMD)
        amd.kubectl("delete", "pod", "model", "-n", "default")

    def test_the_end_of_a_configuration_unloads_the_driver(self, amd: Any) -> None:
        amd.kubectl("delete", "deviceconfig", "mi300x", "-n", AMD, "--timeout=90s")
        assert amd.get("modules.kmm.sigs.x-k8s.io", "-n", AMD)["items"] == []
        until("no GPUs", lambda: allocatable(amd, "gpu-0", "amd.com/gpu") in (None, "0"))
        until("no labels", lambda: not [key for key in labels(amd, "gpu-0") if key.startswith(("amd.com/gpu.", "kmm.node.kubernetes.io/"))])


# ---- NVIDIA



@pytest.fixture(scope="class")  # one cluster at a time
def nvidia(request: pytest.FixtureRequest) -> Iterator[Any]:
    for cluster in one_cluster(request, f"test-nvidia-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"):
        install(
            cluster,
            ("openshift-nfd", "nfd", "stable", "redhat-operators", True),
            (NVIDIA, "gpu-operator-certified", "v26.3", "certified-operators", True),
        )
        apply(cluster, NFD, policy())
        until("GPUs", lambda cluster=cluster: [gpus(cluster, name) for name in NODES] == ["8", "8"])
        until("the policy", lambda cluster=cluster: state(cluster) == "ready")
        yield cluster



def policy(name: str = "gpu-cluster-policy", **spec: Any) -> dict[str, Any]:
    """A ClusterPolicy with all sections that its definition requires."""
    parts = ("driver", "toolkit", "devicePlugin", "dcgm", "dcgmExporter", "gfd", "migManager", "nodeStatusExporter")
    body = {"operator": {"defaultRuntime": "crio"}, "daemonsets": {}, **{part: {"enabled": True} for part in parts}, **spec}
    return {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": name}, "spec": body}



def state(cluster: Any, name: str = "gpu-cluster-policy") -> str:
    return str((cluster.get("clusterpolicy", name).get("status") or {}).get("state"))



def gpus(cluster: Any, name: str) -> str | None:
    return allocatable(cluster, name, "nvidia.com/gpu")



def driver_pod(cluster: Any, name: str) -> dict[str, Any] | None:
    pods = cluster.get("pods", "-n", NVIDIA, "-l", "app.kubernetes.io/component=nvidia-driver")["items"]
    return next((pod for pod in pods if pod["spec"].get("nodeName") == name), None)



def mig(cluster: Any, config: str, wanted: str) -> list[str]:
    """Ask for a layout on gpu-1; the states seen until the wanted one."""
    cluster.kubectl("label", "node", "gpu-1", f"nvidia.com/mig.config={config}", "--overwrite")
    seen: list[str] = []

    def look() -> bool:
        value = labels(cluster, "gpu-1").get("nvidia.com/mig.config.state", "")
        seen.extend([value] if not seen or seen[-1] != value else [])
        return seen[-1] == wanted and "pending" in seen

    until(f"MIG {config}", look, pause=0.3)
    return seen


class TestNvidia:
    """GPUs are there; each test leaves them as it found them."""

    def test_a_second_policy_is_ignored(self, nvidia: Any) -> None:
        apply(nvidia, policy("second"))
        until("ignored", lambda: state(nvidia, "second") == "ignored")
        nvidia.kubectl("delete", "clusterpolicy", "second")
        assert state(nvidia) == "ready"

    def test_mig_single_mixed_and_back(self, nvidia: Any) -> None:
        mig(nvidia, "all-1g.18gb", "success")
        until("slices", lambda: gpus(nvidia, "gpu-1") == "56")
        until("the label", lambda: labels(nvidia, "gpu-1")["nvidia.com/gpu.product"] == "NVIDIA-H200-MIG-1g.18gb")
        assert gpus(nvidia, "gpu-0") == "8"
        apply(nvidia, policy(mig={"strategy": "mixed"}))
        until("named slices", lambda: allocatable(nvidia, "gpu-1", "nvidia.com/mig-1g.18gb") == "56" and gpus(nvidia, "gpu-1") == "0")
        mig(nvidia, "all-disabled", "success")
        until("whole GPUs", lambda: gpus(nvidia, "gpu-1") == "8" and allocatable(nvidia, "gpu-1", "nvidia.com/mig-1g.18gb") == "0")
        apply(nvidia, policy(mig={"strategy": "single"}))

    def test_scenario_mig_half_done(self, nvidia: Any) -> None:
        break_(nvidia, "mig-half-done")
        assert mig(nvidia, "all-7g.141gb", "failed")[-1] == "failed"
        until("the label", lambda: labels(nvidia, "gpu-1")["nvidia.com/gpu.product"] == "NVIDIA-H200-MIG-INVALID")
        until("nothing to give", lambda: gpus(nvidia, "gpu-1") == "0")
        break_(nvidia)
        mig(nvidia, "all-disabled", "success")
        until("GPUs", lambda: gpus(nvidia, "gpu-1") == "8")

    def test_a_driver_upgrade_goes_node_by_node(self, nvidia: Any) -> None:
        key = "nvidia.com/gpu-driver-upgrade-state"
        upgrade = {"autoUpgrade": True, "maxParallelUpgrades": 1, "podDeletion": {"timeoutSeconds": 300}}
        apply(nvidia, policy(driver={"enabled": True, "upgradePolicy": upgrade}))
        until("upgrade-done", lambda: all(labels(nvidia, name).get(key) == "upgrade-done" for name in NODES))
        new = {"enabled": True, "repository": "nvcr.io/nvidia", "image": "driver", "version": "595.91.07", "upgradePolicy": upgrade}
        apply(nvidia, policy(driver=new))
        seen: set[str] = set()
        most = 0

        def done() -> bool:
            nonlocal most
            found = {node["metadata"]["name"]: node["metadata"]["labels"] for node in nvidia.get("nodes")["items"]}  # one list, so one moment
            states = [found[name].get(key, "") for name in NODES]
            seen.update(states)
            most = max(most, sum(1 for value in states if value not in ("upgrade-done", "upgrade-required")))
            versions = [found[name].get("nvidia.com/cuda.driver-version.full") for name in NODES]
            return versions == ["595.91.07"] * 2 and states == ["upgrade-done"] * 2

        until("the upgrade", done, 240)
        assert most == 1
        assert {"upgrade-required", "pod-restart-required"} <= seen
        assert not [name for name in NODES if nvidia.get("node", name)["spec"].get("unschedulable")]
        until("the policy", lambda: state(nvidia) == "ready")

    def test_scenario_seven_of_eight_gpus(self, nvidia: Any) -> None:
        break_(nvidia, "seven-of-eight-gpus")
        nvidia.kubectl("delete", "pods", "-n", NVIDIA, "-l", "app=nvidia-device-plugin-daemonset", "--wait=false")
        nvidia.kubectl("delete", "pods", "-n", NVIDIA, "-l", "app=gpu-feature-discovery", "--wait=false")
        until("seven", lambda: gpus(nvidia, "gpu-1") == "7" and labels(nvidia, "gpu-1")["nvidia.com/gpu.count"] == "7")
        elements = nvidia.get("nodefeature", "gpu-1", "-n", "openshift-nfd")["spec"]["features"]["instances"]["pci.device"]["elements"]
        assert sum(item["attributes"]["device"] == "2335" for item in elements) == 8, "PCI still lists it"
        until("the policy, which knows nothing of it", lambda: state(nvidia) == "ready")
        break_(nvidia)
        nvidia.kubectl("delete", "pods", "-n", NVIDIA, "-l", "app=nvidia-device-plugin-daemonset", "--wait=false")
        until("eight", lambda: gpus(nvidia, "gpu-1") == "8")

    def test_scenario_driver_crash_loop(self, nvidia: Any) -> None:
        break_(nvidia, "driver-crash-loop")
        pod = driver_pod(nvidia, "gpu-1")
        assert pod is not None
        nvidia.kubectl("delete", "pod", pod["metadata"]["name"], "-n", NVIDIA, "--wait=false")

        def crashing() -> Any:
            found = driver_pod(nvidia, "gpu-1")
            rows = (found or {}).get("status", {}).get("containerStatuses") or []
            return found if any((row["state"].get("waiting") or {}).get("reason") == "CrashLoopBackOff" for row in rows) else None

        found = until("a crash loop", crashing)
        log = nvidia.kubectl("logs", found["metadata"]["name"], "-n", NVIDIA, "-c", "nvidia-driver-ctr")
        assert "could not insert 'nvidia': No such device" in log and "nouveau" in log
        until("not ready", lambda: state(nvidia) == "notReady")
        message = conditions(nvidia.get("clusterpolicy", "gpu-cluster-policy"))["Error"]["message"]
        assert "states not ready: [state-driver" in message and "nouveau" not in message
        assert gpus(nvidia, "gpu-1") == "0" and gpus(nvidia, "gpu-0") == "8"
        break_(nvidia)
        until("GPUs", lambda: gpus(nvidia, "gpu-1") == "8" and state(nvidia) == "ready", 180)
