# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Computes what a run would change and whom it would disturb. Documentation: plugins/modules/plan.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import plain
from ansible_collections.llmd.openshift.plugins.module_utils._plan.plan import plan


class ActionModule(ActionBase):
    """Never talks to a cluster; the same in check mode. It doesn't fail when disruption isn't permitted: the caller looks at `allowed`."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "snapshot": {"type": "dict", "required": True},
                "declared": {"type": "dict", "required": True},
                "assessment": {"type": "dict"},
            }
        )
        try:
            made = plan(plain(arguments["snapshot"]), plain(arguments["declared"]), facts())
        except DataError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": False, "plan": made}
