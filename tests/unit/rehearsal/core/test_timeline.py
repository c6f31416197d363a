# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline and the counters: what counts as a change, who did it, from inside or from the host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal import cli, timeline
from rehearsal.prepare import Wanted


def event(verb: str, user: str = "system:admin", agent: str = "kubectl/v1.37 (linux)", code: int = 200, second: int = 1, **more: Any) -> dict[str, Any]:
    ref = {"resource": "deployments", "namespace": "a", "name": "b"}
    return {"stage": "ResponseComplete", "verb": verb, "user": {"username": user}, "userAgent": agent, "objectRef": ref,
            "responseStatus": {"code": code}, "requestReceivedTimestamp": f"2026-11-24T10:00:0{second}.000000Z",
            "stageTimestamp": f"2026-11-24T10:00:0{second}.250000Z", **more}


LOG = [
    event("get"),
    event("patch", second=2),
    event("update", "system:kube-controller-manager", "kube-controller-manager/v1.36 x", second=3),
    event("watch", stage="ResponseStarted"),
    event("watch"),
    event("create", code=409, second=4),
]


def test_rows_are_changes_with_their_author() -> None:
    found = list(timeline.rows(LOG))
    assert [(row["what"], row["who"], row["outside"], row["code"]) for row in found] == [
        ("patch", "kubectl", True, 200), ("update", "kube-controller-manager", False, 200), ("create", "kubectl", True, 409)]
    assert found[0]["object"] == "deployments a/b" and found[0]["ms"] == 250.0
    assert len(list(timeline.rows(LOG, reads=True))) == 5


def test_counters_count_each_watch_once_and_refusals_apart() -> None:
    found = timeline.counters(LOG, {"reboots": {"gpu-0": 2}, "drains": {"gpu-0": 1, "gpu-1": 1}})
    assert (found["reboots"], found["drains"], found["by_node"]["reboots"]) == (2, 2, {"gpu-0": 2})
    api = found["api"]
    assert (api["requests"], api["writes"], api["outside_requests"], api["outside_writes"]) == (5, 3, 4, 2)
    assert api["by_client"]["kubectl"] == {"requests": 4, "writes": 2} and api["refused"] == {"409": 1}


def test_events_and_start_steps_sort_with_requests() -> None:
    (row,) = timeline.events([{"metadata": {"creationTimestamp": "2026-11-24T10:00:02Z"}, "reason": "Reboot", "message": "node reboots",
                               "source": {"component": "machineconfigdaemon"}, "involvedObject": {"kind": "Node", "name": "gpu-0"}}])
    assert (row["at"], row["object"], row["what"]) == ("2026-11-24T10:00:02.000000Z", "Node gpu-0", "Reboot: node reboots")
    steps = list(timeline.start(["   1.5 s  etcd ready", "rubbish"], "2026-11-24T10:00:00+00:00"))
    assert [(step["at"], step["what"]) for step in steps] == [("2026-11-24T10:00:01.500000Z", "etcd ready")]


def test_a_line_that_is_being_written_is_left_out_and_a_rotated_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "audit-2026-11-24T09-00-00.000.log").write_text(json.dumps(event("create")) + "\n")
    (tmp_path / "audit.log").write_text(json.dumps(event("get")) + "\n" + '{"stage": "Resp')
    assert [row["verb"] for row in timeline.audit_log(tmp_path)] == ["create", "get"]


def test_the_verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LLMD_STATE", str(tmp_path))
    assert cli.main(["timeline"]) == 2
    assert "never started" in capsys.readouterr().err
    state = tmp_path / "rehearsal" / "default"
    (state / "run").mkdir(parents=True)
    status = {"name": "default", "state": "stopped", "pids": {}, "started_at": "2026-11-24T10:00:00+00:00", "wanted": Wanted("default", "p", "4.20").as_dict()}
    (state / "status.json").write_text(json.dumps(status))
    (state / "audit.log").write_text("".join(json.dumps(line) + "\n" for line in LOG))
    assert cli.main(["timeline", "--json", "--outside", "--since", "2026-11-24T10:00:03Z"]) == 0
    assert [row["what"] for row in json.loads(capsys.readouterr().out)] == ["create"]
    assert cli.main(["timeline"]) == 0
    assert "10:00:02.000  kubectl" in capsys.readouterr().out
    assert cli.main(["counters", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["api"]["writes"] == 3
    assert cli.main(["counters"]) == 0
    assert cli.main(["timeline", "--since", "yesterday"]) == 2
    assert "'yesterday' is no time" in capsys.readouterr().err
