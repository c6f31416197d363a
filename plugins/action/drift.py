# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.drift: collected objects against the live ones (see plugins/modules/drift.py)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._apply import manifests
from ansible_collections.llmd.openshift.plugins.module_utils._drift import drift
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Forbidden, KindMissing
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import applied
from ansible_collections.llmd.openshift.plugins.plugin_utils import _gathered as gathered
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction

Key = tuple[str, str]


class ActionModule(ClusterAction):
    """Looks up the few objects that the snapshot doesn't hold, then compares; never changes anything."""

    SPEC = {
        "gathered": {"type": "path"},
        "applied": {"type": "list", "elements": "dict", "default": []},
        "unknown": {"type": "str"},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Each declared object with its state, and the findings."""
        host = str(task_vars.get("inventory_hostname", "cluster"))
        if args["unknown"]:
            return {"changed": False, "objects": [], "findings": [drift.not_compared(args["unknown"])]}
        wanted = drift.declared(gathered.taken(Path(args["gathered"])))
        live: dict[Key, drift.Live | None] = {drift.key(row["object"]): _live(row) for row in args["applied"]}
        cluster = self.connect(args)
        _ours(cluster, [obj for _stage, obj in wanted if drift.key(obj) not in live], live)
        for _stage, obj in wanted:
            known = live.get(drift.key(obj))
            if drift.key(obj) not in live or (known and known.object["apiVersion"] != obj["apiVersion"]):
                _look(cluster, obj, live)
        seen = drift.drift(wanted, live)
        for line in drift.lines(seen):
            self.show(host, line)
        return {"changed": False, "objects": [one.as_dict() for one in seen], "findings": drift.findings(seen)}


def _ours(cluster: Cluster, objects: list[dict[str, Any]], live: dict[Key, drift.Live | None]) -> None:
    """Those of ours of each kind that is missing more than once (Namespaces), with one request a kind."""
    kinds = [(obj["apiVersion"], obj["kind"]) for obj in objects]
    for kind in dict.fromkeys(one for one in kinds if kinds.count(one) > 1):
        with contextlib.suppress(Forbidden, KindMissing):
            for row in cluster.list(cluster.path(*kind), manifests.SELECTOR, reduce=applied.described):
                live[drift.key(row["object"])] = _live(row)


def _look(cluster: Cluster, obj: dict[str, Any], live: dict[Key, drift.Live | None]) -> None:
    """One object that the snapshot doesn't hold; forbidden ones stay unknown."""
    meta = obj["metadata"]
    try:
        found = cluster.find(cluster.path(obj["apiVersion"], obj["kind"], meta.get("namespace"), meta["name"]))
    except KindMissing:
        found = None
    except Forbidden:
        return
    live[drift.key(obj)] = _live(applied.described(found)) if found else None


def _live(row: Mapping[str, Any]) -> drift.Live:
    return drift.Live(row["object"], row["managed_by"], tuple(row["fields"]))
