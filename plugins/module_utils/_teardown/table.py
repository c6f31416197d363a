# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""data/removal.yml as values: steps of kinds, and what needs a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class User:
    """Objects that need one of ours. at: where they name it; empty: any of them needs it."""

    resource: str  # plural.group, plural alone for the core API
    at: tuple[str, ...] = ()
    equals: str = ""
    same: str = "name"


@dataclass(frozen=True)
class Kind:
    resource: str
    users: tuple[User, ...] = ()
    pods: str = ""
    disturbs: str = ""


@dataclass(frozen=True)
class Stage:
    """One step of the table. only_with: the option that asks for it."""

    id: str
    stage: str
    title: str
    kinds: tuple[Kind, ...]
    only_with: str = ""


@dataclass(frozen=True)
class Table:
    steps: tuple[Stage, ...]
    operators: Mapping[str, tuple[str, ...]]
    own_accord: frozenset[str]
    contents: tuple[str, ...]
    operator_contents: tuple[str, ...]
    platform: tuple[str, ...]

    @property
    def resources(self) -> list[str]:
        """Every resource whose objects may be ours."""
        return list(dict.fromkeys(kind.resource for step in self.steps for kind in step.kinds))

    @property
    def used_by(self) -> list[str]:
        """Every resource whose objects may need one of ours."""
        users = [user.resource for step in self.steps for kind in step.kinds for user in kind.users]
        return list(dict.fromkeys([*users, *(name for names in self.operators.values() for name in names)]))


def table(raw: Mapping[str, Any]) -> Table:
    """:param raw: data/removal.yml, checked by its schema."""
    contents = raw["contents"]
    return Table(
        tuple(_step(row) for row in raw["steps"]),
        {package: tuple(names) for package, names in raw["operators"].items()},
        frozenset(raw["own_accord"]),
        tuple(contents["resources"]),
        tuple(contents["operator_resources"]),
        tuple(contents["platform"]),
    )


def _step(row: Mapping[str, Any]) -> Stage:
    return Stage(row["id"], row["stage"], row["title"], tuple(_kind(one) for one in row["kinds"]), row.get("only_with", ""))


def _kind(row: Mapping[str, Any]) -> Kind:
    users = tuple(
        User(_name(one), tuple(one.get("at", ())), one.get("equals", ""), one.get("same", "name")) for one in row.get("users", ())
    )
    return Kind(_name(row), users, row.get("pods", ""), row.get("disturbs", ""))


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['resource']}.{row['group']}" if row["group"] else str(row["resource"])
