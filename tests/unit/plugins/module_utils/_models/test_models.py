# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles against their own config.json facts and against deployments that others published; sizes, KV cache and fit."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import Wrong
from ansible_collections.llmd.openshift.plugins.module_utils._declare.formats import FORMATS
from ansible_collections.llmd.openshift.plugins.module_utils._models import fit, weights
from ansible_collections.llmd.openshift.plugins.module_utils._models.known import declared_model
from ansible_collections.llmd.openshift.plugins.module_utils._models.shape import NoShape, Shape, from_config
from hypothesis import given, settings
from hypothesis import strategies as st

PROFILES = facts().models
BY_NAME = {row["name"]: row for row in PROFILES}
LLAMA = BY_NAME["Llama 3.1 8B"]["config"]
PLAIN = fit.Engine()


def model(name, **more):
    return declared_model({"model_uri": f"hf://{name}", **more}, PROFILES)


# ---- the data ----


def test_enough_models_of_both_kinds_and_no_repository_twice():
    assert len(PROFILES) >= 12
    assert {row["kind"] for row in PROFILES} == {"dense", "experts"}
    repositories = [name.lower() for row in PROFILES for variant in row["weights"] for name in variant["repositories"]]
    assert len(repositories) == len(set(repositories))


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_profile_agrees_with_its_own_config(name):
    row = BY_NAME[name]
    shape = from_config(row["config"])
    assert shape.parameters / 1e9 == pytest.approx(row["parameters_b"], rel=0.001)
    assert bool(shape.experts) == (row["kind"] == "experts")
    for variant in row["weights"]:
        assert weights.gib(shape, variant["dtype"]) == pytest.approx(variant["gib"], rel=0.01)
        assert variant.get("download_gib", variant["gib"]) >= variant["gib"]


@pytest.mark.parametrize(("name", "billions"), [
    # Published numbers, not ours: model cards of Meta, Qwen, DeepSeek, Moonshot AI and OpenAI.
    ("Llama 3.1 8B", 8.03), ("Llama 3 70B", 70.55), ("Llama 3.1 405B", 405.85), ("Qwen2.5 7B", 7.6156), ("Qwen3 32B", 32.76),
    ("Qwen3 235B A22B", 235.09), ("DeepSeek V3 and R1", 671.03), ("Kimi K2", 1026.4), ("gpt-oss 120B", 116.8), ("Mixtral 8x7B", 46.7),
])  # fmt: skip
def test_parameters_as_published(name, billions):
    assert from_config(BY_NAME[name]["config"]).parameters / 1e9 == pytest.approx(billions, rel=0.001)


PUBLISHED = [(row, one) for row in PROFILES for one in row["published"]]


@pytest.mark.parametrize(("row", "one"), PUBLISHED, ids=[f"{row['name']}-{one['accelerator']}" for row, one in PUBLISHED])
def test_what_others_run_is_said_to_fit(row, one):
    """The narrowest version of the model on the GPUs that its publisher names."""
    variant = min(row["weights"], key=lambda entry: entry["gib"])
    found = model(variant["repositories"][0])
    told = fit.Engine(share=0.95, length=one["tokens"])
    memory = facts().traits["models"][one["accelerator"]]["memory_gib"]
    enough = fit.smallest(found, memory, told, 0)
    assert enough is not None and enough <= one["tensor"]


def test_kimi_needs_more_than_one_server_of_h200_for_its_own_length():
    """Moonshot AI names 16 GPUs as the smallest unit; 8 hold the weights, yet not the longest sequence beside them."""
    kimi = model("moonshotai/Kimi-K2-Instruct")
    assert fit.smallest(kimi, 140, PLAIN, 0) == 16
    assert fit.smallest(kimi, 140, fit.Engine(length=32768), 0) == 8


# ---- shape ----


def test_kv_cache_of_a_token():
    assert from_config(LLAMA).kv_bytes(1) == 128 * 1024  # 32 layers x 8 heads x 128 x 2 x 2 bytes
    assert from_config(LLAMA).kv_bytes(1, tensor=4) == 32 * 1024
    assert from_config(LLAMA).kv_bytes(1, tensor=16) == 16 * 1024  # a head is not split: it is on two GPUs
    assert from_config(LLAMA).kv_bytes(1, width=1) == 64 * 1024
    latent = from_config(BY_NAME["DeepSeek V3 and R1"]["config"])
    assert latent.kv_bytes(1) == latent.kv_bytes(1, tensor=8) == 61 * (512 + 64) * 2


def test_windowed_layers_stop_growing():
    gpt = from_config(BY_NAME["gpt-oss 120B"]["config"])
    assert (gpt.windowed, gpt.window) == (18, 128)
    a_token = gpt.kv_bytes(1)
    assert gpt.kv_bytes(128) == 128 * a_token
    assert gpt.kv_bytes(100_128) == pytest.approx(128 * a_token + 100_000 * a_token / 2)


@pytest.mark.parametrize(("change", "word"), [
    ({"hidden_size": None}, "hidden_size"), ({"vocab_size": -1}, "vocab_size"), ({"num_hidden_layers": True}, "num_hidden_layers"),
    ({"num_attention_heads": "32"}, "num_attention_heads"), ({"intermediate_size": 10**12}, "intermediate_size"),
])  # fmt: skip
def test_what_is_no_config(change, word):
    with pytest.raises(NoShape, match=word):
        from_config({**LLAMA, **change})
    with pytest.raises(Wrong, match=word):
        FORMATS["model_config"]({**LLAMA, **change})


def test_a_config_with_an_unknown_quantization_is_refused():
    with pytest.raises(Wrong, match="llmd_model_weights_gib"):
        FORMATS["model_config"]({**LLAMA, "quantization_config": {"quant_method": "magic"}})
    FORMATS["model_config"]({})
    FORMATS["model_config"]({"text_config": LLAMA})  # as multimodal models have it


@pytest.mark.parametrize(("stated", "dtype"), [
    (None, "bf16"), ({"quant_method": "fp8"}, "fp8"), ({"quant_method": "awq", "bits": 4}, "int4"), ({"quant_method": "mxfp4"}, "mxfp4"),
    ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 4, "type": "int"}}}}, "int4"),
    ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 8, "type": "float"}}}}, "fp8"),
    ({"quant_method": "compressed-tensors", "config_groups": {
        "a": {"weights": {"num_bits": 8, "type": "float"}}, "b": {"weights": {"num_bits": 4, "type": "int"}}}}, None),
    ("fp8", None), ({"quant_method": "bitsandbytes"}, None),
])  # fmt: skip
def test_number_format(stated, dtype):
    assert weights.dtype_of({"quantization_config": stated}) == dtype
    assert weights.dtype_of({"text_config": {"quantization_config": stated}}) == dtype


# ---- which model ----


@pytest.mark.parametrize(("name", "gib"), [
    ("x/Qwen2.5-7B-Fine", 13.04), ("x/Llama-3.1-405B-FP8", 377.2), ("x/gpt-neo-0.5b", 0.931), ("TheBloke/Llama-2-70B-AWQ", 36.67),
    ("x/DeepSeek-V9", None), ("b", None), ("abc7bdef", None),
])  # fmt: skip
def test_size_by_name_is_never_certain(name, gib):
    found = declared_model({"model_name": name}, PROFILES)
    assert not found.certain and found.origin == "by its name"
    assert found.weights_gib is None if gib is None else found.weights_gib == pytest.approx(gib, rel=0.01)


def test_the_source_nearest_to_the_user_counts():
    listed = model("qwen/qwen3-32b-fp8")
    assert (listed.weights_gib, listed.certain, listed.origin, listed.dtype) == (32.0, True, "by its profile", "fp8")
    assert model("Qwen/Qwen3-32B-FP8", model_weights_gib=40).weights_gib == 40
    own = model("me/mine", model_config=LLAMA)
    assert own.certain and own.origin == "by its config.json" and own.weights_gib == pytest.approx(14.96, rel=0.01)
    assert model("Qwen/Qwen3-32B", model_config=LLAMA).shape == from_config(LLAMA)
    assert model("Qwen/Qwen3-32B:main").profile is BY_NAME["Qwen3 32B"]
    assert declared_model({"model_uri": "pvc://models/x", "model_name": "Qwen/Qwen3-32B"}, PROFILES).profile is BY_NAME["Qwen3 32B"]


def test_download_is_what_lies_on_disk():
    assert model("deepseek-ai/DeepSeek-R1").download_gib > model("deepseek-ai/DeepSeek-R1").weights_gib


# ---- fit ----


@pytest.mark.parametrize(("arguments", "told"), [
    ([], PLAIN), (["--gpu-memory-utilization=0.5", " --gpu_memory_utilization 0.95 "], fit.Engine(0.95)),
    (["--max-model-len=8192"], fit.Engine(length=8192)), (["--max-model-len 16k"], fit.Engine(length=16000)),
    (["--max-model-len=16K"], fit.Engine(length=16384)), (["--kv-cache-dtype=fp8_e4m3"], fit.Engine(width=1.0)),
    (["--kv-cache-dtype=auto", "--gpu-memory-utilization=much", "--max-model-len="], PLAIN),
])  # fmt: skip
def test_arguments(arguments, told):
    assert fit.engine(arguments) == told


def test_heads_decide_which_parallelism_there_is():
    qwen = model("Qwen/Qwen2.5-7B-Instruct")  # 28 heads
    assert [fit.divides(qwen, count) for count in (1, 2, 4, 7, 8)] == [True, True, True, True, False]
    assert fit.divides(declared_model({"model_name": "x/y-7B"}, PROFILES), 3) is None
    assert fit.smallest(qwen, 3.0, PLAIN, 0) is None  # not even eight small GPUs: 8 doesn't divide 28


def test_expert_parallelism_spreads_the_experts_only():
    deep = model("deepseek-ai/DeepSeek-R1")
    alone, spread = fit.need(deep, 1, PLAIN), fit.need(deep, 1, PLAIN, spread=16)
    assert alone.weights == deep.weights_gib
    assert 16 * spread.weights > deep.weights_gib > spread.weights > deep.weights_gib / 16
    dense = model("meta-llama/Llama-3.1-8B-Instruct")
    assert fit.need(dense, 1, PLAIN, spread=16) == fit.need(dense, 1, PLAIN)
    assert fit.need(declared_model({"model_name": "?"}, PROFILES), 1, PLAIN) is None


def test_longest_sequence():
    llama = model("meta-llama/Llama-3.1-8B-Instruct")
    assert fit.longest(llama, 1, 140, PLAIN) == 131072
    short = fit.longest(llama, 1, 24, PLAIN)
    assert 0 < short < 131072 and short % 1024 == 0
    assert llama.shape.kv_bytes(short) <= (24 * 0.9 - llama.weights_gib) * 2**30 < llama.shape.kv_bytes(short + 1024)
    assert fit.longest(llama, 1, 10, PLAIN) == 0


SHAPES = st.builds(
    Shape, hidden=st.integers(64, 8192), layers=st.integers(1, 128), heads=st.sampled_from([8, 16, 32, 64]),
    kv_heads=st.sampled_from([1, 2, 4, 8]), head_dim=st.sampled_from([64, 128]), vocabulary=st.integers(1000, 200000),
    inner=st.integers(64, 60000), tied=st.booleans(), context=st.integers(1024, 10**6), windowed=st.integers(0, 1), window=st.integers(1, 4096),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(shape=SHAPES, gpu=st.floats(1, 400), cache=st.floats(0, 50), tokens=st.integers(1, 10**6))
def test_more_gpus_never_need_more_of_each(shape, gpu, cache, tokens):
    found = declared_model({"model_weights_gib": weights.gib(shape, "bf16")}, ())
    found = type(found)(found.name, found.weights_gib, True, "declared", shape, "bf16")
    needs = [fit.need(found, count, PLAIN) for count in fit.SIZES]
    assert all(a.weights >= b.weights and a.sequence >= b.sequence for a, b in zip(needs, needs[1:], strict=False))
    enough = fit.smallest(found, gpu, PLAIN, cache)
    if enough:
        wanted = fit.need(found, enough, PLAIN)
        assert wanted.weights + max(cache, wanted.sequence) <= gpu * PLAIN.share
    assert weights.gib(shape, "int4") < weights.gib(shape, "fp8") < weights.gib(shape, "bf16")
    assert shape.kv_bytes(tokens) <= shape.kv_bytes(tokens + 1)
