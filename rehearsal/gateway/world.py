# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects that decide what a gateway serves, as one value with the look-ups that the other files need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]
Name = tuple[str, str]  # (namespace, name)

CONTROLLER = "openshift.io/gateway-controller/v1"  # rhoai-llmd.md 3.2; Istio is told the same name by the ingress operator
GATEWAY_GROUP = "gateway.networking.k8s.io"
POOL_GROUP = "inference.networking.k8s.io"
OLD_POOL_GROUP = "inference.networking.x-k8s.io"


def name_of(obj: Obj) -> Name:
    """(namespace, name) of an object."""
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def host_of(name: Name) -> str:
    """The Service's host name inside the cluster."""
    return f"{name[1]}.{name[0]}.svc.cluster.local"


@dataclass(frozen=True)
class Authorino:
    """Where the gateway finds the authorisation service. `tls`: it serves TLS; `address` None: it doesn't run."""

    address: str | None
    port: int
    tls: bool
    host: str


@dataclass
class World:
    """One look at the cluster. Lists hold objects as the API server returns them; nothing in here is ever changed."""

    gateways: list[Obj] = field(default_factory=list)  # of classes that we control only
    routes: list[Obj] = field(default_factory=list)
    namespaces: list[Obj] = field(default_factory=list)
    services: list[Obj] = field(default_factory=list)
    slices: list[Obj] = field(default_factory=list)
    pools: list[Obj] = field(default_factory=list)  # inference.networking.k8s.io only: what Istio of 4.20 serves
    pods: list[Obj] = field(default_factory=list)
    grants: list[Obj] = field(default_factory=list)
    destination_rules: list[Obj] = field(default_factory=list)
    auth_policies: list[Obj] = field(default_factory=list)
    envoy_filters: list[Obj] = field(default_factory=list)
    secrets: dict[Name, Obj] = field(default_factory=dict)  # certificates that listeners name
    pool_kind_served: bool = True
    authorino: Authorino | None = None

    def __post_init__(self) -> None:
        self._services = index(self.services)
        self._pools = index(self.pools)
        self._labels = {obj["metadata"]["name"]: obj["metadata"].get("labels") or {} for obj in self.namespaces}
        self._gateways = index(self.gateways)
        self._slices: dict[Name, list[Obj]] = {}
        for item in self.slices:
            service = (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
            if service:
                self._slices.setdefault((item["metadata"].get("namespace") or "", service), []).append(item)

    def gateway(self, name: Name) -> Obj | None:
        """The gateway of that name, if it is one of ours."""
        return self._gateways.get(name)

    def service(self, name: Name) -> Obj | None:
        """The Service of that name."""
        return self._services.get(name)

    def pool(self, name: Name) -> Obj | None:
        """The InferencePool (v1 group) of that name."""
        return self._pools.get(name)

    def labels(self, namespace: str) -> dict[str, str]:
        """Labels of a namespace; {} when it isn't there."""
        return self._labels.get(namespace, {})

    def endpoints(self, name: Name, port_name: str | None) -> list[tuple[str, int]]:
        """Ready addresses of a Service's port, from its EndpointSlices, sorted."""
        found: set[tuple[str, int]] = set()
        for item in self._slices.get(name, []):
            ports = [p["port"] for p in item.get("ports") or [] if (p.get("name") or "") == (port_name or "")]
            for endpoint in item.get("endpoints") or []:
                if (endpoint.get("conditions") or {}).get("ready", True):
                    found.update((address, port) for address in endpoint["addresses"] for port in ports)
        return sorted(found)

    def pool_endpoints(self, pool: Obj) -> list[tuple[str, int]]:
        """Address and port of every ready pod that the pool selects, sorted."""
        wanted = (pool["spec"].get("selector") or {}).get("matchLabels") or {}
        ports = [item["number"] for item in pool["spec"].get("targetPorts") or []]
        found: set[tuple[str, int]] = set()
        for pod in self.pods:
            labels = pod["metadata"].get("labels") or {}
            same_namespace = pod["metadata"].get("namespace") == pool["metadata"].get("namespace")
            if same_namespace and wanted and wanted.items() <= labels.items() and is_ready(pod):
                found.update((pod["status"]["podIP"], port) for port in ports)
        return sorted(found)

    def tls_of(self, host: str) -> Obj | None:
        """Client TLS settings that a DestinationRule gives for a host, or None (plain text). The oldest rule wins."""
        rules = [rule for rule in self.destination_rules if rule["spec"].get("host") == host]
        for rule in sorted(rules, key=lambda r: (r["metadata"].get("creationTimestamp") or "", name_of(r))):
            tls = (rule["spec"].get("trafficPolicy") or {}).get("tls") or {}
            if tls.get("mode") in ("SIMPLE", "MUTUAL", "ISTIO_MUTUAL"):
                return tls
        return None

    def granted(self, kind: str, group: str, name: str, namespace: str, from_kind: str, from_namespace: str) -> bool:
        """True when a ReferenceGrant in `namespace` allows the reference, or none is needed (same namespace)."""
        if namespace == from_namespace:
            return True
        for grant in self.grants:
            if grant["metadata"].get("namespace") != namespace:
                continue
            origins = any(
                o["group"] == GATEWAY_GROUP and o["kind"] == from_kind and o["namespace"] == from_namespace
                for o in grant["spec"].get("from") or []
            )
            targets = any(
                (t.get("group") or "") == group and t["kind"] == kind and t.get("name") in (None, "", name)
                for t in grant["spec"].get("to") or []
            )
            if origins and targets:
                return True
        return False


def index(objects: Iterable[Obj]) -> dict[Name, Obj]:
    """Objects by (namespace, name)."""
    return {name_of(obj): obj for obj in objects}


def is_ready(pod: Obj) -> bool:
    """True for a pod with an address, condition Ready and no deletion under way."""
    status = pod.get("status") or {}
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])
    return ready and bool(status.get("podIP")) and not pod["metadata"].get("deletionTimestamp")
