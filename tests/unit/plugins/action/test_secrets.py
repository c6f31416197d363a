# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planted token and a planted Secret value appear nowhere in what ansible-playbook prints, whatever fails and at any verbosity."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
TOKEN, VALUE = "PLANTED-TOKEN", "PLANTED-SECRET-VALUE"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "n"}, "stringData": {"p": VALUE}}
CONNECTION = {"host": "https://127.0.0.1:1", "api_key": "{{ token }}", "deadline_seconds": 1}


def test_nothing_planted_is_printed(tmp_path: Path) -> None:
    tasks = [
        {"llmd.openshift.apply": {"objects": "{{ objects }}"}, "ignore_errors": True},
        {"llmd.openshift.cluster_access": {"cluster_id": "a"}, "ignore_errors": True},
        {"llmd.openshift.cluster_snapshot": {}, "ignore_errors": True},
    ]
    defaults = {"group/llmd.openshift.cluster": CONNECTION}
    play = {"hosts": "all", "connection": "local", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    (tmp_path / "given.json").write_text(json.dumps({"token": TOKEN, "objects": [SECRET]}))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "one,", str(tmp_path / "play.yml"), "-e", f"@{tmp_path / 'given.json'}", "-vvv", "--diff"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_NOCOLOR": "1"},
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == 0 and output.count("No answer from the API server") >= 3, output
    assert TOKEN not in output and VALUE not in output
