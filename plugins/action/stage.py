# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.stage: writes the journal of a run (see plugins/modules/stage.py for its documentation)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._access import whoami
from ansible_collections.llmd.openshift.plugins.module_utils._report import journal
from ansible_collections.llmd.openshift.plugins.plugin_utils._warm import warm

warm()  # the first action of a run is this one: its file is read before any worker is forked


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, args = self.validate_argument_spec(
            argument_spec={
                "name": {"type": "str"},
                "state": {"type": "str", "choices": ["begin", "end", "failed"], "required": True},
                "first": {"type": "bool", "default": False},
                "message": {"type": "str", "default": ""},
                "task": {"type": "str", "default": ""},
                "error": {"type": "dict", "default": {}},
                "output_dir": {"type": "path", "default": "reports"},
            },
            required_if=[("state", "begin", ["name"]), ("state", "end", ["name"])],
        )
        path = Path(args["output_dir"]) / task_vars["inventory_hostname"] / "journal.jsonl"
        events = journal.parse(path.read_text(encoding="utf-8")) if path.exists() else []
        run = events[-1]["run"] if events and not args["first"] else uuid.uuid4().hex[:12]
        still_open = None if args["first"] else journal.open_stage(events)
        stage = args["name"] or still_open or "access"
        event = {"time": _now(), "run": run, "event": args["state"], "stage": stage, "pid": whoami.run_pid()}
        failure = None
        if args["state"] == "failed":
            failure = {"stage": stage, "task": args["task"], "message": args["message"], "error": args["error"]}
            event["failure"] = failure
        # Stages follow one another: the next one's begin is the end of the one before.
        ended = [{**event, "event": "end", "stage": still_open}] if still_open and args["state"] == "begin" else []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(map(journal.line, journal.pruned([*events, *ended, event]))), encoding="utf-8")
        result.update(changed=False, stage=stage, run=run)
        if failure:
            result["failure"] = failure
        return result


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
