# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces: one of ours goes when nothing of anybody else is left in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .model import Item

if TYPE_CHECKING:
    from .decide import State


def inhabited(state: State, namespace: Item) -> str:
    """What keeps it; also why that can't be known."""
    if _of_operator(state, namespace) and not state.wishes.operators and _subscriptions(state, namespace):
        return "operators live in it; they are removed with llmd_teardown_operators: true only"
    blind = [name for name in _looked_at(state, namespace) if f"{name} in {namespace.name}" in state.found.unread or name in state.found.unread]
    return f"what is in it isn't known: {', '.join(blind)} may not be listed" if blind else ""


def contents(state: State, namespace: Item) -> list[Item]:
    """What is in it, without what the platform puts into every namespace."""
    looked_at = _looked_at(state, namespace)
    return [
        one
        for one in state.found.contents.get(namespace.name, ())
        if one.resource in looked_at and not any(re.search(rule, f"{one.resource.partition('.')[0]}/{one.name}") for rule in state.table.platform)
    ]


def _looked_at(state: State, namespace: Item) -> tuple[str, ...]:
    return state.table.operator_contents if _of_operator(state, namespace) else state.table.contents


def _of_operator(state: State, namespace: Item) -> bool:
    return namespace.name in state.wishes.operator_namespaces or bool(_subscriptions(state, namespace))


def _subscriptions(state: State, namespace: Item) -> list[Item]:
    return [one for one in state.found.subscriptions if one.namespace == namespace.name and not state.goes(one)]
