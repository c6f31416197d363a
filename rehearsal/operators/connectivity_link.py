# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins of Connectivity Link (Kuadrant's operator) and of the Limitador operator that it brings along.

Reasons and texts: kuadrant-operator v1.5.2 internal/controller/{kuadrant_status_updater,auth_policy_status_updater}.go,
internal/kuadrant/{conditions,errors}.go. As in the product, what is installed is looked at once, when the operator's pod starts:
a Gateway API provider that comes later is seen only after that pod has been deleted (rhoai-llmd.md 7 row 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rehearsal.gateway.attach import parent_name
from rehearsal.gateway.world import CONTROLLER, GATEWAY_GROUP, name_of
from rehearsal.kube import Kube
from rehearsal.operators.modules import served
from rehearsal.operators.runtime import Key, Object, StandIn, condition, find_condition, owner_reference
from rehearsal.operators.workloads import available, deployment, related_image, service

API = "kuadrant.io/v1beta1"
POLICY_API = "kuadrant.io/v1"
AUTHORINO_API = "operator.authorino.kuadrant.io/v1beta1"
LIMITADOR_API = "limitador.kuadrant.io/v1alpha1"
GATEWAY_API = f"{GATEWAY_GROUP}/v1"
OPERATOR = "kuadrant-operator-controller-manager"
NEEDS = (
    ("Gateway API", GATEWAY_API, "Gateway"),
    ("Gateway API provider (istio / envoy gateway)", "networking.istio.io/v1alpha3", "EnvoyFilter"),
    ("Authorino Operator", AUTHORINO_API, "Authorino"),
    ("Limitador Operator", LIMITADOR_API, "Limitador"),
)


class KuadrantOperator(StandIn):
    """Kuadrant -> Authorino and Limitador, condition Ready; AuthPolicy -> Accepted, Enforced."""

    csv_prefix = "rhcl-operator."
    name = "kuadrant-operator"
    watches: ClassVar = [
        (API, "Kuadrant"), (POLICY_API, "AuthPolicy"), (AUTHORINO_API, "Authorino"), (LIMITADOR_API, "Limitador"),
        (GATEWAY_API, "Gateway"), (GATEWAY_API, "GatewayClass"), (GATEWAY_API, "HTTPRoute"), ("v1", "Pod"),
    ]
    delays: ClassVar = {"kuadrant-ready": 3.0, "authpolicy-enforced": 1.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pods: frozenset[str] = frozenset()
        self._missing: list[str] | None = None

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] == "Pod":
            mine = obj["metadata"].get("namespace") == self.namespace and obj["metadata"]["name"].startswith(OPERATOR)
            return [*self.objects(API, "Kuadrant"), *self.objects(POLICY_API, "AuthPolicy")] if mine else []
        if obj["kind"] in ("Kuadrant", "AuthPolicy"):
            others = self.objects(POLICY_API, "AuthPolicy") if obj["kind"] == "Kuadrant" else []
            return [obj, *others]
        return [*self.objects(API, "Kuadrant"), *self.objects(POLICY_API, "AuthPolicy")]

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        missing = self._not_installed(kube)
        if obj["kind"] == "Kuadrant":
            return self._kuadrant(kube, obj, missing)
        if obj["kind"] == "AuthPolicy" and not obj["metadata"].get("deletionTimestamp"):
            return self._policy(kube, obj, missing)
        return None

    def _not_installed(self, kube: Kube) -> list[str]:
        """Dependencies that lacked when the operator's present pod started."""
        pods = self.objects("v1", "Pod", self.namespace)
        uids = frozenset(pod["metadata"]["uid"] for pod in pods if pod["metadata"]["name"].startswith(OPERATOR))
        if self._missing is None or (uids and self._pods and not uids & self._pods):
            self._missing = [name for name, api, kind in NEEDS if not served(kube, api, kind)]
        self._pods = uids or self._pods
        return self._missing

    def _kuadrant(self, kube: Kube, obj: Object, missing: list[str]) -> float | None:
        generation = {"observedGeneration": obj["metadata"]["generation"]}
        if missing:
            self.set_status(kube, obj, generation, [condition("Ready", False, "MissingDependency", not_installed(missing))])
            return None
        namespace = obj["metadata"]["namespace"]
        self._create_once(kube, authorino(namespace, obj))
        self._create_once(kube, limitador(namespace, obj))
        left = self.remaining("kuadrant-ready", obj)
        reason, text = self._parts(namespace)
        if left and not reason:
            reason, text = "LimitadorNotReady", "Limitador is not ready"
        self.set_status(kube, obj, generation, [condition("Ready", not reason, reason or "Ready", text or "Kuadrant is ready")])
        return left or None

    @staticmethod
    def _create_once(kube: Kube, obj: Object) -> None:
        """Make an object that is then the user's to change (Authorino's TLS is): it is never overwritten."""
        meta = obj["metadata"]
        if kube.get(kube.path(obj["apiVersion"], obj["kind"], meta["namespace"], meta["name"])) is None:
            kube.create(kube.path(obj["apiVersion"], obj["kind"], meta["namespace"]), obj)

    def _parts(self, namespace: str) -> tuple[str, str]:
        for api, kind, name, reason in ((LIMITADOR_API, "Limitador", "limitador", "LimitadorNotReady"),
                                        (AUTHORINO_API, "Authorino", "authorino", "AuthorinoNotReady")):
            part = self.find(api, kind, name, namespace)
            if part is None:
                return reason, f"{kind.lower()} resource not in topology"
            ready = find_condition(part, "Ready")
            if ready is None:
                return reason, "Ready condition not found"
            if ready["status"] != "True":
                return reason, ready.get("message") or ""
        return "", ""

    def _policy(self, kube: Kube, policy: Object, missing: list[str]) -> float | None:
        generation = {"observedGeneration": policy["metadata"]["generation"]}
        reason, text = self._accepted(policy, missing)
        accepted = condition("Accepted", not reason, reason or "Accepted", text or "AuthPolicy has been accepted")
        if reason:
            self.set_status(kube, policy, generation, [accepted])
            return None
        left = self.remaining("authpolicy-enforced", policy)
        problem, text, full = self._enforced(policy, bool(left))
        enforced = condition("Enforced", not problem, problem or "Enforced",
                             text or f"AuthPolicy has been {'successfully' if full else 'partially'} enforced")
        self.set_status(kube, policy, generation, [accepted, enforced])
        return left or None

    def _accepted(self, policy: Object, missing: list[str]) -> tuple[str, str]:
        wanted = [name for name in missing if not name.startswith("Limitador")]
        if wanted:
            return "MissingDependency", not_installed(wanted)
        ref = policy["spec"]["targetRef"]
        if self.find(GATEWAY_API, ref["kind"], ref["name"], policy["metadata"]["namespace"]) is None:
            return "TargetNotFound", f"AuthPolicy target {ref['name']} was not found"
        return "", ""

    def _enforced(self, policy: Object, waiting: bool) -> tuple[str, str, bool]:
        kuadrants = self.objects(API, "Kuadrant")
        if not kuadrants:
            return "MissingResource", "kuadrant is not installed, please create resource", False
        routes = self._routes(policy)
        if not routes:
            return "Unknown", "AuthPolicy is not in the path to any existing routes", False
        reason, _text = self._parts(kuadrants[0]["metadata"]["namespace"])
        if waiting or reason:
            parts = ["Authorino"] if reason else ["AuthConfig", "WasmPlugin"]
            return "Unknown", f"AuthPolicy waiting for the following components to sync: [{' '.join(parts)}]", False
        return "", "", True

    def _routes(self, policy: Object) -> list[Object]:
        """HTTPRoutes on one of our gateways that the policy covers."""
        ref, namespace = policy["spec"]["targetRef"], policy["metadata"]["namespace"]
        classes = {c["metadata"]["name"] for c in self.objects(GATEWAY_API, "GatewayClass") if c["spec"]["controllerName"] == CONTROLLER}
        gateways = {name_of(g) for g in self.objects(GATEWAY_API, "Gateway") if g["spec"]["gatewayClassName"] in classes}
        found = []
        for route in self.objects(GATEWAY_API, "HTTPRoute"):
            parents = {parent_name(parent, route) for parent in route["spec"].get("parentRefs") or []} & gateways
            here = (namespace, ref["name"]) in parents if ref["kind"] == "Gateway" else name_of(route) == (namespace, ref["name"])
            if parents and here:
                found.append(route)
        return found


class LimitadorOperator(StandIn):
    """Limitador -> Deployment, Service, condition Ready."""

    csv_prefix = "limitador-operator."
    name = "limitador-operator"
    watches: ClassVar = [(LIMITADOR_API, "Limitador"), ("apps/v1", "Deployment")]

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        return [obj] if obj["kind"] == "Limitador" else self.owners(obj, "Limitador")

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        namespace, name = obj["metadata"]["namespace"], f"limitador-{obj['metadata']['name']}"
        labels = {"app": "limitador", "limitador-resource": obj["metadata"]["name"]}
        image = related_image(self.csv, "rhcl-1/limitador-rhel9")
        self.ensure(kube, deployment(name, namespace, image, labels, owner=obj, container="limitador"))
        self.ensure(kube, service(name, namespace, labels, {"http": 8080, "grpc": 8081}, obj))
        ready = available(self.find("apps/v1", "Deployment", name, namespace))
        text = "Limitador is ready" if ready else "Limitador deployment is not available"
        self.set_status(kube, obj, {"observedGeneration": obj["metadata"]["generation"]},
                        [condition("Ready", ready, "Ready" if ready else "Unavailable", text)])
        return None


def not_installed(names: list[str]) -> str:
    """The product's sentence about missing dependencies."""
    return f"[{', '.join(names)}] is not installed, please restart Kuadrant Operator pod once dependency has been installed"


def authorino(namespace: str, kuadrant: Object) -> Object:
    """The Authorino that Kuadrant makes: without TLS."""
    meta = {"name": "authorino", "namespace": namespace, "ownerReferences": [owner_reference(kuadrant)]}
    return {"apiVersion": AUTHORINO_API, "kind": "Authorino", "metadata": meta, "spec": {
        "clusterWide": True, "supersedingHostSubsets": True, "listener": {"tls": {"enabled": False}}, "oidcServer": {"tls": {"enabled": False}},
    }}


def limitador(namespace: str, kuadrant: Object) -> Object:
    """The Limitador that Kuadrant makes."""
    meta = {"name": "limitador", "namespace": namespace, "ownerReferences": [owner_reference(kuadrant)]}
    return {"apiVersion": LIMITADOR_API, "kind": "Limitador", "metadata": meta, "spec": {}}
