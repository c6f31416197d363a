# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nearest yes: the smallest set of changes that would turn a verdict that isn't a yes into one. Each option is judged, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from .look import names
from .model import FAIL, PASS, UNKNOWN, Case, Finding
from .nodes import Candidates, Node, models, name
from .verdict import CONDITIONAL, SUPPORTED, UNSUPPORTED, Verdict
from .verdict import judge as decide

_RANK = {SUPPORTED: 2, CONDITIONAL: 1}
# What nobody mends on a node: its GPUs are what they are.
_GIVEN = ("accelerator-model", "accelerator-mixture", "accelerator-present")
Judge = Callable[[Case], tuple[Verdict, list[Finding]]]


def nearest_yes(case: Case, verdict: Verdict, findings: list[Finding], judge: Judge) -> tuple[str, ...]:
    """Changes, all of which are needed; empty where the answer is yes already or no change is known.

    Looked at, cheapest first: fewer nodes, another release, mending what fails.
    """
    if verdict.verdict in _RANK:
        return ()
    fewer = _fewer_nodes(case, findings, judge) if verdict.verdict == UNSUPPORTED else None
    options = [option for option in (fewer, _other_release(case, judge), _mend(case, findings)) if option]
    return min(options, key=len) if options else ()


def _fewer_nodes(case: Case, findings: list[Finding], judge: Judge) -> tuple[str, ...] | None:
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
    chosen = {id(node) for node in best}
    left = [node for node in case.candidates.gpu if id(node) not in chosen]
    return (_without(case, [name(node) for node in best], left, _wrong(findings)),)


def _without(case: Case, kept: list[str], left: list[Node], wrong: list[Finding]) -> str:
    """What stands against the nodes that are left out, and both ways around it."""
    out = [name(node) for node in left]
    reasons = list(dict.fromkeys(_reason(finding, out) for finding in wrong if set(finding.nodes) & set(out)))
    why = f" ({'; '.join(reasons)})" if reasons else ""
    mendable = reasons and not any(finding.id in _GIVEN for finding in wrong)
    return (
        f"{len(out)} of {len(case.candidates.gpu)}{_model(case, case.candidates.gpu)} nodes stand in the way: {names(out)}{why}. "
        + ("Mend that, or serve" if mendable else "Serve")
        + f" it from {names(kept)} alone (llmd_node_selector)."
    )


def _reason(finding: Finding, out: list[str]) -> str:
    theirs = [entry for entry in out if entry in finding.nodes]
    return finding.observed if len(theirs) == len(out) else f"{finding.observed} on {names(theirs)}"


def _model(case: Case, nodes: Iterable[Node]) -> str:
    """" H200" where all of these nodes have that model."""
    seen = [models(node, case.facts.gpu_models) for node in nodes]
    known = {model for group in seen if group for model in group}
    return f" {known.pop()}" if len(known) == 1 and None not in seen else ""


def _only(case: Case, nodes: list[Node]) -> Case:
    return replace(case, candidates=Candidates(tuple(nodes), case.candidates.unsure))


def _other_release(case: Case, judge: Judge) -> tuple[str, ...] | None:
    """The newest release on which this path is a yes as the cluster stands; a general availability before a preview."""
    found: dict[str, str] = {}
    for release in reversed(case.facts.releases):
        if release != case.release:
            found.setdefault(judge(replace(case, release=release))[0].verdict, release)
    for word, said in ((SUPPORTED, "it is supported"), (CONDITIONAL, "it is a preview")):
        if word in found:
            return (f"Choose RHOAI {found[word]} (llmd_release), where {said}.",)
    return None


def _wrong(findings: list[Finding]) -> list[Finding]:
    failing = [finding for finding in findings if (finding.deciding or finding.required) and finding.status == FAIL]
    return failing or [finding for finding in findings if finding.deciding and finding.status == UNKNOWN]


def _mend(case: Case, findings: list[Finding]) -> tuple[str, ...] | None:
    """Mending all that is in the way; nothing where even that would not give a yes (the tier says no, or isn't stated)."""
    against = [finding for finding in findings if finding.status == FAIL and (finding.deciding or finding.required)]
    against += [finding for finding in findings if finding.status == UNKNOWN and finding.deciding]
    mended = [replace(finding, status=PASS) if finding in against else finding for finding in findings]
    if not against or decide(case, mended).verdict not in _RANK:
        return None
    return tuple(dict.fromkeys(_repair(case, finding) for finding in against))


def _repair(case: Case, finding: Finding) -> str:
    """Like "2 of 4 nodes (w2, w3): no active RDMA port: ens3f0 down. Connect and bring up the port ..."."""
    count = len(case.candidates.gpu)
    some = finding.nodes and finding.status == FAIL and len(finding.nodes) < count
    subject = f"{len(finding.nodes)} of {count} nodes ({names(list(finding.nodes))})" if some else finding.subject
    return f"{subject}: {finding.observed}. {finding.remedy}"
