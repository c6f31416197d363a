# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One table of what a workflow's jobs found. Documentation: plugins/modules/aap_summary.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.llmd.openshift.plugins.module_utils._aap import results, words
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import failure
from ansible_collections.llmd.openshift.plugins.plugin_utils._controller import NO_RESULTS, handed_on


class ActionModule(ActionBase):
    """Reads variables, prints, and talks to nobody."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        found = results.collect(handed_on(task_vars or {}))
        if not found:
            return {**result, **failure(NO_RESULTS)}
        lines = words.summary(found)
        for line in lines:
            Display().display(line)
        return {**result, "changed": False, "summary": lines}
