# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the executor does when a kind comes late or a dry run is impossible. The API's own behaviour is tested on a rehearsal."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils import _errors
from ansible_collections.llmd.openshift.plugins.module_utils._apply.execute import Executor, Options

THING = {"apiVersion": "x.example/v1", "kind": "Thing", "metadata": {"name": "t"}}
MISSING = _errors.KindMissing("The cluster doesn't serve this kind", "Thing", "no such CRD", "Install it.")


class Script:
    """Answers `path` and `apply` from lists: an exception is raised, anything else returned; the last entry stays."""

    url = "https://api"

    def __init__(self, paths: list[Any], applies: list[Any]) -> None:
        self.paths, self.applies, self.sent = paths, applies, 0

    @staticmethod
    def _next(entries: list[Any]) -> Any:
        entry = entries.pop(0) if len(entries) > 1 else entries[0]
        if isinstance(entry, Exception):
            raise entry
        return entry

    def namespaced(self, api_version: str, kind: str) -> bool:
        self._next(self.paths)
        return False

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        return "/x"

    def get(self, path: str) -> None:
        return None

    def apply(self, obj: dict[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        self.sent += 1
        return self._next(self.applies)

    def delete(self, path: str, uid: str | None = None) -> bool:
        return True


def run(api: Script, **options: Any) -> Executor:
    executor = Executor(api, Options(**options), sleep=lambda _seconds: None)
    executor.apply([THING])
    return executor


def test_kind_that_comes_late_is_awaited():
    assert run(Script([MISSING, MISSING, "served"], [THING]), wait_crds_seconds=60).done[0].action == "created"


def test_kind_that_never_comes():
    with pytest.raises(_errors.KindMissing, match="no such CRD"):
        run(Script([MISSING], [THING]))


def test_api_server_that_lags_behind_is_asked_again():
    api = Script(["served"], [MISSING, MISSING, THING])
    assert run(api).done[0].action == "created" and api.sent == 3


def test_webhook_without_dry_run_is_a_prediction():
    refusal = _errors.Invalid("x", "y", 'HTTP 400: admission webhook "w" does not support dry run', "")
    outcome = run(Script(["served"], [refusal]), check=True).done[0]
    assert outcome.action == "predicted" and "webhook" in str(outcome.note) and outcome.after["kind"] == "Thing"
    with pytest.raises(_errors.Invalid, match="Thing t"):
        run(Script(["served"], [refusal]))


def test_errors_are_about_the_object_and_keep_the_request():
    forbidden = _errors.Forbidden("The cluster forbids the request", "PATCH /x on https://api", "HTTP 403: no", "Ask.")
    with pytest.raises(_errors.Forbidden) as caught:
        run(Script(["served"], [forbidden]))
    assert caught.value.where == "Thing t" and caught.value.details["request"].startswith("PATCH /x")
