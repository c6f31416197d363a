# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statuses that Istio writes on Gateways, HTTPRoutes and InferencePools: conditions without their times.

Types, reasons and messages are those of Istio 1.26-1.28 (pilot/pkg/config/kube/gateway/conditions.go, inferencepool_*.go).
"""

from __future__ import annotations

from rehearsal.gateway.attach import Attachment, attachments, parent_name
from rehearsal.gateway.backends import picker_problem, resolve
from rehearsal.gateway.envoy import tls_context
from rehearsal.gateway.matching import bad_filter
from rehearsal.gateway.world import CONTROLLER, GATEWAY_GROUP, Name, Obj, World, host_of, name_of
from rehearsal.operators.objects import condition, merge_conditions


def gateway_conditions(gateway: Obj, service: Obj | None) -> list[Obj]:
    """Accepted and Programmed of a gateway whose Service is `service` (None: not made yet)."""
    generation = gateway["metadata"]["generation"]
    accepted = condition("Accepted", True, "Accepted", "Resource accepted", observedGeneration=generation)
    problem, text = _programmed(gateway, service)
    programmed = condition("Programmed", not problem, problem or "Programmed", text, observedGeneration=generation)
    return [accepted, programmed]


def _programmed(gateway: Obj, service: Obj | None) -> tuple[str, str]:
    if service is None:
        return "AddressNotAssigned", "Failed to assign to any requested addresses"
    host = host_of(name_of(service))
    ports = sorted({item["port"] for item in gateway["spec"].get("listeners") or []})
    assigned = " and ".join(f"{host}:{port}" for port in ports)
    if not addresses(service):
        return "AddressNotAssigned", (
            f"Assigned to service(s) {assigned}, but failed to assign to all requested addresses: "
            f'address pending for hostname "{host}"'
        )
    return "", f"Resource programmed, assigned to service(s) {assigned}"


def addresses(service: Obj | None) -> list[Obj]:
    """status.addresses of a gateway: the load balancer's, or the Service's own name when it isn't a LoadBalancer."""
    if service is None:
        return []
    if service["spec"].get("type") != "LoadBalancer":
        return [{"type": "Hostname", "value": host_of(name_of(service))}]
    found = []
    for item in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
        kind = "IPAddress" if item.get("ip") else "Hostname"
        found.append({"type": kind, "value": item.get("ip") or item.get("hostname")})
    return found


def listener_statuses(gateway: Obj, attached: list[Attachment], world: World, now: str) -> list[Obj]:
    """status.listeners with attachedRoutes, supportedKinds and conditions; times of unchanged conditions are kept."""
    old = {item["name"]: item for item in (gateway.get("status") or {}).get("listeners") or []}
    kinds = [{"group": GATEWAY_GROUP, "kind": "HTTPRoute"}, {"group": GATEWAY_GROUP, "kind": "GRPCRoute"}]
    result = []
    for listener in gateway["spec"].get("listeners") or []:
        count = sum(1 for item in attached if any(x["name"] == listener["name"] for x in item.listeners))
        known = (old.get(listener["name"]) or {}).get("conditions")
        result.append({
            "name": listener["name"],
            "attachedRoutes": count,
            "supportedKinds": kinds if listener["protocol"] in ("HTTP", "HTTPS") else [],
            "conditions": merge_conditions(known, _listener_conditions(gateway, listener, world), now),
        })
    return result


def _listener_conditions(gateway: Obj, listener: Obj, world: World) -> list[Obj]:
    generation = gateway["metadata"]["generation"]

    def one(kind: str, good: bool, reason: str, message: str) -> Obj:
        return condition(kind, good, reason, message, observedGeneration=generation)

    supported = listener["protocol"] in ("HTTP", "HTTPS")
    certificate = listener["protocol"] != "HTTPS" or tls_context(gateway, listener, world) is not None
    if not supported:
        text = f"unsupported protocol {listener['protocol']}"
        return [one("Accepted", False, "UnsupportedProtocol", text), one("Programmed", False, "Invalid", text),
                one("Conflicted", False, "NoConflicts", "No errors found"), one("ResolvedRefs", True, "ResolvedRefs", "No errors found")]
    refs = (listener.get("tls") or {}).get("certificateRefs") or []
    named = f"{refs[0].get('namespace') or name_of(gateway)[0]}/{refs[0]['name']}" if refs else "none"
    missing = f"invalid certificate reference {named}, the certificate is malformed or missing"
    return [
        one("Accepted", True, "Accepted", "No errors found"),
        one("Programmed", certificate, "Programmed" if certificate else "Invalid", "No errors found" if certificate else missing),
        one("Conflicted", False, "NoConflicts", "No errors found"),
        one("ResolvedRefs", certificate, "ResolvedRefs" if certificate else "InvalidCertificateRef", "No errors found" if certificate else missing),
    ]


def route_parents(route: Obj, world: World, now: str) -> list[Obj]:
    """status.parents of an HTTPRoute: other controllers' entries as they are, then ours."""
    old = (route.get("status") or {}).get("parents") or []
    result = [item for item in old if item["controllerName"] != CONTROLLER]
    refs = _refs_condition(route, world)
    for item in attachments(route, world):
        accepted = condition(
            "Accepted", not item.reason, item.reason or "Accepted", item.message or _valid(item),
            observedGeneration=route["metadata"]["generation"],
        )
        known = [entry for entry in old if entry["controllerName"] == CONTROLLER and entry["parentRef"] == item.parent]
        conditions = merge_conditions(known[0]["conditions"] if known else None, [accepted, refs], now)
        result.append({"parentRef": item.parent, "controllerName": CONTROLLER, "conditions": conditions})
    return result


def _valid(item: Attachment) -> str:
    count = len(item.listeners)
    return f"Route was valid, bound to {count} parents" if count > 1 else "Route was valid"


def _refs_condition(route: Obj, world: World) -> Obj:
    generation = route["metadata"]["generation"]
    for rule in route["spec"].get("rules") or []:
        wrong = bad_filter(rule)
        if wrong:
            text = f"unsupported filter type {wrong}"
            return condition("ResolvedRefs", False, "InvalidFilter", text, observedGeneration=generation)
        for ref in rule.get("backendRefs") or []:
            backend = resolve(ref, route, world)
            if backend.reason:
                return condition("ResolvedRefs", False, backend.reason, backend.message, observedGeneration=generation)
    return condition("ResolvedRefs", True, "ResolvedRefs", "All references resolved", observedGeneration=generation)


def pool_parents(pool: Obj, world: World, now: str) -> list[Obj]:
    """status.parents of an InferencePool: one entry for each of our gateways that has an accepted route to it."""
    old = (pool.get("status") or {}).get("parents") or []
    result = [item for item in old if item.get("controllerName") not in (None, "", CONTROLLER)]
    for namespace, name in sorted(_gateways_of(pool, world)):
        ref = {"group": GATEWAY_GROUP, "kind": "Gateway", "name": name, "namespace": namespace}
        known = [item for item in old if item.get("controllerName") == CONTROLLER and _same(item["parentRef"], ref)]
        conditions = merge_conditions(known[0].get("conditions") if known else None, _pool_conditions(pool, world), now)
        result.append({"parentRef": ref, "controllerName": CONTROLLER, "conditions": conditions})
    return result


def _same(one: Obj, other: Obj) -> bool:
    return (one.get("namespace"), one.get("name")) == (other["namespace"], other["name"])


def _pool_conditions(pool: Obj, world: World) -> list[Obj]:
    generation = pool["metadata"]["generation"]
    problem = picker_problem(pool, world)
    return [
        condition("Accepted", True, "Accepted", "Referenced by an HTTPRoute accepted by the parentRef Gateway", observedGeneration=generation),
        condition(
            "ResolvedRefs", not problem, "InvalidExtensionRef" if problem else "ResolvedRefs",
            problem or "Referenced ExtensionRef resolved successfully", observedGeneration=generation,
        ),
    ]


def _gateways_of(pool: Obj, world: World) -> set[Name]:
    found: set[Name] = set()
    for route in world.routes:
        if any(uses_pool(rule, route, pool, world) for rule in route["spec"].get("rules") or []):
            for item in attachments(route, world):
                name = parent_name(item.parent, route)
                if not item.reason and name:
                    found.add(name)
    return found


def uses_pool(rule: Obj, route: Obj, pool: Obj, world: World) -> bool:
    """True when a rule of the route sends requests to the pool."""
    for ref in rule.get("backendRefs") or []:
        backend = resolve(ref, route, world)
        if backend.kind == "InferencePool" and not backend.reason and backend.name == name_of(pool):
            return True
    return False
