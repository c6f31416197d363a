# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wait_for on a virtual OpenShift: real objects, real scheduler, real watches."""

from __future__ import annotations

import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.collection.plays import play

pytestmark = pytest.mark.rehearsal
MODULE = "llmd.openshift.wait_for"


@pytest.fixture
def space(rehearsal: Any) -> Any:
    """A namespace of the test's own."""
    name = f"wait-{uuid.uuid4().hex[:8]}"
    rehearsal.kubectl("create", "namespace", name)
    yield name
    rehearsal.kubectl("delete", "namespace", name, "--wait=false")


def deployment(space: str, **limits: str) -> dict[str, Any]:
    container = {"name": "main", "image": "registry.example/pause@sha256:" + "0" * 64, "resources": {"limits": limits}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": space},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}},
                     "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}}}  # fmt: skip


def awaited(space: str, **more: Any) -> dict[str, Any]:
    return {"api_version": "apps/v1", "kind": "Deployment", "name": "d", "namespace": space, **more}


def later(rehearsal: Any, seconds: float, obj: dict[str, Any]) -> threading.Thread:
    """Applies an object some seconds later."""

    def work() -> None:
        time.sleep(seconds)
        rehearsal.kubectl("apply", "-f", "-", stdin=json.dumps(obj))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_waits_for_an_object_that_comes_later(rehearsal: Any, space: str, tmp_path: Path) -> None:
    thread = later(rehearsal, 4, deployment(space))
    done = play(tmp_path, rehearsal, {MODULE: {"objects": [awaited(space)], "timeout_seconds": 120}})[0]
    thread.join()
    assert not done["failed"], done
    assert done["waited"][0]["state"] == "Available" and done["waited"][0]["seconds"] > 0
    assert f"Deployment {space}/d: ok, Available" in done["_output"]


def test_unschedulable_ends_with_the_schedulers_words(rehearsal: Any, space: str, tmp_path: Path) -> None:
    rehearsal.kubectl("apply", "-f", "-", stdin=json.dumps(deployment(space, **{"example.com/none": "1"})))
    start = time.monotonic()
    done = play(tmp_path, rehearsal, {MODULE: {"objects": [awaited(space)], "timeout_seconds": 300}})[0]
    assert done["failed"] and done["failure"]["reason"] == "Unschedulable"
    assert "Insufficient example.com/none" in done["msg"] and done["failure"]["culprit"].startswith(f"Pod {space}/d-")
    assert time.monotonic() - start < 120


def test_nodes_pools_and_kinds_that_are_not_served(rehearsal: Any, tmp_path: Path) -> None:
    nodes = [n["metadata"]["name"] for n in rehearsal.get("nodes")["items"]]
    objects = [{"api_version": "v1", "kind": "Node", "name": n} for n in nodes]
    objects += [{"api_version": "machineconfiguration.openshift.io/v1", "kind": "MachineConfigPool", "name": "worker"}]
    good, bad = play(tmp_path, rehearsal, {MODULE: {"objects": objects, "timeout_seconds": 120}},
                     {MODULE: {"objects": [{"api_version": "no.such/v1", "kind": "Kuadrant", "name": "k", "namespace": "x"}],
                               "timeout_seconds": 3}})  # fmt: skip
    assert not good["failed"], good
    assert bad["failed"] and bad["timed_out"] and "doesn't serve Kuadrant (no.such/v1)" in bad["msg"]


def test_check_mode_waits_for_nothing(rehearsal: Any, space: str, tmp_path: Path) -> None:
    done = play(tmp_path, rehearsal, {MODULE: {"objects": [awaited(space)]}}, check=True)[0]
    assert not done["failed"] and done["would_wait_for"] == [f"Deployment {space}/d"]


def test_no_time_reads_once(rehearsal: Any, space: str, tmp_path: Path) -> None:
    secret = {"api_version": "v1", "kind": "Secret", "name": "s", "namespace": space, "until": "exists"}
    missing = play(tmp_path, rehearsal, {MODULE: {"objects": [secret], "timeout_seconds": 0}})[0]
    assert missing["failed"] and "Missing" in missing["msg"]
    rehearsal.kubectl("create", "secret", "generic", "s", "-n", space)
    assert not play(tmp_path, rehearsal, {MODULE: {"objects": [secret], "timeout_seconds": 0}})[0]["failed"]


def test_mistakes_are_told_all_at_once(rehearsal: Any, tmp_path: Path) -> None:
    done = play(tmp_path, rehearsal, {MODULE: {"objects": [{"kind": "Node", "name": "x", "until": "redy"}]}})[0]
    assert done["failed"] and len(done["problems"]) == 2 and "did you mean 'ready'" in done["msg"]


def test_a_token_is_in_no_output(rehearsal: Any, tmp_path: Path) -> None:
    """The connection's token must not show, also not with -vvv and in the registered result."""
    token = yaml.safe_load(Path(rehearsal.kubeconfig).read_text())["users"][0]["user"]["token"]
    host = rehearsal.status["api_url"]
    node = {"api_version": "v1", "kind": "Node", "name": "none"}
    auth = {"host": host, "api_key": token, "validate_certs": False}
    done = play(
        tmp_path, rehearsal, {MODULE: {"objects": [node], "timeout_seconds": 1, **auth}}, env={"ANSIBLE_VERBOSITY": "3"}
    )[0]
    assert done["failed"] and "Missing" in done["msg"]
    assert token not in json.dumps({k: v for k, v in done.items() if k != "_output"})
    assert token not in done["_output"]


def test_object_info_reads_one_some_and_none(rehearsal: Any, space: str, tmp_path: Path) -> None:
    read = "llmd.openshift.object_info"
    rehearsal.kubectl("create", "configmap", "mine", "-n", space, "--from-literal=answer=yes")
    one, some, absent, unknown = play(
        tmp_path, rehearsal,
        {read: {"kind": "ConfigMap", "name": "mine", "namespace": space}},
        {read: {"kind": "Namespace", "label_selector": f"kubernetes.io/metadata.name={space}"}},
        {read: {"kind": "ConfigMap", "name": "none", "namespace": space}},
        {read: {"kind": "Nothing", "api_version": "example.com/v1"}},
    )  # fmt: skip
    assert [row["data"] for row in one["resources"]] == [{"answer": "yes"}] and not one["changed"]
    assert [row["metadata"]["name"] for row in some["resources"]] == [space]
    assert absent["resources"] == unknown["resources"] == [] and not unknown["failed"]
