# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's status out of its containers' (pure): phase and conditions, as the kubelet computes them."""

from __future__ import annotations

from typing import Any

from rehearsal.kubelet.container import INIT, MAIN, Container

Obj = dict[str, Any]
OURS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")


def pod_status(
    pod: Obj, containers: list[Container], *, phase: str, sandbox: bool, initialized: bool, pod_ip: str, host_ip: str,
    start_time: str, now: str, reason: str = "", message: str = "",
) -> Obj:
    old = (pod.get("status") or {}).get("conditions") or []
    conditions = [c for c in old if c["type"] not in OURS]
    for kind, (status, why, text) in _conditions(pod, containers, phase, sandbox, initialized).items():
        conditions.append(_condition(kind, status, why, text, old, now))
    result: Obj = {
        "phase": phase, "conditions": conditions, "hostIP": host_ip, "hostIPs": [{"ip": host_ip}], "startTime": start_time,
        "qosClass": (pod.get("status") or {}).get("qosClass") or "BestEffort",
        "containerStatuses": [c.status() for c in containers if c.kind == MAIN],
    }
    if any(c.kind != MAIN for c in containers):
        result["initContainerStatuses"] = [c.status() for c in containers if c.kind != MAIN]
    if pod_ip and sandbox:
        result.update(podIP=pod_ip, podIPs=[{"ip": pod_ip}])
    if reason:
        result.update(reason=reason, message=message)
    return result


def phase_of(containers: list[Container], initialized: bool, restart_policy: str) -> str:
    """Succeeded and Failed are final and decided by the caller; this tells Pending from Running and finds the end."""
    mains = [c for c in containers if c.kind == MAIN]
    if any(c.kind == INIT and c.terminated and not c.succeeded for c in containers) and restart_policy == "Never":
        return "Failed"
    if not initialized or all(c.run == 0 for c in mains):
        return "Pending"
    if any(c.running or c.terminated is None for c in mains):
        return "Running"
    if restart_policy == "Always":
        return "Running"
    if all(c.succeeded for c in mains):
        return "Succeeded"
    return "Running" if restart_policy == "OnFailure" else "Failed"


Verdict = tuple[bool, str, str]  # (status, reason, message)


def _conditions(pod: Obj, containers: list[Container], phase: str, sandbox: bool, initialized: bool) -> dict[str, Verdict]:
    ended = phase in ("Succeeded", "Failed")
    ready = _ready(containers, phase)
    gates = _gates(pod)
    incomplete = [c.name for c in containers if c.kind != MAIN and not (c.succeeded if c.kind == INIT else c.started)]
    set_up: Verdict = (True, "", "")
    if not initialized and phase != "Succeeded":
        set_up = (False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]")
    if phase == "Succeeded":
        set_up = (True, "PodCompleted", "")
    whole = ready if not ready[0] or not gates else (False, "ReadinessGatesNotReady", gates)
    return {
        "PodReadyToStartContainers": (sandbox and not ended, "", ""),
        "Initialized": set_up, "Ready": whole, "ContainersReady": ready,
    }


def _ready(containers: list[Container], phase: str) -> Verdict:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    unready = [c.name for c in containers if c.kind != INIT and not c.ready]
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _gates(pod: Obj) -> str:
    """Message about readiness gates that aren't open, or nothing."""
    have = {c["type"]: c["status"] for c in (pod.get("status") or {}).get("conditions") or []}
    for gate in pod["spec"].get("readinessGates") or []:
        kind = gate["conditionType"]
        if kind not in have:
            return f'corresponding condition of pod readiness gate "{kind}" does not exist.'
        if have[kind] != "True":
            return f'the status of pod readiness gate "{kind}" is not "True", but {have[kind]}'
    return ""


def _condition(kind: str, status: bool, reason: str, message: str, old: list[Obj], now: str) -> Obj:
    text = "True" if status else "False"
    before = next((c for c in old if c["type"] == kind), None)
    since = before["lastTransitionTime"] if before and before["status"] == text and before.get("lastTransitionTime") else now
    result: Obj = {"type": kind, "status": text, "lastTransitionTime": since, "lastProbeTime": None}
    if reason:
        result["reason"] = reason
    if message:
        result["message"] = message
    return result
