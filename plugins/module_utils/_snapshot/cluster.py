# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster itself: identity, OpenShift version and history, platform, networks."""

from __future__ import annotations

from typing import Any

from .values import condition, conditions, dig, name_of, number, rows, text

HISTORY = 10  # newest entries kept


def identity(version: Any, infrastructure: Any) -> dict[str, Any]:
    """Who the cluster says it is."""
    return {
        "id": text(version, "spec", "clusterID"),
        "api_url": text(infrastructure, "status", "apiServerURL"),
        "name": text(infrastructure, "status", "infrastructureName"),
    }


def openshift(version: Any) -> dict[str, Any]:
    """The version that is completely rolled out (not the one being rolled out), its history and conditions."""
    history = [
        {
            "version": text(row, "version"),
            "state": text(row, "state"),
            "started": text(row, "startedTime"),
            "completed": text(row, "completionTime"),
        }
        for row in rows(version, "status", "history")[:HISTORY]
    ]
    return {
        "version": next((row["version"] for row in history if row["state"] == "Completed"), None),
        "channel": text(version, "spec", "channel"),
        "upgrading": condition(version, "Progressing"),
        "history": history,
        "conditions": conditions(version),
    }


def platform(infrastructure: Any) -> dict[str, Any]:
    """Where the cluster runs and how its control plane is laid out."""
    return {
        "type": text(infrastructure, "status", "platformStatus", "type") or text(infrastructure, "status", "platform"),
        "control_plane_topology": text(infrastructure, "status", "controlPlaneTopology"),
        "infrastructure_topology": text(infrastructure, "status", "infrastructureTopology"),
    }


def networks(network: Any, infrastructure: Any) -> dict[str, Any]:
    """Pod and service networks in force; the machine network where the platform names it (bare metal, vSphere, Nutanix)."""
    services = dig(network, "status", "serviceNetwork")
    pods = [row for row in rows(network, "status", "clusterNetwork") if text(row, "cidr")]
    kind = (text(infrastructure, "status", "platformStatus", "type") or "").lower()
    machines = dig(infrastructure, "status", "platformStatus", kind, "machineNetworks")
    return {
        "type": text(network, "status", "networkType"),
        "cluster": [text(row, "cidr") for row in pods] if network is not None else None,
        "host_prefixes": [number(row.get("hostPrefix")) for row in pods] if network is not None else None,
        "service": _texts(services),
        "machine": _texts(machines) or None,
        "mtu": number(dig(network, "status", "clusterNetworkMTU")),
    }


def _texts(value: Any) -> list[str] | None:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else None


MirrorSet = tuple[str, list[str]]  # name, and the sources that it has mirrors for


def mirror_set(obj: dict[str, Any]) -> MirrorSet:
    """An ImageDigestMirrorSet, or an ImageContentSourcePolicy, its older form."""
    listed = [*rows(obj, "spec", "imageDigestMirrors"), *rows(obj, "spec", "repositoryDigestMirrors")]
    return name_of(obj), [source for row in listed if (source := text(row, "source"))]


def mirrors(hub: Any, digest: list[MirrorSet] | None, tag: list[str] | None, policies: list[MirrorSet] | None = None) -> dict[str, Any]:
    """Signs of a cluster that can't reach the internet: mirror sets, and default catalogs that are switched off."""
    off = dig(hub, "spec", "disableAllDefaultSources")
    known = digest is not None or policies is not None
    return {
        "digest": None if digest is None else [name for name, _sources in digest],
        "tag": tag,
        "policies": None if policies is None else [name for name, _sources in policies],
        "sources": sorted({source for _name, sources in [*(digest or []), *(policies or [])] for source in sources}) if known else None,
        "default_catalogs_disabled": None if hub is None else off is True,
    }


def image_registry(config: dict[str, Any] | None) -> dict[str, Any] | None:
    """The internal image registry: Managed, Removed or Unmanaged."""
    return None if config is None else {"management_state": text(config, "spec", "managementState")}
