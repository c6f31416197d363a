# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.report: facts and journal -> files and summary (documentation: plugins/modules/report.py)."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.llmd.openshift.plugins.module_utils._aap import results
from ansible_collections.llmd.openshift.plugins.module_utils._access import process, whoami
from ansible_collections.llmd.openshift.plugins.module_utils._report import (
    document,
    fleet,
    html,
    journal,
    junit,
    markdown,
    redact,
    text,
)

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "report" / "templates"
FACTS = ("declared", "snapshot", "assessment", "plan", "proof", "diagnosis", "measured", "failure")


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        host = (task_vars or {})["inventory_hostname"]
        _validation, args = self.validate_argument_spec(
            argument_spec={
                **{name: {"type": "dict", "default": {}} for name in FACTS},
                "output_dir": {"type": "path", "default": "reports"},
            }
        )
        folder = Path(args["output_dir"]) / host
        facts = {name: json.loads(json.dumps(args[name])) for name in FACTS}  # plain types: no tagged or lazy values
        events = _journal(folder / "journal.jsonl")
        mode = "check" if self._task.check_mode else "run"
        if facts["declared"].get("redact_names"):
            facts = redact.redacted(facts, redact.names_in(facts["snapshot"]))
        report = document.build(host, mode, _now(), events, **{**facts, "failure": facts["failure"] or None})
        files = _write(folder, _contents(report, facts["snapshot"]))
        files += _fleet(folder.parent, report, list((task_vars or {}).get("ansible_play_hosts_all") or [host]))
        summary = text.render(report, files)
        if not (task_vars or {}).get("llmd_quiet"):
            for line in summary:
                Display().display(line)
        result.update(
            changed=False,
            files=files,
            summary=summary,
            # Not per host: the controller takes only what belongs to the whole run.
            ansible_stats={"data": {results.name(host): results.result(report, facts["assessment"])}, "per_host": False, "aggregate": False},
        )
        return result


def _journal(path: Path) -> list[dict[str, Any]]:
    return journal.parse(path.read_text(encoding="utf-8")) if path.exists() else []


def _contents(report: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, str]:
    """File name -> text. The snapshot is saved so that it can be judged again (llmd_snapshot)."""
    saved = {"snapshot.json": json.dumps(snapshot, indent=1, ensure_ascii=False) + "\n"} if snapshot else {}
    return {
        "report.html": html.render(report, (TEMPLATES / "report.html.j2").read_text(encoding="utf-8")),
        "report.json": json.dumps(report, indent=2, ensure_ascii=False) + "\n",
        "report.md": markdown.render(report),
        "junit.xml": junit.render(report),
        **saved,
    }


def _write(folder: Path, contents: dict[str, str]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        temporary = folder / f".{name}.{os.getpid()}"
        # A lone surrogate (from a hostile snapshot file) can't be encoded: it is shown as an escape.
        temporary.write_text(content, encoding="utf-8", errors="backslashreplace")
        temporary.replace(folder / name)
    return [str(folder / name) for name in contents]


def _fleet(folder: Path, report: dict[str, Any], hosts: list[str]) -> list[str]:
    """This cluster's row in the table of the run; the lock keeps parallel clusters from losing each other's."""
    with (folder / ".fleet.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            known = json.loads((folder / "fleet.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = None
        table = fleet.merged(known, _run_id(), hosts, fleet.row(report))
        template = (TEMPLATES / "fleet.html.j2").read_text(encoding="utf-8")
        contents = {
            "fleet.json": json.dumps(table, indent=1, ensure_ascii=False) + "\n",
            "fleet.csv": fleet.as_csv(table),
            "fleet.html": html.render_fleet(table, template),
        }
        return _write(folder, contents)


def _run_id() -> str:
    """The ansible-playbook process that all clusters of a run share, by number and start (numbers come again, in containers soon)."""
    run = whoami.run_pid()
    return process.describe(run).replace(":", "-") or str(run)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
