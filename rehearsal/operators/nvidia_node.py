# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the GPU operator's pods do on one node, in the order that their init containers force.

driver → toolkit → device plugin, GPU feature discovery, DCGM, MIG manager → validator. Sources: NVIDIA/gpu-operator
assets/state-*/*.yaml (init containers), cmd/nvidia-validator; NVIDIA/k8s-driver-manager (eviction of GPU pods before a driver is
loaded); hardware.md F1-F12.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rehearsal.operators import nvidia_mig, nvidia_operands, nvidia_trouble, pod_logs, pod_pull
from rehearsal.operators.broken_hardware import server_of
from rehearsal.operators.nvidia_labels import MELLANOX_PCI_LABELS, OFED_WAIT, discovery_labels
from rehearsal.operators.nvidia_mig_manager import MigManager
from rehearsal.operators.nvidia_operands import DRIVER_PREFIX, DTK_LABEL, DTK_MISSING_LABEL
from rehearsal.operators.objects import boot_id
from rehearsal.operators.pod_status import (
    is_ready,
    pod_crashing,
    pod_initializing,
    pod_running,
    pod_starting,
    same_pod_state,
)
from rehearsal.operators.runtime import Kube, KubeError, NotFound, Object, StandIn, is_true, labels_of, now

GPU = "nvidia.com/gpu"
DEVICE_PLUGIN = "nvidia-device-plugin-daemonset"
TOOLKIT = "nvidia-container-toolkit-daemonset"
VALIDATOR = "nvidia-operator-validator"
DISCOVERY = "gpu-feature-discovery"
MIG_MANAGER = "nvidia-mig-manager"
DELAYS = {TOOLKIT: "toolkit-ready", DEVICE_PLUGIN: "device-plugin", DISCOVERY: "gfd-labels", VALIDATOR: "validator"}
EVICT_RETRY = 5.0
RESTARTS = 5  # of a crashing driver container when it is first seen
BACKOFF_SECONDS = 300.0  # the kubelet's longest pause between two starts of a container, which it has reached by then


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
    """Plays operand pods. State is what the pods and the node show; timers are the stand-in's.

    `policy` gives the ClusterPolicy that counts, `default_driver` the version that the operator brings.
    """

    def __init__(
        self, operator: StandIn, policy: Callable[[], Object | None], default_driver: Callable[[], str],
        patch_node: Callable[[Kube, Object, Object], None],
    ) -> None:
        self._op, self._policy, self._default_driver, self._patch_node = operator, policy, default_driver, patch_node
        self._boot: dict[str, str] = {}  # pod uid -> boot id of the node at which the pod came up
        self._mig = MigManager(operator, self._server, patch_node, wants_gpu)

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

    def _spec(self) -> Object:
        return (self._policy() or {}).get("spec") or {}

    def validated(self, node: str) -> bool:
        """True when the validator on a node has passed."""
        return any(role_of(pod) == VALIDATOR and is_ready(pod) for pod in self.pods(node))

    def _up(self, node: Object, role: str) -> bool:
        """True when the operand's pod on the node has come up since the node's boot.

        RHCOS has neither driver nor container toolkit of its own: switched off, they are never there. The validator does not
        look for a device plugin that is switched off.
        """
        spec = self._spec()
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
            return self._serve(kube, role, node)
        if self._unpulled(kube, pod):
            return EVICT_RETRY / self._op.settings.speed
        if role == DRIVER_PREFIX:
            return self._driver(kube, pod, node)
        return self._operand(kube, role, pod, node)

    def _unpulled(self, kube: Kube, pod: Object) -> bool:
        """True when an image of a pod that has not come up cannot be pulled."""
        image = pod_pull.unpullable(pod, self._op.scenario.get("image_pull_failures") or [])
        if image is None or is_ready(pod):
            return False
        status = pod_pull.pod_unpulled(pod, image, now())
        if not same_pod_state(pod.get("status"), status):
            self._op.show_pod(kube, pod, status)
            self._op.event(pod, "Warning", "Failed", f'Failed to pull image "{image}": {pod_pull.reason(image)}')
        return True

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

    def _trouble(self, pod: Object, node: Object) -> tuple[str, ...] | None:
        """The last lines of the driver container's log when it cannot work on this node, or None."""
        fault = self._fault(node)
        if fault is not None:
            return nvidia_trouble.REASONS[fault]
        labels = labels_of(pod)
        if labels.get(DTK_MISSING_LABEL) == "true":
            return (f"RHCOS version {labels.get('openshift.driver-toolkit.rhcos')} has no tag in the imagestream openshift/driver-toolkit",)
        if labels.get(DTK_LABEL) != "true":
            return ("FATAL: failed to install elfutils packages. RHEL entitlement may be improperly deployed.",)
        return None

    def _fault(self, node: Object) -> str | None:
        faults = (self._op.fault(nvidia_trouble.NEVER_READY), self._op.fault(nvidia_trouble.CRASH_LOOP))
        return nvidia_trouble.fault_on(node["metadata"]["name"], *faults)

    def _driver(self, kube: Kube, pod: Object, node: Object) -> float | None:
        spec = self._spec()
        if nvidia_operands.waits_for_ofed(spec) and not self._ofed_is_up(node):
            self._op.show_pod(kube, pod, pod_initializing(pod, now(), 0))
            return None
        manager = 1 if nvidia_operands.waits_for_ofed(spec) else 0
        if nvidia_operands.evicts_gpu_pods(spec) and not self._evict(kube, node):
            self._op.show_pod(kube, pod, pod_initializing(pod, now(), manager))
            return EVICT_RETRY / self._op.settings.speed
        self._unserve(kube, node)
        fault = self._fault(node)
        if fault in nvidia_trouble.INIT:
            self._crash(kube, pod, nvidia_trouble.REASONS[fault], init=manager)
            return 5.0
        left = self._op.remaining("driver-build", self._timer(pod, node))
        if left:
            self._op.show_pod(kube, pod, pod_starting(pod, now()))
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
            self._op.show_pod(kube, pod, pod_initializing(pod, now(), done))
            return None
        delay = DELAYS.get(role)
        left = self._op.remaining(delay, self._timer(pod, node)) if delay else 0.0
        if left:
            waiting = pod_initializing(pod, now(), len(inits) - 1) if role == VALIDATOR else pod_starting(pod, now())
            self._op.show_pod(kube, pod, waiting)
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
        self._op.show_pod(kube, pod, pod_running(pod, now()))

    def _crash(self, kube: Kube, pod: Object, lines: tuple[str, ...], init: int | None = None) -> None:
        """A container ends again and again; `init`: number of the init container that does."""
        before = (pod.get("status") or {}).get("containerStatuses" if init is None else "initContainerStatuses") or []
        if _ended_ago(before) < BACKOFF_SECONDS / self._op.settings.speed:
            return
        restarts = max([RESTARTS, *(int(item.get("restartCount") or 0) + 1 for item in before)])
        status = pod_crashing(pod, now(), restarts, 1) if init is None else pod_init_crashing(pod, now(), init, restarts)
        container = pod["spec"]["containers"][0] if init is None else pod["spec"]["initContainers"][init]
        if not _is_crashing(pod):
            self._op.log.warning("driver of node %s: %s", pod["spec"]["nodeName"], lines[-1])
            pod_logs.write(self._op.state, pod, container["name"], lines)
            where = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({pod['metadata']['uid']})"
            self._op.event(pod, "Warning", "BackOff", f"Back-off restarting failed container {container['name']} in pod {where}")
        self._op.show_pod(kube, pod, status)

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
        found = server_of(self._op, name)
        return found or {"gpus": [], "system": {"product": "", "vendor": ""}}

    def _serve(self, kube: Kube, role: str, node: Object) -> float | None:
        """What an operand that is up gives to its node. Returns seconds until the next look."""
        spec = self._spec()
        strategy = str((spec.get("mig") or {}).get("strategy") or "single")
        if role == DEVICE_PLUGIN:
            self._resources(kube, node, nvidia_mig.resources(self._mig.layouts(node), strategy))
        elif role == DISCOVERY:
            made = discovery_labels(self._server(node), self._driver_of(node), strategy)
            made |= nvidia_mig.labels(made, self._mig.layouts(node), strategy)
            self._labels(kube, node, made)
        elif role == MIG_MANAGER:
            env = {str(row.get("name")): str(row.get("value")) for row in (spec.get("migManager") or {}).get("env") or []}
            return self._mig.advance(kube, node, env)
        return None

    def _driver_of(self, node: Object) -> str:
        """Version of the driver that runs on the node: an upgrade reaches one node after the other."""
        pod = self.driver_pod(node["metadata"]["name"])
        _, _, tag = (pod["spec"]["containers"][0]["image"] if pod else "").rpartition(":")
        version = tag.split("-")[0]
        return version if version and version[0].isdigit() and "." in version else self._default_driver()

    def _labels(self, kube: Kube, node: Object, made: dict[str, str]) -> None:
        have = labels_of(node)
        changes: dict[str, str | None] = {key: value for key, value in made.items() if have.get(key) != value}
        changes |= {key: None for key in have if key.startswith("nvidia.com/mig-") and key not in made}
        if changes:
            if any(key.startswith("nvidia.com/gpu.product") for key in changes):
                changes["nvidia.com/gfd.timestamp"] = str(int(time.time()))
            self._patch_node(kube, node, {"labels": changes})

    def _unserve(self, kube: Kube, node: Object) -> None:
        """While no driver is loaded, the kubelet has no healthy GPU to give."""
        mine = _own((node.get("status") or {}).get("allocatable"))
        if mine:
            self._resources(kube, node, dict.fromkeys(mine, 0), capacity=False)

    def leave(self, kube: Kube, node: Object) -> None:
        """The operands have gone: no GPU to allocate, no labels of feature discovery."""
        mine = _own((node.get("status") or {}).get("capacity"))
        if mine:
            self._resources(kube, node, dict.fromkeys(mine, 0))
        prefixes = ("nvidia.com/gpu.", "nvidia.com/cuda.", "nvidia.com/mig.", "nvidia.com/mig-", "nvidia.com/mps.", "nvidia.com/vgpu.",
                    "nvidia.com/gfd.")  # fmt: skip
        gone = {
            key: None
            for key in labels_of(node)
            if key.startswith(prefixes) and not key.startswith("nvidia.com/gpu.deploy.") and key != "nvidia.com/gpu.present"
        }
        if gone:
            self._patch_node(kube, node, {"labels": gone})

    def _resources(self, kube: Kube, node: Object, counts: dict[str, int], capacity: bool = True) -> None:
        """Set allocatable, and capacity unless told not to; a resource that the plugin no longer names goes to zero."""
        status = node.get("status") or {}
        wanted: dict[str, dict[str, str]] = {}
        for part in ("allocatable", "capacity") if capacity else ("allocatable",):
            stale = {name: 0 for name in _own(status.get(part)) if name not in counts}
            wanted[part] = {name: str(count) for name, count in {**stale, **counts}.items()}
        if all((status.get(part) or {}).get(name) == value for part, values in wanted.items() for name, value in values.items()):
            return
        try:
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"status": wanted}, subresource="status")
        except NotFound:
            self._op.log.info("node %s has gone", node["metadata"]["name"])


def pod_init_crashing(pod: Object, stamp: str, index: int, restarts: int) -> Object:
    """Status of a pod whose init container number `index` ends again and again."""
    status = pod_initializing(pod, stamp, index)
    row = status["initContainerStatuses"][index]
    message = f"back-off 5m0s restarting failed container={row['name']} pod={pod['metadata']['name']}"
    ended = {"exitCode": 1, "reason": "Error", "startedAt": stamp, "finishedAt": stamp}
    status["initContainerStatuses"][index] = {
        **row, "ready": False, "started": False, "restartCount": restarts, "lastState": {"terminated": ended},
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": message}},
    }  # fmt: skip
    return status


def _ended_ago(statuses: list[Object]) -> float:
    """Seconds since a container in back-off has ended; infinite when none is."""
    ends = [row["lastState"]["terminated"]["finishedAt"] for row in statuses if _in_back_off(row) and (row.get("lastState") or {}).get("terminated")]
    if not ends:
        return math.inf
    return (datetime.now(UTC) - datetime.fromisoformat(max(ends))).total_seconds()


def _is_crashing(pod: Object) -> bool:
    status = pod.get("status") or {}
    rows = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    return any(_in_back_off(row) for row in rows)


def _in_back_off(row: Object) -> bool:
    return bool(((row.get("state") or {}).get("waiting") or {}).get("reason") == "CrashLoopBackOff")


def _own(resources: dict[str, str] | None) -> list[str]:
    """Names of the device plugin's resources."""
    return [name for name in resources or {} if name == GPU or name.startswith("nvidia.com/mig-")]
