# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the GPU operator's pods do on one node, in the order that their init containers force.

driver → toolkit → device plugin, GPU feature discovery, DCGM, MIG manager → validator. Sources: NVIDIA/gpu-operator
assets/state-*/*.yaml (init containers), cmd/nvidia-validator; NVIDIA/k8s-driver-manager (eviction of GPU pods before a driver is
loaded); hardware.md F1-F12.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rehearsal.operators import nvidia_operands
from rehearsal.operators.nvidia_labels import MELLANOX_PCI_LABELS, OFED_WAIT, discovery_labels, healthy_gpus
from rehearsal.operators.nvidia_operands import DRIVER_PREFIX, DTK_LABEL, DTK_MISSING_LABEL
from rehearsal.operators.pod_status import (
    is_ready,
    pod_crashing,
    pod_initializing,
    pod_running,
    pod_starting,
    same_pod_state,
)
from rehearsal.operators.runtime import Kube, KubeError, NotFound, Object, is_true, labels_of, now

if TYPE_CHECKING:
    from rehearsal.operators.nvidia_gpu import NvidiaGpu

GPU = "nvidia.com/gpu"
DEVICE_PLUGIN = "nvidia-device-plugin-daemonset"
TOOLKIT = "nvidia-container-toolkit-daemonset"
VALIDATOR = "nvidia-operator-validator"
DISCOVERY = "gpu-feature-discovery"
MIG_MANAGER = "nvidia-mig-manager"
DELAYS = {TOOLKIT: "toolkit-ready", DEVICE_PLUGIN: "device-plugin", DISCOVERY: "gfd-labels", VALIDATOR: "validator"}
EVICT_RETRY = 5.0
NEVER_READY = "gpu-driver-never-ready"


def role_of(pod: Object) -> str:
    """Name of the DaemonSet family of an operand pod; "" for any other pod."""
    app = labels_of(pod).get("app") or ""
    if app.startswith(DRIVER_PREFIX):
        return DRIVER_PREFIX
    known = {name for _, _, _, name, _, _ in nvidia_operands.STATES}
    return app if app in known else ""


def wants_gpu(pod: Object) -> bool:
    """True when the pod asks for an NVIDIA GPU (or a MIG slice)."""
    for container in pod["spec"].get("containers") or []:
        limits = (container.get("resources") or {}).get("limits") or {}
        if any(key == GPU or key.startswith("nvidia.com/mig-") for key in limits):
            return True
    return False


class NodePlay:
    """Plays operand pods. State is what the pods and the node show; timers are the stand-in's."""

    def __init__(self, operator: NvidiaGpu) -> None:
        self._op = operator
        self._boot: dict[str, str] = {}  # pod uid -> boot id of the node at which the pod came up

    # ---- looking

    def pods(self, node: str | None) -> list[Object]:
        """Operand pods on a node."""
        if not node:
            return []
        return [
            pod
            for pod in self._op.pods_on(node)
            if pod["metadata"].get("namespace") == self._op.namespace
            and role_of(pod)
            and not pod["metadata"].get("deletionTimestamp")
        ]

    def driver_pod(self, node: str) -> Object | None:
        """The driver pod on a node, or None."""
        return next((pod for pod in self.pods(node) if role_of(pod) == DRIVER_PREFIX), None)

    def _up(self, node: Object, role: str) -> bool:
        """True when the operand's pod on the node has come up since the node's boot.

        RHCOS has neither driver nor container toolkit of its own: switched off, they are never there. The validator does not
        look for a device plugin that is switched off.
        """
        policy = self._op.policy()
        spec = (policy or {}).get("spec") or {}
        component, default = next((c, d) for _, c, d, name, _, _ in nvidia_operands.STATES if name == role)
        if not nvidia_operands.enabled(spec, component, default):
            return role == DEVICE_PLUGIN
        boot = boot_id(node)
        return any(
            role_of(pod) == role and is_ready(pod) and self._boot.get(pod["metadata"]["uid"], boot) == boot
            for pod in self.pods(node["metadata"]["name"])
        )

    # ---- acting

    def advance(self, kube: Kube, pod: Object) -> float | None:
        """Bring one operand pod one step on. Returns seconds until the next look."""
        role = role_of(pod)
        node = self._op.find("v1", "Node", pod["spec"].get("nodeName") or "")
        if not role or node is None or pod["metadata"].get("deletionTimestamp") or not is_true(node, "Ready"):
            return None
        if self._is_settled(pod, node) and not self._is_broken(pod, node):
            self._serve(kube, role, node)
            return None
        if role == DRIVER_PREFIX:
            return self._driver(kube, pod, node)
        return self._operand(kube, role, pod, node)

    def _is_settled(self, pod: Object, node: Object) -> bool:
        """Ready, and since the node's present boot, and the driver under it is still up."""
        uid = pod["metadata"]["uid"]
        if not is_ready(pod):
            return False
        if self._boot.setdefault(uid, boot_id(node)) != boot_id(node):
            return False
        return role_of(pod) == DRIVER_PREFIX or self._up(node, DRIVER_PREFIX)

    def _is_broken(self, pod: Object, node: Object) -> bool:
        return role_of(pod) == DRIVER_PREFIX and self._trouble(pod, node) is not None

    def _trouble(self, pod: Object, node: Object) -> str | None:
        """Why the driver of this node cannot work, or None."""
        fault = self._op.fault(NEVER_READY)
        if fault is not None and fault.get("node") == node["metadata"]["name"]:
            return "modprobe: ERROR: could not insert 'nvidia': No such device"
        labels = labels_of(pod)
        if labels.get(DTK_MISSING_LABEL) == "true":
            return f"RHCOS version {labels.get('openshift.driver-toolkit.rhcos')} has no tag in the imagestream openshift/driver-toolkit"
        if labels.get(DTK_LABEL) != "true":
            return "FATAL: failed to install elfutils packages. RHEL entitlement may be improperly deployed."
        return None

    def _driver(self, kube: Kube, pod: Object, node: Object) -> float | None:
        policy = self._op.policy()
        spec = (policy or {}).get("spec") or {}
        if nvidia_operands.waits_for_ofed(spec) and not self._ofed_is_up(node):
            self._show(kube, pod, pod_initializing(pod, now(), 0))
            return None
        manager = 1 if nvidia_operands.waits_for_ofed(spec) else 0
        if nvidia_operands.evicts_gpu_pods(spec) and not self._evict(kube, node):
            self._show(kube, pod, pod_initializing(pod, now(), manager))
            return EVICT_RETRY / self._op.settings.speed
        self._unserve(kube, node)
        left = self._op.remaining("driver-build", self._timer(pod, node))
        if left:
            self._show(kube, pod, pod_starting(pod, now()))
            return left
        trouble = self._trouble(pod, node)
        if trouble is not None:
            self._crash(kube, pod, trouble)
            return 5.0  # a repaired fault shows at the container's next start
        self._come_up(kube, pod, node)
        return None

    def _ofed_is_up(self, node: Object) -> bool:
        if not any(labels_of(node).get(key) == "true" for key in MELLANOX_PCI_LABELS):
            return True
        return labels_of(node).get(OFED_WAIT) == "false"

    def _operand(self, kube: Kube, role: str, pod: Object, node: Object) -> float | None:
        done = self._inits_done(role, node)
        inits = pod["spec"].get("initContainers") or []
        if done < len(inits):
            self._show(kube, pod, pod_initializing(pod, now(), done))
            return None
        delay = DELAYS.get(role)
        left = self._op.remaining(delay, self._timer(pod, node)) if delay else 0.0
        if left:
            waiting = pod_initializing(pod, now(), len(inits) - 1) if role == VALIDATOR else pod_starting(pod, now())
            self._show(kube, pod, waiting)
            return left
        self._come_up(kube, pod, node)
        self._serve(kube, role, node)
        return None

    def _inits_done(self, role: str, node: Object) -> int:
        """How many of the init containers of an operand can end now."""
        steps = next(inits for _, _, _, name, _, inits in nvidia_operands.STATES if name == role)
        driver = self._up(node, DRIVER_PREFIX)
        toolkit = driver and self._up(node, TOOLKIT)
        plugin = toolkit and self._up(node, DEVICE_PLUGIN)
        passed = {"driver-validation": driver, "toolkit-validation": toolkit, "cuda-validation": toolkit, "plugin-validation": plugin}
        done = 0
        for step in steps:
            if not passed[step]:
                break
            done += 1
        return done

    def _come_up(self, kube: Kube, pod: Object, node: Object) -> None:
        self._boot[pod["metadata"]["uid"]] = boot_id(node)
        self._show(kube, pod, pod_running(pod, now()))

    def _show(self, kube: Kube, pod: Object, status: Object) -> None:
        """Write a pod's status when it tells something new."""
        if same_pod_state(pod.get("status"), status):
            return
        try:
            kube.patch(kube.path_of(pod), {"status": status}, subresource="status")
        except NotFound:
            self._op.log.info("pod %s has gone", pod["metadata"]["name"])

    def _crash(self, kube: Kube, pod: Object, text: str) -> None:
        status = pod_crashing(pod, now(), 5, 1)
        if not same_pod_state(pod.get("status"), status):
            self._op.log.warning("driver of node %s: %s", pod["spec"]["nodeName"], text)
            self._show(kube, pod, status)
            name = pod["spec"]["containers"][0]["name"]
            self._op.event(
                pod,
                "Warning",
                "BackOff",
                f"Back-off restarting failed container {name} in pod "
                f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({pod['metadata']['uid']})",
            )

    def _timer(self, pod: Object, node: Object) -> str:
        return f"{pod['metadata']['uid']}/{boot_id(node)}"

    def _evict(self, kube: Kube, node: Object) -> bool:
        """Evict the node's GPU pods, as the driver manager does. True when none is left."""
        left = False
        for pod in self._op.pods_on(node["metadata"]["name"]):
            if not wants_gpu(pod):
                continue
            if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
                continue
            left = True
            if not pod["metadata"].get("deletionTimestamp"):
                self._evict_one(kube, pod)
        return not left

    def _evict_one(self, kube: Kube, pod: Object) -> None:
        meta = pod["metadata"]
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
        try:
            kube.create(f"{kube.path_of(pod)}/eviction", body)
        except NotFound:
            pass  # it went by itself meanwhile
        except KubeError as error:
            self._op.log.warning("GPU pod %s/%s cannot be evicted: %s", meta["namespace"], meta["name"], error.message)

    # ---- what the node shows

    def _server(self, node: Object) -> dict[str, Any]:
        name = node["metadata"]["name"]
        found = next((item for item in self._op.profile["nodes"] if item["name"] == name), None)
        return found or {"gpus": [], "system": {"product": "", "vendor": ""}}

    def _serve(self, kube: Kube, role: str, node: Object) -> None:
        """What an operand that is up gives to its node."""
        spec = ((self._op.policy() or {}).get("spec")) or {}
        if role == DEVICE_PLUGIN:
            self._resources(kube, node, len(healthy_gpus(self._server(node))))
        elif role == DISCOVERY:
            driver = self._driver_of(node)
            made = discovery_labels(self._server(node), driver, str((spec.get("mig") or {}).get("strategy") or "single"))
            self._labels(kube, node, made)
        elif role == MIG_MANAGER:
            # Only "all MIG off" is played; any other layout is told to have failed, rather than to work.
            wanted = labels_of(node).get("nvidia.com/mig.config")
            self._labels(kube, node, {"nvidia.com/mig.config.state": "success" if wanted == "all-disabled" else "failed"})

    def _driver_of(self, node: Object) -> str:
        """Version of the driver that runs on the node: an upgrade reaches one node after the other."""
        pod = self.driver_pod(node["metadata"]["name"])
        _, _, tag = (pod["spec"]["containers"][0]["image"] if pod else "").rpartition(":")
        version = tag.split("-")[0]
        return version if version and version[0].isdigit() and "." in version else self._op.default_driver()

    def _labels(self, kube: Kube, node: Object, made: dict[str, str]) -> None:
        have = labels_of(node)
        changes = {key: value for key, value in made.items() if have.get(key) != value}
        if changes:
            if any(key.startswith("nvidia.com/gpu.product") for key in changes):
                changes["nvidia.com/gfd.timestamp"] = str(int(time.time()))
            self._op.patch_node(kube, node, {"labels": changes})

    def _unserve(self, kube: Kube, node: Object) -> None:
        """While no driver is loaded, the kubelet has no healthy GPU to give."""
        if GPU in ((node.get("status") or {}).get("allocatable") or {}):
            self._resources(kube, node, 0, capacity=False)

    def leave(self, kube: Kube, node: Object) -> None:
        """The operands have gone: no GPU to allocate, no labels of feature discovery."""
        if GPU in ((node.get("status") or {}).get("capacity") or {}):
            self._resources(kube, node, 0)
        mine = ("nvidia.com/gpu.", "nvidia.com/cuda.", "nvidia.com/mig.", "nvidia.com/mps.", "nvidia.com/vgpu.", "nvidia.com/gfd.")
        gone = {
            key: None
            for key in labels_of(node)
            if key.startswith(mine) and not key.startswith("nvidia.com/gpu.deploy.") and key != "nvidia.com/gpu.present"
        }
        if gone:
            self._op.patch_node(kube, node, {"labels": gone})

    def _resources(self, kube: Kube, node: Object, count: int, capacity: bool = True) -> None:
        """Set allocatable, and capacity unless told not to, of nvidia.com/gpu."""
        status = node.get("status") or {}
        wanted: dict[str, dict[str, str]] = {"allocatable": {GPU: str(count)}}
        if capacity:
            wanted["capacity"] = {GPU: str(count)}
        if all((status.get(part) or {}).get(GPU) == values[GPU] for part, values in wanted.items()):
            return
        try:
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"status": wanted}, subresource="status")
        except NotFound:
            self._op.log.info("node %s has gone", node["metadata"]["name"])


def boot_id(node: Object) -> str:
    """The node's boot id; it changes with every reboot."""
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get("bootID") or "")
