# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role that applies the content to a controller, and the job that speaks to an approver: real plays, modules that take what the real ones take."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.controller import modules
from tests.controller.job import ROOT, Controller

SETTINGS = {
    "aap_collection": "awx.awx", "aap_organization": "Platform", "aap_project_url": "https://git.example.com/llmd.openshift.git",
    "aap_inventory_path": "production/hosts.yml", "aap_inventory_url": "https://git.example.com/clusters.git",
    "aap_execution_environment": "registry.example.com/llmd/openshift_ee:1.0", "aap_controller_credential": "llm-d controller",
    "aap_cluster_credentials": ["llm-d clusters"],
    "aap_notification": {"type": "slack", "configuration": {"token": "planted-n0tify", "channels": ["gpu"]}},
}  # fmt: skip
TOKEN = "planted-t0ken"


class Play:
    """playbooks/aap.yml with a recording controller."""

    def __init__(self, folder: Path) -> None:
        self.record = folder / "record.jsonl"
        self.collections = folder / "collections"
        modules.write(self.collections)

    def run(self, *args: str, host: str = "https://aap.example.com", **more: Any) -> subprocess.CompletedProcess[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CONTROLLER_", "TOWER_"))},
            "ANSIBLE_COLLECTIONS_PATH": f"{self.collections}:{ROOT / 'collections'}", "ANSIBLE_NOCOLOR": "1",
            "CONTROLLER_HOST": host, "CONTROLLER_OAUTH_TOKEN": TOKEN, "CONTROLLER_RECORD": str(self.record),
        }  # fmt: skip
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "playbooks/aap.yml", "-e", json.dumps({**SETTINGS, **more}), *args]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)

    def changed(self, done: subprocess.CompletedProcess[str]) -> int:
        return int(re.findall(r"changed=(\d+)", done.stdout)[-1])


@pytest.mark.wide
def test_the_role_applies_all_and_a_second_run_nothing(tmp_path: Path) -> None:
    play = Play(tmp_path)
    first = play.run("-vvv")
    assert first.returncode == 0, first.stdout[-3000:]
    assert play.changed(first) == 1
    assert TOKEN not in first.stdout + first.stderr and "planted-n0tify" not in first.stdout + first.stderr
    made = modules.recorded(play.record)
    names = [(module, args.get("name") or args["identifier"]) for module, args in made]
    assert names[0] == ("credential_type", "llm-d cluster") and ("workflow_job_template_node", "approval") in names
    by_name = {name: args for (_module, name), (_same, args) in zip(names, made, strict=True)}
    # Texts of the controller's own templates go through as they are.
    assert "{{ tower.filename.kubeconfig }}" in json.dumps(by_name["llm-d cluster"])
    assert "{{ approval_node_name }}" in json.dumps(by_name["llm-d"])
    assert by_name["llm-d provision"]["playbook"] == "extensions/patterns/llmd_inference/playbooks/provision.yml"

    again = play.run()
    assert again.returncode == 0 and play.changed(again) == 0, again.stdout[-2000:]

    gone = play.run("-e", "aap_state=absent")
    assert gone.returncode == 0, gone.stdout[-2000:]
    removed = modules.recorded(play.record)[2 * len(made) :]
    assert removed and all(args["state"] == "absent" for _module, args in removed)
    assert removed[-1][0] == "credential_type"


@pytest.mark.wide
def test_what_is_wrong_is_said_once(tmp_path: Path) -> None:
    play = Play(tmp_path)
    check = play.run("--check")
    assert check.returncode == 0 and "the controller isn't asked" in check.stdout + check.stderr
    assert modules.recorded(play.record) == []
    unreachable = play.run(host="")
    assert unreachable.returncode != 0
    assert "Can't apply credential_type llm-d cluster in the controller" in unreachable.stdout + unreachable.stderr and "CONTROLLER_HOST" in unreachable.stdout
    missing = play.run(aap_collection="ansible.controller")
    assert missing.returncode != 0 and "ansible.controller.credential_type isn't installed" in missing.stdout + missing.stderr
    assert "Traceback" not in missing.stdout + missing.stderr + unreachable.stdout


@pytest.mark.wide
def test_the_approver_reads_what_the_plan_job_left(tmp_path: Path) -> None:
    """The job before the approval, through ansible-runner: it needs no cluster, only artifacts."""
    controller = Controller(tmp_path, {})
    modules.write(controller.collections)
    record = tmp_path / "record.jsonl"
    env = {"CONTROLLER_HOST": "https://aap.example.com", "CONTROLLER_OAUTH_TOKEN": TOKEN, "CONTROLLER_RECORD": str(record)}
    plan = {"approval": {"digest": "x"}, "changes": 25, "kinds": ["driver"], "nodes": 2, "minutes": 12, "complete": True, "stop": None}
    ready = {"host": "cluster-a", "outcome": "read only", "release": "3.3", "path": "inference_scheduling", "plan": plan}
    stopped = {**ready, "host": "cluster-b", "plan": {**plan, "stop": "No node has a GPU {{ 1 / 0 }}"}}
    job = controller.launch("brief", artifacts={"llmd_result_a": ready, "llmd_result_b": stopped}, env=env, arguments=("-vvv",))
    assert job.status == "successful", job.output[-3000:]
    ((module, args),) = modules.recorded(record)
    assert (module, args["identifier"], args["workflow_job_template"]) == ("workflow_job_template_node", "approval", "llm-d inference")
    assert args["approval_node"]["name"] == "Approve llm-d on cluster-a: driver on 2 nodes"
    assert "Will not begin:\ncluster-b: No node has a GPU {{ 1 / 0 }}" in args["approval_node"]["description"]
    assert TOKEN not in job.stored()

    nothing = controller.launch("brief", artifacts={"llmd_result_b": stopped}, env=env)
    assert nothing.status == "failed" and "no cluster can begin" in nothing.output and len(modules.recorded(record)) == 1
    alone = controller.launch("report")
    assert alone.status == "failed" and "Launch the workflow instead" in alone.output
