# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one cluster once and puts the snapshot together. The only file of this folder that asks an API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ansible_collections.llmd.openshift.plugins.module_utils._errors import Forbidden, KindMissing, Unreadable

from . import cluster as whole
from . import features, kinds, nics, nodes, objects, olm, platform_objects, pools
from .values import name_of, text

CONFIG = "/apis/config.openshift.io/v1"
OLM = "operators.coreos.com"
PACKAGES = "packagemanifests.packages.operators.coreos.com"
STREAMS = "imagestreams.image.openshift.io"
NFD = "nodefeatures.nfd.k8s-sigs.io"
SRIOV = "sriovnetworknodestates.sriovnetwork.openshift.io"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Api(Protocol):
    """What is needed of a cluster (`_k8s.Cluster`)."""

    def get(self, path: str) -> dict[str, Any] | None: ...
    def list(self, path: str, **options: Any) -> list[Any]: ...
    def discovery(self) -> dict[str, Any]: ...


class Reader:
    """Reads what may be read, and keeps account of the rest: `unreadable` says what and why."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.unreadable: list[dict[str, str]] = []
        discovery = self.api.discovery()
        self.served = kinds.served(discovery)
        self.all_known = discovery.get("complete") is not False  # a must-gather may lack the list of served resources

    def attempt(self, what: str, read: Callable[[], Any]) -> Any:
        """What `read` gives; None (and a note) when that is forbidden or absent. Other faults end the reading."""
        try:
            found = read()
        except Forbidden:
            return self.missing(what, "forbidden")
        except KindMissing:
            return self.missing(what, "absent")
        except Unreadable as error:
            return self.missing(what, error.why)
        return self.missing(what, "absent") if found is None else found

    def missing(self, what: str, why: str) -> Any:
        """Notes that `what` is unknown, and why; always None."""
        self.unreadable.append({"what": what, "why": why})
        return None

    def one(self, what: str, path: str) -> dict[str, Any] | None:
        """One object by path; `what` names it in `unreadable`."""
        return self.attempt(what, lambda: self.api.get(path))

    def all(self, name: str, reduce: Callable[[dict[str, Any]], Any], **options: Any) -> list[Any] | None:
        """All objects of a resource (plural.group) over all namespaces; None when absent or forbidden."""
        resource = self.served.get(name)
        if resource is None:
            return self.missing(name, "absent")
        return self.attempt(name, lambda: self.api.list(resource.path(), reduce=reduce, **options))

    def core(self, plural: str, reduce: Callable[[dict[str, Any]], Any]) -> list[Any] | None:
        """All objects of a core (`v1`) resource."""
        return self.attempt(plural, lambda: self.api.list(f"/api/v1/{plural}", reduce=reduce))


def read(
    api: Api, catalog: dict[str, Any], packages: list[str], image_streams: list[str], read_at: str
) -> dict[str, Any]:
    """The snapshot of docs/architecture.md 3.3.

    :param catalog: data/accelerators.yml.
    :param packages: OLM packages to look up in the catalogs.
    :param image_streams: "namespace/name" of the ImageStreams to resolve.
    :param read_at: RFC 3339 time of the reading.
    """
    reader = Reader(api)
    infrastructure = reader.one("infrastructures.config.openshift.io", f"{CONFIG}/infrastructures/cluster")
    version = reader.one("clusterversions.config.openshift.io", f"{CONFIG}/clusterversions/version")
    pool_rows = reader.all("machineconfigpools.machineconfiguration.openshift.io", pools.reduce)
    snapshot = {
        "schema": 1,
        "read_at": read_at,
        "cluster": whole.identity(version, infrastructure),
        "openshift": whole.openshift(version),
        "kubernetes": {"version": text(reader.one("version", "/version"), "gitVersion")},
        "platform": whole.platform(infrastructure),
        "networks": whole.networks(
            reader.one("networks.config.openshift.io", f"{CONFIG}/networks/cluster"), infrastructure
        ),
        "mirrors": _mirrors(reader),
        "nodes": _nodes(reader, pool_rows, catalog),
        "pools": None if pool_rows is None else [pools.describe(row) for row in pool_rows],
        "crds": _crds(reader),
        "pdbs": reader.all("poddisruptionbudgets.policy", platform_objects.disruption_budget),
        "storage_classes": reader.all("storageclasses.storage.k8s.io", platform_objects.storage_class),
        "gateway_classes": reader.all("gatewayclasses.gateway.networking.k8s.io", platform_objects.gateway_class),
        "gateways": reader.all("gateways.gateway.networking.k8s.io", platform_objects.gateway),
        "objects": {kind: reader.all(name, objects.trim) for kind, name in objects.KINDS.items()},
        "image_streams": _images(reader, image_streams),
        **_olm(reader, packages),
    }
    return {**snapshot, "unreadable": reader.unreadable}


def _nodes(
    reader: Reader, pool_rows: list[dict[str, Any]] | None, catalog: dict[str, Any]
) -> list[dict[str, Any]] | None:
    found = reader.core("nodes", nodes.reduce)
    if found is None:
        return None
    by_node = features.by_node(reader.all(NFD, features.reduce))
    sriov = dict(reader.all(SRIOV, nics.from_sriov) or [])
    ordered = sorted(found, key=lambda node: node["name"])
    return [
        nodes.describe(node, by_node.get(node["name"]), sriov.get(node["name"]), pool_rows, catalog) for node in ordered
    ]


def _mirrors(reader: Reader) -> dict[str, Any]:
    hub = reader.one("operatorhubs.config.openshift.io", f"{CONFIG}/operatorhubs/cluster")
    digest = reader.all("imagedigestmirrorsets.config.openshift.io", name_of)
    return whole.mirrors(hub, digest, reader.all("imagetagmirrorsets.config.openshift.io", name_of))


def _crds(reader: Reader) -> dict[str, Any] | None:
    names = reader.attempt(
        "customresourcedefinitions.apiextensions.k8s.io",
        lambda: reader.api.list(CRDS, reduce=kinds.crd_name, metadata_only=True),
    )
    return kinds.crds(names, reader.served, reader.all_known)


def _olm(reader: Reader, packages: list[str]) -> dict[str, Any]:
    subscriptions = reader.all(f"subscriptions.{OLM}", olm.subscription)
    csvs = reader.all(f"clusterserviceversions.{OLM}", olm.csv, label_selector="!olm.copiedFrom")
    return {
        "operators": olm.with_phases(subscriptions, csvs),
        "csvs": csvs,
        "catalogs": reader.all(f"catalogsources.{OLM}", olm.catalog),
        "packages": _packages(reader, packages),
    }


def _packages(reader: Reader, names: list[str]) -> list[dict[str, Any]] | None:
    """Each package on its own: the whole list of an OpenShift's catalogs is tens of megabytes."""
    found: list[dict[str, Any]] = []
    for name in sorted(set(names)):
        rows = reader.all(PACKAGES, olm.package, field_selector=f"metadata.name={name}")
        if rows is None:
            return None
        found += rows
    return found


def _images(reader: Reader, streams: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for stream in streams:
        namespace, _slash, name = stream.partition("/")
        resource = reader.served.get(STREAMS)
        path = f"/apis/image.openshift.io/v1/namespaces/{namespace}/imagestreams/{name}"
        what = f"{STREAMS} {stream}"
        document = reader.one(what, path) if resource else reader.missing(what, "absent")
        found[stream] = platform_objects.image_of(document)
    return found
