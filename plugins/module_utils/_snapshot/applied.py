# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that we, or a GitOps tool, have applied: whole (without status and literal secrets) and with who owns which field.

They cost no request: they are among what the snapshot lists anyway. Drift is told from them.
"""

from __future__ import annotations

from typing import Any

from .gitops import tool
from .objects import KINDS, trim
from .olm import OURS, managed_by
from .values import mapping, rows, text

# What a GitOps tool may have applied for us. Of other kinds it has things that aren't ours to look at.
SHARED = (
    *KINDS.values(), "subscriptions.operators.coreos.com", "operatorgroups.operators.coreos.com",
    "gatewayclasses.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io",
)  # fmt: skip
LEFT_OUT = ("apiVersion", "kind", "metadata", "status")


def wanted(resource: str, obj: dict[str, Any]) -> bool:
    """Whether the object is kept: ours by label or field manager, or a GitOps tool's of a kind that we apply too."""
    if managed_by(obj) == OURS or any(note.get("manager") == OURS for note in rows(obj, "metadata", "managedFields")):
        return True
    return resource in SHARED and tool(obj) is not None


def described(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without its status, and `fields`: which manager owns what (FieldsV1)."""
    kept = trim(obj)
    body = trim({**obj, "spec": {key: value for key, value in obj.items() if key not in LEFT_OUT}})["spec"]
    meta = {key: kept["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if kept["metadata"][key]}
    return {
        "object": {"apiVersion": kept["apiVersion"], "kind": kept["kind"], "metadata": meta, **body},
        "managed_by": tool(obj) or managed_by(obj),
        "fields": [_owner(note) for note in rows(obj, "metadata", "managedFields") if not note.get("subresource")],
    }


def _owner(note: dict[str, Any]) -> dict[str, Any]:
    return {
        "manager": text(note, "manager") or "",
        "operation": text(note, "operation") or "",
        "time": text(note, "time"),
        "fields": mapping(note, "fieldsV1"),
    }
