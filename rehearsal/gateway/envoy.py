# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three dynamic Envoy files of one gateway (listeners, clusters, routes), ready to be written."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from rehearsal.gateway.attach import Attachment
from rehearsal.gateway.clusters import TYPE, auth_cluster, picker_cluster, pool_cluster, service_cluster
from rehearsal.gateway.policies import auth_over_tls
from rehearsal.gateway.routes import EXT_AUTHZ, EXT_PROC, auth_service, port_routes
from rehearsal.gateway.world import Obj, World, name_of

# Istio's text access log, shortened to what tells the upstream; rhoai-llmd.md 6.3 uses the upstream host as evidence.
LOG_FORMAT = (
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% "
    "%RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER%\n"
)


@dataclass(frozen=True)
class Files:
    """DiscoveryResponses. `cds` must be written before the routes and `lds`, which refer to clusters.

    Routes are one file a port, by name: Envoy takes exactly one route configuration from a file.
    """

    cds: Obj
    rds: dict[str, Obj]
    lds: Obj


def render(gateway: Obj, attached: list[Attachment], world: World, folder: str) -> Files:
    """Configuration of one gateway. `folder` is where the files will lie, as the gateway's process sees it."""
    ports: dict[int, list[Obj]] = {}
    for listener in gateway["spec"].get("listeners") or []:
        if listener["protocol"] in ("HTTP", "HTTPS"):
            ports.setdefault(listener["port"], []).append(listener)
    clusters = {"": auth_cluster(world, auth_over_tls(gateway, world))}
    routes: dict[str, Obj] = {}
    listeners = []
    for port, here in sorted(ports.items()):
        found = port_routes(port, attached, world)
        name = f"http.{port}"
        hosts = found.virtual_hosts or [{"name": "none", "domains": ["*"]}]
        configuration = {"@type": f"{TYPE}.config.route.v3.RouteConfiguration", "name": name, "virtual_hosts": hosts}
        routes[f"rds-{port}"] = _response([configuration])
        listener = _listener(gateway, port, here, name, f"{folder}/rds-{port}.yaml", world)
        if listener is not None:
            listeners.append(listener)
        for backend in found.backends:
            make = pool_cluster if backend.picker else service_cluster
            clusters[backend.cluster] = make(backend, world)
            if backend.picker:
                clusters[backend.picker.cluster] = picker_cluster(backend.picker, world)
    return Files(_response(list(clusters.values())), routes, _response(listeners))


def _response(resources: list[Obj]) -> Obj:
    return {"resources": resources}


def _listener(gateway: Obj, port: int, listeners: list[Obj], route: str, rds_path: str, world: World) -> Obj | None:
    chains = []
    for listener in listeners:
        chain: Obj = {"filters": [_manager(route, rds_path)]}
        if listener["protocol"] == "HTTPS":
            context = tls_context(gateway, listener, world)
            if context is None:
                continue  # no certificate: the listener is not programmed, its status says why
            chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": context}
            if listener.get("hostname"):
                chain["filter_chain_match"] = {"server_names": [listener["hostname"]]}
        if chain not in chains:  # HTTP listeners of one port differ in host names only, and those are in the routes
            chains.append(chain)
    if not chains:
        return None
    listener_filters = [{"name": "envoy.filters.listener.tls_inspector", "typed_config": {
        "@type": f"{TYPE}.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}]
    return {
        "@type": f"{TYPE}.config.listener.v3.Listener",
        "name": f"0.0.0.0_{port}",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "filter_chains": chains,
        **({"listener_filters": listener_filters} if any("transport_socket" in c for c in chains) else {}),
    }


def tls_context(gateway: Obj, listener: Obj, world: World) -> Obj | None:
    """DownstreamTlsContext from the listener's first usable certificate Secret, or None."""
    namespace = name_of(gateway)[0]
    for ref in (listener.get("tls") or {}).get("certificateRefs") or []:
        secret = world.secrets.get((ref.get("namespace") or namespace, ref["name"]))
        data = (secret or {}).get("data") or {}
        if data.get("tls.crt") and data.get("tls.key"):
            pair = {
                "certificate_chain": {"inline_string": base64.b64decode(data["tls.crt"]).decode()},
                "private_key": {"inline_string": base64.b64decode(data["tls.key"]).decode()},
            }
            common = {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [pair]}
            return {"@type": f"{TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": common}
    return None


def _manager(route: str, rds_path: str) -> Obj:
    log = {"name": "envoy.access_loggers.stdout", "typed_config": {
        "@type": f"{TYPE}.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"text_format_source": {"inline_string": LOG_FORMAT}},
    }}
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": route,
        "rds": {"route_config_name": route, "config_source": {"path_config_source": {"path": rds_path}, "resource_api_version": "V3"}},
        "strip_any_host_port": True,
        "normalize_path": True,
        "merge_slashes": True,
        "stream_idle_timeout": "3600s",
        "access_log": [log],
        "http_filters": [_authz(), _ext_proc(), {"name": "envoy.filters.http.router", "typed_config": {
            "@type": f"{TYPE}.extensions.filters.http.router.v3.Router"}}],
    }}


def _authz() -> Obj:
    return {"name": EXT_AUTHZ, "disabled": True, "typed_config": {
        "@type": f"{TYPE}.extensions.filters.http.ext_authz.v3.ExtAuthz",
        "http_service": auth_service("/none"),
        "failure_mode_allow": False,
        # Kuadrant's filter answers 500, not 403, when it can't reach Authorino (rhoai-llmd.md 7 row 4).
        "status_on_error": {"code": "InternalServerError"},
    }}


def _ext_proc() -> Obj:
    modes = {"request_header_mode": "SEND", "response_header_mode": "SEND", "request_trailer_mode": "SEND", "response_trailer_mode": "SEND"}
    return {"name": EXT_PROC, "disabled": True, "typed_config": {
        "@type": f"{TYPE}.extensions.filters.http.ext_proc.v3.ExternalProcessor",
        "grpc_service": {"envoy_grpc": {"cluster_name": "none"}},
        "message_timeout": "10s",
        "processing_mode": {**modes, "request_body_mode": "FULL_DUPLEX_STREAMED", "response_body_mode": "FULL_DUPLEX_STREAMED"},
        "metadata_options": {"receiving_namespaces": {"untyped": ["envoy.lb"]}},
    }}
