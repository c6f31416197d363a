# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a watch remembers of its objects, to be able to tell after a gap what has changed and what has gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Obj = dict[str, Any]
OnEvent = Callable[[str, Obj], None]


def _key(obj: Obj) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


def _stub(obj: Obj) -> Obj:
    """What has to be kept of an object to be able to tell later that it's gone."""
    keep = ("name", "namespace", "uid", "labels", "annotations", "resourceVersion", "ownerReferences")
    return {
        "apiVersion": obj.get("apiVersion", ""),
        "kind": obj.get("kind", ""),
        "metadata": {k: obj["metadata"][k] for k in keep if k in obj["metadata"]},
    }


def remember(known: dict[str, Obj], event: str, obj: Obj) -> None:
    if event == "DELETED":
        known.pop(_key(obj), None)
    else:
        known[_key(obj)] = _stub(obj)


def relist(known: dict[str, Obj], items: list[Obj], on_event: OnEvent) -> None:
    """Turn a fresh list into events: DELETED for what vanished (or was replaced), ADDED or MODIFIED for what's new."""
    now = {_key(item): item for item in items}
    for key, old in list(known.items()):
        fresh = now.get(key)
        if fresh is None or fresh["metadata"].get("uid") != old["metadata"].get("uid"):
            del known[key]
            on_event("DELETED", old)
    for key, item in now.items():
        before = known.get(key)
        if before and before["metadata"].get("resourceVersion") == item["metadata"].get("resourceVersion"):
            continue
        known[key] = _stub(item)
        on_event("MODIFIED" if before else "ADDED", item)
