# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows lists of objects in threads: list, watch, and again after whatever ends the watch.

A thread puts what it sees into one queue: the objects now (:class:`Seen`), or trouble (:class:`Trouble`). Outages,
throttling, too old positions and kinds that aren't served yet are lived through; a refusal (401, 403) is final.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._errors import ClusterError, Gone, KindMissing, NotFound, Overloaded, Unreachable
from .sources import Source

# How long the server may keep one watch open before we list again. Short enough to notice a lost deletion.
WATCH_SECONDS = 240.0
# Asking for a kind that isn't served costs a discovery request each time.
KIND_PAUSE = 1.0
OUTAGE_PAUSE = 2.0

Objects = Mapping[str, Mapping[str, Any]]


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
        # Daemons: a thread may sit in a silent watch when the wait ends, and must not keep the process alive.
        self._threads = [threading.Thread(target=self._run, args=(s,), daemon=True) for s in dict.fromkeys(sources)]

    def __enter__(self) -> Follower:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()

    def wait(self, seconds: float) -> list[Seen | Trouble]:
        """Everything that has come in, after at most that many seconds without anything."""
        out: list[Seen | Trouble] = []
        with contextlib.suppress(queue.Empty):
            out.append(self.events.get(timeout=max(0.01, seconds)))
            while True:
                out.append(self.events.get_nowait())
        return out

    def _run(self, source: Source) -> None:
        while not self._stop.is_set():
            try:
                self._list_and_watch(source)
            except (Gone, NotFound):
                continue
            except KindMissing:
                self.events.put(Seen(source, {}, served=False))
                self._stop.wait(KIND_PAUSE)
            except (Unreachable, Overloaded) as error:
                self.events.put(Trouble(source, error, final=False))
                self._stop.wait(OUTAGE_PAUSE)
            except Exception as error:
                self.events.put(Trouble(source, error, final=True))
                return

    def _list_and_watch(self, source: Source) -> None:
        path = self._cluster.path(source.api_version, source.kind, source.namespace or None)
        selectors = {"label_selector": source.label_selector or None, "field_selector": source.field_selector}
        found, version = self._cluster.list_versioned(path, **selectors)
        objects = {full_name(o): _light(o) for o in found}
        self.events.put(Seen(source, dict(objects)))
        for kind, obj in self._cluster.watch(path, version, WATCH_SECONDS, **selectors):
            if self._stop.is_set():
                return
            if kind == "DELETED":
                objects.pop(full_name(obj), None)
            else:
                objects[full_name(obj)] = _light(obj)
            self.events.put(Seen(source, dict(objects)))


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
