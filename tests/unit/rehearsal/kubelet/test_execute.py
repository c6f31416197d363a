# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``kubectl exec``: WebSocket messages, and a command whose streams are carried by them."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.kubelet import execute, process, websocket
from rehearsal.kubelet.execute import Inside, Session, Wanted
from rehearsal.kubelet.websocket import BINARY, CLOSE, PING, PONG, Reader, frame


def masked(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """As a client sends it."""
    mask = b"\x01\x02\x03\x04"
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size) if size < 65536 else struct.pack("!BQ", 0x80 | 127, size)
    return bytes([(0x80 if final else 0) | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def test_the_answer_of_the_handshake_is_the_standards() -> None:
    assert websocket.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3


@pytest.mark.parametrize("size", [0, 125, 126, 70000])
def test_messages_arrive_whole_however_they_are_cut(size: int) -> None:
    payload = os.urandom(size)
    data, reader = masked(BINARY, payload), Reader()
    assert list(reader.feed(data[:1])) == []
    assert [m for part in (data[1:5], data[5:]) for m in reader.feed(part)] == [(BINARY, payload)]
    assert list(Reader().feed(frame(BINARY, payload))) == [(BINARY, payload)], "and so does what we send"


def test_a_message_in_parts_with_a_ping_between() -> None:
    data = masked(BINARY, b"a", final=False) + masked(PING, b"p") + masked(0, b"b")
    assert list(Reader().feed(data)) == [(PING, b"p"), (BINARY, b"ab")]


class Plain(socket.socket):
    """A connection without TLS."""

    def pending(self) -> int:
        return 0


class Client:
    """The other end of a session that runs in a thread."""

    def __init__(self, command: list[str], stdin: bool = False, tty: bool = False) -> None:
        ours, theirs = socket.socketpair()
        self.socket = theirs
        self.socket.settimeout(20)
        self.session = Session(Plain(fileno=ours.detach()), Wanted(command, stdin, True, not tty, tty), Inside(1, {}, "/"))  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self.session.run, daemon=True)
        self.thread.start()
        self._reader = Reader()

    def say(self, stream: int, data: bytes) -> None:
        self.socket.sendall(masked(BINARY, bytes([stream]) + data))

    def messages(self) -> Iterator[tuple[int, bytes]]:
        while data := self.socket.recv(65536):
            yield from self._reader.feed(data)

    def hear(self) -> tuple[bytes, bytes, dict[str, Any]]:
        """Everything up to the end: output, errors, result."""
        found = {1: b"", 2: b"", 3: b""}
        for opcode, payload in self.messages():
            if opcode == CLOSE:
                break
            found[payload[0]] += payload[1:]
        return found[1], found[2], json.loads(found[3])


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    monkeypatch.setattr(process, "inside", lambda pid, argv, env, cwd: argv)
    return Client


def test_output_errors_and_success(client: Callable[..., Client]) -> None:
    assert client(["sh", "-c", "echo out; echo err >&2"]).hear() == (b"out\n", b"err\n", {"metadata": {}, "status": "Success"})


def test_the_exit_code_is_told_as_the_kubelet_does(client: Callable[..., Client]) -> None:
    told = client(["sh", "-c", "exit 3"]).hear()[2]
    assert (told["status"], told["reason"]) == ("Failure", "NonZeroExitCode")
    assert told["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert client(["sh", "-c", "kill -9 $$"]).hear()[2]["details"]["causes"][0]["message"] == "137"


def test_input_is_carried_until_it_ends(client: Callable[..., Client]) -> None:
    one = client(["cat"], stdin=True)
    text = os.urandom(300_000)
    sender = threading.Thread(target=lambda: (one.say(0, text), one.say(execute.ENDED, b"\0")), daemon=True)
    sender.start()
    assert one.hear()[0] == text


def test_a_terminal_has_a_size_and_echoes(client: Callable[..., Client]) -> None:
    one = client(["sh", "-c", "read line; stty size; test -t 0 && echo terminal"], stdin=True, tty=True)
    one.say(execute.SIZE, b'{"Width": 91, "Height": 33}')
    one.say(0, b"go\n")
    out, _errors, told = one.hear()
    assert b"33 91\r\n" in out and b"terminal\r\n" in out and told["status"] == "Success"


def test_a_ping_is_answered_and_a_client_that_leaves_ends_the_command(client: Callable[..., Client]) -> None:
    one = client(["sh", "-c", "echo started; sleep 600"])
    messages = one.messages()
    assert next(messages) == (BINARY, b"\x01started\n")
    one.socket.sendall(masked(PING, b"x"))
    assert next(messages) == (PONG, b"x")
    one.socket.close()
    one.thread.join(10)
    assert not one.thread.is_alive() and one.session._process.returncode == -9


def test_a_child_that_keeps_the_output_open_does_not_hold_up_the_end(client: Callable[..., Client]) -> None:
    began = time.monotonic()
    assert client(["sh", "-c", "sleep 60 & echo done"]).hear()[0] == b"done\n"
    assert time.monotonic() - began < 20


def test_what_the_api_server_hands_on() -> None:
    query = {"command": ["sh", "-c", ""], "input": ["1"], "output": ["1"], "error": ["1"], "tty": ["1"]}
    assert Wanted.read(query) == Wanted(["sh", "-c", ""], True, True, False, True), "a terminal has one stream for both"
