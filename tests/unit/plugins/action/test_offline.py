# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook assess on recorded must-gathers and saved snapshots: no cluster, no connection, one table over all hosts."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.plugins.module_utils._assess.test_profiles import BY_HAND, PATH_ORDER, RECORDED

ROOT = Path(__file__).resolve().parents[4]


def play(folder: Path, hosts: dict[str, dict[str, Any]], playbook: str = "assess", **variables: Any) -> subprocess.CompletedProcess[str]:
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    extra = {"llmd_output_dir": str(folder / "out"), **variables}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), f"llmd.openshift.{playbook}", "-i", str(inventory), "-e", json.dumps(extra)]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "KUBECONFIG": "/nonexistent", "HOME": str(folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Every recorded profile as a host of its own, with three hosts that can't be read, in one run."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "empty").mkdir()
    (folder / "junk.json").write_text('{"schema": 1}')
    hosts = {name: {"llmd_must_gather": str(RECORDED / f"{name}.must-gather.tar.gz")} for name in BY_HAND}
    hosts["again"] = {"llmd_snapshot": str(RECORDED / "h200-roce.json.gz"), "llmd_redact_names": True}
    hosts["empty"] = {"llmd_must_gather": str(folder / "empty")}
    hosts["junk"] = {"llmd_snapshot": str(folder / "junk.json")}
    hosts["typo"] = {"llmd_must_gathr": "x"}
    return folder / "out", play(folder, hosts)


def test_every_profile_has_the_verdicts_of_the_hand_made_table(fleet):
    folder, _done = fleet
    for name, cells in BY_HAND.items():
        told = json.loads((folder / name / "report.json").read_text())
        assert tuple((told["paths"][path]["verdict"], told["paths"][path]["tier"]) for path in PATH_ORDER) == cells, name
        assert told["facts"]["from"].startswith("must-gather ") and told["outcome"] == "read only"


def test_broken_hosts_fail_with_one_message_and_stop_nobody(fleet):
    folder, done = fleet
    assert done.returncode == 2 and "Traceback" not in done.stdout + done.stderr
    for name, words in {"empty": "This isn't a must-gather", "junk": "This isn't a snapshot", "typo": "Did you mean llmd_must_gather?"}.items():
        told = json.loads((folder / name / "report.json").read_text())
        assert told["outcome"] == "failed" and words in told["failure"]["message"]


def test_the_table_has_every_host(fleet):
    folder, _done = fleet
    table = json.loads((folder / "fleet.json").read_text())
    jsonschema.validate(table, json.loads((ROOT / "data/schema/fleet.json").read_text()))
    rows = {row["host"]: row for row in table["clusters"]}
    assert set(rows) == {*BY_HAND, "again", "empty", "junk", "typo"}
    assert {name: (rows[name]["verdict"], rows[name]["tier"]) for name in BY_HAND} == {name: cells[0] for name, cells in BY_HAND.items()}
    assert [row["host"] for row in csv.DictReader((folder / "fleet.csv").open())] == sorted(rows)
    assert all((folder / row["report"]).exists() for row in rows.values())


def test_names_are_taken_out_of_every_file(fleet):
    folder, _done = fleet
    real = json.loads(gzip.decompress((RECORDED / "h200-roce.json.gz").read_bytes()))
    names = {node["name"] for node in real["nodes"]} | {real["cluster"]["name"]}
    for path in (folder / "again").iterdir():
        text = path.read_text()
        assert not {name for name in names if name in text}, path
    saved = json.loads((folder / "again" / "snapshot.json").read_text())
    jsonschema.validate(saved, json.loads((ROOT / "data/schema/snapshot.json").read_text()))
    assert [node["name"] for node in saved["nodes"]] == [f"node-{number}" for number in range(1, len(real["nodes"]) + 1)]


def test_files_are_no_reason_to_write_to_a_cluster(tmp_path):
    host = {"one": {"llmd_must_gather": str(RECORDED / "h200-roce.must-gather.tar.gz"), "llmd_model_uri": "hf://a/b"}}
    done = play(tmp_path, host, playbook="site")
    assert done.returncode == 2 and "only assess and plan take it" in done.stdout
    assert "Take the lock" not in done.stdout


def test_a_plan_of_a_must_gather(tmp_path):
    host = {"one": {"llmd_must_gather": str(RECORDED / "h200-roce.must-gather.tar.gz")}}
    done = play(tmp_path, host, playbook="plan")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "out" / "one" / "report.json").read_text())["plan"]["steps"]


def test_a_rule_is_explained_and_nothing_is_read(tmp_path):
    done = play(tmp_path, {"one": {}, "two": {}}, llmd_explain="local-nvme")
    assert done.returncode == 0 and done.stdout.count("checks   The nodes have NVMe drives") == 1
    assert not (tmp_path / "out").exists()
    wrong = play(tmp_path, {"one": {}}, llmd_explain="local-nmve")
    assert wrong.returncode == 2 and "Did you mean local-nvme?" in wrong.stdout
