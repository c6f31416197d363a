# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading fields of API objects that may be absent, null or of another shape than documented."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .model import one_line

_STEP = re.compile(r"""([^.\[\]]+)|\[(\d+)\]|\[([^=\]]+)=([^\]]+)\]|\["([^"]+)"\]""")


def dig(obj: Any, path: str) -> Any:
    """The value at a path such as ``status.conditions[type=Ready].status`` or ``metadata.labels["a.b/c"]``; else None.

    Steps: a key, ``[0]`` (place in a list), ``[key=value]`` (first list item with that field), ``["key"]`` (a key
    that holds dots). A path that can't be parsed raises ``ValueError``.
    """
    here = obj
    for step in steps(path):
        here = _one_step(here, step)
        if here is None:
            return None
    return here


def steps(path: str) -> list[tuple[str, str, str, str, str]]:
    """The parsed steps of a path; ``ValueError`` when some of its text is no step."""
    found = list(_STEP.finditer(path))
    rest = _STEP.sub("", path).replace(".", "")
    if not found or rest:
        raise ValueError(f"the field path {path!r} can't be read near {rest or path!r}")
    return [tuple(m.group(i) or "" for i in range(1, 6)) for m in found]  # type: ignore[misc]


def _one_step(here: Any, step: tuple[str, str, str, str, str]) -> Any:
    key, place, field, value, quoted = step
    if key or quoted:
        return here.get(key or quoted) if isinstance(here, Mapping) else None
    if not isinstance(here, list):
        return None
    if place:
        return here[int(place)] if int(place) < len(here) else None
    return next((i for i in here if isinstance(i, Mapping) and str(i.get(field)) == value), None)


def mapping(obj: Any, path: str) -> Mapping[str, Any]:
    """The mapping at a path, or an empty one."""
    value = dig(obj, path)
    return value if isinstance(value, Mapping) else {}


def items(obj: Any, path: str) -> list[Mapping[str, Any]]:
    """The mappings in the list at a path."""
    value = dig(obj, path)
    return [i for i in value if isinstance(i, Mapping)] if isinstance(value, list) else []


def integer(obj: Any, path: str, absent: int = 0) -> int:
    """The whole number at a path, or ``absent``."""
    value = dig(obj, path)
    return value if isinstance(value, int) and not isinstance(value, bool) else absent


def condition(obj: Any, kind: str, path: str = "status.conditions") -> Mapping[str, Any]:
    """The condition of that type, or an empty mapping."""
    return next((c for c in items(obj, path) if c.get("type") == kind), {})


def is_true(obj: Any, kind: str) -> bool:
    """Whether the condition is True for the object's present generation."""
    found = condition(obj, kind)
    return found.get("status") == "True" and not is_old(obj, found)


def is_old(obj: Any, found: Mapping[str, Any] | None = None) -> bool:
    """Whether a status (or one condition) was written for an earlier generation of the object.

    Only a generation that the product reports can be old; products that report none are believed.
    """
    seen = (found or {}).get("observedGeneration")
    if seen is None:
        seen = dig(obj, "status.observedGeneration")
    now = dig(obj, "metadata.generation")
    return isinstance(seen, int) and isinstance(now, int) and seen < now


def because(found: Mapping[str, Any]) -> str:
    """A condition's reason and message as one line."""
    reason, message = str(found.get("reason") or ""), str(found.get("message") or "")
    return one_line(": ".join(p for p in (reason, message) if p))


def name_of(obj: Any) -> str:
    """``Kind namespace/name`` of an object."""
    meta = mapping(obj, "metadata")
    place = f"{meta.get('namespace')}/" if meta.get("namespace") else ""
    return f"{(obj or {}).get('kind') or 'Object'} {place}{meta.get('name')}"
