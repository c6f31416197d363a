# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.placement: do all model servers find a place, and must an older service go first (see plugins/modules/placement.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._apply import manifests
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, KindMissing
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._serving import build, change, dialects, fit, render, wish
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure

RUNNING = "status.phase!=Succeeded,status.phase!=Failed"


class ActionModule(ClusterAction):
    """Reads nodes, pods and the service; changes nothing, so it does the same in check mode."""

    SPEC = {
        "declared": {"type": "dict", "required": True},
        "objects": {"type": "list", "elements": "dict", "required": True},
        "gpu_resource": {"type": "str", "required": True},
        "nodes": {"type": "list", "elements": "dict", "required": True},
        "serving_nodes": {"type": "list", "elements": "str", "required": True},
        "moves": {"type": "bool", "default": False},
        "look": {"type": "bool", "default": True},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """``recreate`` and ``remove``; fails where the pods don't all find a place."""
        if self._task.check_mode and not args["look"]:
            return {"changed": False, "recreate": "", "remove": []}
        try:
            wanted = build.wish(args["declared"], args["gpu_resource"], facts().models, nodes=args["nodes"], serving=args["serving_nodes"])
            pools = render.pods(wanted)
        except (dialects.UnknownRelease, wish.Refused, DataError) as error:
            return failure(str(error))
        cluster = self.connect(args)
        service = next(obj for obj in args["objects"] if obj["kind"] == "LLMInferenceService")
        live = _live(cluster, service)
        nodes = [node for node in cluster.list("/api/v1/nodes", reduce=fit.reduce_node) if node["name"] in args["serving_nodes"]]
        if self._task.check_mode and not any(wanted.gpu_resource in node["allocatable"] for node in nodes):
            return {"changed": False, "recreate": "", "remove": []}  # the driver isn't there yet
        pods = cluster.list("/api/v1/pods", field_selector=RUNNING, reduce=fit.reduce_pod)
        place = (wanted.namespace, wanted.name)
        short = fit.problem(fit.nodes_of(nodes, pods, wanted.gpu_resource, place), pools, wanted.gpu_resource)
        if short:
            raise ClusterError("The model servers don't all find a place, so none was started", _named(service), short, "Free GPUs, or declare fewer pods.")
        beside = fit.nodes_of(nodes, pods, wanted.gpu_resource, place, count_own=True)
        stuck = fit.stuck(beside, pools, wanted.gpu_resource)
        if args["moves"] and live is not None and stuck:
            raise ClusterError(
                "The service can't move to another release while it serves, so it keeps its presets", _named(service), stuck,
                "Free GPUs for one more model server, or declare one replica less, run, and declare it again; then run again.",
            )  # fmt: skip
        why = _recreate(live, service, stuck)
        if why and not manifests.is_ours(live or {}):
            raise ClusterError("The service can't become what is declared", _named(service), why, "It isn't ours: remove it yourself, then run again.")
        return {"changed": False, "recreate": why, "remove": [service, *render.leftovers(wanted, args["objects"])] if why else []}


def _live(cluster: Cluster, service: Mapping[str, Any]) -> dict[str, Any] | None:
    meta = service["metadata"]
    try:
        return cluster.find(cluster.path(service["apiVersion"], service["kind"], meta["namespace"], meta["name"]))
    except KindMissing:
        return None


def _recreate(live: dict[str, Any] | None, service: Mapping[str, Any], stuck: str) -> str:
    if live is None:
        return ""
    pods_change = [found for found in change.differences(live, service) if not found.split(" ")[0].endswith("replicas")]
    return change.recreate(live, service) or (stuck if pods_change else "")


def _named(service: Mapping[str, Any]) -> str:
    return f"LLMInferenceService {service['metadata']['namespace']}/{service['metadata']['name']}"
