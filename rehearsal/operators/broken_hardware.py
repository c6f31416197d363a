# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's hardware as it is now: the profile's, with what the scenario has broken.

Faults: `seven-of-eight-gpus {node}` (the last GPU has fallen off the bus: still listed by PCI, of no use to any driver),
`disk-with-data {node, holds}` (the first empty disk is not empty).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from rehearsal.operators.runtime import StandIn

GPU_LOST, DISK_FULL = "seven-of-eight-gpus", "disk-with-data"


def server_of(operator: StandIn, name: str) -> dict[str, Any] | None:
    """The server behind a node, or None when the profile has no such node."""
    found = next((item for item in operator.profile["nodes"] if item["name"] == name), None)
    return None if found is None else broken(found, operator.scenario)


def broken(server: dict[str, Any], scenario: Mapping[str, Any]) -> dict[str, Any]:
    """The server itself, or a copy with its faults."""
    struck = [fault for fault in (GPU_LOST, DISK_FULL) if (scenario.get(fault) or {}).get("node") == server["name"]]
    if not struck:
        return server
    made = copy.deepcopy(server)
    if GPU_LOST in struck and made.get("gpus"):
        made["gpus"][-1]["health"] = "fallen-off-bus"
    if DISK_FULL in struck:
        empty = next((disk for disk in made["disks"] if (disk.get("holds") or "nothing") == "nothing"), None)
        if empty is not None:
            empty["holds"] = scenario[DISK_FULL].get("holds") or "filesystem"
    return made
