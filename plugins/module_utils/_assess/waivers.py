# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: failing findings that somebody has accepted, until a date."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from .model import FAIL, Finding

_REMEDY = "Renew it with a new date, or mend what it accepts."


def apply(findings: Iterable[Finding], waivers: Iterable[Mapping[str, Any]], today: datetime.date) -> list[Finding]:
    """Waived findings keep what was observed, with owner and date. An expired waiver changes nothing."""
    current = [waiver for waiver in waivers if _end(waiver) >= today]
    return [_one(finding, current) for finding in findings]


def _one(finding: Finding, waivers: list[Mapping[str, Any]]) -> Finding:
    for waiver in waivers:
        if (
            finding.status == FAIL
            and waiver["rule"] == finding.id
            and waiver.get("subject") in (None, "", finding.subject)
        ):
            return finding.waived(f"accepted by {waiver['owner']} until {waiver['expires']}: {waiver['reason']}")
    return finding


def troubles(waivers: Iterable[Mapping[str, Any]], known: set[str], today: datetime.date) -> list[Finding]:
    """Expired waivers, and those for a rule that doesn't exist, are findings of their own."""
    found = []
    for waiver in waivers:
        rule, expires = str(waiver["rule"]), str(waiver["expires"])
        if rule not in known:
            found.append(
                _trouble(
                    "waiver-unknown-rule",
                    rule,
                    "no rule has this id",
                    f"one of {', '.join(sorted(known))}",
                    "Correct or remove it.",
                )
            )
        elif _end(waiver) < today:
            found.append(
                _trouble(
                    "waiver-expired", rule, f"expired on {expires} (owner {waiver['owner']})", "a date to come", _REMEDY
                )
            )
    return found


def _trouble(finding: str, rule: str, observed: str, expected: str, remedy: str) -> Finding:
    return Finding(finding, FAIL, f"waiver of {rule}", observed, expected, remedy, "llmd_waivers", blocking=True)


def _end(waiver: Mapping[str, Any]) -> datetime.date:
    return datetime.date.fromisoformat(str(waiver["expires"]))
