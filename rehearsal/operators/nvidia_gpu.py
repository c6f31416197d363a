# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the NVIDIA GPU operator and its operands: ClusterPolicy → node labels, DaemonSets, driver, GPUs, readiness.

Sources: NVIDIA/gpu-operator controllers/clusterpolicy_controller.go, controllers/state_manager.go,
internal/conditions/clusterpolicy.go (reasons and messages); hardware.md §1.3, §2.4, F1-F12. What a node's pods do is in
`nvidia_node.py`, upgrades of drivers in `nvidia_upgrade.py`, MIG in `nvidia_mig*.py`.
Not played: NVIDIADriver, GPUCluster (DRA), vGPU and sandbox states, time-slicing.
"""

from __future__ import annotations

from typing import Any

from rehearsal.operators import nvidia_operands
from rehearsal.operators.nvidia_labels import (
    OSTREE_LABEL,
    has_nfd_labels,
    is_gpu_node,
    operator_labels,
)
from rehearsal.operators.nvidia_node import NodePlay, wants_gpu
from rehearsal.operators.nvidia_upgrade import DriverUpgrade
from rehearsal.operators.operands import service_account
from rehearsal.operators.runtime import Kube, NotFound, Object, StandIn, condition, digest, labels_of, owner_reference

POLICY = ("nvidia.com/v1", "ClusterPolicy")
IMAGE_STREAM = ("image.openshift.io/v1", "ImageStream")
READY_MESSAGE = "ClusterPolicy is ready as all resources have been successfully reconciled"
NO_NODE_MESSAGE = "No GPU node found, watching for new nodes to join the cluster."
# Default driver of each release (bundles of certified-operators, hardware.md §3.1).
DEFAULT_DRIVERS = {"25.3": "580.82.07", "25.10": "580.105.08", "26.3": "580.126.20", "26.7": "595.91.07"}
RETRY_SECONDS = 5.0


class NvidiaGpu(StandIn):
    """One ClusterPolicy is honoured, the oldest; every other one is `ignored`."""

    csv_prefix = "gpu-operator-certified."
    name = "gpu-operator"
    watches = [POLICY, IMAGE_STREAM, ("apps/v1", "DaemonSet"), ("v1", "Pod"), ("v1", "Node")]
    delays = {"driver-build": 8.0, "toolkit-ready": 1.0, "device-plugin": 1.0, "gfd-labels": 1.0, "validator": 1.0,
              "mig-reconfigure": 20.0, "gpu-pod-deletion": 20.0, "reboot": 5.0}  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[str, str] = {}
        self.play = NodePlay(self, self.policy, self.default_driver, self.patch_node)
        self.upgrade = DriverUpgrade(
            self, self.play.driver_pod, self.play.validated, self._is_outdated, self.patch_node, wants_gpu
        )

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> list[Object]:
        """Nodes, DaemonSets and ImageStreams wake the policies; a pod wakes all operand pods of its node."""
        if obj["kind"] == "ClusterPolicy":
            return self._policies()
        if obj["kind"] == "DaemonSet":
            return self.owners(obj, "ClusterPolicy")
        if obj["kind"] == "ImageStream":
            return self._policies() if obj["metadata"]["name"] == "driver-toolkit" else []
        if obj["kind"] == "Node":
            return self._node_changed(event, obj)
        if obj["metadata"].get("namespace") == self.namespace and event != "DELETED":
            return self.play.pods(obj["spec"].get("nodeName"))
        return []

    def _node_changed(self, event: str, node: Object) -> list[Object]:
        """Heartbeats change nothing for this operator; labels, taints, readiness and the boot id do."""
        status, name = node.get("status") or {}, node["metadata"]["name"]
        ready = [item["status"] for item in status.get("conditions") or [] if item["type"] == "Ready"]
        seen = digest([event == "DELETED", labels_of(node), node.get("spec"), ready, (status.get("nodeInfo") or {}).get("bootID")])
        if self._seen.get(name) == seen:
            return []
        self._seen[name] = seen
        return [*self._policies(), *self.play.pods(name)]

    def _policies(self) -> list[Object]:
        return sorted(self.objects(*POLICY), key=lambda obj: (obj["metadata"].get("creationTimestamp") or "", obj["metadata"]["name"]))

    def policy(self) -> Object | None:
        """The ClusterPolicy that counts."""
        return next((obj for obj in self._policies() if not obj["metadata"].get("deletionTimestamp")), None)

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """A policy is driven to ready; a pod plays its part on its node."""
        if obj["kind"] == "Pod":
            return self.play.advance(kube, obj)
        if obj["kind"] != "ClusterPolicy" or obj["metadata"].get("deletionTimestamp"):
            return None
        chosen = self.policy()
        if chosen is None or chosen["metadata"]["uid"] != obj["metadata"]["uid"]:
            self.set_status(kube, obj, {"state": "ignored", "namespace": self.namespace})
            return None
        return self._drive(kube, obj)

    def deleted(self, kube: Kube, obj: Object) -> None:
        """Without a policy the operands go (garbage collection), and with them GPUs and their labels."""
        if obj["kind"] == "ClusterPolicy" and self.policy() is None:
            for node in self.objects("v1", "Node"):
                self.play.leave(kube, node)

    # ---- the policy

    def _drive(self, kube: Kube, policy: Object) -> float | None:
        spec = policy.get("spec") or {}
        nodes = self.objects("v1", "Node")
        for node in nodes:
            changes = operator_labels(node, spec)
            if changes:
                self.patch_node(kube, node, {"labels": changes})
        for name in ("nvidia", "nvidia-cdi", "nvidia-legacy"):
            self.ensure(kube, runtime_class(name, policy))
        gpu_nodes = [node for node in nodes if is_gpu_node(node)]
        if not has_nfd_labels(nodes):
            return self._done(kube, policy, "NFDLabelsMissing", "No NFD labels found", 45.0)
        if not gpu_nodes:
            return self._done(kube, policy, "NoGPUNodes", NO_NODE_MESSAGE)
        named = nvidia_operands.parameters_name(spec)
        parameters = kube.get(kube.path("v1", "ConfigMap", self.namespace, named)) if named else None
        if named and parameters is None:
            message = f'Failed to reconcile state-driver: ERROR: could not get ConfigMap {named} from client: ConfigMap "{named}" not found'
            conditions = [condition("Ready", False, "Error"), condition("Error", True, "ReconcileFailed", message)]
            self.set_status(kube, policy, {"state": "notReady", "namespace": self.namespace}, conditions)
            return RETRY_SECONDS
        wanted = nvidia_operands.states(
            policy, self.namespace, ostree_versions(gpu_nodes), self._toolkit_images(), self.default_driver(), parameters
        )
        workloads = [workload for group in wanted.values() for workload in group]
        for workload in workloads:
            account = workload["spec"]["template"]["spec"]["serviceAccountName"]
            self.ensure(kube, service_account(account, self.namespace, policy))
            self.ensure(kube, workload)
        self._remove_others(kube, policy, {workload["metadata"]["name"] for workload in workloads})
        again = self.upgrade.advance(kube, spec, gpu_nodes)
        waiting = [state for state, group in wanted.items() if not all(self._is_ready(workload) for workload in group)]
        if waiting:
            message = f"ClusterPolicy is not ready, states not ready: [{' '.join(waiting)}]"
            conditions = [condition("Ready", False, "Error"), condition("Error", True, "OperandNotReady", message)]
            self.set_status(kube, policy, {"state": "notReady", "namespace": self.namespace}, conditions)
            return again or RETRY_SECONDS
        self._done(kube, policy, "Reconciled", READY_MESSAGE)
        return again

    def _done(self, kube: Kube, policy: Object, reason: str, message: str, again: float | None = None) -> float | None:
        """State ready, also when there is nothing to be ready: only the reason tells (hardware.md §0.3)."""
        conditions = [condition("Ready", True, reason, message), condition("Error", False, "Ready")]
        self.set_status(kube, policy, {"state": "ready", "namespace": self.namespace}, conditions)
        return again

    def _is_ready(self, workload: Object) -> bool:
        live = self.find("apps/v1", "DaemonSet", workload["metadata"]["name"], self.namespace)
        return live is not None and daemon_set_ready(live)

    def _remove_others(self, kube: Kube, policy: Object, keep: set[str]) -> None:
        uid = owner_reference(policy)["uid"]
        for workload in self.objects("apps/v1", "DaemonSet", self.namespace):
            owners = [ref["uid"] for ref in workload["metadata"].get("ownerReferences") or []]
            if uid in owners and workload["metadata"]["name"] not in keep:
                kube.delete(kube.path_of(workload), propagation="Background")

    def default_driver(self) -> str:
        """The driver version that this release of the operator brings."""
        name = self.csv["metadata"]["name"] if self.csv else ""
        release = ".".join(name.rpartition(".v")[2].split(".")[:2])
        return DEFAULT_DRIVERS.get(release, max(DEFAULT_DRIVERS.values()))

    def _toolkit_images(self) -> dict[str, str]:
        stream = self.find(*IMAGE_STREAM, "driver-toolkit", "openshift")
        return stream_tags(stream) if stream else {}

    def _is_outdated(self, pod: Object) -> bool:
        owner = next((ref["name"] for ref in pod["metadata"].get("ownerReferences") or [] if ref["kind"] == "DaemonSet"), "")
        workload = self.find("apps/v1", "DaemonSet", owner, self.namespace)
        if workload is None:
            return False
        template = workload["spec"]["template"]["spec"]
        return images_of(pod["spec"]) != images_of(template) or config_maps_of(pod["spec"]) != config_maps_of(template)

    def patch_node(self, kube: Kube, node: Object, metadata: Object) -> None:
        """Merge into a node's metadata; a node that has gone is no error."""
        try:
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"metadata": metadata})
        except NotFound:
            self.log.info("node %s has gone", node["metadata"]["name"])


def runtime_class(name: str, policy: Object) -> Object:
    """A RuntimeClass of the state `pre-requisites`, which needs no GPU node."""
    meta = {"name": name, "ownerReferences": [owner_reference(policy)]}
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": meta, "handler": name}


def ostree_versions(gpu_nodes: list[Object]) -> list[str]:
    """RHCOS versions of the GPU nodes, as NFD tells them."""
    return sorted({labels_of(node)[OSTREE_LABEL] for node in gpu_nodes if labels_of(node).get(OSTREE_LABEL)})


def stream_tags(stream: Object) -> dict[str, str]:
    """Tag -> image of an ImageStream, from its status, else its spec."""
    found: dict[str, str] = {}
    for tag in (stream.get("spec") or {}).get("tags") or []:
        found[tag["name"]] = str((tag.get("from") or {}).get("name") or "")
    for tag in (stream.get("status") or {}).get("tags") or []:
        items = tag.get("items") or []
        if items:
            found[tag["tag"]] = str(items[0].get("dockerImageReference") or found.get(tag["tag"], ""))
    return {name: image for name, image in found.items() if image}


def daemon_set_ready(workload: Object) -> bool:
    """Ready as the operator sees it: no pod unavailable. A DaemonSet that wants no pod is ready too."""
    status = workload.get("status") or {}
    if int(status.get("observedGeneration") or 0) < int(workload["metadata"].get("generation") or 0):
        return False
    wanted = int(status.get("desiredNumberScheduled") or 0)
    return wanted == int(status.get("numberAvailable") or 0)


def config_maps_of(pod_spec: Object) -> list[Object]:
    """ConfigMaps that a pod's volumes take files from."""
    return [volume["configMap"] for volume in pod_spec.get("volumes") or [] if volume.get("configMap", {}).get("items")]


def images_of(pod_spec: Object) -> list[str]:
    """Images of a pod's containers, in order."""
    return [container["image"] for container in pod_spec.get("containers") or []]
