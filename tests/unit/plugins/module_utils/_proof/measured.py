# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements for tests of the proofs: of a service that answers well, and what logs show."""

from __future__ import annotations

from typing import Any


def record(group: str, place: int, rose: dict[str, float], header: str | None = None) -> dict[str, Any]:
    kind = "shared" if group.startswith("s") else "own"
    return {"group": group, "kind": kind, "place": place, "status": 200, "rose": rose, "pod_header": header}


def proven() -> dict[str, Any]:
    """Measurements of a service whose picker chooses."""
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    call = {"status": 200, "usage": usage, "text_length": 3, "ms": 20.0}
    calls = [{**call, "name": n, "stream": "stream" in n, "done": True, "chunks": 3, "first_ms": 9.0}
             for n in ("chat", "chat-stream", "completions", "completions-stream")]  # fmt: skip
    requests = [{**call, **record(f"s{g}", n, {f"pod-{g % 2}": 1.0})} for g in range(3) for n in range(5)]
    requests += [{**call, **record(f"o{n}", 0, {f"pod-{n % 2}": 1.0})} for n in range(9)]
    state = {"ready": True, "ready_before": True, "restarts": 0, "restarts_before": 0, "trouble": ""}
    page = 'inference_objective_request_total{model_name="m"} %d\ninference_pool_ready_pods{name="p"} 2'
    engines = {
        f"pod-{n}": {"text": "vllm:prefix_cache_hits_total 10\nvllm:prefix_cache_queries_total 20"} for n in range(2)
    }
    return {
        "service": "LLMInferenceService n/s", "model": "m", "replicas": 2, "auth": True, "endpoints": {"url": "http://g"},
        "condition": {"type": "Ready", "status": "True"},
        "engines": [{"name": f"pod-{n}", **state} for n in range(2)], "pickers": [{"name": "picker-0", **state}],
        "document": {
            "format": 1, "faults": {}, "models": {"status": 200, "models": ["m"]}, "calls": calls, "requests": requests,
            "refusals": [{"name": "no-token", "status": 401}, {"name": "wrong-token", "status": 401}, {"name": "no-right", "status": 403},
                         {"name": "no-token/metrics", "path": "/metrics", "status": 401}],
            "errors": [{"name": "unknown-model", "status": 404, "error_body": {"message": "x"}},
                       {"name": "bad-value", "status": 400, "error_body": {"message": "x"}}],
            "before": {"pickers": {"picker-0": {"text": page % 10}}, "engines": {p: {"text": ""} for p in engines}},
            "after": {"pickers": {"picker-0": {"text": page % 38}}, "engines": engines},
        },
    }  # fmt: skip


def table(way: str, kind: str = "inter", process: int = 7) -> str:
    """As UCX_PROTO_INFO=y prints it."""
    start = f"[1764000000.123456] [decode-0:{process:<5}:0]  "
    rows = [f"| ucp_context_0 {kind}-node cfg#1 | remote memory read by ucp_get*(multi) into cuda/GPU0 from cuda |", f"| 0..inf | zero-copy | {way} |"]
    return "\n".join(start + row for row in rows)
