# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what the model needs: GPU memory, the volume of its weights, the nodes' CPU and memory, room for offloaded KV cache."""

from __future__ import annotations

from math import ceil

from .._data import quantity
from .._models.fit import Engine, Need, divides, engine, longest, need, smallest
from .._models.known import Model, declared_model
from .._models.weights import GIB
from .._serving.shape import pools
from .._serving.shape import smallest as smallest_node
from .._serving.wish import Refused
from .look import drives, names, number, strings, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import Node, models, usable_gpus

_VLLM = "vLLM engine arguments (--gpu-memory-utilization, default 0.9)"


def model_memory(case: Case) -> list[Finding]:
    """Weights / tensor parallelism + KV cache <= GPU memory x the share that vLLM takes. Activations aren't counted."""
    model, told, tensor, spread = _model(case), _engine(case), _tensor(case), _spread(case)
    cache, wanted = number(case.declared, "kv_cache_gib_per_gpu"), need(model, tensor, told, spread) if spread else None
    if spread is None:
        return [case.finding(
            "model-memory", UNKNOWN, "the model", "over how many GPUs its experts are spread isn't known", "weights and KV cache fit into the GPUs",
            "Declare llmd_group_nodes and llmd_group_gpus_per_node.", source=_VLLM,
        )]  # fmt: skip
    if wanted is None or cache is None:
        return [case.finding(
            "model-memory", UNKNOWN, "the model", "the size of its weights isn't known", "weights and KV cache fit into the GPUs",
            "Declare llmd_model_weights_gib, or its config.json as llmd_model_config.", source=_VLLM,
        )]  # fmt: skip
    total = wanted.weights + cache
    experts = f", experts over {spread} such groups," if spread > 1 else ""
    said = f"{model.weights_gib:.4g} GiB of weights{_origin(model)} on {tensor} GPUs{experts} and {cache:g} GiB of KV cache each are {total:.4g} GiB a GPU"
    groups = case.grouped(lambda node: _memory(case, node, total, told.share, model.certain))
    return [
        case.finding(
            "model-memory", status, f"node {names(nodes)}", f"{said}; {seen}", f"at most {told.share:g} of the GPU's memory",
            _nearest(model, told, cache, size, spread) if status != PASS else "Nothing.", blocking=status == FAIL,
            nodes=tuple(nodes), source=_VLLM,
        )
        for (status, seen, size), nodes in groups.items()
    ]  # fmt: skip


def _model(case: Case) -> Model:
    return declared_model(case.declared, case.facts.models)


def _engine(case: Case) -> Engine:
    return engine(strings(case.declared, "vllm_args"))


def _tensor(case: Case) -> int:
    return int(number(case.declared, "gpus_per_replica") or 1)


def _spread(case: Case) -> int | None:
    """Model servers that share the experts (wide expert parallelism), 1 on other paths; None where a group's size isn't known."""
    if case.declared.get("path") != "wide_expert_parallelism":
        return 1
    try:
        group = pools(case.declared, smallest_node(case.candidates.gpu))[0]
    except (Refused, KeyError, ValueError):
        return None
    return group.pods * group.ranks


def _origin(model: Model) -> str:
    return "" if model.origin == "declared" else f" ({model.origin})"


def _memory(case: Case, node: Node, total: float, share: float, certain: bool) -> tuple[str, str, float | None]:
    """(status, what is seen, GiB of a GPU). A no is only said of measured memory and a known size; where either is inferred, it is a warning."""
    size, measured = _gpu_gib(case, node)
    if size is None:
        return UNKNOWN, "the memory of its GPUs isn't known", None
    shown = f"a GPU has {size:.4g} GiB{'' if measured else ' (the smallest of this model)'}"
    if total <= size * share:
        return PASS, shown, size
    return (FAIL if certain and measured else WARN), shown, size


def _gpu_gib(case: Case, node: Node) -> tuple[float | None, bool]:
    """(GiB of the node's smallest GPU, whether that is measured)."""
    mib = number(node, "accelerators", "memory_mib")
    if mib:
        return mib / 1024, True
    seen = models(node, case.facts.gpu_models) or set()
    known = [size for model in seen if (size := number(case.facts.traits, "models", model, "memory_gib"))]
    return (float(min(known)) if known and len(known) == len(seen) else None), False


def _nearest(model: Model, told: Engine, cache: float, size: float | None, spread: int) -> str:
    """The nearest yes: more GPUs a replica, or a narrower version of the same model; with numbers."""
    ways = ["raise llmd_group_nodes, or llmd_gpus_per_replica"] if spread > 1 else []
    enough = smallest(model, size, told, cache) if size and spread == 1 else None
    wanted = need(model, enough, told) if enough else None
    if enough and wanted:
        ways.append(f"set llmd_gpus_per_replica to {enough} ({wanted.weights + cache:.4g} GiB a GPU)")
    narrower = [one for one in (model.profile or {}).get("weights", []) if model.weights_gib and one["gib"] < 0.95 * model.weights_gib]
    ways += [f"take {one['repositories'][0]} ({one['gib']:g} GiB of weights)" for one in narrower]
    return _sentence([*(ways or ["raise llmd_gpus_per_replica", "take a smaller or quantized model"]), "lower llmd_kv_cache_gib_per_gpu"])


def _sentence(ways: list[str]) -> str:
    """"A, b, or c." of ways that each help."""
    joined = ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])}, or {ways[-1]}"
    return f"{joined[0].upper()}{joined[1:]}."


def model_context(case: Case) -> list[Finding]:
    """vLLM doesn't start when its KV cache can't hold one sequence of the longest length."""
    model, told, tensor, spread = _model(case), _engine(case), _tensor(case), _spread(case)
    wanted = need(model, tensor, told, spread) if spread else None
    if spread is None or wanted is None or wanted.sequence is None:
        return []  # model-memory says what isn't known
    groups = case.grouped(lambda node: _context(case, node, model, told, wanted, spread))
    return [
        case.finding(
            "model-context", status, f"node {names(nodes)}", seen, f"room for one sequence of {wanted.length} tokens",
            remedy, blocking=status == FAIL, nodes=tuple(nodes), source="vLLM, check_enough_kv_cache_memory; --max-model-len",
        )
        for (status, seen, remedy), nodes in groups.items()
    ]  # fmt: skip


def _context(case: Case, node: Node, model: Model, told: Engine, wanted: Need, spread: int) -> tuple[str, str, str]:
    size, measured = _gpu_gib(case, node)
    if size is None or wanted.sequence is None:
        return UNKNOWN, "the memory of its GPUs isn't known", "Let the GPU operator's labels show it."
    room = size * told.share - wanted.weights
    said = f"a sequence of {wanted.length} tokens takes {wanted.sequence:.4g} GiB a GPU; {max(0.0, room):.4g} GiB are left beside the weights"
    if wanted.sequence <= room:
        return PASS, said, "Nothing."
    fits, more = longest(model, _tensor(case), size, told, spread), smallest(model, size, told, 0) if spread == 1 else None
    ways = [f"add --max-model-len={fits} to llmd_vllm_args"] if fits else []
    ways += [f"set llmd_gpus_per_replica to {more}"] if more else []
    return (FAIL if measured and model.certain else WARN), said, _sentence(ways or ["take a smaller or quantized model"])


def model_parallelism(case: Case) -> list[Finding]:
    """Tensor parallelism gives each GPU the same number of attention heads."""
    model, tensor = _model(case), _tensor(case)
    if model.shape is None:
        return []
    heads, good = model.shape.heads, divides(model, tensor)
    fits = [str(count) for count in range(1, heads + 1) if heads % count == 0 and count <= 16]
    return [case.finding(
        "model-parallelism", PASS if good else FAIL, model.name, f"{heads} attention heads on {tensor} GPUs", "heads that the GPUs share evenly",
        f"Set llmd_gpus_per_replica to one of {', '.join(fits)}.", blocking=not good, source="vLLM, ModelConfig.verify_with_parallel_config",
    )]  # fmt: skip


def model_volume(case: Case) -> list[Finding]:
    """Weights that are downloaded (hf://, s3://) lie on one volume a replica."""
    model = _model(case)
    total, size = model.download_gib or model.weights_gib, number(case.declared, "model_cache_gib")
    if not (text(case.declared, "model_uri") or "").startswith(("hf://", "s3://")) or total is None or size is None:
        return []
    status = PASS if total <= size else FAIL if model.certain else WARN
    return [case.finding(
        "model-volume", status, "volume of the model", f"{total:.4g} GiB of weights{_origin(model)}, {size:g} GiB of volume",
        "a volume that holds the weights", f"Raise llmd_model_cache_gib to {ceil(total * 1.05)} or more.", blocking=status == FAIL,
        source="declaration",
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
    """Replicas that fit by GPU, CPU and memory together; by capacity, so a no is sure and a yes leaves out what else runs there.

    Where pods stand apart from each other, pods-apart says it.
    """
    if case.path in ("pd_disaggregation", "wide_expert_parallelism"):
        return []
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
