# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Multus and whereabouts: forms of the annotation, addresses that nobody else has, errors in the product's words, release."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal import stages
from rehearsal.kubelet.pod import waits_for_networks
from rehearsal.operators import multus_ipam
from rehearsal.operators.multus import Multus, told
from rehearsal.operators.multus_networks import STATUS, BadRequest, Network, check_isolation, plugins, requested
from rehearsal.operators.multus_plugins import Failed, NodeView, check, devices_of

NETWORKS = "k8s.v1.cni.cncf.io/networks"
POOL = "whereabouts.cni.cncf.io/v1alpha1|IPPool|openshift-multus"


def asks(text: str, namespace: str = "demo") -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": namespace, "annotations": {NETWORKS: text}}}


class TestAnnotation:
    @pytest.mark.parametrize(
        ("text", "networks"),
        [
            ("a", [Network("a", "demo")]),
            ("a, other/b@eth7", [Network("a", "demo"), Network("b", "other", "eth7")]),
            ('[{"name":"a","ips":["10.0.0.5/24"],"mac":"02:00:00:00:00:01"}]', [Network("a", "demo", "", "02:00:00:00:00:01", ("10.0.0.5/24",))]),
            ("", []),
        ],
    )
    def test_forms(self, text: str, networks: list[Network]) -> None:
        assert requested(asks(text)) == networks

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a/b/c", "failed at '/'"), ("a@b@c", "failed at '@'"), ("A_b", "mismatch @ 'A_b'"), ("[{", "JSON format"), ('{"name":"a"}', "cannot unmarshal"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read(self, text: str, words: str) -> None:
        with pytest.raises(BadRequest, match=words):
            requested(asks(text))

    def test_definitions_of_other_namespaces_are_out_of_reach(self) -> None:
        with pytest.raises(BadRequest, match="pod is in namespace demo but refers to target namespace other"):
            check_isolation(asks("other/a"), Network("a", "other"))
        check_isolation(asks("default/a"), Network("a", "default"))

    @pytest.mark.parametrize("config", ["", "{", '{"name":"x"}', '{"plugins":[]}', "[]"])
    def test_a_broken_configuration(self, config: str) -> None:
        with pytest.raises(BadRequest, match="error loading configuration of n"):
            plugins({"metadata": {"name": "n"}, "spec": {"config": config}})

    def test_simulated_pods_become_ready_after_multus_only(self) -> None:
        stage = {"metadata": {"name": "pod-ready"}, "spec": {"resourceRef": {"kind": "Pod"}, "selector": {"matchExpressions": []}}}
        added = stages.adapt(stage, [])["spec"]["selector"]["matchExpressions"]
        assert [(item["key"], item["operator"], item["values"]) for item in added] == [(stages.WAITS_FOR_NETWORKS, "NotIn", ["true"])]

    def test_who_waits(self) -> None:
        assert waits_for_networks({**asks("a"), "spec": {}})
        assert not waits_for_networks({**asks("a"), "spec": {"hostNetwork": True}})
        assert not waits_for_networks({"metadata": {}, "spec": {}})


class TestAddresses:
    def test_the_first_free_one_without_network_broadcast_and_excluded(self) -> None:
        row = {"range": "10.0.0.0/29", "exclude": ["10.0.0.1/32", "10.0.0.2"]}
        taken = [multus_ipam.address("10.0.0.3")]
        assert str(multus_ipam.lowest(row, taken)) == "10.0.0.4"

    @pytest.mark.parametrize(
        ("row", "first", "last"),
        [
            ({"range": "10.0.0.0/24"}, "10.0.0.1", "10.0.0.254"),
            ({"range": "10.0.0.10-10.0.0.0/24"}, "10.0.0.10", "10.0.0.254"),
            ({"range": "10.0.0.0/24", "range_start": "10.0.0.7", "range_end": "10.0.0.9"}, "10.0.0.7", "10.0.0.9"),
            ({"range": "10.0.0.4/32"}, "10.0.0.4", "10.0.0.4"),
            ({"range": "fd00::/126"}, "fd00::1", "fd00::3"),
        ],
    )
    def test_bounds(self, row: dict[str, str], first: str, last: str) -> None:
        assert [str(item) for item in multus_ipam.bounds(row)] == [first, last]

    def test_used_up(self) -> None:
        with pytest.raises(multus_ipam.NoAddress, match=r"Could not allocate IP in range: ip: 10.0.0.1 / - 10.0.0.2 / range: 10.0.0.0/30"):
            multus_ipam.lowest({"range": "10.0.0.0/30"}, [multus_ipam.address(f"10.0.0.{n}") for n in (1, 2)])

    @pytest.mark.parametrize("ipam", [{}, {"range": "10.0.0/24"}, {"ipRanges": [{"range": "x"}]}])
    def test_what_cannot_be_read(self, ipam: dict[str, Any]) -> None:
        with pytest.raises(multus_ipam.NoAddress):
            multus_ipam.subnet(multus_ipam.ranges(ipam)[0])

    def test_names_of_pools(self) -> None:
        assert multus_ipam.pool_name({"range": "10.0.0.9/24"}) == "10.0.0.0-24"
        assert multus_ipam.pool_name({"range": "fd00::/64"}, "net") == "net-fd00---64"

    def test_static(self) -> None:
        ipam = {"addresses": [{"address": "10.1.1.5/24"}]}
        assert multus_ipam.static(ipam) == ["10.1.1.5/24"] and multus_ipam.static(ipam, ["10.1.1.9/24"]) == ["10.1.1.9/24"]
        with pytest.raises(multus_ipam.NoAddress, match="CIDR"):
            multus_ipam.static({"addresses": [{"address": "ten"}]})


class TestPlugins:
    view = NodeView({"ens1": {"mtu": 1500}})

    @pytest.mark.parametrize(
        ("chain", "words"),
        [
            ([{"type": "magic"}], 'failed to find plugin "magic"'),
            ([{"type": "macvlan", "master": "ens9"}], 'failed to lookup master "ens9": Link not found'),
            ([{"type": "macvlan", "master": "ens1", "mtu": 9000}], r"invalid MTU 9000, must be \[0, master MTU\(1500\)\]"),
            ([{"type": "sriov"}], "VF pci addr is required"),
            ([{"type": "host-device"}], "specify either"),
            ([{"type": "macvlan"}, {"type": "rdma"}], "set to shared, expecting it to be set to exclusive"),
        ],
    )
    def test_what_they_miss(self, chain: list[dict[str, Any]], words: str) -> None:
        with pytest.raises(Failed, match=words):
            check(chain, self.view, None)

    def test_devices_of_a_nodestate(self) -> None:
        vfs = [{"pciAddress": f"0000:1a:00.{n}", "vfID": n - 1} for n in (2, 1)]
        groups = [{"resourceName": "a", "vfRange": "0-0"}, {"resourceName": "b", "vfRange": "1-7"}]
        state = {"spec": {"interfaces": [{"pciAddress": "x", "vfGroups": groups}]}, "status": {"interfaces": [{"pciAddress": "x", "Vfs": vfs}]}}
        assert {name: [vf["vfID"] for vf in rows] for name, rows in devices_of(state, "o/").items()} == {"o/a": [0], "o/b": [1]}
        assert devices_of(None, "o/") == {}


class Net:
    """Multus at work on the cluster in memory."""

    def __init__(self, world: Any) -> None:
        self.world, self.kube = world, world.kube
        world.settings.data["profile"]["nodes"] = [{"name": "gpu-0", "nics": []}]
        world.node("gpu-0")
        self.multus = world.run(Multus)
        self.multus.start(self.kube)

    def define(self, name: str, ipam: dict[str, Any] | None = None, resource: str = "", **plugin: Any) -> None:
        config = {"cniVersion": "0.3.1", "name": name, "type": "bridge", **plugin, **({"ipam": ipam} if ipam else {})}
        notes = {"k8s.v1.cni.cncf.io/resourceName": resource} if resource else {}
        meta = {"name": name, "namespace": "demo", "annotations": notes}
        self.kube.add({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": meta, "spec": {"config": json.dumps(config)}})

    def pod(self, name: str, networks: str, **extra: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.world.pod(name, "gpu-0", "demo", metadata={"annotations": {NETWORKS: networks}}, **extra)
        made["status"] = {"phase": "Pending"}
        return made

    def run(self, name: str) -> list[dict[str, Any]]:
        pod = self.kube.objects[f"v1|Pod|demo|{name}"]
        self.multus.reconcile(self.kube, pod)
        return told(self.kube.objects[f"v1|Pod|demo|{name}"])

    def refusal(self, name: str) -> str:
        assert self.run(name) == []
        return str(self.world.events("FailedCreatePodSandBox")[-1]["message"])


@pytest.fixture
def net(world: Any) -> Net:
    return Net(world)


class TestPods:
    whereabouts = {"type": "whereabouts", "range": "10.9.0.0/29"}

    def test_two_networks(self, net: Net) -> None:
        net.define("a", self.whereabouts)
        net.define("b")
        net.pod("p", "a, b@rail7")
        entries = net.run("p")
        assert [(item["name"], item["interface"], item.get("ips")) for item in entries] == [
            ("ovn-kubernetes", "eth0", None), ("demo/a", "net1", ["10.9.0.1"]), ("demo/b", "rail7", None)]  # fmt: skip
        pool = net.kube.objects[f"{POOL}|10.9.0.0-29"]
        assert pool["spec"]["allocations"]["1"]["podref"] == "demo/p"
        assert "Add net1 [10.9.0.1/29] from demo/a" in [event["message"] for event in net.world.events("AddedInterface")]

    def test_the_first_interface_is_completed_later(self, net: Net) -> None:
        net.define("b")
        net.pod("p", "b")
        net.run("p")
        net.kube.objects["v1|Pod|demo|p"]["status"] = {"phase": "Running", "podIP": "10.244.1.5"}
        assert net.run("p")[0]["ips"] == ["10.244.1.5"] and net.run("p")[0]["mac"] == "0a:58:0a:f4:01:05"

    def test_no_address_twice_and_free_again_when_the_pod_has_gone(self, net: Net) -> None:
        net.define("a", self.whereabouts)
        given = []
        for number in range(6):
            net.pod(f"p{number}", "a")
            given += net.run(f"p{number}")[1]["ips"]
        assert len(set(given)) == 6
        net.pod("late", "a")
        assert "Could not allocate IP in range" in net.refusal("late")
        net.multus.deleted(net.kube, net.kube.objects.pop("v1|Pod|demo|p3"))
        assert net.run("late")[1]["ips"] == ["10.9.0.4"]

    def test_overlapping_ranges_share_no_address(self, net: Net) -> None:
        net.define("a", self.whereabouts)
        net.define("wide", {"type": "whereabouts", "range": "10.9.0.0/24"})
        net.pod("p", "a, wide")
        assert [item["ips"] for item in net.run("p")[1:]] == [["10.9.0.1"], ["10.9.0.2"]]

    def test_a_pod_that_is_attached_again_keeps_its_address(self, net: Net) -> None:
        net.define("a", self.whereabouts)
        net.pod("p", "a")
        first = net.run("p")[1]["ips"]
        del net.kube.objects["v1|Pod|demo|p"]["metadata"]["annotations"][STATUS]
        assert net.run("p")[1]["ips"] == first

    def test_a_finished_pod_gives_its_address_back(self, net: Net) -> None:
        net.define("a", self.whereabouts)
        net.pod("p", "a")
        net.run("p")
        net.kube.objects["v1|Pod|demo|p"]["status"]["phase"] = "Succeeded"
        net.run("p")
        assert net.kube.objects[f"{POOL}|10.9.0.0-29"]["spec"]["allocations"] == {}

    def test_host_local_counts_on_each_node_alone(self, net: Net) -> None:
        net.define("a", {"type": "host-local", "subnet": "10.8.0.0/24"})
        net.pod("p", "a")
        net.pod("q", "a")
        assert [net.run(name)[1]["ips"] for name in ("p", "q")] == [["10.8.0.2"], ["10.8.0.3"]]
        net.world.node("gpu-1")
        far = net.world.pod("r", "gpu-1", "demo", metadata={"annotations": {NETWORKS: "a"}})
        far["status"] = {"phase": "Pending"}
        assert net.run("r")[1]["ips"] == ["10.8.0.2"], "the same address on another node: the product's own trap"

    def test_a_missing_definition_keeps_the_pod_creating(self, net: Net) -> None:
        net.pod("p", "nowhere")
        assert "cannot find a network-attachment-definition (nowhere) in namespace (demo)" in net.refusal("p")
        status = net.kube.objects["v1|Pod|demo|p"]["status"]
        assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert net.world.events("NoNetworkFound")
        net.define("nowhere")
        assert net.multus.route("ADDED", {"kind": "NetworkAttachmentDefinition"}) and net.run("p")

    def test_nothing_stays_taken_when_a_later_network_fails(self, net: Net) -> None:
        net.define("a", self.whereabouts)
        net.define("b", type="macvlan", master="ens9")
        net.pod("p", "a, b")
        assert 'error adding container to network "b": failed to lookup master' in net.refusal("p")
        assert net.kube.objects[f"{POOL}|10.9.0.0-29"]["spec"]["allocations"] == {}

    def test_devices_go_to_one_pod_each(self, net: Net) -> None:
        vfs = [{"pciAddress": f"0000:1a:00.{n + 1}", "vfID": n, "mac": f"02:00:00:00:00:0{n}"} for n in range(2)]
        item = {"pciAddress": "0000:1a:00.0", "vfGroups": [{"resourceName": "roce", "vfRange": "0-1"}]}
        net.kube.add({"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodeState", "metadata": {"name": "gpu-0", "namespace": "openshift-sriov-network-operator"},
                      "spec": {"interfaces": [item]}, "status": {"interfaces": [{"pciAddress": "0000:1a:00.0", "Vfs": vfs}]}})  # fmt: skip
        net.define("a", resource="openshift.io/roce", type="sriov")
        box = [{"name": "c", "image": "i", "resources": {"requests": {"openshift.io/roce": "1"}}}]
        for name in ("p", "q"):
            net.pod(name, "a", containers=box)
        assert [net.run(name)[1]["device-info"]["pci"]["pci-address"] for name in ("p", "q")] == ["0000:1a:00.1", "0000:1a:00.2"]
        net.pod("bare", "a")
        assert "VF pci addr is required" in net.refusal("bare")

    def test_pods_of_the_hosts_network_have_no_cni(self, net: Net) -> None:
        pod = net.pod("p", "nowhere", hostNetwork=True)
        assert list(net.multus.route("ADDED", pod)) == [] and net.run("p") == []

    def test_what_was_left_over_is_swept_up_at_the_start(self, net: Net) -> None:
        net.define("a", self.whereabouts)
        net.pod("p", "a")
        net.run("p")
        net.kube.objects.pop("v1|Pod|demo|p")
        net.kube.list = lambda path, **_: [] if path == "/api/v1/pods" else type(net.kube).list(net.kube, path)  # type: ignore[method-assign]
        net.multus.start(net.kube)
        assert net.kube.objects[f"{POOL}|10.9.0.0-29"]["spec"]["allocations"] == {}
