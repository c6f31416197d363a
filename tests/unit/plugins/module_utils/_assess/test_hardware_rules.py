# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on drives, the host's PCIe, the kind of fabric, pools of GPUs: what is measured, what is inferred, what nobody knows."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._assess.nodes import candidates

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import node, snapshot

TIB = 2**40
OFFLOAD, PD, WEP = "kv_cache_offload", "pd_disaggregation", "wide_expert_parallelism"


def declared(**more):
    return clusters.declared(**{"kv_cache_gib_per_gpu": 4, "model_cache_gib": 100, "rail_subnets": [], **more})


def found(made, rule, path=None):
    return [item for item in made["findings"] if item["id"] == rule and item["path"] in (None, path)]


def verdict(made, path):
    return next(row["verdict"] for row in made["verdicts"] if (row["release"], row["path"]) == ("3.3", path))


# ---- PCIe of the host ----


@pytest.mark.parametrize(
    ("model", "generation", "status", "word"),
    [
        ("H100", 5, "pass", "supported"), ("H100", 6, "pass", "supported"), ("H100", 4, "fail", "unsupported"),
        ("A100", 5, "pass", "supported"),  # a generation 4 device in a generation 5 host: what the article asks of the host
        ("A100", 4, "fail", "unsupported"), ("A100", None, "warn", "supported"), ("H200", None, "pass", "supported"),
    ],
)  # fmt: skip
def test_measured_pcie_goes_before_the_model(judged, model, generation, status, word):
    made = judged(snapshot(node("g0", model, pcie_generation=generation)), declared(path=OFFLOAD))
    (one,) = found(made, "pcie-generation", OFFLOAD)
    assert (one["status"], verdict(made, OFFLOAD)) == (status, word)
    assert ("measured" in one["observed"]) is (generation is not None)


def test_one_slow_host_beside_a_good_one(judged):
    made = judged(snapshot(node("g0", pcie_generation=5), node("g1", pcie_generation=4)), declared(path=OFFLOAD))
    assert {item["subject"]: item["status"] for item in found(made, "pcie-generation", OFFLOAD)} == {"node g0": "pass", "node g1": "fail"}
    assert "1 of 2 H200 nodes stand in the way: g1" in made["chosen"]["nearest_yes"][0]


# ---- the kind of fabric ----


def infiniband(name):
    made = node(name)
    made["nics"][1].update({"class": "0207", "link_layer": "InfiniBand"})
    return made


def test_infiniband_and_roce_can_not_reach_each_other(judged):
    made = judged(snapshot(node("g0"), infiniband("g1")), declared(path=PD))
    (one,) = found(made, "fabric-link-layer", PD)
    assert one["status"] == "warn" and "Ethernet on g0" in one["observed"] and "InfiniBand on g1" in one["observed"]


@pytest.mark.parametrize(("make", "word"), [(node, "RoCE"), (infiniband, "InfiniBand")])
def test_the_fabric_is_named(judged, make, word):
    made = judged(snapshot(make("g0"), make("g1")), declared(path=PD))
    assert found(made, "fabric-link-layer", PD)[0]["status"] == "pass"
    assert word in found(made, "fabric-rdma", PD)[0]["observed"]


def test_the_pci_class_alone_says_infiniband(judged):
    """Before any operator for network cards runs: cards without ports."""
    made = infiniband("g0")
    made["nics"][1].update(name=None, link_layer=None, state=None, speed_mbps=None)
    told = judged(snapshot(made), declared(path=PD))
    assert "RDMA cards (InfiniBand)" in found(told, "fabric-rdma", PD)[0]["observed"] and verdict(told, PD) == "supported"


def test_cards_of_unknown_kind(judged):
    made = node("g0")
    made["nics"][1].update({"class": None, "link_layer": None})
    assert found(judged(snapshot(made), declared(path=PD)), "fabric-link-layer", PD)[0]["status"] == "unknown"


# ---- drives ----


def drive(name, size=None, in_use=None, why=None):
    return {"name": name, "size_bytes": size, "in_use": in_use, "why": why}


def with_drives(name, *devices):
    return {**node(name), "nvme": {"count": len(devices), "devices": list(devices)}}


def test_drives_that_something_else_has_are_no_place_for_a_model(judged):
    taken = with_drives("g0", drive("nvme0n1", in_use=True, why="holds xfs"), drive("nvme1n1", in_use=True, why="has children"))
    made = judged(snapshot(taken), declared())
    (one,) = found(made, "model-cache-drives")
    assert one["status"] == "fail" and "holds xfs" in one["observed"] and made["gate"] == "stop"


@pytest.mark.parametrize(
    "devices",
    [
        [drive("nvme0n1", in_use=True, why="holds xfs"), drive("nvme1n1", in_use=False)],
        [drive("nvme0n1", in_use=True, why="volume group vg1")],  # the cache itself, in a second run
        [drive("nvme0n1", in_use=True, why="holds xfs"), drive("nvme1n1")],  # nobody has looked
        [],
    ],
)
def test_a_free_or_unknown_drive_stops_nobody(judged, devices):
    cluster = snapshot(with_drives("g0", *devices) if devices else node("g0"))
    made = judged(cluster, declared())
    assert not found(made, "model-cache-drives")
    assert {item["status"] for item in found(made, "drive-choice")} == {"warn"}  # no by-id names: LVM Storage's own filter is all there is


@pytest.mark.parametrize(
    ("size", "cache", "status"),
    [(4 * TIB, 100, "pass"), (TIB // 8, 100, "warn"), (TIB // 32, 100, "fail"), (None, 100, "unknown")],
)
def test_volumes_against_drives(judged, size, cache, status):
    made = judged(snapshot(with_drives("g0", drive("nvme0n1", size, False))), declared(model_cache_gib=cache))
    assert found(made, "model-cache-size")[0]["status"] == status
    assert (made["gate"] == "stop") is (status == "fail")


@pytest.mark.parametrize("options", [{"model_cache": "none"}, {"storage_class": "fast"}, {"model_uri": "pvc://models/a"}])
def test_volumes_that_lie_elsewhere_are_not_measured(judged, options):
    assert not found(judged(snapshot(with_drives("g0", drive("nvme0n1", 1, False))), declared(**options)), "model-cache-size")


def test_size_and_use_are_shown(judged):
    made = judged(snapshot(with_drives("g0", drive("nvme0n1", 2 * TIB, True, "holds xfs"), drive("nvme1n1", 2 * TIB, False))), declared(path=WEP))
    assert "1 of 2 devices are free, 4 TiB in 2 devices" in found(made, "local-nvme", WEP)[0]["observed"]


def named(name, size, in_use, why=None):
    return {**drive(name, size, in_use, why), "by_id": f"/dev/disk/by-id/nvme-{name}"}


@pytest.mark.parametrize(
    ("options", "status", "word"),
    [
        ({}, "pass", "/dev/disk/by-id/nvme-nvme1n1"),
        ({"nvme_paths": ["/dev/disk/by-id/nvme-nvme0n1"]}, "fail", "nvme0n1 of node g0: holds xfs"),
        ({"nvme_min_gib": 4000}, "fail", "node g0 has no empty NVMe drive of at least 4000 GiB"),
        ({"nvme_paths": ["/dev/disk/by-path/pci-0000:62:00.0-nvme-1"]}, "pass", "by-path"),
    ],
)
def test_only_empty_drives_are_handed_over(judged, options, status, word):
    cluster = snapshot(with_drives("g0", named("nvme0n1", 2**40, True, "holds xfs"), named("nvme1n1", 2**40, False)))
    (one,) = found(judged(cluster, declared(**options)), "drive-choice")
    assert (one["status"], one["blocking"]) == (status, status == "fail") and word in one["observed"]


def test_somebody_elses_volume_group_is_not_judged(judged):
    cluster = snapshot(with_drives("g0", named("nvme0n1", 2**40, True, "holds xfs")), objects={"LVMCluster": [{"metadata": {"name": "theirs"}}]})
    assert not found(judged(cluster, declared(nvme_paths=["/dev/disk/by-id/nvme-nvme0n1"])), "drive-choice")


# ---- pools and nodes ----


def test_the_gpus_of_each_pool(judged):
    made = judged(snapshot(node("g0", pool="gpu"), node("g1", pool="gpu"), node("b0", "B200", pool="gpu-b")), declared())
    assert {item["subject"]: (item["status"], item["observed"]) for item in found(made, "gpu-pools")} == {
        "MachineConfigPool gpu": ("pass", "2 nodes with 16 x H200"),
        "MachineConfigPool gpu-b": ("pass", "1 nodes with 8 x B200"),
    }


def test_a_pool_of_two_models_and_one_that_is_not_known(judged):
    made = judged(snapshot(node("g0"), node("b0", "B200"), node("x", pool=None)), declared())
    assert {item["subject"]: item["status"] for item in found(made, "gpu-pools")} == {"MachineConfigPool worker": "warn", "nodes of no known pool": "unknown"}


def test_windows_nodes_are_not_candidates(judged):
    windows = node("win", "A100", labels={"kubernetes.io/os": "windows"})
    made = judged(snapshot(node("g0"), windows), declared())
    assert made["candidates"]["nodes"] == ["g0"] and made["chosen"]["verdict"] == "supported"
    assert judged(snapshot(windows), declared())["chosen"]["verdict"] == "unsupported"


def test_the_same_node_twice_has_its_gpus_once(judged):
    made = judged(snapshot(node("g0"), node("g0")), declared(replicas=16))
    assert found(made, "gpu-capacity")[0]["status"] == "fail"
    both = judged(snapshot(node("g0"), node("g0", "L40S")), declared())
    assert both["chosen"]["verdict"] == "unsupported"  # two that differ under one name: the worse one counts


def test_a_selector_on_a_label_that_was_asked_for(judged):
    there = node("g0", labels={"kubernetes.io/hostname": "g0", "team": "x"})
    cluster = {**snapshot(there, node("g1")), "labels_read": ["team", "rack"]}
    assert judged(cluster, declared(node_selector={"team": "x"}))["candidates"]["nodes"] == ["g0"]
    assert judged(cluster, declared(node_selector={"rack": "7"}))["chosen"]["verdict"] == "unsupported"  # on no node, for sure


def test_nodes_that_differ_in_memory_alone_are_judged_apart(judged):
    big, small = node("g0", memory_bytes=2 * TIB), node("g1", memory_bytes=TIB // 32)
    made = judged(snapshot(big, small), declared(path=OFFLOAD, kv_offload_gib=10, memory_per_replica="32Gi"))
    assert {item["subject"]: item["status"] for item in found(made, "offload-headroom", OFFLOAD)} == {"node g0": "pass", "node g1": "warn"}


@pytest.mark.parametrize(("model", "product", "chosen"), [
    ("H200", "NVIDIA-H200", True), ("A100", "NVIDIA-A100-SXM4-80GB", True), ("MI300X", "AMD_Instinct_MI300X_OAM", True),
    ("B200", "NVIDIA-GB200", False), ("H100", "NVIDIA-H200", False), ("unlisted", "NVIDIA-H200", None),
])  # fmt: skip
def test_before_the_driver_names_the_product_its_model_answers_for_it(model, product, chosen):
    """The label comes from the operator that is yet to be installed: without this, no bare cluster could be set up with it."""
    key = "amd.com/gpu.product-name" if model == "MI300X" else "nvidia.com/gpu.product"
    seen = candidates(snapshot(node("g0", model), node("c0", None, count=0)), declared(node_selector={key: product}))
    assert (seen.names, [name for name, _why in seen.unsure]) == (["g0"] if chosen else [], ["g0"] if chosen is None else [])
    named = node("g0", model, labels={key: "other"})
    assert not candidates(snapshot(named), declared(node_selector={key: product})).names  # the label itself counts more


def test_a_node_nobody_has_looked_at_may_be_of_the_product():
    unknown = node("g0", None, labels={})
    unknown["accelerators"].update(vendor=None, count=None, source="none")
    assert candidates(snapshot(unknown), declared(node_selector={"nvidia.com/gpu.product": "NVIDIA-H200"})).unsure
