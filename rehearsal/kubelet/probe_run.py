# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing a probe: HTTP(S), TCP, gRPC health, or a command in the container. Each returns (success, kubelet's words)."""

from __future__ import annotations

import functools
import http.client
import os
import socket
import ssl
import subprocess
from collections.abc import Callable
from typing import Any

Obj = dict[str, Any]
Result = tuple[bool, str]
MAX_OUTPUT = 10 * 1024
GRPC_STATUS = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
SERVING = 1
# grpc's handlers around fork() warn about threads; nothing here forks without exec
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def run(handler: Obj, container: Obj, pod_ip: str, timeout: float, execute: Callable[[list[str]], Any]) -> Result:
    """``execute(command)`` gives a CompletedProcess of a command inside the container."""
    if "httpGet" in handler:
        spec = handler["httpGet"]
        return http_get(spec, spec.get("host") or pod_ip, port_number(spec["port"], container), timeout)
    if "tcpSocket" in handler:
        spec = handler["tcpSocket"]
        return tcp(spec.get("host") or pod_ip, port_number(spec["port"], container), timeout)
    if "grpc" in handler:
        return grpc_health(pod_ip, int(handler["grpc"]["port"]), handler["grpc"].get("service") or "", timeout)
    return command(handler.get("exec", {}).get("command") or [], timeout, execute)


def port_number(port: int | str, container: Obj) -> int:
    """Ports may be named after the container's ports."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    for entry in container.get("ports") or []:
        if entry.get("name") == port:
            return int(entry["containerPort"])
    return 0


def http_get(spec: Obj, host: str, port: int, timeout: float) -> Result:
    secure = str(spec.get("scheme", "HTTP")).upper() == "HTTPS"
    path = spec.get("path") or "/"
    path = path if path.startswith("/") else f"/{path}"
    url = f"{'https' if secure else 'http'}://{host}:{port}{path}"
    headers = {"User-Agent": "kube-probe/1.33", "Accept": "*/*"}
    headers.update({h["name"]: h["value"] for h in spec.get("httpHeaders") or []})
    connection: http.client.HTTPConnection
    if secure:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=_any_certificate())
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
    except TimeoutError:
        return False, (f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
    except (OSError, http.client.HTTPException) as error:
        return False, f'Get "{url}": {_words(error, host, port)}'
    finally:
        connection.close()
    return (True, "") if 200 <= status < 400 else (False, f"HTTP probe failed with statuscode: {status}")


@functools.cache
def _any_certificate() -> ssl.SSLContext:
    """A kubelet doesn't check certificates in probes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def tcp(host: str, port: int, timeout: float) -> Result:
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True, ""
    except OSError as error:
        return False, _words(error, host, port)


def grpc_health(host: str, port: int, service: str, timeout: float) -> Result:
    """grpc.health.v1.Health/Check. Its two messages have one field each, so they are coded by hand."""
    import grpc  # loaded only where a pod has such a probe: it costs 20 MiB

    address = f"{host}:{port}"
    name = service.encode()
    request = b"\x0a" + bytes([len(name)]) + name if name else b""
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
    try:
        with grpc.insecure_channel(address, options=options) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check", None, None)
            answer: bytes = check(request, timeout=timeout)
    except grpc.RpcError as error:
        code = error.code()
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            why = "context deadline exceeded" if code == grpc.StatusCode.DEADLINE_EXCEEDED else "connection refused"
            return False, f'timeout: failed to connect service "{address}" within {timeout:g}s: {why}'
        if code == grpc.StatusCode.UNIMPLEMENTED:
            return False, ("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
                           f"{error.details()}")
        return False, f"error: health rpc failed: rpc error: code = {code.name} desc = {error.details()}"
    status = answer[1] if len(answer) >= 2 and answer[0] == 0x08 else 0
    if status == SERVING:
        return True, ""
    return False, f'service unhealthy (responded with "{GRPC_STATUS.get(status, str(status))}")'


def command(argv: list[str], timeout: float, execute: Callable[[list[str]], Any]) -> Result:
    try:
        done = execute(argv)
    except subprocess.TimeoutExpired:
        return False, f'command timed out: "{" ".join(argv)}" timed out after {timeout:g}s'
    output = (done.stdout or b"")[:MAX_OUTPUT].decode("utf-8", "replace").rstrip("\n")
    return done.returncode == 0, output


def _words(error: Exception, host: str, port: int) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {host}:{port}: connect: connection refused"
    if isinstance(error, TimeoutError):
        return f"dial tcp {host}:{port}: i/o timeout"
    if isinstance(error, ssl.SSLError):
        return "tls: first record does not look like a TLS handshake"
    if isinstance(error, http.client.HTTPException):
        return "malformed HTTP response" if str(error) else "EOF"
    return f"dial tcp {host}:{port}: {error}"
