# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""inference_probe and prove against a real endpoint picker, Envoy and the vLLM simulator; also with the picker dead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collection.platform import tasks
from tests.integration.collection.plays import play
from tests.integration.conftest import Rehearsal, rehearsal_cli, start

pytestmark = pytest.mark.rehearsal
PICKER = "deployment/llmd-kserve-router-scheduler"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A cluster of its own with a service that answers."""
    name = f"test-{os.getpid()}-probe"
    cluster = start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "4")
    results = play(tmp_path_factory.mktemp("up"), cluster, *tasks(cluster), timeout=1500)
    assert not [r["msg"] for r in results if r["failed"]], results[-1]["_output"]
    yield cluster
    rehearsal_cli("down", "--name", name)


def measure(tmp_path: Path, cluster: Any, check: bool = False, **more: Any) -> dict[str, Any]:
    args = {"namespace": "llmd", "name": "llmd", "image": cluster.tools, "timeout_seconds": 300, **more}
    return play(tmp_path, cluster, {"llmd.openshift.inference_probe": args}, check=check, timeout=600)[0]


def judge(tmp_path: Path, cluster: Any, measured: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    args = {"path": "inference_scheduling", "measurements": measured["measurements"]}
    judged = play(tmp_path, cluster, {"llmd.openshift.prove": args})[0]
    return judged, {c["id"].removeprefix("proof-"): c["status"] for c in judged["proof"]["checks"]}


def leftovers(cluster: Any) -> str:
    selector = ("-l", "app.kubernetes.io/name=llmd-probe", "-o", "name")
    return str(cluster.kubectl("get", "serviceaccount,configmap,pod,secret,role,rolebinding", "-n", "llmd", *selector)
               + cluster.kubectl("get", "clusterrole,clusterrolebinding", *selector))  # fmt: skip


def test_check_mode_makes_nothing(serving: Rehearsal, tmp_path: Path) -> None:
    before = serving.audit_size()
    done = measure(tmp_path, serving, check=True)
    assert not done["failed"] and not done["changed"] and "would send 24 requests" in done["msg"]
    ours = [
        e
        for e in serving.audit(before)
        if "llmd-openshift" in e.get("userAgent", "") and e["verb"] not in ("get", "list", "watch")
    ]
    assert ours == []


def test_a_living_picker_is_proven_and_nothing_stays(serving: Rehearsal, tmp_path: Path) -> None:
    done = measure(tmp_path, serving)
    assert not done["failed"] and not done["changed"], done
    judged, states = judge(tmp_path, serving, done)
    assert judged["proof"]["status"] == "proven", judged["msg"]
    assert set(states.values()) == {"pass"}
    figures = judged["proof"]["numbers"]
    assert (
        figures["repeated_prefix_same_pod"] == figures["repeated_prefix_total"] == 12
        and len(figures["new_prefix_pods"]) == 2
    )
    assert leftovers(serving) == ""


def test_a_dead_picker_fails_the_proof_although_answers_are_200(serving: Rehearsal, tmp_path: Path) -> None:
    serving.kubectl("scale", PICKER, "-n", "llmd", "--replicas=0")
    serving.kubectl("wait", "--for=delete", "pod", "-n", "llmd", "-l", "app.kubernetes.io/component=llminferenceservice-router-scheduler",
                    "--timeout=120s")  # fmt: skip
    try:
        done = measure(tmp_path, serving)
        judged, states = judge(tmp_path, serving, done)
    finally:
        serving.kubectl("scale", PICKER, "-n", "llmd", "--replicas=1")
    assert states["chat"] == states["completions"] == "pass", "the pool fails open"
    assert judged["proof"]["status"] == "failed" and states["picker-alive"] == states["picker-counted"] == "fail"
    assert "no endpoint picker Pod" in judged["msg"]


def test_a_pod_that_cannot_be_placed_is_named(serving: Rehearsal, tmp_path: Path) -> None:
    nodes = [n["metadata"]["name"] for n in serving.get("nodes")["items"]]
    serving.kubectl("cordon", *nodes)
    try:
        done = measure(tmp_path, serving)
    finally:
        serving.kubectl("uncordon", *nodes)
    assert done["failed"] and done["failure"]["reason"] == "Unschedulable" and "Pod llmd/llmd-probe-" in done["msg"]
    assert leftovers(serving) == ""


def test_no_such_service(serving: Rehearsal, tmp_path: Path) -> None:
    done = measure(tmp_path, serving, name="none")
    assert done["failed"] and "LLMInferenceService llmd/none" in done["msg"] and "doesn't exist" in done["msg"]
