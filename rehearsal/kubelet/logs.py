# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container logs on disk, in the format that container runtimes write (CRI): ``TIME stdout F text``.

One thread reads the pipes of all containers. A log that grows over ``MAX_BYTES`` is set aside once, as ``N.log.old``.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

MAX_BYTES = 10 * 1024 * 1024
MAX_LINE = 16 * 1024  # longer ones are split, marked P (partial), as containerd and CRI-O do
POLL_SECONDS = 0.3  # how often a follower looks for more


def now() -> str:
    """RFC 3339 with nanoseconds, UTC."""
    ns = time.time_ns()
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09d}Z"


def entry(stream: str, text: bytes, whole: bool) -> bytes:
    return b"%s %s %s %s\n" % (now().encode(), stream.encode(), b"F" if whole else b"P", text)


class LogFile:
    """The log of one run of one container. Open as long as someone writes: its maker, or a pipe of the pump."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._users = 1
        self._file: IO[bytes] = path.open("ab")

    def write(self, stream: str, text: bytes, whole: bool = True) -> None:
        with self._lock:
            if self._file.closed:
                return
            self._file.write(entry(stream, text, whole))
            self._file.flush()
            if self._file.tell() > MAX_BYTES:
                self._file.close()
                self.path.rename(self.path.with_name(self.path.name + ".old"))
                self._file = self.path.open("ab")

    def share(self) -> LogFile:
        """One more writer, which will call ``close``."""
        with self._lock:
            self._users += 1
        return self

    def close(self) -> None:
        """This writer is done; the last one closes the file."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._file.close()

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, *_what: object) -> None:
        self.close()


@dataclass
class _Pipe:
    log: LogFile
    stream: str
    rest: bytes = b""


class Pump:
    """Moves lines from pipes to log files."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._fresh: list[tuple[int, _Pipe]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="logs", daemon=True).start()

    def pipe(self, log: LogFile, stream: str) -> int:
        """A new pipe's write end, to be given to a child (the caller closes its own copy)."""
        reads, writes = os.pipe()
        with self._lock:
            self._fresh.append((reads, _Pipe(log.share(), stream)))
        os.write(self._wake_write, b"x")
        return writes

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    os.read(self._wake_read, 4096)
                    self._register()
                else:
                    self._read(key.fd, key.data)

    def _register(self) -> None:
        with self._lock:
            fresh, self._fresh = self._fresh, []
        for handle, pipe in fresh:
            self._selector.register(handle, selectors.EVENT_READ, pipe)

    def _read(self, handle: int, pipe: _Pipe) -> None:
        data = os.read(handle, 65536)
        *lines, pipe.rest = (pipe.rest + data).split(b"\n")
        with contextlib.suppress(OSError):  # a full disk must not stop the logs of the others
            for line in lines:
                pipe.log.write(pipe.stream, line)
            if pipe.rest and (not data or len(pipe.rest) > MAX_LINE):
                pipe.log.write(pipe.stream, pipe.rest, whole=False)
                pipe.rest = b""
        if not data:
            self._selector.unregister(handle)
            os.close(handle)
            pipe.log.close()


@dataclass(frozen=True)
class Query:
    """Options of ``kubectl logs``."""

    follow: bool = False
    tail: int | None = None
    timestamps: bool = False
    since: str | None = None  # RFC 3339, UTC
    limit_bytes: int | None = None


def read(path: Path, query: Query, alive: threading.Event) -> Iterator[bytes]:
    """The lines of a log; with ``follow`` until ``alive`` is cleared and the end is reached."""
    left = query.limit_bytes
    for raw in _select(_lines(path, query.follow, query.tail, alive), query):
        if left is not None:
            raw = raw[:left]
            left -= len(raw)
        if raw:
            yield raw
        if left == 0:
            return


def last_lines(path: Path, count: int, size: int) -> str:
    """The end of a log as text: the termination message of a container that failed."""
    lines = b"".join(read(path, Query(tail=count), threading.Event()))
    return lines[-size:].decode("utf-8", "replace")


def _select(lines: Iterator[bytes], query: Query) -> Iterator[bytes]:
    for line in lines:
        if not line:  # a follower's empty beat, so that a caller that went away is noticed
            yield b""
            continue
        when, _, rest = line.partition(b" ")
        if query.since and when.decode() < query.since:
            continue
        _, _, rest = rest.partition(b" ")
        mark, _, text = rest.partition(b" ")
        ending = b"\n" if mark == b"F" else b""
        yield (when + b" " if query.timestamps else b"") + text.rstrip(b"\n") + ending


def _lines(path: Path, follow: bool, tail: int | None, alive: threading.Event) -> Iterator[bytes]:
    old = path.with_name(path.name + ".old")
    if not path.exists():
        return
    if tail is not None or old.exists():
        earlier = old.read_bytes().splitlines(keepends=True) if old.exists() else []
    else:
        earlier = []
    with path.open("rb") as source:
        if tail is not None:
            lines = earlier + source.readlines()
            yield from lines[max(0, len(lines) - tail):] if tail else []
        else:
            yield from earlier
            yield from source
        while follow:
            running = alive.is_set()
            line = source.readline()
            if line.endswith(b"\n"):
                yield line
            elif running:
                source.seek(-len(line), os.SEEK_CUR)
                yield b""
                time.sleep(POLL_SECONDS)
            else:
                return
