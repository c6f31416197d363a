# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine-config operator by plain kubectl, after OpenShift's "Machine configuration" documentation: normal course and failures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.rehearsal.steps import (
    MCO,
    apply,
    break_,
    conditions,
    counters,
    events,
    labels,
    machine_config,
    node,
    one_cluster,
    pool,
    until,
    updated,
)

pytestmark = pytest.mark.rehearsal
WORKERS = ("gpu-0", "gpu-1")


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One cluster for all tests here; each leaves it repaired and its pools updated."""
    yield from one_cluster(request, f"test-mco-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10")


def reboots(cluster: Any, before: dict[str, dict[str, int]]) -> dict[str, int]:
    """Reboots of each node since *before*; nodes without any are left out."""
    found = counters(cluster)["reboots"]
    return {name: count - before["reboots"].get(name, 0) for name, count in found.items() if count != before["reboots"].get(name, 0)}


def test_a_custom_pool_inherits_from_worker_and_reboots_once_for_a_batch(cluster: Any) -> None:
    until("pools", lambda: updated(cluster, "worker") and updated(cluster, "master"))
    before = counters(cluster)
    selector = {"matchExpressions": [{"key": f"{MCO}/role", "operator": "In", "values": ["worker", "gpu"]}]}
    spec = {"machineConfigSelector": selector, "nodeSelector": {"matchLabels": {"node-role.kubernetes.io/gpu": ""}}, "paused": True}
    apply(cluster, {"apiVersion": f"{MCO}/v1", "kind": "MachineConfigPool", "metadata": {"name": "gpu"}, "spec": spec})
    cluster.kubectl("label", "node", "gpu-1", "node-role.kubernetes.io/gpu=")
    apply(
        cluster,
        machine_config("99-gpu-kargs", "gpu", kernelArguments=["iommu=pt"]),
        machine_config("99-gpu-memlock", "gpu", {"/etc/crio/crio.conf.d/99-memlock": "data:,x"}),
    )
    told = until("the pause is told", lambda: pool(cluster, "gpu").get("Updating", {}).get("message") or None)
    assert told.startswith("Pool is paused; will not update to ")
    assert reboots(cluster, before) == {}
    cluster.kubectl("patch", "mcp", "gpu", "--type=merge", "-p", '{"spec":{"paused":false}}')
    until("the batch", lambda: updated(cluster, "gpu") and pool(cluster, "gpu")["Updating"]["status"] == "False"
          and reboots(cluster, before))  # fmt: skip
    assert reboots(cluster, before) == {"gpu-1": 1}
    status = cluster.get("mcp", "gpu")["status"]
    assert (status["machineCount"], status["readyMachineCount"], status["degradedMachineCount"]) == (1, 1, 0)
    until("worker has lost the node", lambda: cluster.get("mcp", "worker")["status"]["machineCount"] == 1)
    current = node(cluster, "gpu-1")["metadata"]["annotations"][f"{MCO}/currentConfig"]
    assert current.startswith("rendered-gpu-")
    assert cluster.get("machineconfig", current)["spec"]["kernelArguments"] == ["iommu=pt"]
    told = until("its MachineConfigNode", lambda: (n := cluster.get("machineconfignode", "gpu-1"))["status"]["configVersion"]["current"] == current and n)
    assert told["spec"]["pool"]["name"] == "gpu" and conditions(told)["Updated"]["status"] == "True"
    assert conditions(told)["RebootedNode"]["message"] == f"Action during update to {current}: Upgrade requires a reboot."
    cluster.kubectl("label", "node", "gpu-1", "node-role.kubernetes.io/gpu-")
    until("back in worker", lambda: cluster.get("mcp", "worker")["status"]["machineCount"] == 2 and updated(cluster, "worker"))
    cluster.kubectl("delete", "mcp", "gpu")  # before that, it would take the rendered configuration from under the node


def test_a_node_disruption_policy_saves_the_reboot(cluster: Any) -> None:
    before = counters(cluster)
    files = [{"path": "/etc/crio/crio.conf.d/99-quiet", "actions": [{"type": "Restart", "restart": {"serviceName": "crio.service"}}]}]
    configuration = {"apiVersion": "operator.openshift.io/v1", "kind": "MachineConfiguration", "metadata": {"name": "cluster"}}
    apply(cluster, {**configuration, "spec": {"managementState": "Managed", "nodeDisruptionPolicy": {"files": files}}})

    def in_force() -> bool:
        status = cluster.get("machineconfiguration", "cluster").get("status") or {}
        rows = ((status.get("nodeDisruptionPolicyStatus") or {}).get("clusterPolicies") or {}).get("files") or []
        return {"/etc/crio/crio.conf.d/99-quiet", "/etc/containers/policy.json"} <= {row["path"] for row in rows}

    until("the policy is in force", in_force)
    apply(cluster, machine_config("99-worker-quiet", "worker", {"/etc/crio/crio.conf.d/99-quiet": "data:,y"}))
    until("roll-out", lambda: events(cluster, "SkipReboot") and updated(cluster, "worker"))
    assert reboots(cluster, before) == {} and counters(cluster)["drains"] == before["drains"]


def test_kubeletconfig_accepted_and_refused(cluster: Any) -> None:
    selector = {"matchLabels": {"pools.operator.machineconfiguration.openshift.io/worker": ""}}

    def kubelet_config(name: str, **content: Any) -> dict[str, Any]:
        spec = {"machineConfigPoolSelector": selector, "kubeletConfig": content}
        return {"apiVersion": f"{MCO}/v1", "kind": "KubeletConfig", "metadata": {"name": name}, "spec": spec}

    before = counters(cluster)
    apply(cluster, kubelet_config("bad", featureGates={"X": True}))
    told = until("a refusal", lambda: conditions(cluster.get("kubeletconfig", "bad")).get("Failure"))
    assert told["status"] == "False" and "featureGates is not allowed to be set" in told["message"]
    apply(cluster, kubelet_config("good", topologyManagerPolicy="best-effort"))
    until("success", lambda: conditions(cluster.get("kubeletconfig", "good")).get("Success"))
    until("reboots", lambda: set(reboots(cluster, before)) == set(WORKERS) and updated(cluster, "worker"))
    assert reboots(cluster, before) == dict.fromkeys(WORKERS, 1)


def test_a_config_that_cannot_be_rendered(cluster: Any) -> None:
    bad = machine_config("99-worker-bad", "worker")
    bad["spec"]["config"]["ignition"]["version"] = "9.9.9"
    apply(cluster, bad)
    told = until("RenderDegraded", lambda: (c := pool(cluster, "worker")["RenderDegraded"])["status"] == "True" and c)
    assert told["message"].startswith("Failed to render configuration for pool worker: parsing Ignition config failed: unknown version")
    cluster.kubectl("delete", "machineconfig", "99-worker-bad")
    until("healed", lambda: pool(cluster, "worker")["RenderDegraded"]["status"] == "False")


def test_scenario_drain_blocked_by_pdb(cluster: Any) -> None:
    before = counters(cluster)
    break_(cluster, "drain-blocked-by-pdb")
    cluster.kubectl("annotate", "node", "gpu-1", "someone=looks", "--overwrite")  # the team deploys when it sees its node
    until("the other team's pod", lambda: any(
        item["spec"].get("nodeName") == "gpu-1" and item["status"].get("phase") == "Running" for item in cluster.get("pods", "-n", "ledger")["items"]
    ))  # fmt: skip
    assert cluster.get("pdb", "bookkeeper", "-n", "ledger")["spec"]["minAvailable"] == 1
    apply(cluster, machine_config("99-worker-drain", "worker", kernelArguments=["a=1"]))
    found = until("the drain is stuck", lambda: events(cluster, "DrainThresholdExceeded"))
    assert "global timeout reached: 1m30s" in found[0]["message"] and "disruption budget" not in found[0]["message"]
    degraded = until("NodeDegraded", lambda: (c := pool(cluster, "worker")["NodeDegraded"])["status"] == "True" and c)
    assert degraded["message"].startswith('Node gpu-1 is reporting: "failed to drain node: gpu-1 after 1 hour.')
    assert degraded["reason"] == "1 nodes are reporting degraded status on sync"
    assert "gpu-1" not in reboots(cluster, before) and node(cluster, "gpu-1")["spec"]["unschedulable"]
    break_(cluster)
    until("repaired", lambda: updated(cluster, "worker") and reboots(cluster, before).get("gpu-1") == 1)
    assert pool(cluster, "worker")["Degraded"]["status"] == "False"


def test_scenario_mcp_degraded(cluster: Any) -> None:
    before = counters(cluster)
    break_(cluster, "mcp-degraded")
    cluster.kubectl("label", "node", "gpu-1", "touched=yes", "--overwrite")
    degraded = until("NodeDegraded", lambda: (c := pool(cluster, "worker")["NodeDegraded"])["status"] == "True" and c)
    assert 'unexpected on-disk state validating against rendered-worker-' in degraded["message"]
    assert "content mismatch for file" in degraded["message"]
    assert events(cluster, "ConfigDriftDetected")
    apply(cluster, machine_config("99-worker-degraded", "worker", kernelArguments=["b=1"]))
    until("updating", lambda: pool(cluster, "worker")["Updating"]["status"] == "True")
    assert cluster.get("mcp", "worker")["status"]["degradedMachineCount"] == 1
    assert reboots(cluster, before) == {}, "one node may be away, and the degraded one is"
    assert "content mismatch" in conditions(cluster.get("machineconfignode", "gpu-1"))["NodeDegraded"]["message"]
    break_(cluster)
    until("repaired", lambda: updated(cluster, "worker") and set(reboots(cluster, before)) == set(WORKERS))


def test_scenario_node_never_returns(cluster: Any) -> None:
    before = counters(cluster)
    break_(cluster, "node-never-returns")
    apply(cluster, machine_config("99-worker-lost", "worker", kernelArguments=["c=1"]))
    until("the node is away", lambda: reboots(cluster, before).get("gpu-1") == 1
          and conditions(node(cluster, "gpu-1"))["Ready"]["status"] == "Unknown")  # fmt: skip
    status = cluster.get("mcp", "worker")["status"]
    until("unavailable", lambda: cluster.get("mcp", "worker")["status"]["unavailableMachineCount"] == 1)
    assert pool(cluster, "worker")["Updating"]["status"] == "True" and status["degradedMachineCount"] == 0
    assert "node.kubernetes.io/unreachable" in until("taints", lambda: [t["key"] for t in node(cluster, "gpu-1")["spec"].get("taints") or []
                                                                   if t["key"].endswith("unreachable")])  # fmt: skip
    break_(cluster)
    until("back", lambda: updated(cluster, "worker") and "type" in labels(cluster, "gpu-1"))
