# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which routes are attached to which listeners of a gateway, and why not (Gateway API's rules, Istio's words)."""

from __future__ import annotations

from dataclasses import dataclass, field

from rehearsal.gateway.world import GATEWAY_GROUP, Name, Obj, World, name_of
from rehearsal.operators.objects import matches


@dataclass
class Attachment:
    """One parentRef of a route, judged. `reason` "" means accepted; `hosts` are per listener the names it serves."""

    route: Obj
    parent: Obj
    gateway: Obj
    listeners: list[Obj] = field(default_factory=list)
    hosts: dict[str, list[str]] = field(default_factory=dict)
    reason: str = ""
    message: str = ""


def parent_name(parent: Obj, route: Obj) -> Name | None:
    """(namespace, name) of the Gateway that a parentRef names; None when it names another kind."""
    if parent.get("group", GATEWAY_GROUP) != GATEWAY_GROUP or parent.get("kind", "Gateway") != "Gateway":
        return None
    return parent.get("namespace") or route["metadata"]["namespace"], parent["name"]


def attachments(route: Obj, world: World) -> list[Attachment]:
    """Every parentRef of the route that names one of our gateways, judged. Gateways of others are not ours to report."""
    found = []
    for parent in route["spec"].get("parentRefs") or []:
        name = parent_name(parent, route)
        gateway = world.gateway(name) if name else None
        if gateway is not None:
            found.append(_judge(route, parent, gateway, world))
    return found


def _judge(route: Obj, parent: Obj, gateway: Obj, world: World) -> Attachment:
    result = Attachment(route, parent, gateway)
    named = [item for item in gateway["spec"].get("listeners") or [] if _named(parent, item)]
    if not named:
        result.reason = "NoMatchingParent"
        result.message = _no_parent(parent)
        return result
    allowed = [item for item in named if _allows(item, gateway, route, world)]
    if not allowed:
        namespace, hostname = route["metadata"]["namespace"], named[0].get("hostname") or ""
        result.reason = "NotAllowedByListeners"
        result.message = f'hostnames matched parent hostname "{hostname}", but namespace "{namespace}" is not allowed by the parent'
        return result
    for listener in allowed:
        hosts = common_hosts(listener.get("hostname"), route["spec"].get("hostnames") or [])
        if hosts:
            result.listeners.append(listener)
            result.hosts[listener["name"]] = hosts
    if not result.listeners:
        result.reason = "NoMatchingListenerHostname"
        result.message = f'no hostnames matched parent hostname "{allowed[0].get("hostname") or ""}"'
    return result


def _named(parent: Obj, listener: Obj) -> bool:
    return parent.get("sectionName") in (None, "", listener["name"]) and parent.get("port") in (None, listener["port"])


def _no_parent(parent: Obj) -> str:
    if parent.get("sectionName"):
        return f'sectionName "{parent["sectionName"]}" not found'
    return f"port {parent.get('port')} not found"


def _allows(listener: Obj, gateway: Obj, route: Obj, world: World) -> bool:
    if listener["protocol"] not in ("HTTP", "HTTPS"):
        return False
    allowed = listener.get("allowedRoutes") or {}
    kinds = allowed.get("kinds") or []
    if kinds and not any(k["kind"] == "HTTPRoute" and k.get("group", GATEWAY_GROUP) == GATEWAY_GROUP for k in kinds):
        return False
    namespaces = allowed.get("namespaces") or {}
    namespace = route["metadata"]["namespace"]
    origin = namespaces.get("from") or "Same"
    if origin == "All":
        return True
    if origin == "Selector":
        return matches(namespaces.get("selector"), world.labels(namespace))
    return origin == "Same" and namespace == name_of(gateway)[0]


def common_hosts(listener_host: str | None, route_hosts: list[str]) -> list[str]:
    """Host names that listener and route have in common, the narrower of each pair; ["*"] when neither names one."""
    if not listener_host:
        return list(route_hosts) or ["*"]
    if not route_hosts:
        return [listener_host]
    found = []
    for host in route_hosts:
        if _covers(listener_host, host):
            found.append(host)
        elif _covers(host, listener_host):
            found.append(listener_host)
    return found


def _covers(wide: str, narrow: str) -> bool:
    """True when every name that `narrow` stands for is one that `wide` stands for."""
    if wide == narrow:
        return True
    return wide.startswith("*.") and narrow.removeprefix("*").endswith(wide[1:])
