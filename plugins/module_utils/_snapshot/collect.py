# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one cluster once and puts the snapshot together. The only file of this folder that asks an API."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from ansible_collections.llmd.openshift.plugins.module_utils._errors import Forbidden, KindMissing, Unreadable

from . import applied, disks, features, helm, kinds, machine_configs, nics, nodes, objects, olm, platform_objects, pools
from . import cluster as whole
from .values import name_of, text

CONFIG = "/apis/config.openshift.io/v1"
OLM = "operators.coreos.com"
PACKAGES = "packagemanifests.packages.operators.coreos.com"
STREAMS = "imagestreams.image.openshift.io"
NFD = "nodefeatures.nfd.k8s-sigs.io"
SRIOV = "sriovnetworknodestates.sriovnetwork.openshift.io"
LVMS = "lvmvolumegroupnodestatuses.lvm.topolvm.io"
DISCOVERED_DISKS = "localvolumediscoveryresults.local.storage.openshift.io"
REGISTRY = "/apis/imageregistry.operator.openshift.io/v1/configs/cluster"
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
        self.applied: list[dict[str, Any]] = []
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
        return self.attempt(name, lambda: self.api.list(resource.path(), reduce=self._noting(name, reduce), **options))

    def _noting(self, name: str, reduce: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        """`reduce`, which also keeps what we have applied as it is."""

        def noted(obj: dict[str, Any]) -> Any:
            if applied.wanted(name, obj):
                self.applied.append(applied.described(obj))
            return reduce(obj)

        return noted

    def core(self, plural: str, reduce: Callable[[dict[str, Any]], Any], **options: Any) -> list[Any] | None:
        """All objects of a core (`v1`) resource."""
        return self.attempt(plural, lambda: self.api.list(f"/api/v1/{plural}", reduce=reduce, **options))


def read(
    api: Api,
    catalog: dict[str, Any],
    packages: list[str],
    image_streams: list[str],
    read_at: str,
    labels: Sequence[str] = (),
) -> dict[str, Any]:
    """The snapshot of docs/architecture.md 3.3.

    :param catalog: data/accelerators.yml.
    :param packages: OLM packages to look up in the catalogs.
    :param image_streams: "namespace/name" of the ImageStreams to resolve.
    :param read_at: RFC 3339 time of the reading.
    :param labels: keys of node labels to keep beside those of hardware and place.
    """
    with _no_collector():
        return _read(Reader(api), catalog, packages, image_streams, read_at, labels)


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Answers of an API are trees: Python's search for cycles among millions of parts finds nothing and doubles the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _read(
    reader: Reader, catalog: dict[str, Any], packages: list[str], streams: list[str], read_at: str, labels: Sequence[str]
) -> dict[str, Any]:
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
        "labels_read": sorted(set(labels)),
        "nodes": _nodes(reader, pool_rows, catalog, labels),
        "pools": None if pool_rows is None else [pools.describe(row) for row in pool_rows],
        # Rendered ones (large, many) carry no role.
        "machine_configs": reader.all(
            "machineconfigs.machineconfiguration.openshift.io", machine_configs.reduce, label_selector=machine_configs.ROLE
        ),
        "crds": _crds(reader),
        "pdbs": reader.all("poddisruptionbudgets.policy", platform_objects.disruption_budget),
        "storage_classes": reader.all("storageclasses.storage.k8s.io", platform_objects.storage_class),
        "gateway_classes": reader.all("gatewayclasses.gateway.networking.k8s.io", platform_objects.gateway_class),
        "gateways": reader.all("gateways.gateway.networking.k8s.io", platform_objects.gateway),
        "objects": {kind: reader.all(name, objects.trim) for kind, name in objects.KINDS.items()},
        "image_streams": _images(reader, streams),
        "image_registry": whole.image_registry(reader.one("configs.imageregistry.operator.openshift.io", REGISTRY)),
        "helm": reader.all("deployments.apps", helm.deployment, label_selector=helm.SELECTOR, metadata_only=True),
        **_olm(reader, packages),
    }
    return {**snapshot, "applied": reader.applied, "unreadable": reader.unreadable}


def _nodes(
    reader: Reader, pool_rows: list[dict[str, Any]] | None, catalog: dict[str, Any], labels: Sequence[str]
) -> list[dict[str, Any]] | None:
    found = reader.core("nodes", nodes.reduce, leave_out=("managedFields", "images"))
    if found is None:
        return None
    by_node = features.by_node(reader.all(NFD, features.reduce, leave_out=("managedFields",)))
    sriov = dict(reader.all(SRIOV, nics.from_sriov) or [])
    drives = disks.by_node(reader.all(LVMS, disks.from_lvms), reader.all(DISCOVERED_DISKS, disks.from_local_storage))
    ordered = sorted(found, key=lambda node: node["name"])
    alike: dict[Any, Any] = {}
    return [
        nodes.describe(
            node, by_node.get(node["name"]), sriov.get(node["name"]), drives.get(node["name"]), pool_rows, catalog, labels, alike
        )
        for node in ordered
    ]


def _mirrors(reader: Reader) -> dict[str, Any]:
    hub = reader.one("operatorhubs.config.openshift.io", f"{CONFIG}/operatorhubs/cluster")
    digest = reader.all("imagedigestmirrorsets.config.openshift.io", whole.mirror_set)
    tag = reader.all("imagetagmirrorsets.config.openshift.io", name_of)
    return whole.mirrors(hub, digest, tag, reader.all("imagecontentsourcepolicies.operator.openshift.io", whole.mirror_set))


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
        "operator_groups": reader.all(f"operatorgroups.{OLM}", olm.operator_group),
        "catalogs": reader.all(f"catalogsources.{OLM}", olm.catalog),
        "packages": _packages(reader, packages, subscriptions),
    }


def _packages(reader: Reader, names: list[str], operators: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Each package on its own: the whole list of an OpenShift's catalogs is tens of megabytes.

    Of an operator that is installed the catalogs have nothing to say, unless an update waits for it: nobody decides by them any more.
    """
    installed = {row["package"] for row in operators or [] if row["installed_csv"] and row["current_csv"] in (None, row["installed_csv"])}
    found: list[dict[str, Any]] = []
    for name in sorted(set(names) - installed):
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
