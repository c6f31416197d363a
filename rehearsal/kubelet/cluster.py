# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kubelet knows of the cluster: Services and EndpointSlices, kept by watches, and single objects, kept for a while."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

from rehearsal.kube import Kube, KubeError

Obj = dict[str, Any]
FRESH_SECONDS = 10.0  # how old a Secret or ConfigMap may be; a real kubelet takes up to a minute


class Store:
    """All objects of one collection, by namespace and name."""

    def __init__(self, kube: Kube, path: str, changed: Callable[[], None]) -> None:
        self._kube, self._path, self._changed = kube, path, changed
        self._lock = threading.Lock()
        self._objects: dict[tuple[str, str], Obj] = {}

    def run(self) -> None:
        self._kube.watch(self._path, self._on_event)

    def all(self) -> list[Obj]:
        with self._lock:
            return list(self._objects.values())

    def get(self, name: str, namespace: str = "") -> Obj | None:
        with self._lock:
            return self._objects.get((namespace, name))

    def _on_event(self, event: str, obj: Obj) -> None:
        key = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        with self._lock:
            if event == "DELETED":
                self._objects.pop(key, None)
            else:
                obj["metadata"].pop("managedFields", None)
                self._objects[key] = obj
        self._changed()


class Config:
    """Secrets and ConfigMaps by need, read again when older than ``FRESH_SECONDS``. One copy for all pods."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube, self._clock = kube, clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str, str], tuple[float, Obj]] = {}

    def object(self, kind: str, namespace: str, name: str) -> Obj | None:
        """``kind``: "secret" or "configmap". None = it doesn't exist. Raises KubeError when the API can't tell."""
        key = (kind, namespace, name)
        with self._lock:
            kept = self._kept.get(key)
        if kept and self._clock() - kept[0] < FRESH_SECONDS:
            return kept[1]
        try:
            found = self._kube.get(f"/api/v1/namespaces/{namespace}/{kind}s/{name}")
        except KubeError:
            if kept:
                return kept[1]  # the last known state is better than none while the API is away
            raise
        with self._lock:
            self._kept.pop(key, None)
            if found is not None:  # what is missing is looked for again at once: someone waits for it
                self._kept[key] = (self._clock(), found)
            self._forget_old()
        return found

    def content(self, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
        """Its keys and values, decoded."""
        found = self.object(kind, namespace, name)
        return None if found is None else decode(kind, found)

    def text(self, kind: str, namespace: str, name: str) -> dict[str, str] | None:
        found = self.content(kind, namespace, name)
        return None if found is None else {key: value.decode("utf-8", "replace") for key, value in found.items()}

    def _forget_old(self) -> None:
        old = self._clock() - 20 * FRESH_SECONDS
        for key in [key for key, (when, _) in self._kept.items() if when < old]:
            del self._kept[key]


def decode(kind: str, obj: Obj) -> dict[str, bytes]:
    if kind == "secret":
        return {key: base64.b64decode(value or "") for key, value in (obj.get("data") or {}).items()}
    data = {key: str(value).encode() for key, value in (obj.get("data") or {}).items()}
    data.update({key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()})
    return data
