# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows lists of objects: reads each once, then watches it in a thread of its own, and again after whatever ends the watch.

What is seen goes into one queue: the objects now (:class:`Seen`), or trouble (:class:`Trouble`). Outages, throttling, too
old positions and kinds that aren't served yet are lived through; a refusal (401, 403) is final.

The first reading takes one thread and one connection for all, and watches begin a moment later: most waits of a run that
finds everything done end before that, for one request a source.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._errors import ClusterError, Gone, KindMissing, NotFound, Overloaded, Unreachable
from .sources import Source

# How long the server may keep one watch open before we list again. Short enough to notice a lost deletion.
WATCH_SECONDS = 240.0
# Asking for a kind that isn't served costs a discovery request each time.
KIND_PAUSE = 1.0
OUTAGE_PAUSE = 2.0
# Between the first reading of all sources and the first watch.
GRACE = 0.25

Objects = Mapping[str, Mapping[str, Any]]
_Reading = tuple[str, str, dict[str, Any]]  # path, resourceVersion, objects


class Reader(Protocol):
    """The part of ``_k8s.Cluster`` that following needs."""

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str: ...

    def list_versioned(
        self, path: str, label_selector: str | None = None, field_selector: str | None = None
    ) -> tuple[list[dict[str, Any]], str]: ...

    def watch(
        self,
        path: str,
        resource_version: str,
        seconds: float,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Iterator[tuple[str, dict[str, Any]]]: ...


@dataclass(frozen=True)
class Seen:
    """All objects of a source now, by ``namespace/name``. ``served``: whether the API knows the kind."""

    source: Source
    objects: Objects
    served: bool = True


@dataclass(frozen=True)
class Trouble:
    """A source can't be read. ``final``: trying again makes no sense."""

    source: Source
    error: Exception
    final: bool


class Follower:
    """Follows sources until it's stopped (use it as a context manager)."""

    def __init__(self, cluster: Reader, sources: Iterable[Source]) -> None:
        self.events: queue.Queue[Seen | Trouble] = queue.Queue()
        self._cluster = cluster
        self._stop = threading.Event()
        self._sources = list(dict.fromkeys(sources))

    def __enter__(self) -> Follower:
        self._spawn(self._begin)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()

    def _spawn(self, work: Callable[..., None], *args: Any) -> None:
        # Daemons: a thread may sit in a silent watch when the wait ends, and must not keep the process alive.
        threading.Thread(target=work, args=args, daemon=True).start()

    def wait(self, seconds: float) -> list[Seen | Trouble]:
        """Everything that has come in, after at most that many seconds without anything."""
        out: list[Seen | Trouble] = []
        with contextlib.suppress(queue.Empty):
            out.append(self.events.get(timeout=max(0.01, seconds)))
            while True:
                out.append(self.events.get_nowait())
        return out

    def _begin(self) -> None:
        """Reads all sources one after the other; an outage, and else a last grace, leave them to threads of their own."""
        read: dict[Source, _Reading] = {}
        try:
            for source in self._sources:
                if not self._stop.is_set() and (reading := self._first(source)):
                    read[source] = reading
            self._stop.wait(GRACE)
        except (Unreachable, Overloaded) as error:
            self._told(source, error)
        if not self._stop.is_set():
            for source in self._sources:
                self._spawn(self._run, source, read.get(source))

    def _first(self, source: Source) -> _Reading | None:
        try:
            return self._list(source)
        except (Unreachable, Overloaded):
            raise
        except Exception as error:
            self._told(source, error)
            return None

    def _run(self, source: Source, reading: _Reading | None) -> None:
        while not self._stop.is_set():
            try:
                self._watch(source, reading or self._list(source))
            except Exception as error:
                self._stop.wait(self._told(source, error))
            reading = None

    def _told(self, source: Source, error: Exception) -> float:
        """Puts what went wrong into the queue, unless listing again mends it; the seconds to pause before the next try."""
        if isinstance(error, (Gone, NotFound)):
            return 0.0
        if isinstance(error, KindMissing):
            self.events.put(Seen(source, {}, served=False))
            return KIND_PAUSE
        passing = isinstance(error, (Unreachable, Overloaded))
        self.events.put(Trouble(source, error, final=not passing))
        if not passing:
            self._stop.set()
        return OUTAGE_PAUSE

    def _list(self, source: Source) -> _Reading:
        path = self._cluster.path(source.api_version, source.kind, source.namespace or None)
        found, version = self._cluster.list_versioned(path, **_selectors(source))
        objects = {full_name(o): _light(o) for o in found}
        self.events.put(Seen(source, dict(objects)))
        return path, version, objects

    def _watch(self, source: Source, reading: _Reading) -> None:
        path, version, objects = reading
        for kind, obj in self._cluster.watch(path, version, WATCH_SECONDS, **_selectors(source)):
            if self._stop.is_set():
                return
            if kind == "DELETED":
                objects.pop(full_name(obj), None)
            else:
                objects[full_name(obj)] = _light(obj)
            self.events.put(Seen(source, dict(objects)))


def _selectors(source: Source) -> dict[str, str | None]:
    return {"label_selector": source.label_selector or None, "field_selector": source.field_selector}


def is_cluster_error(error: Exception) -> bool:
    """Whether the error is one of ours, with a message made for people."""
    return isinstance(error, ClusterError)


def full_name(obj: Mapping[str, Any]) -> str:
    """``namespace/name`` (``/name`` for a cluster-scoped object)."""
    meta = obj.get("metadata") or {}
    return f"{meta.get('namespace') or ''}/{meta.get('name')}"


def _light(obj: dict[str, Any]) -> dict[str, Any]:
    """Without what is large and no judge looks at: field owners, and the manifests inside InstallPlans."""
    meta, status = obj.get("metadata"), obj.get("status")
    if isinstance(meta, dict):
        meta.pop("managedFields", None)
    if isinstance(status, dict) and obj.get("kind") == "InstallPlan":
        for step in status.get("plan") or []:
            (step.get("resource") or {}).pop("manifest", None)
    return obj
