# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as a kubelet writes them: one object a reason and message, its count going up when it happens again."""

from __future__ import annotations

import threading
import time
from typing import Any

from rehearsal.kube import Kube, KubeError

Obj = dict[str, Any]
MAX_MESSAGE = 1024
# A kubelet sends at most so many events of one pod at once, and afterwards one each five minutes (client-go's spam filter)
BURST, REFILL_SECONDS = 25.0, 300.0


def timestamp(seconds: float | None = None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Events:
    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str, str], tuple[str, int]] = {}
        self._left: dict[str, tuple[float, float]] = {}  # pod -> (events left, at this time)

    def send(self, pod: Obj, reason: str, message: str, container: str | None = None, warning: bool = False,
             init: bool = False) -> None:
        """Record an event of a pod, or of one of its containers. Events are best effort: trouble is no error."""
        key = (pod["metadata"]["uid"], container or "", reason, message)
        if not self._allowed(key[0], time.monotonic()):
            return
        with self._lock:
            name, count = self._seen.get(key, ("", 0))
            name = name or f"{pod['metadata']['name']}.{time.time_ns():x}"
            self._seen[key] = (name, count + 1)
        try:
            if count:
                self._again(pod, name, count + 1)
            else:
                path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/events"
                self._kube.create(path, build(pod, name, reason, message, container, warning, init))
        except KubeError:
            pass

    def forget(self, uid: str) -> None:
        with self._lock:
            for key in [key for key in self._seen if key[0] == uid]:
                del self._seen[key]
            self._left.pop(uid, None)

    def _allowed(self, uid: str, now: float) -> bool:
        with self._lock:
            left, since = self._left.get(uid, (BURST, now))
            left = min(BURST, left + (now - since) / REFILL_SECONDS)
            self._left[uid] = (left - 1 if left >= 1 else left, now)
            return left >= 1

    def _again(self, pod: Obj, name: str, count: int) -> None:
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/events/{name}"
        self._kube.patch(path, {"count": count, "lastTimestamp": timestamp()})


def build(pod: Obj, name: str, reason: str, message: str, container: str | None, warning: bool, init: bool) -> Obj:
    meta, now = pod["metadata"], timestamp()
    involved: Obj = {
        "apiVersion": "v1", "kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"],
        "resourceVersion": meta.get("resourceVersion", ""),
    }
    if container:
        involved["fieldPath"] = f"spec.{'initContainers' if init else 'containers'}{{{container}}}"
    node = pod["spec"].get("nodeName", "")
    return {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": meta["namespace"]},
        "involvedObject": involved, "reason": reason, "message": message[:MAX_MESSAGE],
        "type": "Warning" if warning else "Normal", "source": {"component": "kubelet", "host": node},
        "reportingComponent": "kubelet", "reportingInstance": node,
        "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    }
