# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network between GPU nodes for the reports: a table, a picture, one line, and the sheet for the network team."""

from __future__ import annotations

from typing import Any

SHOWN = 12  # nodes; the others are counted
LEFT, WIDE, HIGH, TOP = 90, 86, 26, 22  # of the picture, in its units


def table(fabric: dict[str, Any]) -> dict[str, Any]:
    """Rails down, nodes across: what is at each place, and where the picture draws it. Empty where there are no rails."""
    rails = fabric.get("rails") or []
    if not rails:
        return {}
    nodes = [name for name in fabric.get("nodes") or [] if name in rails[0]["nics"]]
    shown = nodes[:SHOWN]
    return {
        "nodes": [{"name": name, "x": LEFT + WIDE * at} for at, name in enumerate(shown)],
        "more": len(nodes) - len(shown),
        "rows": [_row(rail, shown, at) for at, rail in enumerate(rails)],
        "width": LEFT + WIDE * len(shown),
        "height": TOP + HIGH * len(rails) + 8,
    }


def _row(rail: dict[str, Any], nodes: list[str], at: int) -> dict[str, Any]:
    cells = [{"x": LEFT + WIDE * place, **rail["nics"][name]} for place, name in enumerate(nodes)]
    gpus = next((nic["gpus"] for nic in rail["nics"].values()), None)
    kept = {key: rail.get(key) for key in ("index", "resource", "network", "subnet", "mtu")}
    return {**kept, "gpus": gpus, "cells": cells, "y": TOP + HIGH * at, "hue": (at * 360) // 8 % 360}


def line(fabric: dict[str, Any]) -> str:
    """One line for the terminal; "" where the path needs no fabric."""
    if not fabric.get("needed"):
        return ""
    if not fabric.get("known"):
        return "fabric   the network cards aren't known yet"
    layer = {"Ethernet": "RoCE", "InfiniBand": "InfiniBand"}.get(fabric.get("link_layer") or "", "RDMA")
    rails = fabric.get("rails") or []
    shape = f"{len(rails)} rails of {layer} on {len(fabric.get('nodes') or [])} nodes, " if rails else ""
    return f"fabric   {shape}{fabric.get('way')}"
