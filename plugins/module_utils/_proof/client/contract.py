# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API that the service promises: models, both completions, errors, and refusals on every route."""

from __future__ import annotations

from typing import Any

from .service import Service

# Every route that a service may have (KServe's route preset, 2.25 to 3.5) and what vLLM offers behind the one for the rest.
OPEN_GET = ("/v1/models", "/health", "/metrics", "/version")
OPEN_POST = ("/v1/completions", "/v1/responses", "/v1/messages")


def models(service: Service) -> dict[str, Any]:
    """The list of models, which the gateway sends to any Pod (it proves nothing about the picker)."""
    record = service.send("/v1/models", token=service.token)
    answer = record.pop("body", None)
    listed = answer.get("data") if isinstance(answer, dict) else None
    record["models"] = [m.get("id") for m in listed if isinstance(m, dict)] if isinstance(listed, list) else None
    return record


def calls(service: Service) -> list[dict[str, Any]]:
    """Each kind of completion, plain and streamed; and one of each LoRA adapter, by its name."""
    out = []
    for kind in ("chat", "completions"):
        for stream in (False, True):
            record = service.ask(kind, "Say one word about rivers.", stream)
            record["name"] = kind + ("-stream" if stream else "")
            out.append(record)
    adapters = service.plan.get("adapters") or []
    return out + [{**service.ask("chat", "Say one word about rivers.", model=name), "name": f"adapter {name}"} for name in adapters]


def errors(service: Service) -> list[dict[str, Any]]:
    """Requests that are wrong: the answer has to be an error in the API's form."""
    cases: list[tuple[str, dict[str, Any]]] = [
        ("unknown-model", {"model": "no-such-model-llmd-proof"}),
        ("bad-value", {"max_tokens": -1}),
    ]
    return [{**service.ask("chat", "This request is wrong.", **more), "name": name} for name, more in cases]


def refusals(service: Service) -> list[dict[str, Any]]:
    """Calls that must be refused: on every route without a token, and with a wrong one or one that lacks the right."""
    cases = [("no-token", ""), ("wrong-token", "not-a-token")]
    cases += [("no-right", service.denied)] if service.denied else []
    out = [{**service.ask("chat", "This call must be refused.", token=token), "name": name} for name, token in cases]
    for path in (*OPEN_GET, *OPEN_POST):
        body = {"model": service.plan["model"], "prompt": "This call must be refused.", "max_tokens": 1} if path in OPEN_POST else None
        record = service.send(path, body)
        record.pop("body", None)
        out.append({**record, "name": "no-token" + path})
    return out
