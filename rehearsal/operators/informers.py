# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared watches: one list+watch and one store of objects per kind, however many stand-ins look at it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from rehearsal.kube import Kube, KubeError, NotFound

log = logging.getLogger("informers")

Object = dict[str, Any]
Key = tuple[str, str, str, str]
Handler = Callable[[str, Object], None]

RETRY_SECONDS = 2.0  # a kind whose CRD does not exist yet is looked for this often (one cheap discovery request)
LIST_SECONDS = 15.0  # how long a reader waits for the first list of a kind


def key_of(obj: Object) -> Key:
    """(apiVersion, kind, namespace or "", name) of an object."""
    meta = obj["metadata"]
    return (obj.get("apiVersion", ""), obj.get("kind", ""), meta.get("namespace") or "", meta["name"])


_here = threading.local()  # .watching: this thread is a watch's own


class Informer:
    """Keeps the objects of one kind in memory and tells handlers of every change.

    A kind that is not served (yet, or any more) has no objects; its watch begins when it appears.
    """

    def __init__(self, kube: Kube, api_version: str, kind: str) -> None:
        self.api_version, self.kind = api_version, kind
        self._kube = kube
        self._lock = threading.RLock()
        self._store: dict[Key, Object] = {}
        self._by_node: dict[str, dict[Key, Object]] = {}  # pods by spec.nodeName: a node's few among a cluster's many
        self._handlers: list[Handler] = []
        self._thread: threading.Thread | None = None
        self._listed = threading.Event()

    def start(self) -> None:
        """Begin to watch in a thread of its own; it ends with the process."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"watch-{self.kind}", daemon=True)
            self._thread.start()

    def wait_listed(self, seconds: float) -> bool:
        """Wait until all objects that exist are in memory (a kind that isn't served has none). False = not within ``seconds``."""
        return self._listed.wait(seconds)

    def subscribe(self, handler: Handler) -> None:
        """Call `handler` for each change; objects that exist already are told as ADDED at once."""
        with self._lock:
            self._handlers.append(handler)
            known = list(self._store.values())
        # Outside the lock: a handler may look into other informers, and theirs into this one.
        for obj in known:
            handler("ADDED", obj)

    def unsubscribe(self, handler: Handler) -> None:
        """Stop telling `handler`."""
        with self._lock:
            if handler in self._handlers:
                self._handlers.remove(handler)

    def objects(self) -> list[Object]:
        """All objects known now. Read only: they are shared."""
        self._settle()
        with self._lock:
            return list(self._store.values())

    def find(self, key: Key) -> Object | None:
        """One object, or None."""
        self._settle()
        with self._lock:
            return self._store.get(key)

    def on_node(self, node: str) -> list[Object]:
        """The objects (pods) that are bound to a node."""
        with self._lock:
            return list(self._by_node.get(node, {}).values())

    def _settle(self) -> None:
        """A kind that is asked for the first time has to be listed first; but two watches must not wait for each other."""
        if self._thread is not None and not self._listed.is_set() and not getattr(_here, "watching", False):
            self._listed.wait(LIST_SECONDS)

    def _run(self) -> None:
        _here.watching = True
        while True:
            try:
                path = self._kube.path(self.api_version, self.kind)
                self._kube.watch(path, self._on_event, on_listed=self._listed.set)
            except NotFound:
                self._forget_all()
                self._listed.set()
            except KubeError as error:
                log.debug("%s %s: %s", self.api_version, self.kind, error)
            except Exception:
                log.exception("watch of %s %s failed, trying again", self.api_version, self.kind)
            time.sleep(RETRY_SECONDS)

    def _on_event(self, event: str, obj: Object) -> None:
        if event not in ("ADDED", "MODIFIED", "DELETED"):
            return
        # Items of a list carry neither apiVersion nor kind.
        obj.setdefault("apiVersion", self.api_version)
        obj.setdefault("kind", self.kind)
        key = key_of(obj)
        with self._lock:
            old = self._store.get(key)
            if event == "DELETED":
                self._store.pop(key, None)
                self._index(key, old, None)
            elif old is not None and old["metadata"].get("resourceVersion") == obj["metadata"].get("resourceVersion"):
                return  # told again by a re-list
            else:
                self._store[key] = obj
                self._index(key, old, obj)
            handlers = list(self._handlers)
        for handler in handlers:
            handler(event, obj)

    def _index(self, key: Key, old: Object | None, new: Object | None) -> None:
        before, after = ((obj.get("spec") or {}).get("nodeName") if obj else None for obj in (old, new))
        if before and before != after:
            self._by_node.get(before, {}).pop(key, None)
        if after and new is not None:
            self._by_node.setdefault(after, {})[key] = new

    def _forget_all(self) -> None:
        with self._lock:
            gone, self._store, self._by_node = list(self._store.values()), {}, {}
            handlers = list(self._handlers)
        for obj in gone:
            for handler in handlers:
                handler("DELETED", obj)


class Informers:
    """The informers of one process, made on first use."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Informer] = {}

    def of(self, api_version: str, kind: str) -> Informer:
        """The (running) informer of a kind."""
        with self._lock:
            informer = self._made.get((api_version, kind))
            if informer is None:
                informer = self._made[(api_version, kind)] = Informer(self._kube, api_version, kind)
                informer.start()
            return informer
