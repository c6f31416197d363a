# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one task of the collection as people do: ansible-playbook, results read back as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]


def play(
    tmp_path: Path,
    kubeconfig: Any,
    *tasks: dict[str, Any],
    check: bool = False,
    env: dict[str, str] | None = None,
    timeout: int = 300,
) -> list[dict[str, Any]]:
    """The results of the tasks (failures included, all tasks run).

    :param tasks: `{module: arguments}`; the connection comes from module_defaults, as in site.yml.
    """
    results = tmp_path / "results.json"
    shown: list[dict[str, Any]] = []
    for number, task in enumerate(tasks):
        shown.append({**task, "register": f"r{number}", "ignore_errors": True})
    names = ", ".join(f"r{number}" for number in range(len(tasks)))
    copy = {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(results), "mode": "0600"}
    shown.append({"ansible.builtin.copy": copy, "check_mode": False, "diff": False})
    book = [
        {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "module_defaults": {"group/llmd.openshift.cluster": {"kubeconfig": str(kubeconfig)}},
            "tasks": shown,
        }
    ]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(book, sort_keys=False))
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        "one,",
        str(tmp_path / "play.yml"),
        "--diff",
    ]
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_NOCOLOR": "1", **(env or {})}
    done = subprocess.run(
        command + (["--check"] if check else []),
        cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(results.read_text())
    found[-1]["_output"] = done.stdout + done.stderr
    return found
