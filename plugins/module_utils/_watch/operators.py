# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings wished operators to Succeeded: follows OLM's objects, approves the expected InstallPlans, shows progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._errors import ClusterError, Conflict, Invalid, KindMissing, NotFound, Overloaded, Unreachable
from .._olm import catalogs
from .._olm.decide import Decision, decide
from .._olm.world import Wish, World
from .._wait.fields import dig
from .._wait.tracker import Failure, Tracker
from .follow import Follower, Reader, Seen, Trouble
from .patience import Final, Patience
from .sources import Source

_OPERATORS = "operators.coreos.com/v1alpha1"
# Copies of a CSV lie in every namespace of the cluster: thousands of large objects that say nothing new.
SOURCES = {
    "subscriptions": Source(_OPERATORS, "Subscription"),
    "plans": Source(_OPERATORS, "InstallPlan"),
    "csvs": Source(_OPERATORS, "ClusterServiceVersion", label_selector="!olm.copiedFrom"),
    "catalogs": Source(_OPERATORS, "CatalogSource"),
    "groups": Source("operators.coreos.com/v1", "OperatorGroup"),
}
PACKAGES = "packages.operators.coreos.com/v1"
ASK_SECONDS = 5.0
JSON_PATCH = "application/json-patch+json"
DROPS = 3  # OLM may make a plan of the channel of before once more, when it hasn't seen the new one yet


class Acting(Reader, Protocol):
    """What this needs of a cluster: reading, patching an InstallPlan, and deleting one that nobody approved."""

    def list(self, path: str, label_selector: str | None = None, field_selector: str | None = None) -> list[Any]: ...

    def patch(self, path: str, body: Any, content_type: str = ...) -> dict[str, Any]: ...

    def delete(self, path: str, uid: str | None = None) -> bool: ...


@dataclass
class Outcome:
    """How it ended: one entry for each operator, the plans that were (or would be) approved, remarks."""

    operators: list[dict[str, Any]]
    approved: list[str]
    warnings: list[str] = field(default_factory=list)


class OperatorsFailed(Exception):
    """Not every operator got there."""

    def __init__(
        self,
        message: str,
        outcome: Outcome,
        failure: Failure | None = None,
        timed_out: bool = False,
        error: Exception | None = None,
    ) -> None:
        super().__init__(message)
        self.outcome, self.failure, self.timed_out, self.error = outcome, failure, timed_out, error


class Operators:
    """The work for ``wishes`` ``until`` approved or succeeded; ``show`` gets progress lines."""

    def __init__(
        self,
        cluster: Acting,
        wishes: list[Wish],
        seconds: float,
        show: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        beat: Callable[[], None] = lambda: None,
        until: str = "succeeded",
    ) -> None:
        self._cluster, self._wishes, self._show, self._clock = cluster, wishes, show, clock
        self._beat = beat
        self._until = until
        self._world = World()
        self._read: set[Source] = set()
        self._decisions: list[Decision] = []
        self._approved: dict[str, float] = {}
        self._dropped: set[str] = set()
        self._patience = Patience(seconds, show, clock)
        self._next_ask = self._patience.start
        self._tracker = Tracker([w.key for w in wishes], self._patience.start)

    def run(self) -> Outcome:
        """Blocks until every operator is that far. :raises OperatorsFailed: with object, reason and repair."""
        with Follower(self._cluster, SOURCES.values()) as follower:
            while True:
                now = self._clock()
                self._beat()
                for event in follower.wait(min(self._tracker.pause(now, self._patience.deadline), ASK_SECONDS)):
                    self._take(event)
                if len(self._read) == len(SOURCES):
                    self._act()
                for line in self._tracker.lines(self._clock()):
                    self._show(line)
                if self._tracker.finished:
                    return self._outcome()
                self._end()

    def look(self) -> Outcome:
        """Check mode: reads once, approves nothing, says what would be approved. :raises ClusterError:"""
        for name, source in SOURCES.items():
            try:
                path = self._cluster.path(source.api_version, source.kind)
                setattr(self._world, name, self._cluster.list(path, source.label_selector or None))
            except (KindMissing, NotFound):
                continue
        self._ask()
        self._decisions = decide(self._wishes, self._world)
        for decision in self._decisions:
            self._tracker.update(decision.wish.key, decision.state_until(self._until), self._clock())
        self._approved = {_plan_key(d): 0.0 for d in self._decisions if d.approve}
        return self._outcome()

    def _take(self, event: Seen | Trouble) -> None:
        try:
            seen = self._patience.take(event)
        except Final as final:
            raise OperatorsFailed(str(final), self._outcome(), error=final.error) from None
        if seen is not None:
            self._read.add(seen.source)
            name = next(n for n, s in SOURCES.items() if s == seen.source)
            setattr(self._world, name, list(seen.objects.values()))

    def _act(self) -> None:
        now = self._clock()
        if now >= self._next_ask and not self._patience.out:
            self._ask()
            self._next_ask = self._clock() + ASK_SECONDS
        self._decisions = decide(self._wishes, self._world)
        for decision in self._decisions:
            self._tracker.update(decision.wish.key, decision.state_until(self._until), now)
        for decision in {_plan_key(d): d for d in self._decisions if d.approve}.values():
            self._approve(decision)
        for decision in self._decisions:
            if decision.outdated and decision.outdated not in self._dropped and len(self._dropped) < DROPS:
                self._drop(decision)

    def _ask(self) -> None:
        """Asks the package server about wishes that have no plan and no CSV yet."""
        on_their_way = {d.wish.key for d in self._decisions if d.plan or d.installed}
        wanted = [w for w in self._wishes if w.key not in on_their_way]
        for namespace, catalog, package in catalogs.asks(wanted, self._world):
            key = (namespace, catalog, package)
            try:
                self._world.packages[key] = self._package(*key)
            except ClusterError:  # the package server only helps to explain: without it we go on, as OLM itself does
                self._world.packages.pop(key, None)

    def _package(self, namespace: str, catalog: str, package: str) -> Mapping[str, Any] | None:
        path = self._cluster.path(PACKAGES, "PackageManifest", namespace)
        found = self._cluster.list(path, f"catalog={catalog},catalog-namespace={namespace}", f"metadata.name={package}")
        return next((p for p in found if dig(p, "metadata.name") == package), None)

    def _approve(self, decision: Decision) -> None:
        """Approves a plan; the patch holds only for exactly the CSVs that were judged."""
        key = _plan_key(decision)
        if self._clock() - self._approved.get(key, float("-inf")) < ASK_SECONDS:
            return  # approved already: the watch hasn't shown it yet
        namespace = decision.wish.namespace
        plan = next(p for p in self._world.plans_of(namespace) if dig(p, "metadata.name") == decision.approve)
        names = list(dig(plan, "spec.clusterServiceVersionNames"))
        body = [
            {"op": "test", "path": "/spec/clusterServiceVersionNames", "value": names},
            {"op": "replace", "path": "/spec/approved", "value": True},
        ]
        try:
            self._cluster.patch(
                self._cluster.path(_OPERATORS, "InstallPlan", namespace, decision.approve), body, JSON_PATCH
            )
        except (Conflict, Invalid, NotFound) as error:
            self._show(f"InstallPlan {namespace}/{decision.approve} changed meanwhile, looking again: {error.why}")
            return
        except (Unreachable, Overloaded) as error:
            # Approving twice does no harm, and the watch tells whether the first time arrived.
            self._show(f"InstallPlan {namespace}/{decision.approve}: no answer to the approval, trying again: {error.why}")
            return
        except ClusterError as error:
            raise OperatorsFailed(str(error), self._outcome(), error=error) from error
        if key not in self._approved:
            self._show(f"InstallPlan {namespace}/{decision.approve} approved: {', '.join(sorted(names))}")
        self._approved[key] = self._clock()

    def _drop(self, decision: Decision) -> None:
        """Deletes a plan of the channel of before: OLM makes another for the channel of now. What it makes then is judged as ever."""
        namespace = decision.wish.namespace
        plan = next(p for p in self._world.plans_of(namespace) if dig(p, "metadata.name") == decision.outdated)
        names = ", ".join(map(str, dig(plan, "spec.clusterServiceVersionNames")))
        try:
            self._cluster.delete(self._cluster.path(_OPERATORS, "InstallPlan", namespace, decision.outdated), str(dig(plan, "metadata.uid")))
        except (Conflict, Unreachable, Overloaded) as error:
            self._show(f"InstallPlan {namespace}/{decision.outdated} isn't deleted yet, trying again: {error.why}")
            return
        except ClusterError as error:
            raise OperatorsFailed(str(error), self._outcome(), error=error) from error
        self._dropped.add(decision.outdated)
        self._show(f"InstallPlan {namespace}/{decision.outdated} ({names}) was of another channel and nobody approved it: deleted, OLM makes the next one")

    def _end(self) -> None:
        now = self._clock()
        failure = self._tracker.failure(now)
        if failure:
            raise OperatorsFailed(failure.as_text(), self._outcome(), failure)
        if not self._patience.over:
            return
        text = self._patience.late(
            self._tracker.timeout_text(now), "Look at these Subscriptions; running again goes on from here."
        )
        raise OperatorsFailed(text, self._outcome(), timed_out=True)

    def _outcome(self) -> Outcome:
        rows = {r["object"]: r for r in self._tracker.results()}
        by_key = {d.wish.key: d for d in self._decisions}
        return Outcome(
            [_entry(w, rows[w.key], by_key.get(w.key)) for w in self._wishes],
            sorted(self._approved),
            sorted({t for d in self._decisions for t in d.warnings}),
        )


def _plan_key(decision: Decision) -> str:
    return f"{decision.wish.namespace}/{decision.approve}"


def _entry(wish: Wish, row: Mapping[str, Any], decision: Decision | None) -> dict[str, Any]:
    return {
        "package": wish.package,
        "namespace": wish.namespace,
        "subscription": wish.name or wish.package,
        "csv": wish.csv,
        "installed_csv": decision.installed if decision else "",
        "install_plan": decision.plan if decision else "",
        "adopted": bool(decision and decision.adopted),
        "state": row["state"],
        "detail": row["detail"],
        "repair": decision.state.repair if decision else "",
        "seconds": row["seconds"],
    }
