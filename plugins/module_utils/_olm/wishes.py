# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a task's list of wished operators, all mistakes at once. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from .world import Wish

_NEEDED = ("package", "namespace", "csv")
_KEYS = (*_NEEDED, "channel", "catalog", "catalog_namespace", "expected_csvs", "adopt", "name")


class WishError(ValueError):
    """The list of operators is wrong; ``problems`` has one line a mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def parse(raw: Any) -> list[Wish]:
    """Wishes from a task's ``subscriptions``; raises :class:`WishError` with every mistake."""
    if not isinstance(raw, list):
        raise WishError(["subscriptions: a list of operators is needed"])
    problems: list[str] = []
    wishes: list[Wish] = []
    for place, item in enumerate(raw):
        found = _problems(item)
        problems += [f"subscriptions[{place}]: {p}" for p in found]
        if not found:
            wishes.append(_wish(item))
    keys = [w.key for w in wishes]
    problems += [f"{k} is named twice" for k in sorted({k for k in keys if keys.count(k) > 1})]
    if problems:
        raise WishError(problems)
    return wishes


def _problems(item: Any) -> list[str]:
    if not isinstance(item, Mapping):
        return [f"is {type(item).__name__}, must be a mapping with {', '.join(_NEEDED)}"]
    out = []
    for key in item:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            out.append(f"unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    out += [f"{k} is missing" for k in _NEEDED if not item.get(k)]
    if not isinstance(item.get("expected_csvs") or [], list):
        out.append("expected_csvs must be a list of CSV names")
    if not isinstance(item.get("adopt", True), bool):
        out.append("adopt must be true or false")
    return out


def _wish(item: Mapping[str, Any]) -> Wish:
    text = {k: str(item[k]) for k in (*_NEEDED, "channel", "catalog", "catalog_namespace", "name") if item.get(k)}
    return Wish(**text, expected=frozenset(map(str, item.get("expected_csvs") or [])), adopt=item.get("adopt", True))
