# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an answer of the API server: is it fine, may it be repeated, which error is it?

Pure. What may be repeated, and why more than client-go does: a load balancer's 502, a webhook's 500 and etcd's 500
carry no `Retry-After`, so that header is honoured as a floor and not demanded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import (
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KindMissing,
    NotFound,
    Overloaded,
    Unauthorized,
)

# 500s that heal by themselves (texts of kube-apiserver and etcd); any other 500 gets SERVER_ERROR_TRIES tries.
HEALING = (
    "failed calling webhook",
    "no endpoints available",
    "etcdserver: leader changed",
    "etcdserver: request timed out",
    "etcdserver: too many requests",
    "context deadline exceeded",
    "connection refused",
    "connection reset",
)
SERVER_ERROR_TRIES = 3
# Server-side apply of a field that the kind doesn't have: structured-merge-diff's text, which kube-apiserver sends as 500.
_UNDECLARED = re.compile(r"(\.\S+): field not declared in schema")
ALWAYS_RETRIED = frozenset({408, 429, 502, 503, 504})
MAX_WHY = 800  # characters of a server's message that we pass on


@dataclass(frozen=True)
class Fault:
    """An answer that isn't a success."""

    error: ClusterError
    retry: bool = False
    retry_after: float = 0.0  # seconds, floor of the pause
    max_tries: int | None = None


def status_of(body: bytes) -> dict[str, Any]:
    """The `Status` object in an error body; for anything else a Status with the text as message."""
    try:
        value = json.loads(body)
        if isinstance(value, dict):
            return value
    except (ValueError, UnicodeDecodeError):
        pass
    return {"message": body[:MAX_WHY].decode("utf-8", "replace").strip()}


def retry_after(headers: Any, limit: float = 30.0) -> float:
    """Seconds of a `Retry-After` header (kube-apiserver sends whole seconds); 0 when absent or odd."""
    try:
        return max(0.0, min(float(headers.get("Retry-After") or 0), limit))
    except (TypeError, ValueError):
        return 0.0


def judge(status: int, headers: Any, body: bytes, where: str, method: str = "GET") -> Fault | None:
    """None for a success, else the fault with its error. `where` names the request for people.

    A lost race on resourceVersion is only worth repeating for a PATCH; a PUT carries the stale version itself.
    """
    if status < 400:
        return None
    answer = status_of(body)
    why = _why(status, answer)
    details = {"status": status, "reason": answer.get("reason")}
    if status in ALWAYS_RETRIED:
        error = Overloaded(
            "The API server kept refusing the request",
            where,
            why,
            "Wait until the API is healthy, then run again.",
            details,
        )
        return Fault(error, retry=True, retry_after=retry_after(headers))
    if status >= 500:
        return _server_error(status, headers, why, where, details)
    return _client_error(status, answer, why, where, details, method)


def _why(status: int, answer: dict[str, Any]) -> str:
    message = str(answer.get("message") or answer.get("reason") or "no text").strip()[:MAX_WHY]
    return f"HTTP {status}: {message}"


def _server_error(status: int, headers: Any, why: str, where: str, details: dict[str, Any]) -> Fault:
    fields = sorted(set(_UNDECLARED.findall(why)))
    if fields:
        todo = f"This cluster's version of the kind doesn't have {', '.join(fields)}: take it out of the object, or correct its name."
        return Fault(Invalid("The API server refuses the object", where, why, todo, {**details, "fields": fields}))
    heals = any(text in why for text in HEALING)
    todo = "Look at the API server's pods and events, then run again."
    if "failed calling webhook" in why:
        todo = "The webhook named above doesn't answer: look at the Service and pods behind it, then run again."
    error = Overloaded("The API server failed", where, why, todo, details)
    return Fault(error, retry=True, retry_after=retry_after(headers), max_tries=None if heals else SERVER_ERROR_TRIES)


def _client_error(
    status: int, answer: dict[str, Any], why: str, where: str, details: dict[str, Any], method: str
) -> Fault:
    causes = (answer.get("details") or {}).get("causes") or []
    details = {**details, "causes": causes[:50]} if causes else details
    if status == 401:
        todo = "Log in again and give a fresh token or kubeconfig, then run again."
        return Fault(Unauthorized("The cluster doesn't accept the credentials", where, why, todo, details))
    if status == 403:
        return Fault(_forbidden(where, why, causes, details))
    if status == 404:
        return Fault(_not_found(where, why, answer, details))
    if status == 409:
        return Fault(
            _conflict(where, why, causes, details), retry=method == "PATCH" and _optimistic(answer, causes), max_tries=5
        )
    if status == 410:
        return Fault(Gone("The list position is too old", where, why, "List again.", details))
    todo = "Correct the object or the declaration that it was made from."
    return Fault(Invalid("The API server refuses the request", where, why, todo, details))


def _forbidden(where: str, why: str, causes: list[Any], details: dict[str, Any]) -> ClusterError:
    if any(isinstance(cause, dict) and cause.get("reason") == "NamespaceTerminating" for cause in causes):
        todo = "The namespace is being deleted: wait until it is gone, then run again."
    else:
        todo = "Give the user this right; the role `access` prints a ready ClusterRole with what is missing."
    return Forbidden("The cluster forbids the request", where, why, todo, details)


def _not_found(where: str, why: str, answer: dict[str, Any], details: dict[str, Any]) -> ClusterError:
    # An unserved path has no `details.name` and a fixed text; an absent object or namespace is named there.
    named = (answer.get("details") or {}).get("name")
    if named or "namespaces" in why:
        return NotFound("The object isn't there", where, why, "Make it (or its namespace) first.", details)
    return KindMissing(
        "The cluster doesn't serve this kind",
        where,
        why,
        "Install the operator whose CRD defines it, then run again.",
        details,
    )


def _optimistic(answer: dict[str, Any], causes: list[Any]) -> bool:
    """A lost race on resourceVersion (may be repeated), not AlreadyExists, a field conflict or a failed precondition."""
    return answer.get("reason") == "Conflict" and not causes and "modified" in str(answer.get("message"))


def _conflict(where: str, why: str, causes: list[Any], details: dict[str, Any]) -> ClusterError:
    owned = [cause for cause in causes if isinstance(cause, dict) and cause.get("reason") == "FieldManagerConflict"]
    if owned:
        todo = "Take the field out of the declaration, or have the other manager give it up."
        return Conflict("A field belongs to another manager", where, why, todo, details)
    return Conflict(
        "The object was made or changed by someone else", where, why, "Look at it, then run again.", details
    )
