# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA's network operator: states, driver pods and their traps, wait labels, RDMA resources, network kinds, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.operators import nvidia_network_admission, nvidia_network_devices
from rehearsal.operators.nvidia_network import NvidiaNetwork, blocks
from rehearsal.operators.nvidia_network_admission import Refused
from rehearsal.operators.nvidia_network_node import is_known, resources_patch
from rehearsal.operators.nvidia_network_operands import (
    KERNEL,
    MELLANOX_LABEL,
    OFED_LABEL,
    OFED_WAIT,
    OS_ID,
    OS_VERSION,
    OSTREE,
    daemon_set_ready,
)
from rehearsal.operators.nvidia_network_policies import SAFE, short_hash

NS = "nvidia-network-operator"
CSV = {"metadata": {"name": "nvidia-network-operator.v26.4.1", "namespace": NS}}
OLD_CSV = {"metadata": {"name": "nvidia-network-operator.v25.10.0", "namespace": NS}}
NFD = {MELLANOX_LABEL: "true", OS_ID: "rhel", OS_VERSION: "9.6", OSTREE: "9.6.1", KERNEL: "5.14.0", "kubernetes.io/arch": "amd64"}
DRIVER = {"image": "doca-driver", "repository": "nvcr.io/nvidia/mellanox", "version": "doca3.4.1-26.04-1.1.0.0-1"}
PLUGIN = {"image": "k8s-rdma-shared-dev-plugin", "repository": "nvcr.io/nvidia/mellanox", "version": "v1"}
CX7 = {"name": "ens1", "pci": "0000:1a:00.0", "pci_id": "15b3:1021", "driver": "mlx5_core", "link_layer": "Ethernet", "role": "rail", "rdma": "mlx5_0",
       "mtu": 9000, "state": "up", "sriov_totalvfs": 16, "mac": "02:00:00:00:00:01", "class": "0200"}  # fmt: skip
E810 = {**CX7, "name": "ens6", "pci": "0000:a0:00.0", "pci_id": "8086:1592", "driver": "ice", "role": "storage", "rdma": None}


def config(**row: Any) -> str:
    return json.dumps({"configList": [{"resourceName": "eth", "rdmaHcaMax": 63, "selectors": {"vendors": ["15b3"]}, **row}]})


class TestRefusals:
    def refuse(self, **spec: Any) -> str:
        with pytest.raises(Refused) as error:
            nvidia_network_admission.check({"kind": "NicClusterPolicy", "metadata": {"name": "nic-cluster-policy"}, "spec": spec})
        return str(error.value)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (config(resourcePrefix="rdma"), "Invalid Resource prefix, it must be a valid FQDN"),
            (config(resourceName="-x"), "Invalid Resource name"),
            ("{", "Invalid json of RdmaSharedDevicePluginConfig"),
            ("{}", "configList is required"),
            ('{"configList":[]}', "at least 1 items"),
            ('{"configList":[{"resourceName":"a"}]}', "rdmaHcaMax is required"),
            (config(selectors={}), "at least one schema"),
            (config(selectors={"vendor": ["15b3"]}), "Additional property vendor is not allowed"),
        ],
    )
    def test_of_the_shared_device_plugin(self, text: str, words: str) -> None:
        assert words in self.refuse(rdmaSharedDevicePlugin={**PLUGIN, "config": text})

    def test_of_the_driver(self) -> None:
        assert "invalid OFED version" in self.refuse(ofedDriver={**DRIVER, "version": "latest"})
        said = self.refuse(ofedDriver={**DRIVER, "upgradePolicy": {"safeLoad": True}})
        assert "safeLoad requires spec.ofedDriver.upgradePolicy.autoUpgrade to be true" in said

    def test_what_is_good_passes(self) -> None:
        for prefix in ({}, {"resourcePrefix": "nvidia.com"}):
            spec = {"ofedDriver": DRIVER, "rdmaSharedDevicePlugin": {**PLUGIN, "config": config(**prefix)}}
            assert nvidia_network_admission.check({"kind": "NicClusterPolicy", "metadata": {"name": "n"}, "spec": spec}) == []

    def test_of_a_host_device_network(self) -> None:
        with pytest.raises(Refused, match='HostDeviceNetwork.mellanox.com "h" is invalid'):
            nvidia_network_admission.check({"kind": "HostDeviceNetwork", "metadata": {"name": "h"}, "spec": {"resourceName": "a/b"}})


class TestDevices:
    def test_shared_devices_are_there_as_soon_as_one_card_matches(self) -> None:
        assert nvidia_network_devices.rdma_resources(config(), [CX7, E810]) == {"rdma/eth": 63}
        assert nvidia_network_devices.rdma_resources(config(resourcePrefix="nvidia.com"), [CX7]) == {"nvidia.com/eth": 63}
        assert nvidia_network_devices.rdma_resources(config(selectors={"linkTypes": ["infiniband"]}), [CX7]) == {"rdma/eth": 0}
        assert nvidia_network_devices.rdma_resources(config(selectors={"ifNames": ["ens9"]}), [CX7]) == {"rdma/eth": 0}
        assert nvidia_network_devices.rdma_resources(None, [CX7]) == {}

    def test_whole_cards_leave_the_nodes_own_network_alone(self) -> None:
        text = json.dumps({"resourceList": [{"resourceName": "hostdev", "selectors": {"vendors": ["15b3"]}}]})
        assert nvidia_network_devices.whole_cards(text, [CX7, {**CX7, "pci": "x", "role": "machine"}, E810]) == {"nvidia.com/hostdev": 1}

    def test_a_resource_that_is_no_longer_offered_stays_with_nothing(self) -> None:
        node = {"status": {"allocatable": {"rdma/eth": "63", "cpu": "8"}}}
        assert resources_patch(node, {}, {"rdma/eth"})["status"]["allocatable"] == {"rdma/eth": "0"}
        assert resources_patch(node, {"rdma/eth": 63}, {"rdma/eth"}) == {}

    @pytest.mark.parametrize(
        ("image", "known"),
        [
            ("r/doca-driver:doca3.4.1-26.04-1.1.0.0-1-rhel9.6-amd64", True),
            ("r/doca-driver:doca9.9.9-26.04-1.1.0.0-1-rhel9.6-amd64", False),
            ("r/doca-driver:doca3.4.1-26.04-1.1.0.0-1", False),
            ("r/doca-driver@sha256:1", True),
        ],
    )
    def test_what_the_registry_has(self, image: str, known: bool) -> None:
        assert is_known(image) is known


class TestNetworks:
    def network(self, kind: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": "mellanox.com/v1alpha1", "kind": kind, "metadata": {"name": "n", "uid": "u"}, "spec": {"networkNamespace": "demo", **spec}}

    @pytest.mark.parametrize(
        ("kind", "spec", "made"),
        [
            ("MacvlanNetwork", {"master": "ens1", "mode": "bridge", "mtu": 9000, "ipam": "{}"}, {"type": "macvlan", "master": "ens1", "mode": "bridge", "mtu": 9000, "ipam": {}}),
            ("HostDeviceNetwork", {"resourceName": "hostdev", "ipam": '{"type": "dhcp"}'}, {"type": "host-device", "ipam": {"type": "dhcp"}}),
            ("IPoIBNetwork", {"master": "ibs1"}, {"type": "ipoib", "master": "ibs1", "ipam": {}}),
        ],
    )  # fmt: skip
    def test_definitions(self, kind: str, spec: dict[str, Any], made: dict[str, Any]) -> None:
        nad = nvidia_network_devices.definition(self.network(kind, **spec))
        assert json.loads(nad["spec"]["config"]) == {"cniVersion": "0.3.1", "name": "n", **made}
        assert nad["metadata"]["namespace"] == "demo" and nad["metadata"]["ownerReferences"][0]["kind"] == kind

    def test_the_resource_of_a_host_device_network_has_the_prefix(self) -> None:
        nad = nvidia_network_devices.definition(self.network("HostDeviceNetwork", resourceName="hostdev"))
        assert nad["metadata"]["annotations"] == {"k8s.v1.cni.cncf.io/resourceName": "nvidia.com/hostdev"}

    def test_broken_ipam(self) -> None:
        with pytest.raises(nvidia_network_devices.BadConfig, match="failed to render MacvlanNetwork"):
            nvidia_network_devices.definition(self.network("MacvlanNetwork", ipam="{"))

    def test_blocks_of_addresses(self) -> None:
        spec = {"subnet": "10.0.0.0/29", "perNodeBlockSize": 3}
        rows = blocks(spec, ["a", "b", "c"], {})
        assert [(row["nodeName"], row["startIP"], row["endIP"]) for row in rows] == [("a", "10.0.0.1", "10.0.0.3"), ("b", "10.0.0.4", "10.0.0.6")]
        kept = {"b": rows[1]}
        assert [row["startIP"] for row in blocks(spec, ["a", "b"], kept)] == ["10.0.0.4", "10.0.0.1"]


class Cluster:
    """One node with a ConnectX, the operator at work."""

    def __init__(self, world: Any, csv: dict[str, Any] = CSV, nics: list[dict[str, Any]] | None = None, labels: dict[str, str] | None = None) -> None:
        self.world, self.kube = world, world.kube
        world.settings.data["profile"]["nodes"] = [{"name": "gpu-0", "nics": nics or [CX7]}]
        world.settings.data["profile"]["delays"] = {"mofed-build": 0.0}
        world.node("gpu-0", NFD if labels is None else labels)
        stream = {"metadata": {"name": "driver-toolkit", "namespace": "openshift"}, "spec": {"tags": [{"name": "9.6.1", "from": {"name": "dtk"}}]}}
        self.kube.add({"apiVersion": "image.openshift.io/v1", "kind": "ImageStream", **stream})
        self.operator = world.run(NvidiaNetwork, csv)

    def policy(self, name: str = "nic-cluster-policy", **spec: Any) -> dict[str, Any]:
        added: dict[str, Any] = self.kube.add(
            {"apiVersion": "mellanox.com/v1alpha1", "kind": "NicClusterPolicy", "metadata": {"name": name}, "spec": spec}
        )
        return added

    def node_policy(self, name: str, **spec: Any) -> dict[str, Any]:
        added: dict[str, Any] = self.kube.add({"apiVersion": "mellanox.com/v1alpha1", "kind": "NicNodePolicy", "metadata": {"name": name}, "spec": spec})
        return added

    def node(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kube.objects["v1|Node||gpu-0"]
        return found

    def look(self, name: str = "nic-cluster-policy", kind: str = "NicClusterPolicy") -> dict[str, Any]:
        key = f"mellanox.com/v1alpha1|{kind}||{name}"
        self.operator.reconcile(self.kube, self.kube.objects[key])
        status: dict[str, Any] = self.kube.objects[key]["status"]
        return status

    def daemon_sets(self) -> dict[str, dict[str, Any]]:
        return {key.split("|")[3]: obj for key, obj in self.kube.objects.items() if key.startswith("apps/v1|DaemonSet|")}

    def schedule(self) -> None:
        """What the DaemonSet controller and KWOK do: a pod of each DaemonSet whose selector fits, and its numbers."""
        for name, workload in self.daemon_sets().items():
            template = workload["spec"]["template"]
            fits = all(self.node()["metadata"]["labels"].get(key) == value for key, value in (template["spec"].get("nodeSelector") or {}).items())
            key = f"v1|Pod|{NS}|{name}-x"
            if fits and key not in self.kube.objects:
                owner = [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": name, "uid": workload["metadata"]["uid"]}]
                meta = {"labels": template["metadata"]["labels"], "ownerReferences": owner}
                pod = self.world.pod(f"{name}-x", "gpu-0", NS, metadata=meta, **template["spec"])
                if OFED_LABEL in meta["labels"]:
                    pod["status"] = {}
            if key in self.kube.objects and OFED_LABEL in template["metadata"]["labels"]:
                self.operator.reconcile(self.kube, self.kube.objects[key])
            pod = self.kube.objects.get(key)
            ready = int(bool(pod) and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or []))
            workload["status"] = {"desiredNumberScheduled": int(fits), "numberAvailable": ready, "updatedNumberScheduled": ready}

    def settle(self, name: str = "nic-cluster-policy", kind: str = "NicClusterPolicy") -> dict[str, Any]:
        for _ in range(4):
            self.look(name, kind)
            self.schedule()
        return self.look(name, kind)


def words(status: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["state"] for row in status["appliedStates"] if row["state"] != "ignore"}


class TestPolicy:
    def test_from_nothing_to_rdma(self, world: Any) -> None:
        cluster = Cluster(world)
        cluster.policy(ofedDriver=DRIVER, rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        first = cluster.look()
        assert words(first) == {"state-OFED": "notReady", "state-RDMA-device-plugin": "notReady"} and first["state"] == "notReady"
        cluster.schedule()
        assert cluster.node()["metadata"]["labels"].get(OFED_WAIT) is None
        status = cluster.settle()
        assert status["state"] == "ready" and words(status) == {"state-OFED": "ready", "state-RDMA-device-plugin": "ready"}
        assert cluster.node()["metadata"]["labels"][OFED_WAIT] == "false"
        assert cluster.node()["status"]["allocatable"] == {"rdma/eth": "63"}
        ready = {item["type"]: (item["status"], item["reason"]) for item in status["conditions"]}
        assert ready["Ready"] == ("True", "AllComponentsReady") and ready["OFEDDriverReady"] == ("True", "ComponentReady")
        assert any(name.startswith("mofed-rhel9.6-") and name.endswith("-ds") for name in cluster.daemon_sets())

    def test_without_the_label_of_nfd_nothing_is_ready(self, world: Any) -> None:
        cluster = Cluster(world, labels={})
        cluster.policy(ofedDriver=DRIVER, rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        status = cluster.settle()
        assert status["state"] == "notReady" and list(cluster.daemon_sets()) == ["rdma-shared-dp-ds"]
        assert OFED_WAIT not in cluster.node()["metadata"]["labels"]

    def test_without_a_driver_section_nobody_waits(self, world: Any) -> None:
        cluster = Cluster(world)
        cluster.policy(rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        assert cluster.settle()["state"] == "ready"
        assert cluster.node()["metadata"]["labels"][OFED_WAIT] == "false"

    def test_another_name_is_ignored(self, world: Any) -> None:
        cluster = Cluster(world)
        cluster.policy("mine", ofedDriver=DRIVER)
        status = cluster.look("mine")
        assert status["state"] == "ignore" and "Only instance with name nic-cluster-policy is supported" in status["reason"]

    def test_conditions_are_new(self, world: Any) -> None:
        cluster = Cluster(world, OLD_CSV)
        cluster.policy(ofedDriver=DRIVER)
        assert "conditions" not in cluster.look()

    def test_a_toolkit_that_is_missing_is_told(self, world: Any) -> None:
        cluster = Cluster(world, labels={**NFD, OSTREE: "9.6.2"})
        cluster.policy(ofedDriver=DRIVER)
        row = next(row for row in cluster.look()["appliedStates"] if row["name"] == "state-OFED")
        assert "failed to find DTK image for RHCOS version: 9.6.2" in row["message"]

    def test_a_shorter_manifest_removes_the_driver(self, world: Any) -> None:
        cluster = Cluster(world)
        made = cluster.policy(ofedDriver=DRIVER, rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        cluster.settle()
        key = cluster.kube.path_of(made)
        del cluster.kube.objects[key]["spec"]["ofedDriver"]
        cluster.look()
        assert not any(name.startswith("mofed") for name in cluster.daemon_sets())
        assert cluster.node()["metadata"]["labels"][OFED_WAIT] == "true", "its pod is still there"

    def test_without_the_policy_there_is_no_device(self, world: Any) -> None:
        cluster = Cluster(world)
        made = cluster.policy(ofedDriver=DRIVER, rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        cluster.settle()
        gone = cluster.kube.objects.pop(cluster.kube.path_of(made))
        cluster.operator.deleted(cluster.kube, gone)
        assert cluster.node()["status"]["allocatable"] == {"rdma/eth": "0"}


class TestNodePolicy:
    """A policy for some nodes, beside that for all."""

    def some(self, cluster: Cluster, name: str = "h200") -> dict[str, Any]:
        return cluster.settle(name, "NicNodePolicy")

    def test_from_nothing_to_rdma(self, world: Any) -> None:
        cluster = Cluster(world, labels={**NFD, "kind": "h200"})
        cluster.node_policy("h200", nodeSelector={"kind": "h200"}, ofedDriver=DRIVER, rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        status = self.some(cluster)
        assert status["state"] == "ready" and [row["name"] for row in status["appliedStates"]] == ["state-OFED", "state-RDMA-device-plugin", "state-SRIOV-device-plugin"]
        assert cluster.node()["metadata"]["labels"][OFED_WAIT] == "false" and cluster.node()["status"]["allocatable"] == {"rdma/eth": "63"}
        plugin = cluster.daemon_sets()[f"rdma-shared-dp-ds-{short_hash('h200')}"]
        template = plugin["spec"]["template"]
        assert template["metadata"]["labels"] == {"app": "rdma-shared-dp-h200", "ds-owner": "nnp-h200"} and template["spec"]["nodeSelector"]["kind"] == "h200"

    def test_other_nodes_get_nothing(self, world: Any) -> None:
        cluster = Cluster(world)
        cluster.node_policy("h200", nodeSelector={"kind": "h200"}, ofedDriver=DRIVER, rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        assert self.some(cluster)["state"] == "notReady"
        assert not cluster.node()["status"].get("allocatable") and OFED_WAIT not in cluster.node()["metadata"]["labels"]

    def test_without_a_driver_it_needs_a_cluster_policy_for_the_label_of_the_plugins(self, world: Any) -> None:
        cluster = Cluster(world)
        cluster.node_policy("h200", rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        assert self.some(cluster)["state"] == "notReady" and OFED_WAIT not in cluster.node()["metadata"]["labels"]
        cluster.policy()
        cluster.look()
        assert self.some(cluster)["state"] == "ready"

    def test_its_end_takes_its_devices(self, world: Any) -> None:
        cluster = Cluster(world)
        cluster.policy()
        cluster.look()
        made = cluster.node_policy("h200", rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        assert self.some(cluster)["state"] == "ready"
        gone = cluster.kube.objects.pop(cluster.kube.path_of(made))
        cluster.operator.deleted(cluster.kube, gone)
        assert cluster.node()["status"]["allocatable"] == {"rdma/eth": "0"} and cluster.node()["metadata"]["labels"][OFED_WAIT] == "false"

    def test_two_for_one_node_are_an_error(self, world: Any) -> None:
        cluster = Cluster(world)
        for name in ("a", "b"):
            cluster.node_policy(name, nodeSelector={MELLANOX_LABEL: "true"})
        assert cluster.look("a", "NicNodePolicy") == {
            "state": "error", "reason": 'node selector overlap detected: node "gpu-0" is selected by policies: [a, b]'
        }

    def test_refusals(self, world: Any) -> None:
        cluster = Cluster(world)

        def refused(kind: str, name: str, **spec: Any) -> str:
            made = {"apiVersion": "mellanox.com/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
            with pytest.raises(Refused) as error:
                cluster.operator._judge({"kind": {"kind": kind}, "object": made})
            return str(error.value)

        cluster.node_policy("h200", nodeSelector={"kind": "h200"}, ofedDriver=DRIVER)
        said = refused("NicClusterPolicy", "nic-cluster-policy", ofedDriver=DRIVER)
        assert said == 'NicNodePolicy "h200" already defines ofedDriver; NicClusterPolicy cannot also define it'
        cluster.policy(rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        said = refused("NicNodePolicy", "h200", rdmaSharedDevicePlugin={**PLUGIN, "config": config()})
        assert said == 'NicClusterPolicy already defines rdmaSharedDevicePlugin; NicNodePolicy "h200" cannot also define it'
        cluster.node()["metadata"]["labels"]["kind"] = "h200"
        assert "selected by policies: [h200, other]" in refused("NicNodePolicy", "other")
        assert "must be at most 50 characters" in refused("NicNodePolicy", "x" * 31)

    def test_the_hash_of_names(self) -> None:
        assert short_hash("") == "".join(SAFE[ord(digit) % len(SAFE)] for digit in str(0x811C9DC5))
        assert short_hash("a") == "".join(SAFE[ord(digit) % len(SAFE)] for digit in str(0xE40C292C))


class TestDriver:
    def pod(self, cluster: Cluster) -> dict[str, Any]:
        found: dict[str, Any] = next(obj for key, obj in cluster.kube.objects.items() if "|Pod|" in key and OFED_LABEL in obj["metadata"]["labels"])
        return found

    def waiting(self, cluster: Cluster) -> str:
        return str(self.pod(cluster)["status"]["containerStatuses"][0]["state"]["waiting"]["reason"])

    def test_never_ready(self, world: Any) -> None:
        cluster = Cluster(world)
        world.settings.data["scenario"] = {"mofed-never-ready": {"node": "gpu-0"}}
        cluster.policy(ofedDriver=DRIVER)
        assert cluster.settle()["state"] == "notReady" and self.waiting(cluster) == "CrashLoopBackOff"
        assert cluster.node()["metadata"]["labels"][OFED_WAIT] == "true"
        world.settings.data["scenario"] = {}
        assert cluster.settle()["state"] == "ready"

    def test_intels_rdma_driver_is_in_the_way(self, world: Any) -> None:
        cluster = Cluster(world, nics=[CX7, E810])
        cluster.policy(ofedDriver=DRIVER)
        assert cluster.settle()["state"] == "notReady"
        assert "in use by: irdma" in self.pod(cluster)["status"]["containerStatuses"][0]["lastState"]["terminated"]["message"]

    def test_unless_it_may_be_unloaded(self, world: Any) -> None:
        cluster = Cluster(world, nics=[CX7, E810])
        cluster.policy(ofedDriver={**DRIVER, "env": [{"name": "UNLOAD_THIRD_PARTY_RDMA_MODULES", "value": "true"}]})
        assert cluster.settle()["state"] == "ready"

    def test_a_version_that_the_registry_lacks(self, world: Any) -> None:
        cluster = Cluster(world)
        cluster.policy(ofedDriver={**DRIVER, "version": "doca9.9.9-26.04-1.1.0.0-1"})
        assert cluster.settle()["state"] == "notReady" and self.waiting(cluster) == "ImagePullBackOff"

    def test_an_upgrade_replaces_the_pod(self, world: Any) -> None:
        cluster = Cluster(world)
        made = cluster.policy(ofedDriver={**DRIVER, "upgradePolicy": {"autoUpgrade": True}})
        cluster.settle()
        assert cluster.node()["metadata"]["labels"]["nvidia.com/ofed-driver-upgrade-state"] == "upgrade-done"
        cluster.kube.objects[cluster.kube.path_of(made)]["spec"]["ofedDriver"]["version"] = "doca3.3.0-26.01-1.0.0.0-0"
        cluster.look()
        assert any(write.startswith("delete Pod mofed") for write in cluster.kube.writes)


def test_a_daemon_set_without_a_node_is_not_ready() -> None:
    assert not daemon_set_ready({"status": {"desiredNumberScheduled": 0, "numberAvailable": 0, "updatedNumberScheduled": 0}})
    assert not daemon_set_ready(None)
