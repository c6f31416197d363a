# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings go into which pool, and who restarts for it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._nodes import pools, render, unavailable
from ansible_collections.llmd.openshift.plugins.module_utils._nodes.settings import (
    CPU_VENDOR,
    Setting,
    clashing,
    digest,
    needed,
)
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import machine_configs

TABLE = files.load(files.ROOT / "node_settings.yml", "node_settings")["settings"]
PD = {"path": "pd_disaggregation"}


def node(name: str, pool: str | None = "worker", cpu: str = "Intel") -> dict[str, Any]:
    return {"name": name, "pool": pool, "labels": {CPU_VENDOR: cpu}}


def cluster(nodes: list[dict[str, Any]], configs: list[dict[str, Any]] | None = None, **pool: Any) -> dict[str, Any]:
    names = {str(one["pool"]) for one in nodes} | {"master", "worker"}
    return {"nodes": nodes, "machine_configs": configs or [], "pools": [{"name": name, "paused": False, "degraded": False, **pool} for name in sorted(names)]}


def config(name: str, role: str, arguments: list[str] | None = None, paths: dict[str, str] | None = None) -> dict[str, Any]:
    return {"name": name, "role": role, "kernel_arguments": arguments or [], "files": {path: digest(text) for path, text in (paths or {}).items()}}


def plan(snapshot: dict[str, Any], declared: dict[str, Any], vendor: str = "nvidia", only: list[str] | None = None) -> pools.Machines:
    chosen = [one for one in snapshot["nodes"] if only is None or one["name"] in only]
    return pools.machines(snapshot, declared, TABLE, vendor, chosen)


def test_scheduling_on_nvidia_needs_no_setting() -> None:
    assert plan(cluster([node("gpu-0")]), {"path": "inference_scheduling"}) == pools.Machines()


def test_rdma_paths_set_iommu_and_locked_memory_in_one_config() -> None:
    (pool,) = plan(cluster([node("gpu-0"), node("gpu-1")]), PD).pools
    assert (pool.name, pool.restarting, pool.moved, pool.keep, pool.makes_pool) == ("worker", ("gpu-0", "gpu-1"), (), False, False)
    assert [setting.label for setting in pool.settings] == ["iommu=pt", "intel_iommu=on", "/etc/crio/crio.conf.d/90-llmd-memlock"]


def test_amd_hosts_get_no_argument_for_intel() -> None:
    (pool,) = plan(cluster([node("gpu-0", cpu="AMD")]), PD).pools
    assert "intel_iommu=on" not in [setting.label for setting in pool.settings]


def test_amd_gpus_need_the_blacklist_on_every_path() -> None:
    (pool,) = plan(cluster([node("gpu-0", cpu="AMD")]), {"path": "inference_scheduling"}, "amd").pools
    assert [setting.label for setting in pool.settings] == ["/etc/modprobe.d/amdgpu-blacklist.conf"]


def test_other_workers_are_spared_by_a_pool_of_our_own() -> None:
    snapshot = cluster([node("cpu-0"), node("gpu-0"), node("gpu-1")])
    (pool,) = plan(snapshot, PD, only=["gpu-0", "gpu-1"]).pools
    assert (pool.name, pool.moved, pool.restarting, pool.machines, pool.makes_pool) == ("llmd-gpu", ("gpu-0", "gpu-1"), ("gpu-0", "gpu-1"), 2, True)


def test_existing_mode_restarts_the_whole_pool_and_says_so() -> None:
    snapshot = cluster([node("cpu-0"), node("gpu-0")])
    (pool,) = plan(snapshot, {**PD, "machine_pool": "existing"}, only=["gpu-0"]).pools
    assert (pool.name, pool.restarting) == ("worker", ("cpu-0", "gpu-0"))


def test_nodes_of_the_control_plane_stay_in_pool_master() -> None:
    (pool,) = plan(cluster([node("node-0", "master"), node("node-1", "master")]), {**PD, "machine_pool": "own"}).pools
    assert (pool.name, pool.config, pool.moved) == ("master", "99-llmd-master", ())


def test_what_others_set_already_is_not_set_twice() -> None:
    memlock = next(row["file"] for row in TABLE if row["id"] == "rdma-memlock")
    there = [config("50-site", "worker", ["iommu=pt", "intel_iommu=on"], {memlock["path"]: memlock["text"]})]
    assert plan(cluster([node("gpu-0")], there), PD) == pools.Machines()


def test_a_file_of_another_text_is_still_missing() -> None:
    memlock = next(row["file"]["path"] for row in TABLE if row["id"] == "rdma-memlock")
    (pool,) = plan(cluster([node("gpu-0")], [config("50-site", "worker", ["iommu=pt", "intel_iommu=on"], {memlock: "else"})]), PD).pools
    assert [setting.label for setting in pool.settings] == [memlock]


def test_the_second_run_restarts_nobody() -> None:
    first = plan(cluster([node("gpu-0")]), PD)
    made = render.objects([entry(pool) for pool in first.pools])
    second = plan(cluster([node("gpu-0")], [machine_configs.reduce(obj) for obj in made]), PD)
    assert [pool.keep for pool in second.pools] == [True] and second.restarting == []


def test_the_second_run_with_a_pool_of_our_own() -> None:
    nodes = [node("cpu-0"), node("gpu-0")]
    first = plan(cluster(nodes), PD, only=["gpu-0"])
    configs = [machine_configs.reduce(obj) for obj in render.objects([entry(pool) for pool in first.pools]) if obj["kind"] == "MachineConfig"]
    second = plan(cluster([node("cpu-0"), node("gpu-0", "llmd-gpu")], configs), PD, only=["gpu-0"])
    assert [(pool.name, pool.keep, pool.makes_pool) for pool in second.pools] == [("llmd-gpu", True, False)]


def entry(pool: pools.Pool) -> dict[str, Any]:
    return {
        "name": pool.name, "config": pool.config, "own": pool.name == pools.OWN_POOL,
        "kernel_arguments": [one.argument for one in pool.settings if one.argument],
        "files": {one.path: one.content for one in pool.settings if one.path},
    }  # fmt: skip


def test_paused_and_degraded_pools_are_respected() -> None:
    assert plan(cluster([node("gpu-0")], paused=True), PD).problems == ("MachineConfigPool worker is paused; ask whoever paused it",)
    draining = plan(cluster([node("gpu-0")], paused=True, paused_by="sriov-network-operator"), PD)
    assert draining.problems == ("MachineConfigPool worker is paused by sriov-network-operator; ask whoever paused it",)
    assert "degraded: disk full" in plan(cluster([node("gpu-0")], degraded=True, message="disk full"), PD).problems[0]


def test_unknown_is_a_problem_and_never_a_guess() -> None:
    snapshot = cluster([node("gpu-0")])
    assert "can't be read" in plan({**snapshot, "machine_configs": None}, PD).problems[0]
    assert "hosted" in plan({**snapshot, "pools": None}, PD).problems[0]
    assert "gpu-0" in plan(cluster([node("gpu-0", None)]), PD).problems[0]


def test_the_opposite_argument_of_somebody_else_is_named() -> None:
    wanted = [Setting("", argument="iommu=pt"), Setting("", argument="hugepagesz=1G")]
    assert clashing(wanted, [config("50-site", "worker", ["iommu=off", "hugepagesz=2M"])]) == ["50-site sets iommu=off, iommu=pt is wanted"]
    assert plan(cluster([node("gpu-0")], [config("50-site", "worker", ["iommu=off"])]), PD).problems


def test_declared_arguments_and_hugepages() -> None:
    declared = {"path": "inference_scheduling", "kernel_arguments": ["mitigations=off"], "hugepages_1gib": 16}
    found = [setting.label for setting in needed(TABLE, declared, "nvidia", [node("gpu-0")])]
    assert found == ["mitigations=off", "default_hugepagesz=1G", "hugepagesz=1G", "hugepages=16"]


def test_rendered_objects() -> None:
    pool = {"name": "llmd-gpu", "config": "99-llmd-llmd-gpu", "own": True, "kernel_arguments": ["iommu=pt"], "files": {"/etc/x": "hello\n"}}
    made_pool, made = render.objects([pool])
    assert made_pool["spec"]["nodeSelector"] == {"matchLabels": {"node-role.kubernetes.io/llmd-gpu": ""}}
    assert made["spec"]["kernelArguments"] == ["iommu=pt"]
    source = made["spec"]["config"]["storage"]["files"][0]["contents"]["source"]
    assert base64.b64decode(source.partition("base64,")[2]) == b"hello\n"
    assert machine_configs.reduce(made)["files"] == {"/etc/x": digest("hello\n")}


def test_a_file_that_cannot_be_read_is_unknown() -> None:
    odd = {"metadata": {"name": "x", "labels": {}}, "spec": {"config": {"storage": {"files": [{"path": "/a", "contents": {"source": "http://x"}}, {"path": "/b", "contents": {"source": "data:;base64,abc"}}]}}}}
    assert machine_configs.reduce(odd)["files"] == {"/a": None, "/b": None}


# ---- roll-outs that were stopped, machines that are away ----


def ours(snapshot: dict[str, Any], **pool: Any) -> dict[str, Any]:
    """The cluster after our MachineConfig was made, with the pools in another state."""
    configs = [machine_configs.reduce(obj) for obj in render.objects([entry(one) for one in plan(snapshot, PD).pools]) if obj["kind"] == "MachineConfig"]
    rows = [{**row, "config": "new", **(pool if row["name"] == "worker" else {})} for row in snapshot["pools"]]
    return {**snapshot, "machine_configs": configs, "pools": rows}


def test_a_roll_out_that_a_run_of_ours_stopped_goes_on_with_the_machines_that_are_left() -> None:
    nodes = [{**node("gpu-0"), "machine_config": "new"}, {**node("gpu-1"), "machine_config": "old"}]
    made = plan(ours(cluster(nodes), paused=True, paused_by="llmd-openshift"), PD)
    (pool,) = made.pools
    assert (pool.keep, pool.resume, pool.rolling, pool.restarting, pool.machines, made.problems) == (True, True, True, ("gpu-1",), 2, ())


def test_a_pool_that_others_paused_or_that_was_let_go_is_not_resumed() -> None:
    nodes = [{**node("gpu-0"), "machine_config": "old"}]
    for state in ({"paused": True, "paused_by": None}, {"paused": True, "paused_by": "ada"}, {"paused": False, "paused_by": "llmd-openshift"}):
        made = plan(ours(cluster(nodes), **state), PD)
        assert (made.pools[0].rolling, made.restarting, made.problems) == (False, [], ()), state


def test_our_own_pause_forbids_nothing() -> None:
    assert plan(cluster([node("gpu-0")], paused=True, paused_by="llmd-openshift"), PD).problems == ()


def test_a_move_that_was_killed_half_way_goes_on_in_one_pool() -> None:
    nodes = [node("cpu-0"), node("gpu-0"), node("gpu-1")]
    first = plan(cluster(nodes), PD, only=["gpu-0", "gpu-1"])
    configs = [machine_configs.reduce(obj) for obj in render.objects([entry(one) for one in first.pools]) if obj["kind"] == "MachineConfig"]
    half = cluster([node("cpu-0"), node("gpu-0", "llmd-gpu"), node("gpu-1")], configs)
    (pool,) = plan(half, PD, only=["gpu-0", "gpu-1"]).pools
    assert (pool.name, pool.moved, pool.machines, pool.keep, pool.rolling) == ("llmd-gpu", ("gpu-1",), 2, True, True)


@pytest.mark.parametrize(
    ("away", "stops"),
    [
        ({"schedulable": False}, "node gpu-0 is cordoned"),
        ({"ready": False}, "node gpu-0 is not Ready"),
        ({"schedulable": True}, ""),
        # on its way to another configuration: the operator has cordoned it itself
        ({"schedulable": False, "machine_config": "older"}, ""),
    ],
)
def test_a_cordoned_machine_stops_before_a_roll_out_that_would_never_end(away: dict[str, Any], stops: str) -> None:
    nodes = [{**node(f"gpu-{number}"), "ready": True, "machine_config": "x"} for number in range(4)]
    nodes[0].update(away)
    problems = plan(cluster(nodes, config="x"), PD).problems
    assert (stops in problems[0] and "left as it is" in problems[0]) if stops else problems == ()


@pytest.mark.parametrize(
    ("runs", "pool", "away", "waits"),
    [
        ("x", {"config": "x"}, [], ["worker"]),
        ("x", {"config": "x"}, ["gpu-0"], []),  # only the cordoned machine keeps it "updating"
        ("old", {"config": "x"}, [], ["worker"]),  # a true update, which has cordoned a machine
        ("x", {}, [], ["worker"]),
        ("x", {"config": "x", "paused": True}, [], []),
    ],
)
def test_which_pools_are_worth_waiting_for(runs: str, pool: dict[str, Any], away: list[str], waits: list[str]) -> None:
    nodes = [{**node("gpu-0"), "machine_config": runs, "ready": True, "schedulable": runs == "x" and not away}]
    snapshot = {"nodes": nodes, "pools": [{"name": "worker", **pool}]}
    assert unavailable.settling(snapshot) == waits and unavailable.idle(snapshot["pools"][0], nodes) == away
