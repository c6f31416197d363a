# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading snapshots (plain dicts and lists) that may lack anything. What isn't there, or isn't of its type, is None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dig(data: Any, *keys: str) -> Any:
    """data[k1][k2]..., or None as soon as something is missing."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def rows(data: Any, *keys: str) -> list[Mapping[str, Any]] | None:
    """The list of mappings at that place; None where there is no list. Elements of other types are left out."""
    found = dig(data, *keys)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, (list, tuple)) else None


def mapping(data: Any, *keys: str) -> dict[Any, Any]:
    """The mapping at that place, empty where there is none."""
    found = dig(data, *keys)
    return found if isinstance(found, dict) else {}


def strings(data: Any, *keys: str) -> list[str]:
    """The texts in the list at that place, empty where there is none."""
    found = dig(data, *keys)
    return [item for item in found if isinstance(item, str)] if isinstance(found, (list, tuple)) else []


def text(data: Any, *keys: str) -> str | None:
    found = dig(data, *keys)
    return found if isinstance(found, str) and found else None


def flag(data: Any, *keys: str) -> bool | None:
    found = dig(data, *keys)
    return found if isinstance(found, bool) else None


def number(data: Any, *keys: str) -> int | float | None:
    """A number from 0 to 10^18, which is more than anything that a cluster counts."""
    found = dig(data, *keys)
    good = isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found <= 10**18
    return found if good else None


def drives(node: Any) -> list[Mapping[str, Any]]:
    """The node's NVMe devices that a model may be kept on: free, or in a volume group of LVM Storage already."""
    devices = rows(node, "nvme", "devices") or []
    return [one for one in devices if dig(one, "in_use") is False or (text(one, "why") or "").startswith("volume group ")]


def names(items: list[str], limit: int = 6) -> str:
    """A readable list of names: "a, b and 3 more"."""
    shown = ", ".join(items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"
