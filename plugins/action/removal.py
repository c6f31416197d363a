# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.removal: what of ours can go, and its removal step by step (see plugins/modules/removal.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import Facts, facts
from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError
from ansible_collections.llmd.openshift.plugins.module_utils._teardown import document, read
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.decide import Removal, Wishes, decide
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.remove import Remover
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.table import table
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import WaitFailed
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failed_wait, failure


class ActionModule(ClusterAction):
    """Without a step: reads and decides. With one: reads again, and removes what that step may remove now."""

    SPEC = {
        "step": {"type": "str"},
        "data": {"type": "bool", "default": False},
        "operators": {"type": "bool", "default": False},
        "allow_disruption": {"type": "list", "elements": "str", "default": []},
        "after": {"type": "list", "elements": "dict", "default": []},
        "timeout_seconds": {"type": "float", "default": 3600.0},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The plan, or what was removed of one step."""
        try:
            known = facts()
            wanted = table(files.load(files.ROOT / "removal.yml", "removal"))
        except DataError as error:
            return failure(str(error))
        host = str(task_vars.get("inventory_hostname", "cluster"))
        cluster: Any = self.connect(args)
        found = read.read(cluster, wanted)
        removals = decide(wanted, found, _wishes(args, known), known.disruptions)
        if not args["step"]:
            plan = document.document(removals, found.unread)
            for line in document.lines(plan):
                self.show(host, line)
            return {"changed": False, "plan": plan, "steps": _steps(removals), "msg": plan["message"]}
        chosen = [one for one in removals if one.step.id == args["step"]]
        if not chosen:
            return failure(f"removal: there is no step {args['step']}; there are {', '.join(one.step.id for one in removals)}.")
        return self._remove(cluster, chosen[0], args, host)

    def _remove(self, cluster: Any, removal: Removal, args: dict[str, Any], host: str) -> dict[str, Any]:
        would = [item.label for item in removal.going]
        kept = [{"object": item.label, "why": why} for item, why in removal.kept]
        if self._task.check_mode:
            return {"changed": bool(would), "removed": would, "kept": kept}
        remover = Remover(cluster, args["timeout_seconds"], lambda line: self.show(host, line), self.beat(cluster))
        try:
            remover.run(removal, args["after"])
        except WaitFailed as error:
            return {**failed_wait(error), "changed": bool(remover.done), "removed": remover.done, "kept": kept}
        except ClusterError as error:
            return {**failure(str(error), error), "changed": bool(remover.done), "removed": remover.done, "kept": kept}
        return {"changed": bool(remover.done), "removed": remover.done, "kept": kept}


def _wishes(args: dict[str, Any], known: Facts) -> Wishes:
    brings = {package: tuple(one["package"] for one in row.get("brings", ())) for package, row in known.operators.items()}
    places = {place for row in known.operators.values() for place in (row["namespace"], *row.get("older_namespaces", ()))}
    return Wishes(args["data"], args["operators"], frozenset(args["allow_disruption"]), brings, frozenset(places))


def _steps(removals: list[Removal]) -> list[dict[str, Any]]:
    """The steps that do something, with what has to be gone by itself before each and the nodes that restart."""
    return [
        {
            "id": one.step.id,
            "title": one.step.title,
            "after": [item.as_target() for item in one.followers],
            "restarting": list(one.disruption.nodes) if "reboot" in one.disruption.kinds else [],
        }
        for one in removals
        if one.going
    ]
