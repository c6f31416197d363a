# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a small service on loopback, run as the Pod runs it; and the verdict over what it measured."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import client, verdict

sys.path.insert(0, str(Path(__file__).parent))
from service import Service, one_pod, round_robin, sticky

SCRIPT = Path(client.__file__)


@pytest.fixture
def make() -> Iterator[Any]:
    services: list[Service] = []

    def build(*args: Any, **more: Any) -> Service:
        services.append(Service(*args, **more))
        return services[-1]

    yield build
    for service in services:
        service.close()


def run(service: Service, folder: Path, **more: Any) -> dict[str, Any]:
    """The script in a process of its own, with an empty environment; its last line."""
    (folder / "token").write_text("good\n")
    (folder / "denied").write_text("denied")
    plan = service.plan(token_file=str(folder / "token"), denied_token_file=str(folder / "denied"), **more)
    (folder / "plan.json").write_text(json.dumps(plan))
    done = subprocess.run([sys.executable, "-I", str(SCRIPT)], capture_output=True, text=True, timeout=60,
                          env={"LLMD_PLAN": str(folder / "plan.json"), "PATH": os.environ["PATH"]})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def measured(document: dict[str, Any], service: Service, picker_ready: bool = True) -> dict[str, Any]:
    """What the module would hand on."""
    state = {"ready_before": True, "restarts": 0, "restarts_before": 0, "trouble": ""}
    return {"service": "LLMInferenceService n/s", "model": "m", "replicas": len(service.counts), "auth": service.auth, "endpoints": {},
        "condition": {"type": "Ready", "status": "True"},
            "engines": [{"name": p, "ready": True, **state} for p in service.counts],
            "pickers": [{"name": "picker-0", **state, "ready": picker_ready, "ready_before": picker_ready}],
            "document": document}  # fmt: skip


def proof_of(
    service: Service, folder: Path, picker_ready: bool = True, **more: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    proof = verdict.prove("inference_scheduling", measured(run(service, folder, **more), service, picker_ready))
    return proof, {c["id"]: c["status"] for c in proof["checks"]}


def test_the_script_is_plain_python_39() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 9))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {i.split(".")[0] for i in imported} <= set(sys.stdlib_module_names)


def test_a_choosing_picker_is_proven(make: Any, tmp_path: Path) -> None:
    proof, states = proof_of(make(sticky), tmp_path)
    assert proof["status"] == "proven", [c for c in proof["checks"] if c["status"] != "pass"]
    assert len(states) == 14
    assert proof["numbers"]["requests_answered"] == 28 and proof["numbers"]["repeated_prefix_same_pod"] == 12
    assert proof["numbers"]["pool_ready_pods"] == 2
    assert "is proven" in verdict.summary(proof)
    assert {r["pod"] for r in proof["requests"]} == {None, "pod-0", "pod-1"}


def test_a_dead_picker_fails_the_proof_although_all_answers_are_200(make: Any, tmp_path: Path) -> None:
    proof, states = proof_of(make(round_robin, picker_alive=False), tmp_path, picker_ready=False)
    assert proof["status"] == "failed"
    assert states["proof-chat"] == "pass" and states["proof-completions-stream"] == "pass"
    assert states["proof-picker-alive"] == states["proof-picker-counted"] == states["proof-replicas-in-pool"] == "fail"
    assert states["proof-prefix-affinity"] == "fail"
    assert "fails open" in verdict.summary(proof)


def test_a_dead_picker_is_not_saved_by_lucky_routing(make: Any, tmp_path: Path) -> None:
    proof, _states = proof_of(make(sticky, picker_alive=False), tmp_path, picker_ready=False)
    assert proof["status"] == "failed"


def test_metrics_that_cannot_be_read_leave_it_unknown(make: Any, tmp_path: Path) -> None:
    proof, states = proof_of(make(sticky, picker_alive=False), tmp_path, picker_ready=True)
    assert proof["status"] == "unknown"
    assert states["proof-picker-counted"] == states["proof-replicas-in-pool"] == "unknown"


def test_a_bypassed_picker_fails(make: Any, tmp_path: Path) -> None:
    service = make(sticky)
    service.picked = -28  # ends where it began
    document = run(service, tmp_path)
    for when in ("before", "after"):
        document[when]["pickers"]["picker-0"]["text"] = (
            "inference_objective_request_total 5\ninference_pool_ready_pods 2"
        )
    proof = verdict.prove("inference_scheduling", measured(document, service))
    assert {c["id"]: c["status"] for c in proof["checks"]}["proof-picker-counted"] == "fail"


def test_everything_on_one_pod_does_not_spread(make: Any, tmp_path: Path) -> None:
    proof, states = proof_of(make(one_pod), tmp_path)
    assert states["proof-prefix-spread"] == "fail" and proof["status"] == "failed"


def test_foreign_traffic_makes_it_unknown_not_proven(make: Any, tmp_path: Path) -> None:
    service = make(sticky)
    service.foreign = 1
    proof, states = proof_of(service, tmp_path)
    assert states["proof-prefix-affinity"] == "unknown" and proof["status"] == "unknown"


def test_access_without_token_fails(make: Any, tmp_path: Path) -> None:
    service = make(sticky, auth=False)
    document = run(service, tmp_path, auth=True)
    facts = measured(document, service) | {"auth": True}
    states = {c["id"]: c["status"] for c in verdict.prove("inference_scheduling", facts)["checks"]}
    assert (
        states["proof-refused-no-token"]
        == states["proof-refused-wrong-token"]
        == states["proof-refused-no-right"]
        == "fail"
    )


def test_a_stream_without_end_and_a_usage_that_does_not_add_up(make: Any, tmp_path: Path) -> None:
    service = make(sticky)
    service.stream_done, service.usage = False, {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 9}
    proof, states = proof_of(service, tmp_path)
    assert states["proof-chat"] == states["proof-chat-stream"] == "fail"
    text = verdict.summary(proof)
    assert "[DONE]" in text and "doesn't add up" in text


def test_a_gateway_that_is_not_there(make: Any, tmp_path: Path) -> None:
    proof, states = proof_of(make(sticky), tmp_path, base_url="http://127.0.0.1:9/n/s", deadline_seconds=20)
    assert states["proof-chat"] == "fail" and states["proof-refused-no-token"] == "unknown"
    assert proof["status"] == "failed"


def test_no_orders_is_said(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-I", str(SCRIPT)], capture_output=True, text=True,
                          env={"LLMD_PLAN": str(tmp_path / "none")})  # fmt: skip
    assert done.returncode == 1 and "plan" in json.loads(done.stdout)["faults"]


def test_same_prefix_same_beginning_other_prefix_another() -> None:
    a, b, c = client._prompt("xshared-0", 100, 0), client._prompt("xshared-0", 100, 1), client._prompt("xown-1", 100, 0)
    assert a[:500] == b[:500] and a != b and a[:20] != c[:20]
