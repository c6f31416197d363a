# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign text made fit for a message: short, on one line, without control characters."""

from __future__ import annotations

LIMIT = 80


def shown(value: object) -> str:
    """`value` as people may see it; escapes keep terminal codes and line breaks inert."""
    text = ascii(value) if not isinstance(value, str) else ascii(str(value))
    return text if len(text) <= LIMIT else text[: LIMIT - 4] + "..." + text[-1]
