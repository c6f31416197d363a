# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift AI's KServe signs the certificates of inference pods with the service CA; the upstream controller that runs here signs each by itself.

That difference is seen: a P/D sidecar reads its trusted certificates once, so that after the first change of the certificate (KServe writes the pods'
addresses into it once it knows them) it would never trust a self-signed one again, while the service CA stays the same (rehearsal-parts.md 1.3: the
product's build takes the Secret openshift-service-ca/signing-key). So each such Secret is signed anew, with the names that the controller chose.
"""

from __future__ import annotations

import base64
from typing import ClassVar

from cryptography import x509

from rehearsal.kube import Kube
from rehearsal.operators.certificates import Pair, Wish, issue, names_in
from rehearsal.operators.runtime import Object, StandIn
from rehearsal.operators.service_ca import NAMESPACE, SIGNING

SUFFIX = "-kserve-self-signed-certs"
PART_OF = ("app.kubernetes.io/part-of", "llminferenceservice")
DAYS = 3650.0


class WorkloadCertificates(StandIn):
    """Secret of a service's workloads -> signed by the service CA."""

    csv_prefix = "rhods-operator."
    name = "kserve-certificates"
    watches: ClassVar = [("v1", "Secret")]

    def route(self, event: str, obj: Object) -> list[Object]:
        meta = obj["metadata"]
        ours = meta["name"].endswith(SUFFIX) and (meta.get("labels") or {}).get(PART_OF[0]) == PART_OF[1]
        return [obj] if ours and event != "DELETED" else []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        signing = (kube.get(kube.path("v1", "Secret", NAMESPACE, SIGNING)) or {}).get("data")
        if not signing:
            return 1.0
        signer = Pair(text(signing, "tls.crt"), text(signing, "tls.key"))
        data = signed(text(obj.get("data") or {}, "tls.crt"), signer)
        if data:  # with the version that was read: a newer one of the controller's must not be lost
            version = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            kube.patch(kube.path_of(obj), {"metadata": version, "stringData": data})
        return None


def signed(certificate: str, signer: Pair) -> dict[str, str] | None:
    """The Secret's content with the same names, signed by `signer`; None when it is, or when there is no certificate yet."""
    if not certificate:
        return None
    authority = x509.load_pem_x509_certificate(signer.certificate.encode()).subject
    if x509.load_pem_x509_certificate(certificate.encode()).issuer == authority:
        return None
    pair = issue(Wish("Kserve Self Signed", tuple(sorted(names_in(certificate))), days=DAYS), signer)
    return {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": signer.certificate}


def text(data: dict[str, str], key: str) -> str:
    return base64.b64decode(data.get(key) or "").decode()
