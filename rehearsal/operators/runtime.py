# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stand-in operator is made of. Write one file with one subclass of `StandIn`; the engine finds it by itself.

A whole stand-in:

    class Greeter(StandIn):
        '''Stand-in of the greeter operator: a Greeting gets a ConfigMap, and is Ready after the delay `greet`.'''

        csv_prefix = "greeter-operator."                    # None: part of the platform, runs always
        watches = [("example.com/v1", "Greeting"), ("v1", "ConfigMap")]
        delays = {"greet": 3.0}                             # defaults; profile and scenario override them by name

        def route(self, event, obj):                        # which objects to reconcile when `obj` changed
            return [obj] if obj["kind"] == "Greeting" else self.owners(obj, "Greeting")

        def reconcile(self, kube, obj):                     # obj: the Greeting as the watch knows it now (read only)
            if not self.in_scope(obj):                      # the CSV's OperatorGroup does not cover its namespace
                return None
            self.ensure(kube, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                "name": "hello", "namespace": obj["metadata"]["namespace"], "ownerReferences": [owner_reference(obj)]}})
            left = self.remaining("greet", obj)             # starts a timer at the first call
            ready = condition("Ready", left == 0, "Done" if left == 0 else "Greeting", "")
            self.set_status(kube, obj, {"phase": "Ready" if left == 0 else "Pending"}, [ready])
            if left == 0:
                self.event(obj, "Normal", "Greeted", "said hello")
            return left or None                             # seconds until it wants to be called again

        def deleted(self, kube, obj):                       # optional: the object is gone
            self.forget("greet", obj)

Rules: never sleep in `reconcile` (one worker thread per stand-in by default): return the seconds instead. An exception is logged and
the object tried again with growing pauses. A watched kind whose CRD does not exist yet simply has no objects.
The stand-in starts when a CSV with its prefix has Succeeded and stops when that CSV is deleted; its objects stay, as
those of a real operator do. `self.children` runs real programs (`self.bin["llmisvc"]`) with logs in `<state>/logs/`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from rehearsal.kube import Conflict, Kube, KubeError, NotFound
from rehearsal.operators.children import Children
from rehearsal.operators.informers import Informers, Key, key_of
from rehearsal.operators.objects import (
    Object,
    condition,
    digest,
    find_condition,
    is_true,
    labels_of,
    matches,
    matches_node_terms,
    merge_conditions,
    merged,
    owner_reference,
    tolerated,
)
from rehearsal.operators.pod_status import same_pod_state
from rehearsal.operators.settings import Settings

__all__ = [
    "Conflict",
    "Kube",
    "KubeError",
    "NotFound",
    "Object",
    "StandIn",
    "condition",
    "digest",
    "find_condition",
    "is_true",
    "key_of",
    "labels_of",
    "matches",
    "matches_node_terms",
    "merge_conditions",
    "merged",
    "now",
    "owner_reference",
    "soonest",
    "tolerated",
]


def now() -> str:
    """The present time as Kubernetes writes it (UTC, whole seconds)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def soonest(*seconds: float | None) -> float | None:
    """The smallest of several "call me again in" answers; None when none wants a call."""
    wanted = [value for value in seconds if value]
    return min(wanted) if wanted else None


class StandIn:
    """Base of all stand-ins. Attributes to set: `csv_prefix`, `watches`, optionally `name`, `delays`, `workers`."""

    csv_prefix: ClassVar[str | None] = None
    watches: ClassVar[list[tuple[str, str]]] = []
    name: ClassVar[str] = ""  # user agent, event source and field manager; default: the module's name with dashes
    delays: ClassVar[dict[str, float]] = {}
    workers: ClassVar[int] = 1

    def __init__(self, settings: Settings, kube: Kube, informers: Informers, csv: Object | None = None) -> None:
        self.settings = settings
        self.kube = kube
        self.csv = csv
        self.log = logging.getLogger(self.agent())
        self.children = Children(settings.state / "logs")
        self._informers = informers
        self._add: Any = None  # set by the engine: puts a key into the queue
        self._timers: dict[tuple[str, str], float] = {}
        self._applied: dict[Key, str] = {}
        self._lock = threading.RLock()

    # ---- to override

    def start(self, kube: Kube) -> None:
        """Called once, before the first reconcile: what the operator makes by itself."""

    def stop(self) -> None:
        """Called when the CSV has gone or the rehearsal ends, after the workers; children are ended by the engine."""

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        """Objects (or keys) to reconcile because `obj` was ADDED, MODIFIED or DELETED. Default: the object itself."""
        return [obj]

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """Bring the world nearer to what `obj` asks for. Returns seconds until it wants to be called again, or None."""
        raise NotImplementedError

    def deleted(self, kube: Kube, obj: Object) -> None:
        """`obj` (its last state) is gone. Default: nothing; owned objects go by garbage collection."""

    # ---- where and what

    @classmethod
    def agent(cls) -> str:
        """Name of this operator to the API server."""
        return cls.name or cls.__module__.rsplit(".", 1)[-1].replace("_", "-")

    @property
    def namespace(self) -> str:
        """Namespace of the operator's CSV; "" for a part of the platform."""
        return self.csv["metadata"]["namespace"] if self.csv else ""

    @property
    def targets(self) -> list[str]:
        """Namespaces that the OperatorGroup gives to the operator; empty list = all."""
        notes = (self.csv["metadata"].get("annotations") or {}) if self.csv else {}
        return [part for part in (notes.get("olm.targetNamespaces") or "").split(",") if part]

    def in_scope(self, obj: Object) -> bool:
        """False for a namespaced object that the operator may not see by its OperatorGroup."""
        namespace = obj["metadata"].get("namespace")
        return not namespace or not self.targets or namespace in self.targets

    @property
    def profile(self) -> dict[str, Any]:
        """The merged cluster profile."""
        return self.settings.profile

    @property
    def openshift(self) -> dict[str, Any]:
        """What this release of OpenShift brings."""
        return self.settings.openshift

    @property
    def scenario(self) -> dict[str, Any]:
        """The merged faults as they are now."""
        return self.settings.scenario

    @property
    def state(self) -> Path:
        """State folder of the rehearsal."""
        return self.settings.state

    @property
    def bin(self) -> dict[str, str]:
        """Paths of the real programs by name."""
        return self.settings.data.get("bin") or {}

    def fault(self, name: str) -> dict[str, Any] | None:
        """Parameters of a fault of the scenario (`{}` when it has none), or None when it is not there."""
        value = self.scenario.get(name)
        if value is None or value is False:
            return None
        return value if isinstance(value, dict) else {"value": value}

    # ---- time

    def delay(self, name: str) -> float:
        """Seconds of a named delay: scenario before profile before the class's default, divided by --speed."""
        return self.settings.delay(name, self.delays.get(name, 0.0))

    def remaining(self, name: str, subject: Object | str = "") -> float:
        """Seconds left of the named delay for one subject; the timer starts at the first call. 0 = over."""
        key = (name, subject if isinstance(subject, str) else str(subject["metadata"].get("uid") or key_of(subject)))
        with self._lock:
            begun = self._timers.setdefault(key, time.monotonic())
        return max(0.0, begun + self.delay(name) - time.monotonic())

    def forget(self, name: str, subject: Object | str = "") -> None:
        """Drop a timer, so that the next `remaining` starts it again."""
        key = (name, subject if isinstance(subject, str) else str(subject["metadata"].get("uid") or key_of(subject)))
        with self._lock:
            self._timers.pop(key, None)

    # ---- reading (from memory; objects are shared: never change them)

    def objects(self, api_version: str, kind: str, namespace: str | None = None) -> list[Object]:
        """All objects of a watched kind as the watch knows them now, by name."""
        found = self._informers.of(api_version, kind).objects()
        if namespace is not None:
            found = [obj for obj in found if obj["metadata"].get("namespace") == namespace]
        return sorted(found, key=lambda obj: (obj["metadata"].get("namespace") or "", obj["metadata"]["name"]))

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object of a watched kind from memory, or None."""
        return self._informers.of(api_version, kind).find((api_version, kind, namespace or "", name))

    def pods_on(self, node: str) -> list[Object]:
        """Pods that are bound to a node, from memory, by name. Only for stand-ins that watch pods."""
        found = self._informers.of("v1", "Pod").on_node(node)
        return sorted(found, key=lambda pod: (pod["metadata"].get("namespace") or "", pod["metadata"]["name"]))

    def owners(self, obj: Object, kind: str) -> list[Object]:
        """The watched objects of `kind` that own `obj`."""
        found = []
        for ref in obj["metadata"].get("ownerReferences") or []:
            if ref["kind"] == kind:
                namespace = obj["metadata"].get("namespace")
                owner = self.find(ref["apiVersion"], kind, ref["name"], namespace) or self.find(ref["apiVersion"], kind, ref["name"])
                if owner is not None and owner["metadata"].get("uid") == ref.get("uid"):
                    found.append(owner)
        return found

    def enqueue(self, obj: Object | Key, after: float = 0.0) -> None:
        """Reconcile an object (again) in `after` seconds."""
        self._add(obj if isinstance(obj, tuple) else key_of(obj), after)

    # ---- writing

    def ensure(self, kube: Kube, obj: Object) -> Object:
        """Server-side apply `obj` unless the very same was applied before and still exists. Returns the live object."""
        key, wanted = key_of(obj), digest(obj, 32)
        meta = obj["metadata"]
        path = kube.path(obj["apiVersion"], obj["kind"], meta.get("namespace"), meta["name"])
        if self._applied.get(key) == wanted:
            # A watched kind is looked up in memory: no request at all for a reconcile that has nothing to do.
            watched = (obj["apiVersion"], obj["kind"]) in self.watches
            have = self._informers.of(obj["apiVersion"], obj["kind"]).find(key) if watched else kube.get(path)
            if have is not None:
                return have
        have = kube.apply(obj, manager=self.agent(), force=True)
        self._applied[key] = wanted
        return have

    def set_status(self, kube: Kube, obj: Object, status: Object, conditions: list[Object] | None = None) -> bool:
        """Merge `status` and `conditions` into the object's status; no request when nothing changes.

        Returns True when something was written. A deleted object is no error.
        """
        have = obj.get("status") or {}
        wanted = dict(status)
        if conditions is not None:
            wanted["conditions"] = merge_conditions(have.get("conditions"), conditions, now())
        if merged(have, wanted) == have:
            return False
        meta = obj["metadata"]
        try:
            kube.apply_status(
                kube.path(obj["apiVersion"], obj["kind"], meta.get("namespace"), meta["name"]), wanted, manager=self.agent()
            )
        except NotFound:
            return False
        return True

    def show_pod(self, kube: Kube, pod: Object, status: Object) -> None:
        """Write the status of a pod whose life this operator plays, when it tells something new. A deleted pod is no error."""
        if same_pod_state(pod.get("status"), status):
            return
        try:
            kube.patch(kube.path_of(pod), {"status": status}, subresource="status")
        except NotFound:
            self.log.info("pod %s has gone", pod["metadata"]["name"])

    def event(self, obj: Object, type_: str, reason: str, message: str) -> None:
        """Write a core/v1 Event about `obj` (type Normal or Warning); the same one again raises its count."""
        meta, stamp = obj["metadata"], now()
        namespace = meta.get("namespace") or "default"
        name = f"{meta['name'][:200]}.{digest([meta.get('uid'), type_, reason, message], 16)}"
        path = self.kube.path("v1", "Event", namespace, name)
        try:
            old = self.kube.get(path)
            if old is not None:
                self.kube.patch(path, {"count": int(old.get("count") or 1) + 1, "lastTimestamp": stamp})
                return
            involved = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": meta["name"], "uid": meta.get("uid", "")}
            if meta.get("namespace"):
                involved["namespace"] = namespace
            self.kube.create(
                self.kube.path("v1", "Event", namespace),
                {
                    "apiVersion": "v1",
                    "kind": "Event",
                    "metadata": {"name": name, "namespace": namespace},
                    "involvedObject": involved,
                    "type": type_,
                    "reason": reason,
                    "message": message,
                    "source": {"component": self.agent()},
                    "reportingComponent": self.agent(),
                    "reportingInstance": "",
                    "count": 1,
                    "firstTimestamp": stamp,
                    "lastTimestamp": stamp,
                },
            )
        except KubeError as error:
            self.log.warning("event %s on %s is lost: %s", reason, meta["name"], error)
