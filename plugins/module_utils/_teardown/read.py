# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what decides about a removal: what carries our label, who needs it, what is in its namespaces. I/O through a small protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from .._access.lease import NAMESPACE as LOCK
from .._apply.manifests import SELECTOR, is_ours
from .._errors import Forbidden, KindMissing
from .._kube import paths
from .._snapshot import kinds
from .._snapshot.values import dig, mapping, name_of, namespace_of, rows, text
from .claim import against
from .decide import CONFIGS, NAMESPACES, NODE_ROLE, POOLS, SUBSCRIPTIONS
from .model import Found, Item, Machine
from .table import Kind, Table

CSVS = "clusterserviceversions.operators.coreos.com"
CURRENT = "machineconfiguration.openshift.io/currentConfig"
DEPTH = 6  # Pod, ReplicaSet, Deployment, LLMInferenceService: owners above that many are nobody's practice


class Api(Protocol):
    """What is needed of a cluster (`_k8s.Cluster`)."""

    def find(self, path: str) -> dict[str, Any] | None: ...
    def list(self, path: str, **options: Any) -> list[Any]: ...
    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str: ...
    def discovery(self) -> dict[str, Any]: ...


def read(api: Api, table: Table) -> Found:
    """Everything that `decide` wants to know. Where nothing is ours, nothing else is asked."""
    return _Reading(api, table).found()


class _Reading:
    def __init__(self, api: Api, table: Table) -> None:
        self._api, self._table = api, table
        self._served = kinds.served(api.discovery())
        self._unread: set[str] = set()
        self._owners: dict[str, tuple[str, ...]] = {}

    def found(self) -> Found:
        ours = {name: self._all(name, label_selector=SELECTOR) for name in self._table.resources}
        ours = {name: tuple(one for one in items if (one.resource, one.name) != (NAMESPACES, LOCK)) for name, items in ours.items()}
        candidates = [kind for step in self._table.steps for kind in step.kinds if any(not one.against for one in ours[kind.resource])]
        if not candidates:
            return Found(ours=ours, unread=frozenset(self._unread))
        users = {name: self._foreign(name) for name in self._users(candidates, ours)}
        return Found(
            ours,
            users,
            self._pods() if any(kind.pods for kind in candidates) else (),
            {one.name: self._contents(one.name) for one in ours.get(NAMESPACES, ()) if not one.against},
            self._machines() if any(kind.disturbs or kind.resource in (POOLS, CONFIGS) for kind in candidates) else (),
            self._all(CSVS, label_selector="!olm.copiedFrom"),
            self._all(SUBSCRIPTIONS),
            frozenset(self._unread),
        )

    def _users(self, candidates: list[Kind], ours: dict[str, tuple[Item, ...]]) -> list[str]:
        """Resources that may need one of the candidates."""
        found = [user.resource for kind in candidates for user in kind.users]
        if ours.get(SUBSCRIPTIONS):
            found += [name for served in self._table.operators.values() for name in served]
        return list(dict.fromkeys(found))

    def _foreign(self, resource: str) -> tuple[Item, ...]:
        """All that may need one of ours, without what operators make for themselves."""
        return tuple(one for one in self._all(resource) if f"{resource} {one.name}" not in self._table.own_accord)

    # -- one resource ----------------------------------------------------------------------------------------------

    def _all(self, resource: str, namespace: str = "", **options: Any) -> tuple[Item, ...]:
        """All objects of a resource; none where it isn't served, a note where it may not be listed."""
        path = self._path(resource, namespace)
        if path is None:
            return ()
        try:
            return tuple(self._api.list(path, reduce=lambda obj: self._item(resource, obj), **options))
        except KindMissing:
            return ()
        except Forbidden:
            self._unread.add(f"{resource} in {namespace}" if namespace else resource)
            return ()

    def _path(self, resource: str, namespace: str = "") -> str | None:
        plural, _dot, group = resource.partition(".")
        if not group:
            return paths.build("v1", plural, bool(namespace), namespace)
        served = self._served.get(resource)
        return paths.build(f"{served.group}/{served.versions[0]}", plural, bool(namespace), namespace) if served else None

    def _item(self, resource: str, obj: dict[str, Any]) -> Item:
        return Item(
            resource, text(obj, "apiVersion") or "", _kind(obj), name_of(obj), text(obj, "metadata", "uid") or "",
            namespace_of(obj), self._chain(obj), against(obj) if is_ours(obj) else "it isn't ours", _decisive(resource, obj),
        )  # fmt: skip

    # -- owners ----------------------------------------------------------------------------------------------------

    def _chain(self, obj: dict[str, Any], depth: int = DEPTH) -> tuple[str, ...]:
        """The uids of all owners, of theirs, and so on; it ends where one can't be read."""
        chain: list[str] = []
        claim = mapping(obj, "spec", "claimRef")  # of a volume: it goes with its claim
        for row in [*rows(obj, "metadata", "ownerReferences"), *([claim] if claim else [])]:
            uid = text(row, "uid") or ""
            if uid not in self._owners:
                self._owners[uid] = ()  # an owner that owns itself ends here
                self._owners[uid] = self._chain(self._owner(row, text(row, "namespace") or namespace_of(obj)), depth - 1) if depth else ()
            chain += [uid, *self._owners[uid]]
        return tuple(dict.fromkeys(chain))

    def _owner(self, row: dict[str, Any], namespace: str) -> dict[str, Any]:
        try:
            found = self._api.find(self._api.path(text(row, "apiVersion") or "", text(row, "kind") or "", namespace, text(row, "name")))
        except (Forbidden, KindMissing):
            return {}
        return found if found and dig(found, "metadata", "uid") == row.get("uid") else {}

    # -- the rest --------------------------------------------------------------------------------------------------

    def _pods(self) -> tuple[Item, ...]:
        """Running pods with extended resources."""

        def reduce(obj: dict[str, Any]) -> Item | None:
            resources = _asked(obj)
            return Item(
                "pods", "v1", "Pod", name_of(obj), text(obj, "metadata", "uid") or "", namespace_of(obj), self._chain(obj),
                "it isn't ours", {"resources": resources},
            ) if resources else None  # fmt: skip

        return self._listed("pods", "/api/v1/pods", reduce, field_selector="status.phase=Running", leave_out=("managedFields",))

    def _machines(self) -> tuple[Machine, ...]:
        return self._listed("nodes", "/api/v1/nodes", _machine, leave_out=("managedFields", "images"))

    def _listed(self, what: str, path: str, reduce: Callable[[dict[str, Any]], Any], **options: Any) -> tuple[Any, ...]:
        try:
            return tuple(one for one in self._api.list(path, reduce=reduce, **options) if one is not None)
        except Forbidden:
            self._unread.add(what)
            return ()

    def _contents(self, namespace: str) -> tuple[Item, ...]:
        wanted = dict.fromkeys([*self._table.contents, *self._table.operator_contents])
        return tuple(item for name in wanted for item in self._all(name, namespace, metadata_only=name == "secrets"))


def _decisive(resource: str, obj: dict[str, Any]) -> dict[str, Any]:
    """What users name ours by, and what an operator's company is found by."""
    meta = {"labels": mapping(obj, "metadata", "labels"), "namespace": namespace_of(obj)}
    if resource == SUBSCRIPTIONS:
        return {
            "metadata": meta,
            "package": text(obj, "spec", "name"),
            "channel": text(obj, "spec", "channel"),
            "catalog": text(obj, "spec", "source"),
            "catalog_namespace": text(obj, "spec", "sourceNamespace"),
            "csv": text(obj, "status", "installedCSV") or text(obj, "status", "currentCSV"),
        }
    spec = {key: dig(obj, "spec", key) for key in ("parentRefs", "gatewayClassName", "csi", "storageClassName") if dig(obj, "spec", key)}
    return {"metadata": meta, "spec": spec}


def _kind(obj: dict[str, Any]) -> str:
    """Secrets are the only objects of which no more than the metadata are asked for: the API server then names another kind."""
    kind = text(obj, "kind") or ""
    return "Secret" if kind.startswith("PartialObjectMetadata") else kind


def _asked(pod: dict[str, Any]) -> list[str]:
    """Names of the extended resources that a pod's containers ask for."""
    containers: Iterable[dict[str, Any]] = [*rows(pod, "spec", "containers"), *rows(pod, "spec", "initContainers")]
    return sorted({name for one in containers for name in mapping(one, "resources", "limits") if "/" in name})


def _machine(obj: dict[str, Any]) -> Machine:
    labels = mapping(obj, "metadata", "labels")
    rendered = text(mapping(obj, "metadata", "annotations"), CURRENT) or ""
    return Machine(
        name_of(obj),
        rendered.removeprefix("rendered-").rpartition("-")[0],
        tuple(sorted(label for label in labels if label.startswith(NODE_ROLE))),
        tuple(sorted(name for name in mapping(obj, "status", "allocatable") if "/" in name)),
    )
