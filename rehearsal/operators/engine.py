# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the stand-ins, starts and stops them with their CSVs, and runs their reconcile loops."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
import time
from typing import Any

import rehearsal.operators
from rehearsal.kube import Conflict, Kube, NotFound
from rehearsal.operators.informers import LIST_SECONDS, Informers, Key, key_of
from rehearsal.operators.runtime import Object, StandIn
from rehearsal.operators.settings import Settings
from rehearsal.operators.workqueue import WorkQueue

log = logging.getLogger("engine")

CSV = ("operators.coreos.com/v1alpha1", "ClusterServiceVersion")
CONFLICT_PAUSE = 0.3
ERROR_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


def stand_in_classes() -> list[type[StandIn]]:
    """Every subclass of StandIn that a module of this package defines, by agent name."""
    found: dict[str, type[StandIn]] = {}
    for info in pkgutil.iter_modules(rehearsal.operators.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"rehearsal.operators.{info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, StandIn) and value.__module__ == module.__name__ and value.watches:
                found[f"{value.agent()}/{value.__name__}"] = value
    return [found[name] for name in sorted(found)]


def is_copied(csv: Object) -> bool:
    """True for the copies that OLM makes of an AllNamespaces CSV in every other namespace."""
    return "olm.copiedFrom" in (csv["metadata"].get("labels") or {}) or (csv.get("status") or {}).get("reason") == "Copied"


def running_csv(csvs: list[Object], prefix: str, running: str | None = None) -> Object | None:
    """The CSV that keeps an operator running, or None. `running` is the name of the one that runs it now.

    It takes a Succeeded CSV to start; afterwards any (an upgrade passes through Replacing and Pending) keeps it running.
    """
    mine = [csv for csv in csvs if csv["metadata"]["name"].startswith(prefix) and not is_copied(csv)]
    done = [csv for csv in mine if (csv.get("status") or {}).get("phase") == "Succeeded"]
    if done:
        return max(done, key=lambda csv: csv["metadata"].get("creationTimestamp") or "")
    if running is None or not mine:
        return None
    return next((csv for csv in mine if csv["metadata"]["name"] == running), mine[0])


class Runner:
    """One running stand-in: its subscriptions, its queue and its worker threads."""

    def __init__(self, stand_in: StandIn, informers: Informers) -> None:
        self.stand_in = stand_in
        self._informers = informers
        self._queue: WorkQueue[Key] = WorkQueue()
        self._gone: dict[Key, Object] = {}
        self._failures: dict[Key, int] = {}
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        stand_in._add = self._queue.add

    def start(self) -> None:
        """Run the stand-in's own start, then watch and work, all in threads."""
        thread = threading.Thread(target=self._begin, name=f"{self.stand_in.agent()}-start", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """End the work; returns when the workers have ended (or hang: 5 s each) and the children are gone."""
        self._stopped.set()
        self._unsubscribe()
        self._queue.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5)
        self.stand_in.stop()
        self.stand_in.children.stop_all()

    def _begin(self) -> None:
        pauses = iter(ERROR_PAUSES)
        while not self._stopped.is_set():
            try:
                self.stand_in.start(self.stand_in.kube)
                break
            except Exception:
                self.stand_in.log.exception("start failed, trying again")
                self._stopped.wait(next(pauses, ERROR_PAUSES[-1]))
        if self._stopped.is_set():
            return
        watched = [self._informers.of(api_version, kind) for api_version, kind in self.stand_in.watches]
        for informer in watched:
            informer.subscribe(self._on_event)
        # As real controllers do: who works on half of the objects takes the other half for deleted.
        end = time.monotonic() + LIST_SECONDS
        for informer in watched:
            informer.wait_listed(max(0.0, end - time.monotonic()))
        for number in range(self.stand_in.workers):
            thread = threading.Thread(target=self._work, name=f"{self.stand_in.agent()}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        if self._stopped.is_set():  # stopped while subscribing
            self._unsubscribe()

    def _unsubscribe(self) -> None:
        for api_version, kind in self.stand_in.watches:
            self._informers.of(api_version, kind).unsubscribe(self._on_event)

    def _on_event(self, event: str, obj: Object) -> None:
        key = key_of(obj)
        if event == "DELETED":
            self._gone[key] = obj
            self._queue.add(key)
        elif event == "ADDED":
            self._gone.pop(key, None)
        try:
            for target in self.stand_in.route(event, obj):
                self._queue.add(target if isinstance(target, tuple) else key_of(target))
        except Exception:
            self.stand_in.log.exception("routing of %s %s failed", event, key)

    def _work(self) -> None:
        while (key := self._queue.take()) is not None:
            try:
                self._one(key)
            finally:
                self._queue.done(key)

    def _one(self, key: Key) -> None:
        stand_in = self.stand_in
        try:
            obj = self._informers.of(key[0], key[1]).find(key)
            if obj is not None:
                again = stand_in.reconcile(stand_in.kube, obj)
                if again is not None:
                    self._queue.add(key, again)
            else:
                gone = self._gone.pop(key, None)
                if gone is not None:
                    stand_in.deleted(stand_in.kube, gone)
            self._failures.pop(key, None)
        except Conflict:
            self._queue.add(key, CONFLICT_PAUSE)
        except Exception as error:
            if self._stopped.is_set():
                return
            count = self._failures.get(key, 0)
            self._failures[key] = count + 1
            # A first NotFound is ordinary: the object has gone since the watch told of it.
            level = logging.DEBUG if isinstance(error, NotFound) and not count else logging.WARNING
            stand_in.log.log(level, "%s %s/%s: %s", key[1], key[2], key[3], error, exc_info=count in (0, 5))
            self._queue.add(key, ERROR_PAUSES[min(count, len(ERROR_PAUSES) - 1)])


class Engine:
    """All stand-ins of one rehearsal."""

    def __init__(self, settings: Settings, classes: list[type[StandIn]] | None = None) -> None:
        self._settings = settings
        self._classes = stand_in_classes() if classes is None else classes
        self._informers = Informers(self._kube("rehearsal-watches"))
        self._running: dict[type[StandIn], Runner] = {}
        self._wake: WorkQueue[str] = WorkQueue()
        self._thread = threading.Thread(target=self._gate, name="gate", daemon=True)

    def start(self) -> None:
        """Start the platform's parts, and watch CSVs for the others."""
        log.info("stand-ins: %s", ", ".join(cls.agent() for cls in self._classes))
        self._wake.add("csv")
        self._informers.of(*CSV).subscribe(lambda *_: self._wake.add("csv"))
        self._thread.start()

    def stop(self) -> None:
        """Stop everything that runs, children too."""
        self._wake.close()
        self._thread.join(10)
        for cls in list(self._running):
            self._running.pop(cls).stop()

    def _kube(self, agent: str) -> Kube:
        return Kube.from_kubeconfig(self._settings.kubeconfig, user_agent=agent)

    def _gate(self) -> None:
        while (key := self._wake.take()) is not None:
            self._wake.done(key)
            csvs = self._informers.of(*CSV).objects()
            for cls in self._classes:
                try:
                    self._match(cls, csvs)
                except Exception:
                    log.exception("%s cannot be started or stopped, trying again", cls.agent())
                    self._wake.add("csv", 2.0)

    def _match(self, cls: type[StandIn], csvs: list[Object]) -> None:
        runner = self._running.get(cls)
        csv: Any = None if cls.csv_prefix is None else running_csv(csvs, cls.csv_prefix, _csv_name(runner))
        wanted = cls.csv_prefix is None or csv is not None
        if runner is not None and (not wanted or _moved(runner.stand_in.csv, csv)):
            log.info("%s stops", cls.agent())
            self._running.pop(cls).stop()
            runner = None
        if runner is None and wanted:
            log.info("%s starts%s", cls.agent(), f" for {csv['metadata']['name']}" if csv else "")
            runner = Runner(cls(self._settings, self._kube(cls.agent()), self._informers, csv), self._informers)
            self._running[cls] = runner
            runner.start()


def _csv_name(runner: Runner | None) -> str | None:
    csv = runner.stand_in.csv if runner else None
    return csv["metadata"]["name"] if csv else None


def _moved(old: Object | None, new: Object | None) -> bool:
    """True when another CSV (version, namespace, targets) takes over: the operator's pod is a new one then."""
    def identity(csv: Object | None) -> Any:
        if csv is None:
            return None
        meta = csv["metadata"]
        return meta["name"], meta["namespace"], (meta.get("annotations") or {}).get("olm.targetNamespaces")

    return identity(old) != identity(new)
