# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of a model's weights, by the number format that its config.json or its name tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .shape import Shape

GIB = 2**30
# Bytes of one quantized weight with its scales: one byte; four bits and a 16-bit scale a group of 128 or 16; MXFP4 (8-bit scale a group of 32).
WIDTHS = {"bf16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5625, "fp4": 0.5625, "mxfp4": 0.53125}
# quant_method of quantization_config -> format; those that leave the width open are looked at by _bits.
_METHODS = {"fp8": "fp8", "fbgemm_fp8": "fp8", "mxfp4": "mxfp4", "awq": "int4", "gptq": "int4", "modelopt_fp4": "fp4"}
_WORDS = (
    (re.compile(r"(?i)mxfp4"), "mxfp4"),
    (re.compile(r"(?i)nvfp4|fp4"), "fp4"),
    (re.compile(r"(?i)int4|w4a16|awq|gptq|4bit"), "int4"),
    (re.compile(r"(?i)int8|w8a8|w8a16|8bit"), "int8"),
    (re.compile(r"(?i)fp8"), "fp8"),
)
_PARAMETERS = re.compile(r"(?:^|[^A-Za-z0-9.])(\d{1,4}(?:\.\d{1,2})?)[Bb](?:[^A-Za-z0-9]|$)")


def gib(shape: Shape, dtype: str) -> float:
    """GiB of all weights. Embeddings stay 16 bits wide; MXFP4 narrows the routed experts alone."""
    narrow = shape.expert_parameters if dtype == "mxfp4" else shape.parameters - shape.embeddings
    return (narrow * WIDTHS[dtype] + (shape.parameters - narrow) * 2) / GIB


def dtype_of(config: Mapping[str, Any]) -> str | None:
    """The format that a config.json states; None where it names a quantization that isn't known here."""
    inside = config.get("text_config")
    stated = config.get("quantization_config") or (inside.get("quantization_config") if isinstance(inside, Mapping) else None)
    if not stated:
        return "bf16"
    if not isinstance(stated, Mapping):
        return None
    return _METHODS.get(str(stated.get("quant_method"))) or _bits(stated)


def _bits(stated: Mapping[str, Any]) -> str | None:
    """compressed-tensors and ModelOpt: the width and type of the weights, where all groups agree."""
    groups = stated.get("config_groups")
    found = {
        (weights.get("num_bits"), str(weights.get("type")))
        for group in (groups.values() if isinstance(groups, Mapping) else [])
        if isinstance(group, Mapping) and isinstance(weights := group.get("weights"), Mapping)
    }
    known: dict[tuple[Any, str], str] = {(8, "float"): "fp8", (8, "int"): "int8", (4, "int"): "int4", (4, "float"): "fp4"}
    return known.get(next(iter(found))) if len(found) == 1 else None


def dtype_by_name(name: str) -> str:
    """The format that a model's name tells; without a word it is 16 bits wide."""
    return next((dtype for word, dtype in _WORDS if word.search(name)), "bf16")


def gib_by_name(name: str) -> float | None:
    """An estimate from a name like Qwen2.5-7B-Instruct; None where it tells no size."""
    found = _PARAMETERS.search(name)
    return float(found[1]) * 1e9 * WIDTHS[dtype_by_name(name)] / GIB if found else None
