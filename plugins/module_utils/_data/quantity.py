# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities ("32Gi", "500m", "4") as numbers. Source: apimachinery's resource.Quantity grammar."""

from __future__ import annotations

import re

_SHAPE = re.compile(r"^(\d{1,18}(?:\.\d{1,9})?)(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$", re.ASCII)
_SCALE = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_SCALE.update({unit: 1024.0**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)})


def parse(text: object) -> float | None:
    """The number that `text` means in base units (cores, bytes), or None where it isn't a quantity."""
    match = _SHAPE.match(text.strip()) if isinstance(text, str) else None
    if not match:
        return None
    return float(match.group(1)) * _SCALE[match.group(2) or ""]
