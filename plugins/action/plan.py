# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Computes what a run would change and whom it would disturb. Documentation: plugins/modules/plan.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import plain
from ansible_collections.llmd.openshift.plugins.module_utils._plan import approval
from ansible_collections.llmd.openshift.plugins.module_utils._plan.plan import plan

NAME = "plan.json"


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
                "output_dir": {"type": "path"},
            }
        )
        declared = plain(arguments["declared"])
        try:
            made = plan(plain(arguments["snapshot"]), declared, facts(), _approved(declared))
            if arguments["output_dir"] and not declared.get("redact_names"):
                _keep(made, Path(arguments["output_dir"]) / str((task_vars or {}).get("inventory_hostname", "cluster")) / NAME)
        except DataError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": False, "plan": made}


def _approved(declared: dict[str, Any]) -> dict[str, Any] | None:
    """The plan that somebody has approved: as a value, or from the file that an earlier run wrote. :raises DataError:"""
    path = declared.get("approved_plan")
    if not path:
        return declared.get("approved_steps")
    todo = "Give the plan.json that a run of the playbook plan wrote to its output folder."
    try:
        found = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError("Can't read the approved plan", path, error.strerror or "it can't be opened", todo) from error
    except ValueError as error:
        raise DataError("Can't read the approved plan", path, "it isn't JSON", todo) from error
    held = found.get("approval") if isinstance(found, dict) else None
    wrong = approval.malformed(held)
    if wrong:
        raise DataError("This isn't an approved plan", path, wrong, todo)
    return held


def _keep(made: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"made_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **made}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
