# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that refuses, cuts off, hangs and comes back, as kubectl and plain HTTPS see it. The parts inside don't notice."""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.looks import wait_for

pytestmark = pytest.mark.rehearsal

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}, "data": {"a": "b"}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    name = f"api-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    yield start(name, "--profile", "cpu-only", "--speed", "10")
    rehearsal_cli("down", "--name", name)


@pytest.fixture
def one(cluster: Any) -> Iterator[Any]:
    yield cluster
    assert rehearsal_cli("repair", "--name", cluster.name).returncode == 0
    wait_for(lambda: cluster.get("namespace", "default"), 60)


def provoke(one: Any, scenario: str) -> None:
    """Let it begin. The first fault makes the rehearsal start its proxy, so wait for that."""
    done = rehearsal_cli("provoke", "--name", one.name, "--scenario", scenario)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: (one.state / "run" / "api-target").read_text().endswith(":9443"), 60)


def ask(one: Any, verb: str, path: str, body: Any = None, content: str = "application/json", seconds: float = 30) -> tuple[int, Any]:
    """One plain request as administrator: (status code, JSON); a connection that is cut is code 0."""
    config = json.loads(Path(one.kubeconfig).read_text())
    authority = config["clusters"][0]["cluster"]["certificate-authority-data"]
    context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}", "Content-Type": content}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(config["clusters"][0]["cluster"]["server"] + path, data, headers, method=verb)
    try:
        with urllib.request.urlopen(request, timeout=seconds, context=context) as answer:
            return answer.status, json.loads(answer.read().splitlines()[0])
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
    except (OSError, ValueError):
        return 0, None


def many(one: Any, count: int, *args: Any, **more: Any) -> list[tuple[int, Any]]:
    return [ask(one, *args, **more) for _ in range(count)]


def test_unauthorized_for_some_requests_only(one: Any) -> None:
    provoke(one, "api-unauthorized")
    codes = [code for code, _ in many(one, 30, "GET", "/api/v1/namespaces/default")]
    assert codes.count(401) == 4 and codes.count(200) == 26 and codes[:20] == [200] * 20


def test_forbidden_names_user_verb_and_place(one: Any) -> None:
    provoke(one, "api-forbidden")
    path = "/apis/operators.coreos.com/v1alpha1/namespaces/default/subscriptions/x"
    text = one.kubectl("get", "--raw", path, check=False)
    assert 'User "system:admin" cannot get resource "subscriptions" in API group "operators.coreos.com" in the namespace "default"' in text
    assert ask(one, "GET", "/api/v1/nodes")[0] == 200


def test_conflicts_hit_changes_and_never_reads(one: Any) -> None:
    one.kubectl("apply", "-f", "-", stdin=json.dumps(CONFIG_MAP))
    provoke(one, "api-conflict")
    path = "/api/v1/namespaces/default/configmaps/c"
    answers = many(one, 30, "PATCH", path, {"data": {"a": "c"}}, "application/merge-patch+json")
    refused = [answer for code, answer in answers if code == 409]
    assert refused and len(refused) < 30
    assert 'Operation cannot be fulfilled on configmaps "c": the object has been modified' in refused[0]["message"]
    assert {code for code, _ in many(one, 10, "GET", path)} == {200}


def test_gone_comes_as_an_event_of_the_watch(one: Any) -> None:
    provoke(one, "api-gone")
    answers = many(one, 6, "GET", "/api/v1/namespaces?watch=true&timeoutSeconds=2")
    gone = [answer for _, answer in answers if answer and answer["type"] == "ERROR"]
    assert gone and gone[0]["object"]["code"] == 410 and gone[0]["object"]["reason"] == "Expired"


def test_etcd_that_is_full_reads_and_does_not_write(one: Any) -> None:
    provoke(one, "api-etcd-full")
    assert ask(one, "GET", "/api/v1/nodes")[0] == 200
    code, status = ask(one, "POST", "/api/v1/namespaces/default/configmaps", {**CONFIG_MAP, "metadata": {"name": "new"}})
    assert (code, status["message"]) == (500, "etcdserver: mvcc: database space exceeded")
    text = one.kubectl("create", "namespace", "full", check=False)
    assert "etcdserver: mvcc: database space exceeded" in text


def test_resets_and_slowness(one: Any) -> None:
    provoke(one, "api-resets")
    codes = [code for code, _ in many(one, 60, "GET", "/api/v1/namespaces/default")]
    assert 0 in codes and 200 in codes
    assert rehearsal_cli("repair", "--name", one.name).returncode == 0
    provoke(one, "api-slow")  # four seconds, divided by --speed 10
    began = time.monotonic()
    assert {code for code, _ in many(one, 30, "GET", "/api/v1/namespaces/default")} == {200}
    assert time.monotonic() - began > 0.4


def test_watches_are_cut(one: Any) -> None:
    provoke(one, "api-watch-drops")
    began = time.monotonic()
    ask(one, "GET", "/api/v1/namespaces?watch=true&resourceVersion=0&timeoutSeconds=60", seconds=40)
    assert time.monotonic() - began < 20, "the server would have kept it for a minute"


def test_an_outage_begins_and_ends_and_nobody_inside_notices(one: Any) -> None:
    provoke(one, "api-outage")
    assert ask(one, "GET", "/readyz?verbose=0")[0] in (0, 200)
    wait_for(lambda: ask(one, "GET", "/api/v1/namespaces/default")[0] == 0, 60)
    assert "default" not in one.kubectl("get", "namespace", "default", "-o", "name", "--request-timeout=2s", check=False)
    assert json.loads(rehearsal_cli("status", "--name", one.name, "--json").stdout)["state"] == "ready"
    wait_for(lambda: ask(one, "GET", "/api/v1/namespaces/default")[0] == 200, 60)
