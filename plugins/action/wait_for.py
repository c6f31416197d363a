# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.wait_for: waits for a list of objects (see plugins/modules/wait_for.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import Target, TargetError, parse
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import Wait, WaitFailed, look_once
from ansible_collections.llmd.openshift.plugins.plugin_utils import _gathered as gathered
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failed_wait, failure


class ActionModule(ClusterAction):
    """Watches the objects until all fulfil their conditions."""

    SPEC = {
        "objects": {"type": "list", "elements": "dict", "required": True},
        "timeout_seconds": {"type": "float", "default": 3600.0},
        "collect": {"type": "path"},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """One wait; the result has ``waited`` (each object's state) whether it worked out or not."""
        host = str(task_vars.get("inventory_hostname", "cluster"))
        try:
            targets = parse(args["objects"])
            if not targets:
                return {"changed": False, "waited": []}
            if args["collect"]:
                self._collect(args)
                return {"changed": False, "waited": []}
            if self._task.check_mode:
                return self._look(args, targets)
            cluster = self.connect(args)
            results = Wait(
                cluster,
                targets,
                args["timeout_seconds"],
                lambda line: self.show(host, line),
                beat=self.beat(cluster),
            ).run()
        except TargetError as error:
            return failure(f"wait_for: {error}", problems=error.problems)
        except WaitFailed as error:
            return failed_wait(error)
        return {"changed": False, "waited": results}

    def _collect(self, args: dict[str, Any]) -> None:
        """Keeps what would be awaited, for the next list of objects that is collected."""
        awaited = [one for one in args["objects"] if one.get("until") != "absent"]
        gathered.keep(Path(args["collect"]), {"task": str(self._task.name), "objects": [], "after": awaited, "wait_crds": False})

    def _look(self, args: dict[str, Any], targets: list[Target]) -> dict[str, Any]:
        """Check mode: what would be awaited, and how it stands now."""
        results = look_once(self.connect(args), targets)
        open_ones = [r["object"] for r in results if r["seconds"] is None]
        message = (
            f"check mode: would wait for {', '.join(open_ones)}" if open_ones else "check mode: all objects are ready"
        )
        return {"changed": False, "waited": results, "would_wait_for": open_ones, "msg": message}
