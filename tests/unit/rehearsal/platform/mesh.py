# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small mesh for the gateway's tests: one Gateway, one route to a pool and a Service, as KServe writes them."""

from __future__ import annotations

from typing import Any

from rehearsal.gateway.world import POOL_GROUP, Authorino, World

Obj = dict[str, Any]
READY = [{"type": "Ready", "status": "True"}]


def make_gateway(origin: str = "All", **listener: Any) -> Obj:
    allowed = {"namespaces": {"from": origin, **listener.pop("namespaces", {})}}
    spec = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": allowed, **listener}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"namespace": "openshift-ingress", "name": "g", "generation": 3, "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"gatewayClassName": "openshift-default", "listeners": [spec]},
    }


def make_rule(path: str, to: str, *refs: Obj) -> Obj:
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": to}}}
    return {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "filters": [rewrite], "backendRefs": list(refs)}


POOL_REF = {"group": POOL_GROUP, "kind": "InferencePool", "name": "m-pool"}
SERVICE_REF = {"kind": "Service", "name": "m-svc", "port": 8000}


def make_route(*rules: Obj, namespace: str = "a", parent: Obj | None = None, **spec: Any) -> Obj:
    found = rules or (make_rule("/a/m", "/", SERVICE_REF), make_rule("/a/m/v1/chat", "/v1/chat", POOL_REF))
    parents = [parent or {"name": "g", "namespace": "openshift-ingress"}]
    return {
        "metadata": {"namespace": namespace, "name": "r", "generation": 2, "creationTimestamp": "2026-01-02T00:00:00Z"},
        "spec": {"parentRefs": parents, "rules": list(found), **spec},
    }


def make_pool(failure_mode: str = "FailOpen") -> Obj:
    picker = {"name": "m-epp", "port": {"number": 9002}, "failureMode": failure_mode}
    return {"metadata": {"namespace": "a", "name": "m-pool", "generation": 1, "uid": "p"}, "spec": {
        "selector": {"matchLabels": {"app": "m"}}, "targetPorts": [{"number": 8000}], "endpointPickerRef": picker}}


def make_service(name: str, port: int, namespace: str = "a", **spec: Any) -> Obj:
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"ports": [{"name": "p", "port": port}], **spec}}


def make_slice(service: str, port: int, *addresses: str, ready: bool = True) -> Obj:
    labels = {"kubernetes.io/service-name": service}
    ends = [{"addresses": [address], "conditions": {"ready": ready}} for address in addresses]
    return {"metadata": {"namespace": "a", "name": service, "labels": labels}, "ports": [{"name": "p", "port": port}], "endpoints": ends}


def make_pod(name: str, ip: str, ready: bool = True) -> Obj:
    conditions = READY if ready else [{"type": "Ready", "status": "False"}]
    return {"metadata": {"namespace": "a", "name": name, "labels": {"app": "m"}}, "status": {"podIP": ip, "conditions": conditions}}


def make_policy(kind: str, name: str, namespace: str, enforced: bool = True, **spec: Any) -> Obj:
    status = {"conditions": [{"type": "Enforced", "status": str(enforced)}]}
    target = {"group": "gateway.networking.k8s.io", "kind": kind, "name": name}
    return {"metadata": {"namespace": namespace, "name": f"{name}-authn"}, "spec": {"targetRef": target, **spec}, "status": status}


def make_world(**changes: Any) -> World:
    base: dict[str, Any] = {
        "gateways": [make_gateway()],
        "routes": [make_route()],
        "namespaces": [{"metadata": {"name": "a", "labels": {"team": "x"}}}],
        "services": [make_service("m-svc", 8000), make_service("m-epp", 9002)],
        "slices": [make_slice("m-svc", 8000, "10.244.1.2", "10.244.1.3"), make_slice("m-epp", 9002, "10.244.1.9")],
        "pools": [make_pool()],
        "pods": [make_pod("one", "10.244.1.2"), make_pod("two", "10.244.1.3"), make_pod("not-ready", "10.244.1.4", ready=False)],
        "authorino": Authorino("10.244.0.1", 5001, False, "authorino.local"),
    }
    return World(**{**base, **changes})

