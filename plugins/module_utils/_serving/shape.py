# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pods of which size a path makes. A pool is one Deployment, or one LeaderWorkerSet when `pods` is more than one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._assess.look import number
from .quantities import times
from .wish import DISAGGREGATION, WIDE, Refused


@dataclass(frozen=True)
class Pool:
    """pods: those of one replica. gpus, cpu, memory: of one pod. ranks: model servers in one pod, each with gpus / ranks GPUs."""

    role: str  # both | decode | prefill
    replicas: int
    pods: int
    gpus: int
    cpu: str
    memory: str
    ranks: int = 1

    @property
    def count(self) -> int:
        return self.replicas * self.pods


def pools(declared: Mapping[str, Any], gpus_of_a_node: int | None = None) -> list[Pool]:
    """The pools of the declared path. Raises Refused where a group can't be cut as declared.

    gpus_of_a_node: GPUs that each serving node has, for a group whose size isn't declared.
    """
    size = (int(declared["gpus_per_replica"]), str(declared["cpu_per_replica"]), str(declared["memory_per_replica"]))
    if declared.get("path") == DISAGGREGATION:
        return [Pool("decode", int(declared["replicas"]), 1, *size), Pool("prefill", int(declared["prefill_replicas"]), 1, *size)]
    if declared.get("path") == WIDE:
        return [_group(declared, gpus_of_a_node)]
    return [Pool("both", int(declared["replicas"]), 1, *size)]


def _group(declared: Mapping[str, Any], gpus_of_a_node: int | None) -> Pool:
    tensor = int(declared["gpus_per_replica"])
    gpus = int(declared.get("group_gpus_per_node") or gpus_of_a_node or 0)
    if not gpus:
        raise Refused("wide_expert_parallelism: how many GPUs a node has isn't known, so a group can't be cut. Declare llmd_group_gpus_per_node.")
    if gpus % tensor:
        raise Refused(
            f"wide_expert_parallelism: {gpus} GPUs of a node can't be shared by model servers of {tensor} GPUs each."
            " Choose llmd_gpus_per_replica so that it divides llmd_group_gpus_per_node."
        )
    ranks = gpus // tensor
    pods = 1 if declared.get("wep_nodes") == "single" else int(declared["group_nodes"])
    if pods * ranks < 2:
        raise Refused(
            "wide_expert_parallelism: experts can't be spread over one model server."
            " Raise llmd_group_gpus_per_node, or lower llmd_gpus_per_replica."
        )
    cpu, memory = times(str(declared["cpu_per_replica"]), ranks), times(str(declared["memory_per_replica"]), ranks)
    return Pool("both", int(declared["groups"]), pods, gpus, cpu, memory, ranks)


def smallest(nodes: list[Mapping[str, Any]] | tuple[Mapping[str, Any], ...]) -> int | None:
    """GPUs that every one of these nodes has; None where that isn't known of one."""
    counts = [number(node, "accelerators", "count") for node in nodes]
    known = [int(count) for count in counts if count is not None]
    return min(known) if known and len(known) == len(counts) else None
