# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan's step for the fabric: what it makes, whom it disturbs, and that a second run plans nothing."""

from __future__ import annotations

import copy

from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._fabric.objects import PARTS, objects
from ansible_collections.llmd.openshift.plugins.module_utils._plan.plan import plan

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._fabric import sites

OPEN = {"path": "pd_disaggregation", "gpus_per_replica": 8, "rail_range": "10.90.0.0/16", "allow_disruption": ["driver", "drain", "reboot"]}


def cluster(*nics, **objects_there):
    """Two GPU nodes with rails on a cluster that is otherwise bare."""
    rows = [sites.rail(index) for index in range(8)] if not nics else list(nics)
    own = sites.card("eno1", "0000:22:00.0", "14e4:16d7", speed_mbps=25000, uplink=True, mtu=1500)
    label = {"feature.node.kubernetes.io/pci-10de.present": "true"}
    made = clusters.snapshot(
        clusters.control_plane("m0"),
        *[clusters.node(name, nics=[own, *copy.deepcopy(rows)], labels={"kubernetes.io/hostname": name, **label}) for name in ("g0", "g1")],
    )
    return {**made, "machine_configs": [], "objects": {**made["objects"], "NetworkAttachmentDefinition": [], **objects_there}, "networks": sites.snapshot()["networks"]}


def planned(snapshot, **more):
    return plan(snapshot, clusters.declared(**{**OPEN, **more}), facts())


def step(made):
    return next((one for one in made["steps"] if one["id"] == "fabric"), None)


def test_other_paths_have_no_such_step():
    made = planned(cluster(), path="inference_scheduling")
    assert step(made) is None and made["fabric"]["needed"] is False
    assert not [one for one in made["operators"] if one["stage"] == "fabric"]


def test_first_functions_disturb_nobody():
    made = planned(cluster())
    found = step(made)
    assert [change["object"] for change in found["changes"]][:2] == [
        "SriovOperatorConfig openshift-sriov-network-operator/default", "SriovNetworkNodePolicy openshift-sriov-network-operator/llmd-rail-0",
    ]  # fmt: skip
    assert {change["action"] for change in found["changes"]} == {"create"} and found["disruption"]["kinds"] == [] and len(found["changes"]) == 17
    assert made["fabric"]["known"] and [one["package"] for one in made["operators"] if one["stage"] == "fabric"] == ["sriov-network-operator"]
    order = [one["id"] for one in made["steps"]]
    assert order.index("machines") < order.index("fabric") < order.index("gpu-driver")


def test_a_restart_is_named_and_needs_permission():
    found = step(planned(cluster(), fabric_vfs=8))["disruption"]
    assert found["kinds"] == ["drain", "reboot"] and found["nodes"] == ["g0", "g1"] and found["minutes"] == 50 and "firmware" in found["why"]
    assert step(planned(cluster(), fabric_vfs=8, machine_max_unavailable=2))["disruption"]["minutes"] == 25
    refused = planned(cluster(), fabric_vfs=8, allow_disruption=["driver"])
    assert not refused["allowed"] and "Make the network between GPU nodes needs drain and reboot on g0, g1" in refused["message"]


def test_functions_in_use_drain_only():
    busy = [sites.rail(index, sriov_numvfs=4) for index in range(8)]
    assert step(planned(cluster(*busy)))["disruption"]["kinds"] == ["drain"]


def test_the_plan_before_the_cards_are_known_says_so():
    bare = cluster()
    for node in bare["nodes"][1:]:
        node["nics"] = [{"name": None, "pci_id": "15b3:1021", "class": "0200", "link_layer": "Ethernet", "speed_mbps": None, "state": None, "sriov_totalvfs": 16}] * 8
    made = planned(bare)
    assert not made["complete"] and any("SR-IOV operator" in one for one in made["assumptions"])
    assert [change["object"] for change in step(made)["changes"]] == ["SriovOperatorConfig openshift-sriov-network-operator/default"]


def test_what_is_wrong_stops_the_run():
    down = [sites.rail(index, **({"state": "down"} if index == 0 else {})) for index in range(8)]
    made = planned(cluster(*down))
    assert not made["allowed"] and made["message"].startswith("Nothing of the plan was done, because the network between GPU nodes can't be made: No link at node g0, rail 0")


def live(made):
    """The design's objects as a later snapshot shows them."""
    found: dict[str, list] = {}
    for part in PARTS:
        for obj in objects(made["fabric"], part):
            if obj["kind"] != "Namespace":
                meta = {"namespace": None, **obj["metadata"], "labels": sites.OURS}
                found.setdefault(obj["kind"], []).append({"metadata": meta, "spec": {**obj["spec"], "defaulted": True}, "status": {}})
    return found


def test_a_second_run_plans_nothing():
    for more in ({}, {"fabric_way": "nvidia-network-operator"}, {"fabric_way": "host-device"}):
        first = planned(cluster(), **more)
        done = [sites.rail(index, sriov_numvfs=16 if not more else 0) for index in range(8)]
        again = step(planned(cluster(*done, **live(first)), **more))
        assert {change["action"] for change in again["changes"]} == {"keep"}, again["changes"]
        assert again["disruption"]["kinds"] == [] and again["disruption"]["minutes"] == 0


def test_a_change_is_named():
    first = planned(cluster())
    again = step(planned(cluster(**live(first)), fabric_vlan=9))
    assert {change["object"].split()[0]: change.get("why") for change in again["changes"] if change["action"] == "update"} == {"SriovNetwork": "vlan change"}


def test_an_existing_fabric_needs_no_operator():
    made = planned(cluster(), fabric_way="existing", fabric_resources={"rdma/roce": 1})
    assert step(made) is None and not [one for one in made["operators"] if one["stage"] == "fabric"] and not made["allowed"]
