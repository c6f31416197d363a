# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.service_presets: this version's presets, and the service's move to them (see plugins/modules/service_presets.py)."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, KindMissing
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._proof.pods import COMMON_LABELS, selector
from ansible_collections.llmd.openshift.plugins.module_utils._serving import notes
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction

WORKLOADS = (("apps/v1", "Deployment"), ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"))
LOOK_SECONDS = 1.0
Generations = dict[str, int]


class ActionModule(ClusterAction):
    """Check mode says what would move."""

    SPEC = {
        "api_version": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "applications_namespace": {"type": "str", "default": "redhat-ods-applications"},
        "move": {"type": "bool", "default": False},
        "settle_seconds": {"type": "float", "default": 60.0},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        cluster = self.connect(args)
        prefix = notes.prefix(cluster.list(cluster.path("apps/v1", "Deployment", args["applications_namespace"])))
        if prefix is None:
            raise ClusterError(
                "The names of the release's presets can't be told", f"Deployments {' and '.join(notes.CONTROLLERS)} in {args['applications_namespace']}",
                f"none has the variable {notes.PREFIX_VARIABLE}",
                "See oc get deployments -n redhat-ods-applications; OpenShift AI's KServe must be Managed and ready.",
            )  # fmt: skip
        listed = cluster.list(cluster.path(args["api_version"], "LLMInferenceServiceConfig", args["applications_namespace"]))
        names = {str(one["metadata"]["name"]) for one in listed}
        presets = [one for one in listed if one["metadata"]["name"].startswith(prefix)]
        result = {"changed": False, "prefix": prefix, "presets": presets, "moved": {}, "rolled": []}
        if not args["move"]:
            return result
        path = cluster.path(args["api_version"], "LLMInferenceService", args["namespace"], args["name"])
        service = cluster.find(path)
        moved = notes.moved(service, prefix) if service else {}
        if not moved:
            return result
        where = f"LLMInferenceService {args['namespace']}/{args['name']}"
        _demand(where, {name for key, name in moved.items() if notes.noted(service)[key] in names} - names)
        if self._task.check_mode:
            return {**result, "changed": True, "moved": moved}
        before = _generations(cluster, args)
        cluster.patch(f"{path}/status", {"status": {"annotations": moved}})
        self.show(str(task_vars.get("inventory_hostname", "cluster")), f"{where} moves to the presets {prefix}*")
        return {**result, "changed": True, "moved": moved, "rolled": self._settle(cluster, args, before)}

    def _settle(self, cluster: Cluster, args: dict[str, Any], before: Generations) -> list[str]:
        """What KServe changed. Until it has looked, the service's Ready is that of before; a preset that is the same changes nothing at all."""
        beat, end = self.beat(cluster), time.monotonic() + args["settle_seconds"]
        while True:
            beat()
            now = _generations(cluster, args)
            rolled = sorted(name for name, generation in now.items() if generation != before.get(name))
            if rolled or time.monotonic() >= end:
                return rolled
            time.sleep(LOOK_SECONDS)


def _demand(where: str, lacking: set[str]) -> None:
    """Presets that the service may stand on. (KServe notes those too that its release has not: they weren't there before, either.)"""
    if lacking:
        raise ClusterError(
            "The service can't move to the release's presets", where, f"LLMInferenceServiceConfig {', '.join(sorted(lacking))} isn't there",
            "The operator makes them while OpenShift AI becomes Ready; see its log, then run again. The service goes on with the presets it has.",
        )  # fmt: skip


def _generations(cluster: Cluster, args: dict[str, Any]) -> Generations:
    found: Generations = {}
    labels = selector(COMMON_LABELS, args["name"])
    for api_version, kind in WORKLOADS:
        try:
            listed = cluster.list(cluster.path(api_version, kind, args["namespace"]), label_selector=labels)
        except KindMissing:
            continue
        found |= {f"{kind} {one['metadata']['name']}": int(one["metadata"].get("generation") or 0) for one in listed}
    return found
