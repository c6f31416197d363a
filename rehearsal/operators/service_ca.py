# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of OpenShift's service-ca operator: serving certificates for annotated Services, the CA bundle for ConfigMaps.

Annotations and keys: docs.openshift.com, "Securing service traffic using service serving certificates"; the signing key is Secret
`openshift-service-ca/signing-key`.
"""

from __future__ import annotations

import base64
from typing import ClassVar

from rehearsal.kube import Kube
from rehearsal.operators.certificates import Pair, Wish, issue
from rehearsal.operators.runtime import Object, StandIn, owner_reference
from rehearsal.operators.workloads import namespace_object

NAMESPACE = "openshift-service-ca"
SIGNING = "signing-key"
SERVING = ("service.beta.openshift.io/serving-cert-secret-name", "service.alpha.openshift.io/serving-cert-secret-name")
INJECT = "service.beta.openshift.io/inject-cabundle"


class ServiceCa(StandIn):
    """Service with the annotation -> Secret (kubernetes.io/tls); ConfigMap with the annotation -> service-ca.crt."""

    name = "service-ca-operator"
    watches: ClassVar = [("v1", "Service"), ("v1", "ConfigMap")]

    def start(self, kube: Kube) -> None:
        """Make the signing key unless the cluster has one."""
        if kube.get(kube.path("v1", "Secret", NAMESPACE, SIGNING)) is None:
            kube.apply(namespace_object(NAMESPACE), manager=self.agent())
            pair = issue(Wish("openshift-service-serving-signer@1", days=790, is_ca=True))
            kube.apply(_tls_secret(SIGNING, NAMESPACE, pair), manager=self.agent())

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        notes = obj["metadata"].get("annotations") or {}
        if obj["kind"] == "Service":
            secret = next((notes[key] for key in SERVING if notes.get(key)), None)
            if secret:
                self._certificate(kube, obj, secret)
        elif notes.get(INJECT) == "true":
            bundle = self._signer(kube).certificate
            if (obj.get("data") or {}).get("service-ca.crt") != bundle:
                kube.patch(kube.path_of(obj), {"data": {"service-ca.crt": bundle}})
        return None

    def _certificate(self, kube: Kube, service: Object, name: str) -> None:
        namespace = service["metadata"]["namespace"]
        if kube.get(kube.path("v1", "Secret", namespace, name)) is not None:
            return
        base = f"{service['metadata']['name']}.{namespace}.svc"
        pair = issue(Wish(base, (base, f"{base}.cluster.local"), days=730), self._signer(kube))
        secret = _tls_secret(name, namespace, pair)
        notes = {"service.beta.openshift.io/originating-service-name": service["metadata"]["name"],
                 "service.beta.openshift.io/originating-service-uid": service["metadata"]["uid"]}
        secret["metadata"].update({"annotations": notes, "ownerReferences": [owner_reference(service, controller=False)]})
        kube.apply(secret, manager=self.agent())
        done = {"service.beta.openshift.io/serving-cert-signed-by": "openshift-service-serving-signer@1"}
        kube.patch(kube.path_of(service), {"metadata": {"annotations": done}})

    def _signer(self, kube: Kube) -> Pair:
        data = (kube.get(kube.path("v1", "Secret", NAMESPACE, SIGNING)) or {})["data"]
        return Pair(base64.b64decode(data["tls.crt"]).decode(), base64.b64decode(data["tls.key"]).decode())


def _tls_secret(name: str, namespace: str, pair: Pair) -> Object:
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name, "namespace": namespace},
        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key},
    }
