# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API faults: which request is hit, and what the client then sees."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.fault_answers import Request, refusal
from rehearsal.faults import Fault, Head, Plan, Proxy


def hits(row: dict[str, Any], times: list[float], verb: str = "GET", path: str = "/api/v1/pods") -> list[bool]:
    fault = Fault(row)
    return [fault.strikes(Request(verb, path, {}), now, now - times[0], 0.5) for now in times]


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
    struck = [fault.strikes(Request(verb, "/", {}), 0, 0, 0) for verb in ("GET", "GET", "PATCH", "PATCH")]
    assert struck == [False, False, False, True]


def write(path: Path, faults: list[dict[str, Any]], speed: float = 1.0) -> None:
    path.write_text(json.dumps({"speed": speed, "scenario": {"api_faults": faults}}), encoding="utf-8")


def test_plan_reads_changed_settings_and_survives_half_written_ones(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    write(file, [{"kind": "500", "after_requests": 0, "count": 100}])
    plan = Plan(file)
    assert plan.choose(Request("GET", "/", {}))
    file.write_text('{"speed":', encoding="utf-8")
    assert plan.choose(Request("GET", "/", {})), "the old list holds"
    write(file, [])
    assert plan.choose(Request("GET", "/", {})) is None


def answer(kind: str, verb: str = "GET", path: str = "/api/v1/nodes", headers: dict[str, str] | None = None, **row: Any) -> tuple[int, Any]:
    head, _, body = refusal(kind, row, Request(verb, path, headers or {})).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_refusals_look_like_the_api_servers() -> None:
    head, _, body = refusal("429", {"retry_after": 3}, Request("GET", "/", {})).partition(b"\r\n\r\n")
    status = json.loads(body)
    assert head.startswith(b"HTTP/1.1 429 ") and b"Retry-After: 3" in head
    assert (status["kind"], status["reason"], status["details"]["retryAfterSeconds"]) == (
        "Status",
        "TooManyRequests",
        3,
    )
    assert b"Retry-After" not in refusal("500", {}, Request("GET", "/", {}))
    assert answer("401")[1]["reason"] == "Unauthorized"
    code, status = answer("disk-full", "PATCH")
    assert (code, status["message"]) == (500, "etcdserver: mvcc: database space exceeded") and "reason" not in status


def test_a_conflict_names_the_object() -> None:
    code, status = answer("409", "PUT", "/apis/apps/v1/namespaces/a/deployments/b?fieldManager=x")
    assert (code, status["reason"]) == (409, "Conflict")
    assert status["message"].startswith('Operation cannot be fulfilled on deployments.apps "b": the object has been modified;')


def test_forbidden_names_user_verb_and_resource() -> None:
    claims = base64.urlsafe_b64encode(b'{"sub":"system:serviceaccount:a:b"}').decode().rstrip("=")
    token = {"authorization": f"Bearer x.{claims}.y"}
    assert answer("403", "POST", "/api/v1/namespaces/n/pods", token)[1]["message"] == (
        'pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods" in API group "" in the namespace "n"'
    )
    message = answer("403", "GET", "/apis/nvidia.com/v1/clusterpolicies?limit=500", {"authorization": "Bearer abc"})[1]["message"]
    assert message == (
        'clusterpolicies.nvidia.com is forbidden: User "system:admin" cannot list resource "clusterpolicies" in API group "nvidia.com" at the cluster scope'
    )
    assert 'cannot get resource "namespaces"' in answer("403", path="/api/v1/namespaces/n")[1]["message"]


def test_gone_reaches_a_watch_as_an_event() -> None:
    assert answer("410")[0] == 410
    code, event = answer("410", path="/api/v1/nodes?watch=true&resourceVersion=1")
    assert (code, event["type"], event["object"]["code"], event["object"]["reason"]) == (200, "ERROR", 410, "Expired")


@pytest.mark.parametrize(
    ("kind", "hit", "spared"),
    [
        ("watch-drop", ("GET", "/a?watch=true"), ("GET", "/a")),
        ("disk-full", ("POST", "/a"), ("GET", "/a")),
        ("409", ("PATCH", "/a"), ("POST", "/a")),
    ],
)
def test_some_kinds_hit_only_what_they_can(kind: str, hit: tuple[str, str], spared: tuple[str, str]) -> None:
    row = {"kind": kind, "after_requests": 0, "count": 9}
    assert hits(row, [0], *hit) == [True]
    assert hits(row, [0], *spared) == [False]


def test_an_outage_begins_by_the_clock_without_a_request(tmp_path: Path) -> None:
    now = [100.0]
    write(tmp_path / "s", [{"kind": "outage", "after_seconds": 5, "for_seconds": 10}])
    plan = Plan(tmp_path / "s", lambda: now[0])
    assert plan.choose(Request("GET", "/", {})) is None and not plan.outage()
    now[0] = 106.0
    assert plan.outage()
    now[0] = 117.0
    assert not plan.outage() and plan.choose(Request("GET", "/", {})) is None


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


class Stream(Upstream):
    """A watch: its answer begins and never ends."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Head.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await writer.drain()
        await reader.read(1)
        writer.close()


async def follow(settings: Path) -> tuple[bytes, str]:
    """Watch through the proxy: what came, and how it ended."""
    real = await asyncio.start_server(Stream().serve, "127.0.0.1", 0)
    front = await asyncio.start_server(Proxy(Plan(settings), None, real.sockets[0].getsockname()).serve, "127.0.0.1", 0)  # type: ignore[arg-type]
    reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname())
    writer.write(b"GET /api/v1/pods?watch=true HTTP/1.1\r\nHost: x\r\n\r\n")
    came = b""
    try:
        while data := await asyncio.wait_for(reader.read(100), 5):
            came += data
        return came, "end"
    except (OSError, TimeoutError) as error:
        return came, type(error).__name__
    finally:
        writer.close()
        front.close()
        real.close()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "watch-drop", "after_requests": 0, "count": 1, "seconds": 0.3},
        {"kind": "outage", "after_seconds": 0.5, "for_seconds": 60},
    ],
)
def test_a_running_watch_is_cut(tmp_path: Path, fault: dict[str, Any]) -> None:
    write(tmp_path / "s", [fault])
    came, how = asyncio.run(follow(tmp_path / "s"))
    assert came.endswith(b"2\r\nhi\r\n") and how == "ConnectionResetError"
