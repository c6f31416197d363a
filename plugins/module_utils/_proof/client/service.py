# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests: to the service through its gateway, or to one vLLM Pod directly."""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.error
import urllib.request
from typing import Any

from .answers import error_of, read_stream, text_of

TEXT_KEPT = 300  # characters kept of an error body


class Service:
    """Sends requests as the plan says. Nothing here raises: a fault of the network is a measurement."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.timeout = float(plan.get("timeout_seconds", 60))
        self.end = time.monotonic() + float(plan.get("deadline_seconds", 480))
        self.token = read_file(plan.get("token_file"))
        self.denied = read_file(plan.get("denied_token_file"))
        self._gateway = _opener(_gateway_context(plan))
        self._direct = _opener(_blind_context())

    def left(self) -> float:
        """Seconds until everything has to be over."""
        return self.end - time.monotonic()

    def send(self, path: str, body: dict[str, Any] | None = None, token: str | None = None, stream: bool = False) -> dict[str, Any]:
        """One request through the gateway."""
        return self._send(self._gateway, self.plan["base_url"].rstrip("/") + path, path, body, _bearer(token), stream)

    def ask(
        self, kind: str, prompt: str, stream: bool = False, token: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """One completion; the record holds usage and the length of the text instead of the text."""
        path, body = self._completion(kind, prompt, **more)
        if stream:
            body.update(stream=True, stream_options={"include_usage": True})
        return _short(self.send(path, body, self.token if token is None else token, stream))

    def direct(self, engine: dict[str, Any], prompt: str, rank: int | None = None, tokens: int = 1) -> dict[str, Any]:
        """One completion of one vLLM Pod, past gateway and picker; ``rank``: of a data-parallel group."""
        path, body = self._completion("completions", prompt, max_tokens=tokens)
        # vllm/entrypoints/openai (since 0.10): the header names the data-parallel rank that is to answer
        headers = {} if rank is None else {"X-data-parallel-rank": str(rank)}
        return _short(self._send(self._direct, engine["api"] + path, path, body, headers, False))

    def listed(self, engine: dict[str, Any]) -> dict[str, Any]:
        """What one vLLM Pod says of its model."""
        found = self._send(self._direct, engine["api"] + "/v1/models", "/v1/models", None, {}, False).get("body")
        data = found.get("data") if isinstance(found, dict) else None
        return data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}

    def version(self, engine: dict[str, Any]) -> str | None:
        """vLLM's version, as one Pod says it."""
        found = self._send(self._direct, engine["api"] + "/version", "/version", None, {}, False).get("body")
        return str(found["version"]) if isinstance(found, dict) and found.get("version") else None

    def page(self, url: str, token: str | None = None) -> dict[str, Any]:
        """Metrics text of one endpoint as ``{"text": …}`` or ``{"error": …}``."""
        request = urllib.request.Request(url, headers=_bearer(token))
        try:
            with self._direct.open(request, timeout=max(1.0, min(20.0, self.left()))) as answer:
                return {"text": answer.read(8_000_000).decode("utf-8", "replace")}
        except urllib.error.HTTPError as error:
            return {"error": f"HTTP {error.code}", "status": error.code}
        except Exception as error:  # as above: refused, reset, timed out
            return {"error": f"{type(error).__name__}: {error}"[:TEXT_KEPT]}

    def _completion(self, kind: str, prompt: str, **more: Any) -> tuple[str, dict[str, Any]]:
        body = {"model": self.plan["model"], "max_tokens": int(self.plan.get("max_tokens", 8)), "temperature": 0}
        if kind == "chat":
            body["messages"] = [{"role": "user", "content": prompt}]
        else:
            body["prompt"] = prompt
        return "/v1/chat/completions" if kind == "chat" else "/v1/completions", {**body, **more}

    def _send(self, opener: urllib.request.OpenerDirector, url: str, path: str, body: dict[str, Any] | None,
              headers: dict[str, str], stream: bool) -> dict[str, Any]:  # fmt: skip
        request = urllib.request.Request(url, method="POST" if body else "GET", headers=headers)
        request.add_header("Accept", "text/event-stream" if stream else "application/json")
        request.add_header("User-Agent", "llmd-openshift-proof/1")
        if body:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        record: dict[str, Any] = {"path": path, "stream": stream, "status": None, "error": None}
        start = time.monotonic()
        try:
            with opener.open(request, timeout=max(1.0, min(self.timeout, self.left()))) as answer:
                record["status"] = answer.status
                record["pod_header"] = answer.headers.get("x-inference-pod")
                if stream:
                    record.update(read_stream(answer, start))
                else:
                    record["body"] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            text = error.read(4000).decode("utf-8", "replace")
            record.update(status=error.code, error=text[:TEXT_KEPT], error_body=error_of(text))
        except Exception as error:  # every fault is a measurement here: TLS, DNS, reset, no JSON
            record["error"] = f"{type(error).__name__}: {error}"[:TEXT_KEPT]
        record["ms"] = ms(start)
        return record


def _short(record: dict[str, Any]) -> dict[str, Any]:
    answer = record.pop("body", None)
    if isinstance(answer, dict):
        record.update(usage=answer.get("usage"), model=answer.get("model"), text_length=len(text_of(answer)))
    return record


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": "Bearer " + token} if token else {}


def read_file(path: str | None) -> str | None:
    """A file's text without its ends; None when there is none."""
    if not path or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as stream:
        return stream.read().strip() or None


def _gateway_context(plan: dict[str, Any]) -> ssl.SSLContext:
    if not plan.get("verify_gateway", True):
        return _blind_context()
    context = ssl.create_default_context()
    for path in plan.get("ca_files", []):
        if os.path.exists(path):
            context.load_verify_locations(path)
    return context


def _blind_context() -> ssl.SSLContext:
    """The Pods' own endpoints have certificates that KServe signs by itself and publishes no CA for."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    # No proxy: everything asked is inside the cluster or its own gateway.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


def ms(start: float) -> float:
    """Milliseconds since ``start``."""
    return round((time.monotonic() - start) * 1000, 1)
