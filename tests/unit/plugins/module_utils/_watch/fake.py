# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own client protocol in memory (not the API): objects that change by script, and faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, Gone, Invalid, KindMissing


class FakeCluster:
    """Objects by path of their collection; `after` runs a change some seconds later."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.missing: set[str] = set()
        self.faults: list[ClusterError] = []
        self.patches: list[tuple[str, Any]] = []
        self.log = "line one\nlast words\n"
        self.calls: list[str] = []
        self._changed = threading.Condition()
        self._version = 0

    def put(self, kind: str, obj: dict[str, Any], namespace: str = "") -> None:
        """Makes or replaces an object."""
        meta = obj.setdefault("metadata", {})
        meta.setdefault("name", "x")
        if namespace:
            meta["namespace"] = namespace
        meta.setdefault("uid", f"uid-{meta['name']}")
        obj.setdefault("kind", kind)
        with self._changed:
            self._version += 1
            meta["resourceVersion"] = str(self._version)
            self.objects.setdefault(kind, {})[f"{namespace}/{meta['name']}"] = obj
            self._changed.notify_all()

    def after(self, seconds: float, change: Callable[[], None]) -> None:
        """Runs a change later."""
        threading.Timer(seconds, change).start()

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        if kind in self.missing:
            raise KindMissing("w", kind, "y", "t")
        return "|".join([kind, namespace or "", name or ""])

    def list(self, path: str, label_selector: str | None = None, field_selector: str | None = None) -> list[Any]:
        return self.list_versioned(path, label_selector, field_selector)[0]

    def list_versioned(self, path: str, label_selector: str | None = None, field_selector: str | None = None
                       ) -> tuple[list[dict[str, Any]], str]:  # fmt: skip
        self.calls.append(f"list {path}")
        if self.faults:
            raise self.faults.pop(0)
        with self._changed:
            return self._select(path, field_selector), str(self._version)

    def _select(self, path: str, field_selector: str | None) -> list[dict[str, Any]]:
        kind, namespace, _name = path.split("|")
        name = (
            (field_selector or "").removeprefix("metadata.name=") if "metadata.name" in (field_selector or "") else ""
        )
        return [dict(o) for o in self.objects.get(kind, {}).values()
                if (not namespace or o["metadata"].get("namespace") == namespace) and (not name or o["metadata"]["name"] == name)]  # fmt: skip

    def watch(self, path: str, resource_version: str, seconds: float, label_selector: str | None = None,
              field_selector: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:  # fmt: skip
        seen, end = int(resource_version), time.monotonic() + 5
        while time.monotonic() < end:
            if self.faults:
                raise self.faults.pop(0)
            with self._changed:
                self._changed.wait(0.05)
                fresh = [o for o in self._select(path, field_selector) if int(o["metadata"]["resourceVersion"]) > seen]
                seen = self._version
            for obj in fresh:
                yield "MODIFIED", obj
        raise Gone("w", "x", "y", "z")

    def patch(self, path: str, body: Any, content_type: str = "") -> dict[str, Any]:
        kind, namespace, name = path.split("|")
        obj = self.objects[kind][f"{namespace}/{name}"]
        if body[0]["value"] != obj["spec"]["clusterServiceVersionNames"]:
            raise Invalid("w", "x", "test failed", "t")
        self.patches.append((path, body))
        obj["spec"]["approved"] = True
        self.put(kind, obj, namespace)
        return obj

    def logs(self, namespace: str, pod: str, container: str | None = None, tail: int | None = None) -> str:
        return self.log
