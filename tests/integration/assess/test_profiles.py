# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""assess on every profile of the rehearsal: the verdicts of the hand-made table, live with few rights and offline from kubectl's output alone.

One rehearsal a profile; while one is looked at, the next one comes up, so that 12 of them take minutes. What each gave is judged once more
by a single run over all of them, a fleet with hosts that can't be read among it.
"""

from __future__ import annotations

import datetime
import gzip
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess as judged
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._mustgather import snapshot as saved

from tests.integration.conftest import Rehearsal, rehearsal_cli, start
from tests.unit.plugins.module_utils._assess.clusters import declared
from tests.unit.plugins.module_utils._assess.test_profiles import BY_HAND, GA_RELEASES, PATH_ORDER, preview

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
ROOT = Path(__file__).resolve().parents[3]
READER = "system:serviceaccount:default:llmd-reader"
CLOSELY = "h200-roce"  # the profile on which everything else is tried, too
AHEAD = os.environ.get("LLMD_ASSESS_AHEAD", "1") == "1"  # "0": one rehearsal at a time, for a machine that others use
QUESTIONS = {"selfsubjectrulesreviews", "selfsubjectreviews", "selfsubjectaccessreviews"}  # about oneself; nothing of them is kept


def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_snapshots", ROOT / "tools" / "record_snapshots.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = recorder()


@dataclass
class Cluster:
    """A profile whose hardware is known, and the must-gather that kubectl made of it."""

    profile: str
    rehearsal: Rehearsal
    gathered: Path
    seconds: float


class Starter:
    """Brings one rehearsal up after the other; the next one while the last is in use."""

    def __init__(self, folder: Path, profiles: list[str]) -> None:
        self.folder, self.left = folder, profiles
        self.pool = ThreadPoolExecutor(1)
        self.next: Future[Cluster] | None = None
        self.names: list[str] = []
        self.gathered: dict[str, Path] = {}

    def take(self, profile: str) -> Cluster:
        coming, self.next = self.next or self.pool.submit(self._up, profile), None
        self.left.remove(profile)
        cluster = coming.result()
        self.next = self.pool.submit(self._up, self.left[0]) if self.left and AHEAD else None
        assert cluster.profile == profile, "tests run in another order than the profiles"
        self.gathered[profile] = cluster.gathered
        return cluster

    def _up(self, profile: str) -> Cluster:
        begun = time.monotonic()
        self.names.append(f"assess-{os.getpid()}-{profile}")
        rehearsal = start(self.names[-1], "--profile", profile, "--openshift", "4.20", "--speed", "20")
        TOOL.discover(rehearsal.kubeconfig)
        where = self.folder / f"{profile}.must-gather.tar.gz"
        where.write_bytes(TOOL.packed(TOOL.gather(rehearsal.kubeconfig)))
        return Cluster(profile, rehearsal, where, time.monotonic() - begun)

    def down(self, name: str) -> None:
        self.names.remove(name)
        rehearsal_cli("down", "--name", name)

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
        for name in list(self.names):
            self.down(name)


@pytest.fixture(scope="module")
def starter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    ours = [item.callspec.params["cluster"] for item in request.session.items if "cluster" in getattr(getattr(item, "callspec", None), "params", {})]
    made = Starter(tmp_path_factory.mktemp("gathered"), list(dict.fromkeys(ours)))
    yield made
    made.close()


@pytest.fixture(scope="module", params=BY_HAND)
def cluster(request: pytest.FixtureRequest, starter: Starter) -> Iterator[Cluster]:
    found = starter.take(request.param)
    yield found
    starter.down(found.rehearsal.name)


on_one = pytest.mark.parametrize("cluster", [CLOSELY], indirect=True)


def assess(folder: Path, hosts: str = "one,", expect: int = 0, **variables: Any) -> str:
    """ansible-playbook llmd.openshift.assess; its output."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    extra = {"llmd_output_dir": str(folder), **variables}
    command = [program, "llmd.openshift.assess", "-i", hosts, "-e", json.dumps(extra)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, timeout=600)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def report(folder: Path, host: str = "one") -> dict[str, Any]:
    return json.loads((folder / host / "report.json").read_text())


def cells(told: dict[str, Any], release: str) -> tuple[tuple[str, str], ...]:
    return tuple((told["releases"][release][path]["verdict"], told["releases"][release][path]["tier"]) for path in PATH_ORDER)


def assert_by_hand(told: dict[str, Any], profile: str) -> None:
    for release in GA_RELEASES:
        assert cells(told, release) == BY_HAND[profile]
    assert cells(told, "2.25") == tuple(map(preview, BY_HAND[profile]))


# ---- every profile ----


def test_live(cluster: Cluster, tmp_path: Path):
    before = cluster.rehearsal.audit_size()
    assess(tmp_path, hosts="inventories/rehearsal", rehearsal_name=cluster.rehearsal.name)
    assert_by_hand(report(tmp_path, "rehearsal"), cluster.profile)
    ours = [event for event in cluster.rehearsal.audit(before) if event.get("userAgent", "").startswith("llmd.openshift")]
    assert ours and {event["objectRef"]["resource"] for event in ours if event["verb"] not in ("get", "list")} <= QUESTIONS


def test_a_must_gather_of_kubectl_output_alone_gives_the_same(cluster: Cluster):
    catalog = files.read(files.ROOT / "accelerators.yml")
    made = saved.of_must_gather(str(cluster.gathered), catalog, [], TOOL.READ_AT)
    told = judged(made, declared(), facts(), datetime.date(2026, 11, 24))
    found = {(one["release"], one["path"]): (one["verdict"], one["tier"]) for one in told["verdicts"]}
    for release in GA_RELEASES:
        assert tuple(found[release, path] for path in PATH_ORDER) == BY_HAND[cluster.profile]
    assert {"what": "clusterpolicies.nvidia.com", "why": "not in the must-gather"} in made["unreadable"]


def test_the_recording_is_what_the_rehearsal_gives(cluster: Cluster):
    recorded = json.loads(gzip.decompress((TOOL.FOLDER / f"{cluster.profile}.json.gz").read_bytes()))
    now = TOOL.steady(TOOL.read(cluster.rehearsal.kubeconfig))
    assert {key: told(now)[key] for key in recorded} == told(recorded), "run: python tools/record_snapshots.py " + cluster.profile


def told(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The snapshot without what says only that a kind isn't served or has no object: a new kind that is read needs no new recordings."""
    kept = {kind: rows for kind, rows in snapshot["objects"].items() if rows}
    return {**snapshot, "objects": kept, "unreadable": [row for row in snapshot["unreadable"] if row["why"] != "absent"]}


# ---- one profile, closely ----


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


def live(cluster: Cluster) -> dict[str, Any]:
    config = yaml.safe_load(Path(cluster.rehearsal.kubeconfig).read_text())
    entry = config["clusters"][0]["cluster"]
    found = {"llmd_host": entry["server"], "llmd_token": reader_token(cluster.rehearsal), "llmd_cluster_id": cluster.rehearsal.status["cluster_id"]}
    return {**found, "llmd_validate_certs": False}


@on_one
def test_get_and_list_are_enough_and_a_saved_snapshot_judged_again_says_the_same(cluster: Cluster, tmp_path: Path):
    given = live(cluster)
    before = cluster.rehearsal.audit_size()
    assess(tmp_path / "live", **given)
    ours = [event for event in cluster.rehearsal.audit(before) if event["user"]["username"] == READER]
    others = {(event["verb"], event["objectRef"]["resource"]) for event in ours if event["verb"] not in ("get", "list")}
    assert ours and others <= {("create", question) for question in QUESTIONS}
    assert not [event["requestURI"] for event in ours if event["responseStatus"]["code"] == 403]
    assess(tmp_path / "again", llmd_snapshot=str(tmp_path / "live" / "one" / "snapshot.json"))
    first, second = report(tmp_path / "live"), report(tmp_path / "again")
    for key in ("cluster", "paths", "releases", "findings", "nodes", "best_releases"):
        assert first[key] == second[key]


@on_one
def test_one_broken_cluster_does_not_stop_the_others(cluster: Cluster, tmp_path: Path):
    """A living cluster, one that can't be reached, one from a must-gather: one table."""
    given = live(cluster)
    hosts = {
        "living": given,
        "gone": {**given, "llmd_host": "https://127.0.0.1:1", "llmd_cluster_id": None, "llmd_api_url": "https://127.0.0.1:1"},
        "saved": {"llmd_must_gather": str(cluster.gathered)},
    }  # fmt: skip
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    assess(tmp_path / "out", hosts=str(inventory), expect=2)
    table = json.loads((tmp_path / "out" / "fleet.json").read_text())
    rows = {row["host"]: row for row in table["clusters"]}
    assert rows["living"]["verdict"] == rows["saved"]["verdict"] == BY_HAND[cluster.profile][0][0]
    assert rows["gone"]["outcome"] == "failed" and rows["gone"]["failure"]
    assert (tmp_path / "out" / rows["gone"]["report"]).exists() and (tmp_path / "out" / "fleet.html").exists()


@on_one
def test_as_a_gate(cluster: Cluster, tmp_path: Path):
    word = BY_HAND[cluster.profile][0][0]
    others = sorted({"supported", "conditional", "unsupported", "unknown"} - {word})
    assess(tmp_path, llmd_must_gather=str(cluster.gathered), llmd_assess_fail_on=others)
    said = assess(tmp_path, expect=2, llmd_must_gather=str(cluster.gathered), llmd_assess_fail_on=[word])
    assert "which llmd_assess_fail_on names" in said and report(tmp_path)["outcome"] == "failed"
    said = assess(tmp_path, expect=2, llmd_must_gather=str(cluster.gathered), llmd_cluster_id="2f6a1f5e-6a57-4a0c-9c3e-0b8d3a0d8f10")
    assert "Another cluster" in said


# ---- all of them, offline ----


def test_the_fleet_of_their_must_gathers(starter: Starter, tmp_path: Path):
    """One run over all of them, one of which is unpacked; after the tests above, so it has what these gathered."""
    if not starter.gathered:
        pytest.skip("no profile was started")
    unpacked = sorted(starter.gathered)[0]
    with tarfile.open(starter.gathered[unpacked]) as archive:
        archive.extractall(tmp_path / "folder", filter="data")
    hosts = {name: {"llmd_must_gather": str(path)} for name, path in starter.gathered.items()}
    hosts[unpacked] = {"llmd_must_gather": str(tmp_path / "folder")}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    assess(tmp_path / "out", hosts=str(inventory))
    for name in hosts:
        assert_by_hand(report(tmp_path / "out", name), name)
    rows = json.loads((tmp_path / "out" / "fleet.json").read_text())["clusters"]
    assert {row["host"]: (row["verdict"], row["tier"]) for row in rows} == {name: BY_HAND[name][0] for name in hosts}
