# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bare nodes → NFD → GPUs → local storage → MachineConfigs, by `kubectl apply` of what the products' documentation says."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.rehearsal

GPU_NODES = ("gpu-0", "gpu-1")
PRESENT = "feature.node.kubernetes.io/pci-10de.present"


def operator(namespace: str, package: str, channel: str, catalog: str) -> list[dict[str, Any]]:
    """Namespace, OperatorGroup and Subscription."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "operators.coreos.com/v1",
            "kind": "OperatorGroup",
            "metadata": {"name": package, "namespace": namespace},
            "spec": {"targetNamespaces": [namespace]},
        },
        {
            "apiVersion": "operators.coreos.com/v1alpha1",
            "kind": "Subscription",
            "metadata": {"name": package, "namespace": namespace},
            "spec": {"channel": channel, "name": package, "source": catalog, "sourceNamespace": "openshift-marketplace"},
        },
    ]


NFD = {
    "apiVersion": "nfd.openshift.io/v1",
    "kind": "NodeFeatureDiscovery",
    "metadata": {"name": "nfd-instance", "namespace": "openshift-nfd"},
    "spec": {
        "workerConfig": {
            "configData": 'sources:\n  pci:\n    deviceClassWhitelist: ["02", "03", "12"]\n    deviceLabelFields: ["vendor"]\n'
        }
    },
}
CLUSTER_POLICY = {
    "apiVersion": "nvidia.com/v1",
    "kind": "ClusterPolicy",
    "metadata": {"name": "gpu-cluster-policy"},
    "spec": {
        "operator": {"defaultRuntime": "crio", "use_ocp_driver_toolkit": True},
        "daemonsets": {},
        "driver": {"enabled": True, "upgradePolicy": {"autoUpgrade": True}},
        "toolkit": {"enabled": True},
        "devicePlugin": {"enabled": True},
        "dcgm": {"enabled": True},
        "dcgmExporter": {"enabled": True},
        "gfd": {"enabled": True},
        "migManager": {"enabled": True},
        "nodeStatusExporter": {"enabled": True},
        "mig": {"strategy": "single"},
    },
}
LVM_CLUSTER = {
    "apiVersion": "lvm.topolvm.io/v1alpha1",
    "kind": "LVMCluster",
    "metadata": {"name": "lvmcluster", "namespace": "openshift-lvm-storage"},
    "spec": {
        "storage": {
            "deviceClasses": [
                {
                    "name": "nvme",
                    "fstype": "xfs",
                    "default": True,
                    "nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [{"key": PRESENT, "operator": "Exists"}]}]},
                    "deviceSelector": {"optionalPaths": ["/dev/disk/by-path/pci-0000:62:00.0-nvme-1"]},
                }
            ]
        }
    },
}


def apply(cluster: Any, *objects: dict[str, Any], check: bool = True) -> str:
    """Server-side apply; the text of a refusal when *check* is off."""
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return str(cluster.kubectl("apply", "--server-side", "-f", "-", stdin=body, check=check))


def until(what: str, look: Callable[[], Any], seconds: float = 120) -> Any:
    """The first true answer of *look*; fails with its last answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s (last answer: {answer!r})"
        time.sleep(1)


def node(cluster: Any, name: str) -> dict[str, Any]:
    return dict(cluster.get("node", name))


def gpus(cluster: Any) -> list[str | None]:
    return [node(cluster, name)["status"]["allocatable"].get("nvidia.com/gpu") for name in GPU_NODES]


def policy_status(cluster: Any) -> dict[str, Any]:
    return dict(cluster.get("clusterpolicy", "gpu-cluster-policy").get("status") or {})


def pool_conditions(cluster: Any, name: str) -> dict[str, str]:
    status = cluster.get("machineconfigpool", name).get("status") or {}
    return {item["type"]: item["status"] for item in status.get("conditions") or []}


def install(cluster: Any) -> None:
    """The three operators, by OLM."""
    apply(
        cluster,
        *operator("openshift-nfd", "nfd", "stable", "redhat-operators"),
        *operator("nvidia-gpu-operator", "gpu-operator-certified", "v26.3", "certified-operators"),
        *operator("openshift-lvm-storage", "lvms-operator", "stable-4.20", "redhat-operators"),
    )
    for namespace in ("openshift-nfd", "nvidia-gpu-operator", "openshift-lvm-storage"):

        def succeeded(namespace: str = namespace) -> bool:
            phases = [item.get("status", {}).get("phase") for item in cluster.get("csv", "-n", namespace)["items"]]
            return bool(phases) and set(phases) == {"Succeeded"}

        until(f"CSV in {namespace}", succeeded)


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Any:
    """A cluster of its own, since nodes are rebooted here; or the developer's."""
    if os.environ.get("REHEARSAL_KUBECONFIG"):
        return request.getfixturevalue("rehearsal")
    return request.getfixturevalue("new_rehearsal")("--profile", "h200-roce", "--openshift", "4.20", "--speed", "4")


def test_from_bare_nodes_to_gpus_storage_and_reboots(cluster: Any) -> None:
    labels = node(cluster, "gpu-0")["metadata"]["labels"]
    assert not [key for key in labels if key.startswith(("feature.node.kubernetes.io", "nvidia.com"))], "a bare node is bare"
    install(cluster)

    # A policy before NFD is "ready", with the reason that tells otherwise.
    apply(cluster, CLUSTER_POLICY)
    status = until("first look at the policy", lambda: policy_status(cluster) if policy_status(cluster).get("state") else None)
    assert status["state"] == "ready"
    assert "NFDLabelsMissing" in [item["reason"] for item in status["conditions"]]
    assert gpus(cluster) == [None, None]

    apply(cluster, NFD)
    until("NFD's labels", lambda: all(PRESENT in node(cluster, name)["metadata"]["labels"] for name in GPU_NODES))
    features = cluster.get("nodefeature", "gpu-0", "-n", "openshift-nfd")["spec"]["features"]["instances"]["pci.device"]["elements"]
    assert sum(item["attributes"]["device"] == "2335" for item in features) == 8

    until("the policy is at work", lambda: policy_status(cluster)["state"] == "notReady")
    until("GPUs", lambda: gpus(cluster) == ["8", "8"])
    until("the policy is ready", lambda: policy_status(cluster)["state"] == "ready")
    assert "Reconciled" in [item["reason"] for item in policy_status(cluster)["conditions"]]
    labels = node(cluster, "gpu-1")["metadata"]["labels"]
    assert (labels["nvidia.com/gpu.product"], labels["nvidia.com/gpu.count"]) == ("NVIDIA-H200", "8")

    storage(cluster)
    reboots(cluster)


def storage(cluster: Any) -> None:
    """LVMS: its webhook, the volume groups, a volume where the pod goes, and none that does not fit."""
    elsewhere = json.loads(json.dumps(LVM_CLUSTER))
    elsewhere["metadata"]["namespace"] = "default"
    refusal = apply(cluster, elsewhere, check=False)
    assert 'only supported within namespace "openshift-lvm-storage"' in refusal

    apply(cluster, LVM_CLUSTER)
    lvm = ("lvmcluster", "lvmcluster", "-n", "openshift-lvm-storage")
    until("LVMCluster", lambda: (cluster.get(*lvm).get("status") or {}).get("state") == "Ready")
    rows = cluster.get(*lvm)["status"]["deviceClassStatuses"][0]["nodeStatus"]
    assert sorted(row["node"] for row in rows) == sorted(GPU_NODES)
    assert all(row["devices"] == ["/dev/nvme1n1"] for row in rows)

    for name, size in (("fits", "100Gi"), ("huge", "20Ti")):
        claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "lvms-nvme", "resources": {"requests": {"storage": size}}}
        meta = {"name": name, "namespace": "default"}
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": name}}
        container = {"name": "c", "image": "example.com/app:1", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        apply(
            cluster,
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim},
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container], "volumes": [volume]}},
        )
    until("a pod with its volume", lambda: cluster.get("pod", "fits")["status"].get("phase") == "Running")
    volume_name = cluster.get("pvc", "fits")["spec"]["volumeName"]
    terms = cluster.get("pv", volume_name)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0]["values"] == [cluster.get("pod", "fits")["spec"]["nodeName"]]
    assert cluster.get("pvc", "huge")["status"]["phase"] == "Pending"
    until(
        "a warning about the size",
        lambda: any(item["reason"] == "NotEnoughCapacity" for item in cluster.get("events", "-n", "default")["items"]),
    )
    cluster.kubectl("delete", "pod", "huge", "fits", "-n", "default")


def reboots(cluster: Any) -> None:
    """A kernel argument: every worker drained and rebooted once, never two at a time; the driver is built again."""
    counters = cluster.state / "run" / "counters.json"
    before = json.loads(counters.read_text())["reboots"] if counters.exists() else {}
    apply(
        cluster,
        {
            "apiVersion": "machineconfiguration.openshift.io/v1",
            "kind": "MachineConfig",
            "metadata": {
                "name": f"99-worker-{int(time.time())}",
                "labels": {"machineconfiguration.openshift.io/role": "worker"},
            },
            "spec": {"kernelArguments": [f"iommu=pt rehearsal={int(time.time())}"]},
        },
    )
    until("the pool moves", lambda: pool_conditions(cluster, "worker").get("Updating") == "True")
    most_away = 0

    def updated() -> bool:
        nonlocal most_away
        away = [name for name in GPU_NODES if node(cluster, name)["spec"].get("unschedulable")]
        most_away = max(most_away, len(away))
        return pool_conditions(cluster, "worker").get("Updated") == "True"

    until("the pool is updated", updated)
    assert most_away <= 1
    after = json.loads(counters.read_text())["reboots"]
    assert {name: after[name] - before.get(name, 0) for name in GPU_NODES} == dict.fromkeys(GPU_NODES, 1)
    assert not [name for name in after if name.startswith("master")]
    until("GPUs after the reboots", lambda: gpus(cluster) == ["8", "8"])
    until("the policy after the reboots", lambda: policy_status(cluster)["state"] == "ready")


@pytest.mark.wide
def test_a_driver_that_never_loads(new_rehearsal: Any) -> None:
    cluster = new_rehearsal("--profile", "h200-roce", "--openshift", "4.20", "--speed", "4", "--scenario", "gpu-driver-never-ready")
    install(cluster)
    apply(cluster, NFD, CLUSTER_POLICY)
    until("the good node's GPUs", lambda: gpus(cluster)[0] == "8")

    def crashing() -> Any:
        pods = cluster.get("pod", "-n", "nvidia-gpu-operator", "-l", "app.kubernetes.io/component=nvidia-driver")["items"]
        for pod in pods:
            for container in pod["status"].get("containerStatuses") or []:
                if container["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff":
                    return pod
        return None

    pod = until("a crashing driver pod", crashing)
    assert pod["spec"]["nodeName"] == "gpu-1"
    time.sleep(5)
    status = policy_status(cluster)
    message = next(item["message"] for item in status["conditions"] if item["type"] == "Error")
    assert status["state"] == "notReady"
    assert message.startswith("ClusterPolicy is not ready, states not ready: [state-driver")
    assert gpus(cluster)[1] in (None, "0")
