# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether nodes can be drained: which PodDisruptionBudget forbids it, and which pods are lost for good.

A drain by the machine-config-operator evicts all pods but those of DaemonSets and static ones; it deletes emptyDir volumes and pods
without a controller, so only budgets can stop it (openshift/machine-config-operator pkg/daemon/drain.go). What is lost with a pod that
nobody makes again is named, since a drain doesn't ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import dig, mapping, number, rows, text
from .._data.selectors import selects

Row = Mapping[str, Any]
STATIC = "kubernetes.io/config.mirror"


def reduce_pod(pod: Row) -> dict[str, Any]:
    """What of a pod decides about a drain."""
    owner = next((row for row in rows(pod, "metadata", "ownerReferences") or [] if row.get("controller")), None)
    return {
        "name": text(pod, "metadata", "name"),
        "namespace": text(pod, "metadata", "namespace"),
        "node": text(pod, "spec", "nodeName"),
        "labels": mapping(pod, "metadata", "labels"),
        "owner": f"{text(owner, 'kind')} {text(owner, 'name')}" if owner else None,
        "scratch": [text(row, "name") for row in rows(pod, "spec", "volumes") or [] if "emptyDir" in row],
        "stays": bool(owner and owner.get("kind") == "DaemonSet") or STATIC in mapping(pod, "metadata", "annotations"),
        "over": text(pod, "status", "phase") in ("Succeeded", "Failed") or text(pod, "metadata", "deletionTimestamp") is not None,
    }


def reduce_budget(budget: Row) -> dict[str, Any]:
    """What of a PodDisruptionBudget decides."""
    return {
        "name": text(budget, "metadata", "name"),
        "namespace": text(budget, "metadata", "namespace"),
        "selector": dig(budget, "spec", "selector"),
        "allowed": number(budget, "status", "disruptionsAllowed"),
        "healthy": number(budget, "status", "currentHealthy"),
        "wanted": number(budget, "status", "desiredHealthy"),
    }


def blockers(pods: list[Row], budgets: list[Row], nodes: list[str]) -> list[dict[str, Any]]:
    """The pods on these nodes that can't be evicted now, each with its budget. Several budgets of one pod forbid every eviction."""
    found = []
    for pod in _leaving(pods, nodes):
        covering = [budget for budget in budgets if budget["namespace"] == pod["namespace"] and selects(budget["selector"], pod["labels"])]
        closed = [budget for budget in covering if not budget["allowed"]]
        if len(covering) > 1:
            why = f"{len(covering)} budgets select it, which forbids every eviction"
        elif closed:
            why = f"{_count(closed[0]['healthy'])} healthy, {_count(closed[0]['wanted'])} wanted: no disruption is allowed"
        else:
            continue
        names = ", ".join(f"{budget['namespace']}/{budget['name']}" for budget in covering)
        found.append({**_who(pod), "budget": names, "why": why})
    return found


def lost(pods: list[Row], nodes: list[str]) -> list[dict[str, Any]]:
    """The pods on these nodes that nobody makes again; volumes: those of their data that go with them."""
    return [{**_who(pod), "volumes": pod["scratch"]} for pod in _leaving(pods, nodes) if pod["owner"] is None]


def _leaving(pods: list[Row], nodes: list[str]) -> list[Row]:
    return [pod for pod in pods if pod["node"] in nodes and not pod["stays"] and not pod["over"]]


def _who(pod: Row) -> dict[str, Any]:
    return {"node": pod["node"], "pod": f"{pod['namespace']}/{pod['name']}", "owner": pod["owner"]}


def _count(value: Any) -> str:
    return "an unknown number" if value is None else str(value)
