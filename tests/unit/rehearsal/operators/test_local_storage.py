# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Local Storage operator: what it discovers, which disks it takes, its volumes, and their end."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.operators import local_storage_devices as devices
from rehearsal.operators.local_storage import LocalStorage
from rehearsal.operators.local_storage_objects import PROTECTION

GROUP = "local.storage.openshift.io"
NS = "openshift-local-storage"
CSV = {"metadata": {"name": "local-storage-operator.v4.20.0", "namespace": NS}}


class TestDevices:
    def test_the_system_disk_shows_its_partitions_only(self, server: Any) -> None:
        rows = {row["path"]: row for row in devices.discovered(devices.disks_of(server))}
        assert "/dev/nvme0n1" not in rows
        assert rows["/dev/nvme0n1p4"]["status"]["state"] == rows["/dev/nvme0n1p1"]["status"]["state"] == "NotAvailable"
        assert rows["/dev/nvme0n1p1"]["size"] == 1024**2
        free = rows["/dev/nvme1n1"]
        assert (free["status"]["state"], free["type"], free["property"]) == ("Available", "disk", "NonRotational")
        assert free["deviceID"] == "/dev/disk/by-id/nvme-X_S1"

    @pytest.mark.parametrize("holds", ["filesystem", "lvm", "ceph", "raid"])
    def test_a_signature_makes_a_disk_unavailable(self, server: Any, holds: str) -> None:
        server["disks"][1]["holds"] = holds
        disk = devices.by_path("/dev/nvme1n1", devices.disks_of(server))
        assert disk is not None and not devices.matches(disk, None)
        assert next(row for row in devices.discovered([disk]))["status"]["state"] == "NotAvailable"

    def test_a_partitioned_disk_shows_its_partition(self, server: Any) -> None:
        server["disks"][1]["holds"] = "partitions"
        assert [row["path"] for row in devices.discovered(devices.disks_of(server)) if "nvme1" in row["path"]] == ["/dev/nvme1n1p1"]

    def test_held_and_gone(self, server: Any) -> None:
        rows = {row["path"]: row for row in devices.discovered(devices.disks_of(server, held=["/dev/nvme1n1"], gone=["/dev/nvme2n1"]))}
        assert rows["/dev/nvme1n1"]["status"]["state"] == "NotAvailable"
        assert "/dev/nvme2n1" not in rows

    @pytest.mark.parametrize(
        ("inclusion", "expected"),
        [
            (None, True),
            ({"minSize": "1Ti"}, True),
            ({"minSize": "8Ti"}, False),
            ({"maxSize": "1Ti"}, False),
            ({"deviceTypes": ["part"]}, False),
            ({"deviceMechanicalProperties": ["Rotational"]}, False),
            ({"deviceMechanicalProperties": ["NonRotational"]}, True),
            ({"models": ["samsung"]}, True),
            ({"models": ["intel"]}, False),
            ({"vendors": ["ATA"]}, False),
        ],
    )
    def test_inclusion(self, server: Any, inclusion: Any, expected: bool) -> None:
        server["disks"][1]["model"] = "SAMSUNG MZWLO3T8HCLS"
        disk = devices.by_path("/dev/disk/by-path/pci-0000:61:00.0-nvme-1", devices.disks_of(server))
        assert disk is not None and devices.matches(disk, inclusion) is expected

    def test_names_and_sizes(self) -> None:
        # 32-bit FNV-1a of "foobar" is bf9cf968, a published test vector of the hash.
        assert devices.volume_name("foo", "ba", "r") == "local-pv-bf9cf968"
        assert devices.capacity(3840755982336) == "3576Gi"
        assert devices.capacity(5 * 1024**3) == "5120Mi"


@pytest.fixture
def storage(world: Any) -> Any:
    """One node, the operator; `settle()` runs it and plays the DaemonSet controller."""
    world.settings.data["profile"]["delays"] = {"lso-device-age": 0.0, "disk-lifetime": 0.0}
    world.node("gpu-0", {"role": "gpu"})
    world.operator = world.run(LocalStorage, CSV)

    def settle(rounds: int = 4) -> None:
        for _ in range(rounds):
            for obj in [item for item in world.kube.objects.values() if item["kind"] in ("LocalVolume", "LocalVolumeSet", "LocalVolumeDiscovery")]:
                world.operator.reconcile(world.kube, obj)
            for workload in [item for item in world.kube.objects.values() if item["kind"] == "DaemonSet"]:
                name = workload["metadata"]["name"]
                if world.kube.get(f"v1|Pod|{NS}|{name}") is None:
                    world.pod(name, "gpu-0", NS, metadata={"labels": {"app": name}})
                workload["status"] = {"desiredNumberScheduled": 1, "numberReady": 1, "currentNumberScheduled": 1}

    world.settle = settle
    return world


def add(world: Any, kind: str, name: str, version: str = "v1alpha1", **spec: Any) -> Any:
    meta = {"name": name, "namespace": NS}
    return world.kube.add({"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": meta, "spec": spec})


def volumes(world: Any) -> list[Any]:
    return [item for item in world.kube.objects.values() if item["kind"] == "PersistentVolume"]


def status(world: Any, obj: Any) -> Any:
    return world.kube.get(world.kube.path_of(obj))["status"]


class TestDiscovery:
    def test_results_of_each_node(self, storage: Any) -> None:
        discovery = add(storage, "LocalVolumeDiscovery", "auto-discover-devices")
        storage.settle()
        found = storage.kube.get(f"{GROUP}/v1alpha1|LocalVolumeDiscoveryResult|{NS}|discovery-result-gpu-0")
        assert found["metadata"]["labels"] == {"discovery-result-node": "gpu-0"}
        free = [row["path"] for row in found["status"]["discoveredDevices"] if row["status"]["state"] == "Available"]
        assert free == ["/dev/nvme1n1", "/dev/nvme2n1"]
        told = status(storage, discovery)
        assert (told["phase"], told["conditions"][0]["message"]) == ("Discovering", "successfully running 1 out of 1 discovery daemons")

    def test_before_any_daemon_it_is_failed(self, storage: Any) -> None:
        discovery = add(storage, "LocalVolumeDiscovery", "auto-discover-devices")
        storage.settle(1)
        assert status(storage, discovery)["conditions"][0]["message"] == "no discovery daemons are scheduled for running"

    def test_under_another_name_nothing_is_found(self, storage: Any) -> None:
        add(storage, "LocalVolumeDiscovery", "mine")
        storage.settle()
        assert not [item for item in storage.kube.objects.values() if item["kind"] == "LocalVolumeDiscoveryResult"]


class TestSets:
    def test_every_free_disk_becomes_a_volume(self, storage: Any) -> None:
        owner = add(storage, "LocalVolumeSet", "nvme", storageClassName="fast", deviceInclusionSpec={"minSize": "1Ti"})
        storage.settle()
        assert sorted(item["metadata"]["annotations"]["storage.openshift.com/device-name"] for item in volumes(storage)) == ["nvme1n1", "nvme2n1"]
        one = volumes(storage)[0]["spec"]
        assert (one["capacity"]["storage"], one["local"]["path"].startswith("/mnt/local-storage/fast/nvme-X_S")) == ("3576Gi", True)
        assert one["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["gpu-0"]
        told = status(storage, owner)
        assert told["totalProvisionedDeviceCount"] == 2
        assert {item["type"]: item["message"] for item in told["conditions"]} == {
            "Available": "Operator reconciled successfully.", "DaemonSetsAvailable": "DiskMaker: Available",
        }  # fmt: skip
        assert storage.kube.get("storage.k8s.io/v1|StorageClass||fast")["provisioner"] == "kubernetes.io/no-provisioner"

    def test_no_more_than_asked_for(self, storage: Any) -> None:
        add(storage, "LocalVolumeSet", "one", storageClassName="fast", maxDeviceCount=1)
        storage.settle()
        assert len(volumes(storage)) == 1

    def test_a_disk_with_data_is_left_alone(self, storage: Any) -> None:
        storage.settings.data["scenario"] = {"disk-with-data": {"node": "gpu-0", "holds": "filesystem"}}
        add(storage, "LocalVolumeSet", "nvme", storageClassName="fast")
        storage.settle()
        assert [item["metadata"]["annotations"]["storage.openshift.com/device-name"] for item in volumes(storage)] == ["nvme2n1"]

    def test_a_new_disk_waits(self, storage: Any) -> None:
        storage.settings.data["profile"]["delays"]["lso-device-age"] = 1000.0
        add(storage, "LocalVolumeSet", "nvme", storageClassName="fast")
        storage.settle()
        assert volumes(storage) == []
        assert "waiting 1m0s to claim" in storage.events("DiscoveredNewDevice")[0]["message"]

    def test_a_released_volume_comes_back_and_a_bound_one_keeps_its_owner(self, storage: Any) -> None:
        owner = add(storage, "LocalVolumeSet", "nvme", storageClassName="fast", maxDeviceCount=1)
        storage.settle()
        name = volumes(storage)[0]["metadata"]["name"]
        volumes(storage)[0]["status"] = {"phase": "Released"}
        storage.settle()
        assert [item["metadata"]["name"] for item in volumes(storage)] == [name]
        assert (volumes(storage)[0].get("status") or {}).get("phase") is None
        volumes(storage)[0]["status"] = {"phase": "Bound"}
        storage.kube.get(storage.kube.path_of(owner))["metadata"]["deletionTimestamp"] = "now"
        storage.settle()
        assert PROTECTION in storage.kube.get(storage.kube.path_of(owner))["metadata"]["finalizers"]
        assert storage.events("LocalVolumeDeletionFailed")
        volumes(storage)[0]["status"] = {"phase": "Released"}
        storage.settle()
        assert volumes(storage) == []
        assert storage.kube.get(storage.kube.path_of(owner))["metadata"]["finalizers"] == []


class TestVolumes:
    def device(self, *paths: str) -> dict[str, Any]:
        return {"storageClassDevices": [{"storageClassName": "local", "volumeMode": "Filesystem", "fsType": "xfs", "devicePaths": list(paths)}]}

    def test_by_id(self, storage: Any) -> None:
        owner = add(storage, "LocalVolume", "mine", "v1", **self.device("/dev/disk/by-id/nvme-X_S1"))
        storage.settle()
        assert volumes(storage)[0]["spec"]["local"] == {"path": "/mnt/local-storage/local/nvme-X_S1", "fsType": "xfs"}
        told = status(storage, owner)
        assert (told["managementState"], told["conditions"][0]["message"]) == ("Managed", "Ready")

    def test_a_device_that_is_not_there_is_an_event_and_still_available(self, storage: Any) -> None:
        owner = add(storage, "LocalVolume", "mine", "v1", **self.device("/dev/disk/by-id/nvme-none"))
        storage.settle()
        assert volumes(storage) == []
        message = storage.events("ErrorFindingMatchingDisk")[0]["message"]
        assert message.startswith("gpu-0 - unable to add disk-id /dev/disk/by-id/nvme-none to local disk pool: unable to find device at path")
        assert status(storage, owner)["conditions"][0]["status"] == "True", "the operator's condition knows nothing of it"

    def test_a_file_system_does_not_stop_a_localvolume_a_mounted_disk_does(self, storage: Any) -> None:
        storage.settings.data["scenario"] = {"disk-with-data": {"node": "gpu-0"}}
        add(storage, "LocalVolume", "mine", "v1", **self.device("/dev/nvme0n1", "/dev/nvme1n1"))
        storage.settle()
        assert [item["metadata"]["annotations"]["storage.openshift.com/device-name"] for item in volumes(storage)] == ["nvme1n1"]

    def test_a_disk_belongs_to_the_first(self, storage: Any) -> None:
        add(storage, "LocalVolume", "first", "v1", **self.device("/dev/nvme1n1"))
        storage.settle()
        add(storage, "LocalVolumeSet", "second", storageClassName="other")
        row = {"storageClassName": "third", "devicePaths": ["/dev/nvme1n1"]}
        add(storage, "LocalVolume", "third", "v1", storageClassDevices=[row])
        storage.settle()
        assert sorted(item["spec"]["storageClassName"] for item in volumes(storage)) == ["local", "other"]
        assert "already claimed: [/mnt/local-storage/local/nvme-X_S1]" in storage.events("DeviceSymlinkExists")[0]["message"]

    def test_a_disk_that_vanishes(self, storage: Any) -> None:
        add(storage, "LocalVolumeDiscovery", "auto-discover-devices")
        add(storage, "LocalVolume", "mine", "v1", **self.device("/dev/nvme1n1"))
        storage.settle()
        storage.settings.data["scenario"] = {"disk-vanishes": {"node": "gpu-0"}}
        storage.settle()
        found = storage.kube.get(f"{GROUP}/v1alpha1|LocalVolumeDiscoveryResult|{NS}|discovery-result-gpu-0")["status"]["discoveredDevices"]
        assert "/dev/nvme1n1" not in [row["path"] for row in found]
        assert storage.events("ErrorFindingMatchingDisk")

    def test_nodes_that_are_not_selected(self, storage: Any) -> None:
        terms = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "role", "operator": "In", "values": ["other"]}]}]}
        add(storage, "LocalVolume", "mine", "v1", nodeSelector=terms, **self.device("/dev/nvme1n1"))
        storage.settle()
        assert volumes(storage) == []
