# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all pods of a service find a place at once, before the first of them takes a GPU.

A group that is short of one node would hold the GPUs of all others for nothing. Prefill and decode servers never share a node, so the nodes must be
divided between them. CPU, memory and GPUs are looked at; what else a pod asks for, Kubernetes' scheduler finds out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from .._assess.look import names, rows, text
from .._data.quantity import parse
from .shape import Pool

Row = Mapping[str, Any]
OVER = ("Succeeded", "Failed")
OTHER = {"decode": "prefill", "prefill": "decode"}  # roles that never share a node


@dataclass(frozen=True)
class Node:
    """Free amounts of one node (inf: not known); holders: who has the GPUs that aren't free; barred: roles that may not come beside a pod of the service."""

    name: str
    free: Mapping[str, float]
    holders: tuple[str, ...] = ()
    barred: frozenset[str] = frozenset()

    def room(self, pool: Pool, gpu_resource: str) -> int:
        """Pods of the pool that fit."""
        wanted = {gpu_resource: float(pool.gpus), "cpu": parse(pool.cpu) or 0.0, "memory": parse(pool.memory) or 0.0}
        limits = [int(free // amount) for name, amount in wanted.items() if amount and (free := self.free.get(name, 0.0)) != inf]
        return max(0, min(limits, default=0))


def reduce_node(node: Row) -> dict[str, Any]:
    """What of a Node counts here."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    ready = next((one.get("status") for one in rows(status, "conditions") or [] if one.get("type") == "Ready"), None)
    return {"name": text(node, "metadata", "name"), "usable": ready == "True" and not spec.get("unschedulable"), "allocatable": status.get("allocatable") or {}}


def reduce_pod(pod: Row) -> dict[str, Any]:
    """What of a Pod counts here: where it is, whose it is, and what it has reserved."""
    meta, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    labels = meta.get("labels") or {}
    return {
        "namespace": meta.get("namespace"),
        "name": meta.get("name"),
        "node": spec.get("nodeName"),
        "service": labels.get("app.kubernetes.io/name") if labels.get("app.kubernetes.io/part-of") == "llminferenceservice" else None,
        "role": labels.get("llm-d.ai/role"),
        "over": (pod.get("status") or {}).get("phase") in OVER,
        "requests": requests(spec),
    }


def requests(spec: Row) -> dict[str, float]:
    """What the scheduler reserves for a pod: its containers together with sidecars, or its largest init container if that is more."""
    total: dict[str, float] = {}
    for container in rows(spec, "containers") or []:
        _add(total, _amounts(container))
    peak: dict[str, float] = {}
    for container in rows(spec, "initContainers") or []:
        amounts = _amounts(container)
        if container.get("restartPolicy") == "Always":
            _add(total, amounts)
        else:
            peak = {name: max(amount, peak.get(name, 0.0)) for name, amount in {**peak, **amounts}.items()}
    return {name: max(total.get(name, 0.0), peak.get(name, 0.0)) for name in {*total, *peak}}


def _amounts(container: Row) -> dict[str, float]:
    resources = container.get("resources") or {}
    found = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: amount for name, value in found.items() if (amount := parse(str(value))) is not None}


def _add(total: dict[str, float], more: Mapping[str, float]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0.0) + amount


def nodes_of(nodes: Sequence[Row], pods: Sequence[Row], gpu_resource: str, service: tuple[str, str], *, count_own: bool = False) -> list[Node]:
    """Usable nodes with what is free on them. Pods of the service (namespace, name) itself count on request only: an update replaces them."""
    there: dict[str, list[Row]] = {}
    for pod in pods:
        if not pod["over"]:
            there.setdefault(pod["node"], []).append(pod)
    return [_node(node, there.get(node["name"], []), gpu_resource, service, count_own) for node in nodes if node["usable"]]


def _node(node: Row, pods: Sequence[Row], gpu_resource: str, service: tuple[str, str], count_own: bool) -> Node:
    free = {name: amount for name, value in node["allocatable"].items() if (amount := parse(str(value))) is not None}
    holders, barred = [], set()
    for pod in pods:
        if (pod["namespace"], pod["service"]) == service:
            barred.add(OTHER.get(pod["role"], ""))
            if not count_own:
                continue
        elif pod["requests"].get(gpu_resource):
            holders.append(f"{pod['namespace']}/{pod['name']} has {pod['requests'][gpu_resource]:g} on {node['name']}")
        for name, amount in pod["requests"].items():
            free[name] = free.get(name, 0.0) - amount
    return Node(str(node["name"]), free, tuple(holders), frozenset(barred - {""}))


def problem(nodes: Sequence[Node], pools: Sequence[Pool], gpu_resource: str) -> str:
    """Why the pods don't all find a place, with who holds the GPUs; empty where they do."""
    if len(pools) == 2:
        short = _divided(nodes, pools[0], pools[1], gpu_resource)
    else:
        short = _together(nodes, pools[0], gpu_resource)
    if not short:
        return ""
    holders = [holder for node in nodes for holder in node.holders]
    free = ", ".join(f"{node.name} {node.free.get(gpu_resource, 0.0):g}" for node in nodes[:6]) or "no node"
    taken = f" GPUs of others: {names(holders, 4)}." if holders else ""
    return f"{short}. Free GPUs: {free}{' ...' if len(nodes) > 6 else ''}.{taken}"


def _together(nodes: Sequence[Node], pool: Pool, gpu_resource: str) -> str:
    """Pods of groups never share a node."""
    rooms = [min(1, node.room(pool, gpu_resource)) if pool.pods > 1 else node.room(pool, gpu_resource) for node in nodes]
    if sum(rooms) >= pool.count:
        return ""
    where = " on different nodes" if pool.pods > 1 else ""
    return (
        f"{pool.count} pods of {pool.gpus} GPUs, {pool.cpu} CPU and {pool.memory} memory are wanted at once{where};"
        f" {sum(rooms)} of them fit on the {len(nodes)} usable nodes"
    )


def _divided(nodes: Sequence[Node], first: Pool, second: Pool, gpu_resource: str) -> str:
    """Each node serves one of two pools. For every number of first pods: the most second pods that the other nodes hold."""
    best = {0: 0}
    for node in nodes:
        one, other = node.room(first, gpu_resource), node.room(second, gpu_resource)
        after: dict[int, int] = {}
        for have, rest in best.items():
            for key, value in ((min(have + one, first.count), rest), (have, rest + other)):
                after[key] = max(after.get(key, 0), value)
        best = after
    left = best.get(first.count)
    if left is not None and left >= second.count:
        return ""
    why = f"{first.count} {first.role} and {second.count} {second.role} pods of {first.gpus} GPUs each are wanted on different nodes"
    if len(nodes) < 2:
        return f"{why}, and {len(nodes)} usable node{'s' if len(nodes) != 1 else ''} can't be divided"
    return f"{why}; " + (f"the {first.role} pods alone don't fit" if left is None else f"beside the {first.role} pods {left} {second.role} pods fit")


def stuck(nodes: Sequence[Node], pools: Sequence[Pool], gpu_resource: str) -> str:
    """Why an update of Deployments would wait for ever: one of fewer than four pods replaces none before a new one runs beside them.

    nodes: here the service's own pods count. (Kubernetes' defaults: maxSurge and maxUnavailable 25 %, the one rounded up, the other down. Groups are
    replaced one after the other.)
    """
    for pool in pools:
        if pool.pods == 1 and pool.count < 4 and not any(node.room(pool, gpu_resource) and pool.role not in node.barred for node in nodes):
            return f"there is no room for a new {pool.role + ' ' if len(pools) == 2 else ''}pod beside the old ones"
    return ""
