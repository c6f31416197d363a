# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates through ansible-runner, Automation Platform's engine, with the credential's files, surveys, limits, slices and artifacts."""

from __future__ import annotations

import base64
import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controller import behaviour, modules
from tests.controller.job import ROOT, Controller, Job
from tests.integration.conftest import Rehearsal
from tests.integration.rehearsal.steps import one_cluster

pytestmark = pytest.mark.rehearsal

WRITES = {"create", "update", "patch", "delete", "deletecollection"}
LARGEST = 700_000  # bytes of an event, where the controller cuts
APPROVER = "inference"


def cluster(rehearsal: Rehearsal, **more: Any) -> dict[str, Any]:
    """The inventory's variables of a cluster: no secret, no way to it."""
    return {
        "llmd_cluster_id": rehearsal.status["cluster_id"],
        "llmd_release": "3.3",
        "llmd_path": "inference_scheduling",
        "llmd_model_uri": "hf://Qwen/Qwen2.5-7B-Instruct",
        "llmd_replicas": 2,
        "llmd_allow_disruption": ["driver"],
        **more,
    }


def token(rehearsal: Rehearsal) -> str:
    return yaml.safe_load(Path(rehearsal.kubeconfig).read_text())["users"][0]["user"]["token"]


def by_kubeconfig(rehearsal: Rehearsal) -> dict[str, Any]:
    return {"kubeconfig": Path(rehearsal.kubeconfig).read_text()}


def by_token(rehearsal: Rehearsal, secret: str | None = None) -> dict[str, Any]:
    """URL, token and CA, as the credential form has them."""
    config = yaml.safe_load(Path(rehearsal.kubeconfig).read_text())["clusters"][0]["cluster"]
    pem = base64.b64decode(config["certificate-authority-data"]).decode()
    return {"host": config["server"], "token": secret or token(rehearsal), "ca_cert": pem}


def writes(rehearsal: Rehearsal, since: int) -> list[str]:
    """What our runs wrote; reviews of rights, dry runs and the lock are no writes of a reading run's kind."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in rehearsal.audit(since)
        if event["verb"] in WRITES
        and event["stage"] == "ResponseComplete"
        and event.get("userAgent", "").startswith("llmd.openshift")
        and "selfsubject" not in event["requestURI"]
        and "dryRun=All" not in event["requestURI"]
    ]


def clean(job: Job, *secrets: str) -> None:
    """No secret in what the controller stores, no event that it would cut, artifacts that fit into extra vars."""
    stored = job.stored()
    for secret in secrets:
        assert secret not in stored
    assert "Traceback" not in stored
    assert job.largest_event() < LARGEST
    assert len(json.dumps(job.artifacts)) < 20_000


def refused(job: Job, *words: str) -> None:
    """The job failed, its artifact says why."""
    assert job.status == "failed", job.output[-3000:]
    for word in words:
        assert word.lower() in str(job.result["failure"]).lower(), f"{word!r} isn't in: {job.result['failure']}"


def test_assess_through_ansible_runner(rehearsal: Rehearsal, tmp_path: Path) -> None:
    controller = Controller(tmp_path, {"cluster-a": cluster(rehearsal)}, by_kubeconfig(rehearsal))
    before = rehearsal.audit_size()
    job = controller.launch("assess", answers={"llmd_path": "kv_cache_offload"}, arguments=("-vvv",))
    assert job.status == "successful", job.output[-3000:]
    clean(job, token(rehearsal))
    assert writes(rehearsal, before) == []
    # The survey's answer beats the inventory; what wasn't answered is the inventory's.
    assert (job.result["host"], job.result["path"], job.result["release"]) == ("cluster-a", "kv_cache_offload", "3.3")
    assert job.result["cluster_id"] == rehearsal.status["cluster_id"]


@pytest.fixture(scope="module")
def own(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    """A bare cluster of this file's own."""
    yield from one_cluster(request, f"aap-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10")


@pytest.fixture
def controller(own: Rehearsal, tmp_path: Path) -> Controller:
    return Controller(tmp_path, {"cluster-a": cluster(own)}, by_kubeconfig(own))


@pytest.mark.wide
def test_a_token_reaches_the_cluster_by_file_only(own: Rehearsal, controller: Controller) -> None:
    job = controller.launch("assess", credential=by_token(own), arguments=("-vvv",))
    assert job.status == "successful", job.output[-3000:]
    clean(job, token(own))
    refused(controller.launch("assess", credential={**by_token(own), "ca_cert": "not a certificate"}), "CA or client certificate")


@pytest.mark.wide
def test_an_expired_token_and_another_cluster_s_credential(own: Rehearsal, controller: Controller, tmp_path: Path) -> None:
    before = own.audit_size()
    refused(controller.launch("provision", credential=by_token(own, "expired-0123456789")), "401", "token")
    controller.inventory["cluster-a"]["llmd_cluster_id"] = "11111111-2222-4333-8444-555555555555"
    refused(controller.launch("provision"), "11111111-2222", own.status["cluster_id"])
    assert writes(own, before) == []


@pytest.mark.wide
def test_the_built_in_credential_s_variables_are_refused(controller: Controller) -> None:
    variables = {"K8S_AUTH_HOST": "https://127.0.0.1:1", "K8S_AUTH_API_KEY": "planted-s3cret"}
    job = controller.launch("assess", env=variables)
    refused(job, "K8S_AUTH_HOST")
    assert "planted-s3cret" not in "".join(json.dumps(event) for event in job.events)


@pytest.mark.wide
def test_wrong_survey_answers(own: Rehearsal, controller: Controller) -> None:
    """The controller refuses wrong types and choices; what it lets through is named before anything is read."""
    with pytest.raises(ValueError, match="llmd_replicas"):
        controller.launch("provision", answers={"llmd_replicas": "two"})
    with pytest.raises(ValueError, match="llmd_kubeconfig isn't asked"):
        controller.launch("provision", answers={"llmd_kubeconfig": "/etc/passwd"})
    before = own.audit_size()
    hostile = {"llmd_model_uri": "{{ lookup('env', 'HOME') }}", "llmd_waivers": "{not json"}
    job = controller.launch("provision", answers=hostile)
    refused(job, "llmd_model_uri", "llmd_waivers", "2 errors")
    assert str(controller.folder) not in job.result["failure"], "an answer was rendered"
    assert [e for e in own.audit(before) if e.get("userAgent", "").startswith("llmd.openshift")] == []


def recorded(folder: Path, **hosts: Any) -> dict[str, dict[str, Any]]:
    """An inventory whose clusters are recorded snapshots: name -> profile, or the snapshot itself."""
    inventory = {}
    for host, given in hosts.items():
        file = folder / f"{host}.json"
        file.write_text(json.dumps(given) if isinstance(given, dict) else snapshot(given))
        inventory[host.replace("_", "-")] = {
            "llmd_snapshot": str(file), "llmd_release": "3.3", "llmd_path": "inference_scheduling",
            "llmd_model_uri": "hf://Qwen/Qwen2.5-7B-Instruct", "llmd_allow_disruption": ["driver"],
        }  # fmt: skip
    return inventory


def snapshot(profile: str) -> str:
    return gzip.decompress((ROOT / f"tests/unit/data/snapshots/{profile}.json.gz").read_bytes()).decode()


def test_slices_of_a_fleet_are_planned_merged_and_told_to_the_approver(tmp_path: Path) -> None:
    """Without a cluster: facts from files. Two slices plan, their artifacts alone reach the approver and the report."""
    controller = Controller(tmp_path, recorded(tmp_path, cluster_a="h200-roce", cluster_b="cpu-only", cluster_c="h200-roce"))
    modules.write(controller.collections)
    slices = [controller.launch("plan", slice_of=(number, 2)) for number in (1, 2)]
    assert [sorted(one["host"] for one in job.artifacts.values()) for job in slices] == [["cluster-a", "cluster-c"], ["cluster-b"]]
    for job in slices:
        assert job.status == "successful", job.output[-3000:]
        clean(job)
    together = behaviour.ancestors(*(job.artifacts for job in slices))
    record = tmp_path / "controller.jsonl"
    env = {"CONTROLLER_HOST": "https://aap.example.com", "CONTROLLER_OAUTH_TOKEN": "planted-t0ken", "CONTROLLER_RECORD": str(record)}
    told = controller.launch("brief", artifacts=together, env=env)
    assert told.status == "successful", told.output[-3000:]
    clean(told, "planted-t0ken")
    ((_module, args),) = modules.recorded(record)
    assert args["approval_node"]["name"] == "Approve llm-d on 2 clusters: driver on 4 nodes"
    begin, _line, refused_ones = args["approval_node"]["description"].partition("Will not begin:")
    assert "cluster-a: " in begin and "cluster-c: " in begin and "cluster-b: " in refused_ones and "none has a GPU" in refused_ones


@pytest.mark.wide
def test_limit(tmp_path: Path) -> None:
    controller = Controller(tmp_path, recorded(tmp_path, cluster_a="h200-roce", cluster_b="cpu-only"))
    job = controller.launch("assess", limit="cluster-b")
    assert [one["host"] for one in job.artifacts.values()] == ["cluster-b"]
    job = controller.launch("report", artifacts=job.artifacts, limit="cluster-b")
    assert job.status == "successful" and "cluster-b  " in job.output, "a limit would leave localhost out"


@pytest.mark.wide
def test_events_stay_small_with_two_hundred_nodes(tmp_path: Path) -> None:
    facts = json.loads(snapshot("h200-roce"))
    node = next(one for one in facts["nodes"] if one["name"] == "gpu-0")
    facts["nodes"] += [{**node, "name": f"gpu-{number}"} for number in range(2, 200)]
    assert len(json.dumps(facts)) > LARGEST, "the facts alone would be too large for an event"
    job = Controller(tmp_path, recorded(tmp_path, cluster_a=facts)).launch("plan", arguments=("-vvv",))
    assert job.status == "successful", job.output[-3000:]
    assert job.largest_event() < LARGEST and len(json.dumps(job.artifacts)) < 20_000


@pytest.mark.wide
def test_check_mode_writes_nothing(own: Rehearsal, controller: Controller) -> None:
    before = own.audit_size()
    job = controller.launch("provision", arguments=("--check", "--diff"))
    assert job.status == "successful", job.output[-3000:]
    clean(job, token(own))
    assert writes(own, before) == [] and job.result["mode"] == "check"


@pytest.mark.wide
def test_of_two_jobs_for_one_cluster_the_second_stops_with_owner_and_age(own: Rehearsal, controller: Controller, tmp_path: Path) -> None:
    before = holder(own)
    folder, first = controller.start("provision")
    try:
        new_holder(own, before)
        (tmp_path / "other").mkdir()
        other = Controller(tmp_path / "other", {"cluster-a": cluster(own)}, by_kubeconfig(own))
        job = other.launch("provision")
        refused(job, "Another run works on this cluster", "holds it since", "falls free in")
    finally:
        controller.cancel(first)
    assert controller.finish(folder).status == "canceled"


@pytest.mark.wide
def test_a_token_that_dies_in_the_middle_of_a_job(own: Rehearsal, controller: Controller) -> None:
    """The job ends with that reason and can't free its lock; the next one finds the owner dead and goes on."""
    own.kubectl("create", "serviceaccount", "short", "-n", "default")
    own.kubectl("create", "clusterrolebinding", "short", "--clusterrole=cluster-admin", "--serviceaccount=default:short")
    secret = own.kubectl("create", "token", "short", "-n", "default").strip()
    before = holder(own)
    folder, process = controller.start("provision", credential=by_token(own, secret))
    dead = new_holder(own, before)
    own.kubectl("delete", "serviceaccount", "short", "-n", "default")
    process.wait(timeout=300)
    job = controller.finish(folder)
    refused(job, "401")
    clean(job, secret)
    assert holder(own) == dead
    last = [event["event_data"]["res"]["msg"] for event in job.events if event["event"] == "runner_on_failed" and "res" in event["event_data"]][-1]
    assert last.startswith("The cluster doesn't accept the credentials") and "the lock of the cluster couldn't be released" in last.lower(), last
    folder, process = controller.start("provision")
    new_holder(own, dead)
    controller.cancel(process)
    controller.finish(folder)


def holder(own: Rehearsal) -> str:
    """Who holds the lock, or held it when a job was killed."""
    found = own.kubectl("get", "lease", "llmd-openshift", "-n", "llmd-openshift", "-o", "jsonpath={.spec.holderIdentity}", check=False)
    return "" if "rror" in found else found.strip()


def new_holder(own: Rehearsal, before: str, seconds: int = 90) -> str:
    """The next holder of the lock."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (found := holder(own)) not in ("", before):
            return found
        time.sleep(0.3)
    raise AssertionError("nobody took the lock")


@pytest.mark.wide
def test_the_workflow(own: Rehearsal, controller: Controller) -> None:
    """assess, plan, what the approver reads, the approval, provision by that plan - cancelled five times on the way -, verify, report.

    The jobs share nothing but artifacts: each has its own folder, and what it wrote beside the project is thrown away.
    """
    modules.write(controller.collections)
    record = controller.folder / "controller.jsonl"
    to_controller = {"CONTROLLER_HOST": "https://aap.example.com", "CONTROLLER_OAUTH_TOKEN": "planted-t0ken", "CONTROLLER_RECORD": str(record)}
    answers = {"llmd_allow_disruption": ["driver", "gpu-evict"]}

    before = own.audit_size()
    assessed = controller.launch("assess", workflow=APPROVER, answers=answers)
    assert assessed.status == "successful", assessed.output[-3000:]
    planned = controller.launch("plan", workflow=APPROVER, answers=answers, artifacts=assessed.artifacts)
    assert planned.status == "successful", planned.output[-3000:]
    assert writes(own, before) == []
    plan = planned.result["plan"]
    assert plan["approval"] and plan["stop"] is None and plan["changes"] > 0
    handed = behaviour.ancestors(assessed.artifacts, planned.artifacts)

    told = controller.launch("brief", workflow=APPROVER, answers=answers, artifacts=handed, env=to_controller)
    assert told.status == "successful", told.output[-3000:]
    clean(told, "planted-t0ken")
    (module, args), = modules.recorded(record)
    assert module == "workflow_job_template_node" and args["identifier"] == "approval"
    assert args["approval_node"]["name"].startswith("Approve llm-d on cluster-a: ")
    assert "cluster-a: OpenShift AI 3.3, inference_scheduling" in args["approval_node"]["description"]

    # Here somebody approves. The job is cancelled at five points; the next one finds the lock free and goes on.
    for seconds in (6, 11, 16, 22, 28):
        folder, process = controller.start("provision", workflow=APPROVER, answers=answers, artifacts=handed)
        time.sleep(seconds)
        if process.poll() is not None:
            break
        controller.cancel(process)
        assert controller.finish(folder).status == "canceled"
    done = controller.launch("provision", workflow=APPROVER, answers=answers, artifacts=handed)
    assert done.status == "successful", done.output[-4000:]
    clean(done, token(own))
    assert done.result["outcome"] == "proven"
    assert holder(own) == ""

    again = controller.launch("provision", answers=answers)
    assert again.status == "successful" and "changed=0" in again.output

    verified = controller.launch("verify", workflow=APPROVER, answers=answers, artifacts=behaviour.ancestors(handed, done.artifacts))
    assert verified.status == "successful", verified.output[-3000:]
    clean(verified, token(own))
    job = controller.launch("report", artifacts=behaviour.ancestors(handed, done.artifacts, verified.artifacts))
    assert job.status == "successful" and "cluster-a  proven" in job.output and "proof proven" in job.output


@pytest.mark.wide
def test_what_was_not_approved_is_not_done(own: Rehearsal, controller: Controller) -> None:
    before = own.audit_size()
    planned = controller.launch("plan")
    (name,) = planned.artifacts
    other = {name: {**planned.result, "host": "cluster-z"}}
    refused(controller.launch("provision", artifacts=other), "llmd_approved_steps")
    controller.inventory["cluster-a"]["llmd_service_name"] = "second"
    refused(controller.launch("provision", artifacts=planned.artifacts), "second")
    assert [one for one in writes(own, before) if "leases" not in one and "namespaces/llmd-openshift" not in one] == []


@pytest.mark.wide
def test_nothing_to_approve(tmp_path: Path) -> None:
    """A plan that isn't permitted is no question: the job before the approval fails with the reason."""
    controller = Controller(tmp_path, recorded(tmp_path, cluster_a="h200-roce"))
    controller.inventory["cluster-a"]["llmd_allow_disruption"] = []
    job = controller.launch("brief", artifacts=controller.launch("plan").artifacts)
    assert job.status == "failed" and "There is nothing to approve" in job.output and "llmd_allow_disruption: [driver]" in job.output
