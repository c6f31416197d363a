# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.apply: makes or deletes a list of objects (see plugins/modules/apply.py)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._apply import manifests
from ansible_collections.llmd.openshift.plugins.module_utils._apply.execute import Executor, Options, Outcome
from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, Misdeclared
from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import TargetError, parse
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import Wait, WaitFailed
from ansible_collections.llmd.openshift.plugins.plugin_utils import _gathered as gathered
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failed_wait, failure


class ActionModule(ClusterAction):
    """Waits, applies or deletes; on failure still tells what was done before."""

    SPEC = {
        "objects": {"type": "list", "elements": "dict", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "adopt": {"type": "bool", "default": True},
        "force_conflicts": {"type": "list", "elements": "str", "default": []},
        "wait_crds_seconds": {"type": "float", "default": 0},
        "after": {"type": "list", "elements": "dict", "default": []},
        "after_seconds": {"type": "float", "default": 3600.0},
        "collect": {"type": "path"},
    }

    def secrets(self, args: dict[str, Any]) -> set[str]:
        return manifests.secret_values(args["objects"])

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The wait for what must be ready before, then one pass over the list."""
        objects, with_diff = args["objects"], bool(self._task.diff)
        _refuse_unusable(objects)
        try:
            before = parse(args["after"])
        except TargetError as error:
            return failure(f"apply: after: {error}", problems=error.problems)
        if not (objects or before):
            return _result([], with_diff)
        if args["collect"]:
            if args["state"] == "present":
                self._collect(args)
            return _result([], with_diff)
        cluster = self.connect(args)
        beat = self.beat(cluster)
        if before and not self._task.check_mode:
            host = str(task_vars.get("inventory_hostname", "cluster"))
            try:
                Wait(cluster, before, args["after_seconds"], lambda line: self.show(host, line), beat=beat).run()
            except WaitFailed as error:
                return {**failed_wait(error), **_result([], with_diff)}
        executor = Executor(cluster, _options(args, bool(self._task.check_mode)), sleep=_sleeping(beat))
        try:
            (executor.apply if args["state"] == "present" else executor.delete)(objects)
        except ClusterError as error:
            return {**failure(str(error), error), **_result(executor.done, with_diff)}
        return _result(executor.done, with_diff)

    def _collect(self, args: dict[str, Any]) -> None:
        """Keeps the list instead of applying it, for what needs to know all that would be applied (drift, export)."""
        objects = [manifests.without_values(obj) for obj in manifests.ordered(args["objects"])]
        call = {"task": str(self._task.name), "objects": objects, "after": args["after"]}
        gathered.keep(Path(args["collect"]), {**call, "wait_crds": args["wait_crds_seconds"] > 0})


def _options(args: dict[str, Any], check: bool) -> Options:
    return Options(check, args["adopt"], tuple(args["force_conflicts"]), args["wait_crds_seconds"])


def _sleeping(beat: Callable[[], None]) -> Callable[[float], None]:
    """A pause that keeps the run's lock, since a CRD may be awaited for an hour."""

    def sleep(seconds: float) -> None:
        beat()
        time.sleep(seconds)

    return sleep


def _refuse_unusable(objects: list[dict[str, Any]]) -> None:
    wrong = manifests.problems(objects)
    if wrong:
        raise Misdeclared(
            "The list of objects can't be applied", "option objects", "; ".join(wrong), "Correct the list."
        )


def _result(done: list[Outcome], with_diff: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in done),
        "objects": [
            {key: getattr(outcome, key) for key in ("object", "action", "adopted", "forced", "note")}
            for outcome in done
        ],
    }
    if with_diff:
        result["diff"] = [_diff(outcome) for outcome in done if outcome.changed]
    return result


def _diff(outcome: Outcome) -> dict[str, str]:
    note = f" ({outcome.action}: {outcome.note})" if outcome.note else f" ({outcome.action})"
    return {
        "before_header": outcome.object + note,
        "after_header": outcome.object + note,
        "before": _yaml(outcome.before),
        "after": _yaml(outcome.after),
    }


def _yaml(value: dict[str, Any]) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True) if value else ""
