# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action cluster_access: tells the module of the same name what only the controller knows.

That is the table of rights (`data/rbac.yml`), and who this run is: every task is a process of its own, while the lock
belongs to the whole run.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._access import process, whoami
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError


class ActionModule(ActionBase):
    """Runs the module; fills in `rbac`, `namespaces`, `holder` and `process` when the task doesn't give them."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """The module's result, nothing added (the arguments may hold a token)."""
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        if args.get("stages"):
            args.setdefault("rbac", self._rbac())
            declared = (task_vars or {}).get("llmd_declared") or {}
            args["namespaces"] = {**_declared_names(declared), **(args.get("namespaces") or {})}
        if args.get("state") in ("locked", "unlocked") and not args.get("holder"):
            args["holder"] = whoami.holder_name()
        if args.get("state") == "locked" and args.get("holder") == whoami.holder_name():
            args.setdefault("process", process.describe(whoami.run_pid()))
        result.update(
            self._execute_module(module_name="llmd.openshift.cluster_access", module_args=args, task_vars=task_vars)
        )
        return result

    def _rbac(self) -> Any:
        try:
            return files.load(files.ROOT / "rbac.yml", "rbac")
        except DataError as error:
            raise AnsibleActionFail(str(error)) from error


def _declared_names(declared: dict[str, Any]) -> dict[str, str]:
    """What data/rbac.yml calls `@service` and `@model_credentials_secret`."""
    names = {"service": declared.get("namespace") or "llmd"}
    if declared.get("model_credentials_secret"):
        names["model_credentials_secret"] = declared["model_credentials_secret"]
    return names
