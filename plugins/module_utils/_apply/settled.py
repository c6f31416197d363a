# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server-side apply would change nothing, told from the live object alone. Pure.

The API server notes which fields a manager has applied (`metadata.managedFields`, FieldsV1). When those are exactly the
fields that are declared now, and each still has the declared value, an apply is without effect: then it isn't sent.
Whatever can't be compared for certain (defaults filled in, list keys left out, another version) counts as "may change".
Source of the format: Kubernetes API reference, "FieldsV1 v1 meta"; structured-merge-diff, fieldpath serialisation.
"""

from __future__ import annotations

import json
from typing import Any

IDENTITY = ("apiVersion", "kind")
NAMES = ("name", "namespace")  # of metadata: never owned by anybody


def settled(wanted: dict[str, Any], live: dict[str, Any], manager: str) -> bool:
    """True: applying `wanted` as `manager` is known to change nothing. False: it may."""
    fields = _owned(live, manager, str(wanted.get("apiVersion")))
    if fields is None:
        return False
    meta = {key: value for key, value in wanted["metadata"].items() if key not in NAMES}
    declared = {key: value for key, value in wanted.items() if key not in (*IDENTITY, "metadata")}
    return _same({**declared, **({"metadata": meta} if meta else {})}, live, fields)


def _owned(live: dict[str, Any], manager: str, api_version: str) -> dict[str, Any] | None:
    """The fields that the manager has applied; None when there isn't exactly one note of it, in the same version."""
    notes = [
        note
        for note in (live.get("metadata") or {}).get("managedFields") or []
        if note.get("manager") == manager and note.get("operation") == "Apply" and not note.get("subresource")
    ]
    if len(notes) != 1 or notes[0].get("apiVersion") != api_version or not isinstance(notes[0].get("fieldsV1"), dict):
        return None
    owned: dict[str, Any] = notes[0]["fieldsV1"]
    return owned


def _same(wanted: Any, live: Any, fields: dict[str, Any]) -> bool:
    inner = {key: below for key, below in fields.items() if key != "."}
    if not inner:  # a leaf, or a map or list with one owner as a whole
        # Of an empty map or list the manager owns that it exists; who changes one that has one owner takes it away from us.
        return type(wanted) is type(live) and (wanted in ({}, []) or bool(wanted == live))
    if isinstance(wanted, dict) and isinstance(live, dict):
        return _same_map(wanted, live, inner)
    if isinstance(wanted, list) and isinstance(live, list):
        return _same_list(wanted, live, inner)
    return False


def _same_map(wanted: dict[str, Any], live: dict[str, Any], fields: dict[str, Any]) -> bool:
    if set(fields) != {f"f:{key}" for key in wanted}:
        return False
    return all(key in live and _same(value, live[key], fields[f"f:{key}"]) for key, value in wanted.items())


def _same_list(wanted: list[Any], live: list[Any], fields: dict[str, Any]) -> bool:
    if len(fields) != len(wanted):
        return False
    for entry, below in fields.items():
        sort, _colon, text = entry.partition(":")
        key = _parsed(text)
        if sort == "v":  # a set: the value is its own key
            if key not in wanted or key not in live:
                return False
        elif sort == "k" and isinstance(key, dict):
            one, other = _with_key(wanted, key), _with_key(live, key)
            if one is None or other is None or not _same(one, other, below):
                return False
        else:  # by position: nothing that we declare has such lists
            return False
    return True


def _with_key(items: list[Any], key: dict[str, Any]) -> dict[str, Any] | None:
    """The one item with these key fields."""
    found = [item for item in items if isinstance(item, dict) and all(item.get(name) == value for name, value in key.items())]
    return found[0] if len(found) == 1 else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
