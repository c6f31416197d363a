# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that makes the network between GPU nodes: the design's objects against those that are there, and the nodes that drain or restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._assess.look import dig, rows, text
from .._fabric.design import Site, design
from .._fabric.objects import CARDS, DEVICES, NETWORKS, objects
from .._fabric.ways import EXISTING, SRIOV
from .._snapshot.objects import HIDDEN
from .model import CREATE, KEEP, UPDATE, Change, Disruption, Step

if TYPE_CHECKING:
    from .steps import World

TITLE = "Make the network between GPU nodes"


def drawn(world: World) -> dict[str, Any]:
    """The design (docs/architecture.md 3.9)."""
    operators = {one.package: (world.namespace(one.package), one.csv or "") for one in world.decisions}
    return design(Site(world.snapshot, world.declared, world.facts, tuple(world.candidates.gpu), world.vendor, operators))


def fabric(world: World) -> Step | None:
    """Nothing where the path needs no fabric, or the site has made it."""
    made = world.fabric
    if not made["needed"] or made["way"] == EXISTING:
        return None
    changes = [_change(world, obj) for part in (CARDS, DEVICES, NETWORKS) for obj in objects(made, part) if obj["kind"] != "Namespace"]
    if not any(change.action != KEEP for change in changes):
        return Step("fabric", "fabric", TITLE, tuple(changes)) if changes else None
    return Step("fabric", "fabric", TITLE, tuple(changes), _disruption(world, made))


def _change(world: World, obj: Mapping[str, Any]) -> Change:
    meta = obj["metadata"]
    where = f"{obj['kind']} {meta['namespace']}/{meta['name']}" if meta.get("namespace") else f"{obj['kind']} {meta['name']}"
    for live in rows(world.snapshot, "objects", obj["kind"]) or []:
        if text(live, "metadata", "name") == meta["name"] and text(live, "metadata", "namespace") == meta.get("namespace"):
            other = [key for key, value in obj["spec"].items() if not _has(dig(live, "spec", key), value)]
            return Change(where, UPDATE if other else KEEP, f"{', '.join(other)} change" if other else "")
    return Change(where, CREATE)


def _has(live: Any, wanted: Any) -> bool:
    """Whether what is there says what is wanted; what others or defaults add doesn't matter, what wasn't read can't tell."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_has(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(_has(one, other) for one, other in zip(live, wanted, strict=True))
    return bool(live in (wanted, HIDDEN))


def _disruption(world: World, made: Mapping[str, Any]) -> Disruption:
    if not made["known"]:
        return world.cost("network-cards", "the SR-IOV operator looks at the network cards")
    if made["way"] != SRIOV:
        if made["render"]["driver"]:
            return world.cost("network-driver", "NVIDIA's network driver takes its cards down while it loads", made["nodes"])
        return world.cost("shared-devices", "device plugins start")
    restart, drain = made["restarting"], made["draining"]
    if not restart and not drain:
        return world.cost("virtual-functions", "virtual functions are made; nobody uses the cards yet")
    change, why = ("card-firmware", "settings of the network cards' firmware load at a restart") if restart else (
        "virtual-functions-drain", "virtual functions that are in use change")  # fmt: skip
    nodes = [*restart, *drain]
    whole = world.cost(change, why, nodes)
    rounds = -(-len(nodes) // made["render"]["parallel"])
    return replace(whole, minutes=whole.minutes * rounds // len(nodes))
