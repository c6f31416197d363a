# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to one API server: timeouts, retries with jitter until a deadline, one kept connection, one watch reader."""

from __future__ import annotations

import contextlib
import os
import random
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, Misdeclared, Unreachable
from ansible_collections.llmd.openshift.plugins.module_utils._kube import faults
from ansible_collections.llmd.openshift.plugins.module_utils._kube.connection import Connection

USER_AGENT = "llmd.openshift"
CONNECT_SECONDS = 5.0
READ_SECONDS = (5.0, 30.0)  # bounds; half the deadline in between, so that one hung connection never eats it all
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0


@dataclass(frozen=True)
class Reply:
    """A successful answer."""

    status: int
    body: bytes
    date: str | None = None  # the server's clock, as it came


def pause(attempt: int, floor: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds before attempt + 1: exponential with full jitter in its upper half, never under the server's wish."""
    step = min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
    return max(floor, step / 2 + step / 2 * chance())


class Transport:
    """Requests with one deadline each. `reload` gives fresh connection settings after a 401 (renewed token)."""

    def __init__(self, connection: Connection, deadline: float, reload: Callable[[], Connection] | None = None) -> None:
        try:
            import urllib3
        except ImportError as error:  # pragma: no cover - a broken installation
            raise Misdeclared(
                "A Python library is missing", "this Python", str(error), "Install the collection's requirements.txt."
            ) from error
        self._urllib3 = urllib3
        self._reload = reload
        self.deadline = deadline
        self._connect(connection)

    def _connect(self, connection: Connection) -> None:
        self._connection = connection
        self.server = connection.server
        self._pool = _pool(self._urllib3, connection)
        self._headers = _headers(self._urllib3, connection)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        accept: str = "application/json",
    ) -> Reply:
        """One call, repeated while the fault is transient and the deadline allows.

        :raises ClusterError: the subclass that fits the last answer.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        if content_type:
            headers["Content-Type"] = content_type
        read = min(max(self.deadline / 2, READ_SECONDS[0]), READ_SECONDS[1])

        def once() -> Reply:
            answer = self._send(method, path, body, headers, read, stream=False)
            return Reply(answer.status, answer.data, answer.headers.get("Date"))

        return self._repeat(once, f"{method} {path} on {self.server}")

    def stream(self, path: str, read_seconds: float) -> Iterator[bytes]:
        """The chunks of a GET that stays open (a watch). Only the opening is retried, the reading isn't."""
        where = f"GET {path} on {self.server}"
        headers = {"Accept": "application/json"}
        answer = self._repeat(lambda: self._send("GET", path, None, headers, read_seconds, stream=True), where)
        try:
            yield from answer.stream(65536)
        except self._urllib3.exceptions.HTTPError as error:
            raise Dropped("The watch was cut", where, _plain(error), "Watch again from the last position.") from None
        finally:
            answer.close()

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str], read: float, stream: bool) -> Any:
        merged = self._headers.copy()  # keeps repeated headers (Impersonate-Group) apart
        merged.update(headers)
        answer = self._pool.request(
            method,
            self.server + path,
            body=body,
            headers=merged,
            timeout=self._urllib3.Timeout(connect=CONNECT_SECONDS, read=read),
            retries=False,
            redirect=False,  # an API server doesn't redirect; whoever does shall not get the token
            preload_content=not stream,
        )
        content = answer.data if not stream or answer.status >= 300 else b""
        fault = faults.judge(answer.status, answer.headers, content, f"{method} {path} on {self.server}", method)
        if fault is None and answer.status >= 300:
            why = f"HTTP {answer.status}: the server redirects to another place"
            fault = faults.Fault(Unreachable("This is no API server", self.server, why, "Check the API URL."))
        if fault is not None:
            raise _Answered(fault)
        return answer

    def _repeat(self, once: Callable[[], Any], where: str) -> Any:
        end = time.monotonic() + self.deadline
        attempt, renewed = 0, False
        while True:
            attempt += 1
            try:
                return once()
            except _Answered as answered:
                fault = answered.fault
                if fault.error.details.get("status") == 401 and not renewed:
                    # Once: a renewed token file counts, and so does an API server that wasn't ready yet.
                    renewed = True
                    self._renew()
                    fault = faults.Fault(fault.error, retry=True)
            except self._urllib3.exceptions.HTTPError as error:
                lost, retry = self._lost(error, where)
                fault = faults.Fault(lost, retry=retry)
            wait = pause(attempt, fault.retry_after)
            spent = fault.max_tries is not None and attempt >= fault.max_tries
            if not fault.retry or spent or time.monotonic() + wait > end:
                raise _told(fault.error, attempt) from None
            time.sleep(wait)

    def _renew(self) -> None:
        if self._reload is not None:
            with contextlib.suppress(ClusterError):  # the 401 is the better message than an unreadable file
                self._connect(self._reload())

    def _lost(self, error: Exception, where: str) -> tuple[ClusterError, bool]:
        """No answer: the error for it, and whether trying again makes sense."""
        known = self._urllib3.exceptions
        text = _plain(error)
        cause = error.args[-1] if error.args else None
        if isinstance(error, known.SSLError) and isinstance(cause, ssl.SSLCertVerificationError):
            todo = "Give the cluster's CA (llmd_ca_cert, or certificate-authority-data in the kubeconfig)."
            return Unreachable("The API server's certificate isn't trusted", self.server, text, todo), False
        if isinstance(error, (known.LocationParseError, known.InsecureRequestWarning)):
            return Unreachable("The API URL can't be used", self.server, text, "Check the API URL."), False
        todo = "Check the API URL, the network and proxy on the way, and that the API server runs; then run again."
        return Unreachable("No answer from the API server", where, text, todo), True


class Dropped(Unreachable):
    """An open stream ended with a fault (not: it could not be opened)."""


class _Answered(Exception):
    """Carries a fault out of one attempt."""

    def __init__(self, fault: faults.Fault) -> None:
        self.fault = fault
        super().__init__()


def _told(error: ClusterError, attempts: int) -> ClusterError:
    if attempts > 1:
        error.details = {**error.details, "attempts": attempts}
    return error


def _plain(error: Exception) -> str:
    """urllib3's text without the object addresses that it starts with."""
    text = str(error.args[-1] if error.args else error)
    return text.split(">: ", 1)[-1][:300] or type(error).__name__


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


def _pool(urllib3: Any, connection: Connection) -> Any:
    settings: dict[str, Any] = {"maxsize": 8, "retries": False}
    if connection.server.startswith("https"):
        settings["ssl_context"] = _context(connection)
        if not connection.verify:  # `cluster_access` says so aloud, once; a line a request would hide it
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        if connection.tls_server_name:
            settings.update(server_hostname=connection.tls_server_name, assert_hostname=connection.tls_server_name)
    if not connection.proxy or _bypassed(connection.server, connection.no_proxy or ""):
        return urllib3.PoolManager(**settings)
    try:
        if connection.proxy.startswith("socks"):
            from urllib3.contrib.socks import SOCKSProxyManager

            return SOCKSProxyManager(connection.proxy, **settings)
        headers = urllib3.make_headers(**connection.proxy_headers) if connection.proxy_headers else None
        return urllib3.ProxyManager(connection.proxy, proxy_headers=headers, **settings)
    except (ImportError, ValueError, urllib3.exceptions.HTTPError) as error:
        raise Misdeclared(
            "The proxy can't be used", "connection option proxy", str(error), "Check llmd_proxy."
        ) from None


def _bypassed(server: str, no_proxy: str) -> bool:
    host = (urlsplit(server).hostname or "").lower()
    for entry in (part.strip().lower().lstrip(".") for part in no_proxy.split(",")):
        if entry and (entry == "*" or host == entry or host.endswith("." + entry)):
            return True
    return False


def _headers(urllib3: Any, connection: Connection) -> Any:
    headers = urllib3.HTTPHeaderDict({"User-Agent": USER_AGENT})
    if connection.token:
        headers["Authorization"] = f"Bearer {connection.token}"
    elif connection.basic:
        headers.update(urllib3.make_headers(basic_auth=":".join(connection.basic)))
    if connection.impersonate_user:
        headers["Impersonate-User"] = connection.impersonate_user
        for group in connection.impersonate_groups:
            headers.add("Impersonate-Group", group)
    return headers
