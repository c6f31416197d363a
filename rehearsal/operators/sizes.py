# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes: Kubernetes quantities, and what fits into a volume group (pure).

Sources: apimachinery's quantity grammar; LVM's 4 MiB physical extents; openshift/lvm-operator v4.20.0
internal/controllers/constants/constants.go (minimum allocation sizes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

EXTENT = 4 * 1024 * 1024
MINIMUM = {"xfs": 300 * 1024 * 1024, "ext4": 32 * 1024 * 1024, "": 8 * 1024 * 1024}
_BINARY: dict[str, int] = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTP", 1)}
_DECIMAL: dict[str, Fraction] = {
    unit: Fraction(10) ** power for unit, power in {"m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15}.items()
}


def quantity(text: Any) -> int:
    """Bytes (rounded up) of a Kubernetes quantity. Raises ValueError."""
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)(?:[eE]([0-9]+))?([KMGTP]i|[kMGTPm]?)", str(text).strip())
    if not match:
        raise ValueError(f"'{text}' is not a quantity")
    number, exponent, unit = match.groups()
    value = Fraction(number) * 10 ** int(exponent or 0) * (_BINARY[unit] if unit in _BINARY else _DECIMAL[unit])
    return -int(-value // 1)


def binary(size: int) -> str:
    """A size as Kubernetes writes it (BinarySI): the largest unit that divides it, 200Gi rather than 214748364800."""
    for unit, factor in reversed(_BINARY.items()):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def pretty(size: int) -> str:
    """A size as LVMS' events write it: one digit after the point, 6.8TiB."""
    value = float(size)
    for unit in ("", "Ki", "Mi", "Gi", "Ti", "Pi"):
        if abs(value) < 1024.0:
            return f"{value:3.1f}{unit}B"
        value /= 1024.0
    return f"{value:.1f}EiB"


def extents(size: int) -> int:
    """A size rounded up to whole physical extents."""
    return -(-size // EXTENT) * EXTENT


def wanted_size(requested: int, fstype: str) -> int:
    """Size of the logical volume for a claim: at least the file system's minimum, in whole extents."""
    return extents(max(requested, MINIMUM.get(fstype, MINIMUM[""])))


def group_size(disks: list[int], thin: Mapping[str, Any] | None) -> int:
    """Bytes that can be given to volumes: each disk less one extent of metadata; a thin pool's share times its over-provisioning."""
    total = sum((size // EXTENT - 1) * EXTENT for size in disks if size > EXTENT)
    if thin:
        percent = int(thin.get("sizePercent") or 90)
        return int(total * percent // 100) * int(thin.get("overprovisionRatio") or 1)
    return total
