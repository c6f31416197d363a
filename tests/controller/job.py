# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job template as the controller does: a private data folder, the credential's files, extra vars from the survey, ansible-runner.

Source: ansible/awx at e21dd0a, awx/main/tasks/jobs.py (build_env, build_args, build_extra_vars_file, write_inventory_file).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._aap.objects import Settings, objects
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts

from . import behaviour

ROOT = Path(__file__).resolve().parents[2]
Row = dict[str, Any]
SITE = Settings(
    organization="Platform", prefix="llm-d", project_url="https://git.example.com/llmd.openshift.git", controller_credential="controller",
    execution_environment="ee", inventory_path="hosts.yml", collection="awx.awx",
)  # fmt: skip


@dataclass
class Job:
    """What is left of a job: all that the controller stores of it, and its folder for the tests."""

    folder: Path
    events: list[Row] = field(default_factory=list)

    @property
    def output(self) -> str:
        return (self.folder / "artifacts/1/stdout").read_text(encoding="utf-8", errors="replace")

    @property
    def status(self) -> str:
        return (self.folder / "artifacts/1/status").read_text()

    @property
    def artifacts(self) -> Row:
        """What `set_stats` left: the controller takes it from the last event."""
        last = [event["event_data"]["artifact_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return last[-1] if last else {}

    @property
    def result(self) -> Row:
        """The result of the only cluster."""
        (one,) = self.artifacts.values()
        return one

    def stored(self) -> str:
        """Everything that the controller keeps: events with their output, the status, the command and its environment."""
        left = self.folder / "artifacts/1"
        kept = [path for path in left.rglob("*") if path.is_file() and path.name != "command"]
        command = json.loads((left / "command").read_text())
        command["env"] = behaviour.shown_environment(command["env"])
        return json.dumps(command) + "".join(path.read_text(encoding="utf-8", errors="replace") for path in kept)

    def largest_event(self) -> int:
        return max(path.stat().st_size for path in (self.folder / "artifacts/1/job_events").glob("*.json"))


class Controller:
    """A project's checkout with an inventory. Each launch gets a private data folder of its own, as in the controller."""

    def __init__(self, folder: Path, inventory: dict[str, Row], credential: Row | None = None) -> None:
        self.folder, self.inventory, self.credential = folder, inventory, credential or {}
        data = facts()
        self.content = files.load(files.ROOT / "aap.yml", "aap")
        self.templates = {
            one.args["name"].partition(" ")[2]: one.args
            for one in objects(self.content, data.declaration["options"], data.releases, SITE)
            if one.module in ("job_template", "workflow_job_template")
        }
        self.project = folder / "project"
        _checkout(self.project)
        self.collections = folder / "requirements_collections"  # what a project sync puts there from requirements.yml
        (self.collections / "ansible_collections/kubernetes").mkdir(parents=True)
        (self.collections / "ansible_collections/kubernetes/core").symlink_to(ROOT / "collections/ansible_collections/kubernetes/core")

    def launch(self, template: str, **how: Any) -> Job:
        """Runs the job to its end (see :meth:`start`)."""
        folder, process = self.start(template, **how)
        process.wait(timeout=1200)
        return self.finish(folder)

    def start(
        self,
        template: str,
        answers: Row | None = None,
        artifacts: Row | None = None,
        credential: Row | None = None,
        limit: str | None = None,
        slice_of: tuple[int, int] = (1, 1),
        arguments: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        bin_dir: Path | None = None,
        workflow: str | None = None,
    ) -> tuple[Path, subprocess.Popen[bytes]]:
        """Begins a job. *answers* are those of the template's survey (of *workflow*'s, inside one), *artifacts* those of the jobs before."""
        row = self.templates[template]
        asked = self.templates[workflow or template]
        survey = asked["survey_spec"] if asked["survey_enabled"] else {"spec": []}
        extra_vars = {**(row.get("extra_vars") or {}), **(artifacts or {}), **behaviour.answers(survey, answers or {})}
        extra_vars["awx_job_template_name"] = extra_vars["tower_job_template_name"] = row["name"]
        folder = Path(tempfile.mkdtemp(prefix=f"{template}-", dir=self.folder))
        for name in ("env", "inventory"):
            (folder / name).mkdir()
        (folder / "project").symlink_to(self.project)
        (folder / "env/extravars").write_text(behaviour.extra_vars_file(extra_vars))
        self._inventory(folder / "inventory/hosts", slice_of)
        words = ["-u", "root", *arguments]
        if limit and row.get("ask_limit_on_launch"):
            words += ["-l", limit]
        if row.get("ask_credential_on_launch"):
            words += self._credential(folder, self.credential if credential is None else credential)
        (folder / "env/cmdline").write_text(" ".join(words))
        programs = bin_dir or Path(sys.executable).parent
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": f"{self.collections}:./collections:~/.ansible/collections:/usr/share/ansible/collections",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "MAX_EVENT_RES": "700000",
            "AWX_PRIVATE_DATA_DIR": str(folder),
            "JOB_ID": "1",
            **{name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX",) if name in os.environ},
            **(env or {}),
        }
        runner = str(Path(sys.executable).with_name("ansible-runner"))
        command = [runner, "run", str(folder), "-p", row["playbook"], "-i", "1", "--quiet"]
        return folder, subprocess.Popen(command, env=environment, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL)

    def finish(self, folder: Path) -> Job:
        """What a job left; its checkout is thrown away with all that was written there."""
        shutil.rmtree(self.project / "reports", ignore_errors=True)
        # A killed job leaves events that the runner hadn't numbered yet; the controller never sees them.
        numbered = [path for path in (folder / "artifacts/1/job_events").glob("*.json") if not path.stem.endswith("-partial")]
        events = [json.loads(path.read_text()) for path in numbered]
        return Job(folder, sorted(events, key=lambda event: event["counter"]))

    def cancel(self, process: subprocess.Popen[bytes]) -> None:
        """What the button does: the runner is told to end, and kills ansible-playbook's group."""
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)

    def _inventory(self, path: Path, slice_of: tuple[int, int]) -> None:
        hosts = behaviour.sliced(list(self.inventory), *slice_of)
        data = {"all": {"hosts": hosts}, "_meta": {"hostvars": {host: {**self.inventory[host], "remote_tower_enabled": "true"} for host in hosts}}}
        path.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(data)!r})\n")
        path.chmod(0o700)

    def _credential(self, folder: Path, inputs: Row) -> list[str]:
        write = _writer(folder / "env")
        extra_vars = behaviour.inject(self.content["credential_type"], inputs, write) if inputs else {}
        return ["-e", f"@{write(behaviour.extra_vars_file(extra_vars))}"] if extra_vars else []


def _writer(folder: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        handle, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        os.chmod(path, 0o600)
        return path

    return write


def _checkout(folder: Path) -> None:
    """The checkout of the project, as far as jobs use it."""
    folder.mkdir()
    for name in ("ansible.cfg", "galaxy.yml", "site.yml", "data", "extensions/patterns", "meta", "playbooks", "plugins", "roles"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    link = folder / "collections/ansible_collections/llmd/openshift"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../..")
