# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a snapshot against the support matrix. Documentation: plugins/modules/assess.py."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._assess import validation
from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess
from ansible_collections.llmd.openshift.plugins.module_utils._assess.model import PATHS
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import plain
from ansible_collections.llmd.openshift.plugins.plugin_utils._evidence import digested


class ActionModule(ActionBase):
    """Never talks to a cluster; the same in check mode. It doesn't fail on a "no": the caller looks at `gate`."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "snapshot": {"type": "dict", "required": True},
                "declared": {"type": "dict", "required": True},
                "discovered": {"type": "bool", "default": False},
                "validation_report": {"type": "str"},
            }
        )
        snapshot, declared = plain(arguments["snapshot"]), plain(arguments["declared"])
        path = declared.get("path", PATHS[0])
        if path not in PATHS:
            return {
                **result,
                "failed": True,
                "msg": f"declared.path: {ascii(path)} isn't known; known are {', '.join(PATHS)}.",
            }
        if arguments["validation_report"]:
            file = Path(arguments["validation_report"]).expanduser()
            try:
                declared["validation"] = digested(file, validation.read)
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                todo = "Give the JSON that kubectl rhaii-validate all -o json prints, or report.json of ConfigMap rhaii-validate-report."
                return {**result, "failed": True, "msg": f"Can't read the validator's report {file}: {why}. {todo}"}
        try:
            found = assess(snapshot, declared, facts(), datetime.date.today(), discovered=arguments["discovered"])
        except DataError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": False, "assessment": found}
