# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence that the endpoint picker chooses: it is alive, it counted our requests, it sees all replicas, same prefix goes
to the same Pod, other prefixes spread.

The pool fails open: with the picker dead the gateway still answers 200, round robin. So nothing here rests on an answer;
and evidence that couldn't be read is unknown, never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .attribution import Answer, answers, followers, fresh
from .chance import CONVINCING, all_on_one, at_least
from .families import PICKER_DECISIONS, PICKER_REQUESTS, POOL_READY
from .findings import Finding, finding
from .metrics import Sample, parse, rise, total

AFFINITY = 0.8
_ALIVE_REMEDY = (
    "Repair the endpoint picker (Deployment …-kserve-router-scheduler of this service; its log says why). Until then the "
    "pool fails open and requests are spread blindly."
)


def checks(subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """All findings on the picker."""
    document = measured.get("document") or {}
    known = answers(document.get("requests") or [])
    engines = [p for p in measured.get("engines") or [] if p.get("ready")]
    return [
        _alive(subject, measured),
        _counted(subject, measured, document),
        _pool(subject, measured, document),
        _affinity(subject, known, len(engines)),
        _spread(subject, known, len(engines)),
    ]


def _alive(subject: str, measured: Mapping[str, Any]) -> Finding:
    expected = "at least one endpoint picker Pod, ready before and after, none restarted meanwhile"
    pickers = measured.get("pickers")
    if pickers is None:
        return finding("picker-alive", "unknown", subject, "its Pods couldn't be read", expected, "Grant list of Pods.")
    if not pickers:
        return finding("picker-alive", "fail", subject, "there is no endpoint picker Pod", expected, _ALIVE_REMEDY)
    down = [p for p in pickers if not (p.get("ready") and p.get("ready_before"))]
    restarted = [p for p in pickers if p.get("restarts", 0) > p.get("restarts_before", 0)]
    if len(down) == len(pickers):
        state = "; ".join(f"{p.get('name')} {p.get('trouble') or 'not ready'}" for p in down)
        observed = f"no endpoint picker is ready ({state}): the pool fails open, answers came without any choice"
        return finding("picker-alive", "fail", subject, observed, expected, _ALIVE_REMEDY)
    if restarted:
        observed = f"{', '.join(str(p.get('name')) for p in restarted)} restarted during the proof"
        return finding("picker-alive", "fail", subject, observed, expected, _ALIVE_REMEDY)
    observed = f"{len(pickers) - len(down)} of {len(pickers)} ready"
    if down:  # standby pickers aren't ready by design; the others' counters decide
        return finding("picker-alive", "warn", subject, observed, expected, _ALIVE_REMEDY, deciding=False)
    return finding("picker-alive", "pass", subject, observed, expected)


def sent(document: Mapping[str, Any]) -> int:
    """Our completions that were answered: each has to be in the picker's counters."""
    records = [*(document.get("calls") or []), *(document.get("requests") or [])]
    return sum(r.get("status") == 200 for r in records)


def _counted(subject: str, measured: Mapping[str, Any], document: Mapping[str, Any]) -> Finding:
    ours = sent(document)
    expected = f"the picker's request counter rises by our {ours} requests or more"
    if not ours:
        return finding("picker-counted", "unknown", subject, "no request of ours was answered", expected,
                       "Repair what the checks of the answers say.")  # fmt: skip
    if _all_down(measured):
        return finding("picker-counted", "fail", subject, f"{ours} requests were answered while no picker was running",
                       expected, _ALIVE_REMEDY)  # fmt: skip
    pages = _pages(measured, document)
    if isinstance(pages, str):
        return finding("picker-counted", "unknown", subject, pages, expected,
                       "Allow the proof's account to read /metrics of the picker (port 9090; NetworkPolicy, RBAC).")  # fmt: skip
    name, count = _rise_of(PICKER_REQUESTS, pages)
    if count is None:
        state, observed = _no_counter(pages)
        return finding("picker-counted", state, subject, observed, expected, _ALIVE_REMEDY)
    decided, decisions = _rise_of(PICKER_DECISIONS, pages)
    also = f"; {decided} by {decisions:.0f}" if decisions is not None else ""
    more = f" ({count - ours:.0f} of others)" if count > ours else ""
    observed = f"{name} rose by {count:.0f} for our {ours} requests{more}{also}"
    return finding("picker-counted", "pass" if count >= ours else "fail", subject, observed, expected,
                   "Requests pass the picker by: check that the HTTPRoute's backend is the InferencePool and that the "
                   "gateway runs with the inference extension.")  # fmt: skip


def _no_counter(pages: list[tuple[list[Sample], list[Sample]]]) -> tuple[str, str]:
    """Without any request counter: the picker saw nothing (it shows its pool), or speaks names that we don't know."""
    if any(s.name in POOL_READY for _before, after in pages for s in after):
        return "fail", "the picker has counted no request at all"
    return "unknown", "the picker's page has none of the known counters, or a counter fell"


def _all_down(measured: Mapping[str, Any]) -> bool:
    pickers = measured.get("pickers")
    return pickers is not None and not any(p.get("ready") for p in pickers)


def _pages(measured: Mapping[str, Any], document: Mapping[str, Any]) -> list[tuple[list[Sample], list[Sample]]] | str:
    """Before and after of each ready picker, or why they can't be had."""
    out = []
    for picker in measured.get("pickers") or []:
        if not picker.get("ready"):
            continue
        texts = [
            ((document.get(when) or {}).get("pickers") or {}).get(str(picker.get("name"))) or {}
            for when in ("before", "after")
        ]
        for text in texts:
            if "text" not in text:
                return f"metrics of {picker.get('name')} couldn't be read: {text.get('error') or 'not measured'}"
        out.append((parse(texts[0]["text"]), parse(texts[1]["text"])))
    return out or "no picker's metrics were read"


def _rise_of(names: Iterable[str], pages: list[tuple[list[Sample], list[Sample]]]) -> tuple[str, float | None]:
    """The family that rose most (newer pickers count the same under two names), summed over all pickers."""
    best: tuple[str, float | None] = ("", None)
    for name in names:
        rises = [rise(before, after, name) for before, after in pages if total([*before, *after], name) is not None]
        if not rises or any(r is None for r in rises):
            continue
        count = sum(r for r in rises if r is not None)
        if best[1] is None or count > best[1]:
            best = (name, count)
    return best


def ready_pods(measured: Mapping[str, Any], document: Mapping[str, Any]) -> float | None:
    """How many Pods the picker has in its pool at the end: the least that any picker says."""
    pages = _pages(measured, document)
    if isinstance(pages, str):
        return None
    seen = [total(after, name) for _before, after in pages for name in POOL_READY]
    return min((s for s in seen if s is not None), default=None)


def _pool(subject: str, measured: Mapping[str, Any], document: Mapping[str, Any]) -> Finding:
    wanted = measured.get("replicas")
    expected = f"all {wanted} replicas ready and in the picker's pool, two or more"
    ready = sum(bool(p.get("ready")) for p in measured.get("engines") or [])
    if not isinstance(wanted, int) or wanted < 2:
        return finding("replicas-in-pool", "fail", subject, f"{wanted} replicas: there is nothing to choose from", expected,
                       "Set llmd_replicas to 2 or more.")  # fmt: skip
    if ready < wanted:
        return finding("replicas-in-pool", "fail", subject, f"{ready} of {wanted} Pods are ready", expected,
                       "Look at the Pods that aren't ready.")  # fmt: skip
    if _all_down(measured):
        return finding(
            "replicas-in-pool", "fail", subject, "no picker runs, so nobody keeps the pool", expected, _ALIVE_REMEDY
        )
    seen = ready_pods(measured, document)
    if seen is None:
        return finding("replicas-in-pool", "unknown", subject, f"{ready} Pods ready; the picker's count can't be read", expected,
                       "Allow the proof's account to read /metrics of the picker.")  # fmt: skip
    return finding("replicas-in-pool", "pass" if seen >= wanted else "fail", subject,
                   f"the picker has {seen:.0f} ready Pods, {wanted} are wanted", expected,
                   "Check the InferencePool's selector and that the picker reaches the Pods' metrics (both with TLS, or both without).")  # fmt: skip


def _affinity(subject: str, known: list[Answer], pods: int) -> Finding:
    expected = f"{AFFINITY:.0%} or more of the requests that repeat a prefix go to the Pod that has it, beyond chance"
    remedy = ("Check that the prefix-cache scorer is in the picker's configuration and that it is alive; "
              "more requests (llmd_probe_requests) make a clearer picture.")  # fmt: skip
    same, tries = followers(known)
    blind = _blind(known, pods)
    if blind or not tries:
        return finding(
            "prefix-affinity", "unknown", subject, blind or "no repeated prefix was answered", expected, remedy
        )
    odds = at_least(same, tries, pods)
    observed = (
        f"{same} of {tries} ({same / tries:.0%}) on the same Pod; a blind choice among {pods} does that with {odds:.2g}"
    )
    if same / tries < AFFINITY:
        return finding("prefix-affinity", "fail", subject, observed, expected, remedy)
    return finding("prefix-affinity", "pass" if odds < CONVINCING else "unknown", subject, observed, expected, remedy)


def _spread(subject: str, known: list[Answer], pods: int) -> Finding:
    expected = "requests with new prefixes go to two or more Pods"
    remedy = "Check that all replicas are in the pool, and the picker's load scorers."
    used = fresh(known)
    blind = _blind(known, pods)
    if blind or not used:
        return finding("prefix-spread", "unknown", subject, blind or "no new prefix was answered", expected, remedy)
    shares = ", ".join(f"{p} {used.count(p)}" for p in sorted(set(used)))
    if len(set(used)) > 1:
        return finding("prefix-spread", "pass", subject, f"{len(used)} new prefixes: {shares}", expected, remedy)
    odds = all_on_one(len(used), pods)
    state = "fail" if odds < CONVINCING else "unknown"
    return finding("prefix-spread", state, subject, f"all {len(used)} new prefixes went to {shares} (by chance: {odds:.2g})",
                   expected, remedy)  # fmt: skip


def _blind(known: list[Answer], pods: int) -> str:
    """Why nothing can be said of the Pods that answered, or an empty string."""
    if pods < 2:
        return f"{pods} ready Pod: there is nothing to choose from"
    seen = sum(bool(a.pod) for a in known)
    if not known or seen < AFFINITY * len(known):
        return f"the Pod is known for {seen} of {len(known)} answers only (counters unreadable, or other traffic meanwhile)"
    return ""
