# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Size and use of drives, from LVM Storage and the Local Storage Operator: what each says, and what both don't know."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import disks

TIB = 2**40
NOT_SELECTED = "/dev/nvme3n1 is not part of the device selector or could not be resolved via symlink resolution"
HAS_CHILDREN = "/dev/nvme0n1 has children block devices and could not be considered"


def lvms(*groups):
    return {"metadata": {"name": "gpu-0"}, "spec": {"nodeStatus": list(groups)}}


def group(name, devices=(), **excluded):
    return {"name": name, "devices": list(devices), "excluded": [{"name": f"/dev/{key}", "reasons": why} for key, why in excluded.items()]}


def local(*devices):
    return {"metadata": {"name": "discovery-result-gpu-0"}, "spec": {"nodeName": "gpu-0"}, "status": {"discoveredDevices": list(devices)}}


def device(name, size, state, **more):
    return {"path": f"/dev/{name}", "type": "disk", "size": size, "status": {"state": state}, **more}


def test_lvm_storage_says_what_is_taken_and_why():
    status = lvms(group("vg1", ["/dev/nvme1n1"], nvme0n1=[HAS_CHILDREN], nvme3n1=[NOT_SELECTED]))
    node, drives = disks.from_lvms(status)
    assert node == "gpu-0" and drives["nvme1n1"] == {"size_bytes": None, "in_use": True, "why": "volume group vg1"}
    assert drives["nvme0n1"]["in_use"] is True and HAS_CHILDREN in drives["nvme0n1"]["why"]
    assert drives["nvme3n1"] == {"size_bytes": None, "in_use": None, "why": None}  # not asked for: says nothing of its use


def test_what_one_volume_group_has_another_one_excludes():
    first = group("vg1", ["/dev/nvme1n1"])
    second = group("vg2", nvme1n1=["/dev/nvme1n1 is already a LVM2_Member of another volume group (vg1)"])
    for groups in ((first, second), (second, first)):
        assert disks.from_lvms(lvms(*groups))[1]["nvme1n1"]["why"] == "volume group vg1"


def test_local_storage_gives_sizes():
    result = local(
        device("nvme0n1", TIB, "NotAvailable", fstype="xfs"), device("nvme1n1", 2 * TIB, "Available"), device("nvme2n1", 3, "Unknown"),
        {**device("nvme0n1p1", 5, "NotAvailable"), "type": "part"},
    )  # fmt: skip
    node, drives = disks.from_local_storage(result)
    assert node == "gpu-0" and sorted(drives) == ["nvme0n1", "nvme1n1", "nvme2n1"]
    assert drives["nvme0n1"] == {"size_bytes": TIB, "in_use": True, "why": "holds xfs"}
    assert (drives["nvme1n1"]["in_use"], drives["nvme2n1"]["in_use"]) == (False, None)


def test_a_drive_with_partitions_is_in_use_though_only_they_are_listed():
    rows = [{**device("nvme0n1p1", 5, "NotAvailable"), "type": "part"}, {**device("nvme0n1p2", 5, "Available"), "type": "part"}]
    assert disks.from_local_storage(local(*rows))[1] == {"nvme0n1": {"size_bytes": None, "in_use": True, "why": "has partitions"}}


def test_a_signature_counts_whatever_the_state_says():
    found = disks.from_local_storage(local(device("nvme1n1", TIB, "Available", fstype="mpath_member")))[1]
    assert found["nvme1n1"] == {"size_bytes": TIB, "in_use": True, "why": "holds mpath_member"}


def test_lasting_names():
    name = "/dev/disk/by-id/nvme-SAMSUNG_S1"
    rows = [device("nvme1n1", TIB, "Available", deviceID=name), device("nvme2n1", TIB, "Available", deviceID="")]
    found = disks.by_node([disks.from_lvms(lvms(group("vg1", ["/dev/nvme1n1"])))], [disks.from_local_storage(local(*rows))])["gpu-0"]
    assert found["nvme1n1"]["by_id"] == name and "by_id" not in found["nvme2n1"]


def test_both_together_know_more():
    found = disks.by_node(
        [disks.from_lvms(lvms(group("vg1", ["/dev/nvme1n1"], nvme2n1=[NOT_SELECTED])))],
        [disks.from_local_storage(local(device("nvme1n1", TIB, "Available"), device("nvme2n1", TIB, "Available")))],
    )["gpu-0"]
    assert found["nvme1n1"] == {"size_bytes": TIB, "in_use": True, "why": "volume group vg1"}  # "in use" from either stands
    assert found["nvme2n1"] == {"size_bytes": TIB, "in_use": False, "why": None}


def test_only_whole_nvme_devices_are_described():
    drives = disks.from_local_storage(local(device("sda", 1, "Available"), device("nvme1n1", 2, "Available")))[1]
    feature = {"pci": [{"class": "0108"}, {"class": "0108"}], "disks": ["sda", "nvme0n1", "nvme0n1p3"]}
    found = disks.describe(feature, drives)
    assert found["count"] == 2 and [row["name"] for row in found["devices"]] == ["nvme0n1", "nvme1n1"]
    assert [row["size_bytes"] for row in found["devices"]] == [None, 2]


def test_without_node_features_the_storage_operators_count():
    assert disks.describe(None, {"nvme0n1": {"size_bytes": 1, "in_use": False, "why": None}})["count"] == 1
    assert disks.describe(None, {"sda": {"size_bytes": 1, "in_use": False, "why": None}})["count"] == 0
    assert disks.describe(None, {})["count"] is None and disks.describe(None, None)["count"] is None


@pytest.mark.parametrize("junk", [{}, {"spec": 3}, {"spec": {"nodeStatus": [None, {"devices": 3, "excluded": [{"name": None, "reasons": 1}, 7]}]}}, {"metadata": {"name": 4}}])
def test_junk_says_nothing(junk):
    assert disks.from_lvms(junk)[1] == {} and disks.from_local_storage(junk) == ("", {})


def test_no_sources():
    assert disks.by_node(None, None) == {} == disks.by_node([], None)
