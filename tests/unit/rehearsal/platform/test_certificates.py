# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that cert-manager and service-ca issue."""

from __future__ import annotations

import base64
import ssl

import pytest

from rehearsal.operators.cert_manager import CertManager, _usable, hours, wish
from rehearsal.operators.certificates import Pair, Wish, issue, names_in, not_after, not_before


def encoded(pair: Pair) -> dict:
    return {"data": {"tls.crt": base64.b64encode(pair.certificate.encode()).decode(), "tls.key": base64.b64encode(pair.key.encode()).decode()}}


def test_a_chain_that_tls_accepts(tmp_path) -> None:
    root = issue(Wish("root", is_ca=True))
    leaf = issue(Wish("leaf", ("a.svc", "127.0.0.1"), rsa_bits=2048), root)
    assert names_in(leaf.certificate) == {"a.svc", "127.0.0.1"}
    (tmp_path / "c").write_text(leaf.certificate)
    (tmp_path / "k").write_text(leaf.key)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "c", tmp_path / "k")


def test_validity() -> None:
    pair = issue(Wish("x", days=2))
    assert (not_after(pair.certificate) - not_before(pair.certificate)).days == 2


def test_a_signer_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        issue(Wish("x"), Pair("nonsense", "nonsense"))


@pytest.mark.parametrize(("text", "value"), [("24h", 24), ("1h30m", 1.5), (None, 2160), ("nonsense", 2160)])
def test_durations(text, value) -> None:
    assert hours(text) == value


def test_a_secret_is_usable_only_for_its_names() -> None:
    spec = {"secretName": "s", "dnsNames": ["a.svc"], "issuerRef": {"name": "i"}}
    good = encoded(issue(wish(spec)))
    assert _usable({"spec": spec}, good)
    assert not _usable({"spec": {**spec, "dnsNames": ["b.svc"]}}, good)
    assert not _usable({"spec": spec}, None)
    assert not _usable({"spec": spec}, {"data": {"tls.crt": "bm9uc2Vuc2U=", "tls.key": "eA=="}})


def test_an_issuer_type_that_needs_the_world_is_not_ready() -> None:
    ready, reason, _text = CertManager._judge(object(), None, {"spec": {"acme": {}}})  # type: ignore[arg-type]
    assert (ready, reason) == (False, "NotSimulated")
