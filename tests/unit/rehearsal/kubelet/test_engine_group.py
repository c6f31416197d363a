# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data-parallel groups of the played engine: layouts from flags, forming and breaking, balancing; and HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.kubelet import rdma
from rehearsal.operators.certificates import Wish, issue
from rehearsal.shims import vllm as shim
from rehearsal.shims.engine import api, group, nixl, series, web
from rehearsal.shims.engine.server import refresh
from rehearsal.shims.vllm_args import parse_serve
from rehearsal.shims.vllm_flags import flags_of

TABLE = yaml.safe_load((Path(shim.__file__).parent / "vllm_flags.yaml").read_text())


def layout(line: str, version: str = "0.13.0") -> group.Layout:
    return group.layout(parse_serve(flags_of(TABLE, version), version, ["serve", "m", *line.split()]))


@pytest.mark.parametrize(("line", "mode", "ranks"), [
    ("", "internal", [0]),
    ("-dp 4", "internal", [0, 1, 2, 3]),
    ("-dp 4 -dpl 2", "internal", [0, 1]),
    ("-dp 4 -dpl 2 -dpr 2 --headless", "internal", [2, 3]),
    ("-dp 4 -dpl 2 -dpr 2", "hybrid", [2, 3]),
    ("-dp 4 -dpl 2 -dph", "hybrid", [0, 1]),
    ("-dp 4 -dpl 1 -dph", "external", [0]),
    ("-dp 4 -dpn 3", "external", [3]),
])
def test_layouts(line: str, mode: str, ranks: list[int]) -> None:
    found = layout(line)
    assert (found.mode, list(found.ranks)) == (mode, ranks)
    assert found.alone == (len(ranks) == found.size) and found.first == (ranks[0] == 0)


@pytest.mark.parametrize(("line", "words"), [
    ("-dp 4 -dph", "data_parallel_size_local must be set"), ("-dp 4 -dpe", "data_parallel_rank or node_rank must be specified"),
    ("-dp 4 -dpn 1 -dpl 2", "must be 1 or None"), ("-dp 4 -dpl 2 -dph --headless", "not applicable in headless mode"),
    ("-dp 4 -dpl 2 -dpr 2 --headless --api-server-count 4", "api_server_count can't be set"), ("-dp 2 -dpl 4", "must be <="),
])
def test_layouts_that_vllm_refuses(line: str, words: str) -> None:
    with pytest.raises(group.GroupError, match=words):
        layout(line)


def member(start: int, port: int, headless: bool = True) -> group.Follower:
    return group.Follower(group.Layout(4, 2, start, headless=headless, port=port), 19000)


def test_the_first_pod_waits_for_all_and_all_for_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(group, "POLL_SECONDS", 0.05)
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")

    async def scene() -> None:
        first = group.First(group.Layout(4, 2, 0, port=5801))
        await first.listen()
        waits = asyncio.ensure_future(first.all_ready())
        await asyncio.sleep(0.12)
        assert not waits.done() and "Waiting for 0 local, 2 remote core engine proc(s) to connect." in capsys.readouterr().out
        other = member(2, 5801)
        await other.hello()
        await asyncio.sleep(0.12)
        assert not waits.done() and "Waiting for 0 local, 2 remote core engine proc(s) to start." in capsys.readouterr().out
        await asyncio.gather(other.ready(), waits)
        assert [m.ranks for m in first.members] == [[2, 3]]
        other._writer.close()
        assert "Connection closed by peer" in await asyncio.wait_for(first.broken, 2)
    asyncio.run(scene())


def test_nothing_is_said_at_the_usual_log_level(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(group, "POLL_SECONDS", 0.02)
    monkeypatch.delenv("VLLM_LOGGING_LEVEL", raising=False)

    async def scene() -> None:
        first = group.First(group.Layout(2, 1, 0, port=5802))
        await first.listen()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first.all_ready(), 0.1)
    asyncio.run(scene())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("start", "headless", "words"), [
    (0, True, "unexpected data parallel rank: 0"), (4, True, "unexpected data parallel rank: 4"), (2, False, "must use --headless unless in"),
])
def test_a_pod_that_doesnt_fit_ends_the_group(start: int, headless: bool, words: str) -> None:
    async def scene() -> None:
        first = group.First(group.Layout(4, 2, 0, port=5803))
        await first.listen()
        await member(start, 5803, headless).hello()
        with pytest.raises(group.GroupError, match=words):
            await asyncio.wait_for(first.all_ready(), 2)
    asyncio.run(scene())


def test_a_pod_whose_leader_is_nowhere_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "HANDSHAKE_SECONDS", 0.1)
    with pytest.raises(group.GroupError, match="within 5 minutes"):
        asyncio.run(member(2, 5804).hello())


# --- the API server ----------------------------------------------------------------------------------------------------


class Rank:
    def __init__(self, rank: int) -> None:
        self.rank, self.running, self.count = rank, 0, 0

    async def handle(self, request: web.Request) -> web.Response:
        self.count += 1
        listed = {"data": [{"id": "q", "root": "q", "parent": None}, {"id": "lora", "root": "/p", "parent": "q"}]}
        return web.Response(200, body=json.dumps(listed).encode())

    async def families(self) -> list[series.Family]:
        return [series.Family("vllm:x", "gauge", "X.", [f'vllm:x{{engine="{self.rank}"}} 1'])]


def post(path: str = "/v1/completions", **headers: str) -> web.Request:
    return web.Request("POST", path, [(key.replace("_", "-"), value) for key, value in headers.items()])


def test_requests_go_to_the_least_busy_rank_in_turn_or_where_the_client_says() -> None:
    ranks = [Rank(2), Rank(0), Rank(1)]
    server = api.Api(list(ranks), "0.13.0", "/mnt/models", log=False)
    for _ in range(6):
        asyncio.run(server.handle(post()))
    assert [rank.count for rank in ranks] == [2, 2, 2]
    ranks[0].running = ranks[1].running = 5
    assert server.choose(post()).rank == 1
    assert server.choose(post(x_data_parallel_rank="2")).rank == 2


def test_routes_of_the_server() -> None:
    server = api.Api([Rank(0), Rank(1)], "0.13.0", "/mnt/models", log=False)

    def get(path: str) -> web.Response:
        return asyncio.run(server.handle(web.Request("GET", path)))

    assert get("/health").status == get("/ping").status == 200
    assert json.loads(get("/version").body) == {"version": "0.13.0"}
    assert get("/metrics").body.count(b"engine=") == 2
    assert [model["root"] for model in json.loads(get("/v1/models").body)["data"]] == ["/mnt/models", "/p"]


def test_an_engine_that_has_gone_is_a_500() -> None:
    answer = asyncio.run(api.Api([api.Remote(0, "127.0.0.1", 5899)], "0.13.0", "m", log=False).handle(post()))
    assert answer.status == 500 and b"EngineCore encountered an issue" in answer.body


# --- HTTP --------------------------------------------------------------------------------------------------------------


async def raw(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    answer = await asyncio.wait_for(reader.read(), 3)
    writer.close()
    return answer


def test_http_bodies_in_every_form() -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(200, body=request.method.encode() + b" " + request.body)

    async def stream(_request: web.Request) -> web.Response:
        async def pieces() -> Any:
            for piece in (b"one ", b"two"):
                yield piece
        return web.Response(200, stream=pieces())

    async def scene() -> None:
        port = (await web.Server(echo, idle_seconds=0.3).listen(0, "127.0.0.1")).sockets[0].getsockname()[1]
        chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: v\r\n\r\n"
        two = await raw(port, chunked + b"GET /second HTTP/1.1\r\nconnection: close\r\n\r\n")
        assert two.startswith(b"HTTP/1.1 100 Continue") and b"POST abcde" in two and two.endswith(b"GET ")
        assert (await raw(port, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
        assert await raw(port, b"") == b""  # silent: closed after the idle time
        flow = (await web.Server(stream).listen(0, "127.0.0.1")).sockets[0].getsockname()[1]
        answer = await web.fetch("127.0.0.1", flow, web.Request("GET", "/"))
        assert answer.stream is not None and await web.whole(answer) == b"one two"
        with pytest.raises(OSError):
            await web.fetch("127.0.0.1", 5898, web.Request("GET", "/"))
    asyncio.run(scene())


# --- RDMA in a container -----------------------------------------------------------------------------------------------

NICS = [{"rdma": "mlx5_0", "role": "rail", "link_layer": "Ethernet", "state": "up"}, {"rdma": "mlx5_3", "role": "rail", "link_layer": "Ethernet", "state": "down"},
        {"rdma": None, "role": "machine"}]


@pytest.mark.parametrize(("resource", "count", "seen"), [
    ("rdma/roce_gdr", "1", 2), ("openshift.io/p2rdma", "1", 1), ("openshift.io/plain", "1", 0), ("nvidia.com/hostdev", "2", 2), ("nvidia.com/gpu", "8", 0),
    ("nvidia.com/mig-1g.10gb", "1", 0), ("rdma/ib", "0", 0),
])
def test_what_a_resource_makes_visible(resource: str, count: str, seen: int) -> None:
    container = {"resources": {"limits": {resource: count, "cpu": "1"}}}
    assert len(rdma.devices(container, NICS, lambda name: name == "p2rdma")) == seen


def test_sysfs_says_state_layer_and_gid() -> None:
    files = {path.removeprefix(f"{rdma.ROOT}/"): text for path, (text, _mode) in rdma.files(NICS[:2], "10.244.1.7").items()}
    assert files["mlx5_0/ports/1/state"] == "4: ACTIVE\n" and files["mlx5_3/ports/1/state"] == "1: DOWN\n"
    assert files["mlx5_0/ports/1/gid_attrs/types/3"] == "RoCE v2\n" and files["mlx5_0/ports/1/gids/3"] == "0000:0000:0000:0000:0000:ffff:0af4:0107\n"
    assert not any("RoCE v2" in text for text, _ in rdma.files([{**NICS[0], "link_layer": "InfiniBand"}], "10.0.0.1").values())


def test_only_active_ports_count(tmp_path: Path) -> None:
    for path, (text, _mode) in rdma.files(NICS[:2], "10.244.1.7").items():
        target = tmp_path / path.removeprefix(f"{rdma.ROOT}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    assert nixl.devices(str(tmp_path)) == ["mlx5_0:1"]
    assert nixl.devices(str(tmp_path / "nothing")) == []
    assert all("ACTIVE" not in text for text, _ in rdma.files(NICS[:2], "10.244.1.7", down=True).values())


def test_refused_keys_end_with_argparses_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "vllm.json"
    settings.write_text(json.dumps({"version": "0.11.2", "flags": flags_of(TABLE, "0.11.2")}))
    monkeypatch.setattr(shim, "SETTINGS", settings)
    assert shim.main(["serve", "m", "--kv-transfer-config", '{"kv_load_failure_policy": "fail"}']) == 2
    assert "Unexpected keyword argument" in capsys.readouterr().err


# --- certificates ------------------------------------------------------------------------------------------------------


def test_a_new_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def write(name: str) -> None:
        pair = issue(Wish(name, ("127.0.0.1",)))
        certificate.write_text(pair.certificate)
        key.write_text(pair.key)

    async def served(port: int) -> bytes:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return found

    async def scene() -> None:
        write("first")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        refresher = asyncio.ensure_future(refresh(context, str(certificate), str(key), every=0.02))

        async def nothing(_request: web.Request) -> web.Response:
            return web.Response(200)

        listening = await web.Server(nothing).listen(0, "127.0.0.1", context)
        port = listening.sockets[0].getsockname()[1]
        before = await served(port)
        await asyncio.sleep(0.05)
        certificate.write_text("half written")
        await asyncio.sleep(0.06)
        assert await served(port) == before  # a broken file changes nothing
        write("second")
        await asyncio.sleep(0.2)
        assert await served(port) != before
        refresher.cancel()
    asyncio.run(scene())
