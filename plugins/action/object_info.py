# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.object_info: reads objects without a Python process of its own (see plugins/modules/object_info.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import KindMissing
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """Changes nothing, so it does the same in check mode."""

    SPEC = {
        "api_version": {"type": "str", "default": "v1"},
        "kind": {"type": "str", "required": True},
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "label_selector": {"type": "str"},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        cluster = self.connect(args)
        try:
            path = cluster.path(args["api_version"], args["kind"], args["namespace"], args["name"])
            if args["name"]:
                found = cluster.find(path)
                return {"changed": False, "resources": [found] if found else []}
            return {"changed": False, "resources": cluster.list(path, label_selector=args["label_selector"])}
        except KindMissing:
            return {"changed": False, "resources": []}
