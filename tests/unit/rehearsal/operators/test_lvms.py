# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LVMS: which disks it takes, its admission rules, its status, and the volumes of claims."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.operators.lvms import Lvms
from rehearsal.operators.lvms_admission import Refused, check
from rehearsal.operators.lvms_devices import block_devices, examine, resolve, to_wipe
from rehearsal.operators.lvms_provisioner import TopolvmController
from rehearsal.operators.lvms_status import all_ready, class_statuses, overall, volume_groups_condition
from rehearsal.operators.sizes import EXTENT, binary, group_size, pretty, quantity, wanted_size

NS = "openshift-lvm-storage"
CSV = {"metadata": {"name": "lvms-operator.v4.20.0", "namespace": NS}}
API = "lvm.topolvm.io/v1alpha1"
PATH1, PATH2 = (f"/dev/disk/by-path/pci-0000:6{number}:00.0-nvme-1" for number in (1, 2))


class TestDevices:
    def test_without_a_selector_every_empty_disk_is_taken_and_the_os_disk_is_not(self, server: Any) -> None:
        found = examine("vg1", None, block_devices(server), {})
        assert [device.name for device in found.available] == ["/dev/nvme1n1", "/dev/nvme2n1"]
        assert found.excluded["/dev/nvme0n1"] == ["/dev/nvme0n1 has children block devices and could not be considered"]
        assert found.excluded["/dev/nvme0n1p1"] == ['/dev/nvme0n1p1 has an invalid partition label "BIOS-BOOT"']
        assert found.error is None

    @pytest.mark.parametrize(
        ("holds", "reason"),
        [
            ("filesystem", "/dev/nvme1n1 has an invalid filesystem signature (xfs) and cannot be used"),
            ("ceph", "/dev/nvme1n1 has an invalid filesystem signature (ceph_bluestore) and cannot be used"),
            ("raid", "/dev/nvme1n1 has an invalid filesystem signature (linux_raid_member) and cannot be used"),
            ("partitions", "/dev/nvme1n1 has children block devices and could not be considered"),
            (
                "lvm",
                "/dev/nvme1n1 is already a LVM2_Member of another volume group (vg_data) and cannot be used for the volume group vg1",
            ),
        ],
    )
    def test_dirty_disks_are_refused_with_the_products_words(self, server: Any, holds: str, reason: str) -> None:
        server["disks"][1]["holds"] = holds
        assert examine("vg1", None, block_devices(server), {}).excluded["/dev/nvme1n1"] == [reason]

    def test_no_usable_disk_at_all(self, server: Any) -> None:
        for disk in server["disks"][1:]:
            disk["holds"] = "filesystem"
        found = examine("vg1", None, block_devices(server), {})
        assert found.event == "NoAvailableDevicesForVG"
        assert found.error is not None
        assert found.error.startswith('the volume group vg1 does not exist (or was not tagged properly with "@lvms")')

    def test_paths_may_be_udev_links_and_must_exist(self, server: Any) -> None:
        devices = block_devices(server)
        assert resolve(PATH1, devices) == resolve("/dev/disk/by-id/nvme-X_S1", devices) == "/dev/nvme1n1"
        found = examine("vg1", {"paths": [PATH1, "/dev/disk/by-path/none"]}, devices, {})
        assert found.event == "DevicePathCheckFailed"
        assert "lstat /dev/disk/by-path/none: no such file or directory" in str(found.error)

    def test_a_mandatory_disk_that_is_dirty_fails_with_its_reasons(self, server: Any) -> None:
        server["disks"][1]["holds"] = "filesystem"
        found = examine("vg1", {"paths": [PATH1]}, block_devices(server), {})
        assert 'mandatory device path "/dev/nvme1n1" cannot be used' in str(found.error)
        assert "invalid filesystem signature (xfs)" in str(found.error)

    def test_optional_paths_may_be_missing_as_long_as_one_is_there(self, server: Any) -> None:
        devices = block_devices(server)
        assert examine("vg1", {"optionalPaths": [PATH1, "/dev/none"]}, devices, {}).error is None
        assert examine("vg1", {"optionalPaths": ["/dev/none"]}, devices, {}).event == "NoAvailableDevicesForVG"

    def test_disks_of_another_class_are_taken_and_own_ones_are_neither_free_nor_refused(self, server: Any) -> None:
        found = examine("vg1", None, block_devices(server), {"/dev/nvme1n1": "vg1", "/dev/nvme2n1": "vg2"})
        assert (found.used, found.available) == (["/dev/nvme1n1"], [])
        assert "/dev/nvme1n1" not in found.excluded
        assert "another volume group (vg2)" in found.excluded["/dev/nvme2n1"][0]
        assert found.error is None

    def test_wiping_needs_the_opt_in_and_a_path_and_spares_the_os(self, server: Any) -> None:
        server["disks"][1]["holds"] = "filesystem"
        devices = block_devices(server)
        force = {"forceWipeDevicesAndDestroyAllData": True}
        assert to_wipe({"paths": [PATH1]}, devices) == []
        assert to_wipe(None, devices) == []
        assert to_wipe({"paths": [PATH1, server["disks"][0]["by_path"]], **force}, devices) == ["/dev/nvme1n1"]
        assert examine("vg1", {"paths": [PATH1]}, block_devices(server, ["/dev/nvme1n1"]), {}).error is None


def lvm_cluster(*classes: dict[str, Any], namespace: str = NS, **spec: Any) -> dict[str, Any]:
    meta = {"name": "lvm", "namespace": namespace, "finalizers": ["lvmcluster.topolvm.io"]}
    body = {"storage": {"deviceClasses": [{"fstype": "xfs", **item} for item in classes]}, **spec}
    return {"apiVersion": API, "kind": "LVMCluster", "metadata": meta, "spec": body}


class TestAdmission:
    def test_a_good_one_passes_with_warnings(self) -> None:
        warnings = check("CREATE", lvm_cluster({"name": "a"}), None, NS, [])
        assert len(warnings) == 2  # no default class; no device selector
        assert check("CREATE", lvm_cluster({"name": "a", "default": True, "deviceSelector": {"paths": ["/dev/x"]}}), None, NS, []) == []

    @pytest.mark.parametrize(
        ("cluster", "words"),
        [
            (lvm_cluster({"name": "a"}, namespace="default"), "only supported within namespace"),
            (lvm_cluster({"name": "a", "default": True, "deviceSelector": {"paths": ["/dev/x"]}},
                         {"name": "b", "default": True, "deviceSelector": {"paths": ["/dev/y"]}}), "Currently, there are 2 default"),
            (lvm_cluster({"name": "a", "deviceSelector": {}}), "either paths or optionalPaths must be specified"),
            (lvm_cluster({"name": "a"}, {"name": "b", "deviceSelector": {"paths": ["/dev/x"]}}), "for a deviceClass(es)"),
            (lvm_cluster({"name": "a", "deviceSelector": {"paths": ["nvme0n1"]}}), "path nvme0n1 must be an absolute path"),
            (lvm_cluster({"name": "a", "deviceSelector": {"paths": ["/dev/x"]}},
                         {"name": "b", "deviceSelector": {"paths": ["/dev/x"]}}), "overlaps in two different deviceClasss a and b"),
            (lvm_cluster({"name": "a", "deviceSelector": {"paths": ["/dev/x", "/dev/x"]}}), "specified at multiple places"),
            (lvm_cluster({"name": "a", "fstype": "btrfs"}), "fstype 'btrfs' is not a supported filesystem type"),
        ],
    )  # fmt: skip
    def test_bad_ones_are_refused(self, cluster: Any, words: str) -> None:
        with pytest.raises(Refused, match=words.replace("(", r"\(").replace(")", r"\)")):
            check("CREATE", cluster, None, NS, [])

    def test_only_one_cluster(self) -> None:
        with pytest.raises(Refused, match="duplicate LVMClusters are not allowed"):
            check("CREATE", lvm_cluster({"name": "a"}), None, NS, [lvm_cluster({"name": "a"})])

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"thinPoolConfig": {"name": "t"}}, "ThinPoolConfig can not be changed"),
            ({"nodeSelector": {"nodeSelectorTerms": []}}, "NodeSelector can not be changed"),
            ({"deviceSelector": {"paths": ["/dev/y"]}}, "devices can not be removed"),
            ({"deviceSelector": {"paths": ["/dev/x"], "optionalPaths": ["/dev/z"]}}, "device paths can not be added"),
            ({"deviceSelector": {"paths": ["/dev/x"], "forceWipeDevicesAndDestroyAllData": True}}, "can not be changed"),
            ({"name": "other"}, "device classes were deleted"),
        ],
    )
    def test_most_of_a_class_cannot_change(self, change: Any, words: str) -> None:
        before = {"name": "a", "deviceSelector": {"paths": ["/dev/x"]}}
        with pytest.raises(Refused, match=words):
            check("UPDATE", lvm_cluster({**before, **change}), lvm_cluster(before), NS, [])

    def test_paths_may_be_added_to_paths(self) -> None:
        before = {"name": "a", "deviceSelector": {"paths": ["/dev/x"]}}
        after = {"name": "a", "deviceSelector": {"paths": ["/dev/x", "/dev/y"]}}
        check("UPDATE", lvm_cluster(after), lvm_cluster(before), NS, [])


class TestStatus:
    def rows(self, **states: str) -> list[dict[str, Any]]:
        return [{"metadata": {"name": node}, "spec": {"nodeStatus": [{"name": "a", "status": state}]}} for node, state in states.items()]

    def nodes(self, *names: str, **spec: Any) -> list[dict[str, Any]]:
        return [{"metadata": {"name": name, "labels": {}}, "spec": spec} for name in names]

    def test_ready_only_when_every_node_is(self) -> None:
        spec = lvm_cluster({"name": "a"})["spec"]
        assert all_ready(spec, self.nodes("n", "m"), self.rows(n="Ready", m="Ready"))
        assert not all_ready(spec, self.nodes("n", "m"), self.rows(n="Ready"))

    def test_a_class_without_a_node_is_never_ready(self) -> None:
        spec = lvm_cluster({"name": "a"})["spec"]
        tainted = self.nodes("n", taints=[{"key": "t", "effect": "NoSchedule"}])
        assert volume_groups_condition(spec, tainted, [])["reason"] == "VGReadinessInProgress"

    @pytest.mark.parametrize(
        ("states", "reason"),
        [({"n": "Failed", "m": "Degraded"}, "VGsFailed"), ({"n": "Degraded", "m": "Ready"}, "VGsDegraded"), ({"n": "Progressing"}, "VGReadinessInProgress")],
    )
    def test_failed_goes_before_degraded(self, states: dict[str, str], reason: str) -> None:
        spec = lvm_cluster({"name": "a"})["spec"]
        assert volume_groups_condition(spec, self.nodes("n", "m"), self.rows(**states))["reason"] == reason

    @pytest.mark.parametrize(
        ("reasons", "state"),
        [
            (["ResourcesAvailable", "VGsReady"], "Ready"),
            (["ResourcesSyncIncomplete", "VGsReady"], "Progressing"),
            (["ResourcesAvailable", "VGsFailed"], "Failed"),
            (["ResourcesSyncIncomplete", "VGsDegraded"], "Degraded"),
            (["Unheard"], "Unknown"),
            ([], "Unknown"),
        ],
    )
    def test_state(self, reasons: list[str], state: str) -> None:
        assert overall(reasons) == state

    def test_class_statuses(self) -> None:
        assert class_statuses(self.rows(n="Ready")) == [{"name": "a", "nodeStatus": [{"node": "n", "name": "a", "status": "Ready"}]}]


class TestSizes:
    @pytest.mark.parametrize(
        ("text", "size"), [("1Gi", 2**30), ("1.5Gi", 3 * 2**29), ("1G", 10**9), ("128974848", 128974848), ("129e6", 129 * 10**6), ("100m", 1)]
    )
    def test_quantity(self, text: str, size: int) -> None:
        assert quantity(text) == size

    @pytest.mark.parametrize("text", ["", "1Q", "Gi", "-", "1 Gi x"])
    def test_no_quantity(self, text: str) -> None:
        with pytest.raises(ValueError, match="is not a quantity"):
            quantity(text)

    @given(st.integers(min_value=0, max_value=2**60))
    def test_binary_says_the_same_size(self, size: int) -> None:
        assert quantity(binary(size)) == size

    @given(st.integers(min_value=1, max_value=2**50))
    def test_a_volume_is_never_smaller_than_asked_and_made_of_extents(self, size: int) -> None:
        made = wanted_size(size, "xfs")
        assert made >= max(size, 300 * 2**20)
        assert made % EXTENT == 0

    def test_a_thin_pool_gives_its_share_times_its_promise(self) -> None:
        disk = 1000 * EXTENT + 5
        assert group_size([disk], None) == 999 * EXTENT
        assert group_size([disk], {"sizePercent": 50, "overprovisionRatio": 10}) == 999 * EXTENT * 50 // 100 * 10
        assert group_size([], None) == 0

    def test_pretty(self) -> None:
        assert pretty(7466750312448) == "6.8TiB"


@pytest.fixture
def storage(world: Any) -> Any:
    """LVMS on one node with ready vg-manager pod; `run(classes)` reconciles until nothing changes."""
    world.no_delays()
    world.node("gpu-0")
    world.pod("vg-manager-x", "gpu-0", NS, metadata={"labels": {"app.kubernetes.io/name": "vg-manager"}})
    world.kube.missing.add("VolumeSnapshotClass")
    world.lvms, world.topolvm = world.run(Lvms, CSV), world.run(TopolvmController, CSV)

    def settle(*classes: dict[str, Any]) -> Any:
        kube = world.kube
        if classes:
            kube.add(lvm_cluster(*classes))
        for _ in range(6):
            for kind in ("LVMCluster", "LVMVolumeGroup"):
                for obj in [item for item in kube.objects.values() if item["kind"] == kind]:
                    world.lvms.reconcile(kube, copy.deepcopy(obj))
            for obj in [item for item in kube.objects.values() if item["kind"] == "LVMVolumeGroupNodeStatus"]:
                world.topolvm.reconcile(kube, copy.deepcopy(obj))
            workload = kube.get(f"apps/v1|DaemonSet|{NS}|vg-manager")
            if workload:
                workload["status"] = {"observedGeneration": 1, "desiredNumberScheduled": 1, "numberReady": 1}
        return next((item for item in kube.objects.values() if item["kind"] == "LVMCluster"), None)

    world.settle = settle
    return world


def claim(world: Any, size: str = "100Gi", node: str | None = "gpu-0", storage_class: str = "lvms-a") -> Any:
    notes = {"volume.kubernetes.io/storage-provisioner": "topolvm.io", "volume.kubernetes.io/selected-node": node} if node else {}
    spec = {"storageClassName": storage_class, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    meta = {"name": f"c-{size}".lower(), "namespace": "app", "annotations": notes}
    return world.kube.add({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec, "status": {"phase": "Pending"}})


def volumes(world: Any) -> list[Any]:
    return [obj for obj in world.kube.objects.values() if obj["kind"] == "PersistentVolume"]


class TestCluster:
    def test_ready_with_storage_class_capacity_and_topology(self, storage: Any) -> None:
        cluster = storage.settle({"name": "a", "default": True})
        assert (cluster["status"]["state"], cluster["status"]["ready"]) == ("Ready", True)
        sc = storage.kube.get("storage.k8s.io/v1|StorageClass||lvms-a")
        assert sc["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
        node = storage.kube.get("v1|Node||gpu-0")
        assert node["metadata"]["labels"]["topology.topolvm.io/node"] == "gpu-0"
        assert int(node["metadata"]["annotations"]["capacity.topolvm.io/a"]) == group_size([3840755982336] * 2, None)
        assert [obj for obj in storage.kube.objects.values() if obj["kind"] == "CSIStorageCapacity"]

    def test_in_a_settled_cluster_nothing_is_written(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        storage.kube.writes.clear()
        storage.settle()
        assert storage.kube.writes == []

    def test_not_the_default_when_another_is_or_when_the_scenario_says_so(self, storage: Any) -> None:
        storage.settings.data["scenario"] = {"no-default-storageclass": True}
        storage.settle({"name": "a", "default": True})
        notes = storage.kube.get("storage.k8s.io/v1|StorageClass||lvms-a")["metadata"]["annotations"]
        assert "storageclass.kubernetes.io/is-default-class" not in notes

    def test_dirty_disks_make_it_fail_and_say_why(self, storage: Any) -> None:
        for disk in storage.settings.profile["nodes"][0]["disks"][1:]:
            disk["holds"] = "filesystem"
        cluster = storage.settle({"name": "a"})
        assert cluster["status"]["state"] == "Failed"
        row = cluster["status"]["deviceClassStatuses"][0]["nodeStatus"][0]
        assert "no available devices to create it" in row["reason"]
        assert storage.events("NoAvailableDevicesForVG")

    def test_forced_wiping_makes_them_usable(self, storage: Any) -> None:
        storage.settings.profile["nodes"][0]["disks"][1]["holds"] = "ceph"
        selector = {"paths": [PATH1], "forceWipeDevicesAndDestroyAllData": True}
        cluster = storage.settle({"name": "a", "deviceSelector": selector})
        assert cluster["status"]["state"] == "Ready"

    def test_a_disk_with_data_is_refused(self, storage: Any) -> None:
        storage.settings.data["scenario"] = {"disk-with-data": {"node": "gpu-0", "holds": "filesystem"}}
        cluster = storage.settle({"name": "a", "deviceSelector": {"paths": [PATH1]}})
        row = cluster["status"]["deviceClassStatuses"][0]["nodeStatus"][0]
        assert (cluster["status"]["state"], row["status"]) == ("Failed", "Failed")
        assert "/dev/nvme1n1 has an invalid filesystem signature (xfs) and cannot be used" in row["reason"]

    @pytest.mark.parametrize(
        ("selector", "state", "words"),
        [
            ({"paths": [PATH1]}, "Failed", "no such file or directory"),
            ({"optionalPaths": [PATH1]}, "Failed", "no available devices to create it"),
        ],
    )
    def test_a_disk_that_vanishes_while_in_use(self, storage: Any, selector: Any, state: str, words: str) -> None:
        assert storage.settle({"name": "a", **({"deviceSelector": selector} if selector else {})})["status"]["state"] == "Ready"
        storage.settings.data["scenario"] = {"disk-vanishes": {"node": "gpu-0"}}
        storage.settings.data["profile"]["delays"]["disk-lifetime"] = 0.0
        cluster = storage.settle()
        assert cluster["status"]["state"] == state
        assert words in cluster["status"]["deviceClassStatuses"][0]["nodeStatus"][0]["reason"]
        storage.settings.data["scenario"] = {}
        assert storage.settle()["status"]["state"] == "Ready"

    def test_a_thick_group_of_several_disks_stays_ready_without_one_a_thin_pool_does_not(self, storage: Any) -> None:
        thin = {"name": "pool", "sizePercent": 90, "overprovisionRatio": 10}
        storage.settle({"name": "a", "deviceSelector": {"optionalPaths": [PATH1, "/dev/nvme2n1"]}})
        storage.settings.data["scenario"] = {"disk-vanishes": {"node": "gpu-0"}}
        storage.settings.data["profile"]["delays"]["disk-lifetime"] = 0.0
        cluster = storage.settle()
        row = cluster["status"]["deviceClassStatuses"][0]["nodeStatus"][0]
        assert (cluster["status"]["state"], row["devices"]) == ("Ready", ["/dev/nvme2n1", "[unknown]"])
        storage.kube.get(f"lvm.topolvm.io/v1alpha1|LVMVolumeGroup|{NS}|a")["spec"]["thinPoolConfig"] = thin
        storage.kube.get(storage.kube.path_of(cluster))["spec"]["storage"]["deviceClasses"][0]["thinPoolConfig"] = thin
        cluster = storage.settle()
        row = cluster["status"]["deviceClassStatuses"][0]["nodeStatus"][0]
        assert cluster["status"]["state"] == "Degraded" and "could not activate the inactive logical volume" in row["reason"]
        storage.settings.data["scenario"] = {}
        cluster = storage.settle()
        row = cluster["status"]["deviceClassStatuses"][0]["nodeStatus"][0]
        assert (cluster["status"]["state"], row["devices"]) == ("Ready", ["/dev/nvme1n1", "/dev/nvme2n1"])

    def test_a_thin_class_gives_more_than_it_has(self, storage: Any) -> None:
        thin = {"name": "pool", "sizePercent": 90, "overprovisionRatio": 10}
        storage.settle({"name": "a", "thinPoolConfig": thin})
        assert storage.topolvm.free("gpu-0", "a") == group_size([3840755982336] * 2, thin)
        assert storage.topolvm.free("gpu-0", "a") > 8 * group_size([3840755982336] * 2, None)

    def test_a_class_for_no_node_stays_in_progress(self, storage: Any) -> None:
        terms = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "nope", "operator": "Exists"}]}]}
        assert storage.settle({"name": "a", "nodeSelector": terms})["status"]["state"] == "Progressing"

    def test_it_is_not_removed_while_volumes_exist(self, storage: Any) -> None:
        cluster = storage.settle({"name": "a"})
        storage.topolvm.reconcile(storage.kube, claim(storage))
        cluster["metadata"]["deletionTimestamp"] = "now"
        assert storage.lvms.reconcile(storage.kube, cluster) == 10.0
        assert storage.events("DeletionPending")
        storage.kube.objects = {key: obj for key, obj in storage.kube.objects.items() if obj["kind"] != "LogicalVolume"}
        storage.lvms.reconcile(storage.kube, cluster)
        assert storage.kube.get("storage.k8s.io/v1|StorageClass||lvms-a") is None


class TestVolumes:
    def test_nothing_happens_before_a_node_is_chosen(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        storage.topolvm.reconcile(storage.kube, claim(storage, node=None))
        assert volumes(storage) == []

    def test_a_volume_on_the_chosen_node_and_less_room_after(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        before = storage.topolvm.free("gpu-0", "a")
        storage.topolvm.reconcile(storage.kube, claim(storage))
        (volume,) = volumes(storage)
        assert volume["spec"]["capacity"]["storage"] == "100Gi"
        assert volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["gpu-0"]
        assert storage.topolvm.free("gpu-0", "a") == before - 100 * 2**30
        assert storage.events("ProvisioningSucceeded")

    def test_a_provisioner_that_hangs_provisions_nothing(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        storage.settings.data["scenario"] = {"pvc-pending": True}
        pending = claim(storage)
        assert storage.topolvm.reconcile(storage.kube, pending)
        assert volumes(storage) == []
        storage.settings.data["scenario"] = {}
        storage.topolvm.reconcile(storage.kube, pending)
        assert len(volumes(storage)) == 1

    def test_too_big_is_refused_and_given_back_to_the_scheduler(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        big = claim(storage, "9Ti")
        storage.topolvm.reconcile(storage.kube, big)
        assert volumes(storage) == []
        assert "no enough space left on VG" in storage.events("ProvisioningFailed")[0]["message"]
        notes = storage.kube.get(storage.kube.path_of(big))["metadata"]["annotations"]
        assert "volume.kubernetes.io/selected-node" not in notes

    def test_a_claim_that_fits_nowhere_is_warned_about_while_it_waits(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        storage.topolvm.reconcile(storage.kube, claim(storage, "9Ti", node=None))
        assert storage.events("NotEnoughCapacity")[0]["message"].startswith("Requested storage (9Ti) is greater than available")

    def test_another_provisioners_claim_is_left_alone(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        storage.topolvm.reconcile(storage.kube, claim(storage, storage_class="ceph"))
        assert volumes(storage) == []

    def test_growing(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        wanted = claim(storage)
        storage.topolvm.reconcile(storage.kube, wanted)
        wanted["spec"].update(volumeName=volumes(storage)[0]["metadata"]["name"], resources={"requests": {"storage": "150Gi"}})
        wanted["status"]["phase"] = "Bound"
        storage.topolvm.reconcile(storage.kube, wanted)
        assert volumes(storage)[0]["spec"]["capacity"]["storage"] == "150Gi"
        wanted["spec"]["resources"]["requests"]["storage"] = "90Ti"
        storage.topolvm.reconcile(storage.kube, wanted)
        assert storage.events("VolumeResizeFailed")

    def test_a_released_volume_goes_with_its_logical_volume(self, storage: Any) -> None:
        storage.settle({"name": "a"})
        storage.topolvm.reconcile(storage.kube, claim(storage))
        (volume,) = volumes(storage)
        storage.topolvm.reconcile(storage.kube, volume)
        assert volumes(storage)
        volume["status"] = {"phase": "Released"}
        storage.topolvm.reconcile(storage.kube, volume)
        assert volumes(storage) == []
        assert not [obj for obj in storage.kube.objects.values() if obj["kind"] == "LogicalVolume"]
