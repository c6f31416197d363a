# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks around a late or failing object: its Pods, the last line of a crashed container, its last warning event.

Diagnosis must not make things worse: whatever can't be read is left out, and what was refused isn't asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from .._errors import ClusterError, Forbidden
from .._wait.causes import cause
from .._wait.fields import dig, name_of
from .._wait.model import State, one_line
from .._wait.pods import claims, crashed_container
from .._wait.related import Query

# Lines of a log that are looked through for a known cause.
TAIL = 20
_CLAIM_REPAIR = "See why nobody makes that volume (oc describe pvc, and the provisioner of its StorageClass), or name another class in llmd_storage_class."


class Looker(Protocol):
    """The part of ``_k8s.Cluster`` that diagnosis needs."""

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str: ...

    def list(self, path: str, label_selector: str | None = None, field_selector: str | None = None) -> list[Any]: ...

    def logs(self, namespace: str, pod: str, container: str | None = None, tail: int | None = None) -> str: ...


class Evidence:
    """Reads diagnosis from one cluster."""

    def __init__(self, cluster: Looker) -> None:
        self._cluster = cluster
        self._refused: set[str] = set()

    def pods(self, query: Query) -> list[Mapping[str, Any]]:
        """The Pods of a query, or none when they can't be read."""
        if f"pods {query.namespace}" in self._refused:
            return []
        try:
            return self._cluster.list(
                self._cluster.path("v1", "Pod", query.namespace), label_selector=query.label_selector or None
            )
        except Forbidden:
            self._refused.add(f"pods {query.namespace}")
        except ClusterError:
            pass
        return []

    def explained(self, state: State, pods: list[Mapping[str, Any]]) -> State:
        """A crash with what its container's log says, and the repair where its words are known; a Pod without a node with the claim that holds it."""
        pod = next((p for p in pods if name_of({**p, "kind": "Pod"}) == state.culprit), None)
        if pod is None:
            return state
        if state.reason == "Unschedulable" and "PersistentVolumeClaim" in state.detail:
            held = self.pending_claim(str(dig(pod, "metadata.namespace")), claims(pod))
            return replace(state, detail=f"{state.detail} {held}", repair=_CLAIM_REPAIR) if held else state
        container = crashed_container(pod)
        if container is None:
            return state
        try:
            log = self._cluster.logs(str(dig(pod, "metadata.namespace")), str(dig(pod, "metadata.name")), container, TAIL)
        except ClusterError:
            return state
        found = cause(log)
        if found is None:
            return state
        told = f"; {found.meaning}" if found.meaning else ""
        return replace(state, detail=f"{state.detail}; its log: {found.line}{told}", repair=found.repair or state.repair)

    def last_line(self, namespace: str, pod: str, container: str) -> str:
        """The last line of a container's log; empty where it can't be read or says nothing."""
        try:
            return one_line(self._cluster.logs(namespace, pod, container, 1), 160)
        except ClusterError:
            return ""

    def pending_claim(self, namespace: str, names: list[str]) -> str:
        """The first of these claims that has no volume yet, with its class and what the provisioner says; empty when all are bound or unreadable."""
        for name in names:
            try:
                path = self._cluster.path("v1", "PersistentVolumeClaim", namespace)
                found = self._cluster.list(path, field_selector=f"metadata.name={name}")
            except ClusterError:
                return ""
            if found and dig(found[0], "status.phase") == "Pending":
                said = self._last_event("PersistentVolumeClaim", namespace, name, "")
                owner = f"PersistentVolumeClaim {namespace}/{name} of StorageClass {dig(found[0], 'spec.storageClassName')}"
                return f"{owner} is Pending: {said or 'nobody says why'}"
        return ""

    def last_warning(self, kind: str, namespace: str, name: str) -> str:
        """The newest warning event about an object, or an empty string."""
        return self._last_event(kind, namespace, name, ",type=Warning")

    def _last_event(self, kind: str, namespace: str, name: str, more: str) -> str:
        selector = f"involvedObject.kind={kind},involvedObject.name={name}{more}"
        try:
            path = self._cluster.path("v1", "Event", namespace or "default")
            events = self._cluster.list(path, field_selector=selector)
        except ClusterError:
            return ""
        newest = max(events, key=_when, default=None)
        return one_line(f"{newest.get('reason')}: {newest.get('message')}", 300) if newest else ""


def _when(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or dig(event, "metadata.creationTimestamp") or "")
