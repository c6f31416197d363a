# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envoy virtual hosts and routes for one port of a gateway."""

from __future__ import annotations

from dataclasses import dataclass

from rehearsal.gateway.attach import Attachment
from rehearsal.gateway.backends import Backend, resolve
from rehearsal.gateway.clusters import TYPE
from rehearsal.gateway.matching import bad_filter, envoy_match, header_changes, rank, redirect, rewrite, seconds
from rehearsal.gateway.policies import AUTH_CLUSTER, effective
from rehearsal.gateway.world import Obj, World, name_of

EXT_PROC = "envoy.filters.http.ext_proc"
EXT_AUTHZ = "envoy.filters.http.ext_authz"


@dataclass
class PortRoutes:
    """Virtual hosts of a port, and the backends that they need clusters for."""

    virtual_hosts: list[Obj]
    backends: list[Backend]


def port_routes(port: int, attached: list[Attachment], world: World) -> PortRoutes:
    """All routes attached to the listeners of one port, in Gateway API's order of precedence, by host name."""
    by_host: dict[str, list[tuple[tuple, Obj]]] = {}
    backends: dict[str, Backend] = {}
    for attachment in attached:
        for listener in attachment.listeners:
            if listener["port"] != port:
                continue
            for key, route, used in _routes(attachment, listener, world):
                backends.update({item.cluster: item for item in used if item.cluster})
                for host in attachment.hosts[listener["name"]]:
                    by_host.setdefault(host, []).append((key, route))
    hosts = []
    for host in sorted(by_host):
        ordered = [route for _key, route in sorted(by_host[host], key=lambda pair: pair[0])]
        hosts.append({"name": host, "domains": [host], "routes": ordered})
    return PortRoutes(hosts, [backends[name] for name in sorted(backends)])


def _routes(attachment: Attachment, listener: Obj, world: World) -> list[tuple[tuple, Obj, list[Backend]]]:
    route = attachment.route
    policy = effective(route, attachment.gateway, listener, world)
    namespace, name = name_of(route)
    age = route["metadata"].get("creationTimestamp") or ""
    found = []
    for number, rule in enumerate(route["spec"].get("rules") or []):
        used = [resolve(ref, route, world) for ref in rule.get("backendRefs") or []]
        for index, match in enumerate(rule.get("matches") or [{}]):
            entry: Obj = {"name": f"{namespace}.{name}.{number}.{index}", "match": envoy_match(match), **header_changes(rule)}
            entry.update(_action(rule, match, used))
            filters = {**_auth_filter(policy), **(_picker_filter(used) if "route" in entry else {})}
            if filters:
                entry["typed_per_filter_config"] = filters
            found.append(((rank(match), age, f"{namespace}/{name}", number, index), entry, used))
    return found


def _action(rule: Obj, match: Obj, used: list[Backend]) -> Obj:
    moved = redirect(rule, match)
    if moved is not None:
        return {"redirect": moved}
    good = [item for item in used if item.cluster and item.weight > 0]
    if not good or bad_filter(rule):
        # Gateway API: a rule whose backends are all invalid (or missing) answers 500.
        return {"direct_response": {"status": 500}}
    action: Obj = {"timeout": seconds((rule.get("timeouts") or {}).get("request")) or "0s", **rewrite(rule, match)}
    if len(good) == 1 and len(used) == 1:
        return {"route": {**action, "cluster": good[0].cluster}}
    # An invalid backend keeps its share of the requests; they go to a cluster that isn't there and fail.
    shares = [{"name": item.cluster or "invalid-backend", "weight": item.weight, **_share_filter(item)} for item in used]
    return {"route": {**action, "weighted_clusters": {"clusters": shares}}}


def _share_filter(backend: Backend) -> Obj:
    picker = _picker_filter([backend])
    return {"typed_per_filter_config": picker} if picker else {}


def _picker_filter(used: list[Backend]) -> Obj:
    """Switches the (otherwise disabled) ext_proc filter on, towards the picker of the only backend."""
    picker = used[0].picker if len(used) == 1 else None
    if picker is None:
        return {}
    return {EXT_PROC: {
        "@type": f"{TYPE}.extensions.filters.http.ext_proc.v3.ExtProcPerRoute",
        "overrides": {
            "grpc_service": {"envoy_grpc": {"cluster_name": picker.cluster}, "timeout": "10s"},
            "failure_mode_allow": picker.fail_open,
        },
    }}


def _auth_filter(policy: Obj | None) -> Obj:
    """Switches the (otherwise disabled) ext_authz filter on; the path tells Authorino which policy to apply."""
    if policy is None:
        return {}
    namespace, name = name_of(policy)
    return {EXT_AUTHZ: {
        "@type": f"{TYPE}.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
        "check_settings": {"http_service": auth_service(f"/{namespace}/{name}")},
    }}


def auth_service(path_prefix: str) -> Obj:
    """ext_authz's http_service towards Authorino, with the response headers that a policy may set."""
    passed = {"patterns": [{"prefix": "x-"}]}
    denied = {"patterns": [{"exact": "www-authenticate"}, {"prefix": "x-ext-auth-"}, {"exact": "content-type"}]}
    return {
        "server_uri": {"uri": "http://authorino", "cluster": AUTH_CLUSTER, "timeout": "5s"},
        "path_prefix": path_prefix,
        "authorization_response": {"allowed_upstream_headers": passed, "allowed_client_headers": denied},
    }
