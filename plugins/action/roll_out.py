# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.roll_out: holds MachineConfigPools back, and lets them go (see plugins/modules/roll_out.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._nodes import window
from ansible_collections.llmd.openshift.plugins.module_utils._watch.rollout import Limits, Rollout, Stopped
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import WaitFailed
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failed_wait, failure


class ActionModule(ClusterAction):
    """Nothing restarts between the two states, so that all changes of a pool cost one restart a machine."""

    SPEC = {
        "pools": {"type": "list", "elements": "dict", "required": True},
        "machines": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["held", "released"], "required": True},
        "stop_after": {"type": "int"},
        "window": {"type": "str"},
        "away_minutes": {"type": "float", "default": 30.0},
        "timeout_seconds": {"type": "float", "default": 3600.0},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Check mode only looks which pools would be held back."""
        host = str(task_vars.get("inventory_hostname", "cluster"))
        if not args["pools"]:
            return {"changed": False, "held": [], "waited": []}
        try:
            window.parse(args["window"]) if args["window"] else None
        except ValueError as error:
            return failure(f"roll_out: window {error}")
        cluster = self.connect(args)
        limits = Limits(args["stop_after"], args["window"] or None, args["away_minutes"] * 60)
        work = Rollout(
            cluster, args["pools"], args["machines"], limits, args["timeout_seconds"], lambda line: self.show(host, line), self.beat(cluster)
        )
        if args["state"] == "held":
            held = work.held() if self._task.check_mode else work.hold()
            return {"changed": bool(held), "held": held}
        if self._task.check_mode:
            return {"changed": True, "waited": []}
        try:
            return {"changed": True, "waited": work.release()}
        except Stopped as stop:
            return {**failure(str(stop), stopped=True), "changed": True}
        except WaitFailed as error:
            return {**failed_wait(error), "changed": True}
