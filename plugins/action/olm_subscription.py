# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.olm_subscription: approves and awaits operators (see plugins/modules/olm_subscription.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._olm.wishes import WishError, parse
from ansible_collections.llmd.openshift.plugins.module_utils._watch.operators import Operators, OperatorsFailed, Outcome
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure


class ActionModule(ClusterAction):
    """Approves exactly the expected InstallPlans and watches the CSVs until all have succeeded."""

    SPEC = {
        "subscriptions": {"type": "list", "elements": "dict", "required": True},
        "until": {"type": "str", "choices": ["succeeded", "approved"], "default": "succeeded"},
        "timeout_seconds": {"type": "float", "default": 3600.0},
        "look": {"type": "bool", "default": True},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """One round for all operators; the result has ``operators`` and ``approved`` whether it worked out or not."""
        host = str(task_vars.get("inventory_hostname", "cluster"))
        try:
            wishes = parse(args["subscriptions"])
            if not wishes:
                return {"changed": False, "operators": [], "approved": []}
            if self._task.check_mode and not args["look"]:
                return {"changed": False, "operators": [], "approved": []}
            cluster = self.connect(args)
            work = Operators(
                cluster,
                wishes,
                args["timeout_seconds"],
                lambda line: self.show(host, line),
                until=args["until"],
                beat=self.beat(cluster),
            )
            if self._task.check_mode:
                return _would(work.look())
            outcome = work.run()
        except WishError as error:
            return failure(f"olm_subscription: {error}", problems=error.problems)
        except OperatorsFailed as error:
            return _failed(error)
        return {"changed": bool(outcome.approved), **_shown(outcome)}


def _shown(outcome: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = {"operators": outcome.operators, "approved": outcome.approved}
    if outcome.warnings:
        result["warnings"] = outcome.warnings
    return result


def _would(outcome: Outcome) -> dict[str, Any]:
    """Check mode: nothing was approved. A change is predicted for each operator that isn't there and has no plan yet."""
    open_ones = [o["subscription"] for o in outcome.operators if o["seconds"] is None]
    message = (
        f"check mode: would wait for {', '.join(open_ones)}" if open_ones else "check mode: all operators are there"
    )
    missing = [o for o in outcome.operators if not (o["installed_csv"] or o["install_plan"])]
    return {
        "changed": bool(outcome.approved or missing),
        "operators": outcome.operators,
        "approved": [],
        "would_approve": outcome.approved,
        "msg": message,
    }


def _failed(error: OperatorsFailed) -> dict[str, Any]:
    result = failure(str(error), error.error, timed_out=error.timed_out, **_shown(error.outcome))
    result["changed"] = bool(error.outcome.approved)
    if error.failure:
        result["failure"] = error.failure.as_dict()
    return result
