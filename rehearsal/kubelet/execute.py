# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``kubectl exec``: a command inside a container's namespaces, its streams over one WebSocket.

The first byte of a message names its stream (k8s.io/apimachinery pkg/util/remotecommand): 0 to 2 are the process's own, 3 brings the
result, 4 the terminal's size, and from protocol v5 on 255 says that a stream has ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import ssl
import struct
import subprocess
import termios
from dataclasses import dataclass
from typing import Any

from rehearsal.kubelet import process, websocket

STDIN, STDOUT, STDERR, RESULT, SIZE, ENDED = 0, 1, 2, 3, 4, 255
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
CHUNK = 32768
LOOK_SECONDS = 0.2  # how soon the end of a command is noticed whose children keep its output open
SEND_SECONDS = 30.0


@dataclass(frozen=True)
class Inside:
    """Where a command is to run: a process of the container, its environment and working directory."""

    pid: int
    env: dict[str, str]
    cwd: str


@dataclass(frozen=True)
class Wanted:
    """A command and the streams that the client wants to have."""

    argv: list[str]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @classmethod
    def read(cls, options: dict[str, list[str]]) -> Wanted:
        """From the query that the API server sends to a kubelet."""
        on = {key: options.get(key, ["0"])[0] in ("1", "true") for key in ("input", "output", "error", "tty")}
        return cls(options.get("command", []), on["input"], on["output"], on["error"] and not on["tty"], on["tty"])


def result(code: int) -> bytes:
    """The Status that tells how a command ended (k8s.io/kubelet pkg/cri/streaming/remotecommand)."""
    status: dict[str, Any] = {"metadata": {}, "status": "Success"}
    if code:
        causes = [{"reason": "ExitCode", "message": str(code)}]
        text = f"command terminated with non-zero exit code: error executing command, exit code {code}"
        status |= {"status": "Failure", "message": text, "reason": "NonZeroExitCode", "details": {"causes": causes}}
    return json.dumps(status).encode()


class Session:
    """One command and one client. Everything happens in the calling thread: a TLS connection isn't for two."""

    def __init__(self, connection: ssl.SSLSocket, wanted: Wanted, inside: Inside) -> None:
        self._connection = connection
        self._reader = websocket.Reader()
        self._select = selectors.DefaultSelector()
        self._select.register(connection, selectors.EVENT_READ)
        self._input = bytearray()
        self._input_ended = False
        self._terminal: int | None = None
        self._outputs: dict[int, int] = {}  # file descriptor -> stream
        self._stdin: int | None = None
        self._process = self._start(wanted, inside)

    def run(self) -> None:
        """Carry bytes to and fro until the command ends, or the client leaves: then the command is killed."""
        try:
            if self._carry():
                code = self._process.wait()
                self._send(RESULT, result(128 - code if code < 0 else code))
                self._connection.sendall(websocket.frame(websocket.CLOSE, websocket.NORMAL))
        except OSError:
            pass  # the client has gone
        finally:
            self._end()

    def _start(self, wanted: Wanted, inside: Inside) -> subprocess.Popen[bytes]:
        words = process.inside(inside.pid, wanted.argv, inside.env, inside.cwd)
        if wanted.tty:
            self._terminal, theirs = os.openpty()
            try:
                started = subprocess.Popen(["setsid", "--ctty", "--wait", *words], stdin=theirs, stdout=theirs, stderr=theirs)
            finally:
                os.close(theirs)
            self._stdin = os.dup(self._terminal) if wanted.stdin else None
            self._outputs[self._terminal] = STDOUT
        else:
            pipe, none = subprocess.PIPE, subprocess.DEVNULL
            started = subprocess.Popen(
                words, stdin=pipe if wanted.stdin else none, stdout=pipe if wanted.stdout else none, stderr=pipe if wanted.stderr else none,
                start_new_session=True,
            )  # fmt: skip
            self._stdin = started.stdin.fileno() if started.stdin else None
            for stream, file in ((STDOUT, started.stdout), (STDERR, started.stderr)):
                if file:
                    self._outputs[file.fileno()] = stream
        if self._stdin is not None:
            os.set_blocking(self._stdin, False)
        for handle in self._outputs:
            self._select.register(handle, selectors.EVENT_READ)
        return started

    def _carry(self) -> bool:
        """True when the command has ended, False when the client has left."""
        while True:
            ready = {key.fileobj for key, _ in self._select.select(LOOK_SECONDS)}
            if (self._connection in ready or self._connection.pending()) and not self._receive():
                return False
            self._feed()
            for handle in [handle for handle in self._outputs if handle in ready]:
                self._hand_on(handle)
            if not self._outputs or (not ready and self._process.poll() is not None):
                return True

    def _receive(self) -> bool:
        """Read what the client has sent; False when it has left."""
        self._connection.settimeout(0.0)
        try:
            data = self._connection.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return True
        finally:
            self._connection.settimeout(SEND_SECONDS)
        for opcode, payload in self._reader.feed(data):
            if opcode == websocket.CLOSE:
                return False
            if opcode == websocket.PING:
                self._connection.sendall(websocket.frame(websocket.PONG, payload))
            elif opcode == websocket.BINARY and payload:
                self._heard(payload[0], payload[1:])
        return data != b""

    def _heard(self, stream: int, data: bytes) -> None:
        if stream == STDIN:
            self._input += data
        elif stream == ENDED and data[:1] == bytes([STDIN]):
            self._input_ended = True
        elif stream == SIZE and self._terminal is not None:
            size = json.loads(data)
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size["Height"], size["Width"], 0, 0))

    def _feed(self) -> None:
        """Give the command as much of its input as it takes now; what is left waits until it takes more."""
        if self._stdin is None:
            return
        if self._input:
            try:
                del self._input[: os.write(self._stdin, self._input[:CHUNK])]
            except BlockingIOError:
                pass
            except OSError:  # it reads no more
                self._input.clear()
        waits = self._stdin in self._select.get_map()
        if self._input and not waits:
            self._select.register(self._stdin, selectors.EVENT_WRITE)
        elif waits and not self._input:
            self._select.unregister(self._stdin)
        if self._input_ended and not self._input and self._process.stdin:
            self._process.stdin.close()
            self._stdin = None

    def _hand_on(self, handle: int) -> None:
        try:
            data = os.read(handle, CHUNK)
        except OSError:  # a terminal whose last user has gone
            data = b""
        if data:
            self._send(self._outputs[handle], data)
        else:
            self._select.unregister(handle)
            del self._outputs[handle]

    def _send(self, stream: int, data: bytes) -> None:
        self._connection.sendall(websocket.frame(websocket.BINARY, bytes([stream]) + data))

    def _end(self) -> None:
        self._select.close()
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._process.stderr):
            if file:
                file.close()
        if self._terminal is not None:
            os.close(self._terminal)
            if self._stdin is not None:
                os.close(self._stdin)
