# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backendRef of a route stands for: a Service or an InferencePool with its endpoint picker, or why it doesn't."""

from __future__ import annotations

from dataclasses import dataclass

from rehearsal.gateway.world import OLD_POOL_GROUP, POOL_GROUP, Name, Obj, World, host_of, name_of


@dataclass(frozen=True)
class Picker:
    """The endpoint picker of a pool. `fail_open`: without it, requests still go to some endpoint of the pool."""

    service: Name
    port: int
    fail_open: bool

    @property
    def cluster(self) -> str:
        """Name of its Envoy cluster."""
        return f"outbound|{self.port}||{host_of(self.service)}"


@dataclass(frozen=True)
class Backend:
    """One resolved backendRef. `reason` "" means good; else `cluster` is "" and requests are answered 500."""

    cluster: str
    weight: int
    kind: str = ""
    name: Name = ("", "")
    port: int = 0
    picker: Picker | None = None
    reason: str = ""
    message: str = ""


def resolve(ref: Obj, route: Obj, world: World) -> Backend:
    """Resolve one backendRef of an HTTPRoute."""
    group, kind = ref.get("group") or "", ref.get("kind") or "Service"
    namespace = ref.get("namespace") or route["metadata"]["namespace"]
    weight = ref.get("weight", 1)
    name = (namespace, ref["name"])
    known = (group, kind) == ("", "Service") or ((group, kind) == (POOL_GROUP, "InferencePool") and world.pool_kind_served)
    if not known:
        # Istio >= 1.28 knows no x-k8s.io pools, and its answer InvalidKind is what makes KServe move a route to the v1 group
        # (rhoai-llmd.md 7 row 8, rehearsal-recipe.md 9). The rehearsal answers so on every version: Istio 1.26 of 4.20 would
        # still take the old group, but the endpoint picker in use here serves the v1 group.
        text = f'referencing unsupported backendRef: group "{group}" kind "{kind}"'
        return Backend("", weight, kind, name, reason="InvalidKind", message=text)
    if not world.granted(kind, group, ref["name"], namespace, "HTTPRoute", route["metadata"]["namespace"]):
        origin = route["metadata"]["namespace"]
        text = f'backendRef {ref["name"]}/{namespace} not accessible to a HTTPRoute in namespace "{origin}" (missing a ReferenceGrant?)'
        return Backend("", weight, kind, name, reason="RefNotPermitted", message=text)
    return _service(ref, name, weight, world) if kind == "Service" else _pool(name, weight, world)


def _service(ref: Obj, name: Name, weight: int, world: World) -> Backend:
    host = host_of(name)
    if world.service(name) is None:
        return Backend("", weight, "Service", name, reason="BackendNotFound", message=f"backend({host}) not found")
    if ref.get("port") is None:
        return Backend("", weight, "Service", name, reason="InvalidDestination", message="port is required in backendRef")
    return Backend(f"outbound|{ref['port']}||{host}", weight, "Service", name, ref["port"])


def _pool(name: Name, weight: int, world: World) -> Backend:
    pool = world.pool(name)
    if pool is None:
        return Backend("", weight, "InferencePool", name, reason="BackendNotFound", message=f"backend({name[1]}) not found")
    picker = pool["spec"]["endpointPickerRef"]
    port = (picker.get("port") or {}).get("number") or 9002
    fail_open = picker.get("failureMode") == "FailOpen"
    found = Picker((name[0], picker["name"]), port, fail_open)
    return Backend(f"inferencepool||{name[1]}.{name[0]}", weight, "InferencePool", name_of(pool), 0, found)


def picker_problem(pool: Obj, world: World) -> str:
    """Why the pool's endpointPickerRef can't be resolved, or ""."""
    ref = pool["spec"]["endpointPickerRef"]
    if (ref.get("kind") or "Service") != "Service" or ref.get("group"):
        return f"Unsupported ExtensionRef kind {ref.get('kind')}"
    namespace = pool["metadata"]["namespace"]
    if world.service((namespace, ref["name"])) is None:
        return f"Referenced ExtensionRef not found {host_of((namespace, ref['name']))}"
    return ""


def is_old_pool(ref: Obj) -> bool:
    """True for a reference to the x-k8s.io group's InferencePool."""
    return ref.get("group") == OLD_POOL_GROUP and ref.get("kind") == "InferencePool"
