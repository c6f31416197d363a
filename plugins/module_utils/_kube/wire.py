# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange with an API server over a kept connection, on the standard library alone.

`http.client` instead of urllib3 or requests, since importing those costs more CPU time than a module's whole work.
"""

from __future__ import annotations

import base64
import gzip
import os
import select
import ssl
import tempfile
import threading
import zlib
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared
from ansible_collections.llmd.openshift.plugins.module_utils._kube.connection import Connection

USER_AGENT = "llmd.openshift"
CONNECT_SECONDS = 5.0
CHUNK = 65536
LOST = (OSError, HTTPException)  # what an exchange without a usable answer raises


class Wire:
    """Sends requests to one server; keeps one connection a thread."""

    def __init__(self, connection: Connection) -> None:
        parts = urlsplit(connection.server)
        self._connection = connection
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._secure else 80)
        self._base = parts.path.rstrip("/")
        self._context = _context(connection) if self._secure else None
        self._headers = _headers(connection)
        self._proxy = _proxy(connection, self._host)
        self._kept = threading.local()

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str], read: float) -> HTTPResponse:
        """The answer's head; its body is read by `content` or `chunks`.

        A kept connection that the server has closed meanwhile is replaced without a word.
        :raises OSError, HTTPException: no answer.
        """
        link, fresh = self._link()
        if not fresh and _closed(link):
            link, fresh = self._link(renew=True)
        try:
            link.sock.settimeout(read)
            link.putrequest(method, self._base + path, skip_accept_encoding=True)
            for name, value in [*self._headers, *headers.items()]:
                link.putheader(name, value)
            if body is not None:
                link.putheader("Content-Length", str(len(body)))
            link.endheaders(body)
            return link.getresponse()
        except BaseException:
            self.drop()
            raise

    def content(self, answer: HTTPResponse) -> bytes:
        """The whole body, decompressed."""
        try:
            body = answer.read()
            return gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        except (EOFError, zlib.error) as error:
            self.drop()
            raise HTTPException(f"damaged answer: {error}") from None
        except BaseException:
            self.drop()
            raise

    def chunks(self, answer: HTTPResponse) -> Iterator[bytes]:
        """The body piece by piece, as it arrives. The connection isn't used again."""
        try:
            while piece := answer.read1(CHUNK):
                yield piece
        finally:
            self.drop()

    def drop(self) -> None:
        """Closes this thread's connection."""
        link = getattr(self._kept, "link", None)
        self._kept.link = None
        if link is not None:
            link.close()

    def _link(self, renew: bool = False) -> tuple[Any, bool]:
        if renew:
            self.drop()
        link = getattr(self._kept, "link", None)
        if link is not None and link.sock is not None:
            return link, False
        link = self._open()
        self._kept.link = link
        return link, True

    def _open(self) -> HTTPConnection:
        host, port = (self._proxy[0], self._proxy[1]) if self._proxy else (self._host, self._port)
        # With a proxy, TLS is laid through its tunnel by hand: the certificate is the server's, not the proxy's.
        link = HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        if self._proxy:
            link.set_tunnel(self._host, self._port, headers=self._proxy[2])
        try:
            link.connect()
            if self._context is not None:
                name = self._connection.tls_server_name or self._host
                link.sock = self._context.wrap_socket(link.sock, server_hostname=name)
        except BaseException:
            link.close()
            raise
        link.auto_open = 0  # a lost connection is opened here, never in between
        return link


def _closed(link: HTTPConnection) -> bool:
    """Whether the server has ended an idle connection (then it has something to read: the end)."""
    watcher = select.poll()
    watcher.register(link.sock, select.POLLIN)
    return bool(watcher.poll(0))


def _context(connection: Connection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=connection.ca_file, cadata=connection.ca_pem)
        if not connection.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if connection.cert_pem and connection.key_pem:
            _load_client_certificate(context, connection.cert_pem, connection.key_pem)
    except (OSError, ssl.SSLError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Misdeclared(
            "The connection to the cluster can't be made", "CA or client certificate", why, "Give PEM files that fit."
        ) from None
    return context


def _load_client_certificate(context: ssl.SSLContext, cert_pem: str, key_pem: str) -> None:
    # OpenSSL reads files only. One private file that lives for the time of the call.
    handle, path = tempfile.mkstemp(prefix="llmd-", suffix=".pem")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(f"{cert_pem}\n{key_pem}\n")
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _proxy(connection: Connection, server: str) -> tuple[str, int, dict[str, str]] | None:
    """(host, port, headers) of the proxy on the way, None when there is none for this server."""
    if not connection.proxy or _bypassed(server, connection.no_proxy or ""):
        return None
    wrong = None
    try:
        parts = urlsplit(connection.proxy if "://" in connection.proxy else f"http://{connection.proxy}")
        port = parts.port or 80
        if parts.scheme != "http" or not parts.hostname:
            wrong = f"only http:// proxies can be used, not {parts.scheme}://"
    except ValueError:
        wrong, parts, port = "not a URL", urlsplit(""), 0
    if wrong:
        raise Misdeclared("The proxy can't be used", "connection option proxy", wrong, "Check llmd_proxy.")
    given = connection.proxy_headers or {}
    login = given.get("proxy_basic_auth") or (f"{parts.username}:{parts.password or ''}" if parts.username else None)
    headers = {"Proxy-Authorization": _basic(login)} if login else {}
    if given.get("user_agent"):
        headers["User-Agent"] = given["user_agent"]
    return parts.hostname or "", port, headers


def _bypassed(server: str, no_proxy: str) -> bool:
    host = server.lower()
    for entry in (part.strip().lower().lstrip(".") for part in no_proxy.split(",")):
        if entry and (entry == "*" or host == entry or host.endswith("." + entry)):
            return True
    return False


def _basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def _headers(connection: Connection) -> list[tuple[str, str]]:
    headers = [("User-Agent", USER_AGENT)]
    if connection.token:
        headers.append(("Authorization", f"Bearer {connection.token}"))
    elif connection.basic:
        headers.append(("Authorization", _basic(":".join(connection.basic))))
    if connection.impersonate_user:
        headers.append(("Impersonate-User", connection.impersonate_user))
        headers += [("Impersonate-Group", group) for group in connection.impersonate_groups]
    return headers
