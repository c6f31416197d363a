# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each path's proof on services written by hand (RHOAI 3.3, vLLM 0.13), and its negative: exactly that thing is broken, answers stay good.

The services have no authentication, so that no Connectivity Link is needed; nothing of them is made by the collection, only measured.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collection.plays import play
from tests.integration.conftest import Rehearsal, rehearsal_cli, start
from tests.integration.rehearsal.test_datapath import (
    MODEL,
    NAMESPACE,
    OFFLOAD,
    Cluster,
    container,
    disaggregated,
    prepare,
    service,
    variable,
    wide,
)

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
PICKER = "app.kubernetes.io/component=llminferenceservice-router-scheduler"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Its own, or the one that PROOFS_REHEARSAL names (a developer's)."""
    if given := os.environ.get("PROOFS_REHEARSAL"):
        made = Cluster(Rehearsal(given, json.loads(rehearsal_cli("status", "--name", given, "--json").stdout)))
        prepare(made)
        yield made
        return
    name = f"proofs-{os.getpid()}"
    made = Cluster(start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"))
    try:
        prepare(made)
        yield made
    finally:
        rehearsal_cli("down", "--name", name)


class Proof:
    """What prove said of a service, from the two tasks that the role verify has."""

    def __init__(self, folder: Path, cluster: Cluster, path: str, name: str, seconds: int = 300) -> None:
        tools = cluster.rehearsal.tools
        asked = {"namespace": NAMESPACE, "name": name, "path": path, "image": tools, "timeout_seconds": seconds}
        measured = play(folder, cluster.rehearsal, {"llmd.openshift.inference_probe": asked}, timeout=900)[0]
        assert not measured["failed"], measured["msg"]
        (folder / f"{name}.json").write_text(json.dumps(measured["measurements"], indent=1))
        judged = play(folder, cluster.rehearsal, {"llmd.openshift.prove": {"path": path, "measurements": measured["measurements"]}})[0]
        self.text = str(judged["msg"])
        self.status = str(judged["proof"]["status"])
        self.numbers: dict[str, Any] = judged["proof"]["numbers"]
        self.checks = {str(c["id"]).removeprefix("proof-"): c for c in judged["proof"]["checks"]}

    def __getitem__(self, check: str) -> str:
        return str(self.checks[check]["status"])

    def answers_are_good(self) -> bool:
        return all(self[name] == "pass" for name in ("chat", "chat-stream", "completions", "completions-stream", "models"))

    def broken(self) -> set[str]:
        return {name for name, check in self.checks.items() if check["status"] == "fail"}


# --- inference scheduling (a dead picker: tests/integration/collection/test_probe.py) -----------------------------------

BLIND = {
    "apiVersion": "inference.networking.x-k8s.io/v1alpha1", "kind": "EndpointPickerConfig",
    "plugins": [{"type": "single-profile-handler"}, {"type": "random-picker"}],
    "schedulingProfiles": [{"name": "default", "plugins": [{"pluginRef": "random-picker"}]}],
}  # fmt: skip


def scheduled(name: str, **scheduler: Any) -> dict[str, Any]:
    return service(name, container(""), replicas=3, router={"gateway": {}, "route": {}, "scheduler": scheduler})


def preset_arguments(cluster: Cluster) -> list[str]:
    """The picker's own, of the product's preset; a list of ours replaces it as a whole."""
    presets = json.loads(cluster.rehearsal.kubectl("get", "llminferenceserviceconfigs", "-A", "-o", "json"))["items"]
    (found,) = [
        container["args"]
        for preset in presets
        if preset["metadata"]["name"].endswith("kserve-config-llm-scheduler")
        for container in preset["spec"]["router"]["scheduler"]["template"]["containers"]
        if container["name"] == "main"
    ]
    return list(found)


def test_scheduling_by_prefix(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve(scheduled("seen"))
    proof = Proof(tmp_path, cluster, "inference_scheduling", "seen")
    cluster.drop("seen")
    assert proof.status == "proven" and proof["prefix-affinity"] == proof["prefix-spread"] == "pass", proof.text


def test_a_picker_that_is_blind_to_prefixes(cluster: Cluster, tmp_path: Path) -> None:
    """It lives, counts and spreads, but by chance."""
    main = {"name": "main", "args": [*preset_arguments(cluster), "--config-text", json.dumps(BLIND)]}
    cluster.serve(scheduled("blind", template={"containers": [main]}))
    proof = Proof(tmp_path, cluster, "inference_scheduling", "blind")
    cluster.drop("blind")
    assert proof.status == "failed" and proof.answers_are_good()
    assert proof["picker-alive"] == proof["picker-counted"] == proof["prefix-spread"] == "pass", "only the choice is broken"
    assert proof.broken() == {"prefix-affinity"}, proof.text


def test_adapters(cluster: Cluster, tmp_path: Path) -> None:
    """Both servers have both; then they drop one, as vLLM's API lets them."""
    modules = [json.dumps({"name": name, "path": f"example-org/{name}", "base_model_name": MODEL}) for name in ("sql", "chat")]
    arguments = "--enable-lora --max-loras=2 --max-lora-rank=16 --lora-modules " + " ".join(f"'{one}'" for one in modules)
    cluster.serve(service("adapted", container(arguments), replicas=2))
    proof = Proof(tmp_path, cluster, "inference_scheduling", "adapted")
    assert proof.status == "proven" and proof["adapters"] == "pass", proof.text

    for pod in cluster.pods("adapted"):
        url = f"https://{pod['status']['podIP']}:8000/v1/unload_lora_adapter"
        cluster.script("curl", "-sSfk", "-H", "content-type: application/json", "-d", json.dumps({"lora_name": "chat"}), url)
    proof = Proof(tmp_path, cluster, "inference_scheduling", "adapted")
    cluster.drop("adapted")
    assert proof.status == "failed" and proof.answers_are_good() and proof.broken() == {"adapters"}, proof.text
    assert "chat: HTTP 404" in proof.text


# --- prefill and decode ------------------------------------------------------------------------------------------------


def test_prefill_and_decode(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve(disaggregated("pd"))
    proof = Proof(tmp_path, cluster, "pd_disaggregation", "pd")
    assert proof.status == "proven", proof.text
    assert proof.answers_are_good() and proof.numbers["requests_through_both"] == proof.numbers["requests_measured"] == 12
    assert proof.numbers["kv_transfers"] >= 12 and proof.numbers["kv_bytes_moved"] > 0
    assert [way.partition("/")[0] for way in proof.numbers["kv_transports"]] == ["rc_mlx5"]


def test_prefill_and_decode_without_a_picker(cluster: Cluster, tmp_path: Path) -> None:
    """The pool fails open: prefill Pods then answer whole requests, and nothing is transferred."""
    cluster.kubectl("scale", "deployment/pd-kserve-router-scheduler", "--replicas=0")
    cluster.kubectl("wait", "--for=delete", "pod", "-l", f"{PICKER},app.kubernetes.io/name=pd", "--timeout=120s")
    proof = Proof(tmp_path, cluster, "pd_disaggregation", "pd")
    cluster.drop("pd")
    assert proof.status == "failed" and proof.answers_are_good()
    assert {"picker-alive", "picker-counted", "pd-prefilled", "pd-kv-moved"} <= proof.broken()
    assert "no endpoint picker Pod" in proof.text


def test_kv_blocks_that_never_move(cluster: Cluster, tmp_path: Path) -> None:
    with cluster.scenario({"kv_transfer": "fails"}):
        cluster.serve(disaggregated("still"))
        proof = Proof(tmp_path, cluster, "pd_disaggregation", "still")
    cluster.drop("still")
    assert proof.status == "failed" and proof.answers_are_good()
    assert proof["pd-decided"] == proof["pd-prefilled"] == proof["pd-prefill-only"] == "pass", "only the transfer is broken"
    assert proof.broken() == {"pd-kv-moved", "pd-external-kv"}, proof.text
    assert "NIXL_ERR_REMOTE_DISCONNECT" in proof.text and "Test the fabric" in proof.text


def test_kv_blocks_over_tcp(cluster: Cluster, tmp_path: Path) -> None:
    with cluster.scenario({"kv_transfer": "tcp"}):
        cluster.serve(disaggregated("slow", variable("UCX_TLS", "rc,tcp,cuda_copy")))
        proof = Proof(tmp_path, cluster, "pd_disaggregation", "slow")
    cluster.drop("slow")
    assert proof.status == "failed" and proof.answers_are_good()
    assert proof.broken() == {"pd-transport"}, proof.text
    assert "tcp/eth0" in proof.text and "Take tcp out of UCX_TLS" in proof.text


# --- CPU offload -------------------------------------------------------------------------------------------------------


def offloading(name: str) -> dict[str, Any]:
    """A GPU cache of 480 tokens, so that eviction takes no time, and a CPU cache of 16,000."""
    return service(name, container(f"--max-model-len 480 --num-gpu-blocks-override 30 {OFFLOAD % ('num_cpu_blocks', 1000)}"))


def test_offload(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve(offloading("tiered"))
    proof = Proof(tmp_path, cluster, "kv_cache_offload", "tiered")
    cluster.drop("tiered")
    assert proof.status == "proven", proof.text
    assert proof.numbers["tokens_from_outside"] > 0 and list(proof.numbers["gpu_cache_tokens"].values()) == [480]


def test_an_offload_that_is_silent(cluster: Cluster, tmp_path: Path) -> None:
    with cluster.scenario({"kv_offload_silent": True}):
        cluster.serve(offloading("silent"))
        proof = Proof(tmp_path, cluster, "kv_cache_offload", "silent")
    cluster.drop("silent")
    assert proof.status == "failed" and proof.answers_are_good()
    assert proof["offload-evicted"] == "pass" and proof.broken() == {"offload-stored", "offload-returned"}, proof.text
    assert "OffloadingConnector is configured" in proof.text


# --- wide expert parallelism -------------------------------------------------------------------------------------------


def test_ranks(cluster: Cluster, tmp_path: Path) -> None:
    """Two groups of two Pods with two ranks each."""
    groups = wide("wide")
    groups["spec"]["replicas"] = 2
    cluster.serve(groups)
    proof = Proof(tmp_path, cluster, "wide_expert_parallelism", "wide")
    assert proof.status == "proven", proof.text
    assert proof.numbers["ranks_in_group"] == [4] and proof.numbers["rank_requests_answered"] == 16


def test_a_rank_that_is_missing_in_one_group(cluster: Cluster, tmp_path: Path) -> None:
    """The other group still answers everything."""
    with cluster.scenario({"missing_ranks": [-1]}):
        old = {pod["metadata"]["uid"] for pod in cluster.pods("wide")}
        second = next(pod["metadata"]["name"] for pod in cluster.pods("wide") if pod["metadata"]["name"].endswith("-1-1"))
        cluster.kubectl("delete", "pod", second, "--wait=false")
        cluster.until("the group anew", lambda: len([p for p in cluster.pods("wide") if p["metadata"]["uid"] not in old]) == 2, 120)
        cluster.until("an answer", lambda: cluster.chat("wide", "still there?")[0] == 200, 60)
        proof = Proof(tmp_path, cluster, "wide_expert_parallelism", "wide")
    cluster.drop("wide")
    assert proof.status == "failed" and proof.answers_are_good()
    assert {"wep-groups", "wep-ranks-joined", "wep-ranks-answered"} <= proof.broken(), proof.text
    assert "group 1 of wide-kserve-mn" in proof.text
