# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what the model needs: GPU memory, the volume of its weights, the nodes' CPU and memory, room for offloaded KV cache."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._data import quantity
from .look import drives, names, number, strings, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import Node, models, usable_gpus

GIB = 2**30
_UTILIZATION = 0.9  # vLLM's default of --gpu-memory-utilization
_ARGUMENT = re.compile(r"^--gpu[-_]memory[-_]utilization(?:=|\s+)([01](?:\.\d+)?|\.\d+)$")
_PARAMETERS = re.compile(r"(?:^|[^A-Za-z0-9.])(\d{1,4}(?:\.\d{1,2})?)[Bb](?:[^A-Za-z0-9]|$)")
# Bytes of one weight, by what a model's name says of its quantization; without a word it is 16 bits wide.
_WIDTHS = ((re.compile(r"(?i)fp8|w8a8|w8a16|int8|8bit"), 1.0), (re.compile(r"(?i)fp4|int4|w4a16|awq|gptq|4bit"), 0.5))
_VLLM = "vLLM engine arguments (--gpu-memory-utilization, default 0.9)"


def weights(declared: Mapping[str, Any]) -> tuple[float | None, bool]:
    """(GiB of the model's weights, whether that is declared). An estimate comes from a name like Qwen2.5-7B-Instruct."""
    given = number(declared, "model_weights_gib")
    if given:
        return float(given), True
    name = text(declared, "model_name") or text(declared, "model_uri") or ""
    found = _PARAMETERS.search(name)
    if not found:
        return None, False
    width = next((width for word, width in _WIDTHS if word.search(name)), 2.0)
    return float(found[1]) * 1e9 * width / GIB, False


def model_memory(case: Case) -> list[Finding]:
    """Weights / tensor parallelism + KV cache <= GPU memory x the share that vLLM takes. Activations aren't counted."""
    total, certain = weights(case.declared)
    share, each = _share(case), number(case.declared, "gpus_per_replica") or 1
    cache = number(case.declared, "kv_cache_gib_per_gpu")
    if total is None or cache is None:
        return [case.finding(
            "model-memory", UNKNOWN, "the model", "the size of its weights isn't known", "weights and KV cache fit into the GPUs",
            "Declare llmd_model_weights_gib.", source=_VLLM,
        )]  # fmt: skip
    need = total / each + cache
    said = f"{total:.4g} GiB of weights{'' if certain else ' (by its name)'} on {each:g} GPUs and {cache:g} GiB of KV cache each are {need:.4g} GiB a GPU"
    groups = case.grouped(lambda node: _memory(case, node, need, share, certain))
    return [
        case.finding(
            "model-memory", status, f"node {names(nodes)}", f"{said}; {seen}", f"at most {share:g} of the GPU's memory",
            "Raise llmd_gpus_per_replica, take a smaller or quantized model, or lower llmd_kv_cache_gib_per_gpu.", blocking=status == FAIL,
            nodes=tuple(nodes), source=_VLLM,
        )
        for (status, seen), nodes in groups.items()
    ]  # fmt: skip


def _share(case: Case) -> float:
    found = [match for item in strings(case.declared, "vllm_args") if (match := _ARGUMENT.match(item.strip()))]
    return float(found[-1][1]) if found else _UTILIZATION


def _memory(case: Case, node: Node, need: float, share: float, certain: bool) -> tuple[str, str]:
    """A no is only said of measured memory and declared weights; where either is inferred, it is a warning."""
    mib = number(node, "accelerators", "memory_mib")
    seen = models(node, case.facts.gpu_models) or set()
    known = [size for model in seen if (size := number(case.facts.traits, "models", model, "memory_gib"))]
    if not mib and len(known) < max(1, len(seen)):
        return UNKNOWN, "the memory of its GPUs isn't known"
    size = mib / 1024 if mib else float(min(known))
    shown = f"{size:.4g} GiB{'' if mib else ' (the smallest of this model)'}"
    if need <= size * share:
        return PASS, f"a GPU has {shown}"
    return (FAIL if certain and mib else WARN), f"a GPU has {shown}"


def model_volume(case: Case) -> list[Finding]:
    """Weights that are downloaded (hf://, s3://) lie on one volume a replica."""
    total, certain = weights(case.declared)
    size = number(case.declared, "model_cache_gib")
    if not (text(case.declared, "model_uri") or "").startswith(("hf://", "s3://")) or total is None or size is None:
        return []
    status = PASS if total <= size else FAIL if certain else WARN
    return [case.finding(
        "model-volume", status, "volume of the model", f"{total:.4g} GiB of weights{'' if certain else ' (by its name)'}, {size:g} GiB of volume",
        "a volume that holds the weights", "Raise llmd_model_cache_gib.", blocking=status == FAIL, source="declaration",
    )]  # fmt: skip


def cache_size(case: Case) -> list[Finding]:
    """The volumes of a node's replicas against its NVMe drives, where LVM Storage makes them and somebody has measured the drives."""
    each = number(case.declared, "model_cache_gib")
    local = case.declared.get("model_cache", "lvms") == "lvms" and not case.declared.get("storage_class")
    if not local or each is None or not (text(case.declared, "model_uri") or "").startswith(("hf://", "s3://")):
        return []
    groups = case.grouped(lambda node: _cache(case, node, each))
    return [
        case.finding(
            "model-cache-size", status, f"node {names(nodes)}", seen, "drives that hold the volumes of the node's replicas",
            "Lower llmd_model_cache_gib, free drives, or name a StorageClass by llmd_storage_class." if status != UNKNOWN
            else "LVM Storage names the drives; their sizes show with the Local Storage Operator's LocalVolumeDiscovery.",
            blocking=status == FAIL, nodes=tuple(nodes), source="LocalVolumeDiscoveryResult, LVMVolumeGroupNodeStatus",
        )
        for (status, seen), nodes in groups.items()
    ]  # fmt: skip


def _cache(case: Case, node: Node, each: float) -> tuple[str, str]:
    """A volume that no drive space can hold is a no; several that don't fit side by side may still be thin, so that is a warning."""
    usable = drives(node)
    sizes = [number(drive, "size_bytes") for drive in usable]
    full = _replicas(case, node)
    if not usable or None in sizes or full is None:
        return UNKNOWN, "the size of its free NVMe drives isn't known"
    have = sum(size for size in sizes if size is not None) / GIB
    said = f"{full} volumes of {each:g} GiB, {have:.4g} GiB of NVMe drives"
    return (FAIL if each > have else WARN if full * each > have else PASS), said


def _replicas(case: Case, node: Node) -> int | None:
    """Replicas that a node may get at most; None where its GPUs aren't known."""
    gpus = usable_gpus(node)
    if gpus is None:
        return None
    return int(min(gpus // (number(case.declared, "gpus_per_replica") or 1), number(case.declared, "replicas") or 2))


def host_headroom(case: Case) -> list[Finding]:
    """Replicas that fit by GPU, CPU and memory together; by capacity, so a no is sure and a yes leaves out what else runs there."""
    replicas = number(case.declared, "replicas") or 2
    rooms = [_room(case, node) for node in case.candidates.gpu]
    if not rooms or None in rooms:
        return []  # gpu-capacity and accelerator-present say what isn't known of the GPUs
    fits = sum(room for room in rooms if room is not None)
    enough = fits >= replicas
    blind = [
        node for node in case.candidates.gpu if number(node, "cpu") is None or number(node, "memory_bytes") is None
    ]
    status = FAIL if not enough else UNKNOWN if blind else PASS
    cpu, memory = case.declared.get("cpu_per_replica"), case.declared.get("memory_per_replica")
    return [case.finding(
        "host-headroom", status, "nodes with GPUs", f"room for {fits} replicas of {cpu} CPU and {memory} memory" + (
            f"; CPU or memory of {len(blind)} nodes isn't known" if blind else ""
        ), f"room for {replicas:g} replicas", "Lower llmd_cpu_per_replica or llmd_memory_per_replica, or serve from more nodes.",
        blocking=status == FAIL, source="Node status.capacity",
    )]  # fmt: skip


def _room(case: Case, node: Node) -> int | None:
    """Replicas that fit on a node; what isn't known of CPU and memory doesn't bind. None where its GPUs aren't known."""
    gpus = usable_gpus(node)
    if gpus is None:
        return None
    limits = [gpus / (number(case.declared, "gpus_per_replica") or 1)]
    for have, option in (
        (number(node, "cpu"), "cpu_per_replica"),
        (number(node, "memory_bytes"), "memory_per_replica"),
    ):
        want = quantity.parse(str(case.declared.get(option)))
        if have is not None and want:
            limits.append(have / want)
    return int(min(limits))


def offload_headroom(case: Case) -> list[Finding]:
    """The offloaded KV cache is host memory of the replica: within its limit, and the node must have it for all its replicas."""
    if case.path != "kv_cache_offload" or not case.candidates.gpu:
        return []
    wanted, limit = (
        number(case.declared, "kv_offload_gib"),
        quantity.parse(str(case.declared.get("memory_per_replica"))),
    )
    rest: dict[str, Any] = {
        "source": "reference: pinned host memory counts against the pod's limit (Kubernetes memory cgroup)"
    }
    expected = "room for the offloaded KV cache in the replica's memory, and for the replicas on the node"
    if not wanted or not limit:
        return [case.finding(
            "offload-headroom", UNKNOWN, "offloaded KV cache", "its size isn't declared", expected, "Declare llmd_kv_offload_gib.", **rest
        )]  # fmt: skip
    if wanted * GIB >= limit:
        return [case.finding(
            "offload-headroom", FAIL, "memory of a replica", f"{wanted:g} GiB of offloaded KV cache, {limit / GIB:.4g} GiB of memory", expected,
            "Raise llmd_memory_per_replica above llmd_kv_offload_gib and what the server itself needs.", blocking=True, **rest,
        )]  # fmt: skip
    groups = case.grouped(lambda node: _offload(case, node, limit))
    return [
        case.finding(
            "offload-headroom", status, f"node {names(nodes)}", seen, expected,
            "Lower llmd_kv_offload_gib and llmd_memory_per_replica, or take fewer replicas a node.",
            nodes=tuple(nodes), **rest,
        )
        for (status, seen), nodes in groups.items()
    ]  # fmt: skip


def _offload(case: Case, node: Node, limit: float) -> tuple[str, str]:
    memory, full = number(node, "memory_bytes"), _replicas(case, node)
    if memory is None or full is None:
        return UNKNOWN, "its memory or its GPUs aren't known"
    said = f"{full} replicas of {limit / GIB:.4g} GiB on {memory / GIB:.4g} GiB of memory"
    return (PASS if full * limit <= memory else WARN), said
