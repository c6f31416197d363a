# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""assess on running profiles: the verdicts of the hand-made table, live with few rights and offline from kubectl's output alone."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.integration.conftest import Rehearsal, rehearsal_cli, start
from tests.unit.plugins.module_utils._assess.test_profiles import BY_HAND, GA_RELEASES, PATH_ORDER, preview

pytestmark = pytest.mark.rehearsal
ROOT = Path(__file__).resolve().parents[3]
READER = "system:serviceaccount:default:llmd-reader"


def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_snapshots", ROOT / "tools" / "record_snapshots.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = recorder()


@dataclass
class Cluster:
    """A profile whose hardware is known, and a user who may only look."""

    profile: str
    rehearsal: Rehearsal
    token: str


def reader_token(rehearsal: Rehearsal) -> str:
    """A ServiceAccount with the rights of data/rbac.yml for assess, and no others."""
    stages = yaml.safe_load((ROOT / "data" / "rbac.yml").read_text())["stages"]
    rules = [
        {"apiGroups": [rule["group"]], "resources": rule["resources"], "verbs": rule["verbs"]}
        for stage in ("access", "discover")
        for rule in stages[stage]["rules"]
    ]
    assert {verb for rule in rules for verb in rule["verbs"]} <= {"get", "list"}
    version = "rbac.authorization.k8s.io/v1"
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "llmd-reader", "namespace": "default"}},
        {"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": "llmd-reader"}, "rules": rules},
        {
            "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": "llmd-reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "llmd-reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "llmd-reader", "namespace": "default"}],
        },
    ]  # fmt: skip
    rehearsal.kubectl("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
    return rehearsal.kubectl("create", "token", "llmd-reader", "-n", "default", "--duration", "1h").strip()


@pytest.fixture(scope="module", params=["h200-roce", "l40s", "mixed-h200-b200"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    name = f"assess-{os.getpid()}-{request.param}"
    try:
        rehearsal = start(name, "--profile", request.param, "--openshift", "4.20", "--speed", "20")
        TOOL.discover(rehearsal.kubeconfig)
        yield Cluster(request.param, rehearsal, reader_token(rehearsal))
    finally:
        rehearsal_cli("down", "--name", name)


def assess(folder: Path, hosts: str = "one,", expect: int = 0, **variables: Any) -> str:
    """ansible-playbook llmd.openshift.assess; its output."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    extra = {"llmd_output_dir": str(folder), **variables}
    command = [program, "llmd.openshift.assess", "-i", hosts, "-e", json.dumps(extra)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, timeout=600)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def live(cluster: Cluster) -> dict[str, Any]:
    config = yaml.safe_load(Path(cluster.rehearsal.kubeconfig).read_text())
    entry = config["clusters"][0]["cluster"]
    found = {"llmd_host": entry["server"], "llmd_token": cluster.token, "llmd_cluster_id": cluster.rehearsal.status["cluster_id"]}
    return {**found, "llmd_validate_certs": False}


def report(folder: Path, host: str = "one") -> dict[str, Any]:
    return json.loads((folder / host / "report.json").read_text())


def cells(told: dict[str, Any], release: str) -> tuple[tuple[str, str], ...]:
    return tuple((told["releases"][release][path]["verdict"], told["releases"][release][path]["tier"]) for path in PATH_ORDER)


def assert_by_hand(told: dict[str, Any], profile: str) -> None:
    for release in GA_RELEASES:
        assert cells(told, release) == BY_HAND[profile]
    assert cells(told, "2.25") == tuple(map(preview, BY_HAND[profile]))


def test_live_with_get_and_list_only(cluster: Cluster, tmp_path: Path):
    before = cluster.rehearsal.audit_size()
    assess(tmp_path, **live(cluster))
    assert_by_hand(report(tmp_path), cluster.profile)
    ours = [event for event in cluster.rehearsal.audit(before) if event["user"]["username"] == READER]
    others = {(event["verb"], event["objectRef"]["resource"]) for event in ours if event["verb"] not in ("get", "list")}
    # Questions about oneself that the API answers to a POST and keeps nothing of.
    assert ours and others <= {("create", "selfsubjectrulesreviews"), ("create", "selfsubjectreviews"), ("create", "selfsubjectaccessreviews")}
    assert not [event["requestURI"] for event in ours if event["responseStatus"]["code"] == 403]


def test_a_saved_snapshot_judged_again_says_the_same(cluster: Cluster, tmp_path: Path):
    assess(tmp_path / "live", **live(cluster))
    assess(tmp_path / "again", llmd_snapshot=str(tmp_path / "live" / "one" / "snapshot.json"))
    first, second = report(tmp_path / "live"), report(tmp_path / "again")
    for key in ("cluster", "paths", "releases", "findings", "nodes"):
        assert first[key] == second[key]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_a_must_gather_of_kubectl_output_alone_gives_the_same(cluster: Cluster, tmp_path: Path, packed: bool):
    where = tmp_path / "mg.tar.gz"
    where.write_bytes(TOOL.packed(TOOL.gather(cluster.rehearsal.kubeconfig)))
    if not packed:
        with tarfile.open(where) as archive:
            archive.extractall(tmp_path / "mg", filter="data")
        where = tmp_path / "mg"
    assess(tmp_path, llmd_must_gather=str(where))
    told = report(tmp_path)
    assert_by_hand(told, cluster.profile)
    assert {"what": "clusterpolicies.nvidia.com", "why": "not in the must-gather"} in told["unreadable"]
    said = assess(tmp_path, expect=2, llmd_must_gather=str(where), llmd_cluster_id="2f6a1f5e-6a57-4a0c-9c3e-0b8d3a0d8f10")
    assert "Another cluster" in said


def test_the_recording_is_what_the_rehearsal_gives(cluster: Cluster):
    recorded = json.loads(gzip.decompress((TOOL.FOLDER / f"{cluster.profile}.json.gz").read_bytes()))
    now = TOOL.steady(TOOL.read(cluster.rehearsal.kubeconfig))
    assert now == recorded, "run: python tools/record_snapshots.py " + cluster.profile


def test_one_broken_cluster_does_not_stop_the_others(cluster: Cluster, tmp_path: Path):
    """A living cluster, one that can't be reached, one from a must-gather: one table."""
    (tmp_path / "mg.tar.gz").write_bytes(TOOL.packed(TOOL.gather(cluster.rehearsal.kubeconfig)))
    hosts = {
        "living": live(cluster),
        "gone": {**live(cluster), "llmd_host": "https://127.0.0.1:1", "llmd_cluster_id": None, "llmd_api_url": "https://127.0.0.1:1"},
        "saved": {"llmd_must_gather": str(tmp_path / "mg.tar.gz")},
    }  # fmt: skip
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    assess(tmp_path / "out", hosts=str(inventory), expect=2)
    table = json.loads((tmp_path / "out" / "fleet.json").read_text())
    rows = {row["host"]: row for row in table["clusters"]}
    assert rows["living"]["verdict"] == rows["saved"]["verdict"] == BY_HAND[cluster.profile][0][0]
    assert rows["gone"]["outcome"] == "failed" and rows["gone"]["failure"]
    assert (tmp_path / "out" / rows["gone"]["report"]).exists() and (tmp_path / "out" / "fleet.html").exists()


def test_as_a_gate(cluster: Cluster, tmp_path: Path):
    word = BY_HAND[cluster.profile][0][0]
    (tmp_path / "mg.tar.gz").write_bytes(TOOL.packed(TOOL.gather(cluster.rehearsal.kubeconfig)))
    others = sorted({"supported", "conditional", "unsupported", "unknown"} - {word})
    assess(tmp_path, llmd_must_gather=str(tmp_path / "mg.tar.gz"), llmd_assess_fail_on=others)
    said = assess(tmp_path, expect=2, llmd_must_gather=str(tmp_path / "mg.tar.gz"), llmd_assess_fail_on=[word])
    assert "which llmd_assess_fail_on names" in said and report(tmp_path)["outcome"] == "failed"
