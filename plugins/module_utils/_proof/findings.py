# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings of a proof, in the shape that all findings of the collection have (docs/architecture.md 3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Finding = dict[str, Any]
METRICS_SOURCE = "gateway-api-inference-extension pkg/epp/metrics; vLLM vllm/v1/metrics"
LOG_SOURCE = "openucx src/ucp (UCX_PROTO_INFO); vLLM nixl_connector"
LWS_SOURCE = "leader worker set api/leaderworkerset/v1; vLLM --data-parallel-size, --enable-expert-parallel"
API_SOURCE = "OpenAI API as vLLM serves it; KServe LLMInferenceService routes"


def finding(name: str, status: str, subject: str, observed: str, expected: str, remedy: str = "",
            source: str = METRICS_SOURCE, deciding: bool = True) -> Finding:  # fmt: skip
    """One check's result; ``status`` is pass, fail, warn or unknown."""
    return {"id": f"proof-{name}", "status": status, "deciding": deciding, "subject": subject, "observed": observed,
            "expected": expected, "remedy": "" if status == "pass" else remedy, "source": source}  # fmt: skip


def overall(findings: Iterable[Mapping[str, Any]]) -> str:
    """``proven`` when every deciding check passed (and there are some), ``failed`` when one failed, else ``unknown``."""
    states = [f["status"] for f in findings if f["deciding"]]
    if "fail" in states:
        return "failed"
    return "proven" if states and all(s == "pass" for s in states) else "unknown"
