# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of both tools as their versions write them, and files that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._benchmark import commands, results
from hypothesis import given
from hypothesis import strategies as st


def spread(median: float, p95: float) -> dict[str, Any]:
    return {"successful": {"mean": median, "median": median, "percentiles": {"p50": median, "p95": p95, "p99": p95}}, "errored": {"mean": 0}}


def guidellm(**more: Any) -> dict[str, Any]:
    metrics = {"requests_per_second": spread(2.0, 2.5), "output_tokens_per_second": spread(250.0, 300.0), "time_to_first_token_ms": spread(41.5, 80.0),
               "inter_token_latency_ms": spread(7.0, 9.0), "request_latency": spread(1.25, 2.0)}  # fmt: skip
    return {"metadata": {"version": 1, "guidellm_version": "0.5.0"}, "args": {"target": "https://g/n/s", "model": "m"}, **more,
            "benchmarks": [{"config": {"strategy": {"type_": "constant", "rate": 2.0}},
                            "metrics": {**metrics, "request_totals": {"successful": 118, "errored": 1, "incomplete": 1, "total": 120}}}]}  # fmt: skip


def test_guidellm() -> None:
    found = results.read(json.dumps(guidellm()))
    assert (found["tool"], found["version"], found["target"], found["model"]) == ("guidellm", "0.5.0", "https://g/n/s", "m")
    assert found["runs"] == [{"load": "constant 2", "requests": 118, "failed": 2, "requests_per_second": 2.0, "output_tokens_per_second": 250.0,
                              "first_token_ms_p50": 41.5, "first_token_ms_p95": 80.0, "between_tokens_ms_p50": 7.0, "between_tokens_ms_p95": 9.0,
                              "latency_ms_p50": 1250.0, "latency_ms_p95": 2000.0}]  # fmt: skip


def test_guidellm_of_other_versions() -> None:
    backend = {"kind": "openai_http", "target": "https://h", "model": "x"}
    newer = guidellm(metadata={"version": 2, "guidellm_version": "0.7.3"}, args=None, config={"backend": backend})
    newer["benchmarks"][0]["config"]["strategy"] = {"kind": "concurrent", "streams": 16}
    found = results.read(json.dumps(newer))
    assert (found["version"], found["target"], found["model"], found["runs"][0]["load"]) == ("0.7.3", "https://h", "x", "concurrent 16")
    older = guidellm(metadata=None, args=None)
    run = older["benchmarks"][0]
    run["request_totals"] = run["metrics"].pop("request_totals")
    run["worker"], run["config"] = {"backend_target": "https://old", "backend_model": "y"}, None
    run["args"] = {"strategy": {"type_": "sweep"}}
    found = results.read(json.dumps(older))
    assert (found["version"], found["target"], found["runs"][0]["requests"], found["runs"][0]["load"]) == (None, "https://old", 118, "sweep")


def inference_perf(names: tuple[str, str]) -> dict[str, Any]:
    times = {"mean": 0.5, names[0]: 0.4, names[1]: 0.9, "max": 1.0}
    return {"load_summary": {"count": 120, "requested_rate": 2.0}, "failures": {"count": 3},
            "successes": {"count": 117, "latency": {"request_latency": times, "time_to_first_token": times, "inter_token_latency": None},
                          "throughput": {"output_tokens_per_sec": 4646.495280316906, "requests_per_sec": 1.95}}}  # fmt: skip


def test_inference_perf() -> None:
    found = results.read(json.dumps(inference_perf(("median", "p95"))))
    assert found["tool"] == "inference-perf" and found["target"] is None
    (run,) = found["runs"]
    assert (run["load"], run["requests"], run["failed"], run["first_token_ms_p50"], run["latency_ms_p95"]) == ("rate 2", 117, 3, 400.0, 900.0)
    assert run["between_tokens_ms_p50"] is None and run["output_tokens_per_second"] == 4646.4953
    assert results.read(json.dumps(inference_perf(("p50", "p90"))))["runs"][0]["latency_ms_p95"] is None, "0.1 has no p95"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("requests,rate\n1,2", "isn't JSON"),
        ("[]", "JSON list"),
        ("{}", "keys are none"),
        ('{"benchmarks": []}', "keys are benchmarks"),
        ('{"request_throughput": 1, "mean_ttft_ms": 2}', "vllm bench serve"),
        ('{"records": {}, "input_config": {}}', "AIPerf"),
        ('{"load_summary": {}, "successes": {}, "failures": {}}', "keys are failures, load_summary, successes"),
    ],
)
def test_other_formats_are_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(results.UnknownFormat, match=words):
        results.read(text)


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s), max_leaves=20))
def test_any_json_is_read_or_refused(inner: Any) -> None:
    for data in (inner, {"benchmarks": [{"metrics": {"time_to_first_token_ms": inner, "request_totals": {}}, "config": inner}]},
                 {"load_summary": {"requested_rate": inner}, "failures": {}, "successes": {"throughput": inner, "latency": inner}}):  # fmt: skip
        try:
            assert results.read(json.dumps(data))["runs"]
        except results.UnknownFormat as error:
            assert str(error)


@pytest.mark.parametrize("path", sorted(commands.SHAPES))
def test_commands_name_the_service_and_hold_no_token(path: str) -> None:
    made = commands.ready(path, "https://g.example.com/llmd/llmd", "Qwen/Qwen2.5-7B-Instruct", auth=True)
    assert list(made) == ["token", "guidellm", "inference-perf"]
    for tool in ("guidellm", "inference-perf"):
        assert "https://g.example.com/llmd/llmd" in made[tool] and "Qwen/Qwen2.5-7B-Instruct" in made[tool] and '"$TOKEN"' in made[tool]
    assert "TOKEN" not in "".join(commands.ready(path, "http://g", "m", auth=False).values())


def test_a_model_name_of_evil_intent_stays_one_word() -> None:
    assert "'m; rm -rf /'" in commands.ready("inference_scheduling", "http://g", "m; rm -rf /", auth=False)["guidellm"]
