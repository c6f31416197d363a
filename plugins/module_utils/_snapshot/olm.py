# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators as OLM has them: Subscriptions, ClusterServiceVersions, catalogs, packages."""

from __future__ import annotations

from typing import Any

from .gitops import tool
from .values import dig, mapping, name_of, namespace_of, rows, text

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "llmd-openshift"


def managed_by(obj: Any) -> str | None:
    """Which tool says that it manages the object: the common label, or the marks of a GitOps tool."""
    return text(mapping(obj, "metadata", "labels"), MANAGED_BY) or tool(obj)


def subscription(obj: dict[str, Any]) -> dict[str, Any]:
    """One Subscription; `csv_phase` is filled in by `with_phases`."""
    manager = managed_by(obj)
    return {
        "package": text(obj, "spec", "name"),
        "namespace": namespace_of(obj),
        "subscription": name_of(obj),
        "channel": text(obj, "spec", "channel"),
        "catalog": text(obj, "spec", "source"),
        "catalog_namespace": text(obj, "spec", "sourceNamespace"),
        "approval": text(obj, "spec", "installPlanApproval"),
        "starting_csv": text(obj, "spec", "startingCSV"),
        "installed_csv": text(obj, "status", "installedCSV"),
        "current_csv": text(obj, "status", "currentCSV"),
        "csv_phase": None,
        "state": text(obj, "status", "state"),
        "install_plan": text(obj, "status", "installPlanRef", "name"),
        "managed_by": manager,
        "ours": manager == OURS,
    }


def operator_group(obj: dict[str, Any]) -> dict[str, Any]:
    """One OperatorGroup. No targets and no selector: it is for all namespaces."""
    listed = dig(obj, "spec", "targetNamespaces")
    targets = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    selector = mapping(obj, "spec", "selector")
    manager = managed_by(obj)
    return {
        "name": name_of(obj),
        "namespace": namespace_of(obj),
        "targets": targets,
        "all_namespaces": not targets and not selector,
        "managed_by": manager,
        "ours": manager == OURS,
    }


def csv(obj: dict[str, Any]) -> dict[str, Any]:
    """One ClusterServiceVersion."""
    return {
        "name": name_of(obj),
        "namespace": namespace_of(obj),
        "phase": text(obj, "status", "phase"),
        "reason": text(obj, "status", "reason"),
    }


def with_phases(
    operators: list[dict[str, Any]] | None, csvs: list[dict[str, Any]] | None
) -> list[dict[str, Any]] | None:
    """The Subscriptions with the phase of their CSV (the installed one, else the one being installed)."""
    if operators is None:
        return None
    phases = {(row["namespace"], row["name"]): row["phase"] for row in csvs or []}
    return [
        {**row, "csv_phase": phases.get((row["namespace"], row["installed_csv"] or row["current_csv"]))}
        for row in operators
    ]


def catalog(obj: dict[str, Any]) -> dict[str, Any]:
    """One CatalogSource; READY is the state that serves packages."""
    return {
        "name": name_of(obj),
        "namespace": namespace_of(obj),
        "state": text(obj, "status", "connectionState", "lastObservedState"),
        "image": text(obj, "spec", "image"),
    }


def package(obj: dict[str, Any]) -> dict[str, Any]:
    """One PackageManifest without its icons and descriptions (hundreds of kB each)."""
    channels = [
        {
            "name": text(row, "name"),
            "current_csv": text(row, "currentCSV"),
            "entries": [name for entry in rows(row, "entries") if (name := text(entry, "name"))],
            "repositories": _repositories(dig(row, "currentCSVDesc", "relatedImages")),
        }
        for row in rows(obj, "status", "channels")
    ]
    return {
        "package": text(obj, "status", "packageName") or name_of(obj),
        "catalog": text(obj, "status", "catalogSource"),
        "catalog_namespace": text(obj, "status", "catalogSourceNamespace"),
        "channels": channels,
        "default_channel": text(obj, "status", "defaultChannel"),
    }


def _repositories(images: Any) -> list[str]:
    """Where the images of a channel's head come from: registry and repository, without tag and digest."""
    listed = images if isinstance(images, list) else []
    found = set()
    for image in listed:
        folder, slash, name = str(image).partition("@")[0].rpartition("/")  # a colon before the last slash is a port
        found.add(f"{folder}{slash}{name.partition(':')[0]}")
    return sorted(found - {""})


def is_copied(obj: dict[str, Any]) -> bool:
    """A CSV that OLM copied into another namespace (AllNamespaces mode)."""
    return dig(obj, "metadata", "labels", "olm.copiedFrom") is not None
