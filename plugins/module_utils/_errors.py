# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong when we talk to a cluster, in words that tell people what to do.

Pure: no Ansible, no Kubernetes import. The transport decides which of these fits (`_kube/faults.py`).
"""

from __future__ import annotations

from typing import Any


class ClusterError(Exception):
    """One failure at a cluster: what failed, where (object or request), why, what to do."""

    def __init__(self, what: str, where: str, why: str, todo: str, details: dict[str, Any] | None = None) -> None:
        self.what, self.where, self.why, self.todo = what, where, why, todo
        self.details = details or {}
        super().__init__(what, where, why, todo)

    def __str__(self) -> str:
        why = self.why.strip().rstrip(".")
        return f"{self.what}: {self.where}: {why}. {self.todo}".strip()

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON-able data for a module's `error` return value (never holds credentials)."""
        return {
            "kind": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "why": self.why,
            "todo": self.todo,
            "details": self.details,
        }


class Misdeclared(ClusterError):
    """The connection options can't be used as they are (no cluster named, unreadable file, bad PEM)."""


class Unreachable(ClusterError):
    """No usable answer: name unknown, refused, reset, timed out, TLS not trusted."""


class Overloaded(ClusterError):
    """The API server kept answering 429 or 5xx until the deadline."""


class Unauthorized(ClusterError):
    """401: the credentials are missing, wrong or expired."""


class Forbidden(ClusterError):
    """403: known user, missing right (or an admission plugin that says no)."""


class NotFound(ClusterError):
    """404 on a write: the namespace or the object isn't there."""


class KindMissing(ClusterError):
    """The cluster doesn't serve this kind: its CRD isn't installed (yet)."""


class Conflict(ClusterError):
    """409: someone else owns a field, or changed or made the object at the same time."""


class Invalid(ClusterError):
    """400, 415, 422: the API server refuses the object or the request as it stands."""


class Gone(ClusterError):
    """410: the resourceVersion (or page token) is too old; list again."""


class Unreadable(ClusterError):
    """A part of something saved (a must-gather) is missing or broken: what it would have told stays unknown."""
