# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that misbehaves for a while: a proxy between the port on the host and the real one.

Only clients on the host meet its faults; the parts inside talk to the real server. It runs when the scenario has ``api_faults``,
a list of::

    {kind: KIND, after_requests: N | after_seconds: S, for_seconds: S and/or count: N,
     match: {verb, path}, retry_after: S, probability: P, seconds: S}

A fault wakes after N requests that it matches, or S seconds after the first request of all; it sleeps again after
``for_seconds``, or when it has hit ``count`` requests; so ``after_requests: N-1, count: 1`` hits the N-th. The list is read again
when settings.json changes. Kinds:

    401 403 409 410 429 500 503   the API server's own words; 409 hits PUT and PATCH only, 410 tells a watch by an ERROR event
    disk-full                     writes get etcd's "database space exceeded", reads go on
    slow                          the answer comes ``seconds`` (5) later
    timeout                       no answer at all
    reset                         the connection is cut
    watch-drop                    a watch is cut ``seconds`` (2) after it began
    outage                        every connection is cut, running watches too
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.fault_answers import Request, refusal
from rehearsal.relay import cut

PORT = 9443
CHUNK = 1 << 16
MAX_HEAD = 1 << 18
SLOW_SECONDS = 5.0
HANG_SECONDS = 600.0
WATCH_SECONDS = 2.0  # how long a watch lives that the fault watch-drop hits
LOOK_SECONDS = 1.0  # how often a stream looks whether its client or the server has gone
# What a kind hits at most: the others of these requests pass unseen.
ONLY: dict[str, Callable[[Request], bool]] = {
    "watch-drop": lambda request: request.watch,
    "disk-full": lambda request: request.writes,
    "409": lambda request: request.verb in ("PUT", "PATCH"),
}


@dataclass
class Fault:
    """One row of ``api_faults`` with what has happened to it so far."""

    row: dict[str, Any]
    matched: int = 0
    hits: int = 0
    woke_at: float | None = None

    @property
    def kind(self) -> str:
        return str(self.row["kind"])

    def strikes(self, request: Request, now: float, since_first: float, chance: float) -> bool:
        """Whether this request is hit. ``chance``: a random number from 0 to 1."""
        match = self.row.get("match", {})
        if match.get("verb", request.verb) != request.verb or not re.search(match.get("path", ""), request.path):
            return False
        if not ONLY.get(self.kind, lambda _: True)(request):
            return False
        self.matched += 1
        if self.woke_at is None and self._wakes(since_first):
            self.woke_at = now
        if self.woke_at is None or self._over(now) or chance >= self.row.get("probability", 1):
            return False
        self.hits += 1
        return True

    def rages(self, now: float, since_first: float) -> bool:
        """Whether it's awake at this moment, also without a request that it would hit."""
        if self.woke_at is None and "after_seconds" in self.row and self._wakes(since_first):
            self.woke_at = now
        return self.woke_at is not None and not self._over(now)

    def _wakes(self, since_first: float) -> bool:
        if "after_requests" in self.row:
            return bool(self.matched > self.row["after_requests"])
        return bool(since_first >= self.row.get("after_seconds", 0))

    def _over(self, now: float) -> bool:
        spent = "count" in self.row and self.hits >= self.row["count"]
        late = "for_seconds" in self.row and now - (self.woke_at or now) >= self.row["for_seconds"]
        return spent or late


class Plan:
    """The faults of the settings file, kept while the file doesn't change."""

    def __init__(self, settings: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._stamp = 0
        self._first: float | None = None
        self._faults: list[Fault] = []
        self.speed = 1.0

    def choose(self, request: Request) -> Fault | None:
        """The fault that hits this request, if any; the first of the list wins."""
        self._reload()
        now = self._clock()
        self._first = now if self._first is None else self._first
        struck = [f for f in self._faults if f.strikes(request, now, now - self._first, random.random())]
        return struck[0] if struck else None

    def outage(self) -> bool:
        """Whether the API server is out of reach now."""
        self._reload()
        now = self._clock()
        since = 0.0 if self._first is None else now - self._first
        return any(fault.kind == "outage" and fault.rages(now, since) for fault in self._faults)

    def _reload(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # being rewritten at this moment: the old list holds
            stamp = self._settings.stat().st_mtime_ns
            if stamp != self._stamp:
                settings = json.loads(self._settings.read_text(encoding="utf-8"))
                self._faults = [Fault(row) for row in settings["scenario"].get("api_faults", [])]
                self.speed = settings["speed"]
                self._stamp = stamp


@dataclass
class Head:
    """The head of an HTTP/1.1 message: first line and headers (names in lower case)."""

    raw: bytes
    first: list[str]
    headers: dict[str, str]

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> Head | None:
        """None at the end of the stream (also in the middle of a head)."""
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return None
        first, *rest = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        return cls(raw, first.split(" ", 2), headers)

    def request(self) -> Request:
        return Request(self.first[0], self.first[1], self.headers)

    def chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    def length(self) -> int | None:
        return int(self.headers["content-length"]) if "content-length" in self.headers else None


class Proxy:
    """Serves connections: each is answered by the real API server, unless a fault hits the request."""

    def __init__(self, plan: Plan, upstream: ssl.SSLContext, address: tuple[str, int]) -> None:
        self._plan = plan
        self._upstream = upstream
        self._address = address

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while head := await Head.read(reader):
                fault = self._plan.choose(head.request())
                if fault and fault.kind == "slow":
                    await asyncio.sleep(fault.row.get("seconds", SLOW_SECONDS) / self._plan.speed)
                elif fault and fault.kind != "watch-drop":
                    await self._misbehave(fault, head, reader, writer)
                    return
                there = there or await asyncio.open_connection(*self._address, ssl=self._upstream, limit=MAX_HEAD)
                life = fault.row.get("seconds", WATCH_SECONDS) if fault and fault.kind == "watch-drop" else None
                try:
                    async with asyncio.timeout(life):
                        if not await self._forward(head, reader, writer, *there):
                            return
                except TimeoutError:
                    cut(writer)
                    return
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass  # one side has gone
        finally:
            for end in (writer, there[1] if there else None):
                if end:
                    end.close()

    async def _misbehave(
        self, fault: Fault, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if fault.kind in ("reset", "outage"):
            cut(writer)
            return
        if fault.kind == "timeout":
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_until_gone(reader), HANG_SECONDS)
            return
        if head.headers.get("expect", "").lower() != "100-continue":
            await _body(head, reader, lambda _: _nothing())
        writer.write(refusal(fault.kind, fault.row, head.request()))
        await writer.drain()

    async def _forward(
        self,
        head: Head,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there_reader: asyncio.StreamReader,
        there_writer: asyncio.StreamWriter,
    ) -> bool:
        """Pass on one request and its answer. False when the connection can't be used again."""
        there_writer.write(head.raw)
        if head.headers.get("expect", "").lower() != "100-continue":
            await _body(head, reader, lambda data: _send(there_writer, data))
        await there_writer.drain()
        answer = await Head.read(there_reader)
        if answer is None:
            return False
        await _send(writer, answer.raw)
        code = int(answer.first[1])
        if code == 100:
            await _body(head, reader, lambda data: _send(there_writer, data))
            answer = await Head.read(there_reader)
            if answer is None:
                return False
            await _send(writer, answer.raw)
            code = int(answer.first[1])
        if code == 101:  # exec, port-forward: from here on it's no longer HTTP
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
            return False
        if head.first[0] == "HEAD" or code in (204, 304):
            return True
        if not answer.chunked() and answer.length() is None:
            await _pump(there_reader, writer)
            return False
        try:
            await _while_there(reader, self._plan.outage, _body(answer, there_reader, lambda data: _send(writer, data)))
        except ConnectionAbortedError:
            cut(writer)
            raise
        return answer.headers.get("connection", "").lower() != "close"


async def _body(head: Head, reader: asyncio.StreamReader, sink: Callable[[bytes], Any]) -> None:
    """Read the body that belongs to a head, piece by piece, into ``sink``. Chunks are passed on as they are."""
    if head.chunked():
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            await sink(line + await reader.readexactly(size + 2))
            if size == 0:
                return
    left = head.length() or 0
    while left:
        data = await reader.read(min(left, CHUNK))
        if not data:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(data)
        await sink(data)


async def _while_there(reader: asyncio.StreamReader, outage: Callable[[], bool], work: Any) -> None:
    """Do ``work``, but give up when the client has gone (a watch would stay open otherwise), or in an outage."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_SECONDS)
            if reader.at_eof():
                raise OSError("the client has gone")
            if not task.done() and outage():
                raise ConnectionAbortedError("the API server has gone")
        await task
    finally:
        task.cancel()


async def _until_gone(reader: asyncio.StreamReader) -> None:
    while await reader.read(CHUNK):
        pass


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            await _send(writer, data)
    writer.close()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _nothing() -> None:
    return


async def run(settings: Path, certificate: Path, key: Path, authority: Path) -> None:
    """Listen inside the sandbox; the relay leads the host's port here."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    server.set_alpn_protocols(["http/1.1"])
    proxy = Proxy(Plan(settings), ssl.create_default_context(cafile=str(authority)), ("127.0.0.1", 443))
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", PORT, ssl=server, limit=MAX_HEAD)
    await listener.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="rehearsal.faults", description=__doc__)
    for name in ("settings", "certificate", "key", "authority"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    asyncio.run(run(args.settings, args.certificate, args.key, args.authority))


if __name__ == "__main__":
    main()
