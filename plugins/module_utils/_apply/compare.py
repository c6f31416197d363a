# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has an object changed, and what of it: live object against the API server's result."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

# Bookkeeping of the API server: differs without anybody having changed anything.
BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink")
HIDDEN = "(hidden)"
HIDDEN_CHANGED = "(hidden, changed)"


def cleaned(obj: dict[str, Any] | None) -> dict[str, Any]:
    """The object without bookkeeping and status."""
    if not obj:
        return {}
    copied = {key: value for key, value in obj.items() if key != "status"}
    meta = copied.get("metadata")
    if isinstance(meta, dict):
        copied["metadata"] = {key: value for key, value in meta.items() if key not in BOOKKEEPING}
    return copied


def differ(before: dict[str, Any] | None, after: dict[str, Any] | None) -> bool:
    """Whether anything but bookkeeping and status differs."""
    return cleaned(before) != cleaned(after)


def shown(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides for people: only what differs (and who it is), Secrets without their values."""
    old, new = _without_secrets(cleaned(before), cleaned(after))
    if not old or not new:
        return old, new
    less_old, less_new = _difference(old, new)
    identity = {key: new[key] for key in ("apiVersion", "kind") if key in new}
    return {**identity, **less_old}, {**identity, **less_new}


def _difference(old: Any, new: Any) -> tuple[Any, Any]:
    """The parts of two mappings that differ. Lists are shown whole: without their keys a part says little."""
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    for key in [*old, *(key for key in new if key not in old)]:
        if key in old and key in new:
            if old[key] == new[key]:
                continue
            if isinstance(old[key], dict) and isinstance(new[key], dict):
                left[key], right[key] = _difference(old[key], new[key])
                continue
        if key in old:
            left[key] = old[key]
        if key in new:
            right[key] = new[key]
    return left, right


def _without_secrets(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if "Secret" not in (old.get("kind"), new.get("kind")):
        return old, new
    old, new = deepcopy(old), deepcopy(new)
    for part in ("data", "stringData"):
        before, after = old.get(part) or {}, new.get(part) or {}
        for key in set(before) | set(after):
            changed = key in before and key in after and before[key] != after[key]
            if key in before:
                before[key] = HIDDEN
            if key in after:
                after[key] = HIDDEN_CHANGED if changed else HIDDEN
    # kubectl's copy of the whole object, values included
    for side in (old, new):
        (side.get("metadata", {}).get("annotations") or {}).pop(
            "kubectl.kubernetes.io/last-applied-configuration", None
        )
    return old, new
