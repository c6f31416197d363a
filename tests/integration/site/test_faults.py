# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees when something is wrong: one message, an exit code, a report; and after the repair a re-run that goes on."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from play import Result, Site

from tests.integration.conftest import Rehearsal, rehearsal_cli, start

pytestmark = pytest.mark.rehearsal


def refused(result: Result, *words: str) -> None:
    """The run stopped with a message that holds the words, without a traceback, and reported it."""
    assert result.rc != 0, result.output[-2000:]
    assert "Traceback" not in result.output
    message = result.message
    for word in words:
        assert word.lower() in message.lower(), f"{word!r} isn't in: {message}"
    assert result.report["outcome"] == "failed"


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster that is being updated, with a node that is NotReady and a catalog that lacks a package."""
    name = f"ill-{os.getpid()}"
    scenarios = [part for each in ("cluster-upgrading", "node-not-ready", "package-missing") for part in ("--scenario", each)]
    rehearsal: Rehearsal = start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10", *scenarios)
    yield Site(rehearsal, tmp_path_factory.mktemp("ill"))
    rehearsal_cli("down", "--name", name)


def kubeconfig_with(site: Site, folder: Path, **user: Any) -> str:
    """A copy of the rehearsal's kubeconfig with another user."""
    config = yaml.safe_load(Path(site.rehearsal.kubeconfig).read_text())
    config["users"][0]["user"] = user
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return str(path)


def test_a_declaration_with_errors_shows_them_all_and_reads_nothing(ill: Site) -> None:
    before = ill.rehearsal.audit_size()
    result = ill.run(llmd_release="9.9", llmd_path="inference_schedulin", llmd_model_uri="ftp://x/y", llmd_replica=3)
    refused(result, "llmd_release", "llmd_path", "inference_scheduling", "llmd_model_uri", "llmd_replica", "llmd_replicas")
    assert not [e for e in ill.rehearsal.audit(before) if e.get("userAgent", "").startswith("llmd.openshift")]


def test_a_missing_kubeconfig(ill: Site, tmp_path: Path) -> None:
    refused(ill.run(llmd_kubeconfig=str(tmp_path / "nowhere")), "nowhere")


def test_a_token_that_the_cluster_refuses(ill: Site, tmp_path: Path) -> None:
    refused(ill.run(llmd_kubeconfig=kubeconfig_with(ill, tmp_path, token="expired-or-wrong")), "401", "token")


def test_another_cluster_than_the_inventory_names(ill: Site) -> None:
    other = "11111111-2222-4333-8444-555555555555"
    before = ill.rehearsal.audit_size()
    refused(ill.run(llmd_cluster_id=other), other, ill.rehearsal.status["cluster_id"])
    events = [e for e in ill.rehearsal.audit(before) if e.get("userAgent", "").startswith("llmd.openshift")]
    assert not [e for e in events if e["verb"] in ("create", "update", "patch", "delete") and "selfsubject" not in e["requestURI"]]


def test_a_variable_of_the_environment_that_would_win(ill: Site) -> None:
    refused(ill.run(env={"K8S_AUTH_HOST": "https://127.0.0.1:1", "K8S_AUTH_API_KEY": "x"}), "K8S_AUTH_HOST")


def test_missing_rights_are_printed_as_a_cluster_role(ill: Site, tmp_path: Path) -> None:
    ill.rehearsal.kubectl("create", "serviceaccount", "poor", "-n", "default")
    token = ill.rehearsal.kubectl("create", "token", "poor", "-n", "default").strip()
    ill.rehearsal.kubectl("create", "clusterrole", "poor", "--verb=get", "--resource=clusterversions.config.openshift.io,infrastructures.config.openshift.io")
    ill.rehearsal.kubectl("create", "clusterrolebinding", "poor", "--clusterrole=poor", "--serviceaccount=default:poor")
    result = ill.run(llmd_kubeconfig=kubeconfig_with(ill, tmp_path, token=token))
    refused(result, "ClusterRole", "subscriptions")
    assert token not in result.output and token not in json.dumps(result.report)


def test_upgrading_cluster_node_not_ready_and_missing_package_are_named_before_any_write(ill: Site) -> None:
    before = ill.rehearsal.audit_size()
    result = ill.run()
    refused(result, "Nothing was changed")
    text = json.dumps([f for f in result.report["findings"] if f["status"] == "fail"])
    assert "rhcl-operator" in text and "openshift-upgrading" in text, text
    assert "gpu-1" in json.dumps(result.report["findings"])
    events = [e for e in ill.rehearsal.audit(before) if e.get("userAgent", "").startswith("llmd.openshift")]
    assert not [e for e in events if e["verb"] in ("create", "update", "patch", "delete")
                and "selfsubject" not in e["requestURI"] and "llmd-openshift" not in e["requestURI"]]  # fmt: skip


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster on which one thing after the other fails."""
    name = f"broken-{os.getpid()}"
    scenarios = [part for each in ("csv-fails", "gpu-driver-never-ready", "gateway-no-address", "api-faults") for part in ("--scenario", each)]
    rehearsal: Rehearsal = start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10", *scenarios)
    yield Site(rehearsal, tmp_path_factory.mktemp("broken"))
    rehearsal_cli("down", "--name", name)


def repair(site: Site, scenario: str) -> None:
    """End one scenario of a running rehearsal."""
    done = rehearsal_cli("repair", "--name", site.rehearsal.name, "--scenario", scenario)
    assert done.returncode == 0, done.stdout + done.stderr


def kubectl_through_faults(site: Site, *args: str, stdin: str | None = None) -> None:
    """kubectl meets the API's faults, too, and gives up at the first; a person would type it again."""
    for _attempt in range(8):
        answer = site.rehearsal.kubectl(*args, stdin=stdin, check=False)
        if "rror" not in answer:
            return
        time.sleep(1)
    raise AssertionError(answer)


def test_faults_one_after_the_other_each_named_each_repaired(broken: Site) -> None:
    """The API's own faults (429, 500, time-outs in the beginning) are outlived without a word in the result."""
    result = broken.run(llmd_model_credentials_secret="hf-token", llmd_timeout_minutes=5)
    refused(result, "cert-manager", "ClusterServiceVersion")
    repair(broken, "csv-fails")
    # OLM leaves a CSV that failed to install; deleting Subscription and CSV installs it anew, as the message says.
    for kind in ("subscription", "csv"):
        kubectl_through_faults(broken, "delete", kind, "--all", "-n", "cert-manager-operator")

    result = broken.run(llmd_model_credentials_secret="hf-token", llmd_timeout_minutes=5)
    refused(result, "hf-token", "llmd")
    token = base64.b64encode(b"hf_planted_secret").decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hf-token", "namespace": "llmd"}, "data": {"HF_TOKEN": token}}
    kubectl_through_faults(broken, "apply", "-f", "-", stdin=json.dumps(secret))

    # A driver that is never ready shows no failure: only the declared patience ends the wait.
    result = broken.run("-vvv", llmd_model_credentials_secret="hf-token", llmd_timeout_minutes=2)
    refused(result, "gpu-1", "driver")
    repair(broken, "gpu-driver-never-ready")

    result = broken.run(llmd_model_credentials_secret="hf-token", llmd_timeout_minutes=5)
    refused(result, "Gateway openshift-ingress/openshift-ai-inference", "address")
    repair(broken, "gateway-no-address")

    result = broken.run("-vvv", llmd_model_credentials_secret="hf-token", llmd_timeout_minutes=10)
    assert result.rc == 0, result.output[-4000:]
    assert result.report["outcome"] == "proven"
    for place in (result.output, json.dumps(result.report)):
        assert "hf_planted_secret" not in place and token not in place
