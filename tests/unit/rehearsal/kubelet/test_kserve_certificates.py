# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workload certificates are signed by the service CA, with the names that KServe chose."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rehearsal.operators.certificates import Wish, issue, names_in
from rehearsal.operators.kserve_certificates import WorkloadCertificates, signed

SIGNER = issue(Wish("openshift-service-serving-signer@1", is_ca=True))


def test_names_stay_and_the_signer_is_the_service_ca() -> None:
    own = issue(Wish("", ("localhost", "10.244.1.2")))
    data = signed(own.certificate, SIGNER)
    assert data is not None and names_in(data["tls.crt"]) == {"localhost", "10.244.1.2"} and data["ca.crt"] == SIGNER.certificate
    leaf, authority = (x509.load_pem_x509_certificate(data[key].encode()) for key in ("tls.crt", "ca.crt"))
    leaf.verify_directly_issued_by(authority)
    assert load_pem_private_key(data["tls.key"].encode(), None).public_key() == leaf.public_key()
    assert signed(data["tls.crt"], SIGNER) is None  # nothing more to do
    assert signed("", SIGNER) is None


@pytest.mark.parametrize(("name", "labels", "event", "count"), [
    ("a-kserve-self-signed-certs", {"app.kubernetes.io/part-of": "llminferenceservice"}, "ADDED", 1),
    ("a-kserve-self-signed-certs", {"app.kubernetes.io/part-of": "llminferenceservice"}, "DELETED", 0),
    ("a-kserve-self-signed-certs", {}, "ADDED", 0), ("other", {"app.kubernetes.io/part-of": "llminferenceservice"}, "ADDED", 0),
])
def test_only_kserves_own_secrets(name: str, labels: dict[str, str], event: str, count: int) -> None:
    secret = {"metadata": {"name": name, "namespace": "n", "labels": labels}}
    assert len(WorkloadCertificates.route(object.__new__(WorkloadCertificates), event, secret)) == count
