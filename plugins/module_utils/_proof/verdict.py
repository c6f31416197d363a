# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From raw measurements to the proof of a path (docs/architecture.md 3.6). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import inference, scheduling
from .attribution import answers, followers, fresh
from .families import CACHE_HITS, CACHE_QUERIES
from .findings import Finding, finding, overall
from .metrics import parse, rise

PATHS = ("inference_scheduling",)
FORMAT = 1


def prove(path: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    """The proof. :raises ValueError: a path whose evidence isn't known."""
    if path not in PATHS:
        raise ValueError(f"there is no proof for path {path!r} (known: {', '.join(PATHS)})")
    subject = str(measured.get("service") or "LLMInferenceService")
    document = measured.get("document") or {}
    if document.get("format") != FORMAT:
        checks: list[Finding] = [finding("measured", "unknown", subject, "there are no measurements", "a measured service",
                                         "Run the verify stage again.")]  # fmt: skip
    else:
        checks = [
            *inference.checks(subject, measured),
            *scheduling.checks(subject, measured),
            *_faults(subject, document),
        ]
    return {"path": path, "status": overall(checks), "checks": checks, "numbers": numbers(measured),
            "requests": requests(document), "endpoints": dict(measured.get("endpoints") or {})}  # fmt: skip


def _faults(subject: str, document: Mapping[str, Any]) -> list[Finding]:
    return [
        finding(
            f"client-{part}",
            "unknown",
            subject,
            str(text),
            "measured without a fault",
            "This is a fault of the proof's client: please report it.",
        )  # fmt: skip
        for part, text in sorted((document.get("faults") or {}).items())
    ]


def summary(proof: Mapping[str, Any]) -> str:
    """The proof in one message: what was shown, or what failed, why and what to do."""
    bad = [c for c in proof["checks"] if c["status"] != "pass" and c["deciding"]]
    if proof["status"] == "proven":
        figures = proof["numbers"]
        return (
            f"{proof['path']} is proven: {len(proof['checks'])} checks; {figures['requests_answered']} requests answered, "
            f"{figures['repeated_prefix_same_pod']} of {figures['repeated_prefix_total']} repeated prefixes on the same Pod, "
            f"{figures['pool_ready_pods']:.0f} Pods in the picker's pool."
        )
    lines = "; ".join(f"{c['id'].removeprefix('proof-')}: {c['observed']}" for c in bad)
    remedies = " ".join(dict.fromkeys(c["remedy"] for c in bad if c["remedy"]))
    return f"{proof['path']} isn't proven ({proof['status']}) on {bad[0]['subject']}: {lines}. What to do: {remedies}"


def requests(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each request in short: what, status, time, Pod."""
    named = [{"name": r.get("name"), "status": r.get("status"), "ms": r.get("ms"), "first_ms": r.get("first_ms"), "pod": None}
             for r in [*(document.get("calls") or []), *(document.get("refusals") or [])]]  # fmt: skip
    sent = document.get("requests") or []
    pods = {(a.group, a.place): a.pod or None for a in answers(sent)}
    grouped = [{"name": f"{r.get('group')}/{r.get('place')}", "status": r.get("status"), "ms": r.get("ms"), "first_ms": None,
                "pod": pods.get((str(r.get("group")), int(r.get("place") or 0)))} for r in sent]  # fmt: skip
    return [*named, *grouped]


def numbers(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Figures for the report; null where they couldn't be read. Times in milliseconds."""
    document = measured.get("document") or {}
    sent = [r for r in document.get("requests") or [] if r.get("status") == 200]
    known = answers(sent)
    same, tries = followers(known)
    hits, queries = _engine_rise(document, CACHE_HITS), _engine_rise(document, CACHE_QUERIES)
    first = [c.get("first_ms") for c in document.get("calls") or [] if c.get("first_ms") is not None]
    return {
        "replicas": measured.get("replicas"),
        "pool_ready_pods": scheduling.ready_pods(measured, document),
        "requests_answered": scheduling.sent(document),
        "latency_ms_p50": percentile([r.get("ms") for r in sent], 50),
        "latency_ms_p95": percentile([r.get("ms") for r in sent], 95),
        "first_token_ms_p50": percentile(first, 50),
        "prompt_tokens": _tokens(sent, "prompt_tokens"),
        "completion_tokens": _tokens(sent, "completion_tokens"),
        "repeated_prefix_same_pod": same,
        "repeated_prefix_total": tries,
        "new_prefix_pods": {p: fresh(known).count(p) for p in sorted(set(fresh(known)))},
        "prefix_cache_hits": hits,
        "prefix_cache_queries": queries,
        "prefix_cache_hit_ratio": round(hits / queries, 4) if hits is not None and queries else None,
    }


def percentile(values: Iterable[Any], percent: int) -> float | None:
    """The nearest-rank percentile of the numbers in ``values``, or None when there are none."""
    ordered = sorted(v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool))
    if not ordered:
        return None
    return float(ordered[max(0, -(-len(ordered) * percent // 100) - 1)])


def _tokens(records: list[Any], key: str) -> int:
    counts = [(r.get("usage") or {}).get(key) for r in records]
    return sum(c for c in counts if isinstance(c, int))


def _engine_rise(document: Mapping[str, Any], names: Iterable[str]) -> float | None:
    """How far a vLLM counter rose over all Pods; the first name that the pages have. None when a page is missing."""
    before = (document.get("before") or {}).get("engines") or {}
    after = (document.get("after") or {}).get("engines") or {}
    for name in names:
        rises = [rise(parse(str((before.get(pod) or {}).get("text") or "")), parse(str(page.get("text") or "")), name)
                 for pod, page in after.items()]  # fmt: skip
        if rises and all(r is not None for r in rises):
            return sum(r for r in rises if r is not None)
    return None
