# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolls machine settings out in one go: holds the pools back while they are changed, lets go, watches, and holds them back again at a limit."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .._errors import ClusterError, Conflict
from .._nodes import rollout, window
from .._nodes.pools import US
from .._snapshot import machine_configs
from .._snapshot.pools import PAUSED_BY
from .._wait.fields import dig
from .._wait.model import failed
from .._wait.targets import parse
from .._wait.tracker import Failure
from .wait import ClusterLike, Wait, WaitFailed

API = "machineconfiguration.openshift.io/v1"
# How often the machines are looked at: a restart takes minutes. A look is one list of nodes; where that is long, it takes a tenth of the time.
LOOK_SECONDS = 1.0
LOOK_SHARE = 10
# A pool that is held back has its settings rendered within seconds.
RENDER_SECONDS = 300.0


class Acting(Protocol):
    """What this needs of a cluster, beside what a wait does."""

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str: ...

    def list(self, path: str, **options: Any) -> list[Any]: ...

    def get(self, path: str) -> dict[str, Any] | None: ...

    def patch(self, path: str, body: Any, content_type: str = ...) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Limits:
    """most: machines that may restart in this run; window: as declared; away: seconds that a machine may be away."""

    most: int | None = None
    window: str | None = None
    away: float = 1800.0


class Stopped(Exception):
    """A limit was reached: the pools are held back again, and every machine that had begun is done."""


class _Halt(Exception):
    """Ends the wait. failure: of a machine that doesn't come back; None: a limit was reached."""

    def __init__(self, why: str, failure: Failure | None = None) -> None:
        super().__init__(why)
        self.failure = failure


class Rollout:
    """The roll-out on ``pools`` (rows of `llmd_plan.context.machine_pools`) to ``machines`` (names)."""

    def __init__(
        self,
        cluster: Any,
        pools: list[dict[str, Any]],
        machines: list[str],
        limits: Limits,
        seconds: float,
        show: Callable[[str], None],
        beat: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster: Acting = cluster
        self._waited: ClusterLike = cluster
        self._pools, self._names, self._limits = pools, set(machines), limits
        self._seconds, self._show, self._beat, self._clock, self._now, self._sleep = seconds, show, beat, clock, now, sleep
        self._targets: list[str] = []
        self._before: frozenset[str] = frozenset()
        self._away: dict[str, float] = {}
        self._next = float("-inf")

    def held(self) -> list[str]:
        """Names of the pools that aren't held back by us yet. :raises ClusterError: somebody else holds one back."""
        return [pool["name"] for pool in self._pools if not self._is_held(pool["name"])]

    def hold(self) -> list[str]:
        """Holds the pools back; the names of those that weren't yet. A pool that doesn't exist yet can't move."""
        fresh = self.held()
        for name in fresh:
            self._patch(name, {"metadata": {"annotations": {PAUSED_BY: US}}, "spec": {"paused": True}})
        return fresh

    def release(self) -> list[dict[str, Any]]:
        """Lets go and waits until every machine runs with its settings. :raises Stopped: :raises WaitFailed:"""
        self._wait("rendered", min(self._seconds, RENDER_SECONDS))
        self._targets = [self._rendered(pool) for pool in self._pools]
        machines = self._machines()
        self._before = frozenset(one.name for one in machines if one.begun(self._targets))
        closed = self._stop(machines)
        if closed:
            raise Stopped(rollout.stopped(machines, self._targets, closed, [pool["name"] for pool in self._pools]))
        for pool in self._pools:
            self._let_go(pool["name"])
        try:
            return self._wait("updated", self._seconds, self._look)
        except _Halt as halt:
            self.hold()
            if halt.failure:
                raise WaitFailed(halt.failure.as_text(), [], halt.failure) from None
            self._finish()
            raise Stopped(rollout.stopped(self._machines(), self._targets, str(halt), [pool["name"] for pool in self._pools])) from None
        except WaitFailed as error:
            if error.failure:  # a degraded pool: the machines that didn't begin are spared the same
                self.hold()
            raise

    def _rendered(self, pool: dict[str, Any]) -> str:
        """The name of the pool's configuration, once it has the present content of all its parts."""
        end = self._clock() + min(self._seconds, RENDER_SECONDS)
        while self._clock() < end:
            self._beat()
            wanted = dig(self._pool(pool["name"]), "spec.configuration")
            parts = {source["name"] for source in wanted.get("source") or []}
            rendered = self._cluster.get(self._cluster.path(API, "MachineConfig", None, wanted["name"]))
            listed = self._cluster.list(self._cluster.path(API, "MachineConfig"), reduce=machine_configs.reduce, label_selector=machine_configs.ROLE)
            sources = [row for row in listed if row["name"] in parts]
            if rollout.taken_up(machine_configs.reduce(rendered) if rendered else None, sources, pool["config"]):
                return str(wanted["name"])
            self._sleep(LOOK_SECONDS)
        key = f"MachineConfigPool {pool['name']}"
        text = f"its configuration hasn't taken up MachineConfig {pool['config']}"
        state = failed("NotRendered", text, "Look at oc describe mcp and the log of machine-config-controller.")
        raise WaitFailed(Failure(key, state, self._seconds).as_text(), [], Failure(key, state, self._seconds))

    def _wait(self, until: str, seconds: float, beat: Callable[[], None] | None = None) -> list[dict[str, Any]]:
        targets = parse([
            {"api_version": API, "kind": "MachineConfigPool", "name": pool["name"], "until": until,
             "with": {"config": pool["config"], "machines": pool["machines"]}}
            for pool in self._pools
        ])  # fmt: skip
        return Wait(self._waited, targets, seconds, self._show, self._clock, beat or self._beat).run()

    def _look(self) -> None:
        """Ends the wait at a limit. An API that doesn't answer now (a single node restarts) is the wait's own matter."""
        self._beat()
        begin = self._clock()
        if begin < self._next:
            return
        try:
            machines = self._machines()
        except ClusterError:
            return
        finally:
            self._next = self._clock() + max(LOOK_SECONDS, LOOK_SHARE * (self._clock() - begin))
        why = self._stop(machines)
        if why:
            raise _Halt(why)
        self._missing(machines)

    def _stop(self, machines: list[rollout.Machine]) -> str:
        return rollout.stop(machines, self._targets, self._before, self._limits.most, window.closed(self._limits.window, self._now()))

    def _missing(self, machines: list[rollout.Machine]) -> None:
        now = self._clock()
        self._away = {one.name: self._away.get(one.name, now) for one in machines if not one.ready}
        missing = rollout.lost(machines, self._targets, {name: now - since for name, since in self._away.items()}, self._limits.away)
        if missing:
            raise _Halt("", Failure(f"Node {missing.name}", _never_returned(missing, self._limits.away), self._limits.away))

    def _finish(self) -> None:
        """Waits for the machines that had begun: they can't be stopped any more."""
        end = self._clock() + self._seconds
        while self._clock() < end:
            self._beat()
            machines = self._machines()
            if all(one.done(self._targets) for one in machines if one.begun(self._targets)):
                return
            try:
                self._missing(machines)
            except _Halt as halt:
                if halt.failure:
                    raise WaitFailed(halt.failure.as_text(), [], halt.failure) from None
            self._sleep(LOOK_SECONDS)

    def _machines(self) -> list[rollout.Machine]:
        found = self._cluster.list(self._cluster.path("v1", "Node"), reduce=rollout.reduce, leave_out=("managedFields", "images"))
        return sorted((one for one in found if one.name in self._names), key=lambda one: one.name)

    # ---- pools

    def _pool(self, name: str) -> dict[str, Any] | None:
        return self._cluster.get(self._cluster.path(API, "MachineConfigPool", None, name))

    def _is_held(self, name: str) -> bool:
        pool = self._pool(name)
        if pool is None or dig(pool, "spec.paused") is not True:
            return False
        if dig(pool, "metadata.annotations").get(PAUSED_BY) != US:
            raise Conflict(
                "The machines can't be changed now", f"MachineConfigPool {name}", "somebody has paused it since the run began",
                "Ask whoever paused it; then run again.",
            )  # fmt: skip
        return True

    def _let_go(self, name: str) -> None:
        if self._is_held(name):
            self._patch(name, {"metadata": {"annotations": {PAUSED_BY: None}}, "spec": {"paused": False}})
            self._show(f"MachineConfigPool {name}: its machines restart now, one after the other")

    def _patch(self, name: str, body: dict[str, Any]) -> None:
        self._cluster.patch(self._cluster.path(API, "MachineConfigPool", None, name), body)


def _never_returned(machine: rollout.Machine, seconds: float) -> Any:
    return failed(
        "NeverReturned",
        f"it has been away for {int(seconds // 60)} min since its restart: {machine.why}",
        "Look at its console (BMC). Its pool is paused, so that no other machine follows it; when it is back, run again.",
    )
