# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the model's needs, addresses, rails and catalogs; rows that a site adds; explanations."""

from __future__ import annotations

import json

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._assess import explain, site_rows
from ansible_collections.llmd.openshift.plugins.module_utils._assess.registry import RULES
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import Wrong
from ansible_collections.llmd.openshift.plugins.module_utils._declare.formats import FORMATS

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import node, snapshot

GIB = 2**30
NETWORKS = {
    "type": "OVNKubernetes",
    "cluster": ["10.128.0.0/14"],
    "host_prefixes": [23],
    "service": ["172.30.0.0/16"],
    "machine": ["192.0.2.0/24"],
    "mtu": 1400,
}


def declared(**more):
    return clusters.declared(**{"kv_cache_gib_per_gpu": 4, "model_cache_gib": 100, "rail_subnets": [], **more})


def measured(name, mib=143771, **more):
    made = node(name, **{"cpu": 224, "memory_bytes": 2048 * GIB, **more})
    made["accelerators"]["memory_mib"] = mib
    return made


def one(made, rule, path=None):
    found = [item for item in made["findings"] if item["id"] == rule and item["path"] in (None, path)]
    assert found, rule
    return found[0]


GOOD = snapshot(measured("g0"), measured("g1"), networks=NETWORKS)


# ---- what the model needs ----


@pytest.mark.parametrize(
    ("options", "mib", "status"),
    [
        ({"model_weights_gib": 100}, 143771, "pass"),
        ({"model_weights_gib": 130}, 143771, "fail"),
        ({"model_weights_gib": 130, "gpus_per_replica": 2}, 143771, "pass"),
        ({"model_weights_gib": 130, "vllm_args": ["--gpu-memory-utilization=0.98"]}, 143771, "pass"),
        ({"model_weights_gib": 100, "kv_cache_gib_per_gpu": 60}, 143771, "fail"),
        ({"model_weights_gib": 130}, None, "warn"),  # the memory is inferred from the model of the GPU
        ({"model_uri": "hf://x/y-72B", "model_weights_gib": None}, 143771, "warn"),  # the size is inferred from the name
        ({"model_name": "x/y", "model_uri": "pvc://a/b"}, 143771, "unknown"),
    ],
)
def test_model_memory(judged, options, mib, status):
    made = judged(snapshot(measured("g0", mib), measured("g1", mib)), declared(**options))
    found = one(made, "model-memory")
    assert found["status"] == status and found["blocking"] is (status == "fail")
    assert made["chosen"]["verdict"] == "supported"  # whether a model fits isn't a matter of support


def test_a_gpu_of_unknown_memory(judged):
    strange = node("g0", "L40S")
    assert one(judged(snapshot(strange), declared(model_weights_gib=10)), "model-memory")["status"] == "unknown"


def big(name, **more):
    return declared(model_uri=f"hf://{name}", model_name=name, **more)


def test_a_listed_model_that_is_too_big_is_refused_with_the_nearest_yes(judged):
    """70 B in 16 bits on one H200: no without anything being declared of it, and the numbers of what fits."""
    found = one(judged(GOOD, big("meta-llama/Llama-3.3-70B-Instruct")), "model-memory")
    assert (found["status"], found["blocking"]) == ("fail", True)
    assert "131.4 GiB of weights (by its profile)" in found["observed"]
    assert "llmd_gpus_per_replica to 2 (69.7 GiB a GPU)" in found["remedy"]
    assert "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic (67.7 GiB of weights)" in found["remedy"]
    assert one(judged(GOOD, big("meta-llama/Llama-3.3-70B-Instruct", gpus_per_replica=2)), "model-memory")["status"] == "pass"


def test_a_config_of_its_own_is_computed(judged):
    config = {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
              "vocab_size": 128256, "max_position_embeddings": 8192}  # fmt: skip
    found = one(judged(GOOD, big("me/mine", model_config=config)), "model-memory")
    assert found["status"] == "fail" and "by its config.json" in found["observed"]


@pytest.mark.parametrize(
    ("name", "options", "mib", "status", "remedy"),
    [
        ("Qwen/Qwen3-8B", {}, 143771, "pass", ""),
        ("meta-llama/Llama-3.1-8B-Instruct", {}, 24000, "fail", "--max-model-len="),
        ("meta-llama/Llama-3.1-8B-Instruct", {"vllm_args": ["--max-model-len=8192"]}, 24000, "pass", ""),
        ("meta-llama/Llama-3.1-8B-Instruct", {}, None, "pass", ""),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", {"gpus_per_replica": 2}, None, "warn", "--max-model-len="),  # the memory is inferred
        ("moonshotai/Kimi-K2-Instruct", {"gpus_per_replica": 8}, 143771, "fail", "llmd_gpus_per_replica to 16"),
    ],
)
def test_the_longest_sequence_must_fit(judged, name, options, mib, status, remedy):
    found = one(judged(snapshot(measured("g0", mib), measured("g1", mib)), big(name, **options)), "model-context")
    assert (found["status"], found["blocking"]) == (status, status == "fail")
    assert remedy in found["remedy"]


def test_an_unlisted_model_has_no_context_and_no_heads(judged):
    ids = {item["id"] for item in judged(GOOD, big("x/y-7B"))["findings"]}
    assert "model-context" not in ids and "model-parallelism" not in ids


@pytest.mark.parametrize(("gpus", "status"), [(1, "pass"), (4, "pass"), (8, "fail")])
def test_heads_are_spread_evenly(judged, gpus, status):
    found = one(judged(GOOD, big("Qwen/Qwen2.5-7B-Instruct", gpus_per_replica=gpus)), "model-parallelism")
    assert (found["status"], found["blocking"]) == (status, status == "fail")
    assert "one of 1, 2, 4, 7, 14" in found["remedy"]


def test_the_volume_holds_what_is_downloaded(judged):
    found = one(judged(GOOD, big("deepseek-ai/DeepSeek-R1", model_cache_gib=635)), "model-volume")
    assert found["status"] == "fail" and "to 674 or more" in found["remedy"]


@pytest.mark.parametrize(
    ("options", "status"),
    [({"model_weights_gib": 99}, "pass"), ({"model_weights_gib": 101}, "fail"), ({"model_uri": "hf://x/y-72B"}, "warn")],
)
def test_model_volume(judged, options, status):
    assert one(judged(GOOD, declared(**options)), "model-volume")["status"] == status


def test_a_model_on_a_claim_needs_no_volume(judged):
    made = judged(GOOD, declared(model_weights_gib=101, model_uri="pvc://models/x"))
    assert "model-volume" not in {item["id"] for item in made["findings"]}


@pytest.mark.parametrize(
    ("options", "hardware", "status"),
    [
        ({}, {}, "pass"),
        ({"cpu_per_replica": "200"}, {}, "pass"),
        ({"cpu_per_replica": "300"}, {}, "fail"),
        ({"memory_per_replica": "3Ti"}, {}, "fail"),
        ({"replicas": 3, "memory_per_replica": "1500Gi"}, {}, "fail"),
        ({}, {"cpu": None}, "unknown"),
    ],
)
def test_host_headroom(judged, options, hardware, status):
    made = judged(snapshot(measured("g0", **hardware), measured("g1")), declared(**options))
    assert one(made, "host-headroom")["status"] == status


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, "pass"),  # half of what the node has for a GPU
        ({"kv_offload_gib": 64}, "pass"),
        ({"kv_offload_gib": 900, "replicas": 8}, "warn"),
        ({"kv_offload_gib": 9000}, "fail"),
    ],
)
def test_offload_headroom(judged, options, status):
    made = judged(GOOD, declared(path="kv_cache_offload", **options))
    assert one(made, "offload-headroom", "kv_cache_offload")["status"] == status


# ---- addresses and rails ----


def nets(**changes):
    return {**GOOD, "networks": {**NETWORKS, **changes}}


@pytest.mark.parametrize(
    ("cluster", "rails", "status", "words"),
    [
        (nets(), [], "pass", "no common address"),
        (nets(), ["10.90.0.0/24", "10.90.1.0/24"], "pass", "no common address"),
        (nets(), ["10.130.0.0/24"], "fail", "pod network 10.128.0.0/14"),
        (nets(), ["172.30.5.0/24"], "fail", "service network"),
        (nets(), ["192.0.2.128/25"], "fail", "machine network"),
        (nets(), ["10.90.0.0/24", "10.90.0.0/25"], "fail", "rail 10.90.0.0/25"),
        (nets(), ["10.90.0.0/24", "10.90.0.0/24"], "fail", "given twice"),
        (nets(), ["100.64.9.0/24"], "fail", "OVN-Kubernetes join"),
        (nets(machine=None), ["10.90.0.0/24"], "unknown", "machine network isn't known"),
        (nets(cluster=["banana"]), [], "unknown", "banana isn't a network"),
        (nets(service=["10.128.0.0/16"]), [], "warn", "overlaps"),
        (nets(cluster=["fd01::/48"], host_prefixes=[64]), ["10.90.0.0/24"], "pass", "no common address"),
    ],
)  # fmt: skip
def test_networks(judged, cluster, rails, status, words):
    made = judged(cluster, declared(rail_subnets=rails))
    found = [item for item in made["findings"] if item["id"] == "network-overlap" and item["status"] == status]
    assert any(words in f"{item['subject']} {item['observed']}" for item in found), made["findings"]
    assert (made["gate"] == "stop") is (status == "fail")


@pytest.mark.parametrize(("subnet", "status"), [("10.90.0.0/24", "pass"), ("10.90.0.0/30", "fail")])
def test_rail_addresses(judged, subnet, status):
    assert one(judged(GOOD, declared(rail_subnets=[subnet])), "rail-addresses")["status"] == status


@pytest.mark.parametrize(
    ("cidr", "prefix", "status"),
    [("10.128.0.0/14", 23, "pass"), ("10.128.0.0/22", 23, "warn"), ("10.128.0.0/23", 23, "warn")],
)
def test_pod_addresses(judged, cidr, prefix, status):
    assert one(judged(nets(cluster=[cidr], host_prefixes=[prefix]), declared()), "pod-addresses")["status"] == status


@pytest.mark.parametrize("prefixes", [None, [None], [], ["23"], [99], [2]])
def test_strange_host_prefixes_say_nothing(judged, prefixes):
    made = judged(nets(host_prefixes=prefixes), declared())
    assert "pod-addresses" not in {item["id"] for item in made["findings"]}


def rail(name, vfs=8):
    return {
        "name": name,
        "pci_id": "15b3:1021",
        "class": "0200",
        "link_layer": "Ethernet",
        "speed_mbps": 400000,
        "state": "up",
        "sriov_totalvfs": vfs,
    }


@pytest.mark.parametrize(
    ("ports", "rails", "status"),
    [
        (8, [], "pass"),
        (4, [], "warn"),
        (8, ["10.90.0.0/24"], "warn"),
        (8, [f"10.90.{n}.0/24" for n in range(8)], "pass"),
    ],
)
def test_ports_per_gpu(judged, ports, rails, status):
    cluster = snapshot(measured("g0", nics=[rail(f"ens{n}") for n in range(ports)]), networks=NETWORKS)
    made = judged(cluster, declared(path="pd_disaggregation", rail_subnets=rails))
    assert one(made, "rdma-ports-per-gpu", "pd_disaggregation")["status"] == status
    assert made["chosen"]["verdict"] == "supported"


@pytest.mark.parametrize(("vfs", "status"), [(8, "pass"), (0, "warn"), (None, "unknown")])
def test_virtual_functions(judged, vfs, status):
    made = judged(snapshot(measured("g0", nics=[rail("ens0", vfs)])), declared(path="pd_disaggregation"))
    assert one(made, "sriov-capable", "pd_disaggregation")["status"] == status


# ---- where software comes from ----


@pytest.mark.parametrize(
    ("mirrors", "uri", "status"),
    [
        ({"digest": [], "tag": [], "default_catalogs_disabled": False}, "hf://a/b", "pass"),
        ({"digest": ["m"], "tag": [], "default_catalogs_disabled": False}, "hf://a/b", "warn"),
        ({"digest": None, "tag": None, "default_catalogs_disabled": True}, "hf://a/b", "warn"),
        ({"digest": ["m"], "tag": [], "default_catalogs_disabled": True}, "oci://registry.example.com/m:1", "pass"),
        ({"digest": None, "tag": None, "default_catalogs_disabled": None}, "hf://a/b", "unknown"),
        (None, "hf://a/b", "unknown"),
    ],
)
def test_disconnected(judged, mirrors, uri, status):
    made = judged({**GOOD, "mirrors": mirrors}, declared(model_uri=uri))
    assert one(made, "disconnected")["status"] == status


NFD = {
    "package": "nfd",
    "namespace": "openshift-nfd",
    "subscription": "nfd",
    "catalog": "cs-mirror",
    "catalog_namespace": "openshift-marketplace",
}


def test_an_operator_of_another_catalog_is_named(judged):
    found = one(judged({**GOOD, "operators": [NFD]}, declared()), "operator-catalog")
    assert found["status"] == "warn" and "cs-mirror" in found["observed"]
    declared_too = judged({**GOOD, "operators": [NFD]}, declared(operator_catalogs={"nfd": "cs-mirror"}))
    assert "operator-catalog" not in {item["id"] for item in declared_too["findings"]}


# ---- rows of the site ----

ROW = {
    "release": "3.3", "path": "inference_scheduling", "vendor": "nvidia", "tier": "TP", "accelerators": ["L40S"], "network": None, "storage": None,
    "source": "agreement 4711", "retrieved": "2026-10-01",
}  # fmt: skip
L40S = snapshot(node("g0", "L40S"), node("g1", "L40S"))


def verdict(made, path="inference_scheduling", release="3.3"):
    return next(item for item in made["verdicts"] if (item["path"], item["release"]) == (path, release))


def test_a_site_row_adds_a_gpu_and_is_marked(judged):
    assert verdict(judged(L40S, declared()))["verdict"] == "unsupported"
    made = judged(L40S, declared(matrix_rows=[ROW]))
    assert (verdict(made)["verdict"], verdict(made)["tier"]) == ("conditional", "TP")
    assert any("llmd_matrix_rows, your own row: agreement 4711" in reason for reason in verdict(made)["reasons"])
    assert "your own row" in one(made, "accelerator-model", "inference_scheduling")["source"]
    assert verdict(made, "pd_disaggregation")["verdict"] == verdict(made, release="3.2")["verdict"] == "unsupported"


def test_a_site_row_does_not_touch_what_the_article_lists(judged):
    plain, added = judged(GOOD, declared()), judged(GOOD, declared(matrix_rows=[ROW]))
    assert json.dumps(plain["verdicts"]) == json.dumps(added["verdicts"])


def test_a_site_row_for_a_vendor_without_one(judged):
    amd = snapshot(node("g0", "MI300X"), node("g1", "MI300X"))
    row = {**ROW, "path": "pd_disaggregation", "vendor": "amd", "accelerators": ["MI300X"]}
    assert verdict(judged(amd, declared(matrix_rows=[row])), "pd_disaggregation")["verdict"] == "conditional"


def test_a_site_row_demands_what_it_says(judged):
    network = {"rdma": ["roce"], "ethernet_gbit": [], "pcie_generation": None}
    slow = snapshot(node("g0", "L40S", rdma="absent"))
    assert verdict(judged(slow, declared(matrix_rows=[{**ROW, "network": network}])))["verdict"] == "unsupported"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"release": "9.9"}, "isn't in the matrix"),
        ({"accelerators": ["H2000"]}, "no model that the data can recognise"),
        ({"accelerators": ["H200"]}, "in the article's row"),
    ],
)
def test_site_rows_that_do_not_fit_the_data(change, words):
    assert words in site_rows.problems([{**ROW, **change}], facts())[0]
    assert site_rows.problems([ROW], facts()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"tier": "gold"},
        {"vendor": "acme"},
        {"accelerators": []},
        {"accelerators": None},
        {"release": 3.3},
        {"retrieved": "today"},
        {"extra": 1},
        {"source": "x"},
    ],
)
def test_site_rows_go_through_the_schema_of_the_data(change):
    with pytest.raises(Wrong, match="element 0"):
        FORMATS["matrix_rows"]([{**ROW, **change}])
    FORMATS["matrix_rows"]([ROW])


@pytest.mark.parametrize("subnet", ["10.90.0.1/24", "banana", "10.0.0.0/33", "10.90.0.0/31", "", "::/129"])
def test_bad_subnets_are_refused(subnet):
    with pytest.raises(Wrong):
        FORMATS["subnets"]([subnet])


# ---- explanations ----


def test_every_rule_and_quirk_explains_itself():
    for rule in (*RULES, *facts().quirks):
        name = rule["id"] if isinstance(rule, dict) else rule.id
        said = explain.lines(facts(), name)
        assert said and said[0] == name and all(len(line.split(maxsplit=1)) == 2 for line in said[1:])


def test_a_misspelt_rule_gets_a_hint():
    assert explain.lines(facts(), "fabric-rmda") is None
    assert "fabric-rdma" in explain.hint(facts(), "fabric-rmda") and "fabric-rdma" in explain.hint(facts(), "xxxxxxxx")


@pytest.mark.parametrize(
    ("nodes", "status", "word"),
    [(2, "pass", "experts over 16 such groups"), (1, "fail", "llmd_group_nodes"), (None, "unknown", "llmd_group_nodes")],
)
def test_experts_are_spread_over_the_group(judged, nodes, status, word):
    """DeepSeek with one GPU a model server: 16 ranks hold the experts together, 8 can't."""
    group = {"gpus_per_replica": 3} if nodes is None else {"groups": 1, "group_nodes": nodes}  # 8 GPUs of a node can't be cut into threes
    told = big("deepseek-ai/DeepSeek-R1", path="wide_expert_parallelism", model_cache_gib=800, vllm_args=["--max-model-len=8192"], **group)
    found = one(judged(snapshot(measured("g0", 81559, model="H100"), measured("g1", 81559, model="H100")), told), "model-memory")
    assert found["status"] == status and word in found["observed"] + found["remedy"]
