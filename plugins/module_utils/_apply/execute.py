# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies or deletes a list of objects on one cluster. Reads first, writes after: a refusal comes before any write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.llmd.openshift.plugins.module_utils._errors import (
    ClusterError,
    Conflict,
    Forbidden,
    Invalid,
    KindMissing,
    NotFound,
)

from .._snapshot.gitops import TITLES, tool
from .._wait.model import one_line
from . import compare, conflicts, manifests
from .settled import settled

POLL_SECONDS = 1.0  # while a CRD is awaited
ESTABLISH_SECONDS = 30.0  # for a CRD of the same list; kube-apiserver serves it within a few seconds


class Api(Protocol):
    """What is needed of a cluster (`_k8s.Cluster`)."""

    def find(self, path: str) -> dict[str, Any] | None: ...
    def list(self, path: str, label_selector: str | None = None) -> list[Any]: ...
    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str: ...
    def namespaced(self, api_version: str, kind: str) -> bool: ...
    def apply(self, obj: dict[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]: ...
    def delete(self, path: str, uid: str | None = None) -> bool: ...


@dataclass
class Outcome:
    """What was done with one object, or would be in check mode."""

    object: str
    action: str  # created|updated|unchanged|predicted; deleted|absent|kept
    adopted: bool = False
    forced: list[str] = field(default_factory=list)
    note: str | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the cluster differs by it (or would)."""
        return self.action in ("created", "updated", "predicted", "deleted")


@dataclass(frozen=True)
class Options:
    """How to go about it."""

    check: bool = False
    adopt: bool = True
    force_conflicts: tuple[str, ...] = ()
    wait_crds_seconds: float = 0.0


@dataclass
class _Step:
    """One object on its way: `path` is None while its kind isn't served."""

    obj: dict[str, Any]
    path: str | None = None
    live: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return manifests.describe(self.obj)


class Executor:
    """One pass over a list. `done` grows with each object, so that a failure can still tell what happened before."""

    def __init__(self, api: Api, options: Options, sleep: Callable[[float], None] = time.sleep) -> None:
        self.api, self.options, self._sleep = api, options, sleep
        self.done: list[Outcome] = []
        self._wait_until = time.monotonic() + options.wait_crds_seconds

    # -- present ---------------------------------------------------------------------------------------------------

    def apply(self, objects: list[dict[str, Any]]) -> None:
        """Makes or updates the objects, in the order of `manifests.ordered`.

        :raises ClusterError: the first object that can't be applied; `done` holds those before it.
        """
        brought = manifests.defined_kinds(objects)
        steps = [_Step(obj) for obj in manifests.ordered(objects)]
        ours = self._ours(objects)
        for step in steps:
            try:
                self._read(step, ours)
            except KindMissing:
                may_come = self.options.wait_crds_seconds > 0 or _group_kind(step.obj) in brought
                if not (self.options.check or may_come):
                    raise
        self._refuse_foreign(steps)
        for step in steps:
            if step.path is None and not self.options.check:
                self._await_kind(step, brought=_group_kind(step.obj) in brought)
            self.done.append(self._apply_one(step))

    def _ours(self, objects: list[dict[str, Any]]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
        """The live objects that carry our label, of each kind that is declared more than once: one request a kind."""
        kinds = [(obj["apiVersion"], obj["kind"]) for obj in objects]
        found: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        for kind in dict.fromkeys(kind for kind in kinds if kinds.count(kind) > 1):
            try:
                for live in self.api.list(self.api.path(*kind), manifests.SELECTOR):
                    found[_identity(*kind, live)] = live
            except (Forbidden, KindMissing, NotFound):
                continue  # then each object is asked for by itself
        return found

    def _read(self, step: _Step, ours: dict[tuple[str, str, str, str], dict[str, Any]] | None = None) -> None:
        """Finds the object's path and its live state. :raises KindMissing: the kind isn't served."""
        meta = step.obj["metadata"]
        api_version, kind = step.obj["apiVersion"], step.obj["kind"]
        if self.api.namespaced(api_version, kind) and not meta.get("namespace"):
            raise Invalid(
                "An object can't be applied", step.name, "its kind needs a namespace", "Give metadata.namespace."
            )
        path = self.api.path(api_version, kind, meta.get("namespace"), meta["name"])
        step.live = (ours or {}).get(_identity(api_version, kind, step.obj)) or self.api.find(path)
        step.path = path

    def _refuse_foreign(self, steps: list[_Step]) -> None:
        if self.options.adopt:
            return
        foreign = [step.name for step in steps if step.live is not None and not manifests.is_ours(step.live)]
        if foreign:
            raise Conflict(
                "Objects exist already and aren't ours",
                ", ".join(foreign),
                f"they lack the label {manifests.MANAGED_BY}={manifests.OURS}",
                "Remove or rename them, or allow adoption (adopt: true).",
            )

    def _await_kind(self, step: _Step, brought: bool) -> None:
        until = max(self._wait_until, time.monotonic() + ESTABLISH_SECONDS) if brought else self._wait_until
        while True:
            try:
                return self._read(step)
            except KindMissing as error:
                if time.monotonic() >= until:
                    waited = round(self.options.wait_crds_seconds)
                    error.why = f"still no such CRD after {waited} s" if waited else error.why
                    raise
            self._sleep(POLL_SECONDS)

    def _apply_one(self, step: _Step) -> Outcome:
        if step.path is None:
            return self._predicted(step, "its kind isn't installed yet")
        adopted = step.live is not None and not manifests.is_ours(step.live)
        # Our label marks what teardown may delete: only what we made carries it.
        wanted = manifests.unlabelled(step.obj) if adopted else manifests.labelled(step.obj)
        if step.live is not None and settled(wanted, step.live, manifests.MANAGER):
            return Outcome(step.name, "unchanged", adopted)
        keeper = tool(step.live)
        if adopted and keeper:
            return self._compared(step, wanted, keeper)
        try:
            result, forced = self._send_when_served(step, wanted)
        except NotFound as error:
            if not self.options.check:
                raise _named(error, step) from None
            return self._predicted(step, "its namespace isn't there yet")
        except Invalid as error:
            if self.options.check and "does not support dry run" in error.why:
                return self._predicted(step, "an admission webhook can't do a dry run", step.live)
            raise _named(error, step) from None
        except ClusterError as error:
            raise _named(error, step) from None
        action = "created" if step.live is None else "unchanged"
        if step.live is not None and compare.differ(step.live, result):
            action = "updated"
        outcome = Outcome(step.name, action, adopted, forced)
        if outcome.changed:
            outcome.before, outcome.after = compare.shown(step.live, result)
        return outcome

    def _compared(self, step: _Step, wanted: dict[str, Any], keeper: str) -> Outcome:
        """Of what a GitOps tool looks after nothing is written, not even ownership: as declared is fine, else the tool has to change it."""
        try:
            result = self.api.apply(wanted, dry_run=True, force=True)
        except ClusterError as error:
            raise _named(error, step) from None
        if compare.differ(step.live, result):
            before, after = compare.shown(step.live, result)
            raise Conflict(
                "An object isn't as it is declared, and another tool looks after it",
                step.name,
                f"{TITLES[keeper]} would set it back; it is {_brief(before)}, declared is {_brief(after)}",
                f"Change it in what {TITLES[keeper]} applies (llmd_export writes it), or change the declaration.",
                {"before": before, "after": after, "tool": keeper},
            )
        return Outcome(step.name, "unchanged", adopted=True, note=f"{TITLES[keeper]} looks after it")

    def _send_when_served(self, step: _Step, wanted: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """One API server of several serves a new CRD a moment before the others: that 404 is repeated for a while."""
        until = time.monotonic() + ESTABLISH_SECONDS
        while True:
            try:
                return self._send(step, wanted)
            except KindMissing:
                if self.options.check or time.monotonic() >= until:
                    raise
            self._sleep(POLL_SECONDS)

    def _send(self, step: _Step, wanted: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        try:
            return self.api.apply(wanted, dry_run=self.options.check), []
        except Conflict as error:
            found = conflicts.owners(error.details.get("causes") or [])
            # What a person changed on an object of ours is drift; what another program owns is an agreement that is missing.
            hands = conflicts.HANDS if step.live is not None and manifests.is_ours(step.live) else ()
            if conflicts.may_force(found, [*self.options.force_conflicts, *hands]):
                return self.api.apply(wanted, dry_run=self.options.check, force=True), sorted(found)
            if not found:
                raise
            raise Conflict(
                "An object has fields that belong to another manager",
                step.name,
                conflicts.sentence(found),
                "Have that manager give them up, take them out of the declaration, or name it in force_conflicts.",
                {"owners": found},
            ) from None

    def _predicted(self, step: _Step, why: str, live: dict[str, Any] | None = None) -> Outcome:
        """What can't even be tried in a dry run: shown as it is declared."""
        outcome = Outcome(step.name, "predicted", note=f"not tried, since {why}")
        outcome.before, outcome.after = compare.shown(live, manifests.labelled(step.obj))
        return outcome

    # -- absent ----------------------------------------------------------------------------------------------------

    def delete(self, objects: list[dict[str, Any]]) -> None:
        """Deletes those of the objects that carry our label, last ones first; others are kept and named."""
        for obj in reversed(manifests.ordered(objects)):
            self.done.append(self._delete_one(_Step(obj)))

    def _delete_one(self, step: _Step) -> Outcome:
        meta = step.obj["metadata"]
        try:
            step.path = self.api.path(step.obj["apiVersion"], step.obj["kind"], meta.get("namespace"), meta["name"])
            step.live = self.api.find(step.path)
        except KindMissing:
            return Outcome(step.name, "absent")
        if step.live is None:
            return Outcome(step.name, "absent")
        if not manifests.is_ours(step.live):
            return Outcome(step.name, "kept", note="it isn't ours (no label), so it stays")
        if (step.live.get("metadata") or {}).get("deletionTimestamp"):
            return Outcome(step.name, "absent", note="it is being deleted already")
        try:
            if not self.options.check:
                self.api.delete(step.path, uid=step.live["metadata"]["uid"])
        except ClusterError as error:
            raise _named(error, step) from None
        before, _after = compare.shown(step.live, None)
        return Outcome(step.name, "deleted", before=before)


def _brief(part: dict[str, Any]) -> str:
    """The differing fields as one line."""
    return one_line({key: value for key, value in part.items() if key not in ("apiVersion", "kind")}, 300)


def _identity(api_version: str, kind: str, obj: dict[str, Any]) -> tuple[str, str, str, str]:
    meta = obj["metadata"]
    return api_version, kind, meta.get("namespace") or "", meta["name"]


def _group_kind(obj: dict[str, Any]) -> tuple[str, str]:
    return obj["apiVersion"].rpartition("/")[0], obj["kind"]


def _named(error: ClusterError, step: _Step) -> ClusterError:
    """The same error, about the object instead of the request."""
    if not error.where.startswith(step.name):
        error.details = {**error.details, "request": error.where}
        error.where = step.name
    return error
