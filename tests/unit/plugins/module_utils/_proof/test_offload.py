# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The eviction that the client makes, against a cache on loopback, and what is said of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import families, offload, verdict
from ansible_collections.llmd.openshift.plugins.module_utils._proof.client import eviction, ranks
from ansible_collections.llmd.openshift.plugins.module_utils._proof.client.pages import Pages
from ansible_collections.llmd.openshift.plugins.module_utils._proof.client.service import Service

sys.path.insert(0, str(Path(__file__).parent))
from measured import proven
from vllm_pod import VllmPod


@pytest.fixture
def make() -> Iterator[Any]:
    pods: list[VllmPod] = []

    def build(**more: Any) -> VllmPod:
        pods.append(VllmPod(**more))
        return pods[-1]

    yield build
    for pod in pods:
        pod.close()


def client(pod: VllmPod) -> tuple[Service, Pages]:
    plan = {"base_url": pod.api, "model": "m", "deadline_seconds": 120, "engines": [{"pod": "pod-0", "api": pod.api, "url": pod.api + "/metrics"}],
            "keep": {"engines": families.KEEP_ENGINE["kv_cache_offload"]}}  # fmt: skip
    service = Service(plan)
    return service, Pages(plan, service)


def measured(pod: VllmPod, **orders: Any) -> dict[str, Any]:
    """What the proof gets: everything good, and this eviction."""
    facts = proven()
    facts.update(replicas=1, prefill_replicas=None, logs={"pod-0": {"lines": []}}, engines=facts["engines"][:1])
    facts["document"]["eviction"] = eviction.run(*client(pod), {"share": 1.3, "parallel": 4, "seconds": 20, "nonce": "x", **orders})
    return facts


def judged(facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    proof = verdict.prove("kv_cache_offload", facts)
    return proof, {c["id"].removeprefix("proof-"): c["status"] for c in proof["checks"]}


def observed(proof: dict[str, Any], check: str) -> str:
    return str(next(c["observed"] for c in proof["checks"] if c["id"] == f"proof-{check}"))


def test_what_the_gpu_lost_comes_back(make: Any) -> None:
    facts = measured(make(cpu=20000))
    proof, states = judged(facts)
    assert proof["status"] == "proven", verdict.summary(proof)
    one = facts["document"]["eviction"]["pod-0"]
    assert 1.25 * 4000 < one["sent_tokens"] < 1.7 * 4000 and one["capacity_tokens"] == 4000 and one["requests"] < 20
    assert "created" not in one["before"]["text"]
    assert proof["numbers"]["bytes_from_cpu"] > 0 and proof["numbers"]["bytes_to_cpu"] > 0
    assert "came back from the CPU" in verdict.summary(proof)


def test_an_old_vllm_without_bytes_is_proven_by_tokens(make: Any) -> None:
    proof, states = judged(measured(make(cpu=20000, series=False)))
    assert proof["status"] == "proven" and states["offload-stored"] == "pass"
    assert "external_prefix_cache_hits" in observed(proof, "offload-returned") and "tokens)" in verdict.summary(proof)


@pytest.mark.parametrize("series", [True, False])
def test_a_silent_offload_fails_although_it_is_configured(make: Any, series: bool) -> None:
    facts = measured(make(cpu=20000, series=series, silent=True))
    facts["logs"]["pod-0"]["lines"] = ["Creating v1 connector with name: OffloadingConnector and engine_id: dp0"]
    proof, states = judged(facts)
    assert proof["status"] == "failed" and states["offload-stored"] == states["offload-returned"] == "fail"
    assert "OffloadingConnector is configured" in observed(proof, "offload-returned")
    assert states["chat"] == "pass" and states["offload-evicted"] == "pass"


def test_a_cpu_cache_smaller_than_the_gpu_gives_nothing_back(make: Any) -> None:
    proof, states = judged(measured(make(cpu=2000)))
    assert states["offload-stored"] == "pass" and states["offload-returned"] == "fail"
    assert "smaller than the GPU's" in verdict.summary(proof) and "4000 tokens" in verdict.summary(proof)


def test_a_cpu_cache_a_little_larger_is_enough(make: Any) -> None:
    proof, _states = judged(measured(make(cpu=5700)))  # the prompts of one batch come in any order
    assert proof["status"] == "proven", verdict.summary(proof)


@pytest.mark.parametrize(("version", "status"), [("0.13.0", "fail"), ("0.24.0+rhaiv.9", "fail"), ("0.10.1.1", "unknown"), ("", "unknown"), ("1.0.0", "fail")])
def test_no_connector_is_no_proof(make: Any, version: str, status: str) -> None:
    """vLLM shows one from 0.11 on; before it can't be told."""
    proof, states = judged(measured(make(version=version)))
    assert states["offload-returned"] == states["offload-stored"] == status and proof["status"] == ("failed" if status == "fail" else "unknown")
    assert "KV connector is configured" in observed(proof, "offload-returned")


def test_without_time_to_fill_the_cache_it_is_unknown(make: Any) -> None:
    proof, states = judged(measured(make(cpu=20000), seconds=0))
    assert proof["status"] == "unknown" and states["offload-evicted"] == "unknown"
    assert "its GPU holds 4000" in observed(proof, "offload-evicted") and "verify_timeout_seconds" in verdict.summary(proof)


def test_a_cache_whose_size_is_not_told(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eviction, "BLIND_SECONDS", 1.0)
    proof, _states = judged(measured(make(cpu=10**9, tells_size=False)))
    assert proof["status"] == "proven", verdict.summary(proof)


def test_a_pod_that_goes_away_is_unknown(make: Any) -> None:
    pod = make(cpu=20000)
    service_and_pages = client(pod)
    pod.close()
    facts = proven()
    facts.update(replicas=1, logs={}, engines=facts["engines"][:1])
    facts["document"]["eviction"] = eviction.run(*service_and_pages, {"seconds": 5, "nonce": "x"})
    assert judged(facts)[0]["status"] == "unknown"


def test_pods_that_were_not_tried_are_a_remark(make: Any) -> None:
    facts = measured(make(cpu=20000))
    facts["engines"].append({**facts["engines"][0], "name": "pod-9"})
    proof, states = judged(facts)
    assert proof["status"] == "proven" and states["offload-pods"] == "warn"


def test_numbers_without_measurements() -> None:
    assert offload.numbers({})["bytes_from_cpu"] is None


def test_each_rank_is_asked_by_name(make: Any) -> None:
    pod = make(ranks=4, idle=(3,))
    found = ranks.run(*client(pod), {"pods": {"pod-0": 4}, "each": 2, "nonce": "x"})["pod-0"]
    assert pod.count == {0: 2, 1: 2, 2: 2, 3: 0}
    assert sorted(a["rank"] for a in found["answers"] if a["status"] == 500) == [3, 3]
    assert 'engine="0",finished_reason="length"} 0' in found["before"]["text"] and 'engine="0",finished_reason="length"} 2' in found["after"]["text"]
