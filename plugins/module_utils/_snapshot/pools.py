# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigPools."""

from __future__ import annotations

from typing import Any

from .values import condition, conditions, dig, mapping, name_of, number, text

# Who holds the roll-out back; whoever pauses a pool without writing it down is somebody else.
PAUSED_BY = "llmd.openshift.io/paused-by"
# The SR-IOV operator's note, of a node (what its daemon wants) and of a pool (which it pauses while it drains a node): its pkg/consts.
SRIOV_STATE, SRIOV_PAUSED, SRIOV = "sriovnetwork.openshift.io/state", "Paused", "sriov-network-operator"
FAILURES = ("Degraded", "NodeDegraded", "RenderDegraded")


def reduce(pool: dict[str, Any]) -> dict[str, Any]:
    """One pool, with its node selector (needed to tell which pool a node is in; not part of the snapshot)."""
    degraded = [condition(pool, kind) for kind in FAILURES]
    messages = [
        row["message"] for kind, row in conditions(pool).items() if kind in FAILURES and row["status"] == "True"
    ]
    return {
        "name": name_of(pool),
        "paused": dig(pool, "spec", "paused") is True,
        "paused_by": text(pool, "metadata", "annotations", PAUSED_BY) or _by_sriov(pool),
        "config": text(pool, "spec", "configuration", "name"),
        "degraded": True if True in degraded else condition(pool, "Degraded"),
        "updating": condition(pool, "Updating"),
        "updated": condition(pool, "Updated"),
        "machine_count": number(dig(pool, "status", "machineCount")),
        "ready_count": number(dig(pool, "status", "readyMachineCount")),
        "updated_count": number(dig(pool, "status", "updatedMachineCount")),
        "message": "; ".join(dict.fromkeys(message for message in messages if message)) or None,
        "selector": mapping(pool, "spec", "nodeSelector"),
    }


def _by_sriov(pool: dict[str, Any]) -> str | None:
    return SRIOV if text(pool, "metadata", "annotations", SRIOV_STATE) == SRIOV_PAUSED else None


def describe(pool: dict[str, Any]) -> dict[str, Any]:
    """The snapshot's entry of a reduced pool."""
    return {key: value for key, value in pool.items() if key != "selector"}
