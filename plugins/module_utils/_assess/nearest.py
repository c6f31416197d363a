# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nearest yes: the smallest set of changes that would turn a verdict that isn't a yes into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .look import names
from .model import FAIL, UNKNOWN, Case, Finding
from .nodes import Candidates, Node, models, name
from .verdict import CONDITIONAL, SUPPORTED, UNSUPPORTED, Verdict

_RANK = {SUPPORTED: 2, CONDITIONAL: 1}
Judge = Callable[[Case], tuple[Verdict, list[Finding]]]


def nearest_yes(case: Case, verdict: Verdict, findings: list[Finding], judge: Judge) -> tuple[str, ...]:
    """Changes, all of which are needed; empty where the answer is yes already or no change is known.

    Looked at, cheapest first: fewer nodes, another release, mending what fails.
    """
    if verdict.verdict in _RANK:
        return ()
    fewer = _fewer_nodes(case, judge) if verdict.verdict == UNSUPPORTED else None
    mend = _mend(findings, verdict)
    other = _other_release(case, judge)
    options = [option for option in (fewer, other, mend) if option]
    return min(options, key=len) if options else ()


def _fewer_nodes(case: Case, judge: Judge) -> tuple[str, ...] | None:
    """One GPU model alone, and of it the nodes on which nothing fails."""
    groups: dict[frozenset[str], list[Node]] = {}
    for kind in case.candidates.kinds:
        seen = models(kind.node, case.facts.gpu_models)
        if seen and judge(_only(case, [kind.node]))[0].verdict in _RANK:
            groups.setdefault(frozenset(seen), []).extend(kind.nodes)
    tries = []
    for nodes in groups.values():
        verdict = judge(_only(case, nodes))[0].verdict
        if verdict in _RANK and len(nodes) < len(case.candidates.gpu):
            tries.append((_RANK[verdict], len(nodes), nodes))
    if not tries:
        return None
    best = max(tries, key=lambda entry: entry[:2])[2]
    kept = [name(node) for node in best]
    chosen = {id(node) for node in best}
    left = [name(node) for node in case.candidates.gpu if id(node) not in chosen]
    count = f"{len(kept)} of {len(case.candidates.gpu)} nodes"
    return (f"Serve it from {names(kept)} alone ({count}): leave out {names(left)} with llmd_node_selector.",)


def _only(case: Case, nodes: list[Node]) -> Case:
    return replace(case, candidates=Candidates(tuple(nodes), case.candidates.unsure))


def _other_release(case: Case, judge: Judge) -> tuple[str, ...] | None:
    """The newest release on which this path is a yes as the cluster stands."""
    for release in reversed(case.facts.releases):
        if release != case.release:
            verdict = judge(replace(case, release=release))[0]
            if verdict.verdict == SUPPORTED:
                return (f"Choose RHOAI {release} (llmd_release), where it is supported.",)
    return None


def _mend(findings: list[Finding], verdict: Verdict) -> tuple[str, ...] | None:
    wrong = [finding for finding in findings if (finding.deciding or finding.required) and finding.status == FAIL]
    if not wrong:
        wrong = [finding for finding in findings if finding.deciding and finding.status == UNKNOWN]
    if not wrong or verdict.finding_ids == ("support-tier",):
        return None
    return tuple(dict.fromkeys(f"{finding.subject} ({finding.observed}): {finding.remedy}" for finding in wrong))
