# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How likely a blind choice would look the same: the odds that a proof has to beat."""

from __future__ import annotations

from math import comb

# A proof that a blind choice would also give once in a hundred tries is none.
CONVINCING = 0.01


def at_least(hits: int, tries: int, pods: int) -> float:
    """The chance that ``hits`` or more of ``tries`` blind choices among ``pods`` fall on one given Pod."""
    if pods < 2 or hits <= 0:
        return 1.0
    p = 1.0 / pods
    return sum(comb(tries, k) * p**k * (1 - p) ** (tries - k) for k in range(hits, tries + 1))


def all_on_one(tries: int, pods: int) -> float:
    """The chance that all of ``tries`` blind choices among ``pods`` fall on the same Pod, whichever."""
    return 1.0 if pods < 2 or tries < 1 else float(pods) * (1.0 / pods) ** tries
