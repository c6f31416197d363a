# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Just enough HTTP/1.1 on asyncio: a server with keep-alive, TLS and streams, and a client for one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade", "proxy-connection", "expect")
MAX_HEAD, MAX_BODY = 64 * 1024, 64 * 1024 * 1024


class BadMessage(Exception):
    """What came isn't HTTP as it is understood here."""


@dataclass
class Request:
    method: str
    path: str  # with its query
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None  # instead of the body, when it comes piece by piece


Handler = Callable[[Request], Awaitable[Response]]


# --- reading -----------------------------------------------------------------------------------------------------------


async def read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]]:
    """First line and headers. EOFError when the other side has closed before the first byte."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise EOFError from error
    except asyncio.LimitOverrunError as error:
        raise BadMessage("headers are too long") from error
    first, *rest = raw[:-4].decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in rest]
    return first, [(name, value.strip()) for name, _, value in pairs]


def value_of(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


async def read_pieces(reader: asyncio.StreamReader, headers: list[tuple[str, str]], until_end: bool) -> AsyncIterator[bytes]:
    """The body, decoded, as it comes. ``until_end``: without a length it ends with the connection (responses only)."""
    if value_of(headers, "transfer-encoding").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while await reader.readuntil(b"\r\n") != b"\r\n":  # trailers
            pass
    elif length := value_of(headers, "content-length"):
        if int(length):
            yield await reader.readexactly(int(length))
    elif until_end:
        while piece := await reader.read(65536):
            yield piece


# --- server ------------------------------------------------------------------------------------------------------------


class Server:
    """``idle_seconds``: after that a silent connection is closed (uvicorn's timeout_keep_alive, VLLM_HTTP_TIMEOUT_KEEP_ALIVE)."""

    def __init__(self, handler: Handler, name: str = "uvicorn", idle_seconds: float = 5.0) -> None:
        self._handler, self._name, self._idle = handler, name, idle_seconds

    async def listen(self, port: int, host: str | None = None, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        return await asyncio.start_server(self._connection, host, port, ssl=tls, limit=MAX_HEAD, backlog=1024)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, EOFError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            pass  # the client has gone, or was silent for too long
        except (BadMessage, ValueError):
            with contextlib.suppress(OSError):
                await send(writer, Response(400, body=b"Invalid HTTP request received."), self._name, keep=False)
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; False when the connection must close."""
        first, headers = await asyncio.wait_for(read_head(reader), self._idle)
        method, path, version = first.split(" ")
        if value_of(headers, "expect").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if int(value_of(headers, "content-length") or 0) > MAX_BODY:
            raise BadMessage("body is too long")
        body = b"".join([piece async for piece in read_pieces(reader, headers, until_end=False)])
        response = await self._handler(Request(method, path, headers, body))
        keep = version == "HTTP/1.1" and value_of(headers, "connection").lower() != "close"
        await send(writer, response, self._name, keep, head_only=method == "HEAD")
        return keep


async def send(writer: asyncio.StreamWriter, response: Response, name: str, keep: bool, head_only: bool = False) -> None:
    headers = [(key, value) for key, value in response.headers if key.lower() not in (*HOP, "server")]
    headers.append(("server", name))
    if not keep:
        headers.append(("connection", "close"))
    headers.append(("transfer-encoding", "chunked") if response.stream else ("content-length", str(len(response.body))))
    reason = HTTPStatus(response.status).phrase if response.status in HTTPStatus._value2member_map_ else ""
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{key}: {value}" for key, value in headers)]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if head_only or response.stream else response.body))
    if response.stream:
        async for piece in response.stream:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    await writer.drain()


# --- client ------------------------------------------------------------------------------------------------------------


async def fetch(host: str, port: int, request: Request) -> Response:
    """Send a request, return the answer; a body without a length known beforehand comes as a stream. Raises OSError, EOFError."""
    reader, writer = await asyncio.open_connection(host, port, limit=MAX_HEAD)
    try:
        headers = [(key, value) for key, value in request.headers if key.lower() not in (*HOP, "host")]
        lines = [f"{request.method} {request.path} HTTP/1.1", f"host: {host}:{port}", "connection: close",
                 f"content-length: {len(request.body)}", *(f"{key}: {value}" for key, value in headers)]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body)
        await writer.drain()
        first, answered = await read_head(reader)
        status = int(first.split(" ", 2)[1])
        pieces = read_pieces(reader, answered, until_end=True)
        if value_of(answered, "transfer-encoding").lower() == "chunked":
            return Response(status, answered, stream=_closing(pieces, writer))
        body = b"".join([piece async for piece in pieces])
    except BaseException:
        writer.close()
        raise
    writer.close()
    return Response(status, answered, body)


async def _closing(pieces: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece
    finally:
        writer.close()


async def whole(response: Response) -> bytes:
    """The body of an answer, however it came."""
    if response.stream is None:
        return response.body
    return b"".join([piece async for piece in response.stream])
