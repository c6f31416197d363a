# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The thin actions: what they add to the module's arguments, and that they add nothing to its result."""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible_collections.llmd.openshift.plugins.action import cluster_access, cluster_snapshot


def run(plugin: Any, args: dict[str, Any], task_vars: dict[str, Any] | None = None) -> tuple[dict, dict]:
    """(arguments that reach the module, result) of one task."""
    task = MagicMock(args=args, async_val=0, check_mode=False)
    action = plugin.ActionModule(task, MagicMock(), MagicMock(), None, None, None)
    seen: dict[str, Any] = {}

    def execute(module_name: str, module_args: dict, task_vars: Any) -> dict:
        seen.update(module_args)
        return {"changed": False}

    action._execute_module = execute
    action._connection._shell.tmpdir = "/nonexistent"
    return seen, action.run(task_vars=task_vars or {})


def test_snapshot_gets_the_table_of_devices():
    seen, result = run(cluster_snapshot, {"api_key": "sekrit"})
    assert seen["accelerators"]["gpus"] and seen["api_key"] == "sekrit"
    assert "sekrit" not in str(result)
    assert run(cluster_snapshot, {"accelerators": {"gpus": []}})[0]["accelerators"] == {"gpus": []}


def test_access_gets_rights_and_the_name_of_the_run():
    seen, result = run(cluster_access, {"stages": ["serving"], "state": "locked", "api_key": "sekrit"})
    assert "serving" in seen["rbac"]["stages"] and seen["namespaces"] == {"service": "llmd"}
    assert seen["holder"].endswith(f":{os.getppid()}") and seen["process"].startswith(f"{os.getppid()}:")
    assert "sekrit" not in str(result)


@pytest.mark.parametrize(
    ("args", "absent"),
    [
        ({"state": "guarded"}, {"rbac", "holder", "process"}),
        ({"state": "unlocked"}, {"rbac", "process"}),
        ({"state": "locked", "holder": "someone@else:1"}, {"process"}),
    ],
)
def test_access_adds_no_more_than_is_needed(args: dict, absent: set):
    seen, _result = run(cluster_access, args)
    assert not absent & set(seen)


def test_service_namespace_comes_from_the_declaration():
    declared = {"llmd_declared": {"namespace": "models"}}
    assert run(cluster_access, {"stages": ["serving"]}, declared)[0]["namespaces"] == {"service": "models"}
