# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the service itself: whether the release can express it, whether its pods fit apart from each other, and their memory for offloaded KV cache."""

from __future__ import annotations

from .._data.quantity import parse
from .._serving import build, dialects, fit, render
from .._serving.quantities import GIB
from .._serving.shape import Pool
from .._serving.wish import DISAGGREGATION, OFFLOAD, WIDE, Refused, Wish
from .look import names, number
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import Node, name, serves, usable_gpus

DIVIDED = (DISAGGREGATION, WIDE)  # paths whose pods stand on different nodes


def service_dialect(case: Case) -> list[Finding]:
    """Rendering it is the test."""
    expected = "a service that the release can express"
    rest = {"blocking": True, "source": "data/dialects/rhoai.yml"}
    try:
        render.sketch(_wish(case))
    except dialects.UnknownRelease as error:
        return [case.finding("service-dialect", UNKNOWN, "the service", str(error), expected, "Choose a release that is known.", **rest)]
    except Refused as error:
        status = FAIL if _seen(case) else UNKNOWN
        return [case.finding("service-dialect", status, "the service", str(error), expected, "See the reason; it names what to change.", **rest)]
    return [case.finding("service-dialect", PASS, "the service", f"RHOAI {case.release} can express it", expected, "Nothing.", **rest)]


def pods_apart(case: Case) -> list[Finding]:
    """By the nodes' size, whatever else runs there; what is free is looked at just before the service is made."""
    if case.path not in DIVIDED or not case.candidates.gpu:
        return []
    try:
        wish = _wish(case)
        pools = render.pods(wish)
    except (Refused, dialects.UnknownRelease):
        return []  # service-dialect says so
    nodes = [_node(node, wish.gpu_resource) for node in case.candidates.gpu]
    short = fit.problem([node for node in nodes if node], pools, wish.gpu_resource)
    unclear = bool(case.candidates.unsure) or None in nodes
    status = UNKNOWN if short and unclear else FAIL if short else PASS
    return [case.finding(
        "pods-apart", status, f"node {names(case.candidates.names)}", short or "all pods fit",
        "room for all pods of the service at once, apart from each other",
        "Declare fewer or smaller pods (llmd_replicas, llmd_prefill_replicas, llmd_groups, llmd_group_nodes), or make more nodes ready.",
        blocking=True, hardware=unclear, source="declaration and node facts",
    )]  # fmt: skip


def offload_headroom(case: Case) -> list[Finding]:
    """The offloaded KV cache is host memory beside the server's own, and the node must have it for all its replicas."""
    if case.path != OFFLOAD or not case.candidates.gpu:
        return []
    expected, source = "memory on the node for its replicas and what they offload", "Kubernetes: pinned host memory counts against the pod's limit"
    try:
        (pool,) = render.pods(_wish(case))
    except (Refused, dialects.UnknownRelease) as error:
        return [case.finding("offload-headroom", UNKNOWN, "offloaded KV cache", str(error), expected, "Declare llmd_kv_offload_gib.", source=source)]
    sizes, each = [number(node, "memory_bytes") for node in case.candidates.gpu], parse(pool.memory) or 0.0
    nowhere = all(size is not None and size < each for size in sizes)
    groups = case.grouped(lambda node: (FAIL, f"no node has {pool.memory} of memory for one replica") if nowhere else _memory(pool, node))
    return [
        case.finding(
            "offload-headroom", status, f"node {names(nodes)}", seen, expected,
            "Lower llmd_kv_offload_gib or llmd_memory_per_replica, or take fewer replicas a node.",
            nodes=tuple(nodes), blocking=status == FAIL, source=source,
        )
        for (status, seen), nodes in groups.items()
    ]  # fmt: skip


def _memory(pool: Pool, node: Node) -> tuple[str, str]:
    """As many replicas as the node's GPUs take; where they are too many, other nodes may take the rest."""
    memory, gpus, each = number(node, "memory_bytes"), usable_gpus(node), parse(pool.memory)
    if memory is None or gpus is None or not each:
        return UNKNOWN, "its memory or its GPUs aren't known"
    full = int(min(gpus // pool.gpus, pool.replicas))
    said = f"{full} replicas of {pool.memory} on {memory / GIB:.4g} GiB of memory"
    return (WARN if full * each > memory else PASS), said


def _wish(case: Case) -> Wish:
    vendor = case.candidates.vendors[0] if case.candidates.vendors else case.facts.automation["vendors"][0]
    declared = {**case.declared, "release": case.release, "path": case.path}
    return build.wish(declared, f"{vendor}.com/gpu", case.facts.models, nodes=case.candidates.gpu)


def _seen(case: Case) -> bool:
    """Whether the nodes' hardware is known; what they don't tell may be all that is missing."""
    counts = [number(node, "accelerators", "count") for node in case.candidates.gpu]
    return bool(counts) and None not in counts and not case.candidates.unsure


def _node(node: Node, gpu_resource: str) -> fit.Node | None:
    """None where its GPUs aren't known. CPU and memory that aren't known don't bind."""
    gpus = usable_gpus(node)
    if gpus is None:
        return None
    cpu, memory = number(node, "cpu"), number(node, "memory_bytes")
    free = {gpu_resource: float(gpus), "cpu": float("inf") if cpu is None else float(cpu), "memory": float("inf") if memory is None else float(memory)}
    return fit.Node(name(node), free if serves(node) else {})
