# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prefill and decode: what proves it, and each single thing that doesn't."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import disaggregation, engine_log, verdict

sys.path.insert(0, str(Path(__file__).parent))
from measured import proven, table

N, TOKENS = 12, 300


def page(**values: float) -> dict[str, str]:
    return {"text": "\n".join(f'vllm:{name}{{engine="0",model_name="m"}} {value}' for name, value in values.items())}


def prefill_page(requests: float = N, tokens: float = N) -> dict[str, str]:
    return page(request_success_total=requests, generation_tokens_total=tokens, nixl_bytes_transferred_count=0, nixl_bytes_transferred_sum=0)


def decode_page(count: float = N, hits: float = N * TOKENS, size: float = N * 1e7, failed: float = 0) -> dict[str, str]:
    return page(request_success_total=N, generation_tokens_total=8 * N, external_prefix_cache_hits_total=hits, nixl_bytes_transferred_count=count,
                nixl_bytes_transferred_sum=size, nixl_xfer_time_seconds_sum=count / 100, nixl_num_failed_transfers_total=failed)  # fmt: skip


def split() -> dict[str, Any]:
    """Measurements of a service that divides its work."""
    facts = proven()
    document = facts["document"]
    facts.update(replicas=1, prefill_replicas=1, logs={"decode": {"lines": engine_log.kept(table("rc_mlx5/mlx5_0:1"))}})
    facts["engines"] = [{**facts["engines"][0], "name": name, "role": name, "node": f"node-{name}"} for name in ("prefill", "decode")]
    document["requests"] = [
        {"group": f"own-{n}", "kind": "own", "place": 0, "status": 200, "ms": 30.0, "rose": {"prefill": 1.0, "decode": 1.0},
         "usage": {"prompt_tokens": TOKENS, "completion_tokens": 8, "total_tokens": TOKENS + 8}} for n in range(N)]  # fmt: skip
    document["warmup"] = {"done": True, "requests": 2}
    picker = ('inference_objective_request_total %d\ninference_pool_ready_pods 2\n'
              'llm_d_inference_scheduler_pd_decision_total{decision_type="prefill-decode",model_name="m"} %d\n'
              'llm_d_inference_scheduler_pd_decision_total{decision_type="decode-only",model_name="m"} %d')  # fmt: skip
    document["before"] = {"pickers": {"picker-0": {"text": picker % (10, 5, 1)}},
                          "engines": {"prefill": prefill_page(0, 0), "decode": decode_page(0, 0, 0)}}  # fmt: skip
    document["after"] = {"pickers": {"picker-0": {"text": picker % (40, 5 + N + 4, 1)}}, "engines": {"prefill": prefill_page(), "decode": decode_page()}}
    return facts


def judged(facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    proof = verdict.prove("pd_disaggregation", facts)
    return proof, {c["id"].removeprefix("proof-"): c["status"] for c in proof["checks"]}


def test_the_reference_is_proven() -> None:
    proof, states = judged(split())
    assert proof["status"] == "proven", verdict.summary(proof)
    assert set(states.values()) == {"pass"} and "prefix-affinity" not in states
    assert proof["numbers"]["kv_transfers"] == N and proof["numbers"]["kv_gigabytes_per_second"] == 1.0
    assert "12 of 12 through prefill and decode, 12 transfers of KV blocks over rc_mlx5/mlx5_0:1" in verdict.summary(proof)


def after(facts: dict[str, Any], **pages: dict[str, str]) -> None:
    facts["document"]["after"]["engines"].update(pages)


def no_series(facts: dict[str, Any]) -> None:
    """As vLLM 0.10 has it."""
    for when in ("before", "after"):
        facts["document"][when]["engines"].update(decode=page(request_success_total=N), prefill=page(request_success_total=N, generation_tokens_total=N))


def log(facts: dict[str, Any], *texts: str) -> None:
    facts["logs"]["decode"]["lines"] = engine_log.kept("\n".join(texts))


def picker_says(facts: dict[str, Any], old: str, new: str) -> None:
    for when in ("before", "after"):
        text = facts["document"][when]["pickers"]["picker-0"]
        text["text"] = text["text"].replace(old, new)


CASES: list[tuple[str, Callable[[dict[str, Any]], Any], str, str, str]] = [
    ("no transfer", lambda f: (after(f, decode=decode_page(0, 0, 0)), log(f, "NIXL_ERR_REMOTE_DISCONNECT")), "pd-kv-moved", "fail", "can't be read"),
    ("asked for, never loaded", lambda f: after(f, decode=decode_page(0, N * TOKENS, 0)), "pd-kv-moved", "fail", "0 transfers"),
    ("a failed one", lambda f: after(f, decode=decode_page(failed=1)), "pd-transfer-failures", "fail", "failed_transfers_total 1"),
    ("computed anew", lambda f: after(f, decode=decode_page(hits=10)), "pd-external-kv", "fail", "10 tokens"),
    ("over TCP", lambda f: log(f, table("tcp/eth0"), "Skipping inactive or down HCA: mlx5_0"), "pd-transport", "fail", "tcp/eth0"),
    ("both ways", lambda f: log(f, table("rc_mlx5/mlx5_0:1"), table("tcp/eth0")), "pd-transport", "fail", "tcp/eth0"),
    ("log rotated", lambda f: log(f, "nothing"), "pd-transport", "unknown", "shows no way"),
    ("log unreadable", lambda f: f["logs"].update(decode={"error": "no right to read logs"}), "pd-transport", "unknown", "no right to read logs"),
    ("prefill bypassed", lambda f: [r.update(rose={"decode": 1.0}) for r in f["document"]["requests"]], "pd-prefilled", "fail", "0 of 12"),
    ("one bypassed", lambda f: f["document"]["requests"][3].update(rose={"decode": 1.0}), "pd-prefilled", "fail", "11 of 12"),
    ("prefill answers itself", lambda f: after(f, prefill=prefill_page(tokens=8 * N)), "pd-prefill-only", "fail", "96 tokens for 12"),
    ("picker decides otherwise", lambda f: picker_says(f, '"prefill-decode"', '"other"'), "pd-decided", "fail", "0 times prefill-decode"),
    ("no series", lambda f: no_series(f), "pd-kv-moved", "unknown", "have no"),
    ("page unreadable", lambda f: after(f, decode={"error": "HTTP 500"}), "pd-external-kv", "unknown", "HTTP 500"),
    ("a decode Pod restarted", lambda f: f["document"]["before"]["engines"].update(decode=decode_page(500, 1e9, 1e12)), "pd-kv-moved", "unknown", "restarted"),
    ("no prefill Pod", lambda f: f["engines"].pop(0), "pd-pods", "fail", "0 prefill and 1 decode"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "check", "status", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_single_fault(change: Callable[[dict[str, Any]], Any], check: str, status: str, words: str) -> None:
    facts = split()
    change(facts)
    proof, states = judged(facts)
    assert states[check] == status and proof["status"] == ("failed" if "fail" in states.values() else "unknown")
    found = next(c for c in proof["checks"] if c["id"] == f"proof-{check}")
    assert words in found["observed"] and found["remedy"] and found["observed"] in verdict.summary(proof)
    assert states["chat"] == states["completions"] == "pass", "answers are good all the time"


def test_where_a_lost_transfer_fails_the_request_its_cause_is_named() -> None:
    """kv_load_failure_policy fail: clients see vLLM's 500."""
    facts = split()
    after(facts, decode=decode_page(0, 0, 0))
    log(facts, "nixl_cu12._bindings.nixlBackendError: NIXL_ERR_BACKEND")
    for record in (*facts["document"]["calls"], *facts["document"]["requests"]):
        record.update(status=500, error_body={"message": "Internal server error"}, error="Internal server error", usage=None)
    proof, states = judged(facts)
    assert states["chat"] == states["pd-kv-moved"] == "fail"
    text = verdict.summary(proof)
    assert "no common transport" in text and "the requests failed" in text and "vLLM itself failed" in text and "Authorino" not in text


def test_old_pickers_have_no_counter_and_the_pods_show_it_alone() -> None:
    facts = split()
    picker_says(facts, "llm_d_inference_scheduler_pd_decision_total", "other_total")
    proof, states = judged(facts)
    assert proof["status"] == "proven" and states["pd-decided"] == "unknown"
    facts["document"]["requests"][0]["rose"] = {"decode": 1.0}
    assert not next(c for c in judged(split())[0]["checks"] if c["id"] == "proof-pd-decided")["remedy"]
    assert next(c for c in judged(facts)[0]["checks"] if c["id"] == "proof-pd-decided")["deciding"]


def test_newer_names() -> None:
    facts = split()
    picker_says(facts, "llm_d_inference_scheduler_pd_decision_total", "llm_d_epp_disagg_decision_total")
    name = "vllm:prompt_tokens_by_source_total"
    facts["document"]["after"]["engines"]["decode"]["text"] += f'\n{name}{{source="external_kv_transfer"}} {N * TOKENS}\n{name}{{source="local_compute"}} 9'
    proof, _states = judged(facts)
    assert proof["status"] == "proven"
    assert "by_source" in next(c for c in proof["checks"] if c["id"] == "proof-pd-external-kv")["observed"]


def test_pods_on_one_node_are_a_remark() -> None:
    facts = split()
    facts["engines"][1]["node"] = "node-prefill"
    proof, states = judged(facts)
    assert proof["status"] == "proven" and states["pd-apart"] == "warn"


def test_numbers_without_measurements() -> None:
    assert disaggregation.numbers({})["kv_transfers"] is None
