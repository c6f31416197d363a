# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates, workflow and the rest in Automation Platform. Documentation: plugins/modules/aap_content.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._aap.objects import Settings, objects, removals
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import failure, plain
from ansible_collections.llmd.openshift.plugins.plugin_utils._controller import COLLECTIONS, ControllerFailed, apply

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "collection": {"type": "str", "choices": list(COLLECTIONS), "default": COLLECTIONS[0]},
    "organization": {"type": "str", "required": True},
    "prefix": {"type": "str", "default": "llm-d"},
    "project_url": {"type": "str", "required": True},
    "project_branch": {"type": "str", "default": ""},
    "project_credential": {"type": "str"},
    "inventory_url": {"type": "str"},
    "inventory_path": {"type": "str", "required": True},
    "execution_environment": {"type": "str", "required": True},
    "registry_credential": {"type": "str"},
    "cluster_credentials": {"type": "list", "elements": "str", "default": []},
    "controller_credential": {"type": "str", "required": True},
    "notification": {
        "type": "dict",
        "options": {"type": {"type": "str", "required": True}, "configuration": {"type": "dict", "required": True, "no_log": True}},
    },
    "slices": {"type": "int", "default": 1},
    "approval_minutes": {"type": "int", "default": 0},
    "schedules": {"type": "bool", "default": True},
    "timezone": {"type": "str", "default": "UTC"},
}


class ActionModule(ActionBase):
    """Talks to the controller only through the modules of the collection that is named."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(argument_spec=SPEC)
        args = {name: plain(given.get(name)) for name in SPEC}
        try:
            data = facts()
            content = files.load(files.ROOT / "aap.yml", "aap")
        except DataError as error:
            return {**result, **failure(str(error))}
        state = args.pop("state")
        settings = Settings(**{**args, "cluster_credentials": tuple(args["cluster_credentials"])})
        wanted = objects(content, data.declaration["options"], data.releases, settings)
        if state == "absent":
            wanted = removals(wanted)
        made = {"objects": [str(one) for one in wanted], "changed_objects": []}
        if self._task.check_mode:
            # Modules look up what an object names, and that may be one which this very run would make.
            text = "In check mode the controller isn't asked: what would change there isn't known."
            return {**result, **made, "changed": False, "warnings": [text]}
        try:
            made["changed_objects"] = apply(self, wanted, settings.collection, task_vars or {})
        except ControllerFailed as error:
            return {**result, **failure(str(error), **made)}
        return {**result, **made, "changed": bool(made["changed_objects"])}
