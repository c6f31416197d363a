# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A must-gather that answers like the API: what `_snapshot/collect.py` asks, with "not in the must-gather" where nothing is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._data.errors import DataError
from .._errors import Unreadable
from .._snapshot.objects import KINDS
from .._snapshot.values import mapping, name_of, namespace_of, text
from . import documents, layout
from .layout import Place

Objects = list[Any]  # a name of its own, since `MustGather.list` hides the built-in inside the class
Places = list[Place]
NOT_THERE = "not in the must-gather"
CRDS = "customresourcedefinitions.apiextensions.k8s.io"
# Of these a part that is broken still has its name: the node is there, and what is unknown is unknown of that node alone.
PER_NODE = (
    "nodes", "nodefeatures.nfd.k8s-sigs.io", "sriovnetworknodestates.sriovnetwork.openshift.io",
    "lvmvolumegroupnodestatuses.lvm.topolvm.io",
)  # fmt: skip
# The default gather takes all of OLM at once: with some of it there, none of a kind means that there is none.
OLM = tuple(
    f"{plural}.operators.coreos.com"
    for plural in ("subscriptions", "operatorgroups", "clusterserviceversions", "catalogsources")
)
OLM_SIGNS = OLM[2:]
# All that collect.py looks up in the discovery document (a test compares): served as far as anybody knows.
ASKED = (
    "machineconfigpools.machineconfiguration.openshift.io", "machineconfigs.machineconfiguration.openshift.io",
    *PER_NODE[1:], *OLM, "packagemanifests.packages.operators.coreos.com",
    "poddisruptionbudgets.policy", "storageclasses.storage.k8s.io", "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io", "imagestreams.image.openshift.io", "imagedigestmirrorsets.config.openshift.io",
    "imagetagmirrorsets.config.openshift.io", "imagecontentsourcepolicies.operator.openshift.io",
    "localvolumediscoveryresults.local.storage.openshift.io", *KINDS.values(),
)  # fmt: skip
# Gathered from some namespaces only, which says nothing of the cluster: never read.
PARTIAL = ("deployments.apps",)


class MustGather:
    """The `Api` of `_snapshot/collect.py`, over files. notes: parts that are broken and by whose names something was saved."""

    def __init__(self, path: str, files: Mapping[str, bytes | None]) -> None:
        self.path, self.files = path, files
        self.notes: list[dict[str, str]] = []
        self.places: dict[str, Places] = {}
        for name in sorted(files):
            found = layout.place(name)
            if found:
                self.places.setdefault(found.resource, []).append(found)
        if not self.places:
            raise DataError(
                "This isn't a must-gather", ascii(path)[1:-1], "it has no folder cluster-scoped-resources or namespaces",
                "Give the folder that oc adm must-gather wrote (must-gather.local.*), or a .tar or .tar.gz of it.",
            )  # fmt: skip
        self._one_cluster()

    def discovery(self) -> dict[str, Any]:
        """The saved list of API groups; without one, everything that may be asked for counts as served."""
        items: list[Any] = []
        for name in sorted(filter(layout.is_discovery, self.files)):
            try:
                items += self._document(name).get("items") or []
            except documents.Broken as error:
                self._note(name, str(error))
        return {"items": items} if items else {"items": [_group(name) for name in ASKED], "complete": False}

    def get(self, path: str) -> dict[str, Any] | None:
        resource, namespace, name = layout.resource_of(path)
        for obj in self._objects(resource):
            if name_of(obj) == name and namespace in (None, namespace_of(obj)):
                return obj
        raise _unknown(resource, NOT_THERE)

    def list(self, path: str, **options: Any) -> Objects:
        """Options as of `_k8s.Cluster.list`; of label selectors only "!key" is understood, the one form that is asked for."""
        reduce: Callable[[dict[str, Any]], Any] = options["reduce"]
        resource = layout.resource_of(path)[0]
        if options.get("metadata_only") and resource == CRDS:
            return [reduce({"metadata": {"name": place.name}}) for place in self._there(resource) if place.name]
        selector = str(options.get("label_selector") or "")
        return [reduce(obj) for obj in self._objects(resource) if _selects(selector, mapping(obj, "metadata", "labels"))]

    def _there(self, resource: str) -> Places:
        found = self.places.get(resource)
        if found is None and not (resource in OLM and self._olm_gathered()):
            raise _unknown(resource, NOT_THERE)
        return found or []

    def _olm_gathered(self) -> bool:
        return any(map(layout.is_version, self.files)) and all(sign in self.places for sign in OLM_SIGNS)

    def _objects(self, resource: str) -> Objects:
        """Each object once, whichever image's folder has it; an object's own file goes before a list that has it too."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for place in sorted(self._there(resource), key=lambda place: place.name is None):
            for obj in self._of(place):
                found.setdefault((namespace_of(obj), name_of(obj)), obj)
        return list(found.values())

    def _of(self, place: Place) -> Objects:
        try:
            return _items(self._document(place.path), place)
        except documents.Broken as error:
            if place.name is None or place.resource not in PER_NODE:
                raise _unknown(place.resource, f"{place.path}: {error}") from error
            self._note(place.path, str(error))
            return [{"metadata": {"name": place.name}}]

    def _document(self, name: str) -> dict[str, Any]:
        raw = self.files[name]
        if raw is None:
            raise documents.Broken(f"larger than {documents.MAX_BYTES // 2**20} MiB")
        return documents.parse(raw)

    def _note(self, name: str, why: str) -> None:
        note = {"what": printable(name), "why": printable(why)}
        if note not in self.notes:
            self.notes.append(note)

    def _one_cluster(self) -> None:
        """Folders of two clusters side by side would give the facts of neither."""
        ids: set[str] = set()
        for place in self.places.get("clusterversions.config.openshift.io", []):
            try:
                objects = _items(self._document(place.path), place)
            except documents.Broken:
                continue
            ids |= {found for obj in objects if (found := text(obj, "spec", "clusterID"))}
        if len(ids) > 1:
            raise DataError(
                "This is more than one must-gather", ascii(self.path)[1:-1], f"it holds data of the clusters {' and '.join(sorted(ids))}",
                "Give the folder of one of them.",
            )  # fmt: skip


def _items(document: dict[str, Any], place: Place) -> Objects:
    """The objects of one file: a list, or the one that it is named after."""
    items: Any = document.get("items") if place.name is None or "items" in document else [document]
    if not isinstance(items, list) or not all(isinstance(item, dict) and name_of(item) for item in items):
        raise documents.Broken("an object has no name, or the list isn't one")
    return items


def _group(name: str) -> dict[str, Any]:
    plural, _dot, group = name.partition(".")
    resource = {"resource": plural, "responseKind": {"kind": plural}}
    return {"metadata": {"name": group}, "versions": [{"version": "v1", "resources": [resource]}]}


def _unknown(resource: str, why: str) -> Unreadable:
    return Unreadable(
        "A part of the must-gather can't be used", resource, printable(why), "Gather again, or gather that part too."
    )


def _selects(selector: str, labels: dict[str, Any]) -> bool:
    """The two selectors that the snapshot uses: "key" (it has the label) and "!key"; an empty one selects all."""
    key = selector.removeprefix("!")
    return not key or (key in labels) != selector.startswith("!")


def printable(text_: str) -> str:
    """Names come from strangers' archives: control characters are shown as escapes, and the length is bounded."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text_)
    return shown if len(shown) <= 300 else "..." + shown[-297:]
