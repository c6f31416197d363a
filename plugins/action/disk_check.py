# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.disk_check: measures the drives of the model cache (see plugins/modules/disk_check.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._perf.disks import Orders, run
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, leftovers


class ActionModule(ClusterAction):
    """Makes one Pod a node with a volume of its own, reads what fio measured, deletes everything; never reports a change."""

    SPEC = {
        "namespace": {"type": "str", "required": True},
        "image": {"type": "str"},
        "storage_class": {"type": "str", "required": True},
        "nodes": {"type": "list", "elements": "str", "required": True},
        "read_mib": {"type": "float"},
        "tolerations": {"type": "list", "elements": "dict", "default": []},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The verdict; without an image nothing is asked of the cluster."""
        if self._task.check_mode:
            return {"changed": False, "check": {}, "msg": "check mode: the drives aren't measured"}
        orders = Orders(args["namespace"], args["image"] or "", args["storage_class"], args["nodes"], args["read_mib"], args["tolerations"] or [])
        host = str(task_vars.get("inventory_hostname", "cluster"))
        cluster = self.connect(args) if orders.image else None
        check, left = run(cluster, orders, lambda line: self.show(host, line), self.beat(cluster) if cluster else lambda: None)
        said = "; ".join(f"{one['status']}: {one['observed']}. {one['remedy']}".strip() for one in check["findings"])
        return {"changed": False, "check": check, "msg": said, **leftovers(left)}
