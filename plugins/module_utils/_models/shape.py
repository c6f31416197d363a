# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transformer's shape as its config.json gives it: how many parameters, and how many bytes of KV cache a sequence takes.

Norms and biases are left out of the count: together they are less than 0.1 %. Sources: the modelling code of Hugging Face
transformers (names of the keys) and vLLM (what is cached: keys and values a head, or one latent vector with MLA).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The same fact under the names that families of models give it; the first one that is there counts.
_EXPERTS = ("n_routed_experts", "num_local_experts", "num_experts")
_NEEDED = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "intermediate_size")


class NoShape(ValueError):
    """The config.json lacks facts, or holds something else; the text says which."""


@dataclass(frozen=True)
class Shape:
    """hidden, layers ... as in config.json. experts: 0 for a dense model; window: tokens that the `windowed` layers look back on."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    inner: int
    tied: bool
    context: int | None
    experts: int = 0
    expert_inner: int = 0
    shared_inner: int = 0
    dense_layers: int = 0
    latent: int = 0
    rope: int = 0
    query_rank: int = 0
    value_dim: int = 0
    windowed: int = 0
    window: int = 0

    @property
    def embeddings(self) -> int:
        """Parameters of the tables of words, which quantization leaves alone."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def expert_parameters(self) -> int:
        """Parameters of the routed experts, which expert parallelism spreads."""
        return (self.layers - self.dense_layers) * self.experts * 3 * self.hidden * self.expert_inner

    @property
    def parameters(self) -> int:
        sparse = self.layers - self.dense_layers if self.experts else 0
        beside = sparse * (3 * self.hidden * self.shared_inner + self.hidden * self.experts)  # shared experts and the router
        dense = (self.layers - sparse) * 3 * self.hidden * self.inner
        return self.embeddings + self.layers * self._attention + self.expert_parameters + beside + dense

    @property
    def _attention(self) -> int:
        """Parameters of one layer's attention."""
        if not self.latent:
            return 2 * self.hidden * self.head_dim * (self.heads + self.kv_heads)
        width = self.heads * (self.head_dim + self.rope)
        query = self.query_rank * (self.hidden + width) if self.query_rank else self.hidden * width
        key_value = self.hidden * (self.latent + self.rope) + self.latent * self.heads * (self.head_dim + self.value_dim)
        return query + key_value + self.heads * self.value_dim * self.hidden

    def kv_bytes(self, tokens: int, width: float = 2.0, tensor: int = 1) -> float:
        """Bytes of a sequence's KV cache on each GPU. Heads are spread over `tensor` GPUs, a latent vector is on each of them."""
        if self.latent:
            return self.layers * (self.latent + self.rope) * width * tokens
        a_token = 2 * max(1, -(-self.kv_heads // tensor)) * self.head_dim * width
        full = self.layers - self.windowed
        return a_token * (full * tokens + self.windowed * min(tokens, self.window))


def from_config(config: Mapping[str, Any]) -> Shape:
    """The shape that a config.json (or its text_config) describes. :raises NoShape:"""
    inside = config.get("text_config")
    facts = {**config, **(inside if isinstance(inside, Mapping) else {})}
    lacking = [key for key in _NEEDED if not _number(facts, key)]
    if lacking:
        raise NoShape(f"it has no {', '.join(lacking)}")
    heads, hidden = _number(facts, "num_attention_heads"), _number(facts, "hidden_size")
    experts = _first(facts, _EXPERTS)
    latent = _number(facts, "kv_lora_rank")
    windowed = _windowed(facts)
    return Shape(
        hidden=hidden,
        layers=_number(facts, "num_hidden_layers"),
        heads=heads,
        kv_heads=_number(facts, "num_key_value_heads") or heads,
        head_dim=_number(facts, "qk_nope_head_dim") if latent else _number(facts, "head_dim") or hidden // heads,
        vocabulary=_number(facts, "vocab_size"),
        inner=_number(facts, "intermediate_size_mlp") or _number(facts, "intermediate_size"),
        tied=facts.get("tie_word_embeddings") is True,
        context=_number(facts, "max_position_embeddings") or None,
        experts=experts,
        expert_inner=(_number(facts, "moe_intermediate_size") or _number(facts, "intermediate_size")) if experts else 0,
        shared_inner=_shared(facts) if experts else 0,
        dense_layers=_dense(facts) if experts else 0,
        latent=latent,
        rope=_number(facts, "qk_rope_head_dim") if latent else 0,
        query_rank=_number(facts, "q_lora_rank") if latent else 0,
        value_dim=(_number(facts, "v_head_dim") or _number(facts, "qk_nope_head_dim")) if latent else 0,
        windowed=windowed[0],
        window=windowed[1],
    )


def _shared(facts: Mapping[str, Any]) -> int:
    """Width of the experts that see every token. Llama 4 has one without saying so."""
    stated = _number(facts, "shared_expert_intermediate_size")
    if stated:
        return stated
    count = _number(facts, "n_shared_experts") or (1 if _number(facts, "intermediate_size_mlp") else 0)
    return count * (_number(facts, "moe_intermediate_size") or _number(facts, "intermediate_size"))


def _dense(facts: Mapping[str, Any]) -> int:
    """Layers without experts: the first ones, or all but each n-th."""
    layers, step = _number(facts, "num_hidden_layers"), _number(facts, "interleave_moe_layer_step")
    return layers - layers // step if step else min(layers, _number(facts, "first_k_dense_replace"))


def _windowed(facts: Mapping[str, Any]) -> tuple[int, int]:
    """(layers that look back on a window only, its tokens); only where the layers are told apart by name or, with chunks, by every fourth."""
    window, types = _number(facts, "sliding_window"), facts.get("layer_types")
    if window and isinstance(types, list):
        return sum(1 for kind in types if kind == "sliding_attention"), window
    chunk = _number(facts, "attention_chunk_size")
    if chunk:
        layers = _number(facts, "num_hidden_layers")
        return layers - layers // 4, chunk
    return 0, 0


def _first(facts: Mapping[str, Any], keys: tuple[str, ...]) -> int:
    return next((found for key in keys if (found := _number(facts, key))), 0)


def _number(facts: Mapping[str, Any], key: str) -> int:
    """The whole number at that key; 0 where there is none, or something else."""
    found = facts.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 10**9 else 0
