# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One wait: follows the awaited objects, judges them, shows progress, ends with all ready or with a reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from .._errors import KindMissing, NotFound
from .._wait.model import DONE, WAITING, State, waiting
from .._wait.related import Query, query, with_pods
from .._wait.targets import Target
from .._wait.tracker import Failure, Tracker
from .evidence import Evidence, Looker
from .follow import Follower, Reader, Seen, Trouble, full_name
from .hangs import Hangs
from .patience import Final, Patience
from .progress import Progress
from .sources import Source, pick, plan

# Pods behind a late object are looked at this often; an object gets that long before they are looked at first.
LOOK_SECONDS = 3.0
# The first reading of all objects gets that long even when there is no time to wait.
FIRST_READ_SECONDS = 30.0
# The longest time without a beat (renewal of the lock, end of a killed run).
BEAT_SECONDS = 5.0


class ClusterLike(Reader, Looker, Protocol):
    """What a wait needs of a cluster."""


class WaitFailed(Exception):
    """The wait ended without all objects ready. ``results`` as :meth:`Tracker.results`; ``timed_out``: time was up."""

    def __init__(
        self,
        message: str,
        results: list[dict[str, Any]],
        failure: Failure | None = None,
        timed_out: bool = False,
        error: Exception | None = None,
    ) -> None:
        super().__init__(message)
        self.results, self.failure, self.timed_out, self.error = results, failure, timed_out, error


class Wait:
    """A wait for ``targets``; ``show`` gets progress lines."""

    def __init__(
        self,
        cluster: ClusterLike,
        targets: list[Target],
        seconds: float,
        show: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock, self._show, self._beat = clock, show, beat
        self._cluster, self._targets = cluster, targets
        self._sources = plan(targets)
        self._evidence = Evidence(cluster)
        self._seen: dict[Source, Seen] = {}
        self._pods: dict[Query, list[Mapping[str, Any]]] = {}
        self._hints: dict[Target, str] = {}
        self._patience = Patience(seconds, show, clock)
        self._next_look = self._patience.start + LOOK_SECONDS
        self._hangs = Hangs(self._evidence, clock)
        self._progress = Progress(self._evidence, clock)
        self._tracker = Tracker([t.key for t in targets], self._patience.start)

    def run(self) -> list[dict[str, Any]]:
        """Blocks until all objects are ready; their results. :raises WaitFailed: with object, reason and repair."""
        with Follower(self._cluster, self._sources.values()) as follower:
            while True:
                now = self._clock()
                self._beat()
                for event in follower.wait(min(self._pause(now), BEAT_SECONDS)):
                    self._take(event)
                self._judge()
                if self._tracker.finished:
                    self._tell()
                    return self._tracker.results()
                self._look()
                self._tell()
                self._end()

    def _pause(self, now: float) -> float:
        if self._unread() and self._patience.over:
            return FIRST_READ_SECONDS / 100
        return min(self._tracker.pause(now, self._patience.deadline), max(0.0, self._next_look - now))

    def _unread(self) -> bool:
        """Whether a source has said nothing yet: then time isn't up, whatever the clock says."""
        return len(self._seen) < len(set(self._sources.values())) and not self._patience.out

    def _take(self, event: Seen | Trouble) -> None:
        try:
            seen = self._patience.take(event)
        except Final as final:
            raise WaitFailed(str(final), self._tracker.results(), error=final.error) from None
        if seen is not None:
            self._seen[seen.source] = seen

    def _judge(self) -> None:
        now = self._clock()
        for target in self._targets:
            seen = self._seen.get(self._sources[target])
            if seen is not None:
                state = state_of(target, seen, self._pods)
                hint = self._hints.get(target, "")
                if hint and state.phase == WAITING:
                    state = waiting(state.reason, f"{state.detail}; {hint}" if state.detail else hint)
                self._tracker.update(target.key, state, now)

    def _look(self) -> None:
        """Reads the Pods behind objects that aren't ready, at most every few seconds, never during an outage."""
        if self._clock() < self._next_look or self._patience.out:
            return
        asked = {q for q in map(self._query, self._targets) if q}
        self._pods = {q: self._evidence.pods(q) for q in asked}
        self._hints = {target: hint for target in self._targets if (hint := self._hint(target))}
        self._next_look = self._clock() + LOOK_SECONDS
        if asked or self._hints:
            self._judge()

    def _hint(self, target: Target) -> str:
        behind = self._behind(target)
        return self._hangs.told(behind) or self._progress.told(str(target.options.get("progress") or ""), behind)

    def _behind(self, target: Target) -> list[Mapping[str, Any]]:
        """The Pods of a target that isn't ready: those that were asked for, or the awaited ones themselves."""
        seen = self._seen.get(self._sources[target])
        if seen is None or self._tracker.rows[target.key].state.phase == DONE:
            return []
        if target.kind == "Pod":
            return pick(target, seen.objects)
        asked = self._query(target)
        return self._pods.get(asked, []) if asked else []

    def _query(self, target: Target) -> Query | None:
        seen = self._seen.get(self._sources[target])
        if seen is None or self._tracker.rows[target.key].state.phase == DONE or target.label_selector:
            return None
        objects = pick(target, seen.objects)
        return query(target, objects[0] if objects else None)

    def _tell(self) -> None:
        for line in self._tracker.lines(self._clock()):
            self._show(line)

    def _end(self) -> None:
        now = self._clock()
        failure = self._tracker.failure(now)
        if failure:
            failure = self._explained(failure)
            raise WaitFailed(failure.as_text(), self._tracker.results(), failure)
        if not self._patience.over or (self._unread() and now < self._patience.deadline + FIRST_READ_SECONDS):
            return
        text = self._tracker.timeout_text(now)
        late = self._tracker.slowest()
        warning = self._warning(late.key) if late else ""
        if warning:
            text += f". Last warning about {late.key if late else ''}: {warning}"
        text = self._patience.late(text, "Look at these objects; running again goes on from here.")
        raise WaitFailed(text, self._tracker.results(), timed_out=True)

    def _explained(self, failure: Failure) -> Failure:
        pods = [p for found in self._pods.values() for p in found] or self._own_pods()
        return replace(failure, state=self._evidence.explained(failure.state, pods))

    def _own_pods(self) -> list[Mapping[str, Any]]:
        return [
            o
            for t in self._targets
            if t.kind == "Pod" and self._sources[t] in self._seen
            for o in pick(t, self._seen[self._sources[t]].objects)
        ]

    def _warning(self, key: str) -> str:
        target = next((t for t in self._targets if t.key == key and t.name), None)
        return self._evidence.last_warning(target.kind, target.namespace, target.name) if target else ""


def look_once(cluster: ClusterLike, targets: list[Target]) -> list[dict[str, Any]]:
    """The states of the awaited objects now, without waiting (check mode). :raises ClusterError: no usable answer."""
    tracker = Tracker([t.key for t in targets], 0.0)
    seen: dict[Source, Seen] = {}
    for target, source in plan(targets).items():
        if source not in seen:
            seen[source] = _read(cluster, source)
        tracker.update(target.key, state_of(target, seen[source], {}), 0.0)
    return tracker.results()


def _read(cluster: ClusterLike, source: Source) -> Seen:
    try:
        path = cluster.path(source.api_version, source.kind, source.namespace or None)
        objects = cluster.list(path, source.label_selector or None, source.field_selector)
    except (KindMissing, NotFound):
        return Seen(source, {}, served=False)
    return Seen(source, {full_name(o): o for o in objects})


def state_of(target: Target, seen: Seen, pods: Mapping[Query, list[Mapping[str, Any]]]) -> State:
    """A target's state from what was seen of its source and of the Pods behind it."""
    if not seen.served and not target.check.judges_absence:
        return waiting("KindMissing", f"the cluster doesn't serve {target.kind} ({target.api_version}) yet")
    objects = pick(target, seen.objects)
    if target.label_selector:
        return target.judge_all(objects)
    obj = objects[0] if objects else None
    state = target.judge(obj)
    asked = query(target, obj)
    return with_pods(state, pods.get(asked, [])) if asked else state
