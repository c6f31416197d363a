# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of the NVIDIA driver: each node's way through the states of its label `nvidia.com/gpu-driver-upgrade-state`.

Source: NVIDIA/k8s-operator-libs pkg/upgrade/{consts,common_manager,upgrade_inplace}.go (as vendored by NVIDIA/gpu-operator@a22dbf671):
upgrade-required → cordon-required → wait-for-jobs-required → pod-deletion-required → (drain-required) → pod-restart-required →
validation-required → uncordon-required → upgrade-done; upgrade-failed when the new driver does not come up. Not played: waiting for
jobs (none is selected), the maintenance operator, safe load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.operators.nvidia_labels import UPGRADE_ENABLED, UPGRADE_STATE
from rehearsal.operators.pod_status import is_ready
from rehearsal.operators.runtime import Kube, KubeError, NotFound, Object, StandIn, labels_of

REQUIRED, CORDON, JOBS, DELETION, DRAIN = (
    "upgrade-required", "cordon-required", "wait-for-jobs-required", "pod-deletion-required", "drain-required"
)  # fmt: skip
RESTART, VALIDATION, UNCORDON, DONE, FAILED = (
    "pod-restart-required", "validation-required", "uncordon-required", "upgrade-done", "upgrade-failed"
)  # fmt: skip
INITIALLY_CORDONED = "nvidia.com/gpu-driver-upgrade.node-initial-state.unschedulable"
CRASHES = 10  # restarts of the driver container after which an upgrade has failed
STEP_SECONDS = 1.0


class DriverUpgrade:
    """Moves nodes on, `maxParallelUpgrades` at a time. State is in the nodes' labels."""

    def __init__(
        self, operator: StandIn, driver_pod: Callable[[str], Object | None], validated: Callable[[str], bool],
        outdated: Callable[[Object], bool], patch_node: Callable[[Kube, Object, Object], None], uses_gpu: Callable[[Object], bool],
    ) -> None:
        self._op, self._driver_pod, self._validated = operator, driver_pod, validated
        self._outdated, self._patch_node, self._uses_gpu = outdated, patch_node, uses_gpu

    def advance(self, kube: Kube, spec: Object, nodes: list[Object]) -> float | None:
        """One step for every node. Returns seconds until the next."""
        policy = (spec.get("driver") or {}).get("upgradePolicy") or {}
        if not policy.get("autoUpgrade"):
            return None
        most = int(policy.get("maxParallelUpgrades", 1)) or len(nodes)
        busy = sum(1 for node in nodes if state_of(node) not in ("", REQUIRED, DONE))
        again = False
        for node in nodes:
            pod, state = self._driver_pod(node["metadata"]["name"]), state_of(node)
            if state in ("", DONE):
                again = self._look(kube, node, pod, state) or again
            elif state == REQUIRED:
                again = True
                if busy < most:
                    busy += 1
                    self._mark(kube, node, CORDON)
            else:
                again = True
                self._step(kube, policy, node, pod, state)
        return STEP_SECONDS / self._op.settings.speed if again else None

    def _look(self, kube: Kube, node: Object, pod: Object | None, state: str) -> bool:
        """A node at rest: is its driver of an older content than the DaemonSet's?"""
        if pod is None:
            return False
        if self._outdated(pod):
            was = bool((node.get("spec") or {}).get("unschedulable"))
            self._mark(kube, node, REQUIRED, {INITIALLY_CORDONED: "true"} if was else {})
            return True
        if is_ready(pod) and state != DONE:
            self._mark(kube, node, DONE)
        return False

    def _step(self, kube: Kube, policy: Object, node: Object, pod: Object | None, state: str) -> None:
        if state == CORDON:
            kube.patch(kube.path_of(node), {"spec": {"unschedulable": True}})
            self._mark(kube, node, JOBS)
        elif state == JOBS:
            self._mark(kube, node, DELETION if policy.get("podDeletion") is not None else RESTART)
        elif state == DELETION:
            self._delete_pods(kube, policy, node, self._uses_gpu, DRAIN if (policy.get("drain") or {}).get("enable") else FAILED, "podDeletion")
        elif state == DRAIN:
            self._delete_pods(kube, policy, node, lambda _: True, FAILED, "drain")
        elif state == RESTART:
            self._restart(kube, node, pod)
        elif state == VALIDATION and self._validated(node["metadata"]["name"]):
            self._mark(kube, node, UNCORDON)
        elif state == UNCORDON:
            if INITIALLY_CORDONED not in (node["metadata"].get("annotations") or {}):
                kube.patch(kube.path_of(node), {"spec": {"unschedulable": None}})
            self._mark(kube, node, DONE, {INITIALLY_CORDONED: None})
        elif state == FAILED and pod is not None and not self._outdated(pod) and is_ready(pod):
            self._mark(kube, node, UNCORDON)  # someone has repaired it

    def _delete_pods(self, kube: Kube, policy: Object, node: Object, wanted: Callable[[Object], bool], otherwise: str, part: str) -> None:
        """Evict pods; with the timeout over, the other way (a drain) or failure."""
        timer = f"{node['metadata']['name']}/{part}"
        left = [pod for pod in self._op.pods_on(node["metadata"]["name"]) if _evictable(pod) and wanted(pod)]
        for pod in left:
            body = {"apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}}  # fmt: skip
            try:
                kube.create(f"{kube.path_of(pod)}/eviction", body)
            except NotFound:
                continue
            except KubeError as error:
                self._op.log.info("upgrade of %s: %s", node["metadata"]["name"], error.message)
        if not left:
            self._op.forget("gpu-pod-deletion", timer)
            self._mark(kube, node, RESTART)
        elif not self._op.remaining("gpu-pod-deletion", timer):
            self._op.forget("gpu-pod-deletion", timer)
            name = node["metadata"]["name"]
            words = "Failed to delete workload pods on the node for the driver upgrade" if part == "podDeletion" else "Failed to drain the node"
            self._op.event(node, "Warning", "GPUDriverUpgrade", f"{words}, node {name}")
            self._mark(kube, node, otherwise)

    def _restart(self, kube: Kube, node: Object, pod: Object | None) -> None:
        if pod is None:
            return
        if self._outdated(pod):
            kube.delete(kube.path_of(pod))
        elif is_ready(pod):
            self._mark(kube, node, VALIDATION)
        elif any(int(item.get("restartCount") or 0) > CRASHES for item in (pod.get("status") or {}).get("containerStatuses") or []):
            self._mark(kube, node, FAILED)

    def _mark(self, kube: Kube, node: Object, state: str, notes: dict[str, Any] | None = None) -> None:
        if state_of(node) != state or notes:
            self._patch_node(kube, node, {"labels": {UPGRADE_STATE: state}, "annotations": {UPGRADE_ENABLED: "true", **(notes or {})}})


def state_of(node: Object) -> str:
    """The label's value, "" without it."""
    return labels_of(node).get(UPGRADE_STATE) or ""


def _evictable(pod: Object) -> bool:
    owners = [ref["kind"] for ref in pod["metadata"].get("ownerReferences") or []]
    over = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not over and "DaemonSet" not in owners and "Node" not in owners and not pod["metadata"].get("deletionTimestamp")
