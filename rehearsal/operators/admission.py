# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An admission webhook of a stand-in: a small HTTPS server on loopback and its registration.

The API server runs in the same network namespace, so the registration names the server by URL.
"""

from __future__ import annotations

import base64
import json
import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rehearsal.pki import Authority

log = logging.getLogger("admission")

Object = dict[str, Any]


@dataclass
class Answer:
    """What a webhook says of a request that it lets through; `patch` is a JSON patch of the object."""

    warnings: list[str] = field(default_factory=list)
    patch: list[Object] = field(default_factory=list)


Judge = Callable[[Object], "list[str] | Answer"]


def review(judge: Judge, request: Object) -> Object:
    """The AdmissionReview answer to a request. `judge` returns warnings or an Answer, or raises ValueError with the reason of a refusal."""
    response: Object = {"uid": request["uid"], "allowed": True}
    try:
        said = judge(request)
        answer = said if isinstance(said, Answer) else Answer(said)
        if answer.warnings:
            response["warnings"] = answer.warnings
        if answer.patch:
            response.update(patchType="JSONPatch", patch=base64.b64encode(json.dumps(answer.patch).encode()).decode())
    except ValueError as error:
        response.update(allowed=False, status={"code": 403, "reason": "Forbidden", "message": str(error)})
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}


class Webhook:
    """One webhook, as long as it is open."""

    def __init__(self, name: str, path: str, judge: Judge, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.path = name, path
        authority = Authority(folder, f"{name}-ca")
        certificate, key = authority.issue(name, ["127.0.0.1"])
        self._bundle = authority.path.read_bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(path, judge))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name=f"webhook-{name}", daemon=True)
        self._thread.start()

    def client_config(self) -> Object:
        """How the API server reaches this webhook."""
        port = self._server.server_address[1]
        return {"url": f"https://127.0.0.1:{port}{self.path}", "caBundle": base64.b64encode(self._bundle).decode()}

    def registration(self, configuration: str, group: str, version: str, resource: str, operations: list[str]) -> Object:
        """The ValidatingWebhookConfiguration that sends requests for a resource here."""
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": configuration},
            "webhooks": [
                {
                    "name": self.name,
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": "Fail",
                    "clientConfig": self.client_config(),
                    "rules": [{"apiGroups": [group], "apiVersions": [version], "resources": [resource], "operations": operations}],
                }
            ],
        }

    def close(self) -> None:
        """Stop serving. The registration must be removed before."""
        self._server.shutdown()
        self._server.server_close()


def _handler(path: str, judge: Judge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path.split("?")[0] != path:
                self.send_error(404)
                return
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            answer = json.dumps(review(judge, body["request"])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    return Handler
