# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift AI from release 3.2 to 3.3 by site.yml, while a client asks the served model all the time.

The tests of this file build on each other: served on 3.2, what the plan says before anything happens, the upgrade, a second run.
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rehearsal.steps import one_cluster
from tests.integration.site.play import Result, Site

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

NAMESPACE, NAME, MODEL = "llmd", "llmd", "Qwen/Qwen2.5-7B-Instruct"
OPERATOR = ("redhat-ods-operator", "rhods-operator")
COMMON = {"llmd_auth": False, "llmd_replicas": 2}
PERMITTED = ["driver", "upgrade"]


@dataclass
class Client:
    """Asks again and again from outside the cluster, through the gateway; several conversations at a time."""

    url: str
    answers: list[tuple[float, int, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Client:
        self._threads = [threading.Thread(target=self._talk, args=(number,), daemon=True) for number in range(3)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)

    def _talk(self, number: int) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            self.answers.append((time.time(), *ask(self.url, f"Question {turn} of conversation {number}: what is a rail?")))
            self._stop.wait(0.3)

    @property
    def failed(self) -> list[tuple[float, int, str]]:
        return [answer for answer in self.answers if answer[1] != 200]


def ask(url: str, text: str) -> tuple[int, str]:
    """(status, what went wrong); a status of 0 is a connection that broke."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 40}
    request = urllib.request.Request(f"{url}/{NAMESPACE}/{NAME}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")[:200]
    except OSError as error:
        return 0, str(error)


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    for rehearsal in one_cluster(request, f"release-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"):
        yield Site(rehearsal, tmp_path_factory.mktemp("release"))


def subscription(site: Site) -> dict[str, Any]:
    return dict(site.rehearsal.get("subscriptions.operators.coreos.com", OPERATOR[1], "-n", OPERATOR[0]))


def notes(site: Site) -> set[str]:
    service = site.rehearsal.get("llminferenceservice", NAME, "-n", NAMESPACE)
    return {value for key, value in service["status"]["annotations"].items() if key.startswith("serving.kserve.io/config-llm-")}


def images(site: Site) -> set[str]:
    pods = site.rehearsal.get("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={NAME},app.kubernetes.io/component=llminferenceservice-workload")
    return {next(c["image"] for c in pod["spec"]["containers"] if c["name"] == "main") for pod in pods["items"]}


def steps(site: Site) -> dict[str, Any]:
    plan = json.loads((site.folder / "rehearsal" / "plan.json").read_text())
    return {step["id"]: step for step in plan["steps"]}


def test_served_on_the_release_before(cluster: Site) -> None:
    result = cluster.run(llmd_release="3.2", llmd_allow_disruption=["driver"], **COMMON)
    assert result.rc == 0, result.output[-4000:]
    assert result.report["outcome"] == "proven"
    assert subscription(cluster)["status"]["installedCSV"] == "rhods-operator.3.2.1"
    assert all(name.startswith("v3-2-1-kserve-") for name in notes(cluster)) and notes(cluster)


def test_without_permission_nothing_happens_and_the_plan_says_what_would(cluster: Site) -> None:
    before = cluster.rehearsal.audit_size()
    result = cluster.run(llmd_release="3.3", llmd_allow_disruption=["driver"], **COMMON)
    assert result.rc != 0
    assert "Upgrade Red Hat OpenShift AI from rhods-operator.3.2.1 to rhods-operator.3.3.6 needs upgrade: it can't be rolled back" in result.message
    assert "llmd_allow_disruption" in result.message
    told = steps(cluster)
    channels = [change["why"] for change in told["upgrade"]["changes"] if change["object"].startswith("Subscription ")]
    assert channels == ["channel fast-3.x", "channel stable-3.3"], told["upgrade"]
    [service] = [change for change in told["serving"]["changes"] if change["object"] == f"LLMInferenceService {NAMESPACE}/{NAME}"]
    assert service["action"] == "update" and "from the presets of 3.2.1 to those of 3.3.6" in service["why"]
    assert "replaced one after the other" in told["serving"]["disruption"]["why"]
    assert subscription(cluster)["spec"]["channel"] == "fast-3.x"
    writes = [e for e in cluster.rehearsal.audit(before) if e.get("userAgent", "").startswith("llmd.openshift") and e["verb"] in ("patch", "delete")]
    assert [e["requestURI"] for e in writes if "/leases/" not in e["requestURI"]] == []


def test_a_release_that_olm_has_no_way_to_is_refused(cluster: Site) -> None:
    result = cluster.run(llmd_release="3.4", llmd_allow_disruption=PERMITTED, **COMMON)
    assert result.rc != 0
    assert "one release is taken at a time" in result.output and 'llmd_release: \\"3.3\\" first' in result.output.replace('"3.3"', '\\"3.3\\"')
    assert subscription(cluster)["status"]["installedCSV"] == "rhods-operator.3.2.1"


def test_an_upgrade_is_not_exported(cluster: Site, tmp_path: Path) -> None:
    result = cluster.run(llmd_release="3.3", llmd_allow_disruption=PERMITTED, llmd_export=str(tmp_path / "out"), **COMMON)
    assert result.rc != 0
    assert "the cluster would go from OpenShift AI 3.2.1 to 3.3.6" in result.message and "then export again" in result.message
    assert not list(tmp_path.glob("out/*"))


def begun(site: Site, stage: str) -> int:
    """How often a stage has begun, by the journal of the runs."""
    journal = site.folder / "rehearsal" / "journal.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines() if line.startswith("{")]
    return len([event for event in events if (event["event"], event["stage"]) == ("begin", stage)])


def test_the_upgrade_loses_no_request(cluster: Site) -> None:
    """The client asks until the proof begins, which wants the service for itself: it counts who answered what."""
    old, proofs = images(cluster), begun(cluster, "verify")
    results: list[Result] = []
    began = time.time()
    with Client(cluster.rehearsal.status["gateway_url"]) as client:
        time.sleep(5)
        assert client.answers and not client.failed, client.failed[:3]
        run = threading.Thread(target=lambda: results.append(cluster.run(llmd_release="3.3", llmd_allow_disruption=PERMITTED, timeout=1800, **COMMON)))
        run.start()
        while run.is_alive() and begun(cluster, "verify") == proofs:
            time.sleep(0.5)
    asked = time.time() - began
    run.join()
    shown = [(round(at - began, 1), status, text) for at, status, text in client.failed]
    print(f"{len(client.answers)} requests in {asked:.0f} s, {len(shown)} failed")
    assert shown == [], shown[:10]
    assert len(client.answers) > 100
    (result,) = results
    assert result.rc == 0, result.output[-4000:]
    state = subscription(cluster)
    assert (state["spec"]["channel"], state["status"]["installedCSV"]) == ("stable-3.3", "rhods-operator.3.3.6")
    assert all(name.startswith("v3-3-6-kserve-") for name in notes(cluster)) and images(cluster).isdisjoint(old)
    report = result.report
    assert report["outcome"] == "proven"
    told = [entry["stage"] for entry in report["stages"]]
    assert told.index("operators") < told.index("platform") < told.index("serving") < told.index("verify")


def test_a_second_run_changes_nothing(cluster: Site) -> None:
    result = cluster.run(llmd_release="3.3", llmd_allow_disruption=["driver"], **COMMON)
    assert (result.rc, result.changed) == (0, 0), [line for line in result.output.splitlines() if line.startswith("changed")]


def test_there_is_no_way_back(cluster: Site) -> None:
    result = cluster.run(llmd_release="3.2", llmd_allow_disruption=PERMITTED, **COMMON)
    assert result.rc != 0
    assert "OLM never goes back" in result.output
    assert subscription(cluster)["status"]["installedCSV"] == "rhods-operator.3.3.6"
