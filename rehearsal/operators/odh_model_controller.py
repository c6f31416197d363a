# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of odh-model-controller and of what Red Hat's KServe adds to upstream's: authentication, TLS rules, monitoring.

As in the product the TLS EnvoyFilter is decided when a Gateway is looked at: switching Authorino to TLS later changes nothing until
the controller's pod has been restarted or the Gateway changes (rhoai-llmd.md 3.4, 7 row 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rehearsal.gateway.world import GATEWAY_GROUP, Name
from rehearsal.kube import Kube, NotFound
from rehearsal.operators import odh_objects
from rehearsal.operators.rhoai_release import Release
from rehearsal.operators.runtime import Key, Object, StandIn, digest
from rehearsal.operators.workloads import available

SERVICE_API = "serving.kserve.io/v1alpha2"
GATEWAY_API = f"{GATEWAY_GROUP}/v1"
AUTHORINO_API = "operator.authorino.kuadrant.io/v1beta1"
NAME = "odh-model-controller"
DEFAULT_GATEWAY: Name = ("openshift-ingress", "openshift-ai-inference")  # fixed by inferenceservice-config, rhoai-llmd.md 3.1
LOOK = 2.0  # seconds between looks for what another operator has yet to bring


class OdhModelController(StandIn):
    """Gateway -> AuthPolicy, EnvoyFilter; LLMInferenceService -> anonymous AuthPolicy, DestinationRules, monitoring."""

    csv_prefix = "rhods-operator."
    name = NAME
    watches: ClassVar = [(GATEWAY_API, "Gateway"), (SERVICE_API, "LLMInferenceService"), ("apps/v1", "Deployment"), ("v1", "Pod"), ("v1", "Service")]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.release = Release((self.csv or {})["spec"]["version"])
        self._seen: dict[str, str] = {}

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] == "LLMInferenceService":
            return [obj, *self.objects(GATEWAY_API, "Gateway")]
        if obj["kind"] == "Gateway":
            return [obj]
        labels = obj["metadata"].get("labels") or {}
        if obj["kind"] == "Service":
            return self.objects(SERVICE_API, "LLMInferenceService", obj["metadata"]["namespace"]) if "istio.io/inferencepool-name" in labels else []
        if labels.get("control-plane") == NAME or obj["metadata"]["name"] == NAME:
            return [*self.objects(GATEWAY_API, "Gateway"), *self.objects(SERVICE_API, "LLMInferenceService")]
        return []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        if obj["metadata"].get("deletionTimestamp") or not self._running():
            return None
        try:
            if obj["kind"] == "Gateway":
                return self._gateway(kube, obj)
            if obj["kind"] == "LLMInferenceService":
                return self._service(kube, obj)
        except NotFound as error:  # a kind that another operator has yet to bring
            self.log.debug("waiting: %s", error)
            return LOOK
        return None

    def _deployment(self) -> Object | None:
        found = [one for one in self.objects("apps/v1", "Deployment") if one["metadata"]["name"] == NAME]
        return found[0] if found else None

    def _running(self) -> bool:
        return available(self._deployment())

    def _pods(self) -> list[str]:
        return sorted(p["metadata"]["uid"] for p in self.objects("v1", "Pod")
                      if (p["metadata"].get("labels") or {}).get("control-plane") == NAME and not p["metadata"].get("deletionTimestamp"))

    # ---- gateways

    def _gateway(self, kube: Kube, gateway: Object) -> float | None:
        if not self.release.authenticates:
            return None
        meta = gateway["metadata"]
        labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
        used = (meta["namespace"], meta["name"]) in self._used_gateways()
        managed = labels.get("opendatahub.io/managed") != "false"
        bootstrap = notes.get("security.opendatahub.io/authorino-tls-bootstrap") == "true"
        if not used and not bootstrap:
            return None
        again = None
        if managed and used:
            try:
                self.ensure(kube, odh_objects.gateway_policy(gateway, self.release.minor >= (3, 5)))
            except NotFound:
                again = LOOK  # no Connectivity Link yet
        look = digest([meta["generation"], labels, notes, used, self._pods()])
        if (managed or bootstrap) and self._seen.get(meta["uid"]) != look:
            if self._authorino_speaks_tls(kube):
                self.ensure(kube, odh_objects.envoy_filter(gateway))
            if again is None:
                self._seen[meta["uid"]] = look
        return again

    def _used_gateways(self) -> set[Name]:
        """Gateways of LLMInferenceServices: those that they name, else the default one."""
        found: set[Name] = set()
        for service in self.objects(SERVICE_API, "LLMInferenceService"):
            router = service["spec"].get("router") or {}
            refs = (router.get("gateway") or {}).get("refs") or []
            found.update((ref.get("namespace") or service["metadata"]["namespace"], ref["name"]) for ref in refs)
            if not refs:
                found.add(DEFAULT_GATEWAY)
        if self.release.minor >= (3, 4):
            found.add(DEFAULT_GATEWAY)  # from 3.4 on gateways are looked after without any service
        return found

    @staticmethod
    def _authorino_speaks_tls(kube: Kube) -> bool:
        try:
            found = kube.list(kube.path(AUTHORINO_API, "Authorino"))
        except NotFound:
            return False
        return any(((one["spec"].get("listener") or {}).get("tls") or {}).get("enabled", True) for one in found)

    # ---- services

    def _service(self, kube: Kube, service: Object) -> float | None:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        for obj in odh_objects.monitoring(namespace):
            self.ensure(kube, obj)
        pool = odh_objects.child_name(name, "-inference-pool")
        shadow = self._shadow(namespace, pool)
        for obj in odh_objects.destination_rules(service, shadow):
            self.ensure(kube, obj)
        anonymous = odh_objects.anonymous_policy(service)
        if not self.release.authenticates:
            pass
        elif not odh_objects.auth_enabled(service):
            self.ensure(kube, anonymous)
        else:
            self._forget(kube, anonymous)
        has_pool = bool((service["spec"].get("router") or {}).get("scheduler") is not None)
        return LOOK if has_pool and shadow is None else None

    def _shadow(self, namespace: str, pool: str) -> Name | None:
        for one in self.objects("v1", "Service", namespace):
            if (one["metadata"].get("labels") or {}).get("istio.io/inferencepool-name") == pool:
                return namespace, one["metadata"]["name"]
        return None

    @staticmethod
    def _forget(kube: Kube, policy: Object) -> None:
        try:
            path = kube.path_of(policy)
        except NotFound:
            return  # no Connectivity Link, so no policy either
        kube.delete(path)
