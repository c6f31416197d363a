# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explains a rule of the assessment. Documentation: plugins/modules/explain.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.llmd.openshift.plugins.module_utils._assess import explain
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts


class ActionModule(ActionBase):
    """Never talks to a cluster; the same in check mode."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec={"rule": {"type": "str", "required": True}})
        rule = args["rule"].strip()
        try:
            data = facts()
        except DataError as error:
            return {**result, "failed": True, "msg": str(error)}
        found = explain.lines(data, rule)
        if found is None:
            return {
                **result,
                "failed": True,
                "msg": f"llmd_explain: no rule has the id {ascii(rule)}. {explain.hint(data, rule)}",
            }
        for line in found:
            Display().display(line)
        return {**result, "changed": False, "explanation": found}
