# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet's HTTPS API, as far as ``kubectl logs`` and ``kubectl exec`` need it (the API server asks it by the node's address).

Commands are carried over WebSockets only: what kubectl has used since 1.31, and Kubernetes' client libraries always. SPDY, ``attach`` and
``port-forward`` are refused with a text that says so.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from rehearsal.errors import RehearsalError
from rehearsal.kubelet import websocket
from rehearsal.kubelet.execute import PROTOCOLS, Inside, Session, Wanted
from rehearsal.kubelet.logs import Query, read

PORT = 10250
log = logging.getLogger("api")


@dataclass(frozen=True)
class Refusal:
    """Why there is no log, or nothing to run a command in, with the HTTP status. (The API server hides the text of a 404.)"""

    status: int
    text: str


Found = tuple[Path, threading.Event] | Refusal  # the log file, and an event that is set while the container runs
FindLog = Callable[[str, str, str, bool], Found]  # of (namespace, pod, container, previous)
FindProcess = Callable[[str, str, str], Inside | Refusal]  # of (namespace, pod, container)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    find_log: FindLog
    find_process: FindProcess

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if parts == ["healthz"]:
            self._text(200, "ok")
        elif len(parts) == 4 and parts[0] == "containerLogs":
            self._logs(parts[1], parts[2], parts[3], parse_qs(url.query))
        elif len(parts) == 4 and parts[0] == "exec":
            self._exec(parts[1], parts[2], parts[3], parse_qs(url.query, keep_blank_values=True))
        else:
            self._text(501, f"the rehearsal's kubelet has no '{parts[0]}': it offers logs and exec")

    def do_POST(self) -> None:
        self.do_GET()

    def _logs(self, namespace: str, pod: str, container: str, options: dict[str, list[str]]) -> None:
        previous = options.get("previous", ["false"])[0] == "true"
        found = self.find_log(namespace, pod, container, previous)
        if isinstance(found, Refusal):
            self._text(found.status, found.text)
            return
        try:
            query = parse_query(options)
        except ValueError as error:
            self._text(400, f"bad log option: {error}")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in read(found[0], query, found[1]):
                if piece:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                elif self._left():
                    return
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # the reader went away

    def _exec(self, namespace: str, pod: str, container: str, options: dict[str, list[str]]) -> None:
        offered = [word.strip() for word in self.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        protocol = next((name for name in PROTOCOLS if name in offered), None)
        found = self.find_process(namespace, pod, container)
        if isinstance(found, Refusal):  # kubectl tries SPDY when a WebSocket is refused, and shows that answer
            self._text(found.status, found.text)
            return
        if protocol is None:
            self._text(501, f"the rehearsal's kubelet carries commands over WebSockets ({', '.join(PROTOCOLS)}), not over SPDY: use kubectl 1.31 or newer")
            return
        session = Session(self.connection, Wanted.read(options), found)
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", websocket.accept(self.headers.get("Sec-WebSocket-Key", "")))
        self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()
        session.run()

    def _left(self) -> bool:
        """Whether the reader of a followed log has gone: then its side of the connection has ended."""
        self.connection.settimeout(0.001)
        try:
            gone = self.connection.recv(1) == b""
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            gone = True
        finally:
            self.connection.settimeout(None)
        self.close_connection = self.close_connection or gone
        return gone

    def _text(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


def parse_query(options: dict[str, list[str]]) -> Query:
    """The options that the API server hands on. Raises ValueError for a bad number."""
    first = {key: values[0] for key, values in options.items()}
    since = first.get("sinceTime")
    if "sinceSeconds" in first:
        since = f"{datetime.now(UTC) - timedelta(seconds=int(first['sinceSeconds'])):%Y-%m-%dT%H:%M:%S}"
    return Query(
        follow=first.get("follow") == "true", timestamps=first.get("timestamps") == "true", since=since,
        tail=int(first["tailLines"]) if "tailLines" in first else None,
        limit_bytes=int(first["limitBytes"]) if "limitBytes" in first else None,
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """TLS begins in the connection's own thread: a slow client must not hold up the others."""
        with self.context.wrap_socket(request, server_side=True) as secure:
            handler: Any = self.RequestHandlerClass
            handler(secure, client_address, self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("connection from %s ended early", client_address, exc_info=True)


def serve(find_log: FindLog, find_process: FindProcess, certificate: Path, key: Path, port: int = PORT) -> ThreadingHTTPServer:
    """Listen on all addresses of the sandbox (each node's address is one of them); returns at once."""
    handler = type("Handler", (_Handler,), {"find_log": staticmethod(find_log), "find_process": staticmethod(find_process)})
    try:
        server = _Server(("0.0.0.0", port), handler)
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(certificate, key)
    except OSError as error:
        raise RehearsalError("the kubelet's API can't start", f"port {port}", str(error)) from error
    threading.Thread(target=server.serve_forever, name="api", daemon=True).start()
    return server

