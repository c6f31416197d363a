# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as texts: self-signed, a CA, or signed by a CA given as texts. For what cert-manager and service-ca issue."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Wish:
    """What a certificate shall say. `days` may be a fraction."""

    common_name: str = ""
    hosts: tuple[str, ...] = ()
    days: float = 90.0
    is_ca: bool = False
    rsa_bits: int = 0  # 0: an ECDSA P-256 key


def issue(wish: Wish, signer: Pair | None = None) -> Pair:
    """Issue a certificate, signed by `signer` or by itself. Raises ValueError when the signer isn't usable."""
    key: Key = rsa.generate_private_key(65537, wish.rsa_bits) if wish.rsa_bits else ec.generate_private_key(ec.SECP256R1())
    subject = _name(wish.common_name)
    issuer, signing = subject, key
    if signer is not None:
        parent = x509.load_pem_x509_certificate(signer.certificate.encode())
        issuer, signing = parent.subject, _load_key(signer.key)
    start = datetime.datetime.now(datetime.UTC) - SKEW
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=wish.days))
        .add_extension(x509.BasicConstraints(ca=wish.is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )
    names = [_alternative(host) for host in wish.hosts]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not wish.common_name)
    certificate = builder.sign(signing, hashes.SHA256())
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), _pem(key))


def not_after(certificate: str) -> datetime.datetime:
    """End of validity (UTC) of the first certificate of a PEM text. Raises ValueError when it isn't one."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def not_before(certificate: str) -> datetime.datetime:
    """Begin of validity (UTC)."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_before_utc


def names_in(certificate: str) -> set[str]:
    """DNS names and addresses of a certificate."""
    loaded = x509.load_pem_x509_certificate(certificate.encode())
    try:
        found = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(item.value) for item in found}


def hosts(*names: Iterable[str]) -> tuple[str, ...]:
    """Several lists of names as one, without doubles."""
    return tuple(dict.fromkeys(name for group in names for name in group if name))


def _load_key(text: str) -> Key:
    key = serialization.load_pem_private_key(text.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError(f"a key of type {type(key).__name__} can't sign here")
    return key


def _pem(key: Key) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL if isinstance(key, rsa.RSAPrivateKey) else serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
