# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local storage by plain kubectl, after the documentation of the Local Storage operator and of LVM Storage: discovery, volumes, failures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import MEASURING
from tests.integration.rehearsal.steps import apply, break_, conditions, events, install, one_cluster, until

pytestmark = pytest.mark.rehearsal
LSO, LVMS = "openshift-local-storage", "openshift-lvm-storage"
GROUP = "local.storage.openshift.io"
WORKERS = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "node-role.kubernetes.io/worker", "operator": "Exists"}]}]}
FIRST = "/dev/disk/by-path/pci-0000:62:00.0-nvme-1"


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    for found in one_cluster(request, f"test-storage-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"):
        install(
            found,
            (LSO, "local-storage-operator", "stable", "redhat-operators", True),
            (LVMS, "lvms-operator", "stable-4.20", "redhat-operators", True),
        )
        yield found


def lvm_cluster(selector: dict[str, Any]) -> dict[str, Any]:
    device_class = {"name": "nvme", "default": True, "fstype": "xfs", "nodeSelector": WORKERS, "deviceSelector": selector}
    meta = {"name": "lvmcluster", "namespace": LVMS}
    return {"apiVersion": "lvm.topolvm.io/v1alpha1", "kind": "LVMCluster", "metadata": meta, "spec": {"storage": {"deviceClasses": [device_class]}}}


def pod_with_claim(name: str, storage_class: str, size: str = "10Gi") -> list[dict[str, Any]]:
    meta = {"name": name, "namespace": "default"}
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    container = {"name": "c", "image": "example.com/app:1", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]
    return [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim},
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container], "volumes": volumes}},
    ]


def devices(cluster: Any, node: str) -> dict[str, dict[str, Any]]:
    found = cluster.get("localvolumediscoveryresult", f"discovery-result-{node}", "-n", LSO)
    return {row["path"]: row for row in (found.get("status") or {}).get("discoveredDevices") or []}


def group_of(cluster: Any, node: str) -> dict[str, Any]:
    """What LVMS tells of its volume group on a node."""
    status = cluster.get("lvmcluster", "lvmcluster", "-n", LVMS).get("status") or {}
    rows = [row for item in status.get("deviceClassStatuses") or [] for row in item["nodeStatus"]]
    return next((row for row in rows if row["node"] == node), {})


def lvm_state(cluster: Any) -> str:
    return str((cluster.get("lvmcluster", "lvmcluster", "-n", LVMS).get("status") or {}).get("state"))


def remove_lvm(cluster: Any) -> None:
    cluster.kubectl("delete", "lvmcluster", "lvmcluster", "-n", LVMS, "--timeout=90s")


def test_local_storage_discovers_and_provides(cluster: Any) -> None:
    apply(cluster, {"apiVersion": f"{GROUP}/v1alpha1", "kind": "LocalVolumeDiscovery", "metadata": {"name": "auto-discover-devices", "namespace": LSO},
                    "spec": {"nodeSelector": WORKERS}})  # fmt: skip
    until("results", lambda: len(cluster.get("localvolumediscoveryresult", "-n", LSO)["items"]) == 2)
    found = until("devices", lambda: devices(cluster, "gpu-0"))
    free = sorted(path for path, row in found.items() if row["status"]["state"] == "Available")
    assert free == [f"/dev/nvme{number}n1" for number in range(1, 9)]
    assert found["/dev/nvme0n1p4"]["status"]["state"] == "NotAvailable" and "/dev/nvme0n1" not in found
    one = found["/dev/nvme1n1"]
    assert (one["property"], one["type"], one["size"]) == ("NonRotational", "disk", 3840755982336)
    assert one["deviceID"].startswith("/dev/disk/by-id/nvme-")
    told = conditions(cluster.get("localvolumediscovery", "auto-discover-devices", "-n", LSO))
    assert told["Available"]["message"] == "successfully running 2 out of 2 discovery daemons"

    inclusion = {"deviceTypes": ["disk"], "deviceMechanicalProperties": ["NonRotational"], "minSize": "1Ti"}
    spec = {"storageClassName": "local-nvme", "nodeSelector": WORKERS, "maxDeviceCount": 2, "deviceInclusionSpec": inclusion, "fsType": "xfs"}
    meta = {"name": "nvme", "namespace": LSO}
    apply(cluster, {"apiVersion": f"{GROUP}/v1alpha1", "kind": "LocalVolumeSet", "metadata": meta, "spec": spec})
    lvset = ("localvolumeset", "nvme", "-n", LSO)
    until("volumes", lambda: (cluster.get(*lvset).get("status") or {}).get("totalProvisionedDeviceCount") == 4)
    assert conditions(cluster.get(*lvset))["DaemonSetsAvailable"]["message"] == "DiskMaker: Available"
    volumes = [item for item in cluster.get("pv")["items"] if item["spec"]["storageClassName"] == "local-nvme"]
    assert {item["spec"]["capacity"]["storage"] for item in volumes} == {"3576Gi"}

    apply(cluster, *pod_with_claim("local", "local-nvme"))
    until("the pod", lambda: cluster.get("pod", "local")["status"].get("phase") == "Running")
    volume = cluster.get("pv", cluster.get("pvc", "local")["spec"]["volumeName"])
    terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert terms["values"] == [cluster.get("pod", "local")["spec"]["nodeName"]]
    path = "/dev/" + volume["metadata"]["annotations"]["storage.openshift.com/device-name"]
    until("in use", lambda: devices(cluster, terms["values"][0])[path]["status"]["state"] == "NotAvailable")

    # Bound volumes keep their owner; it goes when they do.
    cluster.kubectl("delete", "localvolumeset", "nvme", "-n", LSO, "--wait=false")
    until("a refusal to go", lambda: events(cluster, "LocalVolumeDeletionFailed", LSO))
    cluster.kubectl("delete", "pod", "local", "-n", "default")
    cluster.kubectl("delete", "pvc", "local", "-n", "default")
    until("the end", lambda: cluster.get("localvolumeset", "-n", LSO)["items"] == [])
    assert [item for item in cluster.get("pv")["items"] if item["spec"]["storageClassName"] == "local-nvme"] == []


def test_local_volume_by_name_of_a_disk(cluster: Any) -> None:
    by_id = until("a device", lambda: devices(cluster, "gpu-0"))["/dev/nvme2n1"]["deviceID"]
    row = {"storageClassName": "local-one", "volumeMode": "Filesystem", "fsType": "xfs", "devicePaths": [by_id, "/dev/disk/by-id/nvme-none"]}
    meta = {"name": "one", "namespace": LSO}
    apply(cluster, {"apiVersion": f"{GROUP}/v1", "kind": "LocalVolume", "metadata": meta, "spec": {"nodeSelector": WORKERS, "storageClassDevices": [row]}})
    found = until("a volume", lambda: [v for v in cluster.get("pv")["items"] if v["spec"]["storageClassName"] == "local-one"])
    assert [v["metadata"]["labels"]["kubernetes.io/hostname"] for v in found] == ["gpu-0"], "the serial number is of one node's disk"
    until("an event", lambda: any("nvme-none" in item["message"] for item in events(cluster, "ErrorFindingMatchingDisk", LSO)))
    assert conditions(cluster.get("localvolume", "one", "-n", LSO))["Available"]["message"] == "Ready"
    cluster.kubectl("delete", "localvolume", "one", "-n", LSO, "--timeout=60s")
    assert cluster.get("pv")["items"] == []


def test_scenario_disk_with_data(cluster: Any) -> None:
    break_(cluster, "disk-with-data")
    apply(cluster, lvm_cluster({"paths": [FIRST]}))
    row = until("a failure", lambda: group_of(cluster, "gpu-1").get("reason") and group_of(cluster, "gpu-1"))
    assert row["status"] == "Failed"
    assert "/dev/nvme1n1 has an invalid filesystem signature (xfs) and cannot be used" in row["reason"]
    until("Failed", lambda: lvm_state(cluster) == "Failed")
    assert until("the good node", lambda: group_of(cluster, "gpu-0").get("status") == "Ready")
    until("discovery sees it, too", lambda: devices(cluster, "gpu-1")["/dev/nvme1n1"]["fstype"] == "xfs")
    break_(cluster)
    until("Ready", lambda: lvm_state(cluster) == "Ready")
    remove_lvm(cluster)


def test_scenario_disk_vanishes(cluster: Any) -> None:
    break_(cluster, "disk-vanishes")
    apply(cluster, lvm_cluster({"paths": [FIRST]}))
    until("Ready at first", lambda: lvm_state(cluster) == "Ready", 60)
    row = until("a failure", lambda: group_of(cluster, "gpu-1").get("status") == "Failed" and group_of(cluster, "gpu-1"))
    assert f"lstat {FIRST}: no such file or directory" in row["reason"]
    assert group_of(cluster, "gpu-0")["status"] == "Ready"
    until("Failed", lambda: lvm_state(cluster) == "Failed")
    break_(cluster)
    until("Ready again", lambda: lvm_state(cluster) == "Ready")
    remove_lvm(cluster)


@pytest.mark.wide
def test_scenario_disk_slow(cluster: Any) -> None:
    """The same job of fio on both nodes; the drives of the last one read at a tenth."""
    job = ["fio", "--name=look", "--filename=/v/file", "--rw=read", "--size=1g", "--runtime=2", "--output-format=json"]

    def mib(node: str) -> float:
        container = {"name": "fio", "image": MEASURING, "command": job, "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        spec = {"nodeName": node, "restartPolicy": "Never", "containers": [container], "volumes": [{"name": "v", "emptyDir": {}}]}
        apply(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"fio-{node}", "namespace": "default"}, "spec": spec})
        until("the end of fio", lambda: cluster.get("pod", f"fio-{node}")["status"].get("phase") == "Succeeded")
        told = json.loads(cluster.kubectl("logs", f"fio-{node}"))
        cluster.kubectl("delete", "pod", f"fio-{node}")
        return float(told["jobs"][0]["read"]["bw"]) / 1024

    good = mib("gpu-1")
    break_(cluster, "disk-slow")
    slow, other = mib("gpu-1"), mib("gpu-0")
    break_(cluster)
    assert slow == pytest.approx(good / 10, rel=0.01) and other == good > 1000
    assert mib("gpu-1") == good


def test_scenario_pvc_pending(cluster: Any) -> None:
    break_(cluster, "pvc-pending")
    apply(cluster, lvm_cluster({"paths": [FIRST]}))
    until("Ready", lambda: lvm_state(cluster) == "Ready")
    apply(cluster, *pod_with_claim("waits", "lvms-nvme"))
    until("the platform's event", lambda: events(cluster, "ExternalProvisioning"))
    assert cluster.get("pvc", "waits")["status"]["phase"] == "Pending"
    assert cluster.get("pod", "waits")["status"]["phase"] == "Pending"
    break_(cluster)
    until("bound", lambda: cluster.get("pod", "waits")["status"].get("phase") == "Running")
    cluster.kubectl("delete", "pod", "waits", "-n", "default")
    cluster.kubectl("delete", "pvc", "waits", "-n", "default")
    remove_lvm(cluster)
