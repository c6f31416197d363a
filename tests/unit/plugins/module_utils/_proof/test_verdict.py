# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics text, chance, attribution, and the verdict when parts are missing."""

from __future__ import annotations

import copy
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import (
    attribution,
    chance,
    inference,
    metrics,
    plan,
    pods,
    verdict,
)
from ansible_collections.llmd.openshift.plugins.module_utils._proof.findings import finding, overall
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from measured import proven, record

PAGE = """# HELP x y
# TYPE x counter
x{a="1",b="with \\"quotes\\", commas and } braces"} 3
x{a="2",b="\\n"} 4.5e0
y 7 1712345678
bad line
z{a="1" 3
nan_metric NaN
"""


def test_parse() -> None:
    samples = metrics.parse(PAGE)
    assert [(s.name, s.value) for s in samples] == [("x", 3.0), ("x", 4.5), ("y", 7.0)]
    assert samples[0].labels == {"a": "1", "b": 'with "quotes", commas and } braces'} and samples[1].labels["b"] == "\n"
    assert metrics.total(samples, "x") == 7.5 and metrics.total(samples, "q") is None


@given(st.text())
def test_parse_survives_any_text(text: str) -> None:
    metrics.parse(text)


def test_rise() -> None:
    before, after = metrics.parse('c{m="a"} 3'), metrics.parse('c{m="a"} 5\nc{m="b"} 1')
    assert metrics.rise(before, after, "c") == 3
    assert metrics.rise([], after, "c") == 6
    assert metrics.rise(after, before, "c") is None, "a counter that fell, or a series that went, is a restart"
    assert metrics.rise(before, [], "c") is None


def test_chance() -> None:
    assert chance.at_least(12, 12, 2) == pytest.approx(2**-12)
    assert chance.at_least(0, 12, 2) == chance.at_least(5, 5, 1) == 1.0
    assert chance.all_on_one(12, 2) == pytest.approx(2**-11) and chance.all_on_one(3, 1) == 1.0


def test_attribution_prefers_counters_and_admits_doubt() -> None:
    found = attribution.answers([record("s", 0, {"a": 1}, "b"), record("s", 1, {"a": 2}), record("s", 2, {"a": 1, "b": 1}),
                                 record("s", 3, {}, "b"), {"status": 500}])  # fmt: skip
    assert [(a.pod, a.by) for a in found] == [("a", "counter"), ("", ""), ("", ""), ("b", "header")]


def test_followers_need_a_known_first() -> None:
    known = attribution.answers([record("s", 0, {}), record("s", 1, {"a": 1}), record("s", 2, {"a": 1})])
    assert attribution.followers(known) == (0, 0)
    known = attribution.answers([record("s", 0, {"a": 1}), record("s", 1, {"a": 1}), record("s", 2, {"b": 1})])
    assert attribution.followers(known) == (1, 2)
    assert attribution.fresh(known) == ["a"]


@pytest.mark.parametrize(
    ("usage", "good"),
    [({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, True), (None, False), ({}, False),
     ({"prompt_tokens": 0, "completion_tokens": 2, "total_tokens": 2}, False),
     ({"prompt_tokens": True, "completion_tokens": 2, "total_tokens": 3}, False),
     ({"prompt_tokens": "1", "completion_tokens": 2, "total_tokens": 3}, False)],
)  # fmt: skip
def test_usage(usage: Any, good: bool) -> None:
    assert (inference.usage_fault(usage) == "") == good


def test_overall() -> None:
    good, bad, odd = (finding("x", s, "s", "o", "e") for s in ("pass", "fail", "unknown"))
    note = finding("x", "warn", "s", "o", "e", deciding=False)
    assert overall([]) == "unknown" and overall([note]) == "unknown" and overall([good, note]) == "proven"
    assert overall([good, odd]) == "unknown" and overall([good, odd, bad]) == "failed"


def test_the_reference_is_proven() -> None:
    proof = verdict.prove("inference_scheduling", proven())
    assert proof["status"] == "proven", verdict.summary(proof)
    assert proof["numbers"]["prefix_cache_hit_ratio"] == 0.5 and proof["numbers"]["latency_ms_p50"] == 20.0


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    out = [here] if here else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        out += paths(inner, (*here, key))
    return out


IMMATERIAL = {"service", "endpoints", "ms", "first_ms", "faults", "trouble", "group", "pod_header", "restarts", "restarts_before", "replicas",
              "auth", "refusals", "name", "stream", "done"}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_taking_evidence_away_never_proves_more(chance_: random.Random) -> None:
    """From a service that isn't proven: whatever is left out, it doesn't become proven."""
    facts = proven()
    facts["document"]["after"]["pickers"]["picker-0"]["text"] = (
        'inference_objective_request_total{model_name="m"} 11\ninference_pool_ready_pods 2'
    )
    for _step in range(chance_.randrange(1, 4)):
        path = chance_.choice(paths(facts))
        holder = facts
        for key in path[:-1]:
            holder = holder[key]
        if isinstance(holder, dict):
            holder.pop(path[-1])
        else:
            del holder[path[-1]]
    assert verdict.prove("inference_scheduling", facts)["status"] != "proven"


@pytest.mark.parametrize("part", ["models", "calls", "errors", "requests", "before", "after"])
def test_each_part_is_needed(part: str) -> None:
    facts = proven()
    del facts["document"][part]
    proof = verdict.prove("inference_scheduling", facts)
    assert proof["status"] != "proven"


@pytest.mark.parametrize(
    ("change", "check", "status"),
    [
        (lambda m: m["pickers"].clear(), "picker-alive", "fail"),
        (lambda m: m["condition"].update(status="False"), "service-ready", "fail"),
        (lambda m: m.pop("condition"), "service-ready", "unknown"),
        (lambda m: m.update(pickers=None), "picker-alive", "unknown"),
        (lambda m: m["pickers"][0].update(ready=False), "picker-alive", "fail"),
        (lambda m: m["pickers"][0].update(restarts=1), "picker-alive", "fail"),
        (lambda m: m["engines"][1].update(ready=False), "replicas-in-pool", "fail"),
        (lambda m: m.update(replicas=1), "replicas-in-pool", "fail"),
        (lambda m: m.update(replicas=3), "replicas-in-pool", "fail"),
        (
            lambda m: m["document"]["after"]["pickers"].update({"picker-0": {"error": "HTTP 403"}}),
            "picker-counted",
            "unknown",
        ),
        (
            lambda m: m["document"]["after"]["pickers"]["picker-0"].update(text="other_total 3"),
            "picker-counted",
            "unknown",
        ),
        (
            lambda m: m["document"]["after"]["pickers"]["picker-0"].update(text="inference_pool_ready_pods 1"),
            "replicas-in-pool",
            "fail",
        ),
        (lambda m: m["document"]["models"].update(models=["other"]), "models", "fail"),
        (lambda m: m["document"]["refusals"][0].update(status=200), "refused-no-token", "fail"),
        (lambda m: m["document"]["refusals"][2].update(status=200), "refused-no-right", "fail"),
        (lambda m: m["document"]["refusals"][0].update(status=500), "refused-no-token", "fail"),
        (lambda m: m["document"]["refusals"][3].update(status=200), "refused-every-route", "fail"),
        (lambda m: m["document"]["refusals"][3].update(status=None), "refused-every-route", "unknown"),
        (lambda m: m["document"]["errors"][0].update(status=200), "unknown-model-error", "fail"),
        (lambda m: m["document"]["errors"][1].update(status=500), "bad-value-error", "fail"),
        (lambda m: m["document"]["faults"].update(requests="KeyError: x"), "client-requests", "unknown"),
    ],
)
def test_single_changes(change: Any, check: str, status: str) -> None:
    facts = copy.deepcopy(proven())
    change(facts)
    proof = verdict.prove("inference_scheduling", facts)
    assert {c["id"]: c["status"] for c in proof["checks"]}[f"proof-{check}"] == status
    assert proof["status"] != "proven" and proof["status"] in verdict.summary(proof)


def test_an_error_in_another_form_is_a_remark_only() -> None:
    facts = proven()
    facts["document"]["errors"][0].update(error_body=None, error="plain text of the picker")
    proof = verdict.prove("inference_scheduling", facts)
    assert proof["status"] == "proven" and {c["id"]: c["status"] for c in proof["checks"]}["proof-unknown-model-error"] == "warn"


def test_a_standby_picker_is_a_remark_only() -> None:
    facts = proven()
    facts["pickers"].append(
        {"name": "picker-1", "ready": False, "ready_before": False, "restarts": 0, "restarts_before": 0, "trouble": ""}
    )
    assert verdict.prove("inference_scheduling", facts)["status"] == "proven"


def test_older_and_newer_counter_names() -> None:
    for name in ("inference_model_request_total", "llm_d_epp_request_total"):
        facts = proven()
        for when in ("before", "after"):
            page = facts["document"][when]["pickers"]["picker-0"]
            page["text"] = page["text"].replace("inference_objective_request_total", name)
        assert verdict.prove("inference_scheduling", facts)["status"] == "proven"


def test_no_measurements_and_unknown_path() -> None:
    assert verdict.prove("inference_scheduling", {})["status"] == "unknown"
    with pytest.raises(ValueError, match="known: inference_scheduling, pd_disaggregation"):
        verdict.prove("pd", {})


# -- orders ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(10, 200, 7))
def test_groups_use_all_requests(count: int) -> None:
    parts = plan.groups(count)
    assert parts["shared"] * parts["size"] + parts["own"] == count and parts["own"] >= 1 and parts["size"] >= 3


def test_too_few_requests() -> None:
    with pytest.raises(plan.PlanError, match="10 or more"):
        plan.groups(9)


def engine(**more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "e"},
        "status": {"podIP": "10.1.1.1"},
        "spec": {"containers": [{"name": "main", **more}]},
    }


def test_engine_and_picker_urls() -> None:
    assert pods.api_url(engine()) == "https://10.1.1.1:8000"
    assert (
        pods.api_url(engine(readinessProbe={"httpGet": {"port": 8001, "scheme": "HTTP"}})) == "http://10.1.1.1:8001"
    )
    named = engine(
        readinessProbe={"httpGet": {"port": "https", "scheme": "HTTPS"}},
        ports=[{"name": "https", "containerPort": 8443}],
    )
    assert pods.api_url(named) == "https://10.1.1.1:8443"
    assert pods.picker_url({"status": {"podIP": "fd00::1"}}) == "http://[fd00::1]:9090/metrics"


def test_orders_need_a_url_and_pods() -> None:
    ready = {
        "metadata": {"name": "s"},
        "spec": {"model": {"name": "m"}, "replicas": 2},
        "status": {"url": "http://g/n/s"},
    }
    orders = plan.build("inference_scheduling", ready, [engine()], [], 24, "x", 300)
    assert orders["model"] == "m" and orders["auth"] and orders["base_url"] == "http://g/n/s"
    with pytest.raises(plan.PlanError, match="no usable URL"):
        plan.build("inference_scheduling", {}, [engine()], [], 24, "x", 300)
    with pytest.raises(plan.PlanError, match="no Pod"):
        plan.build("inference_scheduling", ready, [], [], 24, "x", 300)


def test_auth_annotation() -> None:
    def service(value: str | None) -> dict[str, Any]:
        return {"metadata": {"annotations": {} if value is None else {plan.AUTH_ANNOTATION: value}}}

    assert plan.auth_on(service(None)) and plan.auth_on(service("true")) and plan.auth_on({})
    assert not plan.auth_on(service("false")) and not plan.auth_on(service("yes"))
