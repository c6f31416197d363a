# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA adapters beside the model, by vLLM's own arguments.

LLMInferenceService has spec.model.lora in every release, but no controller up to 3.4 reads it (red-hat-data-services/kserve rhoai-2.25 to rhoai-3.4: only
the API's types and a test name it): set there, an adapter is accepted and never served. The picker hands on any model's name (gateway-api-inference-extension
v0.5.1 to v1.4.0 pkg/epp/requestcontrol/director.go).
"""

from __future__ import annotations

import json
from typing import Any

from .arguments import value_of
from .wish import SCHEDULING, Refused, Row, Wish

# vLLM 0.10.1 takes these only (vllm/config/lora.py); newer ones take them as well.
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
_AT_ONCE = 8  # adapters in one batch: each takes memory of the GPU; the others wait in the host's
_FLAGS = ("--enable-lora", "--lora-modules", "--max-loras", "--max-lora-rank", "--max-cpu-loras")


def able(wish: Wish) -> None:
    """Raises Refused where adapters can't be served, or where vLLM's arguments already say something of them."""
    if not _rows(wish):
        return
    if wish.path != SCHEDULING:
        raise Refused(f"llmd_lora_adapters: adapters go with llmd_path {SCHEDULING} only, not {wish.path}. Remove them, or choose that path.")
    for flag in _FLAGS:
        given = wish.declared.get("vllm_args") or []
        if flag in given or value_of(given, flag) is not None:
            raise Refused(f"llmd_vllm_args: {flag} can't be given here, since llmd_lora_adapters sets it. Remove it from llmd_vllm_args.")


def arguments(wish: Wish) -> list[str]:
    """Of vLLM; none without adapters."""
    rows = _rows(wish)
    if not rows:
        return []
    most = max(int(row.get("rank") or 16) for row in rows)
    rank = next(size for size in _RANKS if size >= most)
    return [
        "--enable-lora", f"--max-loras={min(len(rows), _AT_ONCE)}", f"--max-cpu-loras={len(rows)}", f"--max-lora-rank={rank}",
        "--lora-modules", *(_module(wish, row) for row in rows),
    ]  # fmt: skip


def environment(wish: Wish) -> list[Row]:
    """vLLM itself loads adapters from Hugging Face, so it needs the token that the storage initializer has for the model."""
    secret = wish.declared.get("model_credentials_secret")
    if not secret or not any(str(row["source"]).startswith("hf://") for row in _rows(wish)):
        return []
    return [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": "HF_TOKEN", "optional": True}}}]


def _rows(wish: Wish) -> list[dict[str, Any]]:
    return wish.declared.get("lora_adapters") or []


def _module(wish: Wish, row: dict[str, Any]) -> str:
    said = {"name": row["name"], "path": str(row["source"]).removeprefix("hf://"), "base_model_name": wish.declared["model_name"]}
    return json.dumps(said, separators=(",", ":"))
