# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of NVIDIA's network operator: NicClusterPolicy and NicNodePolicy → states, driver pods, wait labels, RDMA resources; network kinds → definitions.

Sources: Mellanox/network-operator @b06827e (v26.4) controllers/{nicclusterpolicy,nicnodepolicy,macvlannetwork,hostdevicenetwork,ipoibnetwork}_controller.go,
controllers/{conditions,mofed_wait_labels,nic_policy_helpers}.go, pkg/state/*.go (hardware.md §2.5, F13-F24). Conditions came with 26.4 (assumed).
Not played: firmware templates, drains of driver upgrades, Spectrum-X.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from rehearsal.operators import nvidia_network_admission, nvidia_network_devices, nvidia_network_operands
from rehearsal.operators.admission import Webhook
from rehearsal.operators.nvidia_network_devices import HOST_DEVICE, IPOIB, MACVLAN, TOLD, BadConfig
from rehearsal.operators.nvidia_network_node import DriverPods, resources_patch
from rehearsal.operators.nvidia_network_operands import (
    MELLANOX_LABEL,
    OFED_LABEL,
    OFED_WAIT,
    RDMA_PLUGIN,
    SRIOV_PLUGIN,
    STATES,
    StateError,
    daemon_set_ready,
    pod_app,
    section,
)
from rehearsal.operators.nvidia_network_policies import (
    KINDS,
    NODE_POLICY,
    NODE_STATES,
    OWNER_LABEL,
    POLICY,
    overlap,
    owner_label,
    selects,
)
from rehearsal.operators.objects import boot_id
from rehearsal.operators.operands import service_account
from rehearsal.operators.pod_status import is_ready
from rehearsal.operators.runtime import (
    Kube,
    KubeError,
    NotFound,
    Object,
    StandIn,
    condition,
    digest,
    is_true,
    labels_of,
    matches_node_terms,
    owner_reference,
)
from rehearsal.operators.sriov_networks import NAD
from rehearsal.operators.sriov_nics import Cards

NV_POOL = ("nv-ipam.nvidia.com/v1alpha1", "IPPool")
IMAGE_STREAM = ("image.openshift.io/v1", "ImageStream")
MACHINE_CONFIG = ("machineconfiguration.openshift.io/v1", "MachineConfig")
NAME = "nic-cluster-policy"
UPGRADE_STATE = "nvidia.com/ofed-driver-upgrade-state"
IPAM_DEFINITION = Path(__file__).resolve().parent.parent / "crds" / "nvidia-nv-ipam.yaml"
WEBHOOK, WEBHOOK_CONFIGURATION = "vnicclusterpolicy.kb.io", "network-operator-validating-webhook-configuration"
RETRY_SECONDS = 5.0
READY, NOT_READY, IGNORE, ERROR = "ready", "notReady", "ignore", "error"


class NvidiaNetwork(StandIn):
    """One NicClusterPolicy counts, that with the right name; any number of NicNodePolicies beside it, for nodes of their own."""

    csv_prefix = "nvidia-network-operator."
    name = "nvidia-network-operator"
    watches = [
        POLICY, NODE_POLICY, MACVLAN, HOST_DEVICE, IPOIB, NAD, NV_POOL, IMAGE_STREAM, MACHINE_CONFIG,
        ("apps/v1", "DaemonSet"), ("v1", "Pod"), ("v1", "Node"), ("v1", "Namespace"),
    ]  # fmt: skip
    delays = {"mofed-build": 8.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[str, str] = {}
        self._cards = Cards(self.state / "run" / "nics.json")
        self._driver = DriverPods(self)

    def start(self, kube: Kube) -> None:
        """Open the admission webhook."""
        self._webhook = Webhook(WEBHOOK, "/validate-mellanox-com-v1alpha1", self._judge, self.state / "run" / "webhooks")
        made = self._webhook.registration(WEBHOOK_CONFIGURATION, "mellanox.com", "v1alpha1", "nicclusterpolicies", ["CREATE", "UPDATE"])
        made["webhooks"][0]["rules"][0]["resources"] += ["nicnodepolicies", "hostdevicenetworks"]
        kube.apply(made, manager=self.agent())

    def stop(self) -> None:
        """Close the webhook, its registration first."""
        if hasattr(self, "_webhook"):
            try:
                self.kube.delete(self.kube.path("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", None, WEBHOOK_CONFIGURATION))
            finally:
                self._webhook.close()

    def _judge(self, request: Object) -> list[str]:
        made = {"kind": request["kind"]["kind"], **request["object"]}
        warnings = nvidia_network_admission.check(made)
        if made["kind"] in KINDS:
            nvidia_network_admission.check_beside(made, self._all_policies(), self.objects("v1", "Node"))
        return warnings

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> Iterable[Object]:
        """Operands and nodes wake the policy; driver pods and what their nodes show wake driver pods; definitions their networks."""
        kind = obj["kind"]
        if kind in KINDS:
            return [obj, *self._driver_pods()]
        if kind == "DaemonSet":
            return [owner for name in KINDS for owner in self.owners(obj, name)]
        if kind == "ImageStream":
            return self._all_policies() if obj["metadata"]["name"] == "driver-toolkit" else []
        if kind == "Node":
            return self._node_changed(event, obj)
        if kind == "Pod":
            mine = obj["metadata"].get("namespace") == self.namespace
            return [*([obj] if OFED_LABEL in labels_of(obj) and event != "DELETED" else []), *self._all_policies()] if mine else []
        if kind == NAD[1]:
            return [owner for name in TOLD for owner in self.owners(obj, name)] if event != "ADDED" else []
        if kind == "Namespace":
            return self._networks_of(obj["metadata"]["name"]) if event == "ADDED" else []
        return [obj] if kind in TOLD or kind == NV_POOL[1] else []

    def _node_changed(self, event: str, node: Object) -> list[Object]:
        name = node["metadata"]["name"]
        seen = digest([event == "DELETED", labels_of(node), (node.get("spec") or {}).get("taints"), is_true(node, "Ready"), boot_id(node)])
        if self._seen.get(name) == seen:
            return []
        self._seen[name] = seen
        pods = [pod for pod in self._driver_pods() if pod["spec"].get("nodeName") == name]
        return [*self._all_policies(), *pods, *self.objects(*NV_POOL)]

    def _driver_pods(self) -> list[Object]:
        return [pod for pod in self.objects("v1", "Pod", self.namespace) if OFED_LABEL in labels_of(pod)]

    def _networks_of(self, namespace: str) -> list[Object]:
        found = [item for kind in (MACVLAN, HOST_DEVICE, IPOIB) for item in self.objects(*kind)]
        return [item for item in found if (item.get("spec") or {}).get("networkNamespace", "default") == namespace]

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """By kind."""
        kind = obj["kind"]
        if kind == "Pod":
            return self._drive(kube, obj)
        if kind in TOLD:
            return self._network(kube, obj)
        if kind == NV_POOL[1]:
            self._pool(kube, obj)
        if kind not in KINDS or obj["metadata"].get("deletionTimestamp"):
            return None
        if kind == NODE_POLICY[1]:
            return self._operate_some(kube, obj)
        if obj["metadata"]["name"] != NAME:
            reason = f"Unsupported NicClusterPolicy instance {obj['metadata']['name']}. Only instance with name {NAME} is supported"
            self.set_status(kube, obj, {"state": IGNORE, "reason": reason})
            return None
        return self._operate(kube, obj, STATES)

    def deleted(self, kube: Kube, obj: Object) -> None:
        """Without a policy its operands go (garbage collection); no node waits for a driver then, and no plugin gives devices."""
        if obj["kind"] == NODE_POLICY[1] or (obj["kind"] == POLICY[1] and obj["metadata"]["name"] == NAME):
            for node in self.objects("v1", "Node"):
                self._wait_label(kube, node, {}, by_cluster_policy=obj["kind"] == POLICY[1])
                self._resources(kube, node, gone=obj)

    # ---- policies

    def _all_policies(self) -> list[Object]:
        return [*self.objects(*POLICY), *self.objects(*NODE_POLICY)]

    def _policies(self) -> list[Object]:
        """Those that count."""
        return [
            one for one in self._all_policies()
            if not one["metadata"].get("deletionTimestamp") and (one["kind"] == NODE_POLICY[1] or one["metadata"]["name"] == NAME)
        ]  # fmt: skip

    def _owner(self, pod: Object) -> Object | None:
        """The policy of which a driver pod is."""
        return next((one for one in self._policies() if owner_label(one) == labels_of(pod).get(OWNER_LABEL)), None)

    def _operate_some(self, kube: Kube, policy: Object) -> float | None:
        said = overlap(self.objects(*NODE_POLICY), self.objects("v1", "Node"))
        if said:
            self.set_status(kube, policy, {"state": ERROR, "reason": said})
            return RETRY_SECONDS
        return self._operate(kube, policy, NODE_STATES)

    def _operate(self, kube: Kube, policy: Object, states: Iterable[str]) -> float | None:
        spec = policy.get("spec") or {}
        nodes = self.objects("v1", "Node")
        told, keep = [], set()
        if section(spec, "state-nv-ipam-cni") is not None:
            self._ipam_definition(kube)
        for state in states:
            word, message, names = self._state(kube, policy, state, nodes)
            told.append({"name": state, "state": word, "message": message})
            keep |= names
        self._remove_others(kube, policy, keep)
        ready = all(row["state"] in (READY, IGNORE) for row in told)
        status: Object = {"state": READY if ready else NOT_READY, "appliedStates": [_trimmed(row) for row in told]}
        self.set_status(kube, policy, status, self._conditions(policy, told) if self._has_conditions() else None)
        pods = {pod["spec"].get("nodeName"): pod for pod in self._driver_pods()}
        for node in nodes:
            self._wait_label(kube, node, pods, by_cluster_policy=policy["kind"] == POLICY[1])
            self._resources(kube, node)
        self._upgrade(kube, policy)
        return None if ready else RETRY_SECONDS

    def _state(self, kube: Kube, policy: Object, state: str, nodes: list[Object]) -> tuple[str, str, set[str]]:
        """(word, message, names of the workloads) of one state."""
        if section(policy.get("spec") or {}, state) is None:
            return IGNORE, "", set()
        try:
            made = nvidia_network_operands.workloads(policy, state, self.namespace, nodes, self._toolkits())
        except StateError as error:
            return NOT_READY, str(error), set()
        for workload in made:
            account = workload["spec"]["template"]["spec"]["serviceAccountName"]
            self.ensure(kube, service_account(account, self.namespace, policy))
            self.ensure(kube, workload)
        daemons = [item["metadata"]["name"] for item in made if item["kind"] == "DaemonSet"]
        live = [self.find("apps/v1", "DaemonSet", name, self.namespace) for name in daemons]
        ready = bool(made) and all(daemon_set_ready(item) for item in live)
        return READY if ready else NOT_READY, "", {item["metadata"]["name"] for item in made}

    def _has_conditions(self) -> bool:
        found = re.search(r"\.v(\d+)\.(\d+)\.", self.csv["metadata"]["name"] if self.csv else "")
        return found is None or (int(found.group(1)), int(found.group(2))) >= (26, 4)

    def _conditions(self, policy: Object, told: list[Object]) -> list[Object]:
        generation = int(policy["metadata"].get("generation") or 1)
        rows = [row for row in told if row["state"] != IGNORE]
        made = []
        for row in rows:
            ready = row["state"] == READY
            reason = "ComponentReady" if ready else "ComponentNotReady"
            made.append(condition(STATES[row["name"]][1], ready, reason, row["message"], observedGeneration=generation))
        ready = all(row["state"] == READY for row in rows)
        reason, text = ("AllComponentsReady", "") if ready else ("ComponentsNotReady", "One or more components are not yet ready")
        return [*made, condition("Ready", ready, reason, text, observedGeneration=generation)]

    def _toolkits(self) -> dict[str, str]:
        """RHCOS version -> driver-toolkit image."""
        stream = self.find(*IMAGE_STREAM, "driver-toolkit", "openshift")
        return {tag["name"]: str((tag.get("from") or {}).get("name") or "") for tag in ((stream or {}).get("spec") or {}).get("tags") or []}

    def _remove_others(self, kube: Kube, policy: Object, keep: set[str]) -> None:
        """A section that has gone from the policy takes its workloads with it, also when somebody applied too short a manifest."""
        uid = owner_reference(policy)["uid"]
        for workload in self.objects("apps/v1", "DaemonSet", self.namespace):
            owners = [ref["uid"] for ref in workload["metadata"].get("ownerReferences") or []]
            if uid in owners and workload["metadata"]["name"] not in keep:
                kube.delete(kube.path_of(workload), propagation="Background")

    def _ipam_definition(self, kube: Kube) -> None:
        for made in yaml.safe_load_all(IPAM_DEFINITION.read_text(encoding="utf-8")):
            self.ensure(kube, made)

    # ---- nodes

    def _wait_label(self, kube: Kube, node: Object, pods: dict[Any, Object], by_cluster_policy: bool) -> None:
        """The label that device plugins, the GPU driver and the SR-IOV daemon wait for."""
        pod = pods.get(node["metadata"]["name"])
        if pod is not None:
            rows = (pod.get("status") or {}).get("containerStatuses") or []
            up, policy = any(row["name"] == "mofed-container" and row.get("ready") for row in rows), self._owner(pod)
            wanted = "false" if up and policy is not None and section(policy.get("spec") or {}, "state-OFED") is not None else "true"
        elif any(selects(one, node) and section(one.get("spec") or {}, "state-OFED") is not None for one in self._policies()):
            if labels_of(node).get(MELLANOX_LABEL) == "true":
                return  # no pod there yet: nothing is said of the node
            wanted = ""
        elif by_cluster_policy:
            wanted = "false" if labels_of(node).get(MELLANOX_LABEL) == "true" else ""
        elif labels_of(node).get(OFED_WAIT) == "true":
            wanted = "false"
        else:
            return  # a NicNodePolicy without a driver leaves the label to a NicClusterPolicy: without one, no device plugin ever starts
        if labels_of(node).get(OFED_WAIT, "") != wanted:
            self._patch_node(kube, node, {"metadata": {"labels": {OFED_WAIT: wanted or None}}})

    def _drive(self, kube: Kube, pod: Object) -> float | None:
        node = self.find("v1", "Node", pod["spec"].get("nodeName") or "")
        policy = self._owner(pod)
        if node is None or policy is None or pod["metadata"].get("deletionTimestamp") or not is_true(node, "Ready"):
            return None
        driver = section(policy.get("spec") or {}, "state-OFED") or {}
        return self._driver.advance(kube, pod, node, driver, self._arguments(node))

    def _arguments(self, node: Object) -> set[str]:
        current = str((node["metadata"].get("annotations") or {}).get("machineconfiguration.openshift.io/currentConfig") or "")
        config = self.find(*MACHINE_CONFIG, current)
        return {part for word in ((config or {}).get("spec") or {}).get("kernelArguments") or [] for part in str(word).split()}

    def _resources(self, kube: Kube, node: Object, gone: Object | None = None) -> None:
        """What the device plugins of all policies register on a node where their pods are ready; `gone`: a policy that was deleted."""
        name = node["metadata"]["name"]
        server = next((item for item in self.profile["nodes"] if item["name"] == name), None)
        if server is None:
            return
        nics = self._cards.interfaces(server, self.scenario, boot_id(node))
        ready = {labels_of(pod).get("app") for pod in self.pods_on(name) if is_ready(pod)}
        wanted: dict[str, int] = {}
        owned: set[str] = set()
        for policy in [*self._policies(), *([gone] if gone else [])]:
            for key, app, count in (
                ("rdmaSharedDevicePlugin", RDMA_PLUGIN, nvidia_network_devices.rdma_resources),
                ("sriovDevicePlugin", SRIOV_PLUGIN, nvidia_network_devices.whole_cards),
            ):
                found = count(((policy.get("spec") or {}).get(key) or {}).get("config"), nics)
                owned |= set(found)
                if policy is not gone and pod_app(policy, app) in ready:
                    wanted |= found
        patch = resources_patch(node, wanted, owned)
        if patch:
            self._patch_node(kube, node, patch, "status")

    def _patch_node(self, kube: Kube, node: Object, patch: Object, part: str | None = None) -> None:
        try:
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), patch, subresource=part)
        except NotFound:
            self.log.info("node %s has gone", node["metadata"]["name"])

    def _upgrade(self, kube: Kube, policy: Object) -> None:
        """With autoUpgrade a driver pod of an older template is replaced, one node after the other; the state is a label of the node."""
        if not ((section(policy.get("spec") or {}, "state-OFED") or {}).get("upgradePolicy") or {}).get("autoUpgrade"):
            return
        busy = False
        for pod in [one for one in self._driver_pods() if labels_of(one).get(OWNER_LABEL) == owner_label(policy)]:
            node = self.find("v1", "Node", pod["spec"].get("nodeName") or "")
            owner = next((item for item in self.owners(pod, "DaemonSet")), None)
            if node is None or owner is None:
                continue
            wanted = owner["spec"]["template"]["spec"]["containers"][0]["image"]
            old = pod["spec"]["containers"][0]["image"] != wanted
            word = "upgrade-done" if not old and is_ready(pod) else "pod-restart-required" if not busy else "upgrade-required"
            if old and not busy and not pod["metadata"].get("deletionTimestamp"):
                kube.delete(kube.path_of(pod))
            busy = busy or word != "upgrade-done"
            if labels_of(node).get(UPGRADE_STATE) != word:
                self._patch_node(kube, node, {"metadata": {"labels": {UPGRADE_STATE: word}}})

    # ---- networks and pools

    def _network(self, kube: Kube, network: Object) -> float | None:
        if network["metadata"].get("deletionTimestamp"):
            return None
        key = TOLD[network["kind"]][1]
        try:
            nad = nvidia_network_devices.definition(network)
            self.ensure(kube, nad)
        except BadConfig as error:
            self.set_status(kube, network, {"state": ERROR, "reason": str(error)})
            return RETRY_SECONDS
        except KubeError as error:
            reason = f"failed to create/update objects: failed to create object {NAD[1]}: {error.message}"
            self.set_status(kube, network, {"state": NOT_READY, "reason": reason})
            return RETRY_SECONDS
        before = (network["metadata"].get("annotations") or {}).get("operator.macvlannetwork.mellanox.com/last-network-namespace")
        if before and before != nad["metadata"]["namespace"]:
            kube.delete(kube.path(*NAD, before, network["metadata"]["name"]))
        if before != nad["metadata"]["namespace"]:
            notes = {"operator.macvlannetwork.mellanox.com/last-network-namespace": nad["metadata"]["namespace"]}
            kube.patch(kube.path_of(network), {"metadata": {"annotations": notes}})
        self.set_status(kube, network, {"state": READY, "reason": None, key: nvidia_network_devices.link(nad)})
        return None

    def _pool(self, kube: Kube, pool: Object) -> None:
        """nv-ipam's controller: every node that matches gets a block of addresses, and keeps it."""
        spec = pool.get("spec") or {}
        have = {row["nodeName"]: row for row in (pool.get("status") or {}).get("allocations") or []}
        nodes = [node for node in self.objects("v1", "Node") if matches_node_terms(spec.get("nodeSelector"), node)]
        try:
            rows = blocks(spec, [node["metadata"]["name"] for node in nodes], have)
        except ValueError as error:
            self.log.warning("pool %s: %s", pool["metadata"]["name"], error)
            return
        self.set_status(kube, pool, {"allocations": rows})


def blocks(spec: Object, nodes: list[str], have: dict[str, Object]) -> list[Object]:
    """`status.allocations` of an nv-ipam pool; a node for which no block is left gets none. Raises ValueError for a bad subnet."""
    subnet = ipaddress.ip_network(str(spec.get("subnet")), strict=False)
    size = max(1, int(spec.get("perNodeBlockSize") or 1))
    first = int(subnet.network_address) + 1
    last = int(subnet.broadcast_address) - 1
    rows = [have[name] for name in nodes if name in have]
    used = {int(ipaddress.ip_address(row["startIP"])) for row in rows}
    for name in nodes:
        if name in have:
            continue
        start = next((at for at in range(first, last + 1, size) if at not in used and at + size - 1 <= last), None)
        if start is None:
            break
        used.add(start)
        rows.append({"nodeName": name, "startIP": str(ipaddress.ip_address(start)), "endIP": str(ipaddress.ip_address(start + size - 1))})
    return rows


def _trimmed(row: Object) -> Object:
    return {key: value for key, value in row.items() if value or key != "message"}
