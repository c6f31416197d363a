# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small certificate authority for one rehearsal: server certificates, the front proxy, ServiceAccount keys."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = datetime.timedelta(days=365)
SKEW = datetime.timedelta(hours=1)


class Authority:
    """A certificate authority whose key and certificates are files in one folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.path, self.key_path = folder / f"{name}.crt", folder / f"{name}.key"
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _builder(subject, subject, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        builder = builder.add_extension(_usage(sign_certificates=True), critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256())
        write(self.path, _pem(self.certificate))
        write(self.key_path, _key_pem(self._key))

    @classmethod
    def kept(cls, folder: Path, name: str) -> Authority:
        """The authority whose files are in the folder already (a saved state brought them), else a new one."""
        if not (folder / f"{name}.key").exists():
            return cls(folder, name)
        authority = cls.__new__(cls)
        authority.folder, authority.name = folder, name
        authority.path, authority.key_path = folder / f"{name}.crt", folder / f"{name}.key"
        authority.certificate = x509.load_pem_x509_certificate(authority.path.read_bytes())
        key = serialization.load_pem_private_key(authority.key_path.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "we make no other kind"
        authority._key = key
        return authority

    def issue(self, name: str, hosts: Iterable[str] = (), client: bool = False) -> tuple[Path, Path]:
        """Files (certificate, key) ``<name>.crt`` and ``<name>.key``: for a server at ``hosts``, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = (
            _builder(_name(name), self.certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        alternatives = [_alternative(host) for host in hosts]
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = write(self.folder / f"{name}.crt", _pem(builder.sign(self._key, hashes.SHA256())))
        return certificate, write(self.folder / f"{name}.key", _key_pem(key))


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Files (public key, private key) for signing ServiceAccount tokens; those that are there already stay."""
    if (folder / f"{name}.key").exists():
        return folder / f"{name}.pub", folder / f"{name}.key"
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return write(folder / f"{name}.pub", public), write(folder / f"{name}.key", _key_pem(key))


def write(path: Path, data: bytes) -> Path:
    """Write a file that only its owner may read (keys and tokens go through here)."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    return path


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not sign_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
