# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one API server: repeated with jitter while the fault is passing, until a deadline; one watch reader."""

from __future__ import annotations

import contextlib
import random
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, Unreachable
from ansible_collections.llmd.openshift.plugins.module_utils._kube import faults
from ansible_collections.llmd.openshift.plugins.module_utils._kube.connection import Connection
from ansible_collections.llmd.openshift.plugins.module_utils._kube.wire import LOST, Wire

# How long the first attempt waits for a byte, and the longest: doubled each time, so that a hung connection costs little and
# a slow webhook (30 s at most) still gets its answer.
READ_SECONDS = (10.0, 30.0)
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0


@dataclass(frozen=True)
class Reply:
    """A successful answer."""

    status: int
    body: bytes
    date: str | None = None  # the server's clock, as it came


def patience(attempt: int, deadline: float) -> float:
    """Seconds that an attempt (1, 2 …) waits for the server's next byte; never more than half the deadline."""
    return max(1.0, min(READ_SECONDS[0] * 2 ** (attempt - 1), READ_SECONDS[1], deadline / 2))


def pause(attempt: int, floor: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds before attempt + 1: exponential with full jitter in its upper half, never under the server's wish."""
    step = min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
    return max(floor, step / 2 + step / 2 * chance())


class Transport:
    """Requests with one deadline each. `reload` gives fresh connection settings after a 401 (renewed token)."""

    def __init__(self, connection: Connection, deadline: float, reload: Callable[[], Connection] | None = None) -> None:
        self._reload = reload
        self.deadline = deadline
        self._connect(connection)

    def _connect(self, connection: Connection) -> None:
        self.server = connection.server
        self._wire = Wire(connection)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        accept: str = "application/json",
    ) -> Reply:
        """One call, repeated while the fault is transient and the deadline allows.

        :raises ClusterError: the subclass that fits the last answer.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        if content_type:
            headers["Content-Type"] = content_type

        def once(attempt: int) -> Reply:
            wire, read = self._wire, patience(attempt, self.deadline)
            answer = wire.send(method, path, body, headers, read)
            content = wire.content(answer)
            self._judge(answer, content, method, path)
            return Reply(answer.status, content, answer.headers.get("Date"))

        return self._repeat(once, f"{method} {path} on {self.server}")

    def stream(self, path: str, read_seconds: float) -> Iterator[bytes]:
        """The pieces of a GET that stays open (a watch). Only the opening is retried, the reading isn't.

        :raises Dropped: the open stream was cut.
        """
        where = f"GET {path} on {self.server}"

        def once(_attempt: int) -> tuple[Wire, HTTPResponse]:
            wire = self._wire
            answer = wire.send("GET", path, None, {"Accept": "application/json"}, read_seconds)
            if answer.status >= 300:
                self._judge(answer, wire.content(answer), "GET", path)
            return wire, answer

        wire, answer = self._repeat(once, where)
        try:
            yield from wire.chunks(answer)
        except LOST as error:
            raise Dropped("The watch was cut", where, _plain(error), "Watch again from the last position.") from None

    def _judge(self, answer: HTTPResponse, content: bytes, method: str, path: str) -> None:
        fault = faults.judge(answer.status, answer.headers, content, f"{method} {path} on {self.server}", method)
        if fault is None and answer.status >= 300:  # never followed: who redirects an API call shall not get the token
            why = f"HTTP {answer.status}: the server redirects to another place"
            fault = faults.Fault(Unreachable("This is no API server", self.server, why, "Check the API URL."))
        if fault is not None:
            raise _Answered(fault)

    def _repeat(self, once: Callable[[int], Any], where: str) -> Any:
        end = time.monotonic() + self.deadline
        attempt, renewed = 0, False
        while True:
            attempt += 1
            try:
                return once(attempt)
            except _Answered as answered:
                fault = answered.fault
                if fault.error.details.get("status") == 401 and not renewed:
                    # Once: a renewed token file counts, and so does an API server that wasn't ready yet.
                    renewed = True
                    self._renew()
                    fault = faults.Fault(fault.error, retry=True)
            except LOST as error:
                fault = self._lost(error, where)
            wait = pause(attempt, fault.retry_after)
            spent = fault.max_tries is not None and attempt >= fault.max_tries
            if not fault.retry or spent or time.monotonic() + wait > end:
                raise _told(fault.error, attempt) from None
            time.sleep(wait)

    def _renew(self) -> None:
        if self._reload is not None:
            with contextlib.suppress(ClusterError):  # the 401 is the better message than an unreadable file
                self._connect(self._reload())

    def _lost(self, error: Exception, where: str) -> faults.Fault:
        """No answer: the error for it, and whether trying again makes sense."""
        text = _plain(error)
        if isinstance(error, ssl.SSLCertVerificationError):
            todo = "Give the cluster's CA (llmd_ca_cert, or certificate-authority-data in the kubeconfig)."
            return faults.Fault(Unreachable("The API server's certificate isn't trusted", self.server, text, todo))
        todo = "Check the API URL, the network and proxy on the way, and that the API server runs; then run again."
        return faults.Fault(Unreachable("No answer from the API server", where, text, todo), retry=True)


class Dropped(Unreachable):
    """An open stream ended with a fault (not: it could not be opened)."""


class _Answered(Exception):
    """Carries a fault out of one attempt."""

    def __init__(self, fault: faults.Fault) -> None:
        self.fault = fault
        super().__init__()


def _told(error: ClusterError, attempts: int) -> ClusterError:
    if attempts > 1:
        error.details = {**error.details, "attempts": attempts}
    return error


def _plain(error: Exception) -> str:
    """The system's or library's own words, without numbers and addresses that say nothing."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:300]
