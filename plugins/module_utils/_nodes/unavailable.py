# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that are cordoned or NotReady: a roll-out on their pool never ends, and the pool counts as updating although nothing moves.

Source: openshift/machine-config-operator pkg/controller/node (a cordoned or NotReady node counts as unavailable; maxUnavailable is one by default).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import flag, rows, text

Row = Mapping[str, Any]


def stuck(pool: str, members: list[Row]) -> list[str]:
    """Why a roll-out on the pool would never end; empty when it can.

    :param members: snapshot rows of the pool's nodes, those on their way to another configuration left out.
    """
    gone = [f"node {text(node, 'name')} is {'cordoned' if flag(node, 'ready') is True else 'not Ready'}" for node in members if away(node)]
    if not gone:
        return []
    return [
        f"{' and '.join(gone)}: the machine-config-operator leaves such a machine alone and counts it among those that may be away, so that the "
        f"roll-out on MachineConfigPool {pool} would never end; uncordon or repair it, or ask whoever cordoned it (it is left as it is)"
    ]


def idle(pool: Row, nodes: list[Row]) -> list[str]:
    """The machines because of which alone a pool counts as updating: away, while every machine runs the pool's configuration.

    :param nodes: snapshot rows of all nodes.
    """
    members = [node for node in nodes if text(node, "pool") == text(pool, "name")]
    wanted = text(pool, "config")
    if wanted is None or any(text(node, "machine_config") != wanted for node in members):
        return []
    return [str(text(node, "name")) for node in members if away(node)]


def settling(snapshot: Row) -> list[str]:
    """Pools whose update is worth waiting for: not paused, and not only waiting for a machine that is away."""
    nodes = rows(snapshot, "nodes") or []
    return [
        str(text(pool, "name"))
        for pool in rows(snapshot, "pools") or []
        if flag(pool, "paused") is not True and not idle(pool, nodes)
    ]


def away(node: Row) -> bool:
    """Cordoned or NotReady, as far as that is known."""
    return flag(node, "schedulable") is False or flag(node, "ready") is False
