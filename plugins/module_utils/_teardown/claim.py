# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is an object ours to delete? Our label alone proves nothing: people and operators copy labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._apply.manifests import MANAGER, is_ours
from .._snapshot.gitops import TITLES, tool
from .._snapshot.values import rows, text


def against(obj: dict[str, Any]) -> str:
    """Why an object with our label isn't ours to delete; empty when it is."""
    if not is_ours(obj):
        return "it doesn't carry our label"
    if not applied_by_us(obj):
        return f"it carries our label, but field manager {MANAGER} never applied it"
    owner = controller(obj)
    if owner:
        return f"it belongs to {owner['kind']} {owner['name']}"
    keeper = tool(obj)
    return f"{TITLES[keeper]} looks after it: take it away there" if keeper else ""


def applied_by_us(obj: Mapping[str, Any]) -> bool:
    """Whether server-side apply as our field manager has made or changed it."""
    notes = rows(obj, "metadata", "managedFields")
    return any(note.get("manager") == MANAGER and note.get("operation") == "Apply" for note in notes)


def controller(obj: Mapping[str, Any]) -> dict[str, str] | None:
    """The owner that looks after the object, as {apiVersion, kind, name, uid}."""
    for row in rows(obj, "metadata", "ownerReferences"):
        if row.get("controller") is True:
            return {key: text(row, key) or "" for key in ("apiVersion", "kind", "name", "uid")}
    return None
