# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the cert-manager Operator for OpenShift, and of cert-manager's self-signed and CA issuers.

CertManager `cluster` appears by itself (rhoai-llmd.md 2.1), then the three Deployments in namespace cert-manager; once those are
available, Issuers and ClusterIssuers become Ready and Certificates get real certificates. Reasons and texts: cert-manager v1.21
pkg/controller/{issuers,certificates}, pkg/issuer/{selfsigned,ca}/setup.go.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import ClassVar

from rehearsal.kube import Kube, NotFound
from rehearsal.operators.certificates import Pair, Wish, hosts, issue, names_in, not_after, not_before
from rehearsal.operators.runtime import Key, Object, StandIn, condition, owner_reference
from rehearsal.operators.workloads import available, deployment, namespace_object, related_image, service

NAMESPACE = "cert-manager"
PARTS = {"cert-manager": "controller", "cert-manager-webhook": "webhook", "cert-manager-cainjector": "cainjector"}
OPERATOR_API = "operator.openshift.io/v1alpha1"
API = "cert-manager.io/v1"


class CertManagerOperator(StandIn):
    """The operator: CertManager `cluster`, its Deployments, its conditions."""

    csv_prefix = "cert-manager-operator."
    name = "cert-manager-operator"
    watches: ClassVar = [(OPERATOR_API, "CertManager"), ("apps/v1", "Deployment")]
    delays: ClassVar = {"cert-manager-ready": 2.0}

    def start(self, kube: Kube) -> None:
        """The operator makes its own CR."""
        path = kube.path(OPERATOR_API, "CertManager")
        if kube.get(f"{path}/cluster") is None:
            kube.create(path, {"apiVersion": OPERATOR_API, "kind": "CertManager", "metadata": {"name": "cluster"}, "spec": {
                "managementState": "Managed", "logLevel": "Normal", "operatorLogLevel": "Normal"}})

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] == "CertManager":
            return [obj]
        return self.objects(OPERATOR_API, "CertManager") if obj["metadata"].get("namespace") == NAMESPACE else []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        if obj["metadata"]["name"] != "cluster":
            return None
        left = self.remaining("cert-manager-ready", obj)
        if left:
            return left
        self.ensure(kube, namespace_object(NAMESPACE, {"app.kubernetes.io/instance": "cert-manager"}))
        image = related_image(self.csv, "cert-manager/jetstack-cert-manager-rhel9")
        conditions = []
        for name, component in PARTS.items():
            labels = {"app": component if name == "cert-manager" else component, "app.kubernetes.io/name": name,
                      "app.kubernetes.io/component": component, "app.kubernetes.io/instance": "cert-manager"}
            self.ensure(kube, deployment(name, NAMESPACE, image, labels, container=f"{name}-controller"))
            ready = available(self.find("apps/v1", "Deployment", name, NAMESPACE))
            conditions += _deployment_conditions(name, ready)
        self.ensure(kube, service("cert-manager-webhook", NAMESPACE, {"app.kubernetes.io/name": "cert-manager-webhook"}, {"https": 443}))
        self.set_status(kube, obj, {"observedGeneration": obj["metadata"].get("generation", 1)}, conditions)
        return None


def _deployment_conditions(name: str, ready: bool) -> list[Object]:
    """Three conditions a Deployment, as library-go's deployment controller names them."""
    title = f"{name}-deployment"
    waiting = f"Waiting for Deployment to deploy pods: {name}"
    return [
        condition(f"{title}Available", ready, "AsExpected" if ready else "Deploying", "" if ready else waiting),
        condition(f"{title}Progressing", not ready, "AsExpected" if ready else "Deploying", "" if ready else waiting),
        condition(f"{title}Degraded", False, "AsExpected"),
    ]


class CertManager(StandIn):
    """cert-manager itself, for SelfSigned and CA issuers. It works while its controller Deployment is available."""

    csv_prefix = "cert-manager-operator."
    name = "cert-manager"
    watches: ClassVar = [(API, "Issuer"), (API, "ClusterIssuer"), (API, "Certificate"), ("v1", "Secret"), ("apps/v1", "Deployment")]
    delays: ClassVar = {"certificate-issue": 1.0}

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] in ("Issuer", "ClusterIssuer", "Certificate"):
            return [obj] if obj["kind"] == "Certificate" else [obj, *self.objects(API, "Certificate")]
        if obj["kind"] == "Deployment" and (obj["metadata"].get("namespace"), obj["metadata"]["name"]) != (NAMESPACE, "cert-manager"):
            return []
        if obj["kind"] == "Secret" and obj.get("type") != "kubernetes.io/tls":
            return []
        return [*self.objects(API, "ClusterIssuer"), *self.objects(API, "Issuer"), *self.objects(API, "Certificate")]

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        if not available(self.find("apps/v1", "Deployment", "cert-manager", NAMESPACE)):
            return None
        if obj["kind"] in ("Issuer", "ClusterIssuer"):
            ready, reason, text = self._judge(kube, obj)
            generation = obj["metadata"]["generation"]
            self.set_status(kube, obj, {}, [condition("Ready", ready, reason, text, observedGeneration=generation)])
            return None
        return self._certificate(kube, obj) if obj["kind"] == "Certificate" else None

    # ---- issuers

    def _judge(self, kube: Kube, issuer: Object) -> tuple[bool, str, str]:
        spec = issuer["spec"]
        if "selfSigned" in spec:
            return True, "IsReady", ""
        if "ca" in spec:
            return self._judge_ca(kube, issuer)
        return False, "NotSimulated", f"issuer types {sorted(spec)} need a service outside of this rehearsal; SelfSigned and CA work"

    def _judge_ca(self, kube: Kube, issuer: Object) -> tuple[bool, str, str]:
        name, namespace = issuer["spec"]["ca"]["secretName"], _home(issuer)
        try:
            if self._ca(kube, issuer) is not None:
                return True, "KeyPairVerified", "Signing CA verified"
        except (KeyError, ValueError) as error:
            return False, "ErrInvalidKeyPair", f"Error getting keypair for CA issuer: {error}"
        return False, "ErrGetKeyPair", f'Error getting keypair for CA issuer: secrets "{name}" not found (namespace {namespace})'

    @staticmethod
    def _ca(kube: Kube, issuer: Object) -> Pair | None:
        secret = kube.get(kube.path("v1", "Secret", _home(issuer), issuer["spec"]["ca"]["secretName"]))
        if secret is None:
            return None
        data = secret.get("data") or {}
        pair = Pair(base64.b64decode(data["tls.crt"]).decode(), base64.b64decode(data["tls.key"]).decode())
        not_after(pair.certificate)
        return pair

    def _issuer_of(self, certificate: Object) -> tuple[Object | None, str]:
        ref = certificate["spec"]["issuerRef"]
        kind = ref.get("kind") or "Issuer"
        namespace = None if kind == "ClusterIssuer" else certificate["metadata"]["namespace"]
        issuer = self.find(API, kind, ref["name"], namespace)
        return issuer, f'Referenced "{kind}" not found: {kind.lower()}.cert-manager.io "{ref["name"]}" not found'

    # ---- certificates

    def _certificate(self, kube: Kube, obj: Object) -> float | None:
        generation = obj["metadata"]["generation"]
        secret = kube.get(kube.path("v1", "Secret", obj["metadata"]["namespace"], obj["spec"]["secretName"]))
        have = _usable(obj, secret)
        if have:
            self._ready(kube, obj, have)
            return None
        missing = "DoesNotExist" if secret is None else "SecretMismatch"
        text = "Issuing certificate as Secret does not exist" if secret is None else "Issuing certificate as Secret does not match the spec"
        issuing = condition("Issuing", True, missing, text, observedGeneration=generation)
        waiting = condition("Ready", False, missing, text, observedGeneration=generation)
        issuer, problem = self._issuer_of(obj)
        if issuer is None or not _is_ready(issuer):
            self.set_status(kube, obj, {}, [issuing, waiting])
            self.log.info("Certificate %s: %s", obj["metadata"]["name"], problem if issuer is None else "issuer is not ready")
            return None
        self.set_status(kube, obj, {}, [issuing, waiting])
        left = self.remaining("certificate-issue", obj)
        if left:
            return left
        self.forget("certificate-issue", obj)
        self._issue(kube, obj, issuer)
        return None

    def _issue(self, kube: Kube, obj: Object, issuer: Object) -> None:
        signer = self._ca(kube, issuer) if "ca" in issuer["spec"] else None
        pair = issue(wish(obj["spec"]), signer)
        name, namespace = obj["spec"]["secretName"], obj["metadata"]["namespace"]
        ref = obj["spec"]["issuerRef"]
        notes = {"cert-manager.io/certificate-name": obj["metadata"]["name"], "cert-manager.io/issuer-name": ref["name"],
                 "cert-manager.io/issuer-kind": ref.get("kind") or "Issuer", "cert-manager.io/issuer-group": ref.get("group") or "",
                 "cert-manager.io/common-name": obj["spec"].get("commonName") or "",
                 "cert-manager.io/alt-names": ",".join(obj["spec"].get("dnsNames") or [])}
        template = obj["spec"].get("secretTemplate") or {}
        meta = {"name": name, "namespace": namespace, "annotations": {**(template.get("annotations") or {}), **notes},
                "labels": {**(template.get("labels") or {}), "controller.cert-manager.io/fao": "true"}}
        data = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": signer.certificate if signer else pair.certificate}
        kube.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta, "stringData": data}, manager=self.agent())
        self._request(kube, obj, pair)
        self.event(obj, "Normal", "Issuing", "The certificate has been successfully issued")
        self._ready(kube, obj, pair.certificate)

    def _request(self, kube: Kube, obj: Object, pair: Pair) -> None:
        """The CertificateRequest that stays behind as the record of one issue."""
        revision = int((obj.get("status") or {}).get("revision") or 0) + 1
        name = f"{obj['metadata']['name']}-{revision}"
        meta = {"name": name, "namespace": obj["metadata"]["namespace"], "ownerReferences": [owner_reference(obj)],
                "annotations": {"cert-manager.io/certificate-name": obj["metadata"]["name"], "cert-manager.io/certificate-revision": str(revision)}}
        body = {"apiVersion": API, "kind": "CertificateRequest", "metadata": meta, "spec": {
            "issuerRef": obj["spec"]["issuerRef"], "request": base64.b64encode(pair.certificate.encode()).decode()}}
        try:
            made = kube.apply(body, manager=self.agent())
        except NotFound:
            return
        self.set_status(kube, made, {"certificate": base64.b64encode(pair.certificate.encode()).decode()}, [
            condition("Approved", True, "cert-manager.io", "Certificate request has been approved by cert-manager.io"),
            condition("Ready", True, "Issued", "Certificate fetched from issuer successfully")])

    def _ready(self, kube: Kube, obj: Object, certificate: str) -> None:
        end, begin = not_after(certificate), not_before(certificate)
        stamp = "%Y-%m-%dT%H:%M:%SZ"
        status = {"notAfter": end.strftime(stamp), "notBefore": begin.strftime(stamp), "renewalTime": (begin + (end - begin) * 2 / 3).strftime(stamp),
                  "revision": int((obj.get("status") or {}).get("revision") or 0) or 1}
        ready = condition("Ready", True, "Ready", "Certificate is up to date and has not expired", observedGeneration=obj["metadata"]["generation"])
        others = [c for c in (obj.get("status") or {}).get("conditions") or [] if c["type"] not in ("Ready", "Issuing")]
        if any(c["type"] == "Issuing" for c in (obj.get("status") or {}).get("conditions") or []):
            # A condition can only be taken away by writing the list anew.
            kube.apply_status(kube.path_of(obj), {"conditions": others}, manager=self.agent())
            obj = {**obj, "status": {**obj["status"], "conditions": others}}
        self.set_status(kube, obj, status, [ready])


def wish(spec: Object) -> Wish:
    """What a Certificate's spec asks for."""
    names = hosts(spec.get("dnsNames") or [], spec.get("ipAddresses") or [])
    key = spec.get("privateKey") or {}
    bits = int(key.get("size") or 2048) if (key.get("algorithm") or "RSA") == "RSA" else 0
    return Wish(spec.get("commonName") or "", names, hours(spec.get("duration")) / 24, bool(spec.get("isCA")), bits)


def hours(duration: str | None) -> float:
    """A Go duration in hours; cert-manager's default is 90 days."""
    units = {"h": 1.0, "m": 1 / 60, "s": 1 / 3600}
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", duration or "")
    return sum(float(number) * units[unit] for number, unit in parts) or 2160.0


def _usable(certificate: Object, secret: Object | None) -> str:
    """The Secret's certificate when it says what the spec asks for, else ""."""
    data = (secret or {}).get("data") or {}
    try:
        text = base64.b64decode(data.get("tls.crt") or "").decode()
        return text if text and data.get("tls.key") and set(wish(certificate["spec"]).hosts) <= names_in(text) else ""
    except ValueError:
        return ""


def _home(issuer: Object) -> str:
    """Where an issuer's Secret is: its own namespace, or cert-manager's for a ClusterIssuer."""
    return issuer["metadata"].get("namespace") or NAMESPACE


def _is_ready(obj: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in (obj.get("status") or {}).get("conditions") or [])
