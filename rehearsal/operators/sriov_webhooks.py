# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SR-IOV operator's webhooks: checks of its own kinds, defaults of policies, and the injector that gives pods their devices.

Sources: k8snetworkplumbingwg/sriov-network-operator v1.6.0 bindata/manifests/{operator-webhook,webhook} (names, rules, failure policies);
network-resources-injector (a pod's first container asks for one device per attached network whose definition names a resource). Not
played: hugepages and network facts in the downward API.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from rehearsal.operators import multus_networks, sriov_admission
from rehearsal.operators.admission import Answer, Webhook
from rehearsal.operators.runtime import Kube, Object
from rehearsal.operators.sriov_base import SriovBase
from rehearsal.operators.sriov_networks import NAD, RESOURCE_NOTE

API = "sriovnetwork.openshift.io"
OPERATOR, INJECTOR = "sriov-operator-webhook-config", "network-resources-injector-config"
OPERATOR_HOOK, INJECTOR_HOOK = f"operator-webhook.{API}", "network-resources-injector-config.k8s.io"
ADMISSION = "admissionregistration.k8s.io/v1"
VALIDATING, MUTATING = "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"
CHANGES = ["CREATE", "UPDATE"]


class Webhooks:
    """The servers, and their registrations as the SriovOperatorConfig wants them."""

    def __init__(self, operator: SriovBase) -> None:
        self._op = operator
        folder = operator.state / "run" / "webhooks"
        self._validating = Webhook("sriov-validating", "/validating-custom-resource", self._check, folder)
        self._mutating = Webhook("sriov-mutating", "/mutating-custom-resource", self._default, folder)
        self._injector = Webhook("sriov-injector", "/mutate", self._inject, folder)

    def sync(self, kube: Kube, spec: Object) -> None:
        """Register what is enabled, remove what is not."""
        wanted = bool(spec.get("enableOperatorWebhook"))
        self._set(kube, wanted, self._registration(VALIDATING, OPERATOR, OPERATOR_HOOK, self._validating, "Fail", _checked_kinds()))
        policies = [_rule(API, "sriovnetworknodepolicies", CHANGES)]
        self._set(kube, wanted, self._registration(MUTATING, OPERATOR, OPERATOR_HOOK, self._mutating, "Fail", policies))
        pods = [{"apiGroups": ["apps", ""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]
        strict = bool((spec.get("featureGates") or {}).get("resourceInjectorMatchCondition"))
        injector = self._registration(MUTATING, INJECTOR, INJECTOR_HOOK, self._injector, "Fail" if strict else "Ignore", pods)
        # Without the feature gate the product is asked about every pod; here only those with networks are sent, which it would change.
        text = 'has(object.metadata.annotations) && "k8s.v1.cni.cncf.io/networks" in object.metadata.annotations'
        injector["webhooks"][0]["matchConditions"] = [{"name": "include-networks-annotation", "expression": text}]
        self._set(kube, bool(spec.get("enableInjector")), injector)

    def remove(self, kube: Kube) -> None:
        """Take all registrations off: without the servers nobody could write the objects any more."""
        for kind, name in ((VALIDATING, OPERATOR), (MUTATING, OPERATOR), (MUTATING, INJECTOR)):
            kube.delete(kube.path(ADMISSION, kind, None, name))

    def close(self) -> None:
        """Stop the servers."""
        for server in (self._validating, self._mutating, self._injector):
            server.close()

    def _set(self, kube: Kube, wanted: bool, registration: Object) -> None:
        if wanted:
            self._op.ensure(kube, registration)
        elif kube.get(kube.path_of(registration)) is not None:
            kube.delete(kube.path_of(registration))

    def _registration(self, kind: str, name: str, hook: str, server: Webhook, policy: str, rules: list[Object]) -> Object:
        return {
            "apiVersion": ADMISSION,
            "kind": kind,
            "metadata": {"name": name},
            "webhooks": [
                {
                    "name": hook,
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": policy,
                    "clientConfig": server.client_config(),
                    "rules": rules,
                }
            ],
        }

    # ---- what they answer

    def _check(self, request: Object) -> list[str]:
        operation, kind = request["operation"], request["kind"]["kind"]
        obj = request.get("object") or request.get("oldObject") or {}
        namespace = self._op.namespace
        if kind == "SriovOperatorConfig":
            return sriov_admission.check_config(operation, obj, request.get("oldObject"), namespace, self._listed("SriovNetworkNodeState"))
        if kind == "SriovNetworkPoolConfig":
            return sriov_admission.check_pool(operation, obj)
        nodes = self._op.objects("v1", "Node")
        states, policies = self._listed("SriovNetworkNodeState"), self._listed("SriovNetworkNodePolicy")
        return sriov_admission.check_policy(operation, obj, namespace, nodes, states, policies)

    def _listed(self, kind: str) -> list[Object]:
        """Fresh from the API server: a second policy of the same apply must see the first."""
        return self._op.kube.list(self._op.kube.path(f"{API}/v1", kind, self._op.namespace))

    def _default(self, request: Object) -> Answer:
        return Answer(patch=sriov_admission.defaults(request["object"]))

    def _inject(self, request: Object) -> Answer:
        pod = request["object"]
        try:
            wanted = multus_networks.requested(pod, str(request.get("namespace") or ""))
        except multus_networks.BadRequest as error:
            raise ValueError(str(error)) from error
        needed: Counter[str] = Counter()
        for network in wanted:
            definition = self._op.find(*NAD, network.name, network.namespace)
            if definition is None:
                text = f'could not find network attachment definition \'{network.namespace}/{network.name}\': '
                raise ValueError(f'{text}network-attachment-definitions.k8s.cni.cncf.io "{network.name}" not found')
            resource = (definition["metadata"].get("annotations") or {}).get(RESOURCE_NOTE)
            if resource:
                needed[resource] += 1
        return Answer(patch=resource_patch(pod, needed))


def resource_patch(pod: Object, needed: Counter[str]) -> list[Object]:
    """The JSON patch that lets the pod's first container ask for the devices; what it asks for itself stays."""
    if not needed:
        return []
    resources: dict[str, Any] = pod["spec"]["containers"][0].get("resources") or {}
    made: dict[str, Any] = {key: dict(resources.get(key) or {}) for key in ("requests", "limits")}
    for name, count in needed.items():
        for part in made.values():
            part.setdefault(name, str(count))
    rest = {key: value for key, value in resources.items() if key not in made}
    return [{"op": "add", "path": "/spec/containers/0/resources", "value": {**rest, **made}}]


def _checked_kinds() -> list[Object]:
    kinds = ("sriovnetworknodepolicies", "sriovoperatorconfigs", "sriovnetworkpoolconfigs")
    return [_rule(API, kind, [*CHANGES, "DELETE"]) for kind in kinds]


def _rule(group: str, resource: str, operations: list[str]) -> Object:
    return {"apiGroups": [group], "apiVersions": ["v1"], "resources": [resource], "operations": operations}
