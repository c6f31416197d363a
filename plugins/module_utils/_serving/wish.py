# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be rendered: the declaration, the release's dialect, and what the cluster has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._models.shape import Shape

Row = dict[str, Any]

SCHEDULING, DISAGGREGATION, OFFLOAD, WIDE = "inference_scheduling", "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism"
AMD_RESOURCE = "amd.com/gpu"


class Refused(Exception):
    """It can't be rendered; the text says what, why, and what to do."""


@dataclass(frozen=True)
class Wish:
    """declared: option -> value as `declare` gives them.

    fabric: `pod` of contract 3.9 ({} without a fabric); presets: the cluster's LLMInferenceServiceConfigs, and images: those that the operator's CSV
    lists (both only where they are looked for); nodes: nodes of the snapshot that would serve; model: its layers and heads, None where they aren't known.
    """

    declared: Mapping[str, Any]
    dialect: Mapping[str, Any]
    gpu_resource: str
    storage_class: str | None = None
    fabric: Mapping[str, Any] = field(default_factory=dict)
    presets: tuple[Mapping[str, Any], ...] = ()
    images: tuple[str, ...] = ()
    nodes: tuple[Mapping[str, Any], ...] = ()
    model: Shape | None = None

    @property
    def path(self) -> str:
        return str(self.declared.get("path") or SCHEDULING)

    @property
    def name(self) -> str:
        return str(self.declared["service_name"])

    @property
    def namespace(self) -> str:
        return str(self.declared["namespace"])

    @property
    def release(self) -> str:
        return str(self.dialect["release"])

    @property
    def tensor(self) -> int:
        """GPUs of one model server, which share each layer."""
        return int(self.declared["gpus_per_replica"])

    @property
    def account(self) -> str:
        """ServiceAccount of the model servers."""
        return f"{self.name}-model"
