# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions that talk to a cluster: arguments, what they fill in, hidden secrets, failures. The API is tested on a rehearsal."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.llmd.openshift.plugins.action import apply, cluster_access, cluster_snapshot, wait_for
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Forbidden, Unreachable
from ansible_collections.llmd.openshift.plugins.plugin_utils import _cluster_action, _gathered

TOKEN, PLANTED = "sekrit-token", "cGxhbnRlZC1zZWNyZXQ="
HOST = {"host": "https://127.0.0.1:1", "api_key": TOKEN}


def action(plugin: Any, args: dict[str, Any], **task: Any) -> Any:
    made = plugin.ActionModule(
        MagicMock(args=args, async_val=0, check_mode=False, diff=True, environment=task.pop("environment", None)),
        MagicMock(), MagicMock(), None, MagicMock(template=lambda value: value), None,
    )  # fmt: skip
    made._connection._shell.tmpdir = "/nonexistent"
    return made


def secret(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": data}


class Refusing:
    """A cluster that refuses everything and quotes what it was given, as a webhook might."""

    url = "https://api"

    def path(self, *args: Any) -> str:
        return "/x"

    def namespaced(self, *args: Any) -> bool:
        return True

    def find(self, path: str) -> None:
        return None

    def apply(self, obj: dict[str, Any], **_options: Any) -> dict[str, Any]:
        raise Forbidden("The cluster forbids the request", "PATCH /x", f"denied: {json.dumps(obj)} by {TOKEN}", "Ask.")


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cluster_action.ClusterAction, "connect", lambda self, args: Refusing())


def test_a_failure_shows_no_secret_that_the_task_was_given(refusing: None) -> None:
    result = action(apply, {**HOST, "objects": [secret(password=PLANTED)]}).run(task_vars={})
    text = json.dumps(result)
    assert result["failed"] and result["error"]["kind"] == "Forbidden" and "Secret n/s" in result["msg"]
    assert PLANTED not in text and TOKEN not in text and "********" in text


def test_a_kubeconfig_given_as_a_mapping_is_hidden_too(refusing: None) -> None:
    user = {"name": "u", "user": {"token": TOKEN, "client-key-data": PLANTED}}
    result = action(apply, {"kubeconfig": {"users": [user]}, "objects": [secret(a=PLANTED)]}).run(task_vars={})
    assert result["failed"] and TOKEN not in json.dumps(result) and PLANTED not in json.dumps(result)


def test_errors_become_a_message_and_a_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Any, args: Any) -> Any:
        raise Unreachable("No answer from the API server", "GET /x", "refused", "Check the URL.")

    monkeypatch.setattr(_cluster_action.ClusterAction, "connect", gone)
    result = action(cluster_snapshot, HOST).run(task_vars={})
    assert result["failed"] and result["changed"] is False and result["error"]["kind"] == "Unreachable"
    assert result["msg"] == "No answer from the API server: GET /x: refused. Check the URL."


@pytest.mark.parametrize(
    ("plugin", "args", "words"),
    [
        (apply, {"objects": "none"}, "objects"),
        (apply, {"objects": [], "state": "gone"}, "state must be one of"),
        (apply, {}, "missing required arguments: objects"),
        (wait_for, {"objects": [], "timeout": 1}, "Unsupported parameters"),
        (cluster_access, {"state": "locked", "lease_seconds": "long"}, "lease_seconds"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_asked(plugin: Any, args: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleActionFail, match=words):
        action(plugin, {**HOST, **args}).run(task_vars={})


def test_an_empty_list_needs_no_cluster() -> None:
    assert action(apply, {"objects": []}).run(task_vars={}) == {"changed": False, "objects": [], "diff": []}
    assert action(wait_for, {"objects": []}).run(task_vars={}) == {"changed": False, "waited": []}


def test_a_wrong_list_of_things_to_wait_for_is_told() -> None:
    result = action(apply, {**HOST, "objects": [], "after": [{"kind": "Pod"}]}).run(task_vars={})
    assert result["failed"] and "after" in result["msg"] and result["problems"]


def snapshot_of(monkeypatch: pytest.MonkeyPatch, args: dict[str, Any]) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def read(cluster: Any, devices: Any, packages: Any, streams: Any, read_at: str, labels: Any) -> dict[str, Any]:
        seen.update(devices=devices, packages=packages, streams=streams, labels=labels)
        return {"name": f"named after {TOKEN}"}

    monkeypatch.setattr(cluster_snapshot.collect, "read", read)
    monkeypatch.setattr(_cluster_action.ClusterAction, "connect", lambda self, args: None)
    return {**seen, **action(cluster_snapshot, {**HOST, **args}).run(task_vars={}), **seen}


def test_snapshot_gets_the_table_of_devices_and_hides_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    found = snapshot_of(monkeypatch, {"packages": ["nfd"]})
    assert found["devices"]["gpus"] and found["packages"] == ["nfd"] and found["streams"] == ["openshift/tools"]
    assert TOKEN not in json.dumps(found["snapshot"])
    assert snapshot_of(monkeypatch, {"accelerators": {"gpus": []}})["devices"] == {"gpus": []}


def filled(args: dict[str, Any], task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
    return cluster_access._filled(action(cluster_access, args).arguments(), task_vars or {})


def test_access_gets_rights_and_the_name_of_the_run() -> None:
    found = filled({"stages": ["serving"], "state": "locked"})
    assert "serving" in found["rbac"]["stages"] and found["namespaces"] == {"service": "llmd"}
    assert found["holder"].endswith(f":{os.getppid()}") and found["process"].startswith(f"{os.getppid()}:")


@pytest.mark.parametrize(
    ("args", "absent"),
    [
        ({"state": "guarded"}, {"rbac", "process"}),
        ({"state": "unlocked"}, {"rbac", "process"}),
        ({"state": "locked", "holder": "someone@else:1"}, {"process"}),
    ],
)
def test_access_adds_no_more_than_is_needed(args: dict[str, Any], absent: set[str]) -> None:
    assert not [name for name in absent if filled(args)[name]]


def test_service_namespace_comes_from_the_declaration() -> None:
    declared = {"llmd_declared": {"namespace": "models"}}
    assert filled({"stages": ["serving"]}, declared)["namespaces"] == {"service": "models"}


def test_variables_of_the_environment_that_would_win_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cluster_action.ClusterAction, "connect", lambda self, args: Refusing())
    monkeypatch.setenv("K8S_AUTH_CONTEXT", "elsewhere")
    result = action(cluster_access, HOST).run(task_vars={})
    assert result["failed"] and "K8S_AUTH_CONTEXT" in result["msg"] and "elsewhere" not in result["msg"]
    monkeypatch.delenv("K8S_AUTH_CONTEXT")
    task = action(cluster_access, HOST, environment=[{"K8S_AUTH_PROXY": "http://p"}])
    assert "K8S_AUTH_PROXY" in task.run(task_vars={})["msg"]


def test_plain_data_is_what_a_module_would_get() -> None:
    class Vaulted:
        def __str__(self) -> str:
            return "opened"

    plain: Callable[[Any], Any] = _cluster_action.plain
    assert plain({"day": datetime.date(2026, 11, 24), "pair": (1, 2), "vault": Vaulted()}) == {
        "day": "2026-11-24", "pair": [1, 2], "vault": "opened",
    }  # fmt: skip


def test_a_collected_list_is_kept_without_values_of_secrets_and_asks_no_cluster(tmp_path: Any) -> None:
    folder = str(tmp_path / "gathered" / "00-operators")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}}
    awaited = {"api_version": "v1", "kind": "Node", "name": "n"}
    assert action(apply, {**HOST, "objects": [secret(token=PLANTED), config], "collect": folder}).run(None, {})["changed"] is False
    assert action(apply, {**HOST, "objects": [config], "state": "absent", "collect": folder}).run(None, {})["changed"] is False
    assert action(wait_for, {**HOST, "objects": [awaited, {**awaited, "name": "m", "until": "absent"}], "collect": folder}).run(None, {})["waited"] == []
    text = "".join(file.read_text() for file in sorted((tmp_path / "gathered" / "00-operators").iterdir()))
    assert PLANTED not in text
    calls = _gathered.taken(tmp_path / "gathered")
    assert [(call["stage"], [obj["kind"] for obj in call["objects"]]) for call in calls] == [("operators", ["Secret", "ConfigMap"]), ("operators", [])]
    assert [one["name"] for one in calls[1]["after"]] == ["n"]
    assert not (tmp_path / "gathered").exists()


def test_what_an_earlier_run_collected_is_not_taken(tmp_path: Any) -> None:
    root = tmp_path / "gathered"
    _gathered.keep(root / "00-operators", {"objects": ["old"], "after": []})
    (root / _gathered.RUN).write_text("somebody@else:1")
    _gathered.keep(root / "00-operators", {"objects": ["new"], "after": []})
    assert [call["objects"] for call in _gathered.taken(root)] == [["new"]]
    _gathered.keep(root / "00-operators", {"objects": ["old"], "after": []})
    (root / _gathered.RUN).write_text("somebody@else:1")
    assert _gathered.taken(root) == []
