# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings -> verdict of one path on one release.

A deciding finding that fails makes it unsupported, and so does a required one that is known and bad; a deciding one that isn't
known makes it unknown; else the tier speaks: GA is supported, previews are conditional, a tier that nobody states is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .model import FAIL, UNKNOWN, WAIVED, Case, Finding
from .tier import WORDS, tier

SUPPORTED, CONDITIONAL, UNSUPPORTED, UNCLEAR = "supported", "conditional", "unsupported", "unknown"


@dataclass(frozen=True)
class Verdict:
    """hardware: what makes it unknown is only hardware that Node Feature Discovery would show."""

    path: str
    release: str
    verdict: str
    tier: str | None
    reasons: tuple[str, ...]
    finding_ids: tuple[str, ...]
    unverified: tuple[str, ...]
    override: str | None
    nearest_yes: tuple[str, ...] = ()
    hardware: bool = False

    def as_dict(self) -> dict[str, Any]:
        lists = {key: list(getattr(self, key)) for key in ("reasons", "finding_ids", "unverified", "nearest_yes")}
        return {
            "path": self.path, "release": self.release, "verdict": self.verdict, "tier": self.tier, **lists, "override": self.override,
        }  # fmt: skip


def judge(case: Case, findings: list[Finding]) -> Verdict:
    bad = [finding for finding in findings if finding.status == FAIL and (finding.deciding or finding.required)]
    open_ = [finding for finding in findings if finding.status == UNKNOWN and finding.deciding]
    accepted = [finding for finding in findings if finding.status == WAIVED and (finding.deciding or finding.required)]
    unverified = _unique(
        f"{finding.id}: {finding.subject}: {finding.observed}"
        for finding in findings
        if finding.status == UNKNOWN and not finding.deciding
    )
    level, notes = tier(case)
    if bad:
        word, because = UNSUPPORTED, bad
    elif open_:
        word, because = UNCLEAR, open_
    else:
        word, because = _by_tier(level, accepted), accepted
    reasons = [_sentence(finding) for finding in because] or [_tier_sentence(case, level)]
    if word == UNSUPPORTED and level == "none" and not bad:
        reasons = [_tier_sentence(case, level)]
    return Verdict(
        case.path, case.release, word, _shown_tier(level, word, bool(accepted)), tuple(_unique([*reasons, *notes])),
        tuple(_unique(finding.id for finding in because)) or ("support-tier",), tuple(unverified), _override(case, word),
        hardware=word == UNCLEAR and all(finding.hardware for finding in open_) and bool(open_),
    )  # fmt: skip


def _by_tier(level: str | None, accepted: list[Finding]) -> str:
    word = {"GA": SUPPORTED, "TP": CONDITIONAL, "DP": CONDITIONAL, "none": UNSUPPORTED}.get(level or "", UNCLEAR)
    return CONDITIONAL if accepted and word == SUPPORTED else word


def _shown_tier(level: str | None, word: str, waived: bool) -> str | None:
    """The tier of an unsupported or waived cell is "none": whatever the row says, this cluster doesn't have it."""
    return "none" if word == UNSUPPORTED or waived else level


def _sentence(finding: Finding) -> str:
    return f"{finding.subject}: {finding.observed}; wanted: {finding.expected}."


def _tier_sentence(case: Case, level: str | None) -> str:
    words = WORDS.get(level or "", "not stated")
    return f"{case.path} is {words} in RHOAI {case.release}."


def _override(case: Case, word: str) -> str | None:
    if word in (UNSUPPORTED, UNCLEAR) and case.declared.get("allow_unsupported") is True:
        return str(case.declared.get("allow_unsupported_reason") or "no reason given")
    return None


def _unique(items: Any) -> list[str]:
    return list(dict.fromkeys(items))
