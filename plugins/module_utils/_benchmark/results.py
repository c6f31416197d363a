# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GuideLLM and inference-perf measured, in one shape: evidence that others made, with its source.

GuideLLM (``benchmarks.json``, 0.3 to 0.7): ``src/guidellm/benchmark`` - a list ``benchmarks``, each with ``metrics`` whose values are divided by
the requests' fate; times in milliseconds, ``request_latency`` in seconds. inference-perf (``summary_lifecycle_metrics.json`` and
``stage_N_lifecycle_metrics.json``, 0.1 to 0.6): ``inference_perf/reportgen/base.py`` - ``load_summary``, ``successes``, ``failures``; seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._data.evidence import UnknownFormat, json_object, keys_of

Row = dict[str, Any]
_PERCENTILES = {"p50": ("median", "p50"), "p95": ("p95",)}


def read(text: str) -> Row:
    """``{tool, version, target, model, runs: [...]}``. :raises UnknownFormat: with what the file looks like."""
    data = json_object(text)
    for fits, reader in READERS:
        if fits(data):
            return reader(data)
    raise UnknownFormat(f"{_guess(data)}; known are GuideLLM (benchmarks.json) and inference-perf (summary_lifecycle_metrics.json)")


def _guess(data: Mapping[str, Any]) -> str:
    """Other tools by what only they write."""
    if "request_throughput" in data and "mean_ttft_ms" in data:
        return "it looks like a result of vllm bench serve"
    if "records" in data and "input_config" in data:
        return "it looks like a result of AIPerf"
    return keys_of(data)


# -- GuideLLM --------------------------------------------------------------------------------------------------------------


def _is_guidellm(data: Mapping[str, Any]) -> bool:
    runs = data.get("benchmarks")
    return isinstance(runs, list) and bool(runs) and all(isinstance(r, Mapping) and isinstance(r.get("metrics"), Mapping) for r in runs)


def _guidellm(data: Mapping[str, Any]) -> Row:
    version = _at(data, "metadata", "guidellm_version")
    runs = [_guidellm_run(r) for r in data["benchmarks"]]
    return {"tool": "guidellm", "version": version, "target": _first(data, ("target", "backend_target")), "model": _first(data, ("model", "backend_model")),
            "runs": runs}  # fmt: skip


def _guidellm_run(run: Mapping[str, Any]) -> Row:
    metrics = run["metrics"]
    totals = metrics.get("request_totals") or run.get("request_totals") or {}
    strategy = _at(run, "config", "strategy") or _at(run, "args", "strategy") or {}
    return {
        "load": _strategy(strategy),
        "requests": _number(totals.get("successful")),
        "failed": _sum(totals.get("errored"), totals.get("incomplete")),
        "requests_per_second": _number(_at(metrics, "requests_per_second", "successful", "mean")),
        "output_tokens_per_second": _number(_at(metrics, "output_tokens_per_second", "successful", "mean")),
        **_times("first_token_ms", _at(metrics, "time_to_first_token_ms", "successful"), 1),
        **_times("between_tokens_ms", _at(metrics, "inter_token_latency_ms", "successful"), 1),
        **_times("latency_ms", _at(metrics, "request_latency", "successful"), 1000),
    }


def _strategy(found: Any) -> str:
    if not isinstance(found, Mapping):
        return ""
    kind = found.get("type_") or found.get("kind") or found.get("type") or ""
    extra = found.get("rate") or found.get("streams") or found.get("max_concurrency")
    return f"{kind} {extra:g}" if isinstance(extra, (int, float)) else str(kind)


# -- inference-perf ----------------------------------------------------------------------------------------------------------


def _is_inference_perf(data: Mapping[str, Any]) -> bool:
    return all(isinstance(data.get(key), Mapping) for key in ("load_summary", "successes", "failures")) and "throughput" in data["successes"]


def _inference_perf(data: Mapping[str, Any]) -> Row:
    good, bad, load = data["successes"], data["failures"], data["load_summary"]
    rate = _number(load.get("requested_rate"))
    run = {
        "load": f"rate {rate:g}" if rate else "",
        "requests": _number(good.get("count")),
        "failed": _number(bad.get("count")),
        "requests_per_second": _number(_at(good, "throughput", "requests_per_sec")),
        "output_tokens_per_second": _number(_at(good, "throughput", "output_tokens_per_sec")),
        **_times("first_token_ms", _at(good, "latency", "time_to_first_token"), 1000),
        **_times("between_tokens_ms", _at(good, "latency", "inter_token_latency"), 1000),
        **_times("latency_ms", _at(good, "latency", "request_latency"), 1000),
    }
    return {"tool": "inference-perf", "version": None, "target": None, "model": None, "runs": [run]}


READERS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any]], Row]], ...] = (
    (_is_guidellm, _guidellm),
    (_is_inference_perf, _inference_perf),
)


# -- both --------------------------------------------------------------------------------------------------------------------


def _at(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return round(value, 4)


def _sum(*values: Any) -> float | int | None:
    known = [v for v in map(_number, values) if v is not None]
    return sum(known) if known else None


def _times(name: str, found: Any, factor: float) -> Row:
    """Median and 95th percentile of a distribution, in milliseconds; both tools keep them in one of two places."""
    out: Row = {}
    for percent, keys in _PERCENTILES.items():
        value = next((v for place in (found, _at(found, "percentiles")) for key in keys if (v := _number(_at(place, key))) is not None), None)
        out[f"{name}_{percent}"] = None if value is None else round(value * factor, 3)
    return out


def _first(data: Any, keys: tuple[str, ...], depth: int = 0) -> str | None:
    """The first text under one of these keys, wherever the version keeps it: not among the requests."""
    if isinstance(data, Mapping):
        for key in keys:
            if isinstance(data.get(key), str) and data[key]:
                return str(data[key])
        inner = [value for key, value in data.items() if key not in ("requests", "metrics")]
    else:
        inner = data[:3] if isinstance(data, list) else []
    return next((found for value in inner if depth < 5 and (found := _first(value, keys, depth + 1))), None)
