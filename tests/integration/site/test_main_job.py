# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, in the order in which a user meets it: check mode on a bare cluster, kills, the run, the second run, faults after it.

The tests of this file build on each other: they share one cluster, which the first ones leave bare.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from play import ROOT, Site

pytestmark = pytest.mark.rehearsal

WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def writes(events: list[dict[str, Any]]) -> list[str]:
    """Write requests of Ansible in the audit log (reviews of rights and dry runs write nothing)."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in events
        if event["verb"] in WRITES
        and event["stage"] == "ResponseComplete"
        and event.get("userAgent", "").startswith("llmd.openshift")
        and "selfsubject" not in event["requestURI"]
        and "dryRun=All" not in event["requestURI"]
    ]


def test_check_mode_on_a_bare_cluster_lists_what_would_be_made_and_writes_nothing(bare: Site) -> None:
    start = bare.rehearsal.audit_size()
    result = bare.run("--check", "--diff")
    assert result.rc == 0, result.output[-3000:]
    for kind in ("Subscription", "NodeFeatureDiscovery", "ClusterPolicy", "LVMCluster", "DataScienceCluster", "LLMInferenceService"):
        assert f"kind: {kind}" in result.output or kind in result.output, kind
    assert result.changed > 0
    events = bare.rehearsal.audit(start)
    assert any(event.get("userAgent", "").startswith("llmd.openshift") for event in events), "the audit log shows none of our requests"
    assert writes(events) == []
    assert result.report["mode"] == "check"


def test_killed_at_ten_points_a_rerun_converges(bare: Site) -> None:
    """SIGKILL needs no warning: the next run goes on. Ten runs are killed at random moments, the eleventh must prove the path."""
    dice = random.Random(os.environ.get("LLMD_TEST_SEED", "7"))
    for _ in range(10):
        run = subprocess.Popen(
            bare.command(), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            run.wait(timeout=dice.uniform(4, 24))
        except subprocess.TimeoutExpired:  # still at work: killed without a warning, with all its children
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    result = bare.run()
    assert result.rc == 0, result.output[-4000:]
    report = result.report
    assert report["outcome"] == "proven"
    assert report["paths"]["inference_scheduling"]["verdict"] == "supported"
    assert report["paths"]["inference_scheduling"]["tier"] == "GA"
    assert {check["status"] for check in report["proof"]["checks"]} <= {"pass", "warn"}
    assert report["proof"]["numbers"]
    jsonschema.validate(report, json.loads((ROOT / "data/schema/report.json").read_text()))


def test_second_run_changes_nothing(bare: Site) -> None:
    start = bare.rehearsal.audit_size()
    result = bare.run()
    assert result.rc == 0, result.output[-3000:]
    assert result.changed == 0
    requests = [event for event in bare.rehearsal.audit(start) if event.get("userAgent", "").startswith("llmd.openshift")]
    print(f"requests of a run that changes nothing: {len(requests)}")


def test_nothing_secret_and_no_leftover_of_the_probe(bare: Site) -> None:
    token = yaml.safe_load(Path(bare.rehearsal.kubeconfig).read_text())["users"][0]["user"]["token"]
    for file in (bare.folder / "rehearsal").iterdir():
        assert token not in file.read_text(), file
    left = bare.rehearsal.kubectl("get", "pod,configmap,serviceaccount,role,rolebinding", "-n", "llmd", "-o", "name")
    assert "probe" not in left
    assert "probe" not in bare.rehearsal.kubectl("get", "clusterrole,clusterrolebinding", "-o", "name")


def test_the_lock_is_free_afterwards(bare: Site) -> None:
    lease = bare.rehearsal.get("lease", "llmd-openshift", "-n", "llmd-openshift")
    assert not lease["spec"].get("holderIdentity")


def test_the_page_works_in_a_browser(bare: Site, tmp_path: Path) -> None:
    """Headless Chromium renders the page: no script error, the verdict and the proof are readable."""
    page = bare.folder / "rehearsal" / "report.html"
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]  # fmt: skip
    for name, size in (("wide", "1280,2400"), ("phone", "390,2400")):
        shot = tmp_path / f"{name}.png"
        subprocess.run(["chromium", *arguments, f"--window-size={size}", f"--screenshot={shot}", page.as_uri()], check=True, capture_output=True, timeout=120)
        assert shot.read_bytes()[:4] == b"\x89PNG" and shot.stat().st_size > 20_000
        keep = ROOT / "tests" / "output"
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"report-{name}.png").write_bytes(shot.read_bytes())
    dom = subprocess.run(["chromium", *arguments, "--dump-dom", page.as_uri()], check=True, capture_output=True, text=True, timeout=120).stdout
    assert "inference_scheduling" in dom and "supported" in dom and "proven" in dom


@pytest.mark.parametrize("core", ["2.16", "2.19"])
def test_older_cores(bare: Site, core: str, old_core: Any) -> None:
    """The same run with other versions of ansible-core: nothing to change, still proven."""
    program = old_core(core)
    done = subprocess.run(
        [str(program), *bare.command()[1:]], cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, timeout=900
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    assert re.findall(r"changed=(\d+)", output)[-1] == "0"
    assert "Traceback" not in output


def test_the_built_collection_runs_from_an_empty_folder(bare: Site, tmp_path: Path) -> None:
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    environment = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"}
    environment.pop("ANSIBLE_CONFIG", None)
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(tmp_path / "collections")  # not the checkout, where it lies as well
    subprocess.run([galaxy, "collection", "build", "--output-path", str(tmp_path)], cwd=ROOT, env=environment, check=True, capture_output=True)
    (archive,) = tmp_path.glob("llmd-openshift-*.tar.gz")
    names = subprocess.run(["tar", "-tzf", str(archive)], check=True, capture_output=True, text=True).stdout.split()
    assert not [n for n in names if n.startswith((".venv", ".cache", "rehearsal/", "collections/", "tests/unit", "reports"))]
    where = tmp_path / "collections" / "ansible_collections"
    (where / "kubernetes").mkdir(parents=True)
    (where / "kubernetes" / "core").symlink_to(ROOT / "collections" / "ansible_collections" / "kubernetes" / "core")
    subprocess.run([galaxy, "collection", "install", "--no-deps", str(archive), "-p", str(tmp_path / "collections")], cwd=tmp_path, env=environment, check=True, capture_output=True)
    command = bare.command(playbook="llmd.openshift.site")
    command[command.index("inventories/rehearsal")] = str(ROOT / "inventories" / "rehearsal")
    # An installed collection has its state where the user's is.
    environment["HOME"] = os.environ["HOME"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert re.findall(r"changed=(\d+)", done.stdout)[-1] == "0"


def test_a_dead_picker_fails_the_proof_although_inference_answers(bare: Site) -> None:
    """The pool fails open, so requests are still answered; the proof must fail and say why. Then it heals."""
    scheduler = "deployment/llmd-kserve-router-scheduler"
    settings = bare.rehearsal.state / "run" / "settings.json"
    before = settings.read_text()
    data = json.loads(before)
    data["scenario"] = {**data["scenario"], "pods": [{"image": "inference-scheduler|endpoint-picker", "action": "exit", "after_seconds": 0, "code": 1, "log": "killed by a test"}]}
    settings.write_text(json.dumps(data))
    try:
        bare.rehearsal.kubectl("rollout", "restart", scheduler, "-n", "llmd")
        bare.rehearsal.kubectl("delete", "pod", "-n", "llmd", "-l", "app.kubernetes.io/component=llminferenceservice-router-scheduler", "--wait=false")
        time.sleep(5)
        result = bare.run(playbook="playbooks/verify.yml")
    finally:
        settings.write_text(before)
        bare.rehearsal.kubectl("delete", "pod", "-n", "llmd", "-l", "app.kubernetes.io/component=llminferenceservice-router-scheduler", "--wait=false")
    assert result.rc != 0
    assert "picker" in result.message.lower(), result.message
    statuses = {check["id"]: check["status"] for check in result.report["proof"]["checks"]}
    assert "fail" in statuses.values(), statuses
    assert any("chat" in name and status == "pass" for name, status in statuses.items()), statuses
