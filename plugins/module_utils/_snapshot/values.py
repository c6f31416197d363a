# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Careful reading of values from API objects: wrong types become None, texts are bounded."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data import quantity

MAX_TEXT = 1000  # characters of a message or label that go into a snapshot


def dig(value: Any, *keys: str) -> Any:
    """The value below nested mappings, or None."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def rows(value: Any, *keys: str) -> list[dict[str, Any]]:
    """The mappings in a list below nested mappings; anything else is left out."""
    found = dig(value, *keys) if keys else value
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def mapping(value: Any, *keys: str) -> dict[str, Any]:
    """A mapping below nested mappings, or an empty one."""
    found = dig(value, *keys) if keys else value
    return found if isinstance(found, dict) else {}


def text(value: Any, *keys: str) -> str | None:
    """A bounded, non-empty string, or None."""
    found = dig(value, *keys) if keys else value
    return found[:MAX_TEXT] if isinstance(found, str) and found else None


def number(value: Any) -> int | None:
    """An integer given as number or decimal string ("400000", "400000 Mb/s" is none of them)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) < 19 and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    return None


def amount(value: Any) -> float | int | None:
    """A Kubernetes quantity as a number of its base unit (cores, bytes, devices)."""
    found = quantity.parse(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    return int(found) if found is not None and found == int(found) else found


def flag(value: Any) -> bool | None:
    """True or False from a condition status or label value ("True", "true"), None for all else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def conditions(value: Any) -> dict[str, dict[str, str | None]]:
    """`status.conditions` by type: {status, reason, message}."""
    found: dict[str, dict[str, str | None]] = {}
    for row in rows(value, "status", "conditions"):
        kind = text(row, "type")
        if kind:
            found[kind] = {key: text(row, key) for key in ("status", "reason", "message")}
    return found


def condition(value: Any, kind: str) -> bool | None:
    """True or False of one condition; None when it is absent or "Unknown"."""
    return flag(dig(conditions(value), kind, "status"))


def name_of(value: Any) -> str:
    """metadata.name (objects of an API always have one)."""
    return text(value, "metadata", "name") or ""


def namespace_of(value: Any) -> str:
    """metadata.namespace, empty for cluster-wide objects."""
    return text(value, "metadata", "namespace") or ""
