# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a model fit, and if not, what is the least that does? vLLM takes a share of each GPU's memory for weights and KV cache.

Activations, CUDA graphs and libraries come on top and aren't counted: a no is sure, a yes has the rest of the memory for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .known import Model
from .weights import GIB

UTILIZATION = 0.9  # vLLM's default of --gpu-memory-utilization
_SHARE = re.compile(r"^--gpu[-_]memory[-_]utilization(?:=|\s+)([01](?:\.\d+)?|\.\d+)$")
_LENGTH = re.compile(r"^--max[-_]model[-_]len(?:=|\s+)(\d+(?:\.\d+)?)([kKmMgG]?)$")
_CACHE = re.compile(r"^--kv[-_]cache[-_]dtype(?:=|\s+)(\w+)$")
# vLLM's arguments/human-readable integers: lower case counts in thousands, upper case in powers of two.
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
SIZES = (1, 2, 4, 8, 16)  # tensor parallelism that is asked for in practice


@dataclass(frozen=True)
class Engine:
    """What vLLM's arguments say: share of the memory, longest sequence (None: the model's own), bytes of a cached number."""

    share: float = UTILIZATION
    length: int | None = None
    width: float = 2.0


def engine(arguments: Sequence[str]) -> Engine:
    """The last of an argument counts, as with vLLM."""
    share, length, width = UTILIZATION, None, 2.0
    for item in arguments:
        text = item.strip()
        if found := _SHARE.match(text):
            share = float(found[1])
        elif found := _LENGTH.match(text):
            length = int(float(found[1]) * _UNITS[found[2]])
        elif found := _CACHE.match(text):
            width = 1.0 if found[1].startswith("fp8") else 2.0
    return Engine(share, length, width)


@dataclass(frozen=True)
class Need:
    """GiB on each GPU: weights, and the KV cache of the longest sequence (None where the model's shape isn't known)."""

    weights: float
    sequence: float | None
    length: int | None


def need(model: Model, tensor: int, told: Engine, spread: int = 1) -> Need | None:
    """What one GPU of a replica must hold. None where the size isn't known.

    :param spread: how many groups of `tensor` GPUs share the routed experts (expert parallelism over data-parallel ranks).
    """
    if model.weights_gib is None:
        return None
    each = model.weights_gib / tensor
    if spread > 1 and model.shape and model.shape.experts:
        experts = model.weights_gib * _expert_share(model)
        each = (model.weights_gib - experts) / tensor + experts / (tensor * spread)
    length = told.length or (model.shape.context if model.shape else None)
    sequence = model.shape.kv_bytes(length, told.width, tensor) / GIB if model.shape and length else None
    return Need(each, sequence, length)


def _expert_share(model: Model) -> float:
    """The routed experts' share of the bytes; with narrow weights the embeddings, which stay wide, weigh more."""
    shape = model.shape
    if shape is None:
        return 0.0
    return min(1.0, shape.expert_parameters / (shape.parameters + (shape.embeddings if model.dtype not in (None, "bf16") else 0)))


def divides(model: Model, tensor: int) -> bool | None:
    """Whether the attention heads can be spread over so many GPUs, which vLLM demands. None: the shape isn't known."""
    return None if model.shape is None else model.shape.heads % tensor == 0


def smallest(model: Model, gpu_gib: float, told: Engine, cache_gib: float, most: int = SIZES[-1]) -> int | None:
    """The least tensor parallelism with which weights, the declared KV cache and the longest sequence fit; None: none does."""
    for tensor in SIZES:
        if tensor <= most and divides(model, tensor) is not False:
            wanted = need(model, tensor, told)
            if wanted and wanted.weights + max(cache_gib, wanted.sequence or 0.0) <= gpu_gib * told.share:
                return tensor
    return None


def longest(model: Model, tensor: int, gpu_gib: float, told: Engine, spread: int = 1) -> int:
    """Tokens of one sequence for which there is room beside the weights, a multiple of 1,024; 0 where there is none."""
    wanted = need(model, tensor, told, spread)
    if wanted is None or model.shape is None or not wanted.length:
        return 0
    room = (gpu_gib * told.share - wanted.weights) * GIB
    low, high = 0, wanted.length // 1024
    while low < high:  # kv_bytes grows with the tokens
        middle = (low + high + 1) // 2
        low, high = (middle, high) if model.shape.kv_bytes(middle * 1024, told.width, tensor) <= room else (low, middle - 1)
    return low * 1024
