# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a pod's /etc/hosts: the pod's own name, and what the cluster's DNS would answer (pure).

There is no DNS server in a rehearsal. Go, glibc, Envoy and Python all read this file first, and all of them notice changes.
A normal Service has its cluster address (``services.py`` listens there), a headless one its endpoints' addresses.
"""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
DOMAIN = "cluster.local"


def hosts(pod: Obj, pod_ip: str, services: list[Obj], slices: list[Obj]) -> str:
    namespace = pod["metadata"]["namespace"]
    lines = ["# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines.append(f"{pod_ip}\t{' '.join(own_names(pod))}")
    lines.extend(f"{alias['ip']}\t{' '.join(alias.get('hostnames') or [])}" for alias in pod["spec"].get("hostAliases") or [])
    lines.extend(cluster_lines(namespace, services, slices))
    return "\n".join(lines) + "\n"


def hostname(pod: Obj) -> str:
    """At most 63 characters, as the kernel and the kubelet have it."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")


def own_names(pod: Obj) -> list[str]:
    short, subdomain = hostname(pod), pod["spec"].get("subdomain")
    if not subdomain:
        return [short]
    return [f"{short}.{subdomain}.{pod['metadata']['namespace']}.svc.{DOMAIN}", short]


def cluster_lines(namespace: str, services: list[Obj], slices: list[Obj]) -> list[str]:
    """One line an address, as seen from ``namespace`` (whose Services may be called by their short names)."""
    names: dict[str, list[str]] = {}
    for service in services:
        meta, spec = service["metadata"], service["spec"]
        for address in addresses(service, slices):
            names.setdefault(address, []).extend(_names(meta["name"], meta["namespace"], namespace))
        if spec.get("clusterIP") == "None":
            for address, host in _named_endpoints(meta, slices):
                names.setdefault(address, []).extend(_names(f"{host}.{meta['name']}", meta["namespace"], namespace))
    return [f"{address}\t{' '.join(dict.fromkeys(found))}" for address, found in sorted(names.items())]


def addresses(service: Obj, slices: list[Obj]) -> list[str]:
    """What the Service's name resolves to; nothing for a headless one without ready endpoints."""
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return []
    if spec.get("clusterIP") not in (None, "", "None"):
        return [spec["clusterIP"]]
    return list(dict.fromkeys(a for e in _endpoints(service["metadata"], slices) for a in e.get("addresses") or []))


def _names(name: str, namespace: str, seen_from: str) -> list[str]:
    full = [f"{name}.{namespace}.svc.{DOMAIN}", f"{name}.{namespace}.svc", f"{name}.{namespace}"]
    return [*full, name] if namespace == seen_from else full


def _endpoints(meta: Obj, slices: list[Obj]) -> list[Obj]:
    """Ready endpoints of a Service (a missing ``ready`` counts as ready, says the EndpointSlice API)."""
    return [
        endpoint
        for piece in slices
        if piece["metadata"]["namespace"] == meta["namespace"]
        and (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == meta["name"]
        for endpoint in piece.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready", True) is not False
    ]


def _named_endpoints(meta: Obj, slices: list[Obj]) -> list[tuple[str, str]]:
    return [
        (address, endpoint["hostname"])
        for endpoint in _endpoints(meta, slices) if endpoint.get("hostname")
        for address in endpoint.get("addresses") or []
    ]
