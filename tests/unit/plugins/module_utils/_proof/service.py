# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny inference service for tests of the proof's client: gateway, picker and Pods in one HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Service:
    """`choose(prompt, number)` says which Pod answers; `picker_alive` whether the picker counts and shows metrics; `models` are known, and answer as `says`."""

    def __init__(
        self, choose: Callable[[str, int], int], pods: int = 2, picker_alive: bool = True, auth: bool = True,
        models: tuple[str, ...] = ("m",), says: str = "",
    ) -> None:
        self.choose, self.picker_alive, self.auth = choose, picker_alive, auth
        self.models, self.says = models, says
        self.counts = {f"pod-{n}": 0 for n in range(pods)}
        self.picked = 0
        self.busy = 0  # answers of the picker's page that are 500
        self.seen = 0
        self.foreign = 0
        self.stream_done = True
        self.usage: Any = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                outer.get(self)

            def do_POST(self) -> None:
                outer.post(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def plan(self, **more: Any) -> dict[str, Any]:
        """Orders for the client."""
        return {"base_url": f"{self.url}/n/s", "model": "m", "auth": self.auth, "timeout_seconds": 5, "deadline_seconds": 60,
                "groups": {"shared": 3, "size": 5, "own": 9, "nonce": "x", "prefix_words": 40},
                "pickers": [{"pod": "picker-0", "url": f"{self.url}/picker/metrics"}],
                "engines": [{"pod": p, "api": f"{self.url}/{p}", "url": f"{self.url}/{p}/metrics"} for p in self.counts],
                "keep": {"pickers": ["inference_"], "engines": ["vllm:"]}, **more}  # fmt: skip

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if self.auth and handler.path.startswith("/n/s") and handler.headers.get("Authorization") != "Bearer good":
            return self.answer(handler, 401, "no")
        if handler.path == "/picker/metrics":
            if self.busy:
                self.busy -= 1
                return self.answer(handler, 500, "Authentication failed", "text/plain")
            if not self.picker_alive:
                return self.answer(handler, 503, "down", "text/plain")
            return self.answer(handler, 200, f"inference_objective_request_total{{model_name=\"m\"}} {self.picked}\n"
                               f"inference_pool_ready_pods{{name=\"p\"}} {len(self.counts)}\n"
                               "inference_pool_x_bucket{le=\"1\"} 3\n", "text/plain")  # fmt: skip
        if handler.path.endswith("/metrics"):
            pod = handler.path.split("/")[1]
            return self.answer(handler, 200, f"vllm:request_success_total{{finished_reason=\"stop\"}} {self.counts[pod]}\n"
                               f"vllm:prefix_cache_hits_total 3\nvllm:prefix_cache_queries_total 6\n", "text/plain")  # fmt: skip
        return self.answer(handler, 200, json.dumps({"data": [{"id": "m"}]}))

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if self.auth and handler.headers.get("Authorization") != "Bearer good":
            return self.answer(handler, 403 if handler.headers.get("Authorization") == "Bearer denied" else 401, "no")
        if body["model"] not in self.models:
            return self.answer(handler, 404, json.dumps({"error": {"message": "no such model", "type": "NotFoundError", "code": 404}}))
        if body.get("max_tokens", 1) < 1:
            return self.answer(handler, 400, json.dumps({"object": "error", "message": "max_tokens must be at least 1", "code": 400}))
        prompt = body.get("prompt") or body["messages"][0]["content"]
        pod = list(self.counts)[self.choose(prompt, self.seen)]
        self.seen += 1
        self.counts[pod] += 1
        if self.foreign:
            self.counts[list(self.counts)[0]] += self.foreign
        self.picked += self.picker_alive
        part = {"choices": [{"message": {"content": "a b"}}] if "messages" in body else [{"text": "a b"}], "model": self.says or body["model"]}
        if not body.get("stream"):
            return self.answer(handler, 200, json.dumps({**part, "usage": self.usage}))
        chunk = {"choices": [{"delta": {"content": "a"}, "text": "a"}]}
        events = [chunk, chunk, {"choices": [], "usage": self.usage}]
        text = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + ("data: [DONE]\n\n" if self.stream_done else "")
        return self.answer(handler, 200, text, "text/event-stream")

    def answer(self, handler: BaseHTTPRequestHandler, code: int, text: str, kind: str = "application/json") -> None:
        data = text.encode()
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


def sticky(prompt: str, number: int) -> int:
    """As the picker does: a prefix has its Pod."""
    return sum(prompt[:60].encode()) % 2


def round_robin(prompt: str, number: int) -> int:
    """As a pool that fails open does."""
    return number % 2


def one_pod(prompt: str, number: int) -> int:
    """Everything on the first Pod."""
    return 0
