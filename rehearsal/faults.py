# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that misbehaves for a while: a proxy between the port on the host and the real one.

Only clients on the host meet its faults; the parts inside talk to the real server. It runs when the scenario has ``api_faults``,
a list of::

    {kind: 429|500|503|timeout|reset|slow, after_requests: N | after_seconds: S, for_seconds: S and/or count: N,
     match: {verb, path}, retry_after: S, probability: P}

A fault wakes after N requests that it matches, or S seconds after the first request of all; it sleeps again after
``for_seconds``, or when it has hit ``count`` requests. The list is read again when settings.json changes.
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

from rehearsal.relay import cut

PORT = 9443
CHUNK = 1 << 16
MAX_HEAD = 1 << 18
SLOW_SECONDS = 5.0
HANG_SECONDS = 600.0
REASONS = {
    "429": (
        "Too Many Requests",
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
    ),
    "500": ("Internal Server Error", "InternalError", "Internal error occurred: etcdserver: request timed out"),
    "503": ("Service Unavailable", "ServiceUnavailable", "the server is currently unable to handle the request"),
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

    def strikes(self, verb: str, path: str, now: float, since_first: float, chance: float) -> bool:
        """Whether this request is hit. ``chance``: a random number from 0 to 1."""
        match = self.row.get("match", {})
        if match.get("verb", verb) != verb or not re.search(match.get("path", ""), path):
            return False
        self.matched += 1
        if self.woke_at is None and self._wakes(since_first):
            self.woke_at = now
        if self.woke_at is None or self._over(now) or chance >= self.row.get("probability", 1):
            return False
        self.hits += 1
        return True

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

    def choose(self, verb: str, path: str) -> Fault | None:
        """The fault that hits this request, if any; the first of the list wins."""
        self._reload()
        now = self._clock()
        self._first = now if self._first is None else self._first
        struck = [f for f in self._faults if f.strikes(verb, path, now, now - self._first, random.random())]
        return struck[0] if struck else None

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
                fault = self._plan.choose(head.first[0], head.first[1])
                if fault and fault.kind == "slow":
                    await asyncio.sleep(SLOW_SECONDS / self._plan.speed)
                elif fault:
                    await self._misbehave(fault, head, reader, writer)
                    return
                there = there or await asyncio.open_connection(*self._address, ssl=self._upstream, limit=MAX_HEAD)
                if not await self._forward(head, reader, writer, *there):
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
        if fault.kind == "reset":
            cut(writer)
            return
        if fault.kind == "timeout":
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_until_gone(reader), HANG_SECONDS)
            return
        if head.headers.get("expect", "").lower() != "100-continue":
            await _body(head, reader, lambda _: _nothing())
        writer.write(refusal(fault))
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
        await _while_there(reader, _body(answer, there_reader, lambda data: _send(writer, data)))
        return answer.headers.get("connection", "").lower() != "close"


def refusal(fault: Fault) -> bytes:
    """The whole answer for the kinds 429, 500 and 503, as the API server words it."""
    text, reason, message = REASONS[fault.kind]
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": int(fault.kind),
    }
    extra = ""
    if fault.kind == "429" or "retry_after" in fault.row:
        seconds = fault.row.get("retry_after", 1)
        status["details"] = {"retryAfterSeconds": seconds}
        extra = f"Retry-After: {seconds}\r\n"
    body = json.dumps(status).encode()
    head = f"HTTP/1.1 {fault.kind} {text}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}Connection: close\r\n\r\n"
    return head.encode() + body


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


async def _while_there(reader: asyncio.StreamReader, work: Any) -> None:
    """Do ``work``, but give up when the client has gone: a watch would stay open otherwise."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.wait({task}, timeout=1.0)
        if reader.at_eof():
            task.cancel()
            raise OSError("the client has gone")
    await task


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
