# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities of Kubernetes ("4", "500m", "32Gi") multiplied and added, written as a person would."""

from __future__ import annotations

import re

from .._data.quantity import parse

GIB, MIB = 2**30, 2**20


def times(quantity: str, count: int) -> str:
    """The same unit, `count` times as much."""
    match = re.fullmatch(r"(\d+)(\D*)", quantity)
    if match:
        return f"{int(match[1]) * count}{match[2]}"
    value = parse(quantity)
    return quantity if value is None else written(value * count)


def plus(quantity: str, more_bytes: float) -> str:
    """Memory, with that much more."""
    return written((parse(quantity) or 0.0) + more_bytes)


def written(size: float) -> str:
    """Whole GiB where it is that, else MiB rounded up."""
    return f"{int(size // GIB)}Gi" if size % GIB == 0 else f"{int(-(-size // MIB))}Mi"
