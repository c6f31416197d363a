# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries connections from two ports of the host into the sandbox.

The keeper opens the listening sockets on the host and hands them down; a socket stays in the network namespace where it
was made, so accepting here, inside the sandbox, takes connections of the host. No data passes through the keeper.

``python -m rehearsal.relay FD=TARGET ...`` - TARGET is ``address:port``, or ``@FILE`` with that text in it, read anew for
each connection (the gateway's address is known only later).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from pathlib import Path

CHUNK = 1 << 16


def target_of(text: str) -> tuple[str, int] | None:
    """``address:port``, directly or from the file after '@'; None while there is no such file or text."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="ascii").strip()
        except OSError:
            return None
    address, _, port = text.rpartition(":")
    return (address, int(port)) if address and port.isdigit() else None


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of the stream, then pass the end on. Raises OSError when a side is cut off."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def carry(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection. Without a target, or a target that doesn't answer, it's closed at once."""
    place = target_of(target)
    try:
        if not place:
            return
        there_reader, there_writer = await asyncio.open_connection(*place)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(pump(reader, there_writer))
                both.create_task(pump(there_reader, writer))
        finally:
            there_writer.close()
    except* OSError:
        cut(writer)
    finally:
        writer.close()


def cut(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST: what was cut off on one side looks cut off on the other, not finished."""
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it may be closed already
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def serve(routes: dict[int, str]) -> None:
    servers = []
    for fd, target in routes.items():

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str = target) -> None:
            await carry(target, reader, writer)

        servers.append(await asyncio.start_server(handle, sock=socket.socket(fileno=fd)))
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main(argv: list[str]) -> None:
    routes = {int(fd): target for fd, _, target in (argument.partition("=") for argument in argv)}
    asyncio.run(serve(routes))


if __name__ == "__main__":
    main(sys.argv[1:])
