# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network between GPU nodes, from a bare cluster to pods with rails, on every fabric and both ways; and each fault of the cards, named without harm."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from play import Result, Site

from tests.integration.conftest import Rehearsal, rehearsal_cli, start
from tests.integration.rehearsal.steps import apply, break_, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(2400)]  # many runs of a play in one test
STAGES = ["access", "discover", "assess", "plan", "features", "operators", "nodes", "fabric"]
PERMITTED = ["driver", "drain", "reboot"]
QUIET = ["driver"]  # nothing that the fabric does; the GPU driver of a later stage is still to come
REGISTRY = '{"spec": {"managementState": "Managed", "storage": {"emptyDir": {}}}}'
STATUS = "k8s.v1.cni.cncf.io/network-status"
RANGE = "10.90.0.0/16"
NODES = ("gpu-0", "gpu-1")
MODEL = "meta-llama/Llama-3.1-8B-Instruct"  # 32 heads: one pod may have all 8 GPUs of a node


@pytest.fixture
def on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A bare cluster of the profile that the test names."""
    yield from cluster(request.param, tmp_path)


def cluster(profile: str, folder: Path) -> Iterator[Site]:
    name = f"fab-{os.getpid()}-{profile}"
    rehearsal: Rehearsal = start(name, "--profile", profile, "--openshift", "4.20", "--speed", "10")
    yield Site(rehearsal, folder)
    rehearsal_cli("down", "--name", name)


def fabric(site: Site, **more: Any) -> Result:
    """The run up to the fabric."""
    pods = {"llmd_gpus_per_replica": 8, "llmd_replicas": 1, "llmd_prefill_replicas": 1, "llmd_model_uri": f"hf://{MODEL}", "llmd_model_name": MODEL}
    wanted = {"llmd_path": "pd_disaggregation", **pods, "llmd_allow_disruption": PERMITTED, "llmd_stages": STAGES, "llmd_rail_range": RANGE}
    return site.run(**{**wanted, **more})


def design(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = result.report["plan"]["fabric"]
    return found


def boots(site: Site) -> dict[str, str]:
    return {node["metadata"]["name"]: node["status"]["nodeInfo"]["bootID"] for node in site.rehearsal.get("nodes")["items"]}


def counters(site: Site) -> dict[str, dict[str, int]]:
    path = site.rehearsal.state / "run" / "counters.json"
    found: dict[str, dict[str, int]] = json.loads(path.read_text()) if path.exists() else {"reboots": {}, "drains": {}}
    return found


def allocatable(site: Site, resource: str) -> list[str]:
    return [site.rehearsal.get("node", name)["status"]["allocatable"].get(resource, "0") for name in NODES]


def attached(site: Site, made: dict[str, Any], name: str, node: str, namespace: str = "llmd") -> list[dict[str, Any]]:
    """A pod with what the design says that a model server gets; the networks that it has then."""
    pod = made["pod"]
    container = {"name": "c", "image": "example.com/app:1", "env": pod["env"], "resources": {"limits": pod["resources"], "requests": pod["resources"]}}
    meta = {"name": name, "namespace": namespace, "annotations": pod["annotations"]}
    spec = {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [container], "terminationGracePeriodSeconds": 0}
    apply(site.rehearsal, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    until("pod", lambda: site.rehearsal.get("pod", name, "-n", namespace)["status"].get("phase") == "Running")
    notes = site.rehearsal.get("pod", name, "-n", namespace)["metadata"].get("annotations") or {}
    found: list[dict[str, Any]] = json.loads(notes.get(STATUS, "[]"))
    return found[1:]


def check_addresses(made: dict[str, Any], *pods: list[dict[str, Any]]) -> None:
    """Each interface has an address of its rail's subnet, and nobody has it twice."""
    seen: list[str] = []
    for networks in pods:
        assert [one["name"].rpartition("/")[2] for one in networks] == [rail["network"] for rail in made["rails"]]
        for rail, one in zip(made["rails"], networks, strict=True):
            assert ipaddress.ip_address(one["ips"][0]) in ipaddress.ip_network(rail["subnet"]) and one["ips"][0] != str(ipaddress.ip_network(rail["subnet"])[1])
            seen.append(one["ips"][0])
    assert len(seen) == len(set(seen))


@pytest.mark.wide
@pytest.mark.parametrize("on", ["h200-roce", "b200-roce"], indirect=True)
def test_roce_by_virtual_functions(on: Site) -> None:
    """The cards have their functions already: nobody drains or restarts for the fabric, only once for the settings of the machines."""
    asked = fabric(on, llmd_rail_range=None)
    assert asked.rc != 0 and "the rails' addresses aren't declared: 8 rails" in asked.message.lower() and "llmd_rail_range" in asked.message
    assert on.rehearsal.get("sriovnetworknodepolicies", "-A")["items"] == [] and on.rehearsal.get("machineconfigpool", "worker")["status"]["machineCount"] == 2

    made = fabric(on)
    assert made.rc == 0, made.output[-4000:]
    drawn = design(made)
    assert (drawn["way"], drawn["link_layer"], drawn["restarting"], len(drawn["rails"])) == ("sriov", "Ethernet", [], 8)
    assert all(allocatable(on, f"openshift.io/llmd_rail_{index}") == ["16", "16"] for index in range(8))
    assert counters(on)["reboots"] == {"gpu-0": 1, "gpu-1": 1}, "the machines' settings, and nothing else"
    check_addresses(drawn, attached(on, drawn, "p0", "gpu-0"), attached(on, drawn, "p1", "gpu-1"))

    before = boots(on)
    again = fabric(on, llmd_allow_disruption=QUIET)
    assert (again.rc, again.changed, boots(on)) == (0, 0, before), again.output[-4000:]


@pytest.mark.wide
@pytest.mark.parametrize("on", ["h100-ib"], indirect=True)
def test_infiniband_both_ways(on: Site) -> None:
    """By virtual functions, without addresses; then, on the same cluster, an operator of NVIDIA shares the cards."""
    made = fabric(on, llmd_rail_range=None)
    assert made.rc == 0, made.output[-4000:]
    drawn = design(made)
    assert drawn["link_layer"] == "InfiniBand" and all(allocatable(on, f"openshift.io/llmd_rail_{index}") == ["16", "16"] for index in range(8))
    networks = attached(on, drawn, "p0", "gpu-0")
    assert len(networks) == 8 and all("ips" not in one and one["device-info"]["pci"]["pci-address"] for one in networks)
    again = fabric(on, llmd_rail_range=None, llmd_allow_disruption=QUIET)
    assert (again.rc, again.changed) == (0, 0), again.output[-4000:]

    shared = {"llmd_rail_range": None, "llmd_fabric_way": "nvidia-network-operator", "llmd_namespace": "shared"}
    other = fabric(on, **shared)
    assert other.rc == 0, other.output[-4000:]
    assert allocatable(on, "rdma/llmd_rail_7") == ["63", "63"] and design(other)["pod"]["annotations"] == {}
    assert attached(on, design(other), "p1", "gpu-1", "shared") == []
    assert fabric(on, **shared, llmd_allow_disruption=QUIET).changed == 0


@pytest.mark.wide
@pytest.mark.parametrize("on", ["h200-roce", "b200-roce"], indirect=True)
def test_roce_by_shared_and_by_whole_cards(on: Site) -> None:
    """NVIDIA's network operator with its driver, beside a card of Intel whose RDMA driver must give way; then the cards as a whole."""
    shared = {"llmd_fabric_way": "nvidia-network-operator", "llmd_fabric_driver": True, "llmd_gpus_per_replica": 4}
    made = fabric(on, **shared)
    assert made.rc == 0, made.output[-4000:]
    assert allocatable(on, "rdma/llmd_rail_0") == ["63", "63"]
    check_addresses(design(made), attached(on, design(made), "p0", "gpu-0"), attached(on, design(made), "p1", "gpu-1"), attached(on, design(made), "p2", "gpu-1"))
    again = fabric(on, **shared)
    assert (again.rc, again.changed) == (0, 0), again.output[-4000:]

    on.rehearsal.kubectl("delete", "pods", "--all", "-n", "llmd")
    on.rehearsal.kubectl("delete", "macvlannetworks", "--all")
    on.rehearsal.kubectl("delete", "nicclusterpolicies", "--all")
    whole = fabric(on, llmd_fabric_way="host-device")
    assert whole.rc == 0, whole.output[-4000:]
    assert allocatable(on, "nvidia.com/llmd_rail_0") == ["1", "1"]
    networks = attached(on, design(whole), "w0", "gpu-0")
    assert {one["device-info"]["pci"]["pci-address"] for one in networks} == {rail["nics"]["gpu-0"]["pci"] for rail in design(whole)["rails"]}


@pytest.mark.wide
@pytest.mark.parametrize(("on", "words"), [("h200-bare", "only RDMA cards of less than 100 Gb/s (eno8303np0)"), ("mi300x", "")], indirect=["on"])
def test_clusters_without_such_a_fabric_are_refused(on: Site, words: str) -> None:
    on.rehearsal.kubectl("patch", "configs.imageregistry.operator.openshift.io", "cluster", "--type=merge", "-p", REGISTRY)  # else that stops AMD first
    before = boots(on)
    refused = fabric(on)
    assert refused.rc != 0 and words in refused.message and boots(on) == before, refused.message
    forced = fabric(on, llmd_allow_unsupported=True, llmd_allow_unsupported_reason="test")
    wanted = "no card that can do RDMA at 100 Gb/s" if words else "Thor2"
    assert forced.rc != 0 and wanted in forced.message and boots(on) == before, forced.message
    assert "sriov-network-operator" not in json.dumps(on.rehearsal.get("subscriptions.operators.coreos.com", "-A"))


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster of which the cards are known, and of which nothing was made: the run stopped for lack of permission."""
    for site in cluster("h200-roce", tmp_path_factory.mktemp("reports")):
        stopped = fabric(site, llmd_stages=STAGES[:5])
        assert stopped.rc == 0, stopped.output[-4000:]
        yield site


@pytest.mark.wide
@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("nic-link-down", ["no link at node gpu-1, rail 0 (ens24f0np0 at 0000:1a:00.0)", "check cable"]),
        ("nic-wrong-link-layer", ["node gpu-1, rail 0 (ens24f0np0 at 0000:1a:00.0) is infiniband", "llmd_fabric_link_layer: ethernet"]),
        ("rails-crossed", ["rails are crossed", "check the cabling"]),
        ("vf-limit", ["gpu-1 has 4", "llmd_fabric_vfs: 4"]),
        ("sriov-off-in-bios", ["node gpu-1: rail cards without virtual functions", "bios"]),
        ("sriov-off-in-firmware", ["node gpu-1: rail cards without virtual functions", "llmd_fabric_vfs: 16"]),
        ("nic-mtu-differs", ["the rail cards have different mtus: gpu-1 ens24f0np0 at 0000:1a:00.0 has 1500", "others 9000", "llmd_fabric_mtu"]),
    ],
)  # fmt: skip
def test_faults_that_the_cards_show_stop_the_run_before_any_write(learnt: Site, scenario: str, words: list[str]) -> None:
    before = boots(learnt)
    break_(learnt.rehearsal, scenario)
    try:
        until("fault", lambda: all(word in fabric(learnt, llmd_stages=STAGES[:4]).report["plan"]["message"].lower() for word in words))
        refused = fabric(learnt)
        assert refused.rc != 0 and all(word in refused.message.lower() for word in words), refused.message
        assert learnt.rehearsal.get("sriovnetworknodepolicies", "-A")["items"] == [] and boots(learnt) == before
    finally:
        break_(learnt.rehearsal)
    until("repaired", lambda: design(fabric(learnt, llmd_stages=STAGES[:4]))["problems"] == [])


@pytest.mark.wide
def test_addresses_that_are_taken_or_too_few_stop_the_run(learnt: Site) -> None:
    config = json.dumps({"cniVersion": "0.3.1", "type": "macvlan", "ipam": {"type": "whereabouts", "range": "10.77.3.0/24"}})
    nad = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "store", "namespace": "default"}, "spec": {"config": config}}
    apply(learnt.rehearsal, nad)
    for whole, words in (
        ("10.77.0.0/16", "overlaps with NetworkAttachmentDefinition default/store, 10.77.3.0/24"),
        ("198.18.0.0/15", "overlaps with machine network 198.18.0.0/16"),
        ("10.90.0.0/28", "is too small"),
        ("fd98::/48", "OVN-Kubernetes join network fd98::/64"),
    ):
        refused = fabric(learnt, llmd_rail_range=whole)
        assert refused.rc != 0 and words in refused.message, refused.message
    assert learnt.rehearsal.get("sriovnetworks", "-A")["items"] == []


@pytest.mark.wide
def test_what_must_not_be_taken_stops_the_run(learnt: Site) -> None:
    """The node's own network, more functions than a card has, and what others have made under our names."""
    theirs = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "llmd-rail-0", "namespace": "llmd"}, "spec": {"config": "{}"}}
    apply(learnt.rehearsal, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "llmd"}}, theirs)
    for options, words in (
        ({"llmd_fabric_nics": ["eno8303np0"]}, "carries the node's own network"),
        ({"llmd_fabric_nics": ["ens99"]}, "llmd_fabric_nics names (ens99)"),
        ({"llmd_fabric_vfs": 200}, "llmd_fabric_vfs (in virtual functions): must be from 1 to 128, not 200"),
        ({"llmd_rail_range": None, "llmd_rail_subnets": ["10.90.0.0/24", "10.90.1.0/24"]}, "2 subnets for 8 rails"),
        ({}, "NetworkAttachmentDefinition llmd/llmd-rail-0 is there already and not ours"),
    ):
        refused = fabric(learnt, **options)
        assert refused.rc != 0 and words in refused.message, refused.message
    assert learnt.rehearsal.get("sriovnetworknodepolicies", "-A")["items"] == []
    learnt.rehearsal.kubectl("delete", "net-attach-def", "llmd-rail-0", "-n", "llmd")


@pytest.mark.wide
@pytest.mark.parametrize("on", ["h200-roce"], indirect=True)
def test_firmware_restarts_are_planned_and_faults_on_the_way_are_named(on: Site) -> None:
    """Another number of functions: one restart a node, named before; then a daemon that hangs, a blocked drain, cards that keep their power."""
    refused = fabric(on, llmd_fabric_vfs=8, llmd_allow_disruption=["driver"])
    assert refused.rc != 0 and "reboot" in refused.message
    first = fabric(on)
    assert first.rc == 0, first.output[-4000:]
    before = counters(on)

    step = next(one for one in fabric(on, llmd_fabric_vfs=8, llmd_stages=STAGES[:4]).report["plan"]["steps"] if one["id"] == "fabric")
    assert (step["disruption"]["kinds"], step["disruption"]["nodes"]) == (["drain", "reboot"], ["gpu-0", "gpu-1"])
    apply(on.rehearsal, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    on.rehearsal.kubectl("create", "deployment", "db", "--image=registry.example.com/db:1", "-n", "shop")
    on.rehearsal.kubectl("create", "poddisruptionbudget", "db", "--selector=app=db", "--min-available=1", "-n", "shop")
    on.rehearsal.kubectl("rollout", "status", "deployment/db", "-n", "shop", "--timeout=60s")
    blocked = fabric(on, llmd_fabric_vfs=8)
    assert blocked.rc != 0 and "shop/db" in blocked.message and counters(on) == before
    on.rehearsal.kubectl("delete", "poddisruptionbudget", "db", "-n", "shop")

    changed = fabric(on, llmd_fabric_vfs=8)
    assert changed.rc == 0, changed.output[-4000:]
    after = counters(on)
    assert {name: after["reboots"][name] - before["reboots"][name] for name in NODES} == {"gpu-0": 1, "gpu-1": 1}
    assert allocatable(on, "openshift.io/llmd_rail_3") == ["8", "8"]
    again = fabric(on, llmd_fabric_vfs=8, llmd_allow_disruption=QUIET)
    assert (again.rc, again.changed) == (0, 0), again.output[-4000:]

    break_(on.rehearsal, "sriov-daemon-stuck")
    stuck = fabric(on, llmd_fabric_vfs=12, fabric_patience_seconds=15)
    assert stuck.rc != 0 and "SriovNetworkNodeState openshift-sriov-network-operator/gpu-1" in stuck.message, stuck.message
    assert "config daemon" in stuck.message
    break_(on.rehearsal)
    assert fabric(on, llmd_fabric_vfs=12).rc == 0

    break_(on.rehearsal, "nic-firmware-needs-reset")
    endless = fabric(on, llmd_fabric_vfs=10, fabric_timeout_seconds=40)
    assert endless.rc != 0 and "gpu-1" in endless.message, endless.message
    cured = fabric(on, llmd_fabric_vfs=10, llmd_fabric_firmware_reset=True)
    assert cured.rc == 0, cured.output[-4000:]


@pytest.mark.wide
@pytest.mark.parametrize("on", ["h200-roce"], indirect=True)
def test_a_network_driver_that_never_comes_up_is_named(on: Site) -> None:
    break_(on.rehearsal, "mofed-never-ready")
    made = fabric(on, llmd_fabric_way="nvidia-network-operator", llmd_fabric_driver=True)
    assert made.rc != 0 and "NicClusterPolicy" in made.message and "gpu-1" in made.message and "mlx5_core" in made.message, made.message
