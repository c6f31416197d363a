# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod statuses as a kubelet would report them, for pods whose life an operator stand-in plays (pure)."""

from __future__ import annotations

import hashlib
from typing import Any

from rehearsal.operators.objects import Object


def is_ready(pod: Object) -> bool:
    """True when the pod's condition Ready is True and it is not being deleted."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def pod_running(pod: Object, now: str) -> Object:
    """Status of a pod whose init containers are done and whose containers run and are ready."""
    return _status(pod, now, "Running", [_done(c, now) for c in _init(pod)], [_up(c, now) for c in _main(pod)])


def pod_starting(pod: Object, now: str) -> Object:
    """Status of a pod whose containers run but do not pass their startup probe yet."""
    started = [{**_up(c, now), "ready": False, "started": False} for c in _main(pod)]
    return _status(pod, now, "Running", [_done(c, now) for c in _init(pod)], started)


def pod_initializing(pod: Object, now: str, done: int = 0) -> Object:
    """Status of a pod that runs its init container number `done`; those before it are done."""
    inits: list[Object] = []
    for index, container in enumerate(_init(pod)):
        if index < done:
            inits.append(_done(container, now))
        elif index == done:
            inits.append({**_up(container, now), "ready": False})
        else:
            inits.append(_waiting(container, "PodInitializing"))
    return _status(pod, now, "Pending", inits, [_waiting(c, "PodInitializing") for c in _main(pod)])


def pod_crashing(pod: Object, now: str, restarts: int, exit_code: int, backoff: str = "5m0s") -> Object:
    """Status of a pod whose first container ends again and again with `exit_code`."""
    meta = pod["metadata"]
    containers = [_up(c, now) for c in _main(pod)]
    first = _main(pod)[0]
    pod_name = f"{meta['name']}_{meta.get('namespace', '')}({meta.get('uid', '')})"
    ended = {"exitCode": exit_code, "reason": "Error", "startedAt": now, "finishedAt": now}
    containers[0] = {
        **_waiting(first, "CrashLoopBackOff", f"back-off {backoff} restarting failed container={first['name']} pod={pod_name}"),
        "restartCount": restarts,
        "lastState": {"terminated": ended},
    }
    return _status(pod, now, "Running", [_done(c, now) for c in _init(pod)], containers)


def same_pod_state(have: Object | None, wanted: Object) -> bool:
    """True when two pod statuses tell the same story, apart from times and addresses."""
    return bool(_story(have or {}) == _story(wanted))


def pod_address(pod: Object) -> str:
    """A stable made-up address in 10.246.0.0/15 for a simulated pod; the one it has already wins."""
    have = (pod.get("status") or {}).get("podIP")
    if have:
        return str(have)
    raw = hashlib.sha256(str(pod["metadata"].get("uid") or pod["metadata"]["name"]).encode()).digest()
    return f"10.{246 + raw[0] % 2}.{raw[1]}.{1 + raw[2] % 254}"


def _story(status: Object) -> Any:
    def container(item: Object) -> Any:
        state = item.get("state") or {}
        kind = next(iter(state), "")
        return item["name"], item.get("ready"), kind, (state.get(kind) or {}).get("reason"), item.get("restartCount")

    ready = sorted((item["type"], item["status"]) for item in status.get("conditions") or [] if item["type"] in ("Ready", "Initialized"))
    mains = sorted((container(item) for item in status.get("containerStatuses") or []), key=str)
    inits = sorted((container(item) for item in status.get("initContainerStatuses") or []), key=str)
    return status.get("phase"), ready, mains, inits


def _status(pod: Object, now: str, phase: str, inits: list[Object], containers: list[Object]) -> Object:
    initialized = all((item.get("state") or {}).get("terminated") for item in inits)
    ready = initialized and all(item["ready"] for item in containers)
    address = pod_address(pod)
    old = {item["type"]: item for item in (pod.get("status") or {}).get("conditions") or []}
    told = [("Initialized", initialized), ("Ready", ready), ("ContainersReady", ready), ("PodScheduled", True)]
    result: Object = {
        "phase": phase,
        "startTime": (pod.get("status") or {}).get("startTime") or now,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [_condition(type_, value, old.get(type_) or {}, now) for type_, value in told],
        "containerStatuses": containers,
    }
    if inits:
        result["initContainerStatuses"] = inits
    return result


def _condition(type_: str, value: bool, old: Object, now: str) -> Object:
    status = "True" if value else "False"
    since = old.get("lastTransitionTime") if old.get("status") == status else None
    made: Object = {"type": type_, "status": status, "lastTransitionTime": since or now}
    if not value:
        made["reason"] = "ContainersNotInitialized" if type_ == "Initialized" else "ContainersNotReady"
    return made


def _init(pod: Object) -> list[Object]:
    return pod["spec"].get("initContainers") or []


def _main(pod: Object) -> list[Object]:
    return list(pod["spec"]["containers"])


def _up(container: Object, now: str) -> Object:
    return {**_base(container), "ready": True, "started": True, "state": {"running": {"startedAt": now}}}


def _done(container: Object, now: str) -> Object:
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
    return {**_base(container), "ready": True, "started": False, "state": {"terminated": ended}}


def _waiting(container: Object, reason: str, message: str = "") -> Object:
    state = {"reason": reason, **({"message": message} if message else {})}
    return {**_base(container), "ready": False, "started": False, "state": {"waiting": state}}


def _base(container: Object) -> Object:
    return {"name": container["name"], "image": container["image"], "imageID": container["image"], "restartCount": 0, "lastState": {}}
