# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From raw measurements to the proof of a path (docs/architecture.md 3.6). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import disaggregation, expert, inference, offload, picker, scheduling
from .attribution import Answer, answers, followers, fresh
from .evidence import engine_pages, risen
from .families import CACHE_HITS, CACHE_QUERIES
from .findings import Finding, finding, overall

PATHS = ("inference_scheduling", "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism")
FORMAT = 1
# What no release promises (Red Hat's article 7136620), although newer routes carry some of it: not proven, and nothing here sets it up.
OUTSIDE = ("OpenAI Responses (/v1/responses)", "Anthropic Messages (/v1/messages)", "APIs of other providers")


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
            *picker.checks(subject, measured, least=2 if path == "inference_scheduling" else 1),
            *_of_path(path, subject, measured),
            *_faults(subject, document),
        ]
    return {"path": path, "status": overall(checks), "checks": checks, "numbers": numbers(path, measured),
            "requests": requests(document), "endpoints": dict(measured.get("endpoints") or {}), "outside": list(OUTSIDE)}  # fmt: skip


def _of_path(path: str, subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """What only this path promises. Groups of ranks may be divided into prefill and decode, too: then both are proven."""
    split = path == "pd_disaggregation" or (path == "wide_expert_parallelism" and measured.get("prefill_replicas") is not None)
    return [
        *(scheduling.checks(subject, measured) if path == "inference_scheduling" else []),
        *(disaggregation.checks(subject, measured) if split else []),
        *(offload.checks(subject, measured) if path == "kv_cache_offload" else []),
        *(expert.checks(subject, measured) if path == "wide_expert_parallelism" else []),
    ]


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
    worst = "fail" if proof["status"] == "failed" else "unknown"  # what isn't known adds nothing to what has failed
    bad = [c for c in proof["checks"] if c["status"] == worst and c["deciding"]]
    if proof["status"] == "proven":
        figures = proof["numbers"]
        return (
            f"{proof['path']} is proven: {len(proof['checks'])} checks; {figures['requests_answered']} requests answered, "
            f"{_SHOWN[proof['path']](figures)}, {figures['pool_ready_pods']:.0f} Pods in the picker's pool."
        )
    said: dict[str, list[str]] = {}
    for check in bad:
        said.setdefault(check["observed"], []).append(check["id"].removeprefix("proof-"))
    lines = "; ".join(f"{', '.join(names)}: {observed}" for observed, names in said.items())
    remedies = " ".join(dict.fromkeys(c["remedy"] for c in bad if c["remedy"]))
    return f"{proof['path']} isn't proven ({proof['status']}) on {bad[0]['subject']}: {lines}. What to do: {remedies}"


def requests(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each request in short: what, status, time, Pod."""
    named = [{"name": r.get("name"), "status": r.get("status"), "ms": r.get("ms"), "first_ms": r.get("first_ms"), "pod": None}
             for r in [*(document.get("calls") or []), *(document.get("refusals") or [])]]  # fmt: skip
    sent = document.get("requests") or []
    pods = {(str(r.get("group")), int(r.get("place") or 0)): ", ".join(sorted(r["rose"])) for r in sent if r.get("rose")}
    pods |= {(a.group, a.place): a.pod for a in answers(sent) if a.pod}
    grouped = [{"name": f"{r.get('group')}/{r.get('place')}", "status": r.get("status"), "ms": r.get("ms"), "first_ms": None,
                "pod": pods.get((str(r.get("group")), int(r.get("place") or 0)))} for r in sent]  # fmt: skip
    return [*named, *grouped]


_SHOWN: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "inference_scheduling": lambda n: f"{n['repeated_prefix_same_pod']} of {n['repeated_prefix_total']} repeated prefixes on the same Pod",
    "pd_disaggregation": lambda n: (
        f"{n['requests_through_both']} of {n['requests_measured']} through prefill and decode, {n['kv_transfers']:.0f} transfers of KV blocks over "
        f"{', '.join(n['kv_transports'])}"
    ),
    "kv_cache_offload": lambda n: (
        "prompts that the GPU had lost came back from the CPU"
        + (f" ({n['bytes_from_cpu']:.0f} bytes)" if n["bytes_from_cpu"] else f" ({n['tokens_from_outside']:.0f} tokens)")
    ),
    "wide_expert_parallelism": lambda n: f"{n['groups']} groups, each of their ranks answered",
}
_NUMBERS = {"pd_disaggregation": disaggregation.numbers, "kv_cache_offload": offload.numbers, "wide_expert_parallelism": expert.numbers}


def numbers(path: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    """Figures for the report; null where they couldn't be read. Times in milliseconds."""
    document = measured.get("document") or {}
    sent = [r for r in document.get("requests") or [] if r.get("status") == 200]
    known = answers(sent)
    hits, queries = _engine_rise(measured, CACHE_HITS), _engine_rise(measured, CACHE_QUERIES)
    first = [c.get("first_ms") for c in document.get("calls") or [] if c.get("first_ms") is not None]
    return {
        "replicas": measured.get("replicas"),
        "pool_ready_pods": picker.ready_pods(measured),
        "requests_answered": picker.sent(document),
        "latency_ms_p50": percentile([r.get("ms") for r in sent], 50),
        "latency_ms_p95": percentile([r.get("ms") for r in sent], 95),
        "first_token_ms_p50": percentile(first, 50),
        "prompt_tokens": _tokens(sent, "prompt_tokens"),
        "completion_tokens": _tokens(sent, "completion_tokens"),
        **(_affinity_numbers(known) if path == "inference_scheduling" else {}),
        "prefix_cache_hits": hits,
        "prefix_cache_queries": queries,
        "prefix_cache_hit_ratio": round(hits / queries, 4) if hits is not None and queries else None,
        **(_NUMBERS[path](measured) if path in _NUMBERS else {}),
    }


def _affinity_numbers(known: list[Answer]) -> dict[str, Any]:
    same, tries = followers(known)
    return {"repeated_prefix_same_pod": same, "repeated_prefix_total": tries,
            "new_prefix_pods": {p: fresh(known).count(p) for p in sorted(set(fresh(known)))}}  # fmt: skip


def percentile(values: Iterable[Any], percent: int) -> float | None:
    """The nearest-rank percentile of the numbers in ``values``, or None when there are none."""
    ordered = sorted(v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool))
    if not ordered:
        return None
    return float(ordered[max(0, -(-len(ordered) * percent // 100) - 1)])


def _tokens(records: list[Any], key: str) -> int:
    counts = [(r.get("usage") or {}).get(key) for r in records]
    return sum(c for c in counts if isinstance(c, int))


def _engine_rise(measured: Mapping[str, Any], names: Iterable[str]) -> float | None:
    """How far a vLLM counter rose over all Pods; the first name that the pages have. None when a page is missing."""
    found = risen(engine_pages(measured.get("document") or {}, [str(p.get("name")) for p in measured.get("engines") or []]), names)
    return found.total if found.known else None
