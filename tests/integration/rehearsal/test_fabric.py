# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fabric by `kubectl apply` of what the products' documentation says: SR-IOV operator, NVIDIA's network operator, Multus - and what goes wrong.

One rehearsal for all; a test leaves it without policies. Faults are made and repaired in the running rehearsal, as rehearsal/operators/README.md says.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import MEASURING, Rehearsal
from tests.integration.rehearsal.steps import apply, break_, install, one_cluster, until

pytestmark = pytest.mark.rehearsal

SRIOV, NVIDIA, NFD = "openshift-sriov-network-operator", "nvidia-network-operator", "openshift-nfd"
API = "sriovnetwork.openshift.io/v1"
NODES = ("gpu-0", "gpu-1")
CURRENT = "sriovnetwork.openshift.io/current-state"
WORKERS = {"node-role.kubernetes.io/worker": ""}
STATUS = "k8s.v1.cni.cncf.io/network-status"


def sriov(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": SRIOV}, "spec": spec}


def policy(name: str = "rails", **spec: Any) -> dict[str, Any]:
    base = {"resourceName": "roce", "nodeSelector": WORKERS, "numVfs": 16, "mtu": 9000, "isRdma": True}
    return sriov("SriovNetworkNodePolicy", name, **{**base, "nicSelector": {"vendor": "15b3", "deviceID": "1021"}, **spec})


def config(**spec: Any) -> dict[str, Any]:
    return sriov("SriovOperatorConfig", "default", **{"enableInjector": True, "enableOperatorWebhook": True, "logLevel": 2, **spec})


def pod(name: str, networks: str, **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "demo", "labels": {"app": name}, "annotations": {"k8s.v1.cni.cncf.io/networks": networks}}
    base = {"nodeSelector": WORKERS, "containers": [{"name": "c", "image": "example.com/app:1"}], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**base, **spec}}


def state(cluster: Rehearsal, node: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("sriovnetworknodestate", node, "-n", SRIOV)
    return found


def cards(cluster: Rehearsal, node: str) -> dict[str, dict[str, Any]]:
    """`status.interfaces` of a NodeState by name."""
    return {item["name"]: item for item in (state(cluster, node).get("status") or {}).get("interfaces") or []}


def devices(cluster: Rehearsal, resource: str = "openshift.io/roce") -> list[str]:
    return [cluster.get("node", name)["status"]["allocatable"].get(resource, "0") for name in NODES]


def idle(cluster: Rehearsal, *nodes: str) -> bool:
    """Every node's daemon has done what it was asked, and its drain is over."""
    found = [state(cluster, name) for name in nodes or NODES]
    return all(item["status"].get("syncStatus") == "Succeeded" and item["metadata"]["annotations"].get(CURRENT) == "Idle" for item in found)


def counters(cluster: Rehearsal) -> dict[str, dict[str, int]]:
    path = cluster.state / "run" / "counters.json"
    found: dict[str, dict[str, int]] = json.loads(path.read_text()) if path.exists() else {"reboots": {}, "drains": {}}
    return found


def network_of(cluster: Rehearsal, name: str) -> list[dict[str, Any]]:
    notes = cluster.get("pod", name, "-n", "demo")["metadata"].get("annotations") or {}
    found: list[dict[str, Any]] = json.loads(notes.get(STATUS) or "[]")
    return found


def messages(cluster: Rehearsal, reason: str, name: str) -> str:
    events = cluster.get("events", "-A", "--field-selector", f"reason={reason},involvedObject.name={name}")["items"]
    return "\n".join(item["message"] for item in events)


@contextlib.contextmanager
def fault(cluster: Rehearsal, *scenarios: str) -> Iterator[None]:
    """The faults of these scenarios, at the last GPU node, as long as the test wants them."""
    break_(cluster, *scenarios)
    try:
        yield
    finally:
        break_(cluster)


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    """h200-roce with the three operators installed and nothing configured."""
    for found in one_cluster(request, "fabric", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"):
        install(
            found,
            (SRIOV, "sriov-network-operator", "stable", "redhat-operators", True),
            (NVIDIA, "nvidia-network-operator", "stable", "certified-operators", True),
            (NFD, "nfd", "stable", "redhat-operators", True),
        )
        apply(found, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}})
        yield found


@pytest.fixture(scope="module")
def fabric(cluster: Rehearsal) -> Rehearsal:
    """With the SriovOperatorConfig, and NodeStates that know their cards."""
    apply(cluster, config())
    until("cards of all nodes", lambda: all(cards_or_none(cluster, name) for name in NODES))
    return cluster


def cards_or_none(cluster: Rehearsal, node: str) -> dict[str, Any]:
    found = cluster.get("sriovnetworknodestates", "-n", SRIOV)["items"]
    return cards(cluster, node) if any(item["metadata"]["name"] == node for item in found) else {}


@pytest.fixture
def clean(fabric: Rehearsal) -> Iterator[Rehearsal]:
    """No policy before and after."""
    yield fabric
    fabric.kubectl("delete", "pods,pdb", "--all", "-n", "demo", "--wait=false")
    fabric.kubectl("delete", "sriovnetworknodepolicies,sriovnetworkpoolconfigs", "--all", "-n", SRIOV)
    until("all taken back", lambda: idle(fabric) and devices(fabric) == ["0", "0"])


class TestOperatorConfig:
    def test_nothing_happens_before_it(self, cluster: Rehearsal) -> None:
        time.sleep(2)
        assert cluster.get("sriovnetworknodestates", "-n", SRIOV)["items"] == []
        assert [item["metadata"]["name"] for item in cluster.get("ds", "-n", SRIOV)["items"]] == []

    def test_it_makes_daemons_and_nodestates_of_the_workers(self, fabric: Rehearsal) -> None:
        assert [item["metadata"]["name"] for item in fabric.get("sriovnetworknodestates", "-n", SRIOV)["items"]] == list(NODES)
        first = cards(fabric, "gpu-0")["ens24f0np0"]
        assert {key: first[key] for key in ("vendor", "deviceID", "driver", "linkType", "linkSpeed", "totalvfs", "eSwitchMode", "mtu")} == {
            "vendor": "15b3", "deviceID": "1021", "driver": "mlx5_core", "linkType": "ETH", "linkSpeed": "400000 Mb/s", "totalvfs": 16,
            "eSwitchMode": "legacy", "mtu": 9000}  # fmt: skip
        assert fabric.get("cm", "supported-nic-ids", "-n", SRIOV)["data"]

    def test_only_the_default_one_counts(self, fabric: Rehearsal) -> None:
        said = apply(fabric, sriov("SriovOperatorConfig", "other", enableInjector=True), check=False)
        assert f"only default SriovOperatorConfig in {SRIOV} namespace is used" in said


class TestRefusals:
    @pytest.mark.parametrize(
        ("spec", "words"),
        [
            ({"nicSelector": {"vendor": "14e4", "deviceID": "1760"}}, "vendor/device 14e4/1760 is not supported"),
            ({"nicSelector": {"vendor": "15b3", "deviceID": "101d"}}, "no supported NIC is selected by the nicSelector in CR rails"),
            ({"nicSelector": {}}, "has to be defined in nicSelector in CR rails"),
            ({"nodeSelector": {"gpu": "none"}}, "no matched node is selected by the nodeSelector in CR rails"),
            ({"numVfs": 129, "nicSelector": {"vendor": "8086"}}, "numVfs(129) in CR rails exceed the maximum allowed value(128) interface(ens6f0)"),
            ({"deviceType": "vfio-pci"}, "'deviceType: vfio-pci' conflicts with 'isRdma: true'"),
            ({"resourceName": "roce-gdr"}, 'resource name "roce-gdr" contains invalid characters'),
            ({"linkType": "ib", "eSwitchMode": "switchdev"}, "'eSwitchMode: switchdev' can be used only with ethernet links"),
        ],
    )
    def test_of_a_policy(self, fabric: Rehearsal, spec: dict[str, Any], words: str) -> None:
        said = apply(fabric, policy(**spec), check=False)
        assert 'admission webhook "operator-webhook.sriovnetwork.openshift.io" denied the request' in said and words in said

    def test_of_overlapping_ranges(self, clean: Rehearsal) -> None:
        apply(clean, policy("first", nicSelector={"pfNames": ["ens24f0np0#0-7"]}))
        said = apply(clean, policy("second", resourceName="other", nicSelector={"pfNames": ["ens24f0np0#7-15"]}), check=False)
        assert "VF index range in ens24f0np0#7-15 is overlapped with existing policy first" in said
        apply(clean, policy("second", resourceName="other", nicSelector={"pfNames": ["ens24f0np0#8-15"]}))
        until("two resources", lambda: devices(clean) == ["8", "8"] and devices(clean, "openshift.io/other") == ["8", "8"])


class TestPolicies:
    def test_functions_of_the_firmware_disturb_nobody(self, clean: Rehearsal) -> None:
        before = counters(clean)
        apply(clean, policy())
        until("devices", lambda: devices(clean) == ["128", "128"])
        until("idle", lambda: idle(clean))
        first = cards(clean, "gpu-0")["ens24f0np0"]
        assert first["numVfs"] == 16 and first["Vfs"][0]["deviceID"] == "101e" and first["Vfs"][0]["mtu"] == 9000
        assert counters(clean) == before

    def test_another_number_drains_and_reboots_one_node_after_the_other(self, clean: Rehearsal) -> None:
        apply(clean, policy())
        until("idle", lambda: devices(clean) == ["128", "128"] and idle(clean))
        before = counters(clean)
        apply(clean, policy(numVfs=8))
        seen: set[int] = set()

        def over() -> bool:
            states = clean.get("sriovnetworknodestates", "-n", SRIOV)["items"]  # one list: two readings would see a change of turns as two at once
            busy = [item for item in states if item["metadata"].get("annotations", {}).get(CURRENT) != "Idle"]
            seen.add(len(busy))
            return devices(clean) == ["64", "64"] and idle(clean)

        until("new number", over)
        after = counters(clean)
        assert max(seen) == 1
        assert all(after["reboots"].get(name, 0) - before["reboots"].get(name, 0) == 1 for name in NODES)
        pool = clean.get("machineconfigpool", "worker")
        assert not pool["spec"].get("paused") and pool["metadata"]["annotations"]["sriovnetwork.openshift.io/state"] == "Idle"

    def test_it_never_works_at_once_with_the_machine_config_operator(self, clean: Rehearsal) -> None:
        apply(clean, policy())
        until("idle", lambda: devices(clean) == ["128", "128"] and idle(clean))
        role = {"machineconfiguration.openshift.io/role": "worker"}
        kernel = {"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig", "metadata": {"name": "99-fabric", "labels": role},
                  "spec": {"kernelArguments": ["iommu=pt"]}}  # fmt: skip
        before = counters(clean)
        apply(clean, policy(numVfs=8), kernel)

        def over() -> bool:
            nodes = clean.get("nodes")["items"]  # one list, as above
            assert sum(bool(node["spec"].get("unschedulable")) for node in nodes) <= 1, "two nodes are away at once"
            pool = clean.get("machineconfigpool", "worker")
            reached = pool["spec"]["configuration"]["name"] == (pool["status"].get("configuration") or {}).get("name")
            return devices(clean) == ["64", "64"] and idle(clean) and reached and not pool["spec"].get("paused")

        until("both", over, 240)
        # One reboot serves both when the firmware was written before the machine-config operator's.
        assert all(counters(clean)["reboots"][name] - before["reboots"].get(name, 0) in (1, 2) for name in NODES)

    def test_a_drain_waits_for_a_disruption_budget(self, clean: Rehearsal) -> None:
        budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "keep", "namespace": "demo"},
                  "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "keep"}}}}  # fmt: skip
        keep = pod("keep", "", nodeName="gpu-1")
        # The firmware keeps the last test's number; only one that differs from it needs a drain.
        apply(clean, policy())
        until("first number", lambda: devices(clean) == ["128", "128"] and idle(clean))
        apply(clean, budget, keep)
        until("budget", lambda: (clean.get("pdb", "keep", "-n", "demo").get("status") or {}).get("currentHealthy") == 1)
        clean.kubectl("delete", "events", "-n", SRIOV, "--field-selector", "reason=DrainController,involvedObject.name=gpu-1")
        apply(clean, policy(numVfs=8))
        until("refused drain", lambda: "failed to drain node" in messages(clean, "DrainController", "gpu-1"))
        stuck = state(clean, "gpu-1")
        assert stuck["status"]["syncStatus"] == "InProgress" and stuck["metadata"]["annotations"][CURRENT] == "Draining"
        assert clean.get("machineconfigpool", "worker")["spec"]["paused"] and clean.get("node", "gpu-1")["spec"]["unschedulable"]
        clean.kubectl("delete", "pdb", "keep", "-n", "demo")
        until("drained", lambda: devices(clean) == ["64", "64"] and idle(clean))


class TestRails:
    """What a rail carries: seen by measuring, or in its card's MTU."""

    @pytest.mark.wide
    def test_scenario_nic_mtu_differs(self, fabric: Rehearsal) -> None:
        with fault(fabric, "nic-mtu-differs"):
            until("the other MTU", lambda: cards(fabric, "gpu-1")["ens24f0np0"]["mtu"] == 1500)
            assert cards(fabric, "gpu-0")["ens24f0np0"]["mtu"] == 9000
        until("as before", lambda: cards(fabric, "gpu-1")["ens24f0np0"]["mtu"] == 9000)

    @pytest.mark.wide
    def test_scenario_rail_slow(self, clean: Rehearsal) -> None:
        """ib_write_bw between two pods, one on each node, over virtual functions of rail 2."""
        apply(clean, policy(resourceName="rail_2", nicSelector={"pfNames": ["ens26f0np0"]}))
        until("devices", lambda: devices(clean, "openshift.io/rail_2") == ["16", "16"] and idle(clean))
        assert measured(clean, "sound") > 350
        with fault(clean, "rail-slow"):
            assert 0 < measured(clean, "slow") < 100


def measured(cluster: Rehearsal, name: str) -> float:
    """Gbit/s on average that ib_write_bw prints."""
    tool = "ib_write_bw -d mlx5_4 -F -q 4 -s 1048576 --report_gbits -D 1"

    def end(role: str, node: str, command: str) -> dict[str, Any]:
        limits = {"limits": {"openshift.io/rail_2": "1"}, "requests": {"openshift.io/rail_2": "1"}}
        container = {"name": "c", "image": MEASURING, "command": ["/bin/sh", "-c", command], "resources": limits}
        return pod(f"{name}-{role}", "", nodeName=node, nodeSelector=None, restartPolicy="Never", containers=[container])

    apply(cluster, end("server", "gpu-0", tool))
    address = until("the server's address", lambda: cluster.get("pod", f"{name}-server", "-n", "demo")["status"].get("podIP"))
    until("the server", lambda: cluster.get("pod", f"{name}-server", "-n", "demo")["status"]["phase"] == "Running")
    apply(cluster, end("client", "gpu-1", f"{tool} {address}"))
    until("the end", lambda: cluster.get("pod", f"{name}-client", "-n", "demo")["status"]["phase"] in ("Succeeded", "Failed"))
    log = cluster.kubectl("logs", f"{name}-client", "-n", "demo")
    row = next((line.split() for line in log.splitlines() if line.split()[:1] == ["1048576"]), None)
    assert row, log
    return float(row[3])


class TestNetworks:
    def test_pods_get_devices_and_addresses(self, clean: Rehearsal) -> None:
        ipam = json.dumps({"type": "whereabouts", "range": "192.168.100.0/24", "exclude": ["192.168.100.0/30"]})
        apply(clean, policy(), sriov("SriovNetwork", "rail", resourceName="roce", networkNamespace="demo", ipam=ipam))
        until("devices", lambda: devices(clean) == ["128", "128"])
        nad = until("definition", lambda: clean.get("net-attach-def", "-n", "demo")["items"])[0]
        assert nad["metadata"]["annotations"]["k8s.v1.cni.cncf.io/resourceName"] == "openshift.io/roce"
        assert json.loads(nad["spec"]["config"])["type"] == "sriov"
        apply(clean, *[pod(f"p{number}", "rail") for number in range(4)])
        until("pods", lambda: all(item["status"]["phase"] == "Running" for item in clean.get("pods", "-n", "demo")["items"]))
        entries = [network_of(clean, f"p{number}")[1] for number in range(4)]
        assert sorted(item["ips"][0] for item in entries) == [f"192.168.100.{number}" for number in range(4, 8)]
        places = {(clean.get("pod", f"p{n}", "-n", "demo")["spec"]["nodeName"], item["device-info"]["pci"]["pci-address"]) for n, item in enumerate(entries)}
        assert len(places) == 4, "no device is given twice"
        asked = clean.get("pod", "p0", "-n", "demo")["spec"]["containers"][0]["resources"]["limits"]
        assert asked == {"openshift.io/roce": "1"}, "the injector lets the pod ask for its device"
        pool = clean.get("ippools.whereabouts.cni.cncf.io", "192.168.100.0-24", "-n", "openshift-multus")
        assert len(pool["spec"]["allocations"]) == 4
        clean.kubectl("delete", "pods", "--all", "-n", "demo")
        until("addresses free", lambda: not clean.get("ippools.whereabouts.cni.cncf.io", "192.168.100.0-24", "-n", "openshift-multus")["spec"]["allocations"])
        clean.kubectl("delete", "sriovnetwork", "rail", "-n", SRIOV)
        assert clean.get("net-attach-def", "-n", "demo")["items"] == []

    def test_a_real_pod_waits_for_its_network_too(self, fabric: Rehearsal) -> None:
        nad = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "late", "namespace": "demo"},
               "spec": {"config": json.dumps({"cniVersion": "0.3.1", "name": "late", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.7.0.0/24"}})}}  # fmt: skip
        program = [{"name": "c", "image": fabric.tools, "command": ["python3", "-c", "print('hello'); import time; time.sleep(600)"]}]
        apply(fabric, config(enableInjector=False))
        until("no injector", lambda: "network-resources-injector" not in fabric.kubectl("get", "mutatingwebhookconfigurations", "-o", "name"))
        apply(fabric, pod("real", "late", containers=program))
        until("refused sandbox", lambda: "cannot find a network-attachment-definition (late)" in messages(fabric, "FailedCreatePodSandBox", "real"))
        waiting = fabric.get("pod", "real", "-n", "demo")["status"]
        assert waiting["phase"] == "Pending"
        apply(fabric, nad)
        until("running", lambda: fabric.get("pod", "real", "-n", "demo")["status"]["phase"] == "Running")
        assert network_of(fabric, "real")[1]["ips"] == ["10.7.0.2"]
        apply(fabric, config())
        fabric.kubectl("delete", "pod", "real", "-n", "demo")

    def test_a_definition_that_is_missing(self, fabric: Rehearsal) -> None:
        until("injector", lambda: "network-resources-injector" in fabric.kubectl("get", "mutatingwebhookconfigurations", "-o", "name"))
        said = apply(fabric, pod("lost", "nowhere"), check=False)
        assert "could not find network attachment definition 'demo/nowhere'" in said
        apply(fabric, config(enableInjector=False))
        until("no injector", lambda: "network-resources-injector" not in fabric.kubectl("get", "mutatingwebhookconfigurations", "-o", "name"))
        apply(fabric, pod("lost", "nowhere"))
        until("refused sandbox", lambda: "cannot find a network-attachment-definition (nowhere)" in messages(fabric, "FailedCreatePodSandBox", "lost"))
        assert "ContainerCreating" in fabric.kubectl("get", "pod", "lost", "-n", "demo")
        fabric.kubectl("delete", "pod", "lost", "-n", "demo")
        apply(fabric, config())


class TestFaults:
    def test_link_down(self, fabric: Rehearsal) -> None:
        with fault(fabric, "nic-link-down"):
            until("speed", lambda: cards(fabric, "gpu-1")["ens24f0np0"]["linkSpeed"] == "-1 Mb/s")
            assert cards(fabric, "gpu-0")["ens24f0np0"]["linkSpeed"] == "400000 Mb/s"
        until("repaired", lambda: cards(fabric, "gpu-1")["ens24f0np0"]["linkSpeed"] == "400000 Mb/s")

    def test_wrong_link_layer_is_changed_by_a_policy_that_names_it(self, clean: Rehearsal) -> None:
        with fault(clean, "nic-wrong-link-layer"):
            until("InfiniBand", lambda: cards(clean, "gpu-1")["ens24f0np0"]["linkType"] == "IB")
            apply(clean, policy())
            until("devices", lambda: devices(clean) == ["128", "128"])
            assert cards(clean, "gpu-1")["ens24f0np0"]["linkType"] == "IB", "nobody asked for Ethernet"
            apply(clean, policy(linkType="eth"))
            until("Ethernet", lambda: cards(clean, "gpu-1")["ens24f0np0"]["linkType"] == "ETH" and idle(clean))

    def test_crossed_rails_show_in_names_and_addresses(self, fabric: Rehearsal) -> None:
        with fault(fabric, "rails-crossed"):
            until("swapped", lambda: cards(fabric, "gpu-1")["ens24f0np0"]["pciAddress"] == "0000:3c:00.0")
            assert cards(fabric, "gpu-0")["ens24f0np0"]["pciAddress"] == "0000:1a:00.0"
        until("repaired", lambda: cards(fabric, "gpu-1")["ens24f0np0"]["pciAddress"] == "0000:1a:00.0")

    @pytest.mark.parametrize(("name", "most"), [("vf-limit", 4), ("sriov-off-in-bios", None)])
    def test_too_few_functions(self, clean: Rehearsal, name: str, most: int | None) -> None:
        with fault(clean, name):
            until("fewer", lambda: cards(clean, "gpu-1")["ens24f0np0"].get("totalvfs") == most)
            apply(clean, policy())
            until("the good node", lambda: devices(clean)[0] == "128")
            until("the other one's refusal", lambda: state(clean, "gpu-1")["status"]["syncStatus"] == "InProgress" and devices(clean)[1] == "0")
        until("repaired", lambda: devices(clean) == ["128", "128"])

    def test_sriov_off_in_the_firmware_is_switched_on(self, clean: Rehearsal) -> None:
        with fault(clean, "sriov-off-in-firmware"):
            until("off", lambda: "totalvfs" not in cards(clean, "gpu-1")["ens25f0np0"])
            before = counters(clean)
            apply(clean, policy())
            until("on", lambda: devices(clean) == ["128", "128"] and idle(clean))
            assert counters(clean)["reboots"]["gpu-1"] - before["reboots"].get("gpu-1", 0) == 1

    def test_firmware_that_never_loads_reboots_the_node_again_and_again(self, clean: Rehearsal) -> None:
        with fault(clean, "nic-firmware-needs-reset"):
            before = counters(clean)["reboots"].get("gpu-1", 0)
            apply(clean, policy(numVfs=12))
            until("third reboot", lambda: counters(clean)["reboots"].get("gpu-1", 0) - before >= 3)
            assert state(clean, "gpu-1")["status"]["syncStatus"] == "InProgress"
            apply(clean, config(featureGates={"mellanoxFirmwareReset": True}))
            until("loaded", lambda: devices(clean) == ["96", "96"] and idle(clean))
            clean.kubectl("delete", "sriovnetworknodepolicies", "--all", "-n", SRIOV)
            until("taken back", lambda: idle(clean) and devices(clean) == ["0", "0"])

    def test_stuck_daemon(self, clean: Rehearsal) -> None:
        with fault(clean, "sriov-daemon-stuck"):
            apply(clean, policy())
            until("the good node", lambda: devices(clean)[0] != "0" and idle(clean, "gpu-0"))
            time.sleep(2)
            assert state(clean, "gpu-1")["spec"]["interfaces"] and "Vfs" not in cards(clean, "gpu-1")["ens24f0np0"]
        until("repaired", lambda: devices(clean)[1] != "0" and idle(clean))


NIC_POLICY = {
    "apiVersion": "mellanox.com/v1alpha1",
    "kind": "NicClusterPolicy",
    "metadata": {"name": "nic-cluster-policy"},
    "spec": {
        "ofedDriver": {
            "image": "doca-driver",
            "repository": "nvcr.io/nvidia/mellanox",
            "version": "doca3.4.1-26.04-1.1.0.0-1",
            "env": [{"name": "UNLOAD_THIRD_PARTY_RDMA_MODULES", "value": "true"}],
        },
        "rdmaSharedDevicePlugin": {
            "image": "k8s-rdma-shared-dev-plugin",
            "repository": "nvcr.io/nvidia/mellanox",
            "version": "network-operator-v26.4.1",
            "config": json.dumps(
                {"configList": [{"resourceName": "rdma_shared_device_eth", "rdmaHcaMax": 63, "selectors": {"vendors": ["15b3"], "linkTypes": ["ether"]}}]}
            ),
        },
    },
}
FEATURES = {
    "apiVersion": "nfd.openshift.io/v1",
    "kind": "NodeFeatureDiscovery",
    "metadata": {"name": "nfd-instance", "namespace": NFD},
    "spec": {"workerConfig": {"configData": 'sources:\n  pci:\n    deviceClassWhitelist: ["02", "03", "12"]\n    deviceLabelFields: ["vendor"]\n'}},
}


def changed(**spec: Any) -> dict[str, Any]:
    base: dict[str, Any] = json.loads(json.dumps(NIC_POLICY))
    for key, value in spec.items():
        base["spec"][key] = {**base["spec"].get(key, {}), **value}
    return base


def nic_policy(cluster: Rehearsal) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("nicclusterpolicy", "nic-cluster-policy").get("status") or {}
    return found


def driver_reasons(cluster: Rehearsal) -> list[str]:
    pods = cluster.get("pods", "-n", NVIDIA, "-l", "nvidia.com/ofed-driver")["items"]
    rows = [item["status"].get("containerStatuses") or [{}] for item in pods]
    return sorted({(row[0].get("state") or {}).get("waiting", {}).get("reason", "") for row in rows})


class TestNvidiaNetworkOperator:
    def test_without_labels_of_nfd_no_node_matches(self, cluster: Rehearsal) -> None:
        apply(cluster, NIC_POLICY)
        until("states", lambda: nic_policy(cluster).get("state") == "notReady")
        told = {row["name"]: row["state"] for row in nic_policy(cluster)["appliedStates"]}
        assert told["state-OFED"] == told["state-RDMA-device-plugin"] == "notReady" and told["state-multus-cni"] == "ignore"
        assert cluster.get("pods", "-n", NVIDIA, "-l", "nvidia.com/ofed-driver")["items"] == []

    def test_driver_then_devices(self, cluster: Rehearsal) -> None:
        apply(cluster, NIC_POLICY, FEATURES)
        until("ready", lambda: nic_policy(cluster).get("state") == "ready")
        until("devices", lambda: devices(cluster, "rdma/rdma_shared_device_eth") == ["63", "63"])
        labels = cluster.get("node", "gpu-0")["metadata"]["labels"]
        assert labels["network.nvidia.com/operator.mofed.wait"] == "false"

    @pytest.mark.parametrize(
        ("part", "words"),
        [
            ({"rdmaSharedDevicePlugin": {"config": '{"configList":[{"resourceName":"a","resourcePrefix":"rdma","rdmaHcaMax":1,"selectors":{"vendors":["15b3"]}}]}'}},
             "Invalid Resource prefix, it must be a valid FQDN"),
            ({"ofedDriver": {"version": "latest"}}, "invalid OFED version"),
        ],
    )  # fmt: skip
    def test_refusals(self, cluster: Rehearsal, part: dict[str, Any], words: str) -> None:
        said = apply(cluster, changed(**part), check=False)
        assert "denied the request" in said and words in said

    def test_another_name_is_ignored(self, cluster: Rehearsal) -> None:
        apply(cluster, {**NIC_POLICY, "metadata": {"name": "mine"}})
        until("ignored", lambda: (cluster.get("nicclusterpolicy", "mine").get("status") or {}).get("state") == "ignore")
        cluster.kubectl("delete", "nicclusterpolicy", "mine")

    @pytest.mark.wide
    def test_a_policy_for_one_node(self, cluster: Rehearsal) -> None:
        """It gives that node its devices, and no section of it may be in the policy of all nodes."""
        shared = {"rdmaSharedDevicePlugin": NIC_POLICY["spec"]["rdmaSharedDevicePlugin"]}
        some = {"apiVersion": "mellanox.com/v1alpha1", "kind": "NicNodePolicy", "metadata": {"name": "one"}}
        some["spec"] = {"nodeSelector": {"kubernetes.io/hostname": "gpu-1"}, **shared}
        cluster.kubectl("delete", "nicclusterpolicies", "--all")
        apply(cluster, {**NIC_POLICY, "spec": {"ofedDriver": NIC_POLICY["spec"]["ofedDriver"]}}, FEATURES)
        apply(cluster, some)
        until("one node's devices", lambda: devices(cluster, "rdma/rdma_shared_device_eth") == ["0", "63"])
        until("ready", lambda: (cluster.get("nicnodepolicy", "one").get("status") or {}).get("state") == "ready")
        assert 'NicNodePolicy "one" already defines rdmaSharedDevicePlugin' in apply(cluster, NIC_POLICY, check=False)
        assert "selected by policies: [one, two]" in apply(cluster, {**some, "metadata": {"name": "two"}}, check=False)
        cluster.kubectl("delete", "nicnodepolicy", "one")
        until("taken back", lambda: devices(cluster, "rdma/rdma_shared_device_eth") == ["0", "0"])

    def test_a_driver_that_never_comes_up(self, cluster: Rehearsal) -> None:
        apply(cluster, NIC_POLICY, FEATURES)
        until("ready", lambda: nic_policy(cluster).get("state") == "ready")
        with fault(cluster, "mofed-never-ready"):
            cluster.kubectl("delete", "pods", "-n", NVIDIA, "-l", "nvidia.com/ofed-driver")
            until("crash loop", lambda: "CrashLoopBackOff" in driver_reasons(cluster))
            until("not ready", lambda: nic_policy(cluster)["state"] == "notReady")
            until("node waits", lambda: cluster.get("node", "gpu-1")["metadata"]["labels"]["network.nvidia.com/operator.mofed.wait"] == "true")
            until("no device", lambda: devices(cluster, "rdma/rdma_shared_device_eth") == ["63", "0"])
        until("repaired", lambda: nic_policy(cluster)["state"] == "ready")

    def test_intels_rdma_driver_and_a_version_that_is_not_there(self, cluster: Rehearsal) -> None:
        for part, reason in (({"env": [{"name": "ENABLE_NFSRDMA", "value": "false"}]}, "CrashLoopBackOff"), ({"version": "doca9.9.9-26.04-1.1.0.0-1"}, "ImagePullBackOff")):
            cluster.kubectl("delete", "nicclusterpolicy", "nic-cluster-policy")
            until("pods gone", lambda: cluster.get("pods", "-n", NVIDIA, "-l", "nvidia.com/ofed-driver")["items"] == [])
            apply(cluster, changed(ofedDriver=part), FEATURES)
            until(reason, lambda reason=reason: driver_reasons(cluster) == [reason])  # type: ignore[misc]
        cluster.kubectl("delete", "nicclusterpolicy", "nic-cluster-policy")
        until("pods gone", lambda: cluster.get("pods", "-n", NVIDIA, "-l", "nvidia.com/ofed-driver")["items"] == [])

    def test_network_kinds(self, cluster: Rehearsal) -> None:
        def network(kind: str, name: str, **spec: Any) -> dict[str, Any]:
            return {"apiVersion": "mellanox.com/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": {"networkNamespace": "demo", **spec}}

        ipam = json.dumps({"type": "whereabouts", "range": "192.168.5.0/24"})
        apply(
            cluster,
            network("MacvlanNetwork", "macvlan", master="ens24f0np0", mode="bridge", mtu=9000, ipam=ipam),
            network("HostDeviceNetwork", "hostdev", resourceName="hostdev", ipam=ipam),
            network("IPoIBNetwork", "ipoib", master="ibs1", ipam=ipam),
            network("MacvlanNetwork", "tall", master="eno8303np0", mode="bridge", mtu=9000, ipam=ipam),
        )
        until("definitions", lambda: len(cluster.get("net-attach-def", "-n", "demo")["items"]) >= 4)
        found = {item["metadata"]["name"]: item for item in cluster.get("net-attach-def", "-n", "demo")["items"]}
        assert json.loads(found["macvlan"]["spec"]["config"])["master"] == "ens24f0np0"
        assert found["hostdev"]["metadata"]["annotations"]["k8s.v1.cni.cncf.io/resourceName"] == "nvidia.com/hostdev"
        until("ready", lambda: (cluster.get("macvlannetwork", "macvlan").get("status") or {}).get("state") == "ready")
        for name, words in (("ipoib", 'failed to lookup master "ibs1": Link not found'), ("tall", "invalid MTU 9000, must be [0, master MTU(1500)]")):
            apply(cluster, pod(name, name))
            until(words, lambda name=name, words=words: words in messages(cluster, "FailedCreatePodSandBox", name))  # type: ignore[misc]
        apply(cluster, pod("good", "macvlan"))
        until("running", lambda: cluster.get("pod", "good", "-n", "demo")["status"]["phase"] == "Running")
        cluster.kubectl("delete", "pods", "--all", "-n", "demo")
        cluster.kubectl("delete", "macvlannetworks,hostdevicenetworks,ipoibnetworks", "--all")
        until("definitions gone", lambda: not {"macvlan", "hostdev", "ipoib", "tall"} & {i["metadata"]["name"] for i in cluster.get("net-attach-def", "-n", "demo")["items"]})
