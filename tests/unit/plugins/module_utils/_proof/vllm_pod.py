# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A vLLM Pod on loopback for tests of the client: a KV cache of a certain size, perhaps a CPU cache behind it, ranks, and their series."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Cache:
    """Prompts, the least recently used goes first; sizes in tokens."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held: dict[str, int] = {}

    def has(self, prompt: str) -> bool:
        if prompt in self.held:
            self.held[prompt] = self.held.pop(prompt)
            return True
        return False

    def add(self, prompt: str, tokens: int) -> None:
        self.held.pop(prompt, None)
        self.held[prompt] = tokens
        while sum(self.held.values()) > self.size:
            self.held.pop(next(iter(self.held)))


class VllmPod:
    """``cpu`` 0: no connector; ``series``: whether bytes of the offload are counted; ``idle``: ranks that answer nothing."""

    def __init__(
        self, gpu: int = 4000, cpu: int = 0, series: bool = True, silent: bool = False, ranks: int = 1, idle: tuple[int, ...] = (), tells_size: bool = True,
        version: str = "0.13.0",
    ) -> None:  # fmt: skip
        self.version = version
        self.gpu, self.cpu, self.connector = Cache(gpu), Cache(0 if silent else cpu), bool(cpu)
        self.series, self.idle, self.tells_size = series, idle, tells_size
        self.count = dict.fromkeys(range(ranks), 0)
        self.hits = self.outside = self.queries = self.stored = self.loaded = 0
        self.turn = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                texts = {"/metrics": outer.page(), "/version": json.dumps({"version": outer.version})}
                outer.answer(self, texts.get(self.path) or json.dumps({"data": [{"id": "m", "max_model_len": 3000}]}))

            def do_POST(self) -> None:
                outer.complete(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def complete(self, handler: BaseHTTPRequestHandler) -> None:
        prompt = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))["prompt"]
        tokens = len(prompt.split())
        with self.lock:
            self.turn += 1
            rank = int(handler.headers.get("X-data-parallel-rank") or self.turn % len(self.count))
            if rank in self.idle:
                handler.send_error(500)
                return
            self.count[rank] += 1
            self._cached(prompt, tokens)
        self.answer(handler, json.dumps({"choices": [{"text": "a"}], "usage": {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}}))

    def _cached(self, prompt: str, tokens: int) -> None:
        if self.gpu.has(prompt):
            self.hits += tokens
        elif self.connector:
            self.queries += tokens
            if self.cpu.has(prompt):
                self.outside += tokens
                self.loaded += 100 * tokens
        self.gpu.add(prompt, tokens)
        if self.cpu.size:
            self.stored += 100 * tokens
            self.cpu.add(prompt, tokens)

    def page(self) -> str:
        lines = [f'vllm:request_success_total{{engine="{rank}",finished_reason="length"}} {count}' for rank, count in self.count.items()]
        lines += [f'vllm:request_success_created{{engine="{rank}"}} 1.7e9' for rank in self.count]
        lines += [f"vllm:prefix_cache_hits_total {self.hits}", f"vllm:prefix_cache_queries_total {self.hits + self.queries}"]
        if self.tells_size:
            lines.append(f'vllm:cache_config_info{{block_size="16",num_gpu_blocks="{self.gpu.size // 16}",engine="0"}} 1.0')
        if self.connector:
            lines += [f"vllm:external_prefix_cache_hits_total {self.outside}", f"vllm:external_prefix_cache_queries_total {self.queries}"]
        if self.connector and self.series:
            lines += [f'vllm:kv_offload_total_bytes_total{{transfer_type="{way}"}} {size}'
                      for way, size in (("GPU_to_CPU", self.stored), ("CPU_to_GPU", self.loaded)) if size]  # fmt: skip
        return "\n".join(lines) + "\n"

    def answer(self, handler: BaseHTTPRequestHandler, text: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())
