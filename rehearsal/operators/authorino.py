# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the Authorino operator, and of Authorino itself: the service that lets requests through a gateway, or not.

An Authorino CR becomes a Deployment and its Services; while a pod of it is ready, a server at ADDRESS:PORT answers Envoy's HTTP
ext_authz checks. It does the real TokenReview and SubjectAccessReview on the API server. (The product speaks gRPC with
Kuadrant's WebAssembly filter; the decisions and answers are the same.)
"""

from __future__ import annotations

import base64
import http.server
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from rehearsal.gateway.authorisation import Answer, Request, decide
from rehearsal.kube import Kube, KubeError
from rehearsal.operators.runtime import Key, Object, StandIn, condition
from rehearsal.operators.workloads import available, deployment, related_image, service

ADDRESS = "10.244.0.1"  # the bridge of the pods' network: every gateway pod reaches it
PORT = 5001  # Authorino's HTTP port; its gRPC port 50051 is a catalog's in here
GRPC_PORT = 50051
API = "operator.authorino.kuadrant.io/v1beta1"
POLICY_API = "kuadrant.io/v1"
Decide = Callable[[str, str, Request], Answer]


def authorisation_service(authorino: Object) -> str:
    """Name of the Service that gateways call."""
    return f"{authorino['metadata']['name']}-authorino-authorization"


class AuthorinoOperator(StandIn):
    """Authorino -> Deployment, Services, condition Ready; and the enforcing server."""

    csv_prefix = "authorino-operator."
    name = "authorino-operator"
    watches: ClassVar = [(API, "Authorino"), ("apps/v1", "Deployment"), ("v1", "Secret")]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._server: Server | None = None

    def stop(self) -> None:
        self._serve(None)

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] == "Authorino":
            return [obj]
        if obj["kind"] == "Secret":
            names = {obj["metadata"]["name"]}
            return [one for one in self.objects(API, "Authorino", obj["metadata"]["namespace"]) if names & set(_secrets(one))]
        return self.owners(obj, "Authorino")

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
        problem = self._missing_certificate(obj)
        if problem:
            # The product's installation stops here, too: no Deployment without the certificate (authorino_controller.go).
            self.set_status(kube, obj, {}, [condition("Ready", False, "TlsSecretNotProvided", problem)])
            return None
        labels = {"authorino-resource": name, "control-plane": "controller-manager"}
        image = (obj["spec"].get("image") or "") or related_image(self.csv, "rhcl-1/authorino-rhel9")
        replicas = obj["spec"].get("replicas") or 1
        self.ensure(kube, deployment(name, namespace, image, labels, replicas=replicas, owner=obj, container="authorino"))
        selector = {"authorino-resource": name}
        self.ensure(kube, service(authorisation_service(obj), namespace, selector, {"grpc": GRPC_PORT, "http": PORT}, obj))
        self.ensure(kube, service(f"{name}-authorino-oidc", namespace, selector, {"http": 8083}, obj))
        self.ensure(kube, service(f"{name}-controller-metrics", namespace, selector, {"http": 8080}, obj))
        ready = available(self.find("apps/v1", "Deployment", name, namespace))
        reason, text = ("Provisioned", "") if ready else ("DeploymentNotReady", "Deployment is not ready")
        self.set_status(kube, obj, {}, [condition("Ready", ready, reason, text)])
        self._serve(obj if ready else None)
        return None

    def deleted(self, kube: Kube, obj: Object) -> None:
        if obj["kind"] == "Authorino":  # not some Secret or Deployment, of which this is told too
            self._serve(None)

    def _missing_certificate(self, obj: Object) -> str:
        for part, tls in (("listener", _tls(obj, "listener")), ("oidc", _tls(obj, "oidcServer"))):
            if not tls.get("enabled", True):
                continue
            secret = (tls.get("certSecretRef") or {}).get("name")
            if not secret:
                return f"{part} secret with tls cert not provided"
            if self.find("v1", "Secret", secret, obj["metadata"]["namespace"]) is None:
                return f'{part} secret name {secret} not found, err: Secret "{secret}" not found'
        return ""

    def _serve(self, authorino: Object | None) -> None:
        """Run the server with the CR's TLS settings, or none."""
        certificate = None
        if authorino is not None and _tls(authorino, "listener").get("enabled", True):
            secret = self.find("v1", "Secret", _tls(authorino, "listener")["certSecretRef"]["name"], authorino["metadata"]["namespace"])
            data = (secret or {}).get("data") or {}
            certificate = base64.b64decode(data.get("tls.crt") or ""), base64.b64decode(data.get("tls.key") or "")
        if self._server is not None and (authorino is None or self._server.certificate != certificate):
            self._server.stop()
            self._server = None
        if authorino is not None and self._server is None:
            self._server = Server(self._decide, certificate)

    def _decide(self, namespace: str, name: str, request: Request) -> Answer:
        policy = self.find(POLICY_API, "AuthPolicy", name, namespace)
        if policy is None:
            return Answer(404, {"X-Ext-Auth-Reason": "Service not found"})
        try:
            return decide(policy, request, self._token_review, self._access_review)
        except KubeError as error:
            self.log.warning("a review failed: %s", error)
            return Answer(403, {"X-Ext-Auth-Reason": "not authorized: the API server can't be asked"})

    def _token_review(self, token: str, audiences: list[str]) -> Object:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token, "audiences": audiences}}
        return self.kube.create("/apis/authentication.k8s.io/v1/tokenreviews", body).get("status") or {}

    def _access_review(self, spec: Object) -> bool:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        status = self.kube.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", body).get("status") or {}
        return bool(status.get("allowed")) and not status.get("denied")


def _tls(authorino: Object, part: str) -> Object:
    return (authorino["spec"].get(part) or {}).get("tls") or {}


def _secrets(authorino: Object) -> list[str]:
    return [(_tls(authorino, part).get("certSecretRef") or {}).get("name") or "" for part in ("listener", "oidcServer")]


class Server:
    """The ext_authz server. Envoy asks `/<namespace>/<policy>/<path of the request>` with the request's method and headers."""

    def __init__(self, decision: Decide, certificate: tuple[bytes, bytes] | None, address: str = ADDRESS, port: int = PORT) -> None:
        self.certificate = certificate
        handler = type("Handler", (_Handler,), {"decision": staticmethod(decision)})
        self._server = http.server.ThreadingHTTPServer((address, port), handler, bind_and_activate=False)
        self._server.allow_reuse_address = True
        self._server.daemon_threads = True
        self._server.server_bind()
        if certificate is not None:
            self._server.socket = _server_context(*certificate).wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.server_activate()
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="authorino", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    decision: Decide
    timeout = 120

    def _check(self) -> None:
        parts = self.path.split("/", 3)
        if len(parts) < 4:
            answer = Answer(404)
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = self.decision(parts[1], parts[2], Request(self.command, "/" + parts[3], headers))
        self.send_response(answer.code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _check

    def log_message(self, format: str, *args: Any) -> None:
        """No line for each request."""


def _server_context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # load_cert_chain takes files only
        crt, pem = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        crt.write_bytes(certificate)
        pem.touch(mode=0o600)
        pem.write_bytes(key)
        context.load_cert_chain(crt, pem)
    return context
