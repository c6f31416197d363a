# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine-config daemon and the drain controller do on one node: cordon, drain, reboot, uncordon.

Sources: openshift/machine-config-operator pkg/daemon/{update,daemon}.go, pkg/controller/drain/drain_controller.go (annotations, order,
words; drains ignore DaemonSet pods and use the eviction API); a reboot is seen by a new boot id and by a NotReady node.
KWOK plays the node's kubelet as long as the node has the label `type: kwok`; during a reboot the label is away.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal.operators import mco_render
from rehearsal.operators.mco_pool import (
    APPLIED_DRAIN,
    CURRENT,
    DEGRADED,
    DESIRED,
    DESIRED_DRAIN,
    DONE,
    REASON,
    STATE,
    WORKING,
    note,
)
from rehearsal.operators.node_reboot import come_back, go_down, is_away
from rehearsal.operators.runtime import Kube, KubeError, NotFound, Object, StandIn, is_true, now
from rehearsal.operators.simulated_kubelet import image_rows, pattern, uses

Policies = tuple[dict[str, list[str]], dict[str, list[str]]]  # of files and of units: name -> action types
DRIFT, LOST = "mcp-degraded", "node-never-returns"  # faults of a scenario, each for one node
RETRY_SECONDS = 5.0
MIRROR = "kubernetes.io/config.mirror"


def must_evict(pod: Object) -> bool:
    """True for a pod that a drain waits for: not of a DaemonSet, not static, not over."""
    owners = [ref["kind"] for ref in pod["metadata"].get("ownerReferences") or []]
    if "DaemonSet" in owners or "Node" in owners or MIRROR in (pod["metadata"].get("annotations") or {}):
        return False
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def resumed(pod: Object, stamp: str) -> Object | None:
    """Status patch of a simulated pod whose node has booted again: ready, restarted once more. None when nothing is to do."""
    status = pod.get("status") or {}
    if status.get("phase") != "Running" or pod["metadata"].get("deletionTimestamp"):
        return None
    conditions = [
        {**item, "status": "True", "lastTransitionTime": stamp} if item["type"] in ("Ready", "ContainersReady") else item
        for item in status.get("conditions") or []
    ]
    containers = [
        {**item, "ready": True, "restartCount": int(item.get("restartCount") or 0) + 1, "state": {"running": {"startedAt": stamp}}}
        for item in status.get("containerStatuses") or []
    ]
    return {"conditions": conditions, "containerStatuses": containers}


class Counters:
    """Reboots and drains of each node, in a file that other stand-ins count in, too."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, what: str, node: str) -> None:
        """Count one more; `what` is `reboots` or `drains`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with Path(f"{self._path}.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                data: dict[str, dict[str, int]] = json.loads(self._path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                data = {}
            for name in ("reboots", "drains"):
                data.setdefault(name, {})
            data[what][node] = data[what].get(node, 0) + 1
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            fresh.replace(self._path)


class NodeUpdate:
    """One node's way from its current to its desired configuration. Its state is in the node's annotations and status.

    `content` gives the spec of a rendered MachineConfig (None when it is gone), `policies` the administrator's node disruption policies.
    """

    def __init__(self, operator: StandIn, content: Callable[[str], Object | None], policies: Callable[[], Policies]) -> None:
        self._op, self._content, self._policies = operator, content, policies
        self._counters = Counters(operator.state / "run" / "counters.json")
        self._rebooting: set[str] = set()
        rows = image_rows()
        self._played_elsewhere = (pattern(rows, held=True), pattern(rows, held=False))

    def is_draining(self, node: Object) -> bool:
        """True while the node waits for its pods to go."""
        return note(node, DESIRED_DRAIN).startswith("drain-") and note(node, DESIRED_DRAIN) != note(node, APPLIED_DRAIN)

    def advance(self, kube: Kube, node: Object) -> float | None:
        """One step. Returns seconds until the next look."""
        current, desired, name = note(node, CURRENT), note(node, DESIRED), node["metadata"]["name"]
        if not current or not desired:
            return None
        if self._has_drifted(name) and name not in self._rebooting:
            return self._drift(kube, node, current)
        if current == desired and note(node, STATE) == DONE and name not in self._rebooting:
            return None
        old, new = self._content(current), self._content(desired)
        if old is None or new is None:
            missing = current if old is None else desired
            self._fail(kube, node, f'missing MachineConfig {missing}\nmachineconfig.machineconfiguration.openshift.io "{missing}" not found')
            return RETRY_SECONDS
        if name in self._rebooting or is_away(node):
            return self._reboot(kube, node, desired)
        if note(node, STATE) == DONE:
            self._annotate(kube, node, {STATE: WORKING, REASON: ""})
            return None
        needed = mco_render.actions(old, new, *self._policies())
        if mco_render.REBOOT in needed or mco_render.DRAIN in needed:
            waiting = self._drain(kube, node, desired)
            if waiting is not None:
                return waiting
        if mco_render.REBOOT in needed:
            return self._reboot(kube, node, desired)
        self._complete(kube, node, desired, needed)
        return None

    # ---- a file that is not as the configuration says

    def _has_drifted(self, name: str) -> bool:
        return (self._op.fault(DRIFT) or {}).get("node") == name

    def _drift(self, kube: Kube, node: Object, current: str) -> float:
        """The daemon's config drift monitor: nothing is applied to a node whose files someone else has changed."""
        files = (((self._content(current) or {}).get("config") or {}).get("storage") or {}).get("files") or []
        path = next((item["path"] for item in files if "/crio/" in item["path"]), files[0]["path"] if files else "/etc/motd")
        why = f'content mismatch for file "{path}"'
        if note(node, STATE) != DEGRADED:
            self._op.event(node, "Warning", "ConfigDriftDetected", why)
        self._fail(kube, node, f"unexpected on-disk state validating against {current}: {why}")
        return RETRY_SECONDS / self._op.settings.speed

    # ---- drain

    def _drain(self, kube: Kube, node: Object, desired: str) -> float | None:
        """Seconds to wait, or None when the node is drained."""
        name, verb = node["metadata"]["name"], f"drain-{desired}"
        if (self._op.profile.get("platform") or {}).get("control_plane_topology") == "SingleReplica":
            # Nowhere to go for its pods: a single node just reboots, and its pods with it.
            if name not in self._rebooting:
                self._op.event(node, "Normal", "Drain", "Drain not required, skipping")
            return None
        if note(node, APPLIED_DRAIN) == verb and (node.get("spec") or {}).get("unschedulable"):
            return None
        if note(node, DESIRED_DRAIN) != verb or not (node.get("spec") or {}).get("unschedulable"):
            self._op.event(node, "Normal", "Cordon", "Cordoned node to apply update")
            self._op.event(node, "Normal", "Drain", "Draining node to update config.")
            kube.patch(kube.path_of(node), {"spec": {"unschedulable": True}, "metadata": {"annotations": {DESIRED_DRAIN: verb}}})
            for clock in ("drain-threshold", "drain-timeout"):  # both start here
                self._op.remaining(clock, f"{name}/{verb}")
            return RETRY_SECONDS
        left = [pod for pod in self._op.pods_on(name) if must_evict(pod)]
        refusals = [text for text in (self._evict(kube, pod) for pod in left) if text]
        if left:
            self._op.forget("drain", f"{name}/{verb}")
            return self._blocked(kube, node, verb, refusals)
        wait = self._op.remaining("drain", f"{name}/{verb}")
        if wait:
            return wait
        self._counters.add("drains", name)
        for clock in ("drain", "drain-threshold", "drain-timeout"):
            self._op.forget(clock, f"{name}/{verb}")
        self._annotate(kube, node, {APPLIED_DRAIN: verb, REASON: "", STATE: WORKING})
        return RETRY_SECONDS  # the watch comes first

    def _evict(self, kube: Kube, pod: Object) -> str | None:
        """Ask for one eviction; the refusal's text when a PodDisruptionBudget stands against it."""
        meta = pod["metadata"]
        if meta.get("deletionTimestamp"):
            return None
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
        try:
            kube.create(f"{kube.path_of(pod)}/eviction", body)
        except NotFound:
            return None
        except KubeError as error:
            self._op.log.info("pod %s/%s (will retry after 5s): %s", meta["namespace"], meta["name"], error.message)
            return f'error when evicting pods/"{meta["name"]}" -n "{meta["namespace"]}": global timeout reached: 1m30s'
        return None

    def _blocked(self, kube: Kube, node: Object, verb: str, refusals: list[str]) -> float:
        """What a drain that does not end looks like: an event after ten minutes, a degraded node after an hour.

        The budget's own words stand in the controller's log only, as in the product.
        """
        name, why = node["metadata"]["name"], " ".join(refusals)
        if len(refusals) > 1:
            why = f"[{', '.join(refusals)}]"
        if refusals and not self._op.remaining("drain-threshold", f"{name}/{verb}"):
            text = (
                "Drain failed. Drain has been failing for more than 10 minutes. Waiting 5 minutes then retrying. "
                f"Error message from drain: {why}"
            )
            self._op.event(node, "Warning", "DrainThresholdExceeded", text)
        if refusals and not self._op.remaining("drain-timeout", f"{name}/{verb}"):
            self._op.event(node, "Warning", "DrainFailed", f"node {name}: drain exceeded timeout: 1h0m0s. Will continue to retry.")
            words = "failed to drain node: {} after 1 hour. Please see machine-config-controller logs for more information"
            self._fail(kube, node, words.format(name))
        return RETRY_SECONDS / self._op.settings.speed

    # ---- reboot

    def _reboot(self, kube: Kube, node: Object, desired: str) -> float | None:
        name = node["metadata"]["name"]
        timer = f"{name}/{desired}"
        if name not in self._rebooting:
            self._rebooting.add(name)
            if not is_away(node):
                self._op.event(node, "Normal", "Reboot", f"Node will reboot into config {desired}")
                self._counters.add("reboots", name)
                go_down(kube, node)
        left = self._op.remaining("reboot", timer)
        if left:
            return left
        if (self._op.fault(LOST) or {}).get("node") == name:
            return RETRY_SECONDS / self._op.settings.speed  # it hangs in its firmware: someone must go and look
        fresh = kube.get(kube.path_of(node)) or node
        if is_away(fresh):
            come_back(self._op, kube, fresh)
            return 1.0
        if not is_true(fresh, "Ready"):
            return 1.0
        for pod in self._op.pods_on(name):
            if not any(uses(pod, images) for images in self._played_elsewhere):
                self._resume(kube, pod)
        self._op.forget("reboot", timer)
        self._rebooting.discard(name)
        self._complete(kube, fresh, desired, [mco_render.REBOOT])
        return None

    def _resume(self, kube: Kube, pod: Object) -> None:
        status = resumed(pod, now())
        if status is None:
            return
        try:
            kube.patch(kube.path_of(pod), {"status": status}, subresource="status")
        except NotFound:
            self._op.log.info("pod %s has gone", pod["metadata"]["name"])

    # ---- end

    def _complete(self, kube: Kube, node: Object, desired: str, needed: list[str]) -> None:
        name = node["metadata"]["name"]
        if needed and mco_render.REBOOT not in needed:
            self._op.event(node, "Normal", "SkipReboot", "Config changes do not require reboot.")
        verb = f"uncordon-{desired}"
        patch: dict[str, Any] = {"metadata": {"annotations": {CURRENT: desired, STATE: DONE, REASON: ""}}}
        if note(node, DESIRED_DRAIN).startswith("drain-"):
            patch["metadata"]["annotations"].update({DESIRED_DRAIN: verb, APPLIED_DRAIN: verb})
            patch["spec"] = {"unschedulable": None}
        kube.patch(kube.path_of(node), patch)
        self._op.event(node, "Normal", "NodeDone", f"Setting node {name}, currentConfig {desired} to Done")
        if "spec" in patch:
            self._op.event(node, "Normal", "Uncordon", f"Update completed for config {desired} and node has been uncordoned")

    def _fail(self, kube: Kube, node: Object, reason: str) -> None:
        if (note(node, STATE), note(node, REASON)) != (DEGRADED, reason):
            self._annotate(kube, node, {STATE: DEGRADED, REASON: reason})

    def _annotate(self, kube: Kube, node: Object, notes: dict[str, str]) -> None:
        kube.patch(kube.path_of(node), {"metadata": {"annotations": notes}})
