# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action cluster_snapshot: hands the collection's table of devices to the module of the same name.

A module runs as a zip of Python files and can't see `data/`; the controller can.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError


class ActionModule(ActionBase):
    """Runs the module; adds `accelerators` when the task doesn't give it."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """The module's result, nothing added (the arguments may hold a token)."""
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        try:
            args.setdefault("accelerators", files.load(files.ROOT / "accelerators.yml", "accelerators"))
        except DataError as error:
            raise AnsibleActionFail(str(error)) from error
        result.update(
            self._execute_module(module_name="llmd.openshift.cluster_snapshot", module_args=args, task_vars=task_vars)
        )
        return result
