# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the plans' disruption into a workflow's approval. Documentation: plugins/modules/aap_approval.py.

The controller copies name and text of the approval when it comes to that node (awx/main/models/workflow.py,
_get_unified_job_field_names), so a job before it can say what is to be approved.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.llmd.openshift.plugins.module_utils._aap import objects, results, words
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import failure
from ansible_collections.llmd.openshift.plugins.plugin_utils._controller import (
    COLLECTIONS,
    NO_RESULTS,
    ControllerFailed,
    apply,
    handed_on,
)


class ActionModule(ActionBase):
    """Talks to the controller only through a module of the collection that is named, and not in check mode."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(
            argument_spec={
                "workflow": {"type": "str", "required": True},
                "organization": {"type": "str", "required": True},
                "collection": {"type": "str", "choices": list(COLLECTIONS), "default": COLLECTIONS[0]},
            }
        )
        found = results.collect(handed_on(task_vars or {}))
        if not found:
            return {**result, **failure(NO_RESULTS)}
        name, text = words.headline(found), words.brief(found)
        for line in [name, *text.splitlines()]:
            Display().display(line)
        if not any(map(words.can_start, found)):
            reasons = " ".join(map(words.refused, found))
            return {**result, **failure(f"There is nothing to approve: no cluster can begin. {reasons}")}
        made = {"approval": {"name": name, "text": text}}
        changed = []
        if not self._task.check_mode:
            try:
                changed = apply(self, [objects.approval(name, text, args["workflow"], args["organization"])], args["collection"], task_vars or {})
            except ControllerFailed as error:
                return {**result, **failure(str(error), **made)}
        return {**result, **made, "changed": bool(changed)}
