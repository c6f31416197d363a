# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders by path, and what a Pod is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import plan, pods

LWS = "leaderworkerset.sigs.k8s.io/"


def pod(name: str, args: str = "exec vllm serve /mnt/models", env: str = "", **labels: str) -> dict[str, Any]:
    made = {"name": "main", "command": ["/bin/bash", "-c", args], "env": [{"name": "VLLM_ADDITIONAL_ARGS", "value": env}],
            "readinessProbe": {"httpGet": {"port": 8001, "scheme": "HTTPS"}}}  # fmt: skip
    return {"metadata": {"name": name, "labels": labels}, "status": {"podIP": "10.0.0.1"}, "spec": {"containers": [made]}}


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": {"model": {"name": "m"}, **spec}, "status": {"url": "https://g/n/s"}}


def orders(path: str, made: dict[str, Any], *engines: dict[str, Any], requests: int = 24) -> dict[str, Any]:
    return plan.build(path, made, engines, [], requests, "x", 300)


def test_scheduling_asks_in_groups_and_nothing_else() -> None:
    made = orders("inference_scheduling", service(), pod("a"), pod("b"))
    assert made["groups"]["shared"] == 3 and not {"warmup", "settle", "ranks", "eviction"} & set(made)
    assert not any("nixl" in prefix for prefix in made["keep"]["engines"])


def test_prefill_and_decode_warm_up_and_count_both() -> None:
    engines = [pod("p", **{pods.ROLE: "prefill"}), pod("d1", **{pods.ROLE: "decode"}), pod("d2", **{pods.ROLE: "decode"})]
    made = orders("pd_disaggregation", service(prefill={"replicas": 1}), *engines)
    assert made["settle"] == made["warmup"]["sets"] == [["p"], ["d1", "d2"]] and made["warmup"]["least"] == 4
    assert made["groups"] == {"shared": 0, "size": 0, "own": 12, "prefix_words": 250, "nonce": "x"}
    assert {"vllm:nixl_bytes_transferred", "vllm:external_prefix_cache_"} <= set(made["keep"]["engines"])
    assert made["engines"][0] == {"pod": "p", "api": "https://10.0.0.1:8001", "url": "https://10.0.0.1:8001/metrics"}


def test_fewer_requests_when_fewer_are_declared() -> None:
    assert orders("kv_cache_offload", service(), pod("a"), requests=10)["groups"]["own"] == 10


def test_offload_evicts() -> None:
    assert orders("kv_cache_offload", service(), pod("a"))["eviction"]["share"] > 1


def test_ranks_are_those_of_the_service_else_of_the_command() -> None:
    declared = service(parallelism={"data": 16, "dataLocal": 8})
    assert orders("wide_expert_parallelism", declared, pod("a"))["ranks"]["pods"] == {"a": 16}
    told = pod("a", env="--data-parallel-size=8 --enable-expert-parallel")
    assert orders("wide_expert_parallelism", service(), told)["ranks"]["pods"] == {"a": 8}
    assert orders("wide_expert_parallelism", service(), pod("a"))["ranks"]["pods"] == {"a": 1}


def test_ranks_of_a_prefill_part() -> None:
    made = service(parallelism={"data": 4, "dataLocal": 2}, prefill={"parallelism": {"data": 2, "dataLocal": 1}, "worker": {}}, worker={"containers": []})
    engines = [pod("p", **{pods.ROLE: "prefill"}), pod("d", **{pods.ROLE: "decode"})]
    assert orders("wide_expert_parallelism", made, *engines)["ranks"]["pods"] == {"p": 2, "d": 4}
    assert plan.group_sizes(made) == {"main": 2, "prefill": None}, "an empty worker is none"


@pytest.mark.parametrize(
    ("parallelism", "size"),
    [({"data": 32, "dataLocal": 8}, 4), ({"data": 4, "dataLocal": 4}, 1), ({"data": 4}, None), ({"dataLocal": 0, "data": 4}, None), ({}, None)],
)
def test_group_sizes(parallelism: dict[str, int], size: int | None) -> None:
    assert plan.group_sizes(service(parallelism=parallelism, worker={"containers": []}))["main"] == size
    assert plan.group_sizes(service(parallelism=parallelism))["main"] is None


def test_roles() -> None:
    assert pods.role(pod("a")) == "both" and pods.role(pod("a", **{pods.ROLE: "decode"})) == "decode"
    assert pods.role(pod("a", **{pods.COMPONENT: "llminferenceservice-workload-worker-prefill"})) == "prefill"


def test_places() -> None:
    assert pods.place(pod("a")) is None
    member = pod("a", **{f"{LWS}name": "s-kserve-mn", f"{LWS}group-index": "1", f"{LWS}worker-index": "0"})
    member["metadata"]["annotations"] = {f"{LWS}size": "2"}
    assert pods.place(member) == {"set": "s-kserve-mn", "group": "1", "index": 0, "size": 2}


@pytest.mark.parametrize(
    ("text", "on"),
    [("vllm serve --enable-expert-parallel", True), ("vllm serve -ep", True), ("vllm serve --data-parallel-size 4", False), ("sleep 1", None),
     ("vllm serve --step-epilogue", False)],
)  # fmt: skip
def test_expert_parallel(text: str, on: bool | None) -> None:
    assert pods.expert_parallel(pod("a", args=text)) is on


def test_replicas() -> None:
    assert plan.replicas(service(replicas=3)) == 3 and plan.replicas(service()) == 1 and plan.prefill_replicas(service()) is None
    assert plan.prefill_replicas(service(prefill={"replicas": 2})) == 2 and plan.prefill_replicas(service(prefill={"template": {}})) == 1
