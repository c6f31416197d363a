# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""declare, assess and plan as plays use them: one real ansible-playbook run over hosts that are right and wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.plugins.module_utils._assess import clusters

ROOT = Path(__file__).resolve().parents[4]
PLAY = """
- hosts: all
  connection: local
  gather_facts: false
  vars:
    cluster: "{{ lookup('ansible.builtin.file', 'cluster.json') | from_json }}"
  tasks:
    - block:
        - llmd.openshift.declare:
          register: d
        - llmd.openshift.assess: {snapshot: "{{ cluster }}", declared: "{{ d.declared }}"}
          register: a
        - llmd.openshift.plan: {snapshot: "{{ cluster }}", declared: "{{ d.declared }}"}
          register: p
        - llmd.openshift.plan: {snapshot: "{{ cluster }}", declared: "{{ d.declared }}", output_dir: "{{ playbook_dir }}"}
        - llmd.openshift.plan:
            snapshot: "{{ cluster }}"
            declared: "{{ d.declared | combine({'approved_plan': kept, 'replicas': item}) }}"
          register: held
          loop: [2, 3]
          vars: {kept: "{{ playbook_dir }}/{{ inventory_hostname }}/plan.json"}
        - llmd.openshift.maintenance_window: {window: "{{ window }}", steps: "{{ p.plan.steps }}"}
          register: w
          ignore_errors: true
          vars: {window: "{{ (now(utc=true).strftime('%a') | lower == 'mon') | ternary('wed', 'mon') }} 12:00 1"}
      rescue:
        - ansible.builtin.debug: {msg: "{{ ansible_failed_result.msg }}"}
          register: why
      always:
        - ansible.builtin.copy:
            dest: "{{ playbook_dir }}/{{ inventory_hostname }}.out"
            content: "{{ {'d': d | default(none), 'a': a | default(none), 'p': p | default(none), 'held': held | default(none), 'w': w | default(none), 'why': (why | default({})).msg | default('')} | to_json }}"
          check_mode: false
"""
HOSTS = {
    "good": {
        "kubeconfig_file": "~/x",
        "llmd_kubeconfig": "{{ kubeconfig_file }}",
        "llmd_cluster_id": "2f6a1f5e-6a57-4a0c-9c3e-0b8d3a0d8f10",
        "llmd_model_uri": "hf://Qwen/Qwen2.5-7B-Instruct",
        "llmd_allow_disruption": ["driver"],
    },
    "bad": {"llmd_kubeconfig": "{{ nowhere }}", "llmd_relase": "3.3", "llmd_token": "sup3r"},
    "reader": {
        "llmd_host": "https://api:6443",
        "llmd_token": "{{ 'sup' ~ '3r' }}",
        "llmd_api_url": "https://api:6443",
        "llmd_stages": ["access", "assess"],
    },
}


@pytest.fixture(scope="module", params=[[], ["--check"]], ids=["run", "check"])
def outcome(request, tmp_path_factory):
    """Results by host, and everything that was printed."""
    folder = tmp_path_factory.mktemp("play")
    (folder / "play.yml").write_text(PLAY)
    hosts = {name: {**values, "ansible_python_interpreter": sys.executable} for name, values in HOSTS.items()}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    strange = clusters.node("g0", labels={"kubernetes.io/hostname": "{{ 1/0 }}\x1b[2J<script>"})
    (folder / "cluster.json").write_text(
        json.dumps(clusters.snapshot(clusters.control_plane("m0"), strange, clusters.node("g1")))
    )
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
    }
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        str(folder / "hosts.json"),
        str(folder / "play.yml"),
        "-vv",
        *request.param,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=300, check=False)
    results = {name: json.loads((folder / f"{name}.out").read_text()) for name in HOSTS}
    return results, done.stdout + done.stderr, "check" if request.param else "run"


def test_a_right_host_gets_all_three(outcome):
    good = outcome[0]["good"]
    assert good["d"]["declared"]["kubeconfig"] == os.path.expanduser("~/x")
    assert "nfd" in good["d"]["packages"]
    assert good["a"]["assessment"]["chosen"]["verdict"] == "supported" and good["a"]["assessment"]["gate"] == "go"
    assert good["p"]["plan"]["allowed"] and not good["d"]["changed"] and not good["p"]["changed"]


def test_the_kept_plan_is_what_a_later_run_is_held_to(outcome):
    same, other = (one["plan"] for one in outcome[0]["good"]["held"]["results"])
    assert same["allowed"] and same["differences"] == []
    assert same["approval"]["digest"] == outcome[0]["good"]["p"]["plan"]["approval"]["digest"]
    assert not other["allowed"] and other["differences"] == ["llmd_replicas is 3, 2 is approved"]


def test_outside_the_window_only_check_mode_goes_on(outcome):
    told = outcome[0]["good"]["w"]
    assert told["open"] is False and "Load the GPU driver needs driver on g0, g1" in told["msg"]
    assert told.get("failed", False) is ("check" not in outcome[2])


def test_a_wrong_host_gets_one_message_with_all_errors(outcome):
    why = outcome[0]["bad"]["why"]
    assert all(
        word in why
        for word in (
            "Did you mean llmd_release?",
            "'nowhere' is undefined",
            "llmd_token: needs llmd_host",
            "llmd_model_uri",
        )
    )
    assert outcome[0]["bad"]["d"]["failed"] and "Traceback" not in outcome[1]


def test_stages_of_the_run_decide_what_must_be_given(outcome):
    assert outcome[0]["reader"]["why"] == "" and outcome[0]["reader"]["d"]["declared"]["model_uri"] is None


def test_no_secret_anywhere(outcome):
    assert "sup3r" not in json.dumps(outcome[0]) and "sup3r" not in outcome[1]
