# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence of wide expert parallelism: every group of Pods is whole, all its data-parallel ranks have joined, and each of them answered.

A service with several groups answers while one of them waits for a rank: only the missing rank shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .evidence import Page, pages, risen
from .families import ENGINE_SUCCESS
from .findings import LWS_SOURCE, Finding, finding

_JOIN = ("Read the log of the Pods that lack (VLLM_LOGGING_LEVEL=DEBUG makes the leader say for how many it waits); the leader's address and "
         "--data-parallel-rpc-port must be reachable, and each Pod needs its GPUs and RDMA resource.")  # fmt: skip


def checks(subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """All findings on groups and ranks."""
    leaders = [p for p in measured.get("engines") or [] if p.get("ranks")]
    return [
        *_groups(subject, measured),
        _wide(subject, leaders),
        _joined(subject, measured, leaders),
        _answered(subject, measured, leaders),
        _expert(subject, leaders),
    ]


def _groups(subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """Groups of Pods, where ranks are on several nodes; none for a service that keeps all its ranks in one Pod."""
    members = measured.get("members") or []
    wanted = [size for size in (measured.get("group_sizes") or {}).values() if size and size > 1]
    if not wanted and not members:
        return []
    expected = "each group has all its Pods, and all are ready"
    if not members:
        return [finding("wep-groups", "fail", subject, "no Pod of a leader worker set", expected, "Look at the LeaderWorkerSet's events.", LWS_SOURCE)]
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for member in members:
        groups.setdefault((str(member.get("set")), str(member.get("group"))), []).append(member)
    faults, whole = [], 0
    for (name, number), pods in sorted(groups.items()):
        fault = _fault(pods, (measured.get("group_sizes") or {}).get("prefill" if pods[0].get("role") == "prefill" else "main"))
        faults += [f"group {number} of {name}: {fault}"] if fault else []
        whole += not fault
    count = (measured.get("replicas") or 0) + (measured.get("prefill_replicas") or 0)
    if not faults and len(groups) < count:
        faults.append(f"{len(groups)} of {count} groups are there")
    observed = "; ".join(faults) if faults else f"{whole} groups of {max(map(len, groups.values()))} Pods"
    return [finding("wep-groups", "fail" if faults else "pass", subject, observed, expected, _JOIN, LWS_SOURCE)]


def _fault(pods: list[Mapping[str, Any]], wanted: int | None) -> str:
    size = next((p["size"] for p in pods if p.get("size")), None)
    if wanted and size and size != wanted:
        return f"its size is {size}, the declared ranks need {wanted} Pods"
    lacking = (wanted or size or 0) - len(pods)
    idle = [f"{p.get('name')} {p.get('trouble') or 'not ready'}" for p in pods if not p.get("ready")]
    return "; ".join([*([f"{lacking} Pods are missing"] if lacking > 0 else []), *idle])


def _wide(subject: str, leaders: list[Any]) -> Finding:
    counts = sorted({int(p["ranks"]) for p in leaders})
    observed = f"{', '.join(map(str, counts))} ranks" if counts else "no Pod with ranks"
    good = bool(counts) and counts[0] > 1
    return finding("wep-ranks", "pass" if good else "fail", subject, observed, "two data-parallel ranks or more in a group",
                   "Set the service's parallelism (data, dataLocal, expert).")  # fmt: skip


def _entries(measured: Mapping[str, Any]) -> Mapping[str, Any]:
    return (measured.get("document") or {}).get("ranks") or {}


def _page(measured: Mapping[str, Any], pod: str) -> dict[str, Page] | str:
    one = _entries(measured).get(pod) or {}
    return pages({pod: one.get("before") or {}}, {pod: one.get("after") or {}}, [pod])


def _seen(found: Mapping[str, Page], pod: str) -> set[int]:
    """The ranks that have a series: a rank has them from the moment that it joins."""
    return {int(s.labels["engine"]) for s in found[pod][1] if s.name.startswith("vllm:") and s.labels.get("engine", "").isdigit()}


def _joined(subject: str, measured: Mapping[str, Any], leaders: list[Any]) -> Finding:
    expected = "each rank of each group has its series on the leader's page"
    lacking: list[str] = []
    blind: list[str] = []
    for leader in leaders:
        pod = str(leader["name"])
        found = _page(measured, pod)
        if isinstance(found, str):
            (blind if leader.get("ready") else lacking).append(found if leader.get("ready") else _silent(leader))
            continue
        missing = sorted(set(range(int(leader["ranks"]))) - _seen(found, pod))
        lacking += [f"{pod} lacks {_listed(missing)}"] if missing else []
    good = f"{sum(int(p['ranks']) for p in leaders)} ranks of {len(leaders)} groups" if leaders else ""
    return _told("wep-ranks-joined", subject, expected, lacking, blind, good)


def _answered(subject: str, measured: Mapping[str, Any], leaders: list[Any]) -> Finding:
    expected = "each rank of each group answers requests of ours"
    lacking: list[str] = []
    blind: list[str] = []
    least: list[float] = []
    for leader in leaders:
        pod = str(leader["name"])
        found = _page(measured, pod)
        counts = {rank: risen(found, [ENGINE_SUCCESS], engine=str(rank)) for rank in range(int(leader["ranks"]))}
        if isinstance(found, str) and not leader.get("ready"):
            lacking.append(_silent(leader))
            continue
        if isinstance(found, str) or not any(c.known for c in counts.values()):
            blind.append(next((c.why for c in counts.values() if c.why), str(found)))
            continue
        idle = [rank for rank, count in counts.items() if not count.total]
        least += [count.total for count in counts.values()]
        lacking += [f"{pod}: none by {_listed(idle)}{_faults(measured, pod)}"] if idle else []
    return _told("wep-ranks-answered", subject, expected, lacking, blind, f"{min(least):.0f} requests or more by each of {len(least)} ranks" if least else "")


def _silent(leader: Mapping[str, Any]) -> str:
    """A leader serves once all ranks have joined, and not before."""
    return f"{leader.get('name')} doesn't serve: {leader.get('trouble') or 'not ready'}"


def _told(name: str, subject: str, expected: str, lacking: list[str], blind: list[str], good: str) -> Finding:
    if lacking:
        return finding(name, "fail", subject, "; ".join(lacking[:4]), expected, _JOIN)
    if blind or not good:
        return finding(name, "unknown", subject, "; ".join(blind[:4]) or "not measured", expected, "Run the verify stage again.")
    return finding(name, "pass", subject, good, expected)


def _faults(measured: Mapping[str, Any], pod: str) -> str:
    bad = [a for a in (_entries(measured).get(pod) or {}).get("answers") or [] if a.get("status") != 200]
    return f" ({len(bad)} requests failed, one with {bad[0].get('status') or bad[0].get('error')})" if bad else ""


def _listed(ranks: list[int]) -> str:
    return "rank " + ", ".join(map(str, ranks[:8])) + (f" and {len(ranks) - 8} more" if len(ranks) > 8 else "")


def _expert(subject: str, leaders: list[Any]) -> Finding:
    expected, remedy = "vLLM runs with --enable-expert-parallel", "Set parallelism.expert of the service."
    states = [p.get("expert_parallel") for p in leaders]
    if not states or None in states:
        return finding("wep-expert-parallel", "unknown", subject, "the Pods' command isn't known", expected, remedy, LWS_SOURCE)
    off = [str(p["name"]) for p in leaders if not p.get("expert_parallel")]
    observed = f"off on {', '.join(off[:4])}: each rank has all experts" if off else f"on for {len(leaders)} groups"
    return finding("wep-expert-parallel", "fail" if off else "pass", subject, observed, expected, remedy, LWS_SOURCE)


def numbers(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Figures for the report."""
    answers = [a for one in _entries(measured).values() for a in one.get("answers") or []]
    leaders = [p for p in measured.get("engines") or [] if p.get("ranks")]
    return {
        "groups": len(leaders),
        "ranks_in_group": sorted({int(p["ranks"]) for p in leaders}),
        "rank_requests": len(answers),
        "rank_requests_answered": sum(a.get("status") == 200 for a in answers),
    }
