# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule checks, why, where that comes from, and what to do: for people (llmd_explain) and for the pages of docs/rules/."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from .._data.facts import Facts
from .registry import RULES

KINDS = {
    "deciding": "It decides: failing makes the verdict unsupported, not known makes it unknown.",
    "confirming": "It confirms: known and bad counts as the article demands, not known is listed as unverified and leaves the verdict.",
    "run": "It says whether a run can succeed: where it is marked as blocking, nothing is written while it fails.",
    "note": "It collects further rules, each with its own id.",
    "quirk": "It is a known-bad version or a trap (data/quirks/).",
}


def known(facts: Facts) -> dict[str, dict[str, str]]:
    """Every rule and quirk by id: kind, checks, why, remedy, source and, for quirks, remove_when."""
    rules = {
        rule.id: {
            "kind": rule.kind,
            "checks": rule.checks,
            "why": rule.why,
            "remedy": rule.remedy,
            "source": rule.source,
        }
        for rule in RULES
    }
    return {**rules, **{quirk["id"]: _quirk(quirk) for quirk in facts.quirks}}


def _quirk(quirk: Mapping[str, Any]) -> dict[str, str]:
    return {
        "kind": "quirk",
        "checks": f"{quirk['title']}.",
        "why": quirk["effect"],
        "remedy": quirk["remedy"],
        "source": quirk["source"],
        "remove_when": quirk["remove_when"],
    }


def lines(facts: Facts, rule: str) -> list[str] | None:
    """The explanation, None where no rule has the id."""
    found = known(facts).get(rule)
    if found is None:
        return None
    said = [
        rule,
        f"checks   {found['checks']}",
        f"why      {found['why']}",
        f"effect   {KINDS[found['kind']]}",
        f"do       {found['remedy']}",
        f"source   {found['source']}",
    ]
    return [*said, f"until    {found['remove_when']}"] if "remove_when" in found else said


def hint(facts: Facts, rule: str) -> str:
    """What the user may have meant."""
    near = difflib.get_close_matches(rule, known(facts), n=1)
    return (
        f"Did you mean {near[0]}? All are in docs/rules.md."
        if near
        else f"Known are {', '.join(sorted(known(facts)))}."
    )
