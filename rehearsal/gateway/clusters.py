# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envoy clusters: Services, pools whose endpoint is picked by a header, endpoint pickers, Authorino."""

from __future__ import annotations

import hashlib

from rehearsal.gateway.backends import Backend, Picker
from rehearsal.gateway.policies import AUTH_CLUSTER
from rehearsal.gateway.world import Obj, World, host_of

TYPE = "type.googleapis.com/envoy"
PICKED = "x-gateway-destination-endpoint"  # the endpoint picker protocol's header and metadata key (GIE proposal 004)


def service_cluster(backend: Backend, world: World) -> Obj:
    """Cluster of a Service's port: its ready endpoints, round robin."""
    return _static(backend.cluster, _addresses(backend.name, backend.port, world), world.tls_of(host_of(backend.name)))


def pool_cluster(backend: Backend, world: World) -> Obj:
    """Cluster of an InferencePool: the picked endpoint when there is one, else round robin over all.

    The second half is what a pool with failureMode FailOpen lives on while its picker is dead. TLS comes from the rule for
    the shadow Service, as in Istio.
    """
    pool = world.pool(backend.name)
    addresses = world.pool_endpoints(pool) if pool else []
    cluster = _static(backend.cluster, addresses, world.tls_of(host_of((backend.name[0], shadow_name(backend.name[1])))))
    plain = {"name": "envoy.load_balancing_policies.round_robin", "typed_config": {
        "@type": f"{TYPE}.extensions.load_balancing_policies.round_robin.v3.RoundRobin"}}
    cluster["load_balancing_policy"] = {"policies": [{"typed_extension_config": {
        "name": "envoy.load_balancing_policies.override_host",
        "typed_config": {
            "@type": f"{TYPE}.extensions.load_balancing_policies.override_host.v3.OverrideHost",
            "override_host_sources": [
                {"header": PICKED},
                {"metadata": {"key": "envoy.lb", "path": [{"key": PICKED}]}},
            ],
            "fallback_policy": {"policies": [{"typed_extension_config": plain}]},
        },
    }}]}
    return cluster


def picker_cluster(picker: Picker, world: World) -> Obj:
    """Cluster of an endpoint picker: gRPC, so HTTP/2 always; TLS when a DestinationRule says so."""
    service = world.service(picker.service)
    addresses = _addresses(picker.service, picker.port, world) if service else []
    return _http2(_static(picker.cluster, addresses, world.tls_of(host_of(picker.service)), alpn=["h2"]))


def auth_cluster(world: World, over_tls: bool) -> Obj:
    """Cluster of Authorino; without endpoints while it doesn't run, so that covered requests fail and don't pass."""
    authorino = world.authorino
    addresses = [(authorino.address, authorino.port)] if authorino and authorino.address else []
    tls = {"sni": authorino.host if authorino else "", "insecureSkipVerify": True} if over_tls else None
    return _static(AUTH_CLUSTER, addresses, tls)


def shadow_name(pool: str) -> str:
    """Name of the headless Service that Istio makes for a pool: `<pool>-ip-<8 hex digits>`."""
    # Istio takes 8 digits of a SHA-256 over the name (pilot/pkg/config/kube/gatewaycommon, InferencePoolServiceName).
    return f"{pool[:51]}-ip-{hashlib.sha256(pool.encode()).hexdigest()[:8]}"


def _addresses(name: tuple[str, str], port: int, world: World) -> list[tuple[str, int]]:
    service = world.service(name)
    for item in (service or {}).get("spec", {}).get("ports") or []:
        if item["port"] == port:
            return world.endpoints(name, item.get("name"))
    return []


def _static(name: str, addresses: list[tuple[str, int]], tls: Obj | None, alpn: list[str] | None = None) -> Obj:
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}} for address, port in addresses
    ]
    cluster: Obj = {
        "@type": f"{TYPE}.config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}] if endpoints else []},
    }
    if tls is not None:
        common: Obj = {"alpn_protocols": alpn or ["http/1.1"]}
        context: Obj = {"@type": f"{TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext", "common_tls_context": common}
        if tls.get("sni"):
            context["sni"] = tls["sni"]
        cluster["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": context}
    return cluster


def _http2(cluster: Obj) -> Obj:
    key = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = {"@type": f"type.googleapis.com/{key}", "explicit_http_config": {"http2_protocol_options": {}}}
    return {**cluster, "typed_extension_protocol_options": {key: options}}
