# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: a strict TLS client accepts ours, and only for the names they're made for."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from rehearsal.pki import Authority, key_pair


def handshake(server_files: tuple[Path, Path], trust: Path, name: str) -> None:
    """Connect by TLS to a server with these files as ``name``; raises ssl.SSLError when the client refuses."""
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server_files)

    def serve() -> None:
        try:
            context.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.create_default_context(cafile=str(trust))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # Python's default from 3.13 on
    try:
        with client.wrap_socket(ours, server_hostname=name):
            pass
    finally:
        ours.close()
        thread.join()


def test_server_certificate_holds_for_its_hosts_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    files = authority.issue("server", ("localhost", "10.96.0.1"))
    handshake(files, authority.path, "localhost")
    handshake(files, authority.path, "10.96.0.1")
    with pytest.raises(ssl.SSLError, match="certificate"):
        handshake(files, authority.path, "example.com")


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    files = Authority(tmp_path, "a").issue("server", ("localhost",))
    with pytest.raises(ssl.SSLError, match="certificate"):
        handshake(files, Authority(tmp_path / "b", "b").path, "localhost")


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    for path in (authority.key_path, authority.issue("client", client=True)[1], key_pair(tmp_path, "accounts")[1]):
        assert path.stat().st_mode & 0o077 == 0
