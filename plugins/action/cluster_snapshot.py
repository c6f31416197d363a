# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.cluster_snapshot: reads all facts of a cluster (see plugins/modules/cluster_snapshot.py)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import collect
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure


class ActionModule(ClusterAction):
    """Reads the cluster; the same in check mode. The only clock is here."""

    SPEC = {
        "packages": {"type": "list", "elements": "str", "default": []},
        "image_streams": {"type": "list", "elements": "str", "default": ["openshift/tools"]},
        "labels": {"type": "list", "elements": "str", "default": []},
        "accelerators": {"type": "dict"},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The snapshot; the table of devices comes from `data/` when the task doesn't give it."""
        try:
            devices = args["accelerators"] or files.load(files.ROOT / "accelerators.yml", "accelerators")
        except DataError as error:
            return failure(str(error))
        read_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        api: Any = self.connect(args)
        snapshot = collect.read(
            api, devices, args["packages"], args["image_streams"], read_at, args["labels"]
        )
        # Of hundreds of nodes it is megabytes: never printed, not even at -v. It is in snapshot.json.
        return {"changed": False, "snapshot": snapshot, "_ansible_verbose_override": True}
