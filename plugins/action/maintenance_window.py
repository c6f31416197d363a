# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails outside the maintenance window when a stage would disturb nodes. Documentation: plugins/modules/maintenance_window.py."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import plain
from ansible_collections.llmd.openshift.plugins.module_utils._nodes import window


class ActionModule(ActionBase):
    """Never talks to a cluster; in check mode it only says so."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "window": {"type": "str"},
                "steps": {"type": "list", "elements": "dict", "required": True},
                "stages": {"type": "list", "elements": "str"},
            }
        )
        try:
            closed = window.closed(arguments["window"], datetime.now(UTC))
        except ValueError as error:
            return {**result, "failed": True, "msg": f"maintenance_window: window {error}"}
        message = window.refusal(closed, plain(arguments["steps"]), arguments["stages"])
        failed = bool(message) and not self._task.check_mode
        return {**result, "changed": False, "open": not closed, **({"msg": message} if message else {}), **({"failed": True} if failed else {})}
