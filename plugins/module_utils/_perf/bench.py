# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-lived objects of a measurement: made, awaited, read and deleted again, also after a failure and by the next run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from .._errors import ClusterError, Conflict, Forbidden
from .._wait.targets import parse
from .._watch.wait import Wait, WaitFailed


class NotMeasured(Exception):
    """Nothing could be measured: on which object, why, what to do."""

    def __init__(self, where: str, why: str, todo: str) -> None:
        super().__init__(f"{where}: {why.rstrip('.')}")
        self.where, self.why, self.todo = where, why.rstrip("."), todo


class Bench:
    """Everything that one measurement makes. ``left_behind`` has what couldn't be deleted."""

    def __init__(self, cluster: Any, namespace: str, name: str, selector: str, show: Callable[[str], None], beat: Callable[[], None]) -> None:
        self._cluster, self._show, self._beat = cluster, show, beat
        self.namespace, self._selector = namespace, selector
        self.name = f"{name}-{uuid.uuid4().hex[:8]}"
        self._made: list[tuple[str, str, str]] = []
        self.left_behind: list[str] = []

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        name, namespace = obj["metadata"]["name"], obj["metadata"].get("namespace")
        path = self._cluster.path(obj["apiVersion"], obj["kind"], namespace)
        try:
            made = self._cluster.create(path, obj)
        except Conflict:  # the name is random: the answer to our first try was lost
            made = self._cluster.get(f"{path}/{name}")
            if made is None:
                raise
        self._made.append((f"{obj['kind']} {f'{namespace}/' if namespace else ''}{name}", f"{path}/{name}", str(made["metadata"].get("uid"))))
        return dict(made)

    def owner(self, obj: dict[str, Any]) -> dict[str, Any]:
        """An object of ours as owner: deleting it takes the rest along, should we die."""
        made = self.create(obj)
        return {"apiVersion": made.get("apiVersion", obj["apiVersion"]), "kind": obj["kind"], "name": made["metadata"]["name"], "uid": made["metadata"]["uid"]}

    def completed(self, pods: Sequence[str], seconds: float) -> None:
        """Waits until all these Pods have ended well. :raises NotMeasured: with the object, the reason and the repair."""
        targets = [{"api_version": "v1", "kind": "Pod", "namespace": self.namespace, "name": name, "until": "completed"} for name in pods]
        try:
            Wait(self._cluster, parse(targets), seconds, self._show, beat=self._beat).run()
        except WaitFailed as error:
            if error.failure:
                state = error.failure.state
                raise NotMeasured(str(error.failure.key), state.text, state.repair) from None
            if isinstance(error.error, ClusterError):
                raise error.error from None
            raise NotMeasured(f"Pods {self.namespace}/{self.name}-*", str(error), "Look at their events and at the nodes.") from None

    def log(self, pod: str, container: str) -> str:
        return str(self._cluster.logs(self.namespace, pod, container))

    def clear(self) -> None:
        for shown, path, uid in reversed(self._made):
            try:
                self._cluster.delete(path, uid)
            except Conflict:
                continue  # another object of that name: not ours
            except ClusterError as error:
                self.left_behind.append(f"{shown} ({error.why})")
        self._made.clear()

    def sweep(self, *kinds: str) -> None:
        """Deletes what an interrupted measurement left in the namespace (the run's lock says: nobody else's)."""
        for kind in kinds:
            self.sweep_all(self._cluster.path("v1", kind, self.namespace))

    def sweep_all(self, path: str, ours: Callable[[dict[str, Any]], bool] = lambda _obj: True) -> None:
        """The same for one collection, which may be cluster-wide: then *ours* tells which of its leftovers are of this namespace."""
        try:
            for obj in self._cluster.list(path, label_selector=self._selector):
                if ours(obj):
                    self._cluster.delete(f"{path}/{obj['metadata']['name']}", obj["metadata"].get("uid"))
        except Forbidden:
            return  # without the right to look we made nothing either
