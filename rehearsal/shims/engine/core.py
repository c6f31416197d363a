# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rank's engine: which blocks of a prompt are on the GPU, which come from elsewhere, and the simulator that makes the answer.

Counting follows vllm/v1/core/sched/scheduler.py: first the local prefix (full blocks, never the whole prompt), then one connector for what is left.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from rehearsal.shims.engine import prompt, web
from rehearsal.shims.engine.cache import BlockCache
from rehearsal.shims.engine.log import engine_name, say
from rehearsal.shims.engine.nixl import Nixl
from rehearsal.shims.engine.offload import Offload
from rehearsal.shims.engine.release import Release
from rehearsal.shims.engine.series import Family, Registry, of_engine

Obj = dict[str, Any]
COMPLETIONS = (prompt.CHAT, prompt.TEXT)
FRESH_SECONDS = 2.0  # how old the simulator's page may be while nothing happens
SETTLE_SECONDS = 1.0  # the simulator counts a little after it has answered
SOURCES = ("local_compute", "local_cache_hit", "external_kv_transfer")


@dataclass
class Setting:
    """``blocks``: KV blocks on the GPU; ``block_size``: tokens in each."""

    rank: int
    model: str
    release: Release
    blocks: int
    block_size: int
    caching: bool = True
    policy: str = "recompute"
    token_details: bool = False
    info: dict[str, str] = field(default_factory=dict)  # labels of vllm:cache_config_info


@dataclass
class Share:
    """Where a prompt's tokens come from."""

    total: int
    hashes: list[int]
    local: int = 0  # blocks on the GPU
    external: int = 0  # tokens
    source: str = ""  # connector of the external ones
    failed: bool = False


class Engine:
    def __init__(self, setting: Setting, simulator: tuple[str, int]) -> None:
        self.set, self._simulator = setting, simulator
        self.rank = setting.rank
        self.registry = Registry((("engine", str(setting.rank)), ("model_name", setting.model)))
        self.nixl: Nixl | None = None
        self.offload: Offload | None = None
        self.connected = False  # a KV connector is configured
        self.running = 0
        self._gpu = BlockCache(setting.blocks)
        self._page: tuple[float, list[Family]] = (0.0, [])
        self._touched = time.monotonic()
        self._series = Series(setting, self.registry)

    def connect(self) -> None:
        """Series that exist with any connector."""
        self.connected = True
        self._series.connect(self.registry, self.set.release)

    # --- requests ----------------------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request of the API."""
        path = request.path.partition("?")[0]
        if request.method == "POST" and path in COMPLETIONS:
            try:
                body = json.loads(request.body)
            except ValueError:
                body = None
            if isinstance(body, dict):
                return await self._complete(request, path, body)
        return await web.fetch(*self._simulator, request)

    async def _complete(self, request: web.Request, path: str, body: Obj) -> web.Response:
        params = body.pop("kv_transfer_params", None)
        if params and not self.connected:
            say("Got kv_transfer_params, but no KVConnector found. Disabling KVTransfer for this request.", "core.py:295",
                engine_name(self.rank), "WARNING")
        params = params if isinstance(params, dict) and self.connected else {}
        request_id = request.header("x-request-id") or uuid.uuid4().hex
        words = prompt.tokens(path, body)
        share = self._local(words, str(body.get("model", "")))
        self.running += 1
        try:
            await self._external(share, params, request_id)
            if share.failed and self.set.policy == "fail":
                return self._failure(share, request_id)
            if share.source == "nixl":
                body["kv_transfer_params"] = {"do_remote_prefill": True}  # the simulator doesn't compute the prompt then
            answer = await web.fetch(*self._simulator, web.Request("POST", request.path, request.headers, json.dumps(body).encode()))
            if answer.status == 200:
                self._computed(share)
        finally:
            self.running -= 1
            self._touched = time.monotonic()
        if answer.stream is not None or answer.status != 200:
            return answer
        return self._finished(answer, params, share, request_id)

    def _local(self, words: list[Any], model: str) -> Share:
        size = self.set.block_size
        share = Share(len(words), prompt.block_hashes(words, size, model) if self.set.caching else [])
        share.local = min(self._gpu.prefix(share.hashes), max(share.total - 1, 0) // size)
        return share

    async def _external(self, share: Share, params: Obj, request_id: str) -> None:
        """Ask the connectors for what the GPU hasn't; the first that has something is taken."""
        here = share.local * self.set.block_size
        if self.nixl and params.get("do_remote_prefill"):
            await self._remote_prefill(share, params, request_id, here)
        elif self.offload:
            wanted = share.hashes[share.local:max(share.total - 1, 0) // self.set.block_size]
            blocks = self.offload.lookup(wanted)
            self.offload.load(blocks)
            share.external, share.source = blocks * self.set.block_size, "offload" if blocks else ""
        if self.connected:
            self._series.asked(share, here)

    async def _remote_prefill(self, share: Share, params: Obj, request_id: str, here: int) -> None:
        assert self.nixl is not None
        missing = [key for key in ("remote_block_ids", "remote_engine_id", "remote_host", "remote_port") if not params.get(key)]
        if missing:
            say(f"Got invalid KVTransferParams: {params}. This request will not utilize KVTransfer", "nixl_connector.py:667",
                engine_name(self.rank), "WARNING")
            return
        share.external, share.source = max(share.total - here, 0), "nixl"
        blocks = -(-share.total // self.set.block_size) - share.local
        if not await self.nixl.read(params, min(blocks, len(params["remote_block_ids"])), request_id):
            share.failed, share.source = True, ""

    def _failure(self, share: Share, request_id: str) -> web.Response:
        say(f"Failing 1 request(s) due to KV load failure (failure_policy=fail, {share.external} tokens affected). Request IDs: {{'{request_id}'}}",
            "scheduler.py:1808", engine_name(self.rank), "ERROR")
        error = {"error": {"message": "Internal server error", "type": "InternalServerError", "param": None, "code": 500}}
        return web.Response(500, [("content-type", "application/json")], json.dumps(error).encode())

    def _computed(self, share: Share) -> None:
        """The prompt is on the GPU now, and its new blocks go to the CPU."""
        if share.failed:
            say(f"Recovered from KV load failure: 1 request(s) rescheduled ({share.external} tokens affected).", "scheduler.py:1817",
                engine_name(self.rank), "WARNING")
        self._gpu.add(share.hashes)
        if self.offload:
            self.offload.store(share.hashes)
        self._series.computed(share, share.local * self.set.block_size)

    def _finished(self, answer: web.Response, params: Obj, share: Share, request_id: str) -> web.Response:
        body = json.loads(answer.body)
        body["kv_transfer_params"] = None
        if self.nixl and params.get("do_remote_decode") and not params.get("do_remote_prefill") and _length_capped(body):
            body["kv_transfer_params"] = self.nixl.keep(request_id, -(-share.total // self.set.block_size))
        if usage := body.get("usage"):
            cached = share.local * self.set.block_size + (0 if share.failed else share.external)
            usage["prompt_tokens_details"] = {"cached_tokens": min(cached, max(share.total - 1, 0))} if self.set.token_details else None
        return web.Response(200, answer.headers, json.dumps(body).encode())

    # --- metrics -----------------------------------------------------------------------------------------------------------

    async def families(self) -> list[Family]:
        """This engine's series: its own, and the simulator's."""
        if self.nixl:
            self.nixl.forget_expired()
        return [*await self._simulated(), *self.registry.families()]

    async def _simulated(self) -> list[Family]:
        """Pickers ask some twenty times a second: while nothing has happened the last page is still true."""
        taken, families = self._page
        now = time.monotonic()
        quiet = not self.running and self._touched + SETTLE_SECONDS < taken and now - taken < FRESH_SECONDS
        if not families or not quiet:
            answer = await web.fetch(*self._simulator, web.Request("GET", "/metrics"))
            families = of_engine((await web.whole(answer)).decode(), self.rank, self.set.model)
            self._page = (now, families)
        return families


def _length_capped(body: Obj) -> bool:
    """Blocks are only kept for a prefill that ended because it had made all the tokens that were asked for."""
    return any(choice.get("finish_reason") == "length" for choice in body.get("choices") or [])


class Series:
    """Series that the engine itself counts."""

    def __init__(self, setting: Setting, registry: Registry) -> None:
        self._release = setting.release
        self._queries = registry.counter("vllm:prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens.")
        self._hits = registry.counter("vllm:prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens.")
        info = ",".join(f'{key}="{value}"' for key, value in setting.info.items())
        self._info = Family("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig",
                            [f'vllm:cache_config_info{{{info},engine="{setting.rank}"}} 1.0'])
        registry.constant(self._info)
        self._outside: tuple[Any, Any] | None = None
        self._by_source = self._cached = None
        if self._release.tokens_by_source:
            self._by_source = registry.counter("vllm:prompt_tokens_by_source", "Number of prompt tokens by source.", source=SOURCES)
            self._cached = registry.counter("vllm:prompt_tokens_cached", "Number of cached prompt tokens (local + external).")

    def connect(self, registry: Registry, release: Release) -> None:
        if release.connector_series:
            what = "from KV connector cross-instance cache sharing, in terms of number of"
            self._outside = (registry.counter("vllm:external_prefix_cache_queries", f"External prefix cache queries {what} queried tokens."),
                             registry.counter("vllm:external_prefix_cache_hits", f"External prefix cache hits {what} cached tokens."))

    def asked(self, share: Share, here: int) -> None:
        """The connector was asked for what is not ``here`` (tokens)."""
        if self._outside is None:
            return
        queries, hits = self._outside
        queries.add(share.total - here if self._release.queries_without_local else share.total)
        hits.add(0 if share.failed and not self._release.hits_before_load else share.external)

    def computed(self, share: Share, here: int) -> None:
        self._queries.add(share.total)
        self._hits.add(here)
        if self._by_source is None or self._cached is None:
            return
        outside = 0 if share.failed else min(share.external, max(share.total - 1 - here, 0))
        for source, amount in zip(SOURCES, (share.total - here - outside, here, outside), strict=True):
            self._by_source.add(amount, source)
        self._cached.add(here + outside)
