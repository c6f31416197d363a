# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the declaration (all `llmd_*` variables of the host) before anything is read. Documentation: plugins/modules/declare.py."""

from __future__ import annotations

import os.path
import re
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._assess import site_rows
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import Facts, facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.check import PREFIX, check
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import plain
from ansible_collections.llmd.openshift.plugins.module_utils._plan.operators import packages_to_read

ALL_STAGES = (
    "access", "discover", "assess", "plan", "features", "operators", "nodes", "accelerators", "storage", "platform", "serving", "verify",
)  # fmt: skip


class ActionModule(ActionBase):
    """Never talks to a cluster; the same in check mode."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec({"stages": {"type": "list", "elements": "str"}})
        try:
            data = facts()
        except DataError as error:
            return {**result, "failed": True, "msg": str(error)}
        internal = set(data.declaration["internal"])
        given, errors = self._evaluate(
            {name: value for name, value in task_vars.items() if str(name).startswith(PREFIX)}, internal
        )
        stages = arguments["stages"] or self._stages(task_vars)
        values, wrong = check(data.declaration, given, data.releases, stages)
        wrong += site_rows.problems(values.get("matrix_rows") or [], data)
        broken = {error.partition(":")[0] for error in errors}
        errors += [error for error in wrong if re.split(r"[ :]", error)[0] not in broken]
        if errors:
            return {**result, "failed": True, "msg": _message(errors), "errors": errors}
        declared = _expanded(values, data)
        packages = packages_to_read(data)
        return {
            **result,
            "changed": False,
            "declared": declared,
            "packages": packages,
        }

    def _evaluate(self, variables: dict[str, Any], internal: set[str]) -> tuple[dict[str, Any], list[str]]:
        """The variables' values; what can't be evaluated is an error of that variable. Facts of the run itself stay unevaluated."""
        given: dict[str, Any] = {}
        errors: list[str] = []
        for name, value in variables.items():
            try:
                given[name] = value if name in internal else self._templar.template(value)
            except AnsibleError as error:
                given[name] = None
                errors.append(f"{name}: can't be evaluated: {getattr(error, 'message', error)}.")
        return given, errors

    def _stages(self, task_vars: dict[str, Any]) -> list[str]:
        return (
            list(plain(self._templar.template(task_vars["llmd_stages"])))
            if "llmd_stages" in task_vars
            else list(ALL_STAGES)
        )


def _expanded(values: dict[str, Any], data: Facts) -> dict[str, Any]:
    """Paths with the controller user's ~ filled in."""
    paths = {option["name"].removeprefix(PREFIX) for option in data.declaration["options"] if option["type"] == "path"}
    return {name: os.path.expanduser(value) if name in paths and value else value for name, value in values.items()}


def _message(errors: list[str]) -> str:
    head = "The declaration has one error" if len(errors) == 1 else f"The declaration has {len(errors)} errors"
    return f"{head}; nothing was read from the cluster. " + " ".join(
        f"({number}) {error}" for number, error in enumerate(errors, start=1)
    )
