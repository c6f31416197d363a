# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for the fabric: a node that has what it was asked for, and each way in which it doesn't get there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._wait import fabric, related, targets

RESOURCES = {"resources": ["llmd_rail_0"], "patience_seconds": 30}


def state(
    *, asked: int | None = 16, made: int = 16, total: int = 16, sync: str = "Succeeded", now: str = "Idle", wish: str = "Idle", **status: Any
) -> dict[str, Any]:
    groups = [{"resourceName": "llmd_rail_0", "vfRange": "0-15"}]
    card = {"name": "ens24f0np0", "pciAddress": "0000:1a:00.0", "totalvfs": total, "numVfs": made}
    wanted = [{"pciAddress": "0000:1a:00.0", "name": "ens24f0np0", "numVfs": asked, "vfGroups": groups}] if asked else []
    return {
        "kind": "SriovNetworkNodeState",
        "metadata": {"name": "gpu-1", "namespace": "openshift-sriov-network-operator", "annotations": {fabric.CURRENT: now, fabric.DESIRED: wish}},
        "spec": {"interfaces": wanted},
        "status": {"interfaces": [card], "syncStatus": sync, **status},
    }


def test_done_only_with_all_functions_and_back_at_work():
    assert fabric.synced(state(), RESOURCES).phase == "done"
    for not_yet in (state(made=0), state(sync="InProgress"), state(now="DrainComplete"), state(asked=None)):
        assert fabric.synced(not_yet, RESOURCES).phase == "failed" and fabric.synced(not_yet, RESOURCES).grace >= 30


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        (state(sync="Failed", lastSyncError="cannot config SRIOV device"), "Failed", "cannot config SRIOV device"),
        (state(asked=None), "NotAsked", "no card of the node is asked for llmd_rail_0"),
        (state(made=0, total=4, sync="InProgress"), "NotEnoughFunctions", "ens24f0np0 at 0000:1a:00.0 can have 4 virtual functions, 16 are asked"),
        (state(made=0, total=0, sync="InProgress"), "NotEnoughFunctions", "can have 0 virtual functions"),
        (state(made=0, sync="InProgress", now="Draining", wish="Drain_Required"), "DrainBlocked", "some pod doesn't leave"),
        (state(made=0, sync="InProgress", now="DrainComplete", wish="Reboot_Required"), "NotBack", "restarts"),
        (state(made=0), "DaemonSilent", "doesn't react"),
        (state(made=0, total=8), "DaemonSilent", "doesn't react"),
        (state(made=0, sync="InProgress", wish="Drain_Required"), "InProgress", "its turn to drain"),
    ],
)
def test_each_standstill_has_its_reason_and_repair(found, reason, words):
    said = fabric.synced(found, RESOURCES)
    assert (said.phase, said.reason) == ("failed", reason) and words in said.detail and said.repair
    assert said.grace >= 30, "what moves on by itself isn't failed at once"


def test_the_repair_fits_the_cause():
    assert "BIOS" in fabric.synced(state(made=0, total=0, sync="InProgress"), RESOURCES).repair
    assert "llmd_fabric_vfs" in fabric.synced(state(made=0, total=4, sync="InProgress"), RESOURCES).repair
    loop = fabric.synced(state(made=0, total=8, sync="InProgress", now="DrainComplete", wish="Reboot_Required"), RESOURCES).repair
    assert "llmd_fabric_firmware_reset: true" in loop
    assert "spec.nodeName=gpu-1" in fabric.synced(state(made=0), RESOURCES).repair


def test_cards_that_were_told_of():
    assert fabric.described(state(), {}).phase == "done"
    assert fabric.described({"status": {}}, {}).phase == "waiting"
    none = fabric.described({"status": {"syncStatus": "Succeeded"}}, {})
    assert (none.phase, none.reason) == ("failed", "NoCards")


def test_devices_of_a_node():
    wanted = {"resources": {"openshift.io/a": 16, "openshift.io/b": 16}}
    assert fabric.node_devices({"status": {"allocatable": {"openshift.io/a": "16", "openshift.io/b": "16"}}}, wanted).phase == "done"
    late = fabric.node_devices({"status": {"allocatable": {"openshift.io/a": "4"}}}, wanted)
    assert late.phase == "waiting" and late.detail == "openshift.io/a 4 of 16 and 1 more"


def test_nic_cluster_policy():
    def policy(word: str, *rows: dict[str, str], reason: str = "") -> dict[str, Any]:
        return {"status": {"state": word, "appliedStates": list(rows), "reason": reason}}

    late = {"name": "state-OFED", "state": "notReady", "message": "required NFD Label missing"}
    assert fabric.nic_cluster_policy(policy("ready", {"name": "state-OFED", "state": "ignore"}), {}).phase == "done"
    waits = fabric.nic_cluster_policy(policy("notReady", late), {})
    assert waits.phase == "waiting" and "state-OFED: required NFD Label missing" in waits.text
    assert fabric.nic_cluster_policy(policy("ignore", reason="Unsupported"), {}).phase == "failed"
    assert fabric.nic_cluster_policy(policy("error", late), {}).grace == 60
    seen = {"status": {"state": "ready", "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}}
    assert fabric.nic_cluster_policy({"metadata": {"generation": 1}, **seen}, {}).phase == "done"
    assert fabric.nic_cluster_policy({"metadata": {"generation": 2}, **seen}, {}).phase == "waiting"


def test_networks_of_nvidias_operator():
    assert fabric.nvidia_network({"status": {"state": "ready"}}, {}).phase == "done"
    assert fabric.nvidia_network({"status": {"state": "notReady"}}, {}).phase == "waiting"
    assert fabric.nvidia_network({"status": {"state": "error", "reason": "failed to render"}}, {}).detail == "failed to render"


def test_pods_that_tell_why():
    found = targets.parse(
        [
            {"api_version": "mellanox.com/v1alpha1", "kind": "NicClusterPolicy", "name": "nic-cluster-policy", "with": {"namespace": "nv"}},
            {"api_version": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodeState", "name": "a", "namespace": "s", "until": "described"},
        ]
    )
    assert [related.query(one, {}) for one in found] == [related.Query("nv", ""), related.Query("s", "app=sriov-network-config-daemon")]
