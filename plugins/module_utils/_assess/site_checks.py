# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that a site brings along (llmd_site_checks): an expression over the snapshot and what it should give."""

from __future__ import annotations

import json
from typing import Any

from .._data import expressions
from .model import FAIL, PASS, UNKNOWN, Case, Finding


def site_checks(case: Case) -> list[Finding]:
    return [_one(case, check) for check in case.declared.get("site_checks") or []]


def _one(case: Case, check: dict[str, Any]) -> Finding:
    """A fact that isn't there gives null, which is unknown, unless null is what is expected."""
    found, trouble = expressions.search(check["expression"], case.snapshot)
    expected = check["expected"]
    if trouble or (found is None and expected is not None):
        status = UNKNOWN
    else:
        status = PASS if found == expected else check["severity"]
    return case.finding(
        check["id"],
        status,
        check["expression"],
        trouble or _shown(found),
        _shown(expected),
        check["remedy"],
        blocking=check["severity"] == FAIL,
        source="llmd_site_checks",
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 200 else text[:197] + "..."
