# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a plan: Change, Disruption, Step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CREATE, UPDATE, KEEP, APPROVE = "create", "update", "keep", "approve"


@dataclass(frozen=True)
class Change:
    """object: "Kind namespace/name", or "Kind name" for cluster scope."""

    object: str
    action: str
    why: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"object": self.object, "action": self.action, **({"why": self.why} if self.why else {})}


@dataclass(frozen=True)
class Disruption:
    """kinds: reboot | drain | driver | gpu-evict | upgrade; minutes: how long the step takes, not only the disturbance."""

    kinds: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    minutes: int = 0
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"kinds": list(self.kinds), "nodes": list(self.nodes), "minutes": self.minutes, "why": self.why}


@dataclass(frozen=True)
class Step:
    id: str
    stage: str
    title: str
    changes: tuple[Change, ...]
    disruption: Disruption = field(default_factory=Disruption)

    @property
    def changing(self) -> bool:
        return any(change.action != KEEP for change in self.changes)

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id, "stage": self.stage, "title": self.title,
            "changes": [change.as_dict() for change in self.changes], "disruption": self.disruption.as_dict(),
        }  # fmt: skip


def cost(table: Mapping[str, Mapping[str, Any]], change: str, nodes: list[str], why: str) -> Disruption:
    """What data/disruptions.yml says of a kind of change, for these nodes."""
    row = table[change]
    kinds = tuple(row.get("kinds", []))
    minutes = row["minutes"] if row["parallel"] else row["minutes"] * max(1, len(nodes))
    return Disruption(kinds, tuple(nodes) if kinds else (), minutes, why)


def total(steps: list[Step]) -> Disruption:
    """The sum over the steps; minutes as if they ran one after the other, which is the longest that it can take."""
    kinds = dict.fromkeys(kind for step in steps for kind in step.disruption.kinds)
    nodes = dict.fromkeys(node for step in steps for node in step.disruption.nodes)
    why = "; ".join(dict.fromkeys(step.disruption.why for step in steps if step.disruption.kinds))
    return Disruption(tuple(kinds), tuple(nodes), sum(step.disruption.minutes for step in steps), why)
