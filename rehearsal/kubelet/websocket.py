# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of WebSockets (RFC 6455), as far as the streams of a container need it (pure)."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FINAL, MASKED = 0x80, 0x80
NORMAL = struct.pack("!H", 1000)


def accept(key: str) -> str:
    """What the server answers to the client's ``Sec-WebSocket-Key``."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole message to the client."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", FINAL | opcode, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", FINAL | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", FINAL | opcode, 127, size)
    return head + payload


class Reader:
    """Puts messages together from the bytes as they come."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._parts: list[bytes] = []
        self._opcode = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages (opcode, payload) that are whole now."""
        self._bytes += data
        while (found := self._frame()) is not None:
            final, opcode, payload = found
            if opcode >= CLOSE:  # may stand between the parts of a message
                yield opcode, payload
                continue
            self._opcode = opcode or self._opcode
            self._parts.append(payload)
            if final:
                whole, self._parts = b"".join(self._parts), []
                yield self._opcode, whole

    def _frame(self) -> tuple[bool, int, bytes] | None:
        have = self._bytes
        if len(have) < 2:
            return None
        size, start = have[1] & ~MASKED, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            start += width
            if len(have) < start:
                return None
            size = int.from_bytes(have[2:start], "big")
        mask = b""
        if have[1] & MASKED:
            mask = bytes(have[start : start + 4])
            start += 4
        if len(have) < start + size:
            return None
        final, opcode = bool(have[0] & FINAL), have[0] & 0x0F
        payload = bytes(have[start : start + size])
        del have[: start + size]
        return final, opcode, _unmask(payload, mask) if mask else payload


def _unmask(payload: bytes, mask: bytes) -> bytes:
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")
