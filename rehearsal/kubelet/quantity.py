# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities ("4", "500m", "32Gi") as exact numbers."""

from __future__ import annotations

import re
from fractions import Fraction

_SUFFIX = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12), "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40), "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}
_FORM = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)(?:[eE]([+-]?[0-9]{1,3})|([a-zA-Z]{0,2}))")


def parse(text: str | int) -> Fraction:
    """The number that a quantity means. Raises ValueError for anything else."""
    match = _FORM.fullmatch(str(text).strip())
    if not match or (match.group(3) or "") not in _SUFFIX:
        raise ValueError(f"'{text}' is not a quantity")
    number = Fraction(match.group(1))
    return number * Fraction(10) ** int(match.group(2)) if match.group(2) else number * _SUFFIX[match.group(3) or ""]


def as_units(text: str | int, divisor: Fraction) -> int:
    """How many of ``divisor`` a quantity is, rounded up, as the downward API does."""
    value = parse(text) / divisor
    return -((-value.numerator) // value.denominator)
