# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all pods find a place at once: groups on different nodes, nodes divided between prefill and decode, and who is in the way."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._serving import fit
from ansible_collections.llmd.openshift.plugins.module_utils._serving.shape import Pool

GPU = "nvidia.com/gpu"
SERVICE = ("llmd", "qwen")


def node(name: str, gpus: int = 8, **more: Any) -> dict[str, Any]:
    status = {"allocatable": {GPU: str(gpus), "cpu": "200", "memory": "2000Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}
    return fit.reduce_node({"metadata": {"name": name}, "spec": {}, "status": {**status, **more}})


def pod(name: str, where: str, gpus: int = 0, namespace: str = "other", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"resources": {"limits": {GPU: str(gpus)} if gpus else {}, "requests": {"cpu": "4", "memory": "32Gi"}}}
    return fit.reduce_pod({
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {"nodeName": where, "containers": [container], **spec}, "status": {"phase": "Running"},
    })  # fmt: skip


def own(name: str, where: str, role: str, gpus: int = 1) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "qwen", "app.kubernetes.io/part-of": "llminferenceservice", "llm-d.ai/role": role}
    return pod(name, where, gpus, "llmd", labels)


def pool(role: str = "both", replicas: int = 2, gpus: int = 1, pods: int = 1) -> Pool:
    return Pool(role, replicas, pods, gpus, "4", "32Gi")


def problem(nodes: list[Any], pods: list[Any], *pools: Pool) -> str:
    return fit.problem(fit.nodes_of(nodes, pods, GPU, SERVICE), pools, GPU)


PD = (pool("decode", 2), pool("prefill", 2))


def test_an_empty_cluster_has_room() -> None:
    assert problem([node("a"), node("b")], [], pool(replicas=16)) == ""
    assert problem([node("a"), node("b")], [], *PD) == ""
    assert problem([node("a"), node("b")], [], pool(replicas=1, gpus=8, pods=2)) == ""


def test_a_group_that_is_short_of_one_node_is_told_who_has_the_gpus() -> None:
    said = problem([node("a"), node("b")], [pod("train-0", "b", 2)], pool(replicas=1, gpus=8, pods=2))
    assert "2 pods of 8 GPUs" in said and "on different nodes; 1 of them fit on the 2 usable nodes" in said
    assert "Free GPUs: a 8, b 6." in said and "other/train-0 has 2 on b" in said


def test_pods_of_a_group_never_share_a_node() -> None:
    assert problem([node("a", 16)], [], pool(replicas=1, gpus=8, pods=2))


def test_prefill_and_decode_never_share_a_node() -> None:
    assert "1 usable node can't be divided" in problem([node("a")], [], *PD)
    assert "beside the decode pods 1 prefill pods fit" in problem([node("a"), node("b", 1)], [], *PD)


def test_the_division_is_the_best_one() -> None:
    """Largest first would give the big node to decode and leave too little."""
    big, small, tiny = node("a", 4), node("b", 2), node("c", 2)
    assert problem([big, small, tiny], [], pool("decode", 4), pool("prefill", 4)) == ""
    assert problem([small, tiny], [], pool("decode", 4), pool("prefill", 1))


@pytest.mark.parametrize("sizes", [(1, 2, 3), (4, 1, 1, 2), (2, 2), (8,), (3, 3, 3)])
def test_the_division_agrees_with_trying_everything(sizes: tuple[int, ...]) -> None:
    nodes = [node(str(number), size) for number, size in enumerate(sizes)]
    for first, second in product(range(1, 8), repeat=2):
        possible = any(
            sum(size for size, one in zip(sizes, choice, strict=True) if one) >= first and sum(size for size, one in zip(sizes, choice, strict=True) if not one) >= second
            for choice in product((True, False), repeat=len(sizes))
        )
        assert (problem(nodes, [], pool("decode", first), pool("prefill", second)) == "") == possible, (sizes, first, second)


def test_cpu_and_memory_count_too() -> None:
    assert problem([node("a", allocatable={GPU: "8", "cpu": "7", "memory": "2000Gi"})], [], pool(replicas=2))
    assert problem([node("a", allocatable={GPU: "8", "cpu": "200", "memory": "63Gi"})], [], pool(replicas=2))


def test_a_node_that_is_cordoned_or_not_ready_counts_for_nothing() -> None:
    cordoned = fit.reduce_node({"metadata": {"name": "a"}, "spec": {"unschedulable": True}, "status": {"allocatable": {GPU: "8"}, "conditions": [{"type": "Ready", "status": "True"}]}})
    assert "0 of them fit on the 0 usable nodes" in problem([cordoned, node("b", conditions=[])], [], pool())


def test_own_pods_and_those_that_are_over_are_not_in_the_way() -> None:
    full = [own("qwen-0", "a", "both", 8), {**pod("done", "a", 8), "over": True}]
    assert problem([node("a")], full, pool(replicas=8)) == ""


def test_sidecars_add_up_and_init_containers_count_by_the_largest() -> None:
    init = [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}, {"resources": {"requests": {"cpu": "3"}}}, {"resources": {"requests": {"cpu": "9"}}}]
    assert pod("p", "a", initContainers=init)["requests"]["cpu"] == 9
    assert pod("p", "a", initContainers=init[:2])["requests"]["cpu"] == 5


# ---- updates ----


def stuck(nodes: list[Any], pods: list[Any], *pools: Pool) -> str:
    return fit.stuck(fit.nodes_of(nodes, pods, GPU, SERVICE, count_own=True), pools, GPU)


def test_a_full_cluster_has_no_room_for_an_update_of_few_pods() -> None:
    full = [own("qwen-0", "a", "both", 8), own("qwen-1", "b", "both", 8)]
    assert "no room for a new pod beside the old ones" in stuck([node("a"), node("b")], full, pool(gpus=8))
    assert stuck([node("a"), node("b"), node("c")], full, pool(gpus=8)) == ""
    assert stuck([node("a"), node("b")], full, pool(replicas=4, gpus=8)) == "", "of four pods one may go first"
    assert stuck([node("a"), node("b")], full, pool(replicas=1, gpus=8, pods=2)) == "", "groups are replaced one after the other"


def test_room_on_the_other_pools_node_is_no_room() -> None:
    pods = [own("d", "a", "decode", 8), own("p", "b", "prefill", 1)]
    assert "no room for a new decode pod" in stuck([node("a"), node("b")], pods, pool("decode", 1, 8), pool("prefill", 1))
