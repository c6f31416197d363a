# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies objects of Automation Platform's controller by its own modules, whichever of the two collections is installed.

How to reach the controller is said by the environment (CONTROLLER_HOST, CONTROLLER_OAUTH_TOKEN and so on), as its own
credential type sets it: no secret passes through a task of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import module_loader
from ansible.utils.display import Display
from ansible_collections.llmd.openshift.plugins.module_utils._aap import results
from ansible_collections.llmd.openshift.plugins.module_utils._aap.objects import Object
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import plain

COLLECTIONS = ("ansible.controller", "awx.awx")
NO_RESULTS = (
    "No result of an earlier job is there: no variable begins with llmd_result_. This playbook is for a workflow of the controller, which hands "
    "the artifacts of its jobs on as extra vars. Launch the workflow instead."
)


class ControllerFailed(Exception):
    """The controller, or the collection for it, said no: one message for people."""


def handed_on(task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that earlier jobs of the workflow left."""
    return {str(name): plain(value) for name, value in task_vars.items() if str(name).startswith(results.PREFIX)}


def apply(action: ActionBase, objects: Iterable[Object], collection: str, task_vars: dict[str, Any]) -> list[str]:
    """Applies each object; the names of those that changed.

    :raises ControllerFailed: the first object that can't be applied; those before it are.
    """
    changed = []
    for one in objects:
        module = f"{collection}.{one.module}"
        if not module_loader.find_plugin(module):
            raise ControllerFailed(
                f"Can't apply {one}: the module {module} isn't installed. Install the collection {collection}, or name the other one "
                f"({' or '.join(COLLECTIONS)})."
            )
        result = action._execute_module(module_name=module, module_args=one.args, task_vars=task_vars)
        if result.get("failed"):
            raise ControllerFailed(_told(one, str(result.get("msg") or "no reason was given")))
        if result.get("changed"):
            changed.append(str(one))
        Display().display(f"    {one}: {'changed' if result.get('changed') else 'as it was'}")
    return changed


def _told(one: Object, why: str) -> str:
    state = "remove" if one.args.get("state") == "absent" else "apply"
    return (
        f"Can't {state} {one} in the controller: {why.rstrip('.')}. Check CONTROLLER_HOST and its token, and that what the object names is there; "
        "then run again: objects that were applied are left as they are."
    )
