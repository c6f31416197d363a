# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One declared value against the live one, field by field, with the managers of each field (FieldsV1).

Only what is declared is compared: fields that others add are theirs. Values that the API server writes in another way
(quantities) and those that a snapshot doesn't hold (literal environment values) aren't differences.
Source of the format: Kubernetes API reference, "FieldsV1 v1 meta"; structured-merge-diff, fieldpath serialisation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._data import quantity
from .._snapshot.objects import HIDDEN

GONE = None
# Who owns what: (manager, FieldsV1 below this place).
Owned = tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Difference:
    """path: like spec.storage.deviceClasses[name=nvme].fstype; live: None when it isn't there; managers: who set it."""

    path: str
    declared: Any
    live: Any
    managers: tuple[str, ...] = ()


def differences(declared: Any, live: Any, owned: Owned, path: str = "") -> Iterator[Difference]:
    if isinstance(declared, Mapping):
        if not isinstance(live, Mapping):
            if declared or live is not None:  # an empty mapping may be left out by the API server
                yield Difference(path, declared, live, _managers(owned))
            return
        for key, value in declared.items():
            below = f"{path}.{key}" if path else str(key)
            yield from differences(value, live.get(key), _below(owned, f"f:{key}"), below)
    elif isinstance(declared, list):
        yield from _lists(declared, live, owned, path)
    elif live != HIDDEN and not _same(declared, live):
        yield Difference(path, declared, live, _managers(owned))
    elif live == HIDDEN and "llmd-openshift" not in _managers(owned) and _managers(owned):
        yield Difference(path, "(declared, not shown)", "(another value, not read)", _managers(owned))


def _lists(declared: list[Any], live: Any, owned: Owned, path: str) -> Iterator[Difference]:
    if not isinstance(live, list):
        if declared:
            yield Difference(path, declared, live, _managers(owned))
        return
    for entry in declared:
        key = _key(entry, owned)
        if key is None:
            break
        shown = ",".join(f"{name}={value}" for name, value in key.items())
        mine = next((one for one in live if isinstance(one, Mapping) and _fits(one, key)), None)
        below = _below(owned, "k:" + json.dumps(key, separators=(",", ":")))
        yield from differences(entry, mine, below, f"{path}[{shown}]")
    else:
        return
    if len(live) != len(declared) or any(isinstance(entry, list) for entry in declared):
        if not _same(declared, live):
            yield Difference(path, declared, live, _managers(owned))
        return
    for place, (one, other) in enumerate(zip(declared, live, strict=True)):
        yield from differences(one, other, _below(owned, f"i:{place}") or owned, f"{path}[{place}]")


def _key(entry: Any, owned: Owned) -> dict[str, Any] | None:
    """The key fields of a list's entry, as any manager's notes show them; None where the list has none."""
    if not isinstance(entry, Mapping):
        return None
    for _manager, fields in owned:
        for note in fields:
            if note.startswith("k:"):
                try:
                    names = json.loads(note[2:])
                except ValueError:
                    continue
                if isinstance(names, dict) and all(name in entry for name in names):
                    return {name: entry[name] for name in names}
    return {"name": entry["name"]} if "name" in entry else None


def _fits(live: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    return all(live.get(name) == value for name, value in key.items())


def _below(owned: Owned, step: str) -> Owned:
    """Who owns something below; whoever owns the whole place as one (an empty note) stays its owner."""
    found = []
    for manager, fields in owned:
        below = fields.get(step)
        if isinstance(below, Mapping):
            found.append((manager, below))
        elif not [note for note in fields if note != "."]:
            found.append((manager, fields))
    return tuple(found)


def _managers(owned: Owned) -> tuple[str, ...]:
    return tuple(dict.fromkeys(manager for manager, _fields in owned))


def _same(declared: Any, live: Any) -> bool:
    if isinstance(declared, bool) or isinstance(live, bool):
        return declared is live
    if declared == live:
        return True
    if isinstance(declared, list) and isinstance(live, list):
        return len(declared) == len(live) and all(map(_same, declared, live))
    one, other = quantity.parse(str(declared)), quantity.parse(str(live))
    return one is not None and one == other
