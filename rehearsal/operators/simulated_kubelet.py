# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a kubelet that KWOK does not play for simulated pods. A part of the platform: it runs always.

* Pods of the runner `operator` in `images.yaml` (an operator writes their status, architecture.md §2.5) are ended when they are deleted,
  also when their operator has gone.
* Pods that the node controller called not ready, because their node was away, are ready again when it is back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from rehearsal.operators.runtime import Kube, NotFound, Object, StandIn, is_true, now

IMAGES = Path(__file__).resolve().parent.parent / "images.yaml"
OPERATOR = "operator"


def image_rows() -> list[dict[str, str]]:
    """The rows of `images.yaml`."""
    return yaml.safe_load(IMAGES.read_text(encoding="utf-8")) or []


def pattern(rows: Iterable[dict[str, str]], held: bool) -> re.Pattern[str] | None:
    """One pattern for the images of the runner `operator` (held), or for those of all other runners; None without any."""
    patterns = [f"(?:{row['image']})" for row in rows if (row.get("runner") == OPERATOR) == held]
    return re.compile("|".join(patterns)) if patterns else None


def uses(pod: Object, images: re.Pattern[str] | None) -> bool:
    """True when a container of the pod has an image of the pattern."""
    spec = pod.get("spec") or {}
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    return images is not None and any(images.search(container.get("image") or "") for container in containers)


def revived(pod: Object, stamp: str) -> list[Object] | None:
    """Conditions of a pod that only the node controller called not ready: its containers still say they are. Else None."""
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    if status.get("phase") != "Running" or not containers or not all(item.get("ready") for item in containers):
        return None
    conditions = status.get("conditions") or []
    if all(item["status"] == "True" for item in conditions if item["type"] == "Ready"):
        return None
    return [{**item, "status": "True", "lastTransitionTime": stamp} if item["type"] == "Ready" else item for item in conditions]


class SimulatedKubelet(StandIn):
    """See the module's text."""

    name = "kubelet"
    watches = [("v1", "Pod"), ("v1", "Node")]

    def start(self, kube: Kube) -> None:
        """Read the patterns once."""
        rows = image_rows()
        tools = (self.openshift.get("payload_images") or {}).get("tools")
        if tools:
            rows.append({"image": re.escape(tools), "runner": "python"})
        self._held, self._real = pattern(rows, held=True), pattern(rows, held=False)
        self._ready: dict[str, bool] = {}

    def route(self, event: str, obj: Object) -> list[Object]:
        """Terminating held pods, pods that are not ready, and those pods of a node that has come back."""
        if obj["kind"] == "Node":
            name, ready = obj["metadata"]["name"], event != "DELETED" and is_true(obj, "Ready")
            came_back = ready and self._ready.get(name) is False
            self._ready[name] = ready
            return self.pods_on(name) if came_back else []
        if event == "DELETED":
            return []
        if obj["metadata"].get("deletionTimestamp"):
            return [obj] if uses(obj, self._held) else []
        return [obj] if revived(obj, "") is not None and not is_true(obj, "Ready") else []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """End a deleted held pod; bring a simulated pod back when its node is Ready."""
        if obj["kind"] != "Pod":
            return None
        held = uses(obj, self._held)
        if obj["metadata"].get("deletionTimestamp"):
            if held:
                kube.delete(kube.path_of(obj), grace_seconds=0, uid=obj["metadata"]["uid"])
            return None
        node = self.find("v1", "Node", obj["spec"].get("nodeName") or "")
        conditions = revived(obj, now())
        if conditions is None or held or uses(obj, self._real) or node is None or not is_true(node, "Ready"):
            return None
        try:
            kube.patch(kube.path_of(obj), {"status": {"conditions": conditions}}, subresource="status")
        except NotFound:
            self.log.info("pod %s has gone", obj["metadata"]["name"])
        return None
