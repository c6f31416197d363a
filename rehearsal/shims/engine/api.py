# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM's API server: routes, and which rank gets a request."""

from __future__ import annotations

import json
from typing import Any, Protocol

from rehearsal.shims.engine import series, web
from rehearsal.shims.engine.core import COMPLETIONS, Engine

RANK_HEADER = "x-data-parallel-rank"
JSON = [("content-type", "application/json")]
METRICS = [("content-type", "text/plain; version=0.0.4; charset=utf-8")]


class Backend(Protocol):
    """One rank, here or in another pod."""

    rank: int
    running: int

    async def handle(self, request: web.Request) -> web.Response: ...
    async def families(self) -> list[series.Family]: ...


class Remote:
    """A rank in another pod of the group."""

    def __init__(self, rank: int, host: str, port: int) -> None:
        self.rank, self.running = rank, 0
        self._at = (host, port)

    async def handle(self, request: web.Request) -> web.Response:
        self.running += 1
        try:
            return await web.fetch(*self._at, request)
        finally:
            self.running -= 1

    async def families(self) -> list[series.Family]:
        page = await web.fetch(*self._at, web.Request("GET", "/metrics"))
        return series.parse((await web.whole(page)).decode())


class Api:
    """``root``: the model's folder, as /v1/models says it; ``log``: whether requests are logged."""

    def __init__(self, backends: list[Backend], version: str, root: str, log: bool = True) -> None:
        self._backends = sorted(backends, key=lambda backend: backend.rank)
        self._version, self._root, self._log = version, root, log
        self._turn = 0

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path.partition("?")[0]
        try:
            answer = await self._route(request, path)
        except (OSError, EOFError) as error:  # an engine has gone
            text = {"error": {"message": f"EngineCore encountered an issue. {error}", "type": "InternalServerError", "param": None, "code": 500}}
            answer = web.Response(500, JSON, json.dumps(text).encode())
        if self._log and request.method == "POST":
            print(f'INFO:     "{request.method} {request.path} HTTP/1.1" {answer.status}', flush=True)
        return answer

    async def _route(self, request: web.Request, path: str) -> web.Response:
        if request.method in ("GET", "HEAD"):
            if path in ("/health", "/ping"):
                return web.Response(200)
            if path == "/metrics":
                pages = [await backend.families() for backend in self._backends]
                return web.Response(200, METRICS, series.merge(pages).encode())
            if path == "/version":
                return web.Response(200, JSON, json.dumps({"version": self._version}).encode())
            if path == "/v1/models":
                return await self._models(request)
        if request.method == "POST" and path in COMPLETIONS:
            return await self.choose(request).handle(request)
        return await self._backends[0].handle(request)

    def choose(self, request: web.Request) -> Backend:
        """The rank that the client names, else the least busy one; equal ones take turns."""
        wanted = request.header(RANK_HEADER)
        if wanted.isdigit():
            for backend in self._backends:
                if backend.rank == int(wanted):
                    return backend
        self._turn += 1
        order = self._backends[self._turn % len(self._backends):] + self._backends[:self._turn % len(self._backends)]
        return min(order, key=lambda backend: backend.running)

    async def _models(self, request: web.Request) -> web.Response:
        answer = await self._backends[0].handle(request)
        if answer.status != 200:
            return answer
        listed: dict[str, Any] = json.loads(await web.whole(answer))
        for model in listed.get("data", []):
            if not model.get("parent"):
                model["root"] = self._root
        return web.Response(200, JSON, json.dumps(listed).encode())


class RankPort:
    """What a headless pod offers to the first one: one rank."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def handle(self, request: web.Request) -> web.Response:
        try:
            if request.method == "GET" and request.path == "/metrics":
                return web.Response(200, METRICS, series.merge([await self._engine.families()]).encode())
            return await self._engine.handle(request)
        except (OSError, EOFError) as error:
            return web.Response(500, body=str(error).encode())
