# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SR-IOV operator: cards and their memory, policies, refusals, network objects, the daemon, drains and reboots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal import data
from rehearsal.operators import sriov_admission, sriov_networks, sriov_policy
from rehearsal.operators.admission import Answer, review
from rehearsal.operators.sriov import Sriov
from rehearsal.operators.sriov_admission import Refused
from rehearsal.operators.sriov_daemon import DAEMON, PLUGIN
from rehearsal.operators.sriov_drain import CURRENT, DESIRED, NODE_STATE
from rehearsal.operators.sriov_nics import Cards, faulty_nics, vf_address
from rehearsal.operators.sriov_webhooks import resource_patch

NS = "openshift-sriov-network-operator"
API = "sriovnetwork.openshift.io/v1"
MCO = "machineconfiguration.openshift.io/v1"
CSV = {"metadata": {"name": "sriov-network-operator.v4.20.0-202602101230", "namespace": NS}}
OLD_CSV = {"metadata": {"name": "sriov-network-operator.v4.18.0-202510150935", "namespace": NS}}


def nic(pci: str = "0000:1a:00.0", name: str = "ens24f0np0", rail: int | None = 0, **extra: Any) -> dict[str, Any]:
    return {
        "model": "cx7-eth", "name": name, "pci": pci, "numa": 0, "rdma": "mlx5_0", "role": "rail" if rail is not None else "machine", "rail": rail, "mtu": 9000,
        "state": "up", "mac": "02:00:00:00:00:01", "pci_id": "15b3:1021", "class": "0200", "driver": "mlx5_core", "link_layer": "Ethernet",
        "speed_mbps": 400000, "sriov_totalvfs": 16, **extra,
    }  # fmt: skip


INTEL = {"pci_id": "8086:1592", "driver": "ice", "sriov_totalvfs": 128}


def server(*nics: dict[str, Any], name: str = "gpu-0") -> dict[str, Any]:
    return {"name": name, "nics": list(nics) or [nic()], "cpu": {"vendor_id": "Intel"}}


def policy(name: str = "p", **spec: Any) -> dict[str, Any]:
    base = {"resourceName": "roce", "nodeSelector": {}, "numVfs": 8, "nicSelector": {"vendor": "15b3"}, "isRdma": True}
    return {"apiVersion": API, "kind": "SriovNetworkNodePolicy", "metadata": {"name": name, "namespace": NS}, "spec": {**base, **spec}}


def cards(*nics: dict[str, Any]) -> list[dict[str, Any]]:
    shown = [{**item, "vfs": [], "eswitch": "legacy"} for item in nics or (nic(),)]
    return sriov_policy.interfaces(shown)


class TestCards:
    def test_addresses_of_virtual_functions(self) -> None:
        assert [vf_address("0000:1a:00.0", index, 1) for index in (0, 6, 7, 15)] == [
            "0000:1a:00.1", "0000:1a:00.7", "0000:1a:01.0", "0000:1a:02.0"]  # fmt: skip
        assert vf_address("0000:1a:1f.7", 0, 1) == "0000:1b:00.0"

    def test_firmware_waits_for_a_reboot_and_virtual_functions_go_with_it(self, tmp_path: Path) -> None:
        store, box = Cards(tmp_path / "nics.json"), server()
        store.booted(box, {}, "boot-1")
        store.set_firmware("gpu-0", "0000:1a:00.0", vfs=8)
        store.configure("gpu-0", "0000:1a:00.0", "boot-1", num=4, mtu=9000, groups=[])
        now = store.interfaces(box, {}, "boot-1")[0]
        assert (now["firmware_vfs"], len(now["vfs"])) == (16, 4)
        store.booted(box, {}, "boot-2")
        now = Cards(tmp_path / "nics.json").interfaces(box, {}, "boot-2")[0]
        assert (now["firmware_vfs"], now["sriov_totalvfs"], now["vfs"]) == (8, 8, [])

    def test_cards_that_keep_their_power_load_firmware_only_after_a_reset(self, tmp_path: Path) -> None:
        store, box, fault = Cards(tmp_path / "nics.json"), server(), {"nic-firmware-needs-reset": {"node": "gpu-0"}}
        store.booted(box, fault, "boot-1")
        store.set_firmware("gpu-0", "0000:1a:00.0", vfs=8)
        store.booted(box, fault, "boot-2")
        assert store.interfaces(box, fault, "boot-2")[0]["firmware_vfs"] == 16
        store.remember("gpu-0", reset=True)
        store.booted(box, fault, "boot-3")
        assert store.interfaces(box, fault, "boot-3")[0]["firmware_vfs"] == 8

    @pytest.mark.parametrize(
        ("fault", "shown"),
        [
            ({"nic-mtu-differs": {"node": "gpu-0"}}, {"mtu": 1500}),
            ({"nic-link-down": {"node": "gpu-0"}}, {"state": "down"}),
            ({"nic-wrong-link-layer": {"node": "gpu-0"}}, {"link_layer": "InfiniBand", "class": "0207"}),
            ({"rails-crossed": {"node": "gpu-0"}}, {"name": "ens25f0np0", "pci": "0000:1a:00.0"}),
            ({"sriov-off-in-firmware": {"node": "gpu-0"}}, {"sriov_totalvfs": 0}),
            ({"vf-limit": {"node": "gpu-0", "vfs": 4}}, {"vf_cap": 4}),
            ({"nic-link-down": {"node": "gpu-1"}}, {"state": "up"}),
        ],
    )
    def test_faults_of_the_scenario(self, fault: dict[str, Any], shown: dict[str, Any]) -> None:
        box = server(nic(), nic("0000:3c:00.0", "ens25f0np0", 1))
        first = faulty_nics(box, fault)[0]
        assert {key: first[key] for key in shown} == shown
        assert box["nics"][0]["name"] == "ens24f0np0", "the profile itself isn't touched"

    def test_a_firmware_fault_that_comes_later_overwrites_what_was_loaded(self, tmp_path: Path) -> None:
        store, box, off = Cards(tmp_path / "nics.json"), server(), {"sriov-off-in-firmware": {"node": "gpu-0"}}

        def most(scenario: dict[str, Any], boot: str) -> int:
            store.booted(box, scenario, boot)
            return int(store.interfaces(box, scenario, boot)[0]["sriov_totalvfs"])

        store.booted(box, {}, "boot-1")
        store.set_firmware("gpu-0", "0000:1a:00.0", vfs=8)
        assert most({}, "boot-2") == 8
        store.set_firmware("gpu-0", "0000:1a:00.0", vfs=4)
        assert most(off, "boot-2") == 0 and most({"sriov-off-in-firmware": {"node": "gpu-1"}}, "boot-2") == 16
        assert most(off, "boot-2") == 0 and most(off, "boot-3") == 0, "what was written before the fault is gone"
        store.set_firmware("gpu-0", "0000:1a:00.0", vfs=16)
        assert most(off, "boot-3") == 0 and most(off, "boot-4") == 16 and most({}, "boot-4") == 16, "switched on by a write and a reboot"
        assert most(off, "boot-4") == 0, "and off again when the fault comes again"

    def test_a_wrong_link_layer_that_comes_later_strikes_its_rails_only(self, tmp_path: Path) -> None:
        store, box = Cards(tmp_path / "nics.json"), server(nic(), nic("0000:3c:00.0", "ens25f0np0", 1))
        store.booted(box, {}, "boot-1")
        for pci, layer in (("0000:1a:00.0", "Ethernet"), ("0000:3c:00.0", "InfiniBand")):
            store.set_firmware("gpu-0", pci, link=layer)
        store.booted(box, {}, "boot-2")
        assert [card["link_layer"] for card in store.interfaces(box, {}, "boot-2")] == ["Ethernet", "InfiniBand"]
        shown = store.interfaces(box, {"nic-wrong-link-layer": {"node": "gpu-0", "rails": [0]}}, "boot-2")
        assert [card["link_layer"] for card in shown] == ["InfiniBand", "InfiniBand"]

    def test_what_a_nodestate_says_of_a_card(self) -> None:
        down = cards(nic(state="down", link_layer="InfiniBand"))[0]
        assert (down["linkSpeed"], down["linkType"], down["linkAdminState"]) == ("-1 Mb/s", "IB", "up")
        assert "totalvfs" not in cards(nic(sriov_totalvfs=0))[0]

    def test_cards_that_the_operator_does_not_know_are_not_there(self) -> None:
        assert cards(nic(pci_id="14e4:1760"), nic(pci_id="1dd8:1002")) == []


class TestPolicies:
    def test_groups_of_two_policies_on_one_card_are_merged(self) -> None:
        low = policy("low", resourceName="a", priority=99, nicSelector={"pfNames": ["ens24f0np0#0-3"]})
        high = policy("high", resourceName="b", priority=10, nicSelector={"pfNames": ["ens24f0np0#4-7"]}, mtu=1500)
        asked = sriov_policy.wanted([high, low], cards())
        assert [group["resourceName"] for group in asked[0]["vfGroups"]] == ["b", "a"]
        assert asked[0]["numVfs"] == 8

    def test_the_smaller_priority_number_wins_an_overlap(self) -> None:
        asked = sriov_policy.wanted([policy("a", priority=1, numVfs=4), policy("z", priority=50, resourceName="other")], cards())
        assert (asked[0]["numVfs"], [group["policyName"] for group in asked[0]["vfGroups"]]) == (4, ["a"])

    def test_an_empty_selector_matches_nothing(self) -> None:
        assert sriov_policy.wanted([policy(nicSelector={})], cards()) == []

    def test_device_plugin_counts_what_matches(self) -> None:
        made = [{**nic(), "vfs": [], "eswitch": "legacy"}]
        made[0]["vfs"] = [{"pciAddress": f"v{n}", "vendor": "15b3", "deviceID": "101e", "driver": "mlx5_core", "vfID": n} for n in range(8)]
        shown = sriov_policy.interfaces(made)
        rows = sriov_policy.plugin_config([policy(nicSelector={"vendor": "15b3", "deviceID": "1021"}, linkType="eth")])
        assert rows["resourceList"][0]["selectors"]["devices"] == ["101e"]
        assert len(sriov_policy.plugin_devices(rows, shown)["roce"]) == 8
        assert sriov_policy.plugin_devices(sriov_policy.plugin_config([policy(linkType="ib")]), shown) == {"roce": []}
        ranged = sriov_policy.plugin_config([policy(nicSelector={"pfNames": ["ens24f0np0#2-4"]})])
        assert len(sriov_policy.plugin_devices(ranged, shown)["roce"]) == 3

    @pytest.mark.parametrize(("most", "nodes", "count"), [(None, 4, -1), (2, 4, 2), ("50%", 5, 2), ("1%", 5, 0)])
    def test_how_many_nodes_at_once(self, most: Any, nodes: int, count: int) -> None:
        assert sriov_admission.max_unavailable(most, nodes) == count


NODE = {"metadata": {"name": "gpu-0", "labels": {}}}


def state(**extra: Any) -> dict[str, Any]:
    shown = cards(nic(), nic("0000:a0:00.0", "ens6f0", None, **INTEL))
    return {"metadata": {"name": "gpu-0", "namespace": NS}, "spec": {}, "status": {"interfaces": shown, **extra}}


class TestRefusals:
    @pytest.mark.parametrize(
        ("spec", "words"),
        [
            ({"resourceName": "a-b"}, 'resource name "a-b" contains invalid characters'),
            ({"nicSelector": {}}, "at least one of these parameters"),
            ({"nicSelector": {"vendor": "1dd8"}}, "vendor 1dd8 is not supported"),
            ({"nicSelector": {"vendor": "14e4", "deviceID": "1760"}}, "vendor/device 14e4/1760 is not supported"),
            ({"nicSelector": {"deviceID": "1760"}}, "device 1760 is not supported"),
            ({"nicSelector": {"pfNames": ["a#1-2-3"]}}, "incorrect range character"),
            ({"nicSelector": {"pfNames": ["a#x-2"]}}, "start range is incorrect"),
            ({"nicSelector": {"pfNames": ["a#3-2"]}}, "end range shall not be smaller"),
            ({"nicSelector": {"pfNames": ["a#0-8"]}}, "end range exceeds the maximum VF index"),
            ({"deviceType": "vfio-pci"}, "'deviceType: vfio-pci' conflicts with 'isRdma: true'"),
            ({"linkType": "ib", "eSwitchMode": "switchdev"}, "can be used only with ethernet links"),
            ({"nodeSelector": {"x": "y"}}, "no matched node is selected by the nodeSelector in CR p"),
            ({"nicSelector": {"vendor": "15b3", "deviceID": "101d"}}, "no supported NIC is selected by the nicSelector in CR p"),
            ({"numVfs": 0}, "numVfs(0) in CR p is not allowed"),
            ({"numVfs": 129}, "numVfs(129) in CR p exceed the maximum allowed value(128) interface(ens24f0np0)"),
            ({"numVfs": 129, "nicSelector": {"vendor": "8086"}}, "exceed the maximum allowed value(128) interface(ens6f0)"),
            ({"externallyManaged": True}, "is higher than the virtual functions allocated for the PF externally value(0)"),
        ],
    )
    def test_of_a_policy(self, spec: dict[str, Any], words: str) -> None:
        with pytest.raises(Refused) as error:
            sriov_admission.check_policy("CREATE", policy(**spec), NS, [NODE], [state()], [])
        assert words in str(error.value)

    def test_more_virtual_functions_than_the_firmware_of_a_connectx_has_are_allowed(self) -> None:
        assert sriov_admission.check_policy("CREATE", policy(numVfs=64), NS, [NODE], [state()], []) == []

    @pytest.mark.parametrize(
        ("mine", "theirs", "words"),
        [
            ({"pfNames": ["e#0-3"]}, {"pfNames": ["e#3-5"]}, "VF index range in e#0-3 is overlapped with existing policy other"),
            ({"pfNames": ["e"]}, {"pfNames": ["e"]}, "VF index range in e is overlapped"),
            ({"rootDevices": ["0000:1a:00.0"]}, {"rootDevices": ["0000:1a:00.0"]}, "root device 0000:1a:00.0 is overlapped with existing policy other"),
        ],
    )
    def test_of_an_overlap(self, mine: Any, theirs: Any, words: str) -> None:
        other = policy("other", nicSelector=theirs, resourceName="b")
        with pytest.raises(Refused, match=words.replace("(", r"\(")):
            sriov_admission.check_policy("CREATE", policy(nicSelector=mine), NS, [NODE], [state()], [other])

    def test_ranges_apart_and_other_nodes_are_no_overlap(self) -> None:
        here = cards(nic(name="e"))
        told = {"metadata": {"name": "gpu-0"}, "status": {"interfaces": here}}
        other = policy("other", nicSelector={"pfNames": ["e#4-7"]})
        assert sriov_admission.check_policy("CREATE", policy(nicSelector={"pfNames": ["e#0-3"]}), NS, [NODE], [told], [other]) == []
        elsewhere = policy("other", nicSelector={"pfNames": ["e#0-3"]}, nodeSelector={"a": "b"})
        assert sriov_admission.check_policy("CREATE", policy(nicSelector={"pfNames": ["e#0-3"]}), NS, [NODE], [told], [elsewhere]) == []

    def test_a_policy_elsewhere_is_only_warned_about(self) -> None:
        lost = policy()
        lost["metadata"]["namespace"] = "default"
        assert "is created or updated but not used" in sriov_admission.check_policy("CREATE", lost, NS, [NODE], [state()], [])[0]

    def test_configuration(self) -> None:
        other = {"metadata": {"name": "x", "namespace": NS}, "spec": {}}
        with pytest.raises(Refused, match="only default SriovOperatorConfig"):
            sriov_admission.check_config("CREATE", other, None, NS, [])
        quiet = {"metadata": {"name": "default", "namespace": NS}, "spec": {"disableDrain": True}}
        with pytest.raises(Refused, match=r"while node\[gpu-0\] is updating"):
            sriov_admission.check_config("UPDATE", quiet, {"spec": {}}, NS, [state(syncStatus="InProgress")])
        assert "may result in workload interruption" in sriov_admission.check_config("CREATE", quiet, None, NS, [])[0]

    @pytest.mark.parametrize("most", ["some", "0%", "101%", -1])
    def test_pool(self, most: Any) -> None:
        with pytest.raises(Refused, match="invalid maxUnavailable"):
            sriov_admission.check_pool("CREATE", {"spec": {"maxUnavailable": most}})

    def test_defaults_and_the_answer_to_the_api_server(self) -> None:
        bare = policy(linkType="IB")
        del bare["spec"]["isRdma"]
        patch = sriov_admission.defaults(bare)
        assert [row["value"] for row in patch] == [99, False, True]
        answer = review(lambda _: Answer(patch=patch), {"uid": "1"})["response"]
        assert answer["allowed"] and answer["patchType"] == "JSONPatch" and answer["patch"]


class TestNetworks:
    def network(self, kind: str = "SriovNetwork", **spec: Any) -> dict[str, Any]:
        return {"kind": kind, "metadata": {"name": "net", "namespace": NS}, "spec": {"resourceName": "roce", "networkNamespace": "demo", **spec}}

    def test_configuration_of_the_plugin(self) -> None:
        made = sriov_networks.definition(self.network(ipam='{ "type": "static" }', vlan=5, trust="on", spoofChk="off", capabilities='{"mac": true}'))
        config = json.loads(made["spec"]["config"])
        assert made["metadata"]["annotations"] == {"k8s.v1.cni.cncf.io/resourceName": "openshift.io/roce"}
        assert config == {"cniVersion": "1.0.0", "name": "net", "type": "sriov", "vlan": 5, "spoofchk": "off", "trust": "on", "vlanQoS": 0,
                          "capabilities": {"mac": True}, "ipam": {"type": "static"}}  # fmt: skip

    def test_meta_plugins_make_a_chain(self) -> None:
        config = json.loads(sriov_networks.definition(self.network(metaPlugins='{"type":"rdma"}'))["spec"]["config"])
        assert [item["type"] for item in config["plugins"]] == ["sriov", "rdma"]

    def test_infiniband(self) -> None:
        made = sriov_networks.definition(self.network("SriovIBNetwork", linkState="enable"))
        assert json.loads(made["spec"]["config"])["type"] == "ib-sriov"

    def test_without_a_namespace_it_is_the_operators(self) -> None:
        assert sriov_networks.definition(self.network(networkNamespace=""))["metadata"]["namespace"] == NS

    def test_broken_ipam(self) -> None:
        with pytest.raises(sriov_networks.BadConfig):
            sriov_networks.definition(self.network(ipam="{type: whereabouts}"))

    def test_injected_resources_keep_what_the_pod_asks_for(self) -> None:
        from collections import Counter

        pod = {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1", "openshift.io/b": "3"}}}]}}
        patch = resource_patch(pod, Counter({"openshift.io/a": 2, "openshift.io/b": 1}))
        assert patch[0]["value"]["limits"] == {"cpu": "1", "openshift.io/a": "2", "openshift.io/b": "3"}
        assert resource_patch(pod, Counter()) == []


def operand(app: str) -> dict[str, Any]:
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": app, "uid": app}
    return {"labels": {"app": app}, "ownerReferences": [owner]}


class Fabric:
    """Two GPU nodes with the operator at work, on the cluster in memory."""

    def __init__(self, world: Any, csv: dict[str, Any] = CSV, **delays: float) -> None:
        self.world, self.kube = world, world.kube
        world.settings.data["profile"]["nodes"] = [server(name="gpu-0"), server(name="gpu-1")]
        world.settings.data["profile"]["delays"] = {"sriov-apply": 0.0, "drain": 0.0, "reboot": 0.0, **delays}
        labels = {"node-role.kubernetes.io/worker": "", "kubernetes.io/os": "linux"}
        self.nodes = [world.node(name, labels) for name in ("gpu-0", "gpu-1")]
        done = {"configuration": {"name": "rendered-worker-1"}}
        selector = {"matchLabels": {"node-role.kubernetes.io/worker": ""}}
        self.kube.add({"apiVersion": MCO, "kind": "MachineConfigPool", "metadata": {"name": "worker"}, "spec": {**done, "nodeSelector": selector}, "status": done})
        meta = {"name": "default", "namespace": NS, "finalizers": ["operatorconfig.finalizers.sriovnetwork.openshift.io"]}
        self.config = self.kube.add({"apiVersion": API, "kind": "SriovOperatorConfig", "metadata": meta, "spec": {}})
        for name in ("gpu-0", "gpu-1"):
            for app in (DAEMON, PLUGIN):
                world.pod(f"{app}-{name}", name, NS, metadata=operand(app))
        self.operator = world.run(Sriov, csv)
        self.operator._webhooks = type("Quiet", (), {"sync": lambda *_: None, "remove": lambda *_: None, "close": lambda *_: None})()

    def state(self, name: str = "gpu-0") -> dict[str, Any]:
        found: dict[str, Any] = self.kube.objects[f"{API}|SriovNetworkNodeState|{NS}|{name}"]
        return found

    def node(self, name: str = "gpu-0") -> dict[str, Any]:
        found: dict[str, Any] = self.kube.objects[f"v1|Node||{name}"]
        return found

    def pool(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kube.objects[f"{MCO}|MachineConfigPool||worker"]
        return found

    def run(self, rounds: int = 12) -> None:
        """Let the operator look at everything several times, as its watches would make it."""
        for _ in range(rounds):
            before = {name: json.dumps(self.state(name)["spec"], sort_keys=True) for name in self.names()}
            self.operator.reconcile(self.kube, self.kube.objects[f"{API}|SriovOperatorConfig|{NS}|default"])
            for name in self.names():
                if name in before and before[name] != json.dumps(self.state(name)["spec"], sort_keys=True):
                    self.state(name)["metadata"]["generation"] += 1  # the API server's part
                self.operator.reconcile(self.kube, self.state(name))
                if self.node(name)["metadata"]["labels"].get("type") == "kwok":  # KWOK's part
                    self.node(name)["status"]["conditions"][0]["status"] = "True"
                if not any(key.startswith(f"v1|Pod|{NS}|{PLUGIN}-{name}") for key in self.kube.objects):
                    self.world.pod(f"{PLUGIN}-{name}", name, NS, metadata=operand(PLUGIN))

    def names(self) -> list[str]:
        return [key.split("|")[3] for key in self.kube.objects if "|SriovNetworkNodeState|" in key]

    def counters(self) -> dict[str, Any]:
        path = self.operator.state / "run" / "counters.json"
        return json.loads(path.read_text()) if path.exists() else {"reboots": {}, "drains": {}}


@pytest.fixture
def fabric(world: Any) -> Fabric:
    return Fabric(world)


class TestDaemon:
    def test_nodestates_tell_the_cards_before_any_policy(self, fabric: Fabric) -> None:
        fabric.run(4)
        told = fabric.state()["status"]
        assert told["syncStatus"] == "Succeeded" and told["interfaces"][0]["totalvfs"] == 16
        assert fabric.node()["metadata"]["labels"]["sriovnetwork.openshift.io/device-plugin"] == "Disabled"
        assert fabric.counters() == {"reboots": {}, "drains": {}}

    def test_as_many_as_the_firmware_has_need_neither_drain_nor_reboot(self, fabric: Fabric) -> None:
        fabric.kube.add(policy(numVfs=16))
        fabric.run()
        assert len(fabric.state()["status"]["interfaces"][0]["Vfs"]) == 16
        assert fabric.node()["status"]["allocatable"] == {"openshift.io/roce": "16"}
        assert fabric.counters() == {"reboots": {}, "drains": {}}

    def test_another_number_reboots_one_node_after_the_other(self, fabric: Fabric) -> None:
        delays = fabric.world.settings.data["profile"]["delays"]
        delays["reboot"] = 60.0
        fabric.kube.add(policy(numVfs=8))
        fabric.run(6)
        busy = [name for name in fabric.names() if fabric.state(name)["metadata"]["annotations"][CURRENT] != "Idle"]
        assert len(busy) == 1 and fabric.pool()["spec"]["paused"]
        delays["reboot"] = 0.0
        fabric.run(20)
        for name in ("gpu-0", "gpu-1"):
            assert fabric.state(name)["status"]["syncStatus"] == "Succeeded"
            assert fabric.state(name)["metadata"]["annotations"] == {CURRENT: "Idle", DESIRED: "Idle"}
            assert not fabric.node(name)["spec"].get("unschedulable")
        assert fabric.counters() == {"reboots": {"gpu-0": 1, "gpu-1": 1}, "drains": {"gpu-0": 1, "gpu-1": 1}}
        assert fabric.pool()["spec"]["paused"] is False and fabric.pool()["metadata"]["annotations"][NODE_STATE] == "Idle"

    def test_a_pool_configuration_lets_nodes_drain_together(self, fabric: Fabric) -> None:
        spec = {"maxUnavailable": 2, "nodeSelector": {"matchLabels": {"node-role.kubernetes.io/worker": ""}}}
        fabric.kube.add({"apiVersion": API, "kind": "SriovNetworkPoolConfig", "metadata": {"name": "w", "namespace": NS}, "spec": spec})
        fabric.world.settings.data["profile"]["delays"]["reboot"] = 60.0
        fabric.kube.add(policy(numVfs=8))
        fabric.run(6)
        assert fabric.counters()["reboots"] == {"gpu-0": 1, "gpu-1": 1}

    def test_a_change_evicts_only_pods_with_its_devices(self, fabric: Fabric) -> None:
        made = fabric.kube.add(policy(numVfs=16))
        fabric.run()
        mine = [{"name": "c", "image": "i", "resources": {"requests": {"openshift.io/roce": "1"}}}]
        fabric.world.pod("mine", "gpu-0", containers=mine)
        fabric.world.pod("other", "gpu-0")
        made["spec"].update(mtu=1500, numVfs=16, deviceType="vfio-pci", isRdma=False)
        fabric.operator.cards.remember("gpu-0", arguments=["intel_iommu=on", "iommu=pt"])
        fabric.operator.cards.remember("gpu-1", arguments=["intel_iommu=on", "iommu=pt"])
        fabric.run()
        assert "evict mine" in fabric.kube.writes and "evict other" not in fabric.kube.writes
        assert {vf["driver"] for vf in fabric.state()["status"]["interfaces"][0]["Vfs"]} == {"vfio-pci"}

    def test_vfio_needs_kernel_arguments_and_so_a_reboot(self, fabric: Fabric) -> None:
        fabric.kube.add(policy(numVfs=16, deviceType="vfio-pci", isRdma=False))
        fabric.run(24)
        assert fabric.counters()["reboots"] == {"gpu-0": 1, "gpu-1": 1}

    def test_rdma_mode_of_a_pool_is_a_kernel_argument(self, fabric: Fabric) -> None:
        spec = {"rdmaMode": "exclusive", "maxUnavailable": 1, "nodeSelector": {"matchLabels": {"node-role.kubernetes.io/worker": ""}}}
        fabric.kube.add({"apiVersion": API, "kind": "SriovNetworkPoolConfig", "metadata": {"name": "w", "namespace": NS}, "spec": spec})
        fabric.run(30)
        assert fabric.counters()["reboots"] == {"gpu-0": 1, "gpu-1": 1}
        assert fabric.state()["status"]["system"] == {"rdmaMode": "exclusive"}

    def test_with_drains_disabled_a_node_reboots_at_once(self, fabric: Fabric) -> None:
        fabric.config["spec"]["disableDrain"] = True
        fabric.world.pod("app", "gpu-0")
        fabric.kube.add(policy(numVfs=8))
        fabric.run(20)
        assert fabric.counters() == {"reboots": {"gpu-0": 1, "gpu-1": 1}, "drains": {}}
        assert fabric.state()["status"]["syncStatus"] == "Succeeded" and "evict app" not in fabric.kube.writes

    def test_a_budget_stops_the_drain_and_the_pool_stays_paused(self, fabric: Fabric) -> None:
        fabric.world.pod("guarded", "gpu-0")
        fabric.world.pod("guarded2", "gpu-1")
        fabric.kube.blocked |= {"guarded", "guarded2"}
        fabric.kube.add(policy(numVfs=8))
        fabric.run()
        stuck = [name for name in fabric.names() if fabric.state(name)["metadata"]["annotations"][CURRENT] == "Draining"]
        assert len(stuck) == 1 and fabric.state(stuck[0])["status"]["syncStatus"] == "InProgress"
        assert fabric.node(stuck[0])["spec"]["unschedulable"] and fabric.pool()["spec"]["paused"]
        assert "failed to drain node" in {event["message"] for event in fabric.world.events("DrainController")}

    def test_it_waits_for_a_roll_out_of_the_machine_config_operator(self, fabric: Fabric) -> None:
        fabric.pool()["status"]["configuration"] = {"name": "rendered-worker-0"}
        fabric.kube.add(policy(numVfs=8))
        fabric.run()
        assert not fabric.pool()["spec"].get("paused") and not fabric.node()["spec"].get("unschedulable")
        fabric.pool()["status"]["configuration"] = {"name": "rendered-worker-1"}
        fabric.run(20)
        assert fabric.state()["status"]["syncStatus"] == "Succeeded"

    def test_a_deleted_policy_takes_the_functions_back(self, fabric: Fabric) -> None:
        made = fabric.kube.add(policy(numVfs=16))
        fabric.run()
        fabric.kube.delete(fabric.kube.path_of(made))
        fabric.run()
        assert "Vfs" not in fabric.state()["status"]["interfaces"][0]
        assert fabric.node()["status"]["allocatable"] == {"openshift.io/roce": "0"}

    def test_after_a_reboot_by_others_the_functions_are_made_again(self, fabric: Fabric) -> None:
        fabric.kube.add(policy(numVfs=16))
        fabric.run()
        fabric.node()["status"]["nodeInfo"]["bootID"] = "boot-2"
        fabric.run()
        assert len(fabric.state()["status"]["interfaces"][0]["Vfs"]) == 16

    def test_link_type_is_a_matter_of_firmware(self, fabric: Fabric) -> None:
        fabric.world.settings.data["scenario"] = {"nic-wrong-link-layer": {"node": "gpu-0"}}
        fabric.kube.add(policy(numVfs=16, linkType="eth"))
        fabric.run(20)
        assert fabric.state()["status"]["interfaces"][0]["linkType"] == "ETH"
        assert fabric.counters()["reboots"] == {"gpu-0": 1}

    def test_without_a_link_type_the_wrong_one_stays(self, fabric: Fabric) -> None:
        fabric.world.settings.data["scenario"] = {"nic-wrong-link-layer": {"node": "gpu-0"}}
        fabric.kube.add(policy(numVfs=16))
        fabric.run(20)
        assert fabric.state()["status"]["interfaces"][0]["linkType"] == "IB"


class TestTrouble:
    @pytest.mark.parametrize("fault", [{"sriov-off-in-bios": {"node": "gpu-0"}}, {"vf-limit": {"node": "gpu-0", "vfs": 4}}])
    def test_too_few_functions(self, world: Any, fault: dict[str, Any]) -> None:
        fabric = Fabric(world)
        world.settings.data["scenario"] = fault
        fabric.kube.add(policy(numVfs=16))
        fabric.run()
        told = fabric.state()["status"]
        assert told["syncStatus"] == "InProgress" and told["interfaces"][0].get("numVfs") is None
        assert fabric.state("gpu-1")["status"]["syncStatus"] == "Succeeded"

    def test_up_to_4_18_the_reason_is_in_the_status(self, world: Any) -> None:
        fabric = Fabric(world, OLD_CSV)
        world.settings.data["scenario"] = {"sriov-off-in-bios": {"node": "gpu-0"}}
        fabric.kube.add(policy(numVfs=16))
        fabric.run()
        assert fabric.state()["status"]["syncStatus"] == "Failed"
        assert fabric.state()["status"]["lastSyncError"] == "cannot config SRIOV device: NumVfs (16) is larger than TotalVfs (0)"

    def test_the_operator_switches_sriov_on_in_the_firmware(self, fabric: Fabric) -> None:
        fabric.world.settings.data["scenario"] = {"sriov-off-in-firmware": {"node": "gpu-0"}}
        fabric.kube.add(policy(numVfs=16))
        fabric.run(20)
        assert fabric.counters()["reboots"] == {"gpu-0": 1} and fabric.node()["status"]["allocatable"] == {"openshift.io/roce": "16"}

    def test_also_when_it_was_switched_off_in_the_running_cluster(self, fabric: Fabric) -> None:
        fabric.kube.add(policy(numVfs=8))
        fabric.run(20)
        assert fabric.counters()["reboots"] == {"gpu-0": 1, "gpu-1": 1} and fabric.state()["status"]["interfaces"][0]["totalvfs"] == 8
        fabric.world.settings.data["scenario"] = {"sriov-off-in-firmware": {"node": "gpu-0"}}
        fabric.run(20)
        assert fabric.counters()["reboots"] == {"gpu-0": 2, "gpu-1": 1} and fabric.node()["status"]["allocatable"] == {"openshift.io/roce": "8"}

    def test_an_old_copy_of_the_nodestate_does_not_undo_what_was_told(self, fabric: Fabric) -> None:
        fabric.kube.add(policy(numVfs=16))
        fabric.run(20)
        state = fabric.state()
        assert state["status"]["syncStatus"] == "Succeeded"
        old = {**state, "status": {**state["status"], "syncStatus": "InProgress"}}
        fabric.operator.daemon.advance(fabric.kube, old, fabric.node())
        assert fabric.state()["status"]["syncStatus"] == "Succeeded"

    def test_firmware_that_never_loads_reboots_for_ever(self, fabric: Fabric) -> None:
        fabric.world.settings.data["scenario"] = {"nic-firmware-needs-reset": {"node": "gpu-0"}}
        fabric.kube.add(policy(numVfs=8, nodeSelector={}))
        fabric.run(30)
        assert fabric.counters()["reboots"]["gpu-0"] > 3 and fabric.state()["status"]["syncStatus"] == "InProgress"
        fabric.config["spec"]["featureGates"] = {"mellanoxFirmwareReset": True}
        fabric.run(30)
        assert fabric.state()["status"]["syncStatus"] == "Succeeded"

    def test_a_stuck_daemon_does_nothing(self, fabric: Fabric) -> None:
        fabric.run(4)
        fabric.world.settings.data["scenario"] = {"sriov-daemon-stuck": {"node": "gpu-0"}}
        fabric.kube.add(policy(numVfs=16))
        fabric.run()
        assert "Vfs" not in fabric.state()["status"]["interfaces"][0] and fabric.state()["spec"]["interfaces"]
        assert fabric.state("gpu-1")["status"]["interfaces"][0]["numVfs"] == 16

    def test_without_a_daemon_pod_there_are_no_cards_to_choose_from(self, fabric: Fabric) -> None:
        fabric.kube.delete(f"v1|Pod|{NS}|{DAEMON}-gpu-0")
        fabric.run()
        assert "status" not in fabric.state()

    def test_removing_the_configuration_removes_the_webhooks(self, fabric: Fabric) -> None:
        fabric.config["metadata"]["deletionTimestamp"] = "now"
        fabric.operator.reconcile(fabric.kube, fabric.config)
        live = fabric.kube.objects[fabric.kube.path_of(fabric.config)]
        assert live["metadata"]["finalizers"] == []


@pytest.mark.parametrize("name", sorted(path.stem for path in (data.ROOT / "scenarios").glob("*.yaml") if path.stem.startswith(("nic-", "rails-", "sriov-", "vf-", "mofed-"))))
def test_scenarios_name_a_node_of_the_profile(name: str) -> None:
    scenario = data.load("h200-roce", "4.20", [name])["scenario"]
    assert scenario[name]["node"] == "gpu-1"
