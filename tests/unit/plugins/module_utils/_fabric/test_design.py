# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The design: rails, what a pod gets, what each way makes of them - and each thing that is wrong with a fabric, said with its object and repair."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._fabric.design import Site, design
from ansible_collections.llmd.openshift.plugins.module_utils._fabric.objects import awaited, objects

from tests.unit.plugins.module_utils._fabric.sites import (
    OURS,
    card,
    declared,
    designed,
    good,
    infiniband,
    node,
    obj,
    rail,
    snapshot,
)

SRIOV_NAMESPACE = "openshift-sriov-network-operator"


def changed(name: str, index: int, **more: Any) -> dict[str, Any]:
    """A node whose rail `index` is something else."""
    return node(name, nics=[rail(place, **(more if place == index else {})) for place in range(8)])


def said(made: dict[str, Any]) -> str:
    return " | ".join(made["problems"])


def specs(made: dict[str, Any], part: str) -> list[dict[str, Any]]:
    return [one["spec"] for one in objects(made, part) if one["kind"] != "Namespace"]


# ---- whom it concerns ----


@pytest.mark.parametrize("more", [{"path": "inference_scheduling"}, {"path": "kv_cache_offload"}, {"path": "wide_expert_parallelism", "wep_nodes": "single"}])
def test_other_paths_need_no_fabric(more):
    made = designed(good(), **more)
    assert not made["needed"] and made["problems"] == [] and made["nodes"] == []
    assert all(objects(made, part) == awaited(made, part) == [] for part in ("cards", "devices", "networks"))


def test_without_the_sriov_operators_list_the_cards_are_not_known():
    bare = [{**node(name), "nics": [{"name": None, "pci_id": "15b3:1021", "class": "0200", "link_layer": "Ethernet", "sriov_totalvfs": 16}]} for name in ("a", "b")]
    made = designed(snapshot(*bare))
    assert made["needed"] and not made["known"] and made["problems"] == [] and "a, b" in made["notes"][0]
    assert [one["kind"] for one in objects(made, "cards")] == ["SriovOperatorConfig"] and objects(made, "devices") == []
    assert [one["until"] for one in awaited(made, "cards")] == ["described", "described"]
    assert not designed(snapshot({**node("a"), "nics": None}))["known"]


# ---- rails ----


def test_rails_are_the_fast_cards_in_the_order_of_the_bus():
    made = designed(good())
    assert made["known"] and made["problems"] == [] and made["link_layer"] == "Ethernet" and made["way"] == "sriov"
    first, last = made["rails"][0], made["rails"][-1]
    assert (first["resource"], first["network"], first["mtu"]) == ("openshift.io/llmd_rail_0", "llmd-rail-0", 9000)
    assert first["nics"]["gpu-1"] == {"name": "ens24f0np0", "pci": "0000:1a:00.0", "numa": None, "gpus": [0]}
    assert last["index"] == 7 and last["nics"]["gpu-0"]["gpus"] == [7]


def test_storage_management_and_slower_cards_are_left_out():
    slower = card("ens3f0np0", "0000:a2:00.0", "15b3:a2dc", speed_mbps=200000)
    made = designed(snapshot(*[node(name, nics=[slower, *map(rail, range(8))]) for name in ("a", "b")]))
    assert made["problems"] == [] and "ens3f0np0" not in json.dumps(made["rails"]) and "ens6f0" not in json.dumps(made["rails"])


def test_two_gpus_may_share_a_rail():
    made = designed(snapshot(node("a", rails=4), node("b", rails=4)))
    assert made["problems"] == [] and made["rails"][1]["nics"]["a"]["gpus"] == [2, 3] and "8 GPUs share 4 rails" in made["notes"]


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("a"), changed("b", 0, state="down", speed_mbps=None)], ["no link at node b, rail 0 (ens24f0np0 at 0000:1a:00.0)", "check cable"]),
        ([node("a"), changed("b", 0, link_layer="InfiniBand")], ["node b, rail 0 (ens24f0np0 at 0000:1a:00.0) is InfiniBand", "llmd_fabric_link_layer: Ethernet"]),
        ([node("a"), node("b", rails=4), node("c")], ["node b has 4 rail cards, the others have 8", "0000:9c:00.0", "llmd_node_selector"]),
        ([node("a"), node("b", rails=7)], ["node b: 7 cards of one kind", "don't go with 8 GPUs"]),
        ([node("a"), changed("b", 3, uplink=True)], ["node b: 7 cards of one kind"]),
        ([node("a", nics=[rail(0, uplink=True)], gpus=1)], ["node a: its own network goes over ens24f0np0 at 0000:1a:00.0", "would cut the node off"]),
        ([node("a", nics=[rail(0, uplink=None)], gpus=1)], ["which card carries the node's own network isn't known", "llmd_fabric_nics"]),
        ([node("a"), changed("b", 2, mtu=1500)], ["different MTUs", "b ens26f0np0 at 0000:4d:00.0 has 1500", "llmd_fabric_mtu"]),
        ([node("a", nics=[]), node("b", nics=[])], ["node a, b: no card that can do RDMA at 100 Gb/s"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_card(nodes, words):
    made = designed(snapshot(*nodes))
    assert all(word in said(made) for word in words), said(made)
    assert objects(made, "devices") == objects(made, "networks") == []


def test_crossed_rails_are_named_unless_the_user_named_the_places():
    swapped = [rail(index) for index in range(8)]
    swapped[0]["name"], swapped[1]["name"] = swapped[1]["name"], swapped[0]["name"]
    cluster = snapshot(node("a"), node("b", nics=swapped), node("c"))
    text = said(designed(cluster))
    assert "node b: rails are crossed (rail 0 is ens25f0np0 at 0000:1a:00.0, elsewhere ens24f0np0" in text and "Check the cabling" in text
    places = [rail(index)["pci"] for index in range(8)]
    assert designed(cluster, fabric_nics=places)["problems"] == []
    assert "other names on other nodes" in said(designed(cluster, fabric_nics=places, fabric_way="nvidia-network-operator"))


def test_names_that_only_differ_are_not_crossed():
    other = [rail(index, name=f"enp{index}s0") for index in range(8)]
    cluster = snapshot(node("a"), node("b", nics=other))
    assert designed(cluster)["problems"] == []
    assert "rail 0 is enp0s0, ens24f0np0" in said(designed(cluster, fabric_way="nvidia-network-operator"))


def test_cards_that_no_operator_drives():
    thor = [{"name": None, "pci_id": "14e4:1760", "class": "0200", "link_layer": "Ethernet", "sriov_totalvfs": 16} for _ in range(8)]
    pollara = [{**one, "pci_id": "1dd8:1002"} for one in thor]
    text = said(designed(snapshot(*[{**node(name, vendor="amd"), "nics": thor} for name in ("a", "b")]), vendor="amd"))
    assert text.startswith("node a, b: Red Hat's SR-IOV operator") and "Thor2" in text and "llmd_fabric_way: existing" in text
    assert "AMD's network operator" in said(designed(snapshot({**node("a", vendor="amd"), "nics": pollara}), vendor="amd"))


def test_named_cards():
    cluster = good()
    assert len(designed(cluster, fabric_nics=["ens24f0np0", "ens28f0np0"])["rails"]) == 2
    assert len(designed(cluster, fabric_nics=["15b3:1021"])["rails"]) == 8
    assert "eno1 at 0000:22:00.0, which carries the node's own network" in said(designed(cluster, fabric_nics=["eno1"]))
    assert "ens99 fits no card" in said(designed(cluster, fabric_nics=["ens24f0np0", "ens99"]))
    assert "none of the cards that llmd_fabric_nics names (ens99) is there" in said(designed(cluster, fabric_nics=["ens99"]))


# ---- virtual functions, and whom they disturb ----


def test_what_the_cards_have_disturbs_nobody():
    made = designed(good())
    assert (made["restarting"], made["draining"]) == ([], [])
    assert {spec["numVfs"] for spec in specs(made, "devices")} == {16}


def test_another_number_restarts_all():
    made = designed(good(), fabric_vfs=8)
    assert made["restarting"] == ["gpu-0", "gpu-1"] and {spec["numVfs"] for spec in specs(made, "devices")} == {8}


def test_functions_in_use_that_change_drain():
    busy = snapshot(node("a"), node("b", nics=[rail(index, sriov_numvfs=4) for index in range(8)]))
    assert (designed(busy)["restarting"], designed(busy)["draining"]) == ([], ["b"])
    done = snapshot(*[node(name, nics=[rail(index, sriov_numvfs=16) for index in range(8)]) for name in ("a", "b")])
    assert designed(done)["draining"] == []


def test_another_link_layer_restarts_its_node_when_it_is_declared():
    made = designed(snapshot(node("a"), changed("b", 0, link_layer="InfiniBand")), fabric_link_layer="Ethernet")
    assert made["problems"] == [] and made["restarting"] == ["b"] and {spec["linkType"] for spec in specs(made, "devices")} == {"eth"}
    shared = designed(snapshot(node("a"), changed("b", 0, link_layer="InfiniBand")), fabric_link_layer="Ethernet", fabric_way="nvidia-network-operator")
    assert "is InfiniBand" in said(shared), "only the SR-IOV operator sets it"


@pytest.mark.parametrize(
    ("totals", "more", "words"),
    [
        ((0, 0), {}, ["no virtual functions to give", "BIOS", "llmd_fabric_vfs: 8"]),
        ((16, 0), {}, ["node b: rail cards without virtual functions", "llmd_fabric_vfs: 16"]),
        ((16, 4), {}, ["b has 4", "llmd_fabric_vfs: 4"]),
        ((16, 16), {"fabric_vfs": 129}, ["llmd_fabric_vfs is 129", "128 at most"]),
        ((4, 4), {"gpus_per_replica": 1}, ["room for 8 model servers", "a card gives 4"]),
    ],
)  # fmt: skip
def test_too_few_functions(totals, more, words):
    nodes = [node(name, nics=[rail(index, sriov_totalvfs=total) for index in range(8)]) for name, total in zip("ab", totals, strict=True)]
    made = designed(snapshot(*nodes), **more)
    assert all(word in said(made) for word in words), said(made)


def test_sriov_can_be_switched_on_with_a_restart():
    nodes = [node("a"), node("b", nics=[rail(index, sriov_totalvfs=0) for index in range(8)])]
    made = designed(snapshot(*nodes), fabric_vfs=16)
    assert made["problems"] == [] and made["restarting"] == ["b"]


def test_only_nvidias_cards_get_another_number():
    intel = [card(f"ens{index}", f"0000:{index:02x}:00.0", "14e4:1750", sriov_totalvfs=8) for index in range(8)]
    cluster = snapshot(node("a", nics=intel))
    assert designed(cluster)["restarting"] == []
    assert "8 at most" in said(designed(cluster, fabric_vfs=16))


# ---- objects ----


def test_one_policy_and_one_network_a_rail():
    made = designed(good(), fabric_vlan=120)
    policies = objects(made, "devices")
    assert [one["metadata"]["name"] for one in policies] == [f"llmd-rail-{index}" for index in range(8)]
    assert policies[0]["spec"] == {
        "resourceName": "llmd_rail_0", "nodeSelector": {"feature.node.kubernetes.io/pci-10de.present": "true"}, "numVfs": 16, "deviceType": "netdevice",
        "nicSelector": {"rootDevices": ["0000:1a:00.0"], "vendor": "15b3"}, "isRdma": True, "linkType": "eth", "priority": 99, "mtu": 9000,
        "excludeTopology": True,
    }  # fmt: skip
    namespace, first = objects(made, "networks")[:2]
    assert namespace["kind"] == "Namespace" and first["kind"] == "SriovNetwork" and first["metadata"]["namespace"] == SRIOV_NAMESPACE
    assert first["spec"]["networkNamespace"] == "llmd" and first["spec"]["vlan"] == 120
    assert json.loads(first["spec"]["ipam"]) == {"type": "whereabouts", "range": "10.90.0.0/19", "exclude": ["10.90.0.1/32"]}


def test_nodes_that_no_label_tells_apart_get_policies_of_their_own():
    spare = node("spare")
    cluster = snapshot(node("a"), node("b"), spare)
    picked = {**cluster, "nodes": cluster["nodes"]}
    made = design(Site(picked, declared(), facts(), tuple(cluster["nodes"][:2]), "nvidia", {}))
    names = [one["metadata"]["name"] for one in objects(made, "devices")]
    assert len(names) == 16 and names[:2] == ["llmd-rail-0-a", "llmd-rail-0-b"]
    assert objects(made, "devices")[1]["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "b"}


def test_servers_of_two_kinds_share_a_policy_where_the_places_tell_them_apart():
    other = [rail(index, pci=f"0001:{index:02x}:00.0") for index in range(8)]
    made = designed(snapshot(node("a"), node("b", nics=other)))
    assert [spec["nicSelector"]["rootDevices"] for spec in specs(made, "devices")][0] == ["0000:1a:00.0", "0001:00:00.0"]
    shifted = [rail(index, pci=f"0000:{('1b', '3c', '4d', '5e', '9c', 'bc', 'cc', 'dd')[index]}:00.0") for index in range(8)]
    assert len(specs(designed(snapshot(node("a"), node("b", nics=shifted))), "devices")) == 8
    moved = [rail(index, pci=f"0000:{('3c', '4d', '5e', '9c', 'bc', 'cc', 'dc', 'ee')[index]}:00.0", name=f"x{index}") for index in range(8)]
    assert len(specs(designed(snapshot(node("a"), node("b", nics=moved))), "devices")) == 16, "0000:3c:00.0 is rail 1 here and rail 0 there"


def test_infiniband_has_no_addresses_and_its_own_kind():
    made = designed(snapshot(infiniband("a"), infiniband("b")), rail_range=None)
    assert made["problems"] == [] and made["link_layer"] == "InfiniBand" and {one["subnet"] for one in made["rails"]} == {None}
    assert {one["kind"] for one in objects(made, "networks")} == {"Namespace", "SriovIBNetwork"}
    assert all("mtu" not in spec and spec["linkType"] == "ib" for spec in specs(made, "devices"))
    names = {one["name"] for one in made["pod"]["env"]}
    assert "NCCL_IB_TC" not in names and "KSERVE_INFER_ROCE" not in names and "NCCL_IB_HCA" in names


def test_the_operators_configuration():
    assert objects(designed(good()), "cards")[0]["spec"] == {"enableInjector": True, "enableOperatorWebhook": True, "logLevel": 2, "disableDrain": False}
    b200 = snapshot(*[node(name, accelerators={"vendor": "nvidia", "model": "B200", "count": 8}) for name in ("a", "b")])
    assert objects(designed(b200), "cards")[0]["spec"]["featureGates"] == {"mellanoxFirmwareReset": True}
    assert "featureGates" not in objects(designed(b200, fabric_firmware_reset=False), "cards")[0]["spec"]
    single = {**good(1), "platform": {"infrastructure_topology": "SingleReplica"}}
    assert objects(designed(single), "cards")[0]["spec"]["disableDrain"] is True
    foreign = {**good(), "objects": {"NetworkAttachmentDefinition": [], "SriovOperatorConfig": [obj("default", SRIOV_NAMESPACE)]}}
    assert objects(designed(foreign), "cards") == []
    assert any("mellanoxFirmwareReset" in note for note in designed(foreign, fabric_firmware_reset=True)["notes"])


def test_several_nodes_drain_at_once_only_within_the_budget():
    assert objects(designed(good()), "devices")[0]["kind"] == "SriovNetworkNodePolicy"
    pool = objects(designed(good(8), machine_max_unavailable=2), "devices")[0]
    assert pool["kind"] == "SriovNetworkPoolConfig" and pool["spec"]["maxUnavailable"] == 2
    other = {**good(8), "objects": {"NetworkAttachmentDefinition": [], "SriovNetworkPoolConfig": [obj("theirs", SRIOV_NAMESPACE, maxUnavailable=1)]}}
    assert objects(designed(other, machine_max_unavailable=2), "devices")[0]["kind"] == "SriovNetworkNodePolicy", "a node in two pools never drains"


def test_shared_cards():
    made = designed(good(), fabric_way="nvidia-network-operator", gpus_per_replica=1)
    policy = objects(made, "devices")[0]
    assert policy["metadata"]["name"] == "nic-cluster-policy" and made["pod"]["resources"]["rdma/llmd_rail_7"] == "1" and made["restarting"] == []
    plugin = policy["spec"]["rdmaSharedDevicePlugin"]
    assert plugin["version"] == "network-operator-v26.4.1" and "ofedDriver" not in policy["spec"]
    rows = json.loads(plugin["config"])["configList"]
    assert rows[0]["selectors"] == {"ifNames": ["ens24f0np0"]} and "resourcePrefix" not in rows[0]
    network = objects(made, "networks")[1]
    assert network["kind"] == "MacvlanNetwork" and network["spec"]["master"] == "ens24f0np0" and network["spec"]["mtu"] == 9000
    assert "raise it" in said(designed(good(), fabric_way="nvidia-network-operator", fabric_mtu=9500)).lower()


def test_shared_infiniband_needs_no_network_unless_addresses_are_declared():
    cluster = snapshot(infiniband("a"), infiniband("b"))
    made = designed(cluster, fabric_way="nvidia-network-operator", rail_range=None)
    assert objects(made, "networks") == [] and made["pod"]["annotations"] == {} and len(made["pod"]["resources"]) == 8
    named = designed(cluster, fabric_way="nvidia-network-operator")
    assert {one["kind"] for one in objects(named, "networks")} == {"Namespace", "IPoIBNetwork"}
    assert objects(named, "devices")[0]["spec"]["secondaryNetwork"]["ipoib"]["image"] == "ipoib-cni"


def test_nvidias_driver():
    made = designed(good(), fabric_way="nvidia-network-operator", fabric_driver=True)
    driver = objects(made, "devices")[0]["spec"]["ofedDriver"]
    assert driver["version"] == "doca3.4.1-26.04-1.1.0.0-1" and driver["env"] == [{"name": "UNLOAD_THIRD_PARTY_RDMA_MODULES", "value": "true"}]
    own = [{**node(name), "nics": [card("ens1", "0000:01:00.0", "15b3:101f", uplink=True), *map(rail, range(8))]} for name in ("a", "b")]
    text = said(designed(snapshot(*own), fabric_way="nvidia-network-operator", fabric_driver=True))
    assert "node a, b: the node's own network goes over a card of NVIDIA" in text and "llmd_fabric_driver" in text


def test_whole_cards_go_to_one_pod_a_node():
    made = designed(good(), fabric_way="host-device")
    assert made["problems"] == [] and made["pod"]["resources"]["nvidia.com/llmd_rail_0"] == "1"
    rows = json.loads(objects(made, "devices")[0]["spec"]["sriovDevicePlugin"]["config"])["resourceList"]
    assert rows[0]["selectors"] == {"vendors": ["15b3"], "rootDevices": ["0000:1a:00.0"], "isRdma": True}
    assert objects(made, "networks")[1]["kind"] == "HostDeviceNetwork"
    assert "room for 8 model servers" in said(designed(good(), fabric_way="host-device", gpus_per_replica=1))


def test_every_part_is_awaited():
    made = designed(good())
    assert [one["until"] for one in awaited(made, "cards")] == ["described"] * 2
    devices = awaited(made, "devices", 20)
    assert [one["with"]["patience_seconds"] for one in devices[:2]] == [20, 20]
    assert [one["name"] for one in devices[2:]] == made["nodes"]
    assert devices[2]["with"]["resources"] == {f"openshift.io/llmd_rail_{index}": 16 for index in range(8)}
    assert [one["name"] for one in awaited(made, "networks")] == [f"llmd-rail-{index}" for index in range(8)]
    with pytest.raises(ValueError, match="part must be one of"):
        objects(made, "all")


# ---- what a pod gets ----


def test_a_pod_of_few_gpus_gets_all_rails_where_the_cards_have_enough_functions():
    small = designed(good(), gpus_per_replica=1)
    assert len(small["pod"]["resources"]) == 8, "which GPU it gets isn't known before"
    values = {one["name"]: one["value"] for one in small["pod"]["env"]}
    assert values["NCCL_IB_TC"] == values["UCX_IB_TRAFFIC_CLASS"] == "106" and "tcp" not in values["UCX_TLS"] and "NCCL_IB_GID_INDEX" not in values
    assert values["NVIDIA_GDRCOPY"] == "enabled"
    assert small["pod"]["capabilities"] == ["IPC_LOCK"]


def test_a_pod_of_a_group_takes_its_share_of_a_node():
    whole = designed(good(), path="wide_expert_parallelism", gpus_per_replica=1, fabric_way="host-device")
    assert whole["problems"] == [] and len(whole["pod"]["resources"]) == 8
    half = designed(good(), path="wide_expert_parallelism", gpus_per_replica=1, group_gpus_per_node=4, fabric_way="host-device")
    assert "room for 2 model servers" in said(half)


def test_the_sheet_for_the_network_team():
    sheet = designed(good(), fabric_vlan=7)["handover"]
    text = "\n".join(sheet)
    assert sheet[0].startswith("Rail 0: 2 ports in one layer-2 network, addresses 10.90.0.0/19") and "VLAN: tagged 7." in sheet
    assert all(word in text for word in ("PFC: on for priority 3", "DSCP 26", "DSCP 48", "ECN", "MTU: the hosts send up to 9000"))
    assert "0x7fff" in "\n".join(designed(snapshot(infiniband("a")), rail_range=None)["handover"])


# ---- others ----


def test_networks_of_the_same_name_are_not_taken_over():
    nad = obj("llmd-rail-3", "llmd", config="{}")
    text = said(designed(snapshot(*good()["nodes"], NetworkAttachmentDefinition=[nad])))
    assert "NetworkAttachmentDefinition llmd/llmd-rail-3 is there already and not ours" in text
    ours = obj("llmd-rail-3", SRIOV_NAMESPACE, OURS, networkNamespace="llmd")
    assert designed(snapshot(*good()["nodes"], NetworkAttachmentDefinition=[nad], SriovNetwork=[ours]))["problems"] == []
    theirs = obj("llmd-rail-3", SRIOV_NAMESPACE, networkNamespace="llmd")
    assert f"SriovNetwork {SRIOV_NAMESPACE}/llmd-rail-3" in said(designed(snapshot(*good()["nodes"], SriovNetwork=[theirs])))


def test_policies_of_others_on_a_rail_are_refused():
    def policy(labels: dict[str, str] | None = None, **nics: Any) -> dict[str, Any]:
        return obj("theirs", SRIOV_NAMESPACE, labels, nodeSelector={"kubernetes.io/hostname": "gpu-1"}, nicSelector=nics, numVfs=4)

    text = said(designed(snapshot(*good()["nodes"], SriovNetworkNodePolicy=[policy(vendor="15b3", deviceID="1021")])))
    assert f"SriovNetworkNodePolicy {SRIOV_NAMESPACE}/theirs of somebody else is on gpu-1 ens24f0np0" in text and "gpu-0" not in text
    for harmless in (policy(vendor="8086"), policy(pfNames=["eno1#0-3"]), policy(rootDevices=["0000:22:00.0"]), policy(OURS, vendor="15b3")):
        assert designed(snapshot(*good()["nodes"], SriovNetworkNodePolicy=[harmless]))["problems"] == []


def test_a_nicclusterpolicy_of_somebody_else_is_left_alone():
    cluster = snapshot(*good()["nodes"], NicClusterPolicy=[obj("nic-cluster-policy")])
    assert "NicClusterPolicy nic-cluster-policy is somebody else's" in said(designed(cluster, fabric_way="nvidia-network-operator"))
    assert designed(cluster)["problems"] == []


def test_a_nicnodepolicy_with_the_same_section_stops_before_the_webhook_does():
    cluster = snapshot(*good()["nodes"], NicNodePolicy=[obj("h200", rdmaSharedDevicePlugin={"image": "x"}), obj("empty")])
    text = said(designed(cluster, fabric_way="nvidia-network-operator"))
    assert "NicNodePolicy h200 has rdmaSharedDevicePlugin already" in text and "empty" not in text
    assert designed(cluster, fabric_way="host-device", gpus_per_replica=8)["problems"] == designed(cluster)["problems"] == []
    driver = snapshot(*good()["nodes"], NicNodePolicy=[obj("h200", ofedDriver={"image": "x"})])
    assert "h200 has ofedDriver already" in said(designed(driver, fabric_way="nvidia-network-operator", fabric_driver=True))
    assert designed(driver, fabric_way="nvidia-network-operator")["problems"] == []


# ---- a fabric that is there ----


def test_an_existing_fabric_is_used_as_declared():
    nodes = [{**node(name), "allocatable": {"rdma/roce": 8}} for name in ("a", "b")]
    more = {"fabric_way": "existing", "fabric_resources": {"rdma/roce": 1}, "fabric_networks": ["roce-0", "shared/roce-1"], "fabric_link_layer": "Ethernet"}
    nads = [obj("roce-0", "llmd", config="{}"), obj("roce-1", "shared", config="{}")]
    made = designed(snapshot(*nodes, NetworkAttachmentDefinition=nads), **more)
    assert made["problems"] == [] and made["pod"]["resources"] == {"rdma/roce": "1"}
    assert made["pod"]["annotations"] == {"k8s.v1.cni.cncf.io/networks": "roce-0,shared/roce-1"} and objects(made, "devices") == []
    text = said(designed(snapshot(nodes[0], node("c")), **more))
    assert "node c has no allocatable rdma/roce" in text and "roce-0, shared/roce-1 of llmd_fabric_networks isn't there" in text
    assert "names no RDMA resource" in said(designed(good(), fabric_way="existing"))


# ---- size ----


@pytest.mark.parametrize("count", [2, 64, 512])
def test_hundreds_of_nodes_in_less_than_a_second(count):
    cluster = good(count)
    begin = time.process_time()
    made = designed(cluster)
    spent = time.process_time() - begin
    assert made["problems"] == [] and len(made["rails"][0]["nics"]) == count and len(objects(made, "devices")) == 8
    assert spent < 1, f"{spent:.2f} s"


def test_a_label_of_the_gpu_operator_selects_no_cards():
    """It comes after the fabric: a second run would name the policies by labels, where the first had only the hostnames."""
    cluster, chosen = good(), {"nvidia.com/gpu.product": "NVIDIA-H200"}
    before = specs(designed(cluster, node_selector=chosen), "devices")
    for one in cluster["nodes"]:
        one["labels"].update(chosen)
    assert specs(designed(cluster, node_selector=chosen), "devices") == before
    assert {"kubernetes.io/hostname": "gpu-0"} in [spec.get("nodeSelector") for spec in before]
