# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server says when it refuses: status codes, reasons and sentences as Kubernetes words them (apimachinery, etcd)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KNOWN_USER = "system:admin"  # of the kubeconfig that people get; its token says nothing about itself
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PLACE = re.compile(
    r"^/(?:api/(?P<core>v\w+)|apis/(?P<group>[^/]+)/(?P<version>v\w+))"
    r"(?:/namespaces/(?P<namespace>[^/?]+)(?=/[^?]))?/(?P<resource>[^/?]+)(?:/(?P<name>[^/?]+))?"
)
# kind -> (status code, HTTP's words, reason)
REFUSALS = {
    "401": (401, "Unauthorized", "Unauthorized"),
    "403": (403, "Forbidden", "Forbidden"),
    "409": (409, "Conflict", "Conflict"),
    "410": (410, "Gone", "Expired"),
    "429": (429, "Too Many Requests", "TooManyRequests"),
    "500": (500, "Internal Server Error", "InternalError"),
    "503": (503, "Service Unavailable", "ServiceUnavailable"),
    "disk-full": (500, "Internal Server Error", ""),
}
FIXED = {
    "401": "Unauthorized",
    "410": "The resourceVersion for the provided list is too old.",
    "429": "the server has received too many requests and has asked us to try again later",
    "500": "Internal error occurred: etcdserver: request timed out",
    "503": "the server is currently unable to handle the request",
    "disk-full": "etcdserver: mvcc: database space exceeded",
}


@dataclass(frozen=True)
class Request:
    """What a refusal has to know of a request: verb, path with query, headers (names in lower case)."""

    verb: str
    path: str
    headers: Mapping[str, str]

    @property
    def watch(self) -> bool:
        return bool(re.search(r"[?&]watch=(true|1)", self.path))

    @property
    def writes(self) -> bool:
        return self.verb in VERBS

    def user(self) -> str:
        """Who asks: the subject of a ServiceAccount's token, else the administrator."""
        parts = self.headers.get("authorization", "").removeprefix("Bearer ").split(".")
        if len(parts) != 3:
            return KNOWN_USER
        try:
            claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except (binascii.Error, ValueError):
            return KNOWN_USER
        return str(claims.get("sub") or KNOWN_USER)


def refusal(kind: str, row: Mapping[str, Any], request: Request) -> bytes:
    """The whole HTTP answer for a kind of REFUSALS. A watch learns of 410 by an event, as from the real server."""
    code, words, reason = REFUSALS[kind]
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": _message(kind, request),
        "reason": reason,
        "code": code,
    }
    extra = ""
    if kind == "429" or "retry_after" in row:
        seconds = row.get("retry_after", 1)
        status["details"] = {"retryAfterSeconds": seconds}
        extra = f"Retry-After: {seconds}\r\n"
    if kind == "410" and request.watch:
        code, words = 200, "OK"
        status["message"] = "too old resource version: 1 (2)"
        status = {"type": "ERROR", "object": status}
    body = (json.dumps({key: value for key, value in status.items() if value != ""}) + "\n").encode()
    head = f"HTTP/1.1 {code} {words}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}Connection: close\r\n\r\n"
    return head.encode() + body


def _message(kind: str, request: Request) -> str:
    if kind in FIXED:
        return FIXED[kind]
    place = PLACE.match(request.path)
    parts = place.groupdict() if place else {}
    resource, group = parts.get("resource") or request.path.partition("?")[0], parts.get("group") or ""
    name = parts.get("name") or ""
    qualified = f"{resource}.{group}" if group else resource
    if kind == "409":
        return (
            f'Operation cannot be fulfilled on {qualified} "{name}": the object has been modified; please apply your changes to the '
            "latest version and try again"
        )
    verb = VERBS.get(request.verb) or ("watch" if request.watch else "get" if name else "list")
    where = f' in the namespace "{parts["namespace"]}"' if parts.get("namespace") else " at the cluster scope"
    subject = f'{qualified} "{name}"' if name else qualified
    return f'{subject} is forbidden: User "{request.user()}" cannot {verb} resource "{resource}" in API group "{group}"{where}'
