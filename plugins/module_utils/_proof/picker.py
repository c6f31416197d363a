# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence that the endpoint picker works, whatever the path: it is alive, it counted our requests, it has all Pods in its pool.

The pool fails open: with the picker dead the gateway still answers 200, round robin. So nothing here rests on an answer;
and evidence that couldn't be read is unknown, never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import evidence
from .families import PICKER_DECISIONS, PICKER_REQUESTS, POOL_READY
from .findings import Finding, finding
from .metrics import rise, total

ALIVE_REMEDY = (
    "Repair the endpoint picker (Deployment …-kserve-router-scheduler of this service; its log says why). Until then the "
    "pool fails open and requests are spread blindly."
)
READ_REMEDY = "Allow the proof's account to read /metrics of the picker (port 9090; NetworkPolicy, RBAC)."


def checks(subject: str, measured: Mapping[str, Any], least: int) -> list[Finding]:
    """All findings on the picker. ``least``: Pods without which the path makes no sense."""
    return [_alive(subject, measured), _counted(subject, measured), _pool(subject, measured, least)]


def _alive(subject: str, measured: Mapping[str, Any]) -> Finding:
    expected = "at least one endpoint picker Pod, ready before and after, none restarted meanwhile"
    pickers = measured.get("pickers")
    if pickers is None:
        return finding("picker-alive", "unknown", subject, "its Pods couldn't be read", expected, "Grant list of Pods.")
    if not pickers:
        return finding("picker-alive", "fail", subject, "there is no endpoint picker Pod", expected, ALIVE_REMEDY)
    down = [p for p in pickers if not (p.get("ready") and p.get("ready_before"))]
    restarted = [p for p in pickers if p.get("restarts", 0) > p.get("restarts_before", 0)]
    if len(down) == len(pickers):
        state = "; ".join(f"{p.get('name')} {p.get('trouble') or 'not ready'}" for p in down)
        observed = f"no endpoint picker is ready ({state}): the pool fails open, answers came without any choice"
        return finding("picker-alive", "fail", subject, observed, expected, ALIVE_REMEDY)
    if restarted:
        observed = f"{', '.join(str(p.get('name')) for p in restarted)} restarted during the proof"
        return finding("picker-alive", "fail", subject, observed, expected, ALIVE_REMEDY)
    observed = f"{len(pickers) - len(down)} of {len(pickers)} ready"
    if down:  # standby pickers aren't ready by design; the others' counters decide
        return finding("picker-alive", "warn", subject, observed, expected, ALIVE_REMEDY, deciding=False)
    return finding("picker-alive", "pass", subject, observed, expected)


def sent(document: Mapping[str, Any]) -> int:
    """Our completions that were answered: each has to be in the picker's counters."""
    records = [*(document.get("calls") or []), *(document.get("requests") or [])]
    return sum(r.get("status") == 200 for r in records)


def _counted(subject: str, measured: Mapping[str, Any]) -> Finding:
    ours = sent(measured.get("document") or {})
    expected = f"the picker's request counter rises by our {ours} requests or more"
    if not ours:
        return finding("picker-counted", "unknown", subject, "no request of ours was answered", expected,
                       "Repair what the checks of the answers say.")  # fmt: skip
    if _all_down(measured):
        return finding("picker-counted", "fail", subject, f"{ours} requests were answered while no picker was running",
                       expected, ALIVE_REMEDY)  # fmt: skip
    found = pages(measured)
    if isinstance(found, str):
        return finding("picker-counted", "unknown", subject, found, expected, READ_REMEDY)
    name, count = most_risen(PICKER_REQUESTS, found)
    if count is None:
        state, observed = _no_counter(found)
        return finding("picker-counted", state, subject, observed, expected, ALIVE_REMEDY)
    decided, decisions = most_risen(PICKER_DECISIONS, found)
    also = f"; {decided} by {decisions:.0f}" if decisions is not None else ""
    wrong = len((measured.get("document") or {}).get("errors") or [])  # refused by the model server, after the picker has counted them
    more = f" ({count - ours - wrong:.0f} of others)" if count > ours + wrong else ""
    observed = f"{name} rose by {count:.0f} for our {ours} requests{more}{also}"
    return finding("picker-counted", "pass" if count >= ours else "fail", subject, observed, expected,
                   "Requests pass the picker by: check that the HTTPRoute's backend is the InferencePool and that the "
                   "gateway runs with the inference extension.")  # fmt: skip


def _no_counter(found: Mapping[str, evidence.Page]) -> tuple[str, str]:
    """Without any request counter: the picker saw nothing (it shows its pool), or speaks names that we don't know."""
    if any(s.name in POOL_READY for _before, after in found.values() for s in after):
        return "fail", "the picker has counted no request at all"
    return "unknown", "the picker's page has none of the known counters, or a counter fell"


def _all_down(measured: Mapping[str, Any]) -> bool:
    pickers = measured.get("pickers")
    return pickers is not None and not any(p.get("ready") for p in pickers)


def pages(measured: Mapping[str, Any]) -> dict[str, evidence.Page] | str:
    """Before and after of each ready picker, or why they can't be had."""
    document = measured.get("document") or {}
    sides = [(document.get(when) or {}).get("pickers") or {} for when in ("before", "after")]
    ready = [str(p.get("name")) for p in measured.get("pickers") or [] if p.get("ready")]
    return evidence.pages(sides[0], sides[1], ready)


def most_risen(names: Iterable[str], found: Mapping[str, evidence.Page], **labels: str) -> tuple[str, float | None]:
    """The family that rose most (newer pickers count the same under two names), summed over all pickers."""
    best: tuple[str, float | None] = ("", None)
    for name in names:
        rises = [rise(before, after, name, **labels) for before, after in found.values()
                 if total([*before, *after], name) is not None]  # fmt: skip
        if not rises or any(r is None for r in rises):
            continue
        count = sum(r for r in rises if r is not None)
        if best[1] is None or count > best[1]:
            best = (name, count)
    return best


def ready_pods(measured: Mapping[str, Any]) -> float | None:
    """How many Pods the picker has in its pool at the end: the least that any picker says."""
    found = pages(measured)
    if isinstance(found, str):
        return None
    seen = [total(after, name) for _before, after in found.values() for name in POOL_READY]
    return min((s for s in seen if s is not None), default=None)


def wanted_pods(measured: Mapping[str, Any]) -> int | None:
    """How many Pods are endpoints: all that answer, and all that only compute prompts."""
    replicas, prefill = measured.get("replicas"), measured.get("prefill_replicas")
    return replicas + (prefill or 0) if isinstance(replicas, int) else None


def _pool(subject: str, measured: Mapping[str, Any], least: int) -> Finding:
    wanted = wanted_pods(measured)
    expected = f"all {wanted} replicas ready and in the picker's pool" + (", two or more" if least > 1 else "")
    ready = sum(bool(p.get("ready")) for p in measured.get("engines") or [])
    if wanted is None or wanted < least:
        return finding("replicas-in-pool", "fail", subject, f"{wanted} replicas: there is nothing to choose from", expected,
                       "Set llmd_replicas to 2 or more.")  # fmt: skip
    if ready < wanted:
        return finding("replicas-in-pool", "fail", subject, f"{ready} of {wanted} Pods are ready{_idle(measured)}", expected,
                       "Look at the Pods that aren't ready.")  # fmt: skip
    if _all_down(measured):
        return finding("replicas-in-pool", "fail", subject, "no picker runs, so nobody keeps the pool", expected, ALIVE_REMEDY)
    seen = ready_pods(measured)
    if seen is None:
        return finding("replicas-in-pool", "unknown", subject, f"{ready} Pods ready; the picker's count can't be read", expected,
                       READ_REMEDY)  # fmt: skip
    return finding("replicas-in-pool", "pass" if seen >= wanted else "fail", subject,
                   f"the picker has {seen:.0f} ready Pods, {wanted} are wanted", expected,
                   "Check the InferencePool's selector and that the picker reaches the Pods' metrics (both with TLS, or both without).")  # fmt: skip


def _idle(measured: Mapping[str, Any]) -> str:
    names = [f"{p.get('name')} {p.get('trouble') or 'not ready'}" for p in measured.get("engines") or [] if not p.get("ready")]
    return f" ({'; '.join(names[:4])})" if names else ""
