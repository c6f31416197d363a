# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ImageSetConfiguration (oc-mirror v2) out of packages and images. Source: oc-mirror, mirror.openshift.io/v2alpha1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import rows, text
from .packages import Package, by_catalog

Item = Mapping[str, Any]


def image_set(found: list[Package], catalogs: Mapping[str, str], images: list[str]) -> dict[str, Any]:
    """:param catalogs: catalog -> index image. :param images: further images."""
    operators = [
        {"catalog": catalogs[name], "packages": [_package(one) for one in group]} for name, group in sorted(by_catalog(found).items()) if name in catalogs
    ]
    mirror: dict[str, Any] = {"operators": operators}
    if images:
        mirror["additionalImages"] = [{"name": image} for image in images]
    return {"apiVersion": "mirror.openshift.io/v2alpha1", "kind": "ImageSetConfiguration", "mirror": mirror}


def _package(one: Package) -> dict[str, Any]:
    channel: dict[str, Any] = {"name": one.channel}
    if one.version:
        channel |= {"minVersion": one.version, "maxVersion": one.version}
    elif one.low:
        channel["minVersion"] = one.low
    return {"name": one.name, "channels": [channel]}


def index_images(found: list[Package], snapshot: Item, table: Item) -> dict[str, str]:
    """Each catalog's index: Red Hat's own by OpenShift's version, that of another CatalogSource as the cluster has it."""
    version = text(snapshot, "openshift", "version") or ""
    minor = ".".join(version.split(".")[:2])
    there = {text(row, "name"): text(row, "image") for row in rows(snapshot, "catalogs") or []}
    made: dict[str, str] = {}
    for one in found:
        index = table["indexes"].get(one.catalog)
        image = f"{index}:v{minor}" if index and minor else there.get(one.catalog)
        if image:
            made[one.catalog] = image
    return made


def further_images(declared: Item, table: Item, vendor: str) -> list[str]:
    """Images that no bundle names: what the vendor's driver needs, the model, and those that the declaration names."""
    uri = str(declared.get("model_uri") or "")
    named = [declared.get(key) for key in ("probe_image", "fabric_check_image")]
    found = [row["image"] for row in table["images"] if vendor in row["vendors"]]
    found += [uri.removeprefix("oci://")] if uri.startswith("oci://") else []
    return list(dict.fromkeys([*found, *(str(image) for image in named if image)]))


def notes(found: list[Package], declared: Item, table: Item, vendor: str, catalogs: Mapping[str, str], without_images: list[str]) -> list[str]:
    """What the list can't hold, or holds without a digest, for people."""
    said = [f"{one.name}: {one.note}" for one in found if one.note]
    said += [f"{one.name}: nobody knows the index image of catalog {one.catalog}" for one in found if one.catalog not in catalogs]
    said += [f"{row['image']}: {row['why']} ({row['source']})" for row in table["images"] if vendor in row["vendors"]]
    uri = str(declared.get("model_uri") or "")
    if uri.startswith("hf://"):
        said.append(f"{uri}: nodes load it from huggingface.co; in a disconnected site give the model as oci://, s3:// or pvc://")
    said += [f"{image}: named by tag, not by digest" for image in further_images(declared, table, vendor) if "@sha256:" not in image]
    return said + [f"{name}: its images aren't shown by the API, oc-mirror finds them in the bundle" for name in without_images]
