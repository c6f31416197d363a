# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay: bytes go both ways, ends and cuts are passed on, a missing target closes at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rehearsal.relay import carry, cut, target_of


@pytest.mark.parametrize(
    ("text", "place"), [("10.0.0.1:80", ("10.0.0.1", 80)), ("10.0.0.1", None), ("", None), (":80", None), ("a:b", None)]
)
def test_target_is_address_and_port(text: str, place: tuple[str, int] | None) -> None:
    assert target_of(text) == place


def test_target_of_a_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "target"
    assert target_of(f"@{file}") is None
    file.write_text("127.0.0.1:8080\n", encoding="ascii")
    assert target_of(f"@{file}") == ("127.0.0.1", 8080)


async def exchange(target: str | None, send: bytes, cut_off: bool = False) -> bytes:
    """Send through the relay to a server that echoes until the end of the stream; what comes back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(100) if cut_off else await reader.read()
        if cut_off:
            cut(writer)
            return
        writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    goal = target if target is not None else f"{host}:{port}"
    relay = await asyncio.start_server(lambda r, w: carry(goal, r, w), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*relay.sockets[0].getsockname())
    try:
        writer.write(send)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
        relay.close()
        server.close()


def test_bytes_and_the_end_of_the_stream_pass() -> None:
    data = bytes(range(256)) * 2000
    assert asyncio.run(exchange(None, data)) == data


def test_without_a_target_the_connection_is_closed() -> None:
    assert asyncio.run(exchange("@/nonexistent", b"")) == b""


def test_a_dead_target_looks_cut_off_not_finished() -> None:
    with pytest.raises(ConnectionResetError):
        asyncio.run(exchange("127.0.0.1:9", b""))


def test_a_cut_connection_is_cut_on_the_other_side() -> None:
    with pytest.raises(ConnectionResetError):
        asyncio.run(exchange(None, b"x", cut_off=True))
