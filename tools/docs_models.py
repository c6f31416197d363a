# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page docs/models.md: well-known models, and the GPUs that each needs at least (used by docs.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import Facts
from ansible_collections.llmd.openshift.plugins.module_utils._models.fit import Engine, smallest
from ansible_collections.llmd.openshift.plugins.module_utils._models.known import declared_model

Table = Callable[[list[str], list[list[str]]], list[str]]
CACHE_GIB = 4.0  # default of llmd_kv_cache_gib_per_gpu
LENGTH = 32768


def page(data: Facts, mark: str, table: Table) -> list[str]:
    gpus = [name for name, row in data.traits["models"].items() if row.get("memory_gib")]
    lines = ["# Models", "", mark, ""]
    lines += [
        "What `assess` knows of well-known open models (`data/profiles/`), and how it computes others from their `config.json` (`llmd_model_config`).",
        "",
        "- **GiB**: weights in the GPUs' memory. **KV**: KiB of cache that one token takes over all GPUs, 16 bits wide.",
        "- A column of a GPU holds the least tensor parallelism (`llmd_gpus_per_replica`) with which the weights, 4 GiB of KV cache a GPU and one sequence fit into 0.9 of its",
        f"  memory (the smallest variant of the model): of {LENGTH:,} tokens, then of the model's own length. `-`: not even 16.",
        "- Activations and CUDA graphs aren't counted: a no is sure, a yes has the remaining tenth for them.",
        "",
    ]
    rows = [_row(data, profile, variant, gpus) for profile in data.models for variant in profile["weights"]]
    lines += [*table(["model", "billions", "format", "GiB", "KV", "longest", *gpus], rows), ""]
    lines += ["## Arguments, published deployments, sources", ""]
    lines += table(["model", "repositories", "vLLM arguments", "published", "source"], [_more(profile) for profile in data.models])
    return lines


def _row(data: Facts, profile: dict[str, Any], variant: dict[str, Any], gpus: list[str]) -> list[str]:
    model = declared_model({"model_uri": f"hf://{variant['repositories'][0]}"}, data.models)
    shape = model.shape
    if shape is None:
        raise LookupError(f"{variant['repositories'][0]} isn't found by its own name")
    cells = []
    for gpu in gpus:
        memory = data.traits["models"][gpu]["memory_gib"]
        short, whole = (smallest(model, memory, Engine(length=length), CACHE_GIB) for length in (min(LENGTH, shape.context or LENGTH), shape.context))
        cells.append(str(short or "-") if short == whole else f"{short or '-'}, {whole or '-'}")
    kib = f"{shape.kv_bytes(1) / 1024:.4g}"
    return [profile["name"], f"{profile['parameters_b']:g}", variant["dtype"], f"{variant['gib']:g}", kib, f"{shape.context:,}", *cells]


def _more(profile: dict[str, Any]) -> list[str]:
    names = "<br>".join(f"`{name}`" for variant in profile["weights"] for name in variant["repositories"])
    said = "<br>".join(_published(one) for one in profile["published"])
    return [profile["name"], names, "<br>".join(f"`{one}`" for one in profile["vllm_args"]) or "-", said or "-", profile["source"]]


def _published(one: dict[str, Any]) -> str:
    tokens = f", {one['tokens']:,} tokens" if one["tokens"] else ""
    return f"{one['gpus']} x {one['accelerator']}{tokens} ({one['source']})"
