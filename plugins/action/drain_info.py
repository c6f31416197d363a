# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.drain_info: what a drain of nodes would meet (see plugins/modules/drain_info.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._nodes import drain
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """Lists the nodes' pods and the budgets; changes nothing, so it does the same in check mode."""

    SPEC = {"nodes": {"type": "list", "elements": "str", "required": True}, "lose_pods": {"type": "bool", "default": False}}

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """``blockers``, ``lost`` and a ``message`` that names those that stand against a drain."""
        blockers, lost = _look(self.connect(args), args["nodes"])
        message = _blocked(blockers) or ("" if args["lose_pods"] else _lost(lost))
        return {"changed": False, "blockers": blockers, "lost": lost, "message": message}


def _look(cluster: Cluster, nodes: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    if not nodes:
        return [], []
    pods = [
        pod
        for node in nodes
        for pod in cluster.list("/api/v1/pods", field_selector=f"spec.nodeName={node}", reduce=drain.reduce_pod)
    ]
    budgets = cluster.list("/apis/policy/v1/poddisruptionbudgets", reduce=drain.reduce_budget)
    return drain.blockers(pods, budgets, nodes), drain.lost(pods, nodes)


def _blocked(blockers: list[dict[str, Any]]) -> str:
    if not blockers:
        return ""
    lines = [f"{row['pod']} ({row['owner'] or 'no controller'}) on node {row['node']}, budget {row['budget']}: {row['why']}" for row in blockers]
    return (
        f"Nothing was restarted, because these pods can't leave their node: {_listed(lines)}. "
        "Start another replica elsewhere, or agree with the owner on a larger disruption budget; then run again."
    )


def _lost(lost: list[dict[str, Any]]) -> str:
    if not lost:
        return ""
    lines = [f"{row['pod']} on node {row['node']}{_data(row['volumes'])}" for row in lost]
    return (
        f"Nothing was restarted, because a drain would delete these pods for good (nothing makes them again): {_listed(lines)}. "
        "Ask their namespaces' owners and delete them, or permit it with lose-pods in llmd_allow_disruption; then run again."
    )


def _data(volumes: list[str]) -> str:
    return f" (with the data of {', '.join(volumes)})" if volumes else ""


def _listed(lines: list[str], shown: int = 5) -> str:
    return "; ".join(lines[:shown]) + (f" and {len(lines) - shown} more" if len(lines) > shown else "")
