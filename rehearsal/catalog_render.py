# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a compact catalog (catalogs/<name>.yaml) into the blobs of a file-based catalog. Pure: no file, no cluster.

``render(catalog, crd, openshift="4.20", scenario={...}) -> [olm.package, olm.channel ..., olm.bundle ...]``; write them as one JSON
document after another and ``opm serve`` that folder. ``crd("nfd.openshift.io/NodeFeatureDiscovery")`` gives the
CustomResourceDefinition of ``<group>/<Kind>``; it must raise for one that it doesn't know.

A package in the compact form (schema: schema/catalog.json)::

    package, display, provider      names for people
    csv: nfd.{version}              how the ClusterServiceVersion is called
    namespace                       suggested namespace; a version may have its own
    install_modes                   the supported ones; the others are written as unsupported
    versions: {4.20.0: {created, openshift: 4.19-4.21, owns, needs: {package: range}, examples: [objects]}}
                                    openshift: only catalogs of these minors have it; no key = all
    skip_range: ">=4.9.0 <{version}"  versions from which OLM may go straight to this one
    channels: {stable: [old, new]}  in the order of updates: each replaces the one before it that this catalog has;
                                    "3.3.0 <- >=3.2.0 <3.3.0": with this skipRange of its own
    default_channel                 {openshift} stands for the minor, as in stable-{openshift}
    owns: [group/Kind, group/Kind@v1]  CRDs that the bundle brings; @v1: only that version of it;
                                    group/Kind@2.25: the schema that is marked as that variant in crds/
    deployments: [{name, image, labels, replicas}], related_images: [...], examples: [objects]

Scenario keys that change a catalog: ``package-missing``, ``csv-fails`` and ``unpack-failure`` (schema/scenario.json).
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Crd = Callable[[str], dict[str, Any]]
MODES = ("OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces")


def render(
    catalog: Mapping[str, Any], crd: Crd, openshift: str = "4.20", scenario: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """All blobs of the catalog of one OpenShift minor (``4.20``); a package without a version for it is left out."""
    missing = (scenario or {}).get("package-missing", {}).get("packages", [])
    failing = (scenario or {}).get("csv-fails", {})
    blobs: list[dict[str, Any]] = []
    for package in catalog["packages"]:
        versions = [version for version, row in package["versions"].items() if has(row, openshift)]
        if not versions or package["package"] in missing:
            continue
        deadline = (
            failing.get("progress_deadline_seconds", 20) if failing.get("package") == package["package"] else None
        )
        blobs += _package(package, versions, openshift)
        bundles = [_bundle(package, version, catalog, crd, deadline) for version in versions]
        packed = (scenario or {}).get("unpack-failure", {}).get("package") == package["package"]
        blobs += [_packed(bundle, package) for bundle in bundles] if packed else bundles
    return blobs


def bundle_image(package: Mapping[str, Any], name: str) -> str:
    """The image that a bundle comes in, where it isn't in the catalog itself; nobody has it."""
    repository = str(package["deployments"][0]["image"]).rsplit("/", 1)
    return f"{repository[0]}/{package['package']}-bundle@{digest(f'bundle {name}')}"


def _packed(bundle: dict[str, Any], package: Mapping[str, Any]) -> dict[str, Any]:
    """The bundle as the vendor's catalogs have it: an image that OLM must unpack, and only a description of the CSV."""
    manifests = [json.loads(base64.b64decode(p["value"]["data"])) for p in bundle["properties"] if p["type"] == "olm.bundle.object"]
    csv = next(manifest for manifest in manifests if manifest["kind"] == "ClusterServiceVersion")
    spec = csv["spec"]
    metadata = {key: spec[key] for key in ("description", "displayName", "installModes", "maturity", "minKubeVersion", "provider")}
    metadata |= {"annotations": csv["metadata"]["annotations"], "crdDescriptions": spec["customresourcedefinitions"]}
    kept = [prop for prop in bundle["properties"] if prop["type"] != "olm.bundle.object"]
    properties = [*kept, {"type": "olm.csv.metadata", "value": metadata}]
    return {**bundle, "image": bundle_image(package, bundle["name"]), "properties": properties}


def csv_name(package: Mapping[str, Any], version: str) -> str:
    """``nfd.4.20.0-202510220911``."""
    return str(package["csv"]).format(version=version)


def digest(name: str) -> str:
    """A stable made-up image digest: nothing pulls it, but it has the shape of one and differs per name."""
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def image_of(repository: str, version: str) -> str:
    """``repository@sha256:...`` of a release."""
    return f"{repository}@{digest(f'{repository}:{version}')}"


def has(row: Mapping[str, Any], openshift: str) -> bool:
    """Whether the catalog of an OpenShift minor has this version of a package."""
    if "openshift" not in row:
        return True
    first, _, last = row["openshift"].partition("-")
    return _minor(first) <= _minor(openshift) <= _minor(last or first)


def _minor(text: str) -> int:
    return int(text.split(".")[1])


def _package(package: Mapping[str, Any], versions: list[str], openshift: str) -> Iterator[dict[str, Any]]:
    channels = {
        name: [(version, span) for version, span in map(channel_entry, chain) if version in versions] for name, chain in package["channels"].items()
    }
    channels = {name: chain for name, chain in channels.items() if chain}
    wanted = package["default_channel"].format(openshift=openshift)
    # A catalog of another minor may lack the default channel; then the newest one stands in, as a package needs a default.
    default = wanted if wanted in channels else list(channels)[-1]
    yield {
        "schema": "olm.package",
        "name": package["package"],
        "defaultChannel": default,
        "description": package["display"],
    }
    for name, chain in channels.items():
        entries: list[dict[str, Any]] = []
        for version, span in chain:
            entry = {"name": csv_name(package, version)}
            if entries:
                entry["replaces"] = entries[-1]["name"]
            if span or "skip_range" in package:
                entry["skipRange"] = span or package["skip_range"].format(version=version)
            entries.append(entry)
        yield {"schema": "olm.channel", "package": package["package"], "name": name, "entries": entries}


def channel_entry(text: str) -> tuple[str, str]:
    """(version, range of its own) of a channel's entry."""
    version, _arrow, span = text.partition(" <- ")
    return version, span


def _bundle(
    package: Mapping[str, Any], version: str, catalog: Mapping[str, Any], crd: Crd, deadline: int | None
) -> dict[str, Any]:
    row = package["versions"][version]
    owned = [_owned(reference, crd) for reference in row.get("owns", package["owns"])]
    csv = _csv(package, version, owned, catalog["publisher"], deadline)
    properties: list[dict[str, Any]] = [
        {"type": "olm.package", "value": {"packageName": package["package"], "version": version}}
    ]
    for definition in owned:
        for served in _served(definition):
            spec = definition["spec"]
            properties.append(
                {"type": "olm.gvk", "value": {"group": spec["group"], "kind": spec["names"]["kind"], "version": served}}
            )
    for needed, bounds in row.get("needs", {}).items():
        properties.append({"type": "olm.package.required", "value": {"packageName": needed, "versionRange": bounds}})
    for manifest in [csv, *owned]:
        data = base64.b64encode(json.dumps(manifest, separators=(",", ":")).encode()).decode()
        properties.append({"type": "olm.bundle.object", "value": {"data": data}})
    return {
        "schema": "olm.bundle",
        "name": csv["metadata"]["name"],
        "package": package["package"],
        "image": "",
        "properties": properties,
        "relatedImages": csv["spec"]["relatedImages"],
    }


def _owned(reference: str, crd: Crd) -> dict[str, Any]:
    name, _, only = reference.partition("@")
    if only and not only.startswith("v"):  # a variant, which has a schema of its own
        name, only = reference, ""
    definition = copy.deepcopy(crd(name))
    definition.pop("status", None)
    if only:
        kept = [version for version in definition["spec"]["versions"] if version["name"] == only]
        if not kept:
            raise ValueError(f"{name} has no version {only}")
        kept[0].update(served=True, storage=True)
        definition["spec"]["versions"] = kept
    return definition


def _served(definition: Mapping[str, Any]) -> list[str]:
    return [version["name"] for version in definition["spec"]["versions"] if version["served"]]


def _csv(
    package: Mapping[str, Any], version: str, owned: list[dict[str, Any]], publisher: str, deadline: int | None
) -> dict[str, Any]:
    row = package["versions"][version]
    images = [
        {"name": deployment["name"], "image": image_of(deployment["image"], version)}
        for deployment in package["deployments"]
    ]
    images += [
        {"name": repository.rsplit("/", 1)[-1], "image": image_of(repository, version)}
        for repository in package.get("related_images", [])
    ]
    annotations = {
        "alm-examples": json.dumps(row.get("examples", package.get("examples", []))),
        "capabilities": "Seamless Upgrades",
        "createdAt": f"{row.get('created', '2026-01-01')}T00:00:00Z",
        "operatorframework.io/suggested-namespace": row.get("namespace", package["namespace"]),
    }
    if "skip_range" in package:
        annotations["olm.skipRange"] = package["skip_range"].format(version=version)
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {"name": csv_name(package, version), "namespace": "placeholder", "annotations": annotations},
        "spec": {
            "displayName": package["display"],
            "description": package["display"],
            "version": version,
            "minKubeVersion": package.get("min_kube", "1.25.0"),
            "maturity": "stable",
            "provider": {"name": package.get("provider", publisher)},
            "installModes": [{"type": mode, "supported": mode in package["install_modes"]} for mode in MODES],
            "customresourcedefinitions": {"owned": _owned_rows(owned)},
            "install": {
                "strategy": "deployment",
                "spec": {
                    "deployments": [_deployment(row, version, deadline) for row in package["deployments"]],
                    "clusterPermissions": [_permissions(row["name"], owned) for row in package["deployments"]],
                },
            },
            "relatedImages": images,
        },
    }


def _owned_rows(owned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": definition["metadata"]["name"],
            "kind": definition["spec"]["names"]["kind"],
            "version": served,
            "displayName": definition["spec"]["names"]["kind"],
            "description": definition["spec"]["names"]["kind"],
        }
        for definition in owned
        for served in _served(definition)
    ]


def _deployment(row: Mapping[str, Any], version: str, deadline: int | None) -> dict[str, Any]:
    container = {
        "name": "manager",
        "image": image_of(row["image"], version),
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec: dict[str, Any] = {
        "replicas": row.get("replicas", 1),
        "selector": {"matchLabels": dict(row["labels"])},
        "template": {
            "metadata": {"labels": dict(row["labels"])},
            "spec": {
                "serviceAccountName": row["name"],
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [container],
            },
        },
    }
    if deadline is not None:
        spec["progressDeadlineSeconds"] = deadline
    return {"name": row["name"], "label": dict(row["labels"]), "spec": spec}


def _permissions(account: str, owned: list[dict[str, Any]]) -> dict[str, Any]:
    groups = sorted({definition["spec"]["group"] for definition in owned})
    rules: list[dict[str, Any]] = [{"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]}]
    if groups:
        rules.append({"apiGroups": groups, "resources": ["*"], "verbs": ["*"]})
    return {"serviceAccountName": account, "rules": rules}
