# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.wait_for: waits for a list of objects (see plugins/modules/wait_for.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError
from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import Target, TargetError, parse
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import Wait, WaitFailed, look_once
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure, plain

SPEC = {
    "objects": {"type": "list", "elements": "dict", "required": True},
    "timeout_seconds": {"type": "float", "default": 3600.0},
}


class ActionModule(ClusterAction):
    """Watches the objects until all fulfil their conditions."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One wait; the result has ``waited`` (each object's state) whether it worked out or not."""
        super().run(tmp, task_vars)
        args = self.arguments(SPEC)
        host = str((task_vars or {}).get("inventory_hostname", "cluster"))
        try:
            targets = parse(plain(args["objects"]))
            if not targets:
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
        except ClusterError as error:
            return failure(str(error), error)
        except WaitFailed as error:
            return _failed(error)
        return {"changed": False, "waited": results}

    def _look(self, args: dict[str, Any], targets: list[Target]) -> dict[str, Any]:
        """Check mode: what would be awaited, and how it stands now."""
        results = look_once(self.connect(args), targets)
        open_ones = [r["object"] for r in results if r["seconds"] is None]
        message = (
            f"check mode: would wait for {', '.join(open_ones)}" if open_ones else "check mode: all objects are ready"
        )
        return {"changed": False, "waited": results, "would_wait_for": open_ones, "msg": message}


def _failed(error: WaitFailed) -> dict[str, Any]:
    result = failure(str(error), error.error, waited=error.results, timed_out=error.timed_out)
    if error.failure:
        result["failure"] = error.failure.as_dict()
    return result
