# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole assessment of one cluster: verdicts of every path on every release, and whether the declared run may go on."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._data.facts import Facts
from . import nodes, site_rows, waivers
from .model import FAIL, PATHS, Case, Finding
from .nearest import nearest_yes
from .registry import VERDICT, evaluate, known_ids
from .verdict import CONDITIONAL, SUPPORTED, UNCLEAR, Verdict, judge

GO, DISCOVER, STOP = "go", "discover", "stop"


def assess(
    snapshot: Mapping[str, Any],
    declared: Mapping[str, Any],
    facts: Facts,
    today: datetime.date,
    discovered: bool = False,
) -> dict[str, Any]:
    """findings (of the declared release; path and release say what each is about), verdicts, chosen, release, gate.

    discovered: Node Feature Discovery has already run for this run, so what is unknown now stays unknown.
    gate: go | discover (only hardware isn't known: learn it, then assess again) | stop; gate_message says why.
    """
    facts = site_rows.merged(facts, declared.get("matrix_rows") or [])
    release, path = str(declared.get("release") or ""), str(declared.get("path") or PATHS[0])
    given = list(declared.get("waivers") or [])
    seen = nodes.candidates(snapshot, declared)

    def verdict_of(case: Case) -> tuple[Verdict, list[Finding]]:
        findings = waivers.apply(evaluate(case, VERDICT), given, today)
        return judge(case, findings), findings

    # What is said of the whole cluster is asked once, and counts for each path.
    common = evaluate(Case(snapshot, declared, facts, release, path, seen, today), whole=True)
    common = waivers.apply([replace(finding, path=None) for finding in common], given, today)

    verdicts: list[Verdict] = []
    own = [check["id"] for check in declared.get("site_checks") or []]
    known = known_ids([*own, *(quirk["id"] for quirk in facts.quirks)])
    kept: list[Finding] = waivers.troubles(given, known, today)
    chosen: Verdict | None = None
    for each in list(dict.fromkeys([*facts.releases, release])):
        for one in PATHS:
            case = Case(snapshot, declared, facts, each, one, seen, today)
            if each == release:
                own_findings = waivers.apply(evaluate(case, whole=False), given, today)
                findings = [*own_findings, *common]
                verdict = judge(case, findings)
                verdict = replace(verdict, nearest_yes=nearest_yes(case, verdict, findings, verdict_of))
                kept += own_findings
            else:
                verdict = verdict_of(case)[0]
            verdicts.append(verdict)
            if (each, one) == (release, path):
                chosen = verdict
    if chosen is None:  # the declared release is always looped over
        raise ValueError(f"path {path!r} isn't one of {PATHS}")
    findings = _merged([*kept, *common])
    gate, message = _gate(chosen, findings, path, discovered, bool(seen.unsure))
    return {
        "findings": [finding.as_dict() for finding in findings],
        "verdicts": [verdict.as_dict() for verdict in verdicts],
        "chosen": chosen.as_dict(),
        "release": _release(facts, release),
        "best_release": _best_release(facts, verdicts, path),
        "best_releases": {one: _best_release(facts, verdicts, one) for one in PATHS},
        "gate": gate,
        "gate_message": message,
        "candidates": {"nodes": seen.names, "unsure": [entry[0] for entry in seen.unsure], "vendors": seen.vendors},
    }


def _merged(findings: list[Finding]) -> list[Finding]:
    """One finding where the paths agree in everything: its path is then None."""
    groups: dict[Finding, list[str | None]] = {}
    for finding in findings:
        groups.setdefault(replace(finding, path=None), []).append(finding.path)
    merged = []
    for finding, paths in groups.items():
        everywhere = len(set(paths)) == len(PATHS) or None in paths
        merged += [finding] if everywhere else [replace(finding, path=path) for path in dict.fromkeys(paths)]
    return merged


def _gate(chosen: Verdict, findings: list[Finding], path: str, discovered: bool, unsure: bool) -> tuple[str, str]:
    blockers = [f for f in findings if f.blocking and f.status == FAIL and f.path in (None, path)]
    yes = chosen.verdict in (SUPPORTED, CONDITIONAL) or chosen.override is not None
    # Who overrides an unknown verdict still wants the nodes to be looked at: without their hardware nothing can be set up.
    overridden = chosen.override is not None and unsure
    learn = chosen.verdict == UNCLEAR and (chosen.hardware or overridden) and not discovered
    what = f"{chosen.path} on RHOAI {chosen.release}"
    if not blockers and yes and not (learn and overridden):
        return GO, f"{what}: {chosen.verdict}" + (
            f", overridden: {chosen.override}" if chosen.override is not None else ""
        )
    if not blockers and learn:
        return DISCOVER, "The nodes' hardware isn't known yet. " + " ".join(chosen.reasons)
    reasons = [] if yes or learn else [_refusal(chosen, what)]
    reasons += [f"{f.subject}: {f.observed}. {f.remedy} [{f.id}]" for f in blockers]
    first = "Nothing was changed, apart from the operators that tell of the hardware." if discovered else "Nothing was changed."
    return STOP, " ".join([first, *dict.fromkeys(reasons)])


def _refusal(chosen: Verdict, what: str) -> str:
    word = "can't be judged" if chosen.verdict == UNCLEAR else "isn't supported"
    nearest = f" Nearest yes: {' '.join(_untold(change, chosen.reasons) for change in chosen.nearest_yes)}" if chosen.nearest_yes else ""
    override = "To go on all the same, set llmd_allow_unsupported and llmd_allow_unsupported_reason."
    return f"{what} {word} on this cluster. {' '.join(chosen.reasons)}{nearest} {override}"


def _untold(change: str, reasons: tuple[str, ...]) -> str:
    """The change without the observation that one of the reasons has told already."""
    for reason in reasons:
        told = reason.partition("; wanted: ")[0]
        if change.startswith(f"{told}. "):
            return change[len(told) + 2 :]
    return change


def _release(facts: Facts, release: str) -> dict[str, Any]:
    row = facts.matrix.get(release)
    if row is None:
        return {"release": release, "known": False}
    return {
        "release": release,
        "known": True,
        "tier": row["tier"],
        "date": row["date"],
        **row["components"],
        "api": row["api"],
    }


def _best_release(facts: Facts, verdicts: list[Verdict], path: str) -> str | None:
    """The newest release on which the path is supported; else the newest conditional one."""
    for word in (SUPPORTED, CONDITIONAL):
        for release in reversed(facts.releases):
            if any((v.release, v.path, v.verdict) == (release, path, word) for v in verdicts):
                return release
    return None
