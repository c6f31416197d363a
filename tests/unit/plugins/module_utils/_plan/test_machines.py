# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the machines, and AMD's driver, as steps of the plan."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._nodes import render
from ansible_collections.llmd.openshift.plugins.module_utils._plan.plan import plan
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import machine_configs

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot

OURS = {"app.kubernetes.io/managed-by": "llmd-openshift"}
POOLS = [{"name": name, "paused": False, "degraded": False} for name in ("master", "worker")]


def cluster(*nodes: dict[str, Any], configs: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    made = [{**one, "pool": "worker"} for one in nodes]
    return {**snapshot(clusters.control_plane("m0"), *made), "pools": POOLS, "machine_configs": configs or [], **more}


def planned(what: dict[str, Any], **more: Any) -> dict[str, Any]:
    return plan(what, declared(**more), facts())


def step(made: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((one for one in made["steps"] if one["id"] == name), None)


def test_no_setting_no_step() -> None:
    assert step(planned(cluster(node("g0"))), "machines") is None


def test_a_declared_argument_restarts_its_nodes_only_when_allowed() -> None:
    made = planned(cluster(node("g0"), node("g1")), kernel_arguments=["mitigations=off"], allow_disruption=["driver"])
    found = step(made, "machines")
    assert found is not None and found["disruption"]["nodes"] == ["g0", "g1"] and found["disruption"]["minutes"] == 30
    assert (made["allowed"], made["missing"]) == (False, ["drain", "reboot"]) and "mitigations=off" in made["message"]
    assert planned(cluster(node("g0")), kernel_arguments=["a=b"], allow_disruption=["driver", "drain", "reboot"])["allowed"]


def test_the_second_run_keeps_the_config_and_restarts_nobody() -> None:
    first = planned(cluster(node("g0")), kernel_arguments=["mitigations=off"])
    configs = [machine_configs.reduce(one) for one in render.objects(first["context"]["machine_pools"])]
    second = planned(cluster(node("g0"), configs=configs), kernel_arguments=["mitigations=off"])
    found = step(second, "machines")
    assert found is not None and [change["action"] for change in found["changes"]] == ["keep"]
    assert found["disruption"]["kinds"] == [] and second["context"]["restarting"] == []


def test_a_changed_argument_is_an_update() -> None:
    first = planned(cluster(node("g0")), kernel_arguments=["mitigations=off"])
    configs = [machine_configs.reduce(one) for one in render.objects(first["context"]["machine_pools"])]
    found = step(planned(cluster(node("g0"), configs=configs), kernel_arguments=["mitigations=auto"]), "machines")
    assert found is not None and found["changes"] == [
        {"object": "MachineConfig 99-llmd-worker", "action": "update", "why": "mitigations=auto"},
        {"object": "MachineConfigPool worker", "action": "update", "why": "paused while it changes, then let go"},
    ]


def test_a_paused_pool_stops_the_run_before_any_write() -> None:
    what = cluster(node("g0"), pools=[{"name": "worker", "paused": True, "degraded": False}])
    made = planned(what, kernel_arguments=["a=b"], allow_disruption=["driver", "drain", "reboot"])
    assert not made["allowed"] and "paused" in made["message"] and "Nothing of the plan was done" in made["message"]


def amd(name: str) -> dict[str, Any]:
    made = node(name, model="MI300X", vendor="amd")
    return {**made, "labels": {**made["labels"], "feature.node.kubernetes.io/cpu-model.vendor_id": "AMD"}}


def test_amd_nodes_get_the_blacklist_and_a_device_config() -> None:
    made = planned(cluster(amd("g0")))
    (pool,) = made["context"]["machine_pools"]
    assert list(pool["files"]) == ["/etc/modprobe.d/amdgpu-blacklist.conf"] and pool["kernel_arguments"] == []
    found = step(made, "gpu-driver")
    assert found is not None and [change["object"] for change in found["changes"]] == ["NodeFeatureRule llmd-amd-gpu", "DeviceConfig openshift-amd-gpu/llmd"]


def test_a_device_config_of_ours_is_kept_until_the_declaration_changes() -> None:
    config = {"metadata": {"name": "llmd", "namespace": "openshift-amd-gpu", "labels": OURS}, "spec": {"driver": {"version": "30.20.1"}}}
    what = cluster(amd("g0"), objects={"DeviceConfig": [config]})
    kept, updated = step(planned(what), "gpu-driver"), step(planned(what, gpu_driver_version="30.30"), "gpu-driver")
    assert kept is not None and [change["action"] for change in kept["changes"]] == ["keep"]
    assert updated is not None and updated["changes"][0]["why"] == "driver version 30.30"


def test_a_single_node_restarts_without_a_drain() -> None:
    what = cluster(node("g0"), platform={"type": "None", "control_plane_topology": "SingleReplica", "infrastructure_topology": "SingleReplica"})
    made = planned(what, kernel_arguments=["a=b"], allow_disruption=["driver", "reboot"])
    found = step(made, "machines")
    assert found is not None and found["disruption"]["kinds"] == ["reboot"] and made["allowed"]
    assert (made["context"]["restarting"], made["context"]["draining"]) == (["g0"], [])
    many = planned(cluster(node("g0")), kernel_arguments=["a=b"])
    assert many["context"]["draining"] == ["g0"]
