# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""prove as a play uses it: commands for the service that was measured, and the result of a benchmark with its source."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
MEASURED = {"service": "LLMInferenceService n/s", "model": "m", "auth": True, "endpoints": {"url": "https://g/n/s"}, "document": {"format": 1}}
RESULT = {"load_summary": {"count": 2}, "failures": {"count": 0}, "successes": {"count": 2, "latency": {}, "throughput": {"requests_per_sec": 1.5}}}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("prove")
    (folder / "good.json").write_text(json.dumps(RESULT))
    (folder / "other.json").write_text('{"request_throughput": 1, "mean_ttft_ms": 2}')
    (folder / "odd.json").write_bytes(b"\xff\xfe")
    tasks = [
        {"llmd.openshift.prove": {"path": "pd_disaggregation", "measurements": MEASURED, **({"benchmark_results": str(folder / name)} if name else {})},
         "register": name.partition(".")[0] or "plain", "ignore_errors": True}
        for name in ("", "good.json", "other.json", "odd.json", "missing.json")
    ]  # fmt: skip
    names = ["plain", "good", "other", "odd", "missing"]
    content = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
    tasks.append({"ansible.builtin.copy": {"dest": str(folder / "out.json"), "content": content}})
    (folder / "play.yml").write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(folder / "play.yml")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0 and "Traceback" not in done.stdout, done.stdout + done.stderr
    return dict(json.loads((folder / "out.json").read_text()))


def test_commands_for_the_service_that_was_measured(results: dict[str, Any]) -> None:
    made = results["plain"]["proof"]["benchmark"]
    assert made["result"] is None and "https://g/n/s" in made["commands"]["guidellm"] and '"$TOKEN"' in made["commands"]["inference-perf"]
    assert results["plain"]["proof"]["status"] == "failed" and "pd-pods" in results["plain"]["msg"]


def test_a_result_comes_with_its_source_and_changes_no_verdict(results: dict[str, Any]) -> None:
    found = results["good"]["proof"]["benchmark"]["result"]
    assert found["tool"] == "inference-perf" and found["file"].endswith("good.json")
    assert found["sha256"] == hashlib.sha256(json.dumps(RESULT).encode()).hexdigest()
    assert found["runs"][0]["requests_per_second"] == 1.5
    assert results["good"]["proof"]["checks"] == results["plain"]["proof"]["checks"]


@pytest.mark.parametrize(("name", "words"), [("other", "vllm bench serve"), ("odd", "utf-8"), ("missing", "No such file")])
def test_what_cannot_be_read_is_refused_by_name(results: dict[str, Any], name: str, words: str) -> None:
    found = results[name]
    assert found["failed"] and words in found["msg"] and f"{name}.json" in found["msg"] and "Give the JSON file" in found["msg"]
