# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine-config operator: rendering, pools, and one node's way through drain and reboot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.operators import mco_checks, mco_pool, mco_render
from rehearsal.operators.mco import Mco
from rehearsal.operators.mco_node import must_evict, resumed
from rehearsal.operators.mco_pool import CURRENT, DEGRADED, DESIRED, DONE, REASON, STATE

API = "machineconfiguration.openshift.io/v1"
ROLE = f"{mco_pool.PREFIX}role"


def config(name: str, role: str = "worker", files: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    ignition: dict[str, Any] = {"ignition": {"version": "3.5.0"}}
    if files:
        ignition["storage"] = {"files": [{"path": path, "contents": {"source": text}} for path, text in files.items()]}
    return {"apiVersion": API, "kind": "MachineConfig", "metadata": {"name": name, "labels": {ROLE: role}}, "spec": {"config": ignition, **spec}}


def pool(name: str, *roles: str, **spec: Any) -> dict[str, Any]:
    selector = {"matchExpressions": [{"key": ROLE, "operator": "In", "values": list(roles or (name,))}]}
    nodes = {"matchLabels": {f"node-role.kubernetes.io/{name}": ""}}
    meta = {"name": name, "labels": {f"pools.operator.machineconfiguration.openshift.io/{name}": ""}}
    body = {"machineConfigSelector": selector, "nodeSelector": nodes, **spec}
    return {"apiVersion": API, "kind": "MachineConfigPool", "metadata": meta, "spec": body}


def role(name: str) -> dict[str, str]:
    return {f"node-role.kubernetes.io/{name}": ""}


class TestRender:
    def test_later_names_win_and_arguments_add_up(self) -> None:
        spec = mco_render.merge([
            config("99-b", files={"/a": "new"}, kernelArguments=["b"]),
            config("01-a", files={"/a": "old", "/c": "x"}, kernelArguments=["a"], osImageURL="img"),
        ])  # fmt: skip
        assert spec["kernelArguments"] == ["a", "b"]
        assert spec["osImageURL"] == "img"
        assert {item["path"]: item["contents"]["source"] for item in spec["config"]["storage"]["files"]} == {"/a": "new", "/c": "x"}

    def test_the_name_follows_the_content(self) -> None:
        one, same, other = (mco_render.merge([config("a", kernelArguments=[text])]) for text in ("x", "x", "y"))
        assert mco_render.rendered_name("worker", one) == mco_render.rendered_name("worker", same)
        assert mco_render.rendered_name("worker", one) != mco_render.rendered_name("worker", other)

    @pytest.mark.parametrize("version", ["", "4.0.0", "3.9.9"])
    def test_unknown_ignition_cannot_be_rendered(self, version: str) -> None:
        bad = config("99-bad")
        bad["spec"]["config"]["ignition"]["version"] = version
        with pytest.raises(mco_render.RenderError, match="unknown version.*99-bad"):
            mco_render.merge([config("00"), bad])

    def actions(self, old: dict[str, Any], new: dict[str, Any], files: Any = None, units: Any = None) -> list[str]:
        policies = mco_checks.action_types(None)
        return mco_render.actions(mco_render.merge([old]), mco_render.merge([new]), {**policies[0], **(files or {})}, units or {})

    def test_the_same_content_needs_nothing(self) -> None:
        assert self.actions(config("a"), config("b")) == []

    def test_kernel_arguments_and_unknown_files_need_a_reboot(self) -> None:
        assert self.actions(config("a"), config("a", kernelArguments=["iommu=pt"])) == ["Reboot"]
        assert self.actions(config("a"), config("a", files={"/etc/crio/crio.conf.d/99-x": "y"})) == ["Reboot"]

    def test_policies_of_product_and_administrator_avoid_it(self) -> None:
        assert self.actions(config("a"), config("a", files={"/etc/containers/registries.d/x": "y"})) == ["Reload"]
        crio = config("a", files={"/etc/crio/crio.conf.d/99-x": "y"})
        assert self.actions(config("a"), crio, {"/etc/crio/crio.conf.d": ["Drain", "Restart"]}) == ["Drain", "Restart"]

    def test_one_change_that_needs_a_reboot_decides(self) -> None:
        both = config("a", files={"/etc/containers/policy.json": "p", "/etc/motd": "m"})
        assert self.actions(config("a"), both) == ["Reboot"]

    def test_policies_are_read_from_machineconfiguration(self) -> None:
        spec = {"nodeDisruptionPolicy": {"files": [{"path": "/x", "actions": [{"type": "None"}]}], "units": [{"name": "u", "actions": [{"type": "Reload"}]}]}}
        files, units = mco_checks.action_types({"spec": spec})
        assert (files["/x"], units) == (["None"], {"u": ["Reload"]})
        assert files["/etc/containers/policy.json"] == ["Reload"]
        assert "/x" not in mco_checks.action_types(None)[0]

    @pytest.mark.parametrize(
        ("kind", "spec", "why"),
        [
            ("KubeletConfig", {"kubeletConfig": {"featureGates": {"A": True}}}, "featureGates is not allowed to be set, but contains: map[A:true]"),
            ("KubeletConfig", {"kubeletConfig": {"clusterDNS": ["1.2.3.4"]}}, "clusterDNS is not allowed to be set, but contains: [1.2.3.4]"),
            ("KubeletConfig", {"logLevel": 11}, "LogLevel is not valid"),
            ("KubeletConfig", {"kubeletConfig": {"topologyManagerPolicy": "best-effort"}}, None),
            ("ContainerRuntimeConfig", {"containerRuntimeConfig": {"pidsLimit": 5}}, "invalid PidsLimit 5"),
            ("ContainerRuntimeConfig", {"containerRuntimeConfig": {"logSizeMax": "4096"}}, "cannot be less than 8kB"),
            ("ContainerRuntimeConfig", {"containerRuntimeConfig": {"defaultRuntime": "kata"}}, "must be one of crun, runc"),
            ("ContainerRuntimeConfig", {"containerRuntimeConfig": {"pidsLimit": 4096}}, None),
        ],
    )
    def test_what_may_not_be_set_is_refused(self, kind: str, spec: dict[str, Any], why: str | None) -> None:
        told = mco_checks.refusal(kind, spec)
        assert told is None if why is None else why in (told or "")


class TestPools:
    POOLS = [pool("master"), pool("worker"), pool("gpu", "worker", "gpu"), pool("infra", "worker", "infra")]

    def of(self, *roles: str) -> tuple[str | None, str]:
        labels = {key: value for name in roles for key, value in role(name).items()}
        return mco_pool.pool_of({"metadata": {"name": "n", "labels": labels}}, self.POOLS)

    def test_custom_before_worker_but_never_before_master(self) -> None:
        assert self.of("worker")[0] == "worker"
        assert self.of("worker", "gpu")[0] == "gpu"
        assert self.of("worker", "master", "gpu")[0] == "master"
        assert self.of("unheard")[0] is None

    def test_two_custom_pools_are_an_error(self) -> None:
        name, why = self.of("worker", "gpu", "infra")
        assert name is None
        assert "belongs to 2 custom roles" in why

    @pytest.mark.parametrize(("given", "count", "expected"), [(None, 9, 1), (3, 9, 3), ("50%", 5, 2), ("10%", 5, 1)])
    def test_max_unavailable(self, given: Any, count: int, expected: int) -> None:
        assert mco_pool.max_unavailable(pool("worker", maxUnavailable=given), count) == expected

    def node(self, name: str, current: str = "old", desired: str = "old", state: str = DONE, ready: bool = True, **spec: Any) -> Any:
        notes = {CURRENT: current, DESIRED: desired, STATE: state}
        status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
        return {"metadata": {"name": name, "annotations": notes}, "spec": spec, "status": status}

    def names(self, nodes: list[Any], **spec: Any) -> list[str]:
        return [item["metadata"]["name"] for item in mco_pool.candidates(pool("worker", **spec), nodes, "new")]

    def test_one_after_the_other(self) -> None:
        assert self.names([self.node("a"), self.node("b")]) == ["a"]
        assert self.names([self.node("a", desired="new"), self.node("b")]) == []
        assert self.names([self.node("a", "new", "new"), self.node("b")]) == ["b"]
        assert self.names([self.node("a"), self.node("b")], maxUnavailable=2) == ["a", "b"]

    def test_a_paused_pool_moves_nobody(self) -> None:
        assert self.names([self.node("a")], paused=True) == []

    def test_a_cordoned_or_dead_node_is_left_alone_and_blocks_the_others(self) -> None:
        assert self.names([self.node("a", unschedulable=True), self.node("b")]) == []
        assert self.names([self.node("a", ready=False), self.node("b")]) == []
        assert self.names([self.node("a", unschedulable=True), self.node("b")], maxUnavailable=2) == ["b"]

    def told(self, nodes: list[Any], error: str | None = None, **spec: Any) -> dict[str, Any]:
        counts, conditions = mco_pool.status(pool("worker", **spec), nodes, "new", error)
        return {**counts, **{item["type"]: item for item in conditions}}

    def test_updated_needs_every_node_schedulable(self) -> None:
        done = self.node("a", "new", "new")
        assert self.told([done])["Updated"]["status"] == "True"
        told = self.told([done, self.node("b", "new", "new", unschedulable=True)])
        assert (told["Updated"]["status"], told["updatedMachineCount"], told["readyMachineCount"]) == ("False", 2, 1)

    def test_a_paused_pool_says_so(self) -> None:
        told = self.told([self.node("a")], paused=True)
        assert told["Updating"]["status"] == "False"
        assert told["Updating"]["message"] == "Pool is paused; will not update to MachineConfig new"

    def test_a_degraded_node_is_named_with_its_reason(self) -> None:
        node = self.node("a", desired="new", state=DEGRADED)
        node["metadata"]["annotations"][REASON] = "boom"
        told = self.told([node])
        assert told["Degraded"]["message"] == 'Node a is reporting: "boom"'
        assert told["NodeDegraded"]["reason"] == "1 nodes are reporting degraded status on sync"

    def test_a_render_error_degrades_the_pool(self) -> None:
        told = self.told([self.node("a", "new", "new")], "Failed to render")
        assert (told["RenderDegraded"]["status"], told["Degraded"]["status"]) == ("True", "True")


class TestDrain:
    @pytest.mark.parametrize(
        ("meta", "phase", "expected"),
        [
            ({}, "Running", True),
            ({"ownerReferences": [{"kind": "ReplicaSet"}]}, "Running", True),
            ({"ownerReferences": [{"kind": "DaemonSet"}]}, "Running", False),
            ({"ownerReferences": [{"kind": "Node"}]}, "Running", False),
            ({"annotations": {"kubernetes.io/config.mirror": "x"}}, "Running", False),
            ({}, "Succeeded", False),
        ],
    )
    def test_which_pods_must_go(self, meta: Any, phase: str, expected: bool) -> None:
        assert must_evict({"metadata": meta, "status": {"phase": phase}}) is expected

    def test_pods_come_back_restarted(self) -> None:
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [{"name": "c", "restartCount": 2}]}
        back = resumed({"metadata": {}, "status": status}, "t")
        assert back is not None
        assert (back["conditions"][0]["status"], back["containerStatuses"][0]["restartCount"]) == ("True", 3)
        assert resumed({"metadata": {}, "status": {"phase": "Pending"}}, "t") is None


@pytest.fixture
def machines(world: Any) -> Any:
    """Two workers, one master, settled on their first configuration; `settle(n)` runs n rounds."""
    world.no_delays()
    world.settings.data["profile"]["delays"].update({"drain-timeout": 1000.0, "drain-threshold": 1000.0})
    for name in ("master", "worker"):
        world.kube.add(config(f"00-{name}", name))
        world.kube.add(pool(name))
    world.node("m-0", role("master"))
    world.node("w-0", role("worker"))
    world.node("w-1", role("worker"))
    world.mco = world.run(Mco)

    def settle(rounds: int = 1) -> None:
        kube = world.kube
        for _ in range(rounds):
            for obj in [item for item in kube.objects.values() if item["kind"] in ("MachineConfigPool", "KubeletConfig")]:
                world.mco.reconcile(kube, obj)
            for obj in [item for item in kube.objects.values() if item["kind"] == "Node"]:
                world.mco.reconcile(kube, obj)
                kwok(kube.get(kube.path_of(obj)))

    world.settle = settle
    settle(3)
    return world


def kwok(node: Any) -> None:
    """Makes a node Ready that it may play the kubelet of."""
    if node["metadata"]["labels"].get("type") == "kwok":
        node["status"]["conditions"][0]["status"] = "True"


def notes(world: Any, node: str, key: str) -> str:
    return str(world.kube.get(f"v1|Node||{node}")["metadata"]["annotations"].get(key, ""))


def counters(world: Any) -> Any:
    path = world.settings.state / "run" / "counters.json"
    return json.loads(path.read_text()) if path.exists() else {"drains": {}, "reboots": {}}


def condition_of(world: Any, name: str, kind: str) -> Any:
    conditions = world.kube.get(f"{API}|MachineConfigPool||{name}")["status"]["conditions"]
    return next(item for item in conditions if item["type"] == kind)


class TestMco:
    def test_a_fresh_cluster_is_updated_without_any_disruption(self, machines: Any) -> None:
        assert condition_of(machines, "worker", "Updated")["status"] == "True"
        assert condition_of(machines, "master", "Updated")["status"] == "True"
        assert counters(machines) == {"drains": {}, "reboots": {}}
        assert notes(machines, "w-0", CURRENT).startswith("rendered-worker-")

    def test_a_settled_cluster_writes_nothing(self, machines: Any) -> None:
        machines.kube.writes.clear()
        machines.settle(2)
        assert machines.kube.writes == []

    def test_kernel_arguments_reboot_every_worker_once_and_no_master(self, machines: Any) -> None:
        machines.pod("app-1", "w-0", metadata={"ownerReferences": [{"kind": "ReplicaSet"}]})
        machines.kube.add(config("99-kargs", kernelArguments=["iommu=pt"]))
        machines.settle(3)
        away = [name for name in ("w-0", "w-1") if machines.kube.get(f"v1|Node||{name}")["spec"].get("unschedulable")]
        assert len(away) == 1
        assert condition_of(machines, "worker", "Updating")["status"] == "True"
        machines.settle(20)
        assert counters(machines) == {"drains": {"w-0": 1, "w-1": 1}, "reboots": {"w-0": 1, "w-1": 1}}
        assert condition_of(machines, "worker", "Updated")["status"] == "True"
        node = machines.kube.get("v1|Node||w-0")
        assert node["status"]["nodeInfo"]["bootID"] != "boot-1"
        assert not node["spec"].get("unschedulable")
        assert "evict app-1" in machines.kube.writes

    def test_a_paused_pool_waits_and_then_reboots_once_for_all_changes(self, machines: Any) -> None:
        worker = machines.kube.get(f"{API}|MachineConfigPool||worker")
        worker["spec"]["paused"] = True
        machines.kube.add(config("99-a", kernelArguments=["a"]))
        machines.settle(3)
        machines.kube.add(config("99-b", kernelArguments=["b"]))
        machines.settle(3)
        assert counters(machines)["reboots"] == {}
        machines.kube.get(f"{API}|MachineConfigPool||worker")["spec"]["paused"] = False
        machines.settle(20)
        assert counters(machines)["reboots"] == {"w-0": 1, "w-1": 1}

    def test_a_disruption_budget_blocks_the_drain_and_is_told_after_the_timeout(self, machines: Any) -> None:
        machines.pod("app-1", "w-0", metadata={"ownerReferences": [{"kind": "ReplicaSet"}]})
        machines.kube.blocked.add("app-1")
        machines.kube.add(config("99-kargs", kernelArguments=["x"]))
        machines.settle(5)
        assert condition_of(machines, "worker", "Degraded")["status"] == "False"
        machines.settings.data["profile"]["delays"].update({"drain-timeout": 0.0, "drain-threshold": 0.0})
        machines.settle(2)
        assert condition_of(machines, "worker", "Degraded")["status"] == "True"
        assert "failed to drain node: w-0 after 1 hour" in condition_of(machines, "worker", "NodeDegraded")["message"]
        told = machines.events("DrainThresholdExceeded")[0]["message"]
        assert told.endswith('Error message from drain: error when evicting pods/"app-1" -n "app": global timeout reached: 1m30s')
        assert machines.events("DrainFailed")
        assert counters(machines)["reboots"] == {}
        machines.kube.blocked.clear()
        machines.settle(20)
        assert condition_of(machines, "worker", "Updated")["status"] == "True"
        assert condition_of(machines, "worker", "Degraded")["status"] == "False"

    def test_a_cordoned_node_stays_cordoned_and_is_not_updated(self, machines: Any) -> None:
        machines.kube.get("v1|Node||w-0")["spec"]["unschedulable"] = True
        machines.kube.add(config("99-kargs", kernelArguments=["x"]))
        machines.settle(10)
        assert machines.kube.get("v1|Node||w-0")["spec"]["unschedulable"] is True
        assert counters(machines)["reboots"] == {}  # and it takes the one place that maxUnavailable leaves
        assert condition_of(machines, "worker", "Updating")["status"] == "True"

    def test_a_file_with_a_policy_needs_no_drain(self, machines: Any) -> None:
        policy = {"nodeDisruptionPolicy": {"files": [{"path": "/etc/crio/crio.conf.d/99-x", "actions": [{"type": "Restart"}]}]}}
        machines.kube.add({"apiVersion": "operator.openshift.io/v1", "kind": "MachineConfiguration", "metadata": {"name": "cluster"}, "spec": policy})
        machines.kube.add(config("99-x", files={"/etc/crio/crio.conf.d/99-x": "y"}))
        machines.settle(10)
        assert condition_of(machines, "worker", "Updated")["status"] == "True"
        assert counters(machines) == {"drains": {}, "reboots": {}}
        assert machines.events("SkipReboot")

    def test_a_changed_file_degrades_the_node_and_stops_the_pool(self, machines: Any) -> None:
        machines.settings.data["scenario"] = {"mcp-degraded": {"node": "w-1"}}
        machines.settle(1)
        machines.kube.add(config("99-kargs", kernelArguments=["x"]))
        machines.settle(10)
        assert counters(machines)["reboots"] == {}
        assert condition_of(machines, "worker", "NodeDegraded")["reason"] == "1 nodes are reporting degraded status on sync"
        message = condition_of(machines, "worker", "Degraded")["message"]
        assert message.startswith('Node w-1 is reporting: "unexpected on-disk state validating against rendered-worker-')
        assert machines.events("ConfigDriftDetected")
        machines.settings.data["scenario"] = {}
        machines.settle(20)
        assert condition_of(machines, "worker", "Degraded")["status"] == "False"
        assert counters(machines)["reboots"] == {"w-0": 1, "w-1": 1}

    def test_a_node_that_never_returns_leaves_the_pool_updating(self, machines: Any) -> None:
        machines.settings.data["scenario"] = {"node-never-returns": {"node": "w-0"}}
        machines.kube.add(config("99-kargs", kernelArguments=["x"]))
        machines.settle(15)
        assert counters(machines)["reboots"] == {"w-0": 1}
        pool_status = machines.kube.get(f"{API}|MachineConfigPool||worker")["status"]
        assert (pool_status["unavailableMachineCount"], pool_status["degradedMachineCount"]) == (1, 0)
        assert condition_of(machines, "worker", "Updating")["status"] == "True"
        ready = next(c for c in machines.kube.get("v1|Node||w-0")["status"]["conditions"] if c["type"] == "Ready")
        assert ready["status"] == "Unknown"
        machines.settings.data["scenario"] = {}
        machines.settle(20)
        assert condition_of(machines, "worker", "Updated")["status"] == "True"

    def test_a_single_node_reboots_without_a_drain(self, machines: Any) -> None:
        machines.settings.data["profile"]["platform"] = {"control_plane_topology": "SingleReplica"}
        machines.pod("app-1", "w-0", metadata={"ownerReferences": [{"kind": "ReplicaSet"}]})
        machines.kube.blocked.add("app-1")
        machines.kube.add(config("99-kargs", kernelArguments=["x"]))
        machines.settle(15)
        assert counters(machines) == {"drains": {}, "reboots": {"w-0": 1, "w-1": 1}}
        assert machines.events("Drain")[0]["message"] == "Drain not required, skipping"
        assert not machines.kube.get("v1|Node||w-0")["spec"].get("unschedulable")

    def test_policies_in_force_are_told(self, machines: Any) -> None:
        machines.mco.start(machines.kube)
        found = machines.kube.get("operator.openshift.io/v1|MachineConfiguration||cluster")
        machines.mco.reconcile(machines.kube, found)
        status = machines.kube.get("operator.openshift.io/v1|MachineConfiguration||cluster")["status"]
        assert "/etc/crio/policies" in [item["path"] for item in status["nodeDisruptionPolicyStatus"]["clusterPolicies"]["files"]]

    def test_a_refused_kubeletconfig_makes_no_configuration(self, machines: Any) -> None:
        selector = {"matchLabels": {"pools.operator.machineconfiguration.openshift.io/worker": ""}}
        spec = {"machineConfigPoolSelector": selector, "kubeletConfig": {"featureGates": {"X": True}}}
        machines.kube.add({"apiVersion": API, "kind": "KubeletConfig", "metadata": {"name": "bad"}, "spec": spec})
        machines.settle(5)
        condition = machines.kube.get(f"{API}|KubeletConfig||bad")["status"]["conditions"][0]
        assert (condition["type"], condition["status"]) == ("Failure", "False")
        assert "featureGates is not allowed" in condition["message"]
        assert counters(machines)["reboots"] == {}

    def test_a_config_that_cannot_be_rendered_degrades_the_pool_and_touches_no_node(self, machines: Any) -> None:
        bad = config("99-bad")
        bad["spec"]["config"]["ignition"]["version"] = "9.9.9"
        machines.kube.add(bad)
        machines.settle(3)
        assert condition_of(machines, "worker", "RenderDegraded")["status"] == "True"
        assert counters(machines)["reboots"] == {}
        machines.kube.delete(f"{API}|MachineConfig||99-bad")
        machines.settle(3)
        assert condition_of(machines, "worker", "RenderDegraded")["status"] == "False"

    def test_a_node_moves_to_a_custom_pool_of_the_same_content_without_reboot(self, machines: Any) -> None:
        machines.kube.add(pool("gpu", "worker", "gpu"))
        machines.kube.get("v1|Node||w-0")["metadata"]["labels"].update(role("gpu"))
        machines.settle(10)
        assert notes(machines, "w-0", CURRENT).startswith("rendered-gpu-")
        assert counters(machines) == {"drains": {}, "reboots": {}}
        assert machines.kube.get(f"{API}|MachineConfigPool||worker")["status"]["machineCount"] == 1

    def test_a_kubeletconfig_is_rendered_too(self, machines: Any) -> None:
        selector = {"matchLabels": {"pools.operator.machineconfiguration.openshift.io/worker": ""}}
        source = {"apiVersion": API, "kind": "KubeletConfig", "metadata": {"name": "topology"}}
        machines.kube.add({**source, "spec": {"machineConfigPoolSelector": selector, "kubeletConfig": {"topologyManagerPolicy": "best-effort"}}})
        machines.settle(20)
        assert machines.kube.get(f"{API}|MachineConfig||99-worker-generated-kubelet") is not None
        assert counters(machines)["reboots"] == {"w-0": 1, "w-1": 1}

    def test_a_kubeletconfig_for_no_pool_says_so(self, machines: Any) -> None:
        source = {"apiVersion": API, "kind": "KubeletConfig", "metadata": {"name": "lost"}, "spec": {"kubeletConfig": {}}}
        machines.kube.add(source)
        machines.settle(2)
        status = machines.kube.get(f"{API}|KubeletConfig||lost")["status"]
        assert status["conditions"][-1]["type"] == "Failure"
        assert "could not find any MachineConfigPool" in status["conditions"][-1]["message"]

    def test_a_rendered_config_that_was_deleted_degrades_the_node(self, machines: Any) -> None:
        gone = notes(machines, "w-0", CURRENT)
        machines.kube.add(config("99-kargs", kernelArguments=["x"]))
        machines.kube.delete(f"{API}|MachineConfig||{gone}")
        machines.settle(3)
        assert notes(machines, "w-0", STATE) == DEGRADED
        assert f'"{gone}" not found' in notes(machines, "w-0", REASON)
