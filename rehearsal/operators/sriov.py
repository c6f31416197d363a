# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the SR-IOV network operator: operator configuration, policies, NodeStates, device plugin, network objects.

Source: k8snetworkplumbingwg/sriov-network-operator v1.6.0 controllers/*.go (OpenShift's fork has the same module path). The config daemon of a node
is in `sriov_daemon.py`, its drain in `sriov_drain.py`, the webhooks in `sriov_webhooks.py`. Not played: systemd mode, metrics exporter, hardware offload
(SriovNetworkPoolConfig.ovsHardwareOffloadConfig), software bridges, virtual machines, HyperShift.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from rehearsal.operators import sriov_policy
from rehearsal.operators.objects import boot_id, matches
from rehearsal.operators.operands import daemon_set, service_account
from rehearsal.operators.runtime import Kube, NotFound, Object, digest, is_true, labels_of, owner_reference, soonest
from rehearsal.operators.sriov_base import API, CONFIG, SriovBase
from rehearsal.operators.sriov_daemon import DAEMON, MACHINE_CONFIG, PLUGIN, Daemon
from rehearsal.operators.sriov_drain import CURRENT, NODE_STATE, POOL, POOL_CONFIG, STATE, Drains, note
from rehearsal.operators.sriov_ids import SUPPORTED
from rehearsal.operators.sriov_networks import NAD, BadConfig, definition
from rehearsal.operators.sriov_webhooks import Webhooks

POLICY = (API, "SriovNetworkNodePolicy")
NETWORKS = [(API, "SriovNetwork"), (API, "SriovIBNetwork"), (API, "OVSNetwork")]
CONFIG_FINALIZER = "operatorconfig.finalizers.sriovnetwork.openshift.io"
NETWORK_FINALIZER = "netattdef.finalizers.sriovnetwork.openshift.io"
LAST_NAMESPACE = "operator.sriovnetwork.openshift.io/last-network-namespace"
KEEP_UNTIL = "sriovnetwork.openshift.io/keep-state-until"
KEEP_MINUTES = 30
PLUGIN_LABEL = "sriovnetwork.openshift.io/device-plugin"
PLUGIN_CONFIG = "device-plugin-config"
WORKERS = {"node-role.kubernetes.io/worker": "", "kubernetes.io/os": "linux"}
MASTERS = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "node-role.kubernetes.io/master", "operator": "Exists"}]}]
        }
    }
}
IMAGE = "registry.redhat.io/openshift4/ose-sriov"
TOLERATIONS = [{"operator": "Exists"}]


class Sriov(SriovBase):
    """Nothing happens before the SriovOperatorConfig `default` exists."""

    csv_prefix = "sriov-network-operator."
    name = "sriov-network-operator"
    watches = [
        CONFIG, POLICY, POOL_CONFIG, STATE, *NETWORKS, NAD, POOL, MACHINE_CONFIG,
        ("v1", "Node"), ("v1", "Pod"), ("v1", "Namespace"), ("apps/v1", "DaemonSet"),
    ]  # fmt: skip
    delays = {"sriov-apply": 2.0, "drain": 2.0, "reboot": 5.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[str, str] = {}
        self.drains = Drains(self)
        self.daemon = Daemon(self)

    def start(self, kube: Kube) -> None:
        """The list of cards comes with the bundle."""
        self._webhooks = Webhooks(self)
        meta = {"name": "supported-nic-ids", "namespace": self.namespace}
        self.ensure(kube, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": SUPPORTED})

    def stop(self) -> None:
        """Registrations first, or nobody could write the operator's objects any more."""
        if hasattr(self, "_webhooks"):
            try:
                self._webhooks.remove(self.kube)
            finally:
                self._webhooks.close()

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> Iterable[Object]:
        """Configuration, policies, pools and nodes wake the configuration; a NodeState is woken by all that its node shows."""
        kind = obj["kind"]
        if kind in ("SriovOperatorConfig", "SriovNetworkNodePolicy", "SriovNetworkPoolConfig", "DaemonSet"):
            return self.configs()
        if kind == "SriovNetworkNodeState":
            return [obj, *self.configs()] if event != "DELETED" else self.configs()
        if kind == "Node":
            return self._node_changed(event, obj)
        if kind == "Pod":
            return self._pod_changed(obj)
        if kind == "MachineConfigPool":
            return [state for state in self.objects(*STATE) if note(state, CURRENT) not in ("", "Idle")]
        if kind == "Namespace":
            name = obj["metadata"]["name"]
            return [item for item in self._networks() if (item.get("spec") or {}).get("networkNamespace") == name and event == "ADDED"]
        if kind == NAD[1]:
            return [item for item in self._networks() if item["metadata"]["name"] == obj["metadata"]["name"] and event != "ADDED"]
        return [obj] if (API, kind) in NETWORKS else []

    def _node_changed(self, event: str, node: Object) -> list[Object]:
        name = node["metadata"]["name"]
        facts = [event == "DELETED", labels_of(node), (node.get("spec") or {}).get("unschedulable"), is_true(node, "Ready"), boot_id(node)]
        seen = digest([*facts, note(node, NODE_STATE)])
        if self._seen.get(name) == seen:
            return []
        self._seen[name] = seen
        return [*self.configs(), *self._state_of(name)]

    def _pod_changed(self, pod: Object) -> list[Object]:
        node = (pod.get("spec") or {}).get("nodeName") or ""
        states = self._state_of(node) if node else []
        mine = pod["metadata"].get("namespace") == self.namespace and labels_of(pod).get("app") in (DAEMON, PLUGIN)
        return states if mine else [state for state in states if note(state, CURRENT) == "Draining"]

    def _state_of(self, node: str) -> list[Object]:
        found = self.find(*STATE, node, self.namespace)
        return [found] if found is not None else []

    def _networks(self) -> list[Object]:
        return [item for kind in NETWORKS for item in self.objects(*kind, self.namespace)]

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """By kind."""
        if obj["kind"] == "SriovOperatorConfig":
            return self._operate(kube, obj)
        if obj["kind"] == "SriovNetworkNodeState":
            return self._node(kube, obj)
        if (API, obj["kind"]) in NETWORKS and obj["metadata"]["namespace"] == self.namespace:
            self._network(kube, obj)
        return None

    # ---- SriovOperatorConfig

    def _operate(self, kube: Kube, config: Object) -> float | None:
        meta, spec = config["metadata"], config.get("spec") or {}
        finalizers = meta.get("finalizers") or []
        if meta.get("deletionTimestamp"):
            if CONFIG_FINALIZER in finalizers:
                self._webhooks.remove(kube)
                self._applied.clear()  # the registrations are made anew with the next configuration
                kube.patch(kube.path_of(config), {"metadata": {"finalizers": [item for item in finalizers if item != CONFIG_FINALIZER]}})
            return None
        if CONFIG_FINALIZER not in finalizers:
            kube.patch(kube.path_of(config), {"metadata": {"finalizers": [*finalizers, CONFIG_FINALIZER]}})
            return None
        self._webhooks.sync(kube, spec)
        for workload in self._workloads(config):
            self.ensure(kube, service_account(workload["spec"]["template"]["spec"]["serviceAccountName"], self.namespace, config))
            self.ensure(kube, workload)
        self._remove_disabled(kube, spec)
        nodes = [node for node in self.objects("v1", "Node") if _has(node, spec.get("configDaemonNodeSelector") or WORKERS)]
        for node in nodes:
            self._state(kube, config, node)
        again = self._stale(kube, {node["metadata"]["name"] for node in nodes})
        self._plugin(kube, config, nodes)
        return again

    def _workloads(self, config: Object) -> list[Object]:
        spec = config.get("spec") or {}
        selector = spec.get("configDaemonNodeSelector") or WORKERS
        found = [
            daemon_set(DAEMON, self.namespace, f"{IMAGE}-network-config-daemon-rhel9", config, node_selector=selector, tolerations=TOLERATIONS),
            daemon_set(
                PLUGIN, self.namespace, f"{IMAGE}-network-device-plugin-rhel9", config, node_selector={PLUGIN_LABEL: "Enabled"}, tolerations=TOLERATIONS
            ),
        ]
        for name, key, image in (
            ("network-resources-injector", "enableInjector", f"{IMAGE}-dp-admission-controller-rhel9"),
            ("operator-webhook", "enableOperatorWebhook", f"{IMAGE}-network-webhook-rhel9"),
        ):
            if spec.get(key):
                found.append(daemon_set(name, self.namespace, image, config, affinity=MASTERS, tolerations=TOLERATIONS))
        return found

    def _remove_disabled(self, kube: Kube, spec: Object) -> None:
        for name, key in (("network-resources-injector", "enableInjector"), ("operator-webhook", "enableOperatorWebhook")):
            if not spec.get(key) and self.find("apps/v1", "DaemonSet", name, self.namespace):
                kube.delete(kube.path("apps/v1", "DaemonSet", self.namespace, name), propagation="Background")

    # ---- NodeStates

    def _policies(self, node: Object) -> list[Object]:
        return [item for item in self.objects(*POLICY, self.namespace) if sriov_policy.selects_node(item, node)]

    def _state(self, kube: Kube, config: Object, node: Object) -> None:
        """Make the node's NodeState; once its daemon has told the cards, its spec is what the policies ask."""
        name = node["metadata"]["name"]
        have = self.find(*STATE, name, self.namespace)
        system = {"rdmaMode": mode} if (mode := self._rdma_mode(node)) else None
        if have is None:
            made: Object = {
                "apiVersion": STATE[0],
                "kind": STATE[1],
                "metadata": {"name": name, "namespace": self.namespace, "ownerReferences": [owner_reference(config)]},
                "spec": {"system": system} if system else {},
            }
            kube.apply(made, manager=self.agent(), force=True)
            return
        patch: Object = {}
        if note(have, KEEP_UNTIL):
            patch["metadata"] = {"annotations": {KEEP_UNTIL: None}}
        cards = (have.get("status") or {}).get("interfaces") or []
        if cards:
            wanted = sriov_policy.wanted(self._policies(node), cards)
            spec = have.get("spec") or {}
            if (spec.get("interfaces") or []) != wanted or (spec.get("system") or None) != system:
                patch["spec"] = {"interfaces": wanted or None, "system": system}
        if patch:
            kube.patch(kube.path_of(have), patch)

    def _rdma_mode(self, node: Object) -> str:
        pools = [item for item in self.objects(*POOL_CONFIG, self.namespace) if matches(item["spec"].get("nodeSelector") or {}, labels_of(node))]
        return str(pools[0]["spec"].get("rdmaMode") or "") if len(pools) == 1 else ""

    def _stale(self, kube: Kube, kept: set[str]) -> float | None:
        """A NodeState whose node is no longer selected stays for half an hour."""
        again: float | None = None
        for state in self.objects(*STATE, self.namespace):
            name = state["metadata"]["name"]
            if name in kept:
                continue
            node = self.find("v1", "Node", name)
            if node is not None and PLUGIN_LABEL in labels_of(node):
                kube.patch(kube.path_of(node), {"metadata": {"labels": {PLUGIN_LABEL: None}}})
            until = note(state, KEEP_UNTIL)
            moment = datetime.now(UTC)
            if not until:
                end = moment + timedelta(minutes=KEEP_MINUTES) / self.settings.speed
                kube.patch(kube.path_of(state), {"metadata": {"annotations": {KEEP_UNTIL: end.strftime("%Y-%m-%dT%H:%M:%SZ")}}})
                continue
            left = (datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - moment).total_seconds()
            if left <= 0:
                kube.delete(kube.path_of(state))
            else:
                again = soonest(again, left)
        return again

    def _node(self, kube: Kube, state: Object) -> float | None:
        """Drain controller, daemon and device plugin of one node."""
        node = self.find("v1", "Node", state["metadata"]["name"])
        if node is None or state["metadata"].get("namespace") != self.namespace or not self.configs():
            return None
        drain = self.drains.advance(kube, state, node)
        daemon = self.daemon.advance(kube, state, node)
        self._resources(kube, node)
        return soonest(drain, daemon)

    # ---- device plugin

    def _plugin(self, kube: Kube, config: Object, nodes: list[Object]) -> None:
        data: dict[str, str] = {}
        for node in nodes:
            rows = sriov_policy.plugin_config(self._policies(node))
            data[node["metadata"]["name"]] = json.dumps(rows)
            label = "Enabled" if rows["resourceList"] else "Disabled"
            if labels_of(node).get(PLUGIN_LABEL) != label:
                kube.patch(kube.path_of(node), {"metadata": {"labels": {PLUGIN_LABEL: label}}})
        meta = {"name": PLUGIN_CONFIG, "namespace": self.namespace, "ownerReferences": [owner_reference(config)]}
        self.ensure(kube, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})

    def _resources(self, kube: Kube, node: Object) -> None:
        """What the device plugin registers: allocatable devices; a resource that it no longer has stays with 0."""
        status = node.get("status") or {}
        have = {key: value for key, value in (status.get("allocatable") or {}).items() if key.startswith(sriov_policy.PREFIX)}
        wanted = dict.fromkeys(have, "0")
        if self.daemon.pod(node["metadata"]["name"], PLUGIN) is not None:
            config = sriov_policy.plugin_config(self._policies(node))
            found = sriov_policy.plugin_devices(config, self.daemon.cards(node))
            wanted |= {f"{sriov_policy.PREFIX}{name}": str(len(devices)) for name, devices in found.items() if devices}
        if wanted == have:
            return
        try:
            kube.patch(kube.path_of(node), {"status": {"allocatable": wanted, "capacity": wanted}}, subresource="status")
        except NotFound:
            self.log.info("node %s has gone", node["metadata"]["name"])

    # ---- networks

    def _network(self, kube: Kube, network: Object) -> None:
        meta = network["metadata"]
        finalizers = meta.get("finalizers") or []
        target = (network.get("spec") or {}).get("networkNamespace") or meta["namespace"]
        if meta.get("deletionTimestamp"):
            if NETWORK_FINALIZER in finalizers:
                kube.delete(kube.path(*NAD, target, meta["name"]))
                kube.patch(kube.path_of(network), {"metadata": {"finalizers": [item for item in finalizers if item != NETWORK_FINALIZER]}})
            return
        if NETWORK_FINALIZER not in finalizers:
            kube.patch(kube.path_of(network), {"metadata": {"finalizers": [*finalizers, NETWORK_FINALIZER]}})
        try:
            made = definition(network)
        except BadConfig as error:
            self.log.error("network %s/%s: Couldn't process rendered NetworkAttachmentDefinition config: %s", meta["namespace"], meta["name"], error)
            return
        before = note(network, LAST_NAMESPACE)
        if before and before != target:
            kube.delete(kube.path(*NAD, before, meta["name"]))
        if self.find("v1", "Namespace", target) is None:
            return  # made when the namespace appears
        self.ensure(kube, made)
        if before != target:
            kube.patch(kube.path_of(network), {"metadata": {"annotations": {LAST_NAMESPACE: target}}})


def _has(node: Object, labels: dict[str, str]) -> bool:
    return all(labels_of(node).get(key) == value for key, value in labels.items())
