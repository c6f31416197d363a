# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of drives: 1,000 made-up ones of which none with data is ever chosen, and each reason by itself."""

from __future__ import annotations

import random

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import disks
from ansible_collections.llmd.openshift.plugins.module_utils._storage.drives import drives

GIB = 2**30
BY_ID = "/dev/disk/by-id/nvme-"
# What may be on a drive, and how the Local Storage Operator shows it (fstype of lsblk; partitions instead of the drive; a holder).
SIGNATURES = ("xfs", "ext4", "vfat", "swap", "crypto_LUKS", "LVM2_member", "linux_raid_member", "isw_raid_member", "ceph_bluestore",
              "mpath_member", "zfs_member", "btrfs", "bcache", "drbd", "VMFS_volume_member", "unknown-thing")  # fmt: skip
HELD = ("partitions", "mounted", "nobody-knows")


def row(name, content="nothing", size=3576 * GIB, by_id=True):
    """What the operator's discovery tells of a drive with that content."""
    made = {"path": f"/dev/{name}", "type": "disk", "size": size, "fstype": "", "deviceID": f"{BY_ID}{name}" if by_id else "", "status": {"state": "Available"}}
    if content in SIGNATURES:
        return [{**made, "fstype": content, "status": {"state": "NotAvailable"}}]
    if content == "partitions":
        return [{**made, "path": f"/dev/{name}p{number}", "type": "part", "deviceID": f"{BY_ID}{name}-part{number}", "status": {"state": state}}
                for number, state in ((1, "NotAvailable"), (2, "Available"))]  # fmt: skip
    state = {"mounted": "NotAvailable", "nobody-knows": "Unknown"}.get(content, "Available")
    return [{**made, "status": {"state": state}}]


def node(name, *rows, groups=()):
    result = {"spec": {"nodeName": name}, "status": {"discoveredDevices": [one for listed in rows for one in listed]}}
    status = {"metadata": {"name": name}, "spec": {"nodeStatus": list(groups)}}
    found = disks.by_node([disks.from_lvms(status)] if groups else None, [disks.from_local_storage(result)] if rows else None)
    return {"name": name, "nvme": disks.describe(None, found.get(name))}


def test_of_a_thousand_drives_none_with_anything_on_it_is_chosen():
    source = random.Random(7136620)
    truth, nodes = {}, []
    for number in range(125):
        rows = []
        for place in range(8):
            name = f"nvme{place + 8 * number}n1"
            content = source.choice(("nothing", "nothing", "nothing", *SIGNATURES, *HELD))
            size = source.choice((480, 1788, 3576, 7153)) * GIB
            rows.append(row(name, content, size, by_id=source.random() > 0.1))
            truth[f"{BY_ID}{name}"] = (content, size)
        nodes.append(node(f"g{number}", *rows))
    for least in (None, 1700, 3000):
        chosen = drives(nodes, {"nvme_min_gib": least}).paths
        assert all(truth[path][0] == "nothing" and truth[path][1] >= (least or 0) * GIB for path in chosen)
        assert len(chosen) > 20
    assert len(truth) == 1000


@pytest.mark.parametrize("content", [*SIGNATURES, *HELD])
def test_a_declared_drive_with_something_on_it_stops_the_run(content):
    made = drives([node("g0", row("nvme1n1", content), row("nvme2n1"))], {"nvme_paths": [f"{BY_ID}nvme1n1"]})
    assert len(made.problems) == 1 and "nvme1n1 of node g0" in made.problems[0]


def test_declared_empty_drives_are_taken_and_no_others():
    made = drives([node("g0", row("nvme1n1"), row("nvme2n1"))], {"nvme_paths": [f"{BY_ID}nvme2n1"]})
    assert (made.paths, made.problems) == ((f"{BY_ID}nvme2n1",), ())


def test_known_drives_are_named_so_that_later_ones_are_not_taken():
    made = drives([node("g1", row("nvme1n1")), node("g0", row("nvme3n1"), row("nvme2n1", "xfs"))], {})
    assert made.nodes == ("g0", "g1") and made.paths == (f"{BY_ID}nvme1n1", f"{BY_ID}nvme3n1")
    assert made.refused["g0"] == ("nvme2n1: holds xfs",) and not made.problems


@pytest.mark.parametrize(("rows", "least", "word"), [
    ([row("nvme1n1", "xfs")], None, "holds xfs"), ([row("nvme1n1", size=480 * GIB)], 1000, "480 GiB, less than llmd_nvme_min_gib"),
    ([row("nvme1n1", by_id=False), row("nvme2n1", "ext4")], None, "/dev/disk/by-id"),
])  # fmt: skip
def test_a_node_without_a_fit_drive_is_named_with_the_reasons(rows, least, word):
    made = drives([node("g0", *rows), node("g1", row("nvme9n1"))], {"nvme_min_gib": least})
    assert len(made.problems) == 1 and "node g0" in made.problems[0] and word in made.problems[0]


def test_one_drive_that_nobody_has_looked_at_is_left_alone():
    mixed = node("g0", row("nvme1n1"), row("nvme2n1", "nobody-knows"))
    assert drives([mixed], {}).paths == (f"{BY_ID}nvme1n1",) and "nobody has looked" in drives([mixed], {}).refused["g0"][0]
    assert drives([mixed, node("g1")], {}).paths == ()  # a node that nobody has looked at: no list at all


def test_nobody_has_looked():
    blind = {"name": "g0", "nvme": {"count": 2, "devices": [{"name": "nvme1n1", "size_bytes": None, "in_use": None, "why": None}]}}
    assert (drives([blind], {}).paths, drives([blind], {}).problems) == ((), ())
    assert "aren't known" in drives([blind], {"nvme_min_gib": 1000}).problems[0]
    assert "aren't known" in drives([{"name": "g0"}], {"nvme_min_gib": 1000}).problems[0]
    assert drives([], {}).paths == ()


def cluster(nodes, paths=()):
    selector = {"deviceSelector": {"optionalPaths": list(paths)}} if paths else {}
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": nodes}]}]
    return {"spec": {"storage": {"deviceClasses": [{"name": "nvme", "nodeSelector": {"nodeSelectorTerms": terms}, **selector}]}}}


def test_what_was_set_up_stays():
    """LVM Storage refuses to change nodes, to drop a path, and to add a list to a class without one."""
    group = {"name": "nvme", "devices": ["/dev/nvme1n1"]}
    ours = [node(name, row("nvme1n1", "LVM2_member"), row("nvme2n1"), groups=[group]) for name in ("g0", "g1")]
    assert drives(ours[:1], {}, cluster(["g0"])).paths == ()
    assert drives(ours[:1], {}, cluster(["g0"], [f"{BY_ID}nvme1n1"])).paths == (f"{BY_ID}nvme1n1",)
    grown = drives(ours, {}, cluster(["g0"]))
    assert (grown.nodes, grown.left_out) == (("g0",), ("g1",))
    more = drives(ours[:1], {"nvme_paths": [f"{BY_ID}nvme2n1"]}, cluster(["g0"], [f"{BY_ID}nvme1n1"]))
    assert more.paths == (f"{BY_ID}nvme1n1", f"{BY_ID}nvme2n1") and not more.problems
    late = drives(ours[:1], {"nvme_paths": [f"{BY_ID}nvme2n1"]}, cluster(["g0"]))
    assert late.paths == () and "can't be added" in late.problems[0]


def test_the_volume_group_that_is_ours_is_no_obstacle():
    group = {"name": "nvme", "devices": ["/dev/nvme1n1"]}
    made = drives([node("g0", row("nvme1n1", "LVM2_member"), groups=[group])], {"nvme_paths": [f"{BY_ID}nvme1n1"]}, cluster(["g0"], [f"{BY_ID}nvme1n1"]))
    assert not made.problems and made.chosen["g0"] == (f"{BY_ID}nvme1n1",)
    theirs = {"name": "vg-data", "devices": ["/dev/nvme1n1"]}
    assert drives([node("g0", row("nvme1n1", "LVM2_member"), groups=[theirs])], {"nvme_paths": [f"{BY_ID}nvme1n1"]}).problems
