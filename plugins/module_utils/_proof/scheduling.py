# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence that the endpoint picker chooses: requests with the same prefix go to the same Pod, new prefixes spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .attribution import Answer, answers, followers, fresh
from .chance import CONVINCING, all_on_one, at_least
from .findings import Finding, finding

AFFINITY = 0.8


def checks(subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """Both findings."""
    known = answers((measured.get("document") or {}).get("requests") or [])
    engines = [p for p in measured.get("engines") or [] if p.get("ready")]
    return [_affinity(subject, known, len(engines)), _spread(subject, known, len(engines))]


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
