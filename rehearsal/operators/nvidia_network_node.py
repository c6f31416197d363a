# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of NVIDIA's network operator do on a node: the DOCA-OFED driver container, the resources of its device plugins.

Sources: hardware.md §2.5, F14 (irdma of Intel cards holds ib_uverbs), F19 (a version that the registry lacks), §3.2 (versions);
Mellanox/network-operator manifests/state-ofed-driver (probes: the pod is ready when mlx5_core is loaded). Not played: unloading of storage
modules, loss of the node's own network when it is a Mellanox card (F13).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.operators import pod_logs
from rehearsal.operators.objects import Object, boot_id
from rehearsal.operators.pod_status import is_ready, pod_crashing, pod_running, pod_starting, same_pod_state
from rehearsal.operators.runtime import Kube, StandIn, now

NEVER_READY = "mofed-never-ready"
UNLOAD = "UNLOAD_THIRD_PARTY_RDMA_MODULES"
# Driver containers in NVIDIA's registry, as far as they are known here (release notes of the operator, hardware.md §3.2).
VERSIONS = (
    "doca3.1.0-25.07-0.9.7.0-0",
    "doca3.2.0-25.10-1.2.8.0-2",
    "doca3.2.2-25.10-2.4.1.0-4",
    "doca3.3.0-26.01-1.0.0.0-0",
    "doca3.4.1-26.04-1.1.0.0-1",
)
RETRY_SECONDS = 5.0


class DriverPods:
    """Plays the driver pods. State is what the pods and the node show; timers are the stand-in's."""

    def __init__(self, operator: StandIn) -> None:
        self._op = operator
        self._boot: dict[str, str] = {}  # pod uid -> boot id of the node at which the pod came up

    def advance(self, kube: Kube, pod: Object, node: Object, driver: Mapping[str, Any], arguments: set[str]) -> float | None:
        """One step of a driver pod. `driver`: the policy's section; `arguments`: of the node's kernel. Returns seconds until the next look."""
        uid, boot = pod["metadata"]["uid"], boot_id(node)
        trouble = self._trouble(node["metadata"]["name"], driver, arguments)
        if is_ready(pod) and self._boot.setdefault(uid, boot) == boot and trouble is None:
            return None
        image = pod["spec"]["containers"][0]["image"]
        if not is_known(image):
            self._op.show_pod(kube, pod, not_pulled(pod, image))
            self._op.event(pod, "Warning", "Failed", f'Failed to pull image "{image}": manifest unknown')
            return None
        left = self._op.remaining("mofed-build", f"{uid}/{boot}")
        if left:
            self._op.show_pod(kube, pod, pod_starting(pod, now()))
            return left
        if trouble is not None:
            self._crash(kube, pod, trouble)
            return RETRY_SECONDS / self._op.settings.speed
        self._boot[uid] = boot
        self._op.show_pod(kube, pod, pod_running(pod, now()))
        return None

    def _trouble(self, name: str, driver: Mapping[str, Any], arguments: set[str]) -> str | None:
        """Why the modules cannot be loaded, or None."""
        if (self._op.fault(NEVER_READY) or {}).get("node") == name:
            return "Failed to load new driver: modprobe: ERROR: could not insert 'mlx5_core': Unknown symbol in module"
        server = next((item for item in self._op.profile["nodes"] if item["name"] == name), None)
        intel = any(nic["driver"] == "ice" for nic in (server or {}).get("nics") or [])
        env = {row.get("name"): str(row.get("value") or "") for row in driver.get("env") or []}
        if intel and env.get(UNLOAD, "").lower() != "true" and "module_blacklist=irdma" not in arguments:
            return "rmmod: ERROR: Module ib_uverbs is in use by: irdma"
        return None

    def _crash(self, kube: Kube, pod: Object, text: str) -> None:
        status = pod_crashing(pod, now(), 5, 1)
        if same_pod_state(pod.get("status"), status):
            return
        ended = status["containerStatuses"][0]["lastState"]["terminated"]
        ended["message"] = text
        self._op.log.warning("network driver of node %s: %s", pod["spec"]["nodeName"], text)
        pod_logs.write(self._op.state, pod, "mofed-container", ["[INFO] Unloading the inbox drivers", f"[ERROR] {text}"], "stdout")
        self._op.show_pod(kube, pod, status)
        meta = pod["metadata"]
        words = f"Back-off restarting failed container mofed-container in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
        self._op.event(pod, "Warning", "BackOff", words)


def is_known(image: str) -> bool:
    """True when the registry has the image: a digest is trusted, a tag must be a known version with system and architecture."""
    if "@" in image:
        return True
    tag = image.rpartition(":")[2]
    return any(re.fullmatch(rf"{re.escape(version)}-(rhel|rhcos)[0-9.]+-(amd64|arm64)", tag) for version in VERSIONS)


def not_pulled(pod: Object, image: str) -> Object:
    """Status of a pod whose first image cannot be pulled."""
    status = pod_starting(pod, now())
    status["phase"] = "Pending"
    first = status["containerStatuses"][0]
    first["started"] = False
    first["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}
    return status


def resources_patch(node: Object, wanted: Mapping[str, int], owned: Iterable[str]) -> Object:
    """Merge patch of a node's status that brings its resources to `wanted`; those of `owned` that are no longer wanted stay with 0."""
    have = (node.get("status") or {}).get("allocatable") or {}
    target = {name: "0" for name in owned if name in have} | {name: str(count) for name, count in wanted.items()}
    changes = {name: value for name, value in target.items() if have.get(name) != value}
    return {"status": {"allocatable": changes, "capacity": changes}} if changes else {}
