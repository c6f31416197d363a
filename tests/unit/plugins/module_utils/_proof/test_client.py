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
from ansible_collections.llmd.openshift.plugins.module_utils._proof.client import answers, pages, prompts
from ansible_collections.llmd.openshift.plugins.module_utils._proof.client.service import Service as Asking

sys.path.insert(0, str(Path(__file__).parent))
from service import Service, one_pod, round_robin, sticky

PACKAGE = Path(str(client.__file__)).parent
FILES = sorted(PACKAGE.glob("*.py"))


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
    done = start(folder / "plan.json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def start(plan: Path) -> Any:
    """As the Pod does."""
    env = {"LLMD_PLAN": str(plan), "PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-s", "-m", "client"], capture_output=True, text=True, timeout=60, env=env, cwd=plan.parent)


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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_client_is_plain_python_39(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level}
    assert {i.split(".")[0] for i in imported} <= set(sys.stdlib_module_names)
    own = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level}
    assert own <= {f.stem for f in FILES} | {None}


def test_a_choosing_picker_is_proven(make: Any, tmp_path: Path) -> None:
    proof, states = proof_of(make(sticky), tmp_path)
    assert proof["status"] == "proven", [c for c in proof["checks"] if c["status"] != "pass"]
    assert len(states) == 17
    assert proof["numbers"]["requests_answered"] == 28 and proof["numbers"]["repeated_prefix_same_pod"] == 12
    assert proof["numbers"]["pool_ready_pods"] == 2
    assert "is proven" in verdict.summary(proof)
    assert {r["pod"] for r in proof["requests"]} == {None, "pod-0", "pod-1"}


@pytest.mark.parametrize(("busy", "status"), [(2, "pass"), (9, "unknown")])
def test_a_picker_whose_api_is_slow_is_asked_again(make: Any, tmp_path: Path, busy: int, status: str) -> None:
    """It can't tell who reads its page, for a while or for good."""
    service = make(sticky)
    service.busy = busy
    proof, states = proof_of(service, tmp_path)
    assert states["proof-picker-counted"] == status and proof["status"] == ("proven" if status == "pass" else "unknown")


def test_each_adapter_answers_in_its_own_name(make: Any, tmp_path: Path) -> None:
    service = make(sticky, models=("m", "sql", "chat"))
    found = {**measured(run(service, tmp_path, adapters=["sql", "chat"]), service), "adapters": ["sql", "chat"]}
    proof = verdict.prove("inference_scheduling", found)
    (row,) = [c for c in proof["checks"] if c["id"] == "proof-adapters"]
    assert (proof["status"], row["status"], row["observed"]) == ("proven", "pass", "sql, chat answered")


@pytest.mark.parametrize(("models", "more", "observed"), [
    (("m", "sql"), {}, "chat: HTTP 404; no such model"),
    (("m", "sql", "chat"), {"says": "m"}, "sql: HTTP 200; answered as m; chat: HTTP 200; answered as m"),
])
def test_an_adapter_that_is_not_served_fails_the_proof(make: Any, tmp_path: Path, models: Any, more: Any, observed: str) -> None:
    service = make(sticky, models=models, **more)
    found = {**measured(run(service, tmp_path, adapters=["sql", "chat"]), service), "adapters": ["sql", "chat"]}
    proof = verdict.prove("inference_scheduling", found)
    (row,) = [c for c in proof["checks"] if c["id"] == "proof-adapters"]
    assert (proof["status"], row["status"]) == ("failed", "fail") and observed in row["observed"], row


def test_adapters_that_were_not_asked_are_unknown(make: Any, tmp_path: Path) -> None:
    service = make(sticky)
    proof = verdict.prove("inference_scheduling", {**measured(run(service, tmp_path), service), "adapters": ["sql"]})
    assert proof["status"] == "unknown"
    assert {c["id"]: c["status"] for c in proof["checks"]}["proof-adapters"] == "unknown"


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
    done = start(tmp_path / "none")
    assert done.returncode == 1 and "plan" in json.loads(done.stdout)["faults"]


def test_it_warms_up_until_every_kind_of_pod_took_part(make: Any, tmp_path: Path) -> None:
    """Round robin reaches both Pods with the second request; one Pod that is never reached ends it after its time."""
    warm = {"sets": [["pod-0"], ["pod-1"]], "least": 1, "seconds": 60, "words": 20, "nonce": "x"}
    document = run(make(round_robin), tmp_path, warmup=warm)
    assert document["warmup"]["done"] and document["warmup"]["requests"] == 2 and document["warmup"]["statuses"] == {"200": 2}
    document = run(make(one_pod), tmp_path, warmup={**warm, "seconds": 1}, groups={"shared": 0, "size": 0, "own": 1, "prefix_words": 5})
    assert not document["warmup"]["done"] and list(document["warmup"]["rose"]) == ["pod-0"]


def test_half_a_page_is_none() -> None:
    reader = pages.Pages({"engines": [], "keep": {"engines": ["vllm:"]}}, Asking({}))
    text = "\n".join(f'vllm:x{{n="{number}"}} 1' for number in range(pages.LINES_KEPT + 1))
    assert "more than" in reader._kept({"text": text}, "engines")["error"]
    assert reader._kept({"text": "vllm:x 1\nvllm:x_created 2\nvllm:y_bucket{le=\"1\"} 3\nz 4"}, "engines") == {"text": "vllm:x 1"}


def test_errors_in_both_forms() -> None:
    new = answers.error_of('{"error": {"message": "no", "type": "NotFoundError", "code": 404}}')
    assert new == {"message": "no", "type": "NotFoundError", "code": "404"}
    assert answers.error_of('{"object": "error", "message": "no"}') == {"message": "no"}
    assert answers.error_of("plain") is answers.error_of("[1]") is answers.error_of('{"error": "text"}') is None


def test_same_prefix_same_beginning_other_prefix_another() -> None:
    a, b, c = prompts.prompt("xshared-0", 100, 0), prompts.prompt("xshared-0", 100, 1), prompts.prompt("xown-1", 100, 0)
    assert a[:500] == b[:500] and a != b and a[:20] != c[:20]
