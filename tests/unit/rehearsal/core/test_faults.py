# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API faults: which request is hit, and what the client then sees."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.faults import Fault, Head, Plan, Proxy, refusal


def hits(row: dict[str, Any], times: list[float], verb: str = "GET", path: str = "/api/v1/pods") -> list[bool]:
    fault = Fault(row)
    return [fault.strikes(verb, path, now, now - times[0], 0.5) for now in times]


def test_wakes_after_requests_and_sleeps_after_count() -> None:
    assert hits({"kind": "500", "after_requests": 2, "count": 2}, [0, 0, 0, 0, 0]) == [False, False, True, True, False]


def test_wakes_after_seconds_and_sleeps_after_for_seconds() -> None:
    assert hits({"kind": "500", "after_seconds": 5, "for_seconds": 3}, [10, 14, 15, 17, 18.5]) == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_probability_spares_requests_without_using_up_the_count() -> None:
    assert hits({"kind": "500", "after_requests": 0, "count": 1, "probability": 0.4}, [0, 0]) == [False, False]
    assert hits({"kind": "500", "after_requests": 0, "count": 1, "probability": 0.6}, [0, 0]) == [True, False]


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({}, True),
        ({"verb": "GET"}, True),
        ({"verb": "POST"}, False),
        ({"path": "pods$"}, True),
        ({"path": "^/apis"}, False),
    ],
)
def test_matches_verb_and_path(match: dict[str, str], struck: bool) -> None:
    assert hits({"kind": "500", "after_requests": 0, "count": 9, "match": match}, [0]) == [struck]


def test_unmatched_requests_do_not_wake_it() -> None:
    fault = Fault({"kind": "500", "after_requests": 1, "count": 9, "match": {"verb": "PATCH"}})
    struck = [fault.strikes(verb, "/", 0, 0, 0) for verb in ("GET", "GET", "PATCH", "PATCH")]
    assert struck == [False, False, False, True]


def write(path: Path, faults: list[dict[str, Any]], speed: float = 1.0) -> None:
    path.write_text(json.dumps({"speed": speed, "scenario": {"api_faults": faults}}), encoding="utf-8")


def test_plan_reads_changed_settings_and_survives_half_written_ones(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    write(file, [{"kind": "500", "after_requests": 0, "count": 100}])
    plan = Plan(file)
    assert plan.choose("GET", "/")
    file.write_text('{"speed":', encoding="utf-8")
    assert plan.choose("GET", "/"), "the old list holds"
    write(file, [])
    assert plan.choose("GET", "/") is None


def test_refusals_look_like_the_api_servers() -> None:
    head, _, body = refusal(Fault({"kind": "429", "retry_after": 3})).partition(b"\r\n\r\n")
    status = json.loads(body)
    assert head.startswith(b"HTTP/1.1 429 ") and b"Retry-After: 3" in head
    assert (status["kind"], status["reason"], status["details"]["retryAfterSeconds"]) == (
        "Status",
        "TooManyRequests",
        3,
    )
    assert b"Retry-After" not in refusal(Fault({"kind": "500"}))


class Upstream:
    """Answers every request with what was asked for, the body in two chunks."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await Head.read(reader):
            body = await reader.readexactly(head.length() or 0)
            self.requests.append((head.first[0], head.first[1], body))
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\nyou\r\n0\r\n\r\n")
            await writer.drain()
        writer.close()


async def talk(settings: Path, requests: list[bytes], seconds: float = 5.0) -> tuple[Upstream, list[bytes]]:
    """Send requests over one connection through the proxy; answers (read until the connection ends or falls silent)."""
    upstream = Upstream()
    real = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    proxy = Proxy(Plan(settings), None, real.sockets[0].getsockname())  # type: ignore[arg-type]
    front = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname())
    answers = []
    for request in requests:
        writer.write(request)
        try:
            answers.append(await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), seconds))
        except asyncio.IncompleteReadError as error:
            answers.append(error.partial)
        except (TimeoutError, OSError) as error:
            answers.append(type(error).__name__.encode())
    writer.close()
    front.close()
    real.close()
    return upstream, answers


GET = b"GET /api/v1/pods HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /api/v1/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


def test_without_a_fault_requests_pass_over_one_connection(tmp_path: Path) -> None:
    write(tmp_path / "s", [])
    upstream, answers = asyncio.run(talk(tmp_path / "s", [GET, POST]))
    assert upstream.requests == [("GET", "/api/v1/pods", b""), ("POST", "/api/v1/pods", b"body")]
    assert upstream.connections == 1
    assert all(answer.endswith(b"2\r\nhi\r\n3\r\nyou\r\n0\r\n\r\n") for answer in answers)


def test_500_never_reaches_the_server(tmp_path: Path) -> None:
    write(tmp_path / "s", [{"kind": "500", "after_requests": 0, "count": 1}])
    upstream, answers = asyncio.run(talk(tmp_path / "s", [POST]))
    assert upstream.requests == []
    assert answers[0].startswith(b"HTTP/1.1 500 ")


def test_reset_cuts_the_connection(tmp_path: Path) -> None:
    write(tmp_path / "s", [{"kind": "reset", "after_requests": 0, "count": 1}])
    upstream, answers = asyncio.run(talk(tmp_path / "s", [GET]))
    assert (upstream.requests, answers) == ([], [b"ConnectionResetError"])


def test_timeout_says_nothing(tmp_path: Path) -> None:
    write(tmp_path / "s", [{"kind": "timeout", "after_requests": 0, "count": 1}])
    upstream, answers = asyncio.run(talk(tmp_path / "s", [GET], seconds=0.3))
    assert (upstream.requests, answers) == ([], [b"TimeoutError"])


def test_slow_answers_late_and_speed_shortens_it(tmp_path: Path) -> None:
    write(tmp_path / "s", [{"kind": "slow", "after_requests": 0, "count": 1}], speed=100)
    upstream, answers = asyncio.run(talk(tmp_path / "s", [GET]))
    assert len(upstream.requests) == 1 and answers[0].startswith(b"HTTP/1.1 200")
