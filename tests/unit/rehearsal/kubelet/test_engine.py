# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The played engine: block cache, connectors by release, UCX's choice, series, and requests against a simulator of the test's own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rehearsal.shims.engine import connectors, nixl, prompt, series, ucx, web
from rehearsal.shims.engine.cache import BlockCache
from rehearsal.shims.engine.core import Engine, Setting
from rehearsal.shims.engine.offload import Offload
from rehearsal.shims.engine.release import Release

BLOCK_BYTES = 1000
NIXL = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}


# --- blocks ------------------------------------------------------------------------------------------------------------


def test_a_chat_counts_tokens_as_the_simulator_does() -> None:
    body = {"messages": [{"role": "user", "content": "hello there"}]}
    assert len(prompt.tokens(prompt.CHAT, body)) == 7  # seen with llm-d-inference-sim v0.10.2: ### user : hello there
    assert len(prompt.tokens(prompt.TEXT, {"prompt": "hello there my friend"})) == 4
    assert prompt.tokens(prompt.TEXT, {"prompt": [1, 2, 3]}) == [1, 2, 3]
    assert prompt.tokens(prompt.CHAT, {"messages": None}) == []


def test_blocks_depend_on_all_before_them() -> None:
    one, other = prompt.block_hashes(list("abcdefgh"), 4), prompt.block_hashes(list("abcdXfgh"), 4)
    assert one[0] == other[0] and one[1] != other[1]
    assert len(prompt.block_hashes(list("abcdefg"), 4)) == 1  # only full blocks
    assert prompt.block_hashes(list("abcd"), 4, "m") != prompt.block_hashes(list("abcd"), 4, "n")


def test_the_cache_drops_the_least_used_and_a_prefix_from_its_end() -> None:
    cache = BlockCache(3)
    assert cache.add([1, 2]) == 2 and cache.add([1, 2]) == 0
    cache.add([9, 8])
    assert cache.evicted == 1 and 2 not in cache and cache.prefix([1, 2]) == 1
    assert cache.prefix([7, 1]) == 0  # a gap ends the prefix


# --- connectors by release ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "key", "fails"), [
    ("0.13.0", "num_cpu_blocks", False), ("0.13.0", "cpu_bytes_to_use", True), ("0.18.0", "num_cpu_blocks", True), ("0.18.0", "cpu_bytes_to_use", False),
])
def test_the_size_of_cpu_offload_changed_its_name(version: str, key: str, fails: bool) -> None:
    config = {"kv_connector": "OffloadingConnector", "kv_role": "kv_both", "kv_connector_extra_config": {key: 7000}}
    if fails:
        with pytest.raises(connectors.Refused, match="must be specified in kv_connector_extra_config"):
            connectors.plan(config, None, None, Release(version), BLOCK_BYTES)
    else:
        assert connectors.plan(config, None, None, Release(version), BLOCK_BYTES).blocks == (7000 if key == "num_cpu_blocks" else 7)


@pytest.mark.parametrize(("config", "version", "words"), [
    ({"kv_connector": "OffloadingConnector", "kv_role": "kv_both"}, "0.10.1.1", "Unsupported connector type: OffloadingConnector"),
    ({"kv_connector": "NixlConector", "kv_role": "kv_both"}, "0.13.0", "Unsupported connector type: NixlConector"),
    ({"kv_connector": "NixlConnector"}, "0.13.0", "Please specify kv_role when kv_connector is set"),
    ({"kv_connector": "NixlConnector", "kv_role": "both"}, "0.13.0", "Unsupported kv_role: both"),
])
def test_what_vllm_refuses(config: dict[str, Any], version: str, words: str) -> None:
    with pytest.raises(connectors.Refused, match=words):
        connectors.plan(config, None, None, Release(version), BLOCK_BYTES)


def test_offloading_flags_by_release() -> None:
    gib = 2.0
    assert connectors.plan(None, gib, None, Release("0.18.0"), 1 << 20).blocks == 2048
    assert connectors.plan(None, gib, None, Release("0.13.0"), 1 << 20).names == []  # the size alone does nothing there
    with pytest.raises(connectors.Refused, match="num_cpu_blocks must be specified"):
        connectors.plan(None, gib, "native", Release("0.13.0"), 1 << 20)
    with pytest.raises(connectors.Refused, match="You must set kv_offloading_size"):
        connectors.plan(None, None, "native", Release("0.13.0"), 1 << 20)


def test_several_connectors_and_the_failure_policy() -> None:
    extra = {"connectors": [{"kv_connector": "NixlConnector"}, {"kv_connector": "OffloadingConnector", "kv_connector_extra_config": {"num_cpu_blocks": 5}}]}
    plan = connectors.plan({"kv_connector": "MultiConnector", "kv_role": "kv_both", "kv_connector_extra_config": extra}, None, None, Release("0.13.0"), 1)
    assert (plan.nixl, plan.blocks, plan.policy) == (True, 5, "recompute")
    assert connectors.plan(NIXL, None, None, Release("0.18.0"), 1).policy == "fail"
    assert connectors.unknown_keys({"kv_load_failure_policy": "fail"}, Release("0.11.2")) == ["kv_load_failure_policy"]
    assert connectors.unknown_keys({"kv_load_failure_policy": "fail"}, Release("0.13.0")) == []


# --- UCX ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("env", "devices", "usable"), [
    ({}, ["mlx5_0:1"], {"rc_mlx5": "mlx5_0:1", "tcp": "eth0"}),
    ({}, [], {"tcp": "eth0"}),
    ({"UCX_TLS": "rc,sm,self,cuda_copy,cuda_ipc"}, ["mlx5_0:1"], {"rc_mlx5": "mlx5_0:1"}),
    ({"UCX_TLS": "rc,sm,self,cuda_copy,cuda_ipc"}, [], {}),
    ({"UCX_TLS": "^tcp"}, ["mlx5_0:1"], {"rc_mlx5": "mlx5_0:1"}),
    ({"UCX_TLS": "tcp,cuda_copy"}, ["mlx5_0:1"], {"tcp": "eth0"}),
    ({"UCX_NET_DEVICES": "mlx5_3:1"}, ["mlx5_0:1", "mlx5_3:1"], {"rc_mlx5": "mlx5_3:1"}),
    ({"UCX_NET_DEVICES": "mlx5_9:1"}, ["mlx5_0:1"], {}),
])
def test_what_ucx_can_use(env: dict[str, str], devices: list[str], usable: dict[str, str]) -> None:
    assert ucx.available(env, devices).usable == usable


def test_ucx_names_what_is_missing() -> None:
    warnings = ucx.available({"UCX_TLS": "rc,tcp", "UCX_NET_DEVICES": "mlx5_9:1,eth0"}, []).warnings
    assert "network device 'mlx5_9:1' is not available, please use one or more of: 'eth0'(tcp)" in warnings[0]
    assert warnings[1].startswith("transport 'rc' is not available")
    assert ucx.available({"UCX_TLS": "rc"}, ["mlx5_0:1"]).warnings == ()


def test_rdma_is_preferred_when_both_ends_have_it() -> None:
    both, tcp = {"rc_mlx5": "mlx5_0:1", "tcp": "eth0"}, {"tcp": "eth0"}
    assert (ucx.between(both, both), ucx.between(both, tcp), ucx.between({"rc_mlx5": "x"}, tcp)) == ("rc_mlx5", "tcp", None)
    assert ucx.seconds("tcp", 10**9) > 20 * ucx.seconds("rc_mlx5", 10**9)


def test_ucx_prints_its_table_like_1_20() -> None:
    rows = [
        "+--------------------------------+-------------------------------------------------------------------+",
        "| ucp_context_0 inter-node cfg#1 | remote memory read by ucp_get*(multi) into cuda/GPU0 from cuda    |",
        "+--------------------------------+------------------------------------------------+------------------+",
        "|                         0..inf | zero-copy                                      | rc_mlx5/mlx5_0:1 |",
        "+--------------------------------+------------------------------------------------+------------------+",
    ]
    assert ucx.table("rc_mlx5", "mlx5_0:1") == rows
    assert re.fullmatch(r"\[\d+\.\d{6}\] \[decode-0:1    :0\]   \| x", ucx.compact("decode-0", "| x"))
    assert ucx.line("decode-0", "select.c:629", "ERROR", "x").endswith("[decode-0:1    :0]          select.c:629  UCX  ERROR x")


# --- series ------------------------------------------------------------------------------------------------------------


def test_the_simulators_page_gets_vllms_names_and_engines() -> None:
    page = ("# HELP vllm:prefix_cache_hits x\n# TYPE vllm:prefix_cache_hits counter\nvllm:prefix_cache_hits{model_name=\"q\"} 4\n"
            "# HELP go_threads t\n# TYPE go_threads gauge\ngo_threads 3\n"
            "# HELP vllm:request_success_total c\n# TYPE vllm:request_success_total counter\nvllm:request_success_total{finish_reason=\"stop\",model_name=\"q\"} 2\n")
    families = series.of_engine(page, 1, "m")
    assert [family.lines for family in families] == [['vllm:request_success_total{engine="1",finish_reason="stop",model_name="m"} 2']]
    both = series.merge([families, series.of_engine(page, 2, "m")])
    assert both.count("# TYPE vllm:request_success_total counter") == 1 and 'engine="2"' in both


def test_counters_and_histograms_as_pythons_client_writes_them() -> None:
    registry = series.Registry((("engine", "0"),))
    counter, histogram = registry.counter("vllm:a", "A."), registry.histogram("vllm:h", "H.", (1, 5))
    counter.add(3)
    for value in (0.5, 7):
        histogram.observe(value)
    text = series.merge([registry.families()])
    assert 'vllm:a_total{engine="0"} 3.0' in text
    for line in ('vllm:h_bucket{engine="0",le="1.0"} 1.0', 'vllm:h_bucket{engine="0",le="+Inf"} 2.0', 'vllm:h_count{engine="0"} 2.0', 'vllm:h_sum{engine="0"} 7.5'):
        assert line in text
    assert series.merge([series.parse(text)]) == text


# --- whole engines -----------------------------------------------------------------------------------------------------


class Simulator:
    """Answers as llm-d-inference-sim does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        if request.path == "/metrics":
            return web.Response(200, body=b"# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 0\n")
        self.asked.append(json.loads(request.body))
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return web.Response(200, [("content-type", "application/json")], json.dumps({"choices": [{"finish_reason": "length"}], "usage": usage}).encode())


class Pod:
    """An engine and its simulator."""

    def __init__(self, version: str = "0.13.0", blocks: int = 100, **more: Any) -> None:
        self.release, self.simulator = Release(version), Simulator()
        self.setting = Setting(0, "q", self.release, blocks, 4, **more)
        self.engine: Engine

    async def start(self) -> Pod:
        server = await web.Server(self.simulator.handle).listen(0, "127.0.0.1")
        self.engine = Engine(self.setting, server.sockets[0].getsockname()[:2])
        return self

    async def nixl(self, port: int, env: dict[str, str] | None = None, devices: tuple[str, ...] = ("mlx5_0:1",), fault: str = "") -> Pod:
        self.engine.connect()
        env = {"VLLM_NIXL_SIDE_CHANNEL_HOST": "127.0.0.1", "VLLM_NIXL_SIDE_CHANNEL_PORT": str(port), **(env or {})}
        setting = nixl.Setting(0, self.release, "q", BLOCK_BYTES, 1, "", list(devices), fault, 0.0)
        self.engine.nixl = nixl.Nixl(setting, env, self.engine.registry)
        await self.engine.nixl.start()
        return self

    def offload(self, blocks: int, silent: bool = False) -> Pod:
        self.engine.connect()
        self.engine.offload = Offload(0, blocks, BLOCK_BYTES, self.release, self.engine.registry, silent)
        return self

    async def ask(self, text: str, **more: Any) -> dict[str, Any]:
        body = {"model": "q", "prompt": text, "max_tokens": 1, **more}
        answer = await self.engine.handle(web.Request("POST", prompt.TEXT, body=json.dumps(body).encode()))
        return {"status": answer.status, **json.loads(answer.body)}

    async def value(self, name: str, label: str = "") -> float:
        """Sum of a series; -1 when there is none."""
        lines = [line for line in series.merge([await self.engine.families()]).splitlines() if line.startswith((f"{name}{{", f"{name} ")) and label in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines) if lines else -1.0


def words(count: int, first: str = "w") -> str:
    return " ".join(f"{first}{number}" for number in range(count))


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    def run(**arguments: Any) -> None:
        asyncio.run(test(**arguments))
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    run.__signature__ = __import__("inspect").signature(test)  # type: ignore[attr-defined]
    return run


async def disaggregated(prefill: Pod, decode: Pod, text: str) -> dict[str, Any]:
    """What the sidecar does with a request."""
    first = await prefill.ask(text, kv_transfer_params={"do_remote_decode": True, "do_remote_prefill": False})
    return await decode.ask(text, kv_transfer_params=first["kv_transfer_params"])


@in_a_loop
async def test_a_prefix_is_found_again_and_never_the_whole_prompt() -> None:
    pod = await Pod().start()
    await pod.ask(words(8))
    await pod.ask(words(8))
    assert await pod.value("vllm:prefix_cache_queries_total") == 16
    assert await pod.value("vllm:prefix_cache_hits_total") == 4  # two full blocks, but the last token is always computed
    assert await pod.value("vllm:external_prefix_cache_queries_total") == -1  # no connector
    await (off := await Pod(caching=False).start()).ask(words(8))
    await off.ask(words(8))
    assert await off.value("vllm:prefix_cache_hits_total") == 0


@in_a_loop
async def test_blocks_move_from_prefill_to_decode() -> None:
    prefill, decode = await (await Pod().start()).nixl(5711), await (await Pod().start()).nixl(5712)
    answer = await disaggregated(prefill, decode, words(10))
    assert answer["status"] == 200 and answer["kv_transfer_params"] is None
    assert decode.simulator.asked[0]["kv_transfer_params"] == {"do_remote_prefill": True}
    assert "kv_transfer_params" not in prefill.simulator.asked[0]
    assert await decode.value("vllm:nixl_bytes_transferred_sum") == 3 * BLOCK_BYTES
    assert await decode.value("vllm:external_prefix_cache_hits_total") == 10
    for still in ("vllm:nixl_bytes_transferred_sum", "vllm:external_prefix_cache_hits_total"):
        assert await prefill.value(still) == 0
    await disaggregated(prefill, decode, words(10))  # only what the decode side lost or never had: here the last block
    assert await decode.value("vllm:nixl_bytes_transferred_sum") == 4 * BLOCK_BYTES


@in_a_loop
async def test_without_parameters_nothing_moves() -> None:
    decode = await (await Pod().start()).nixl(5713)
    assert (await decode.ask(words(10)))["kv_transfer_params"] is None
    for still in ("vllm:nixl_bytes_transferred_sum", "vllm:nixl_xfer_time_seconds_count", "vllm:external_prefix_cache_hits_total"):
        assert await decode.value(still) == 0


@in_a_loop
async def test_without_a_connector_the_parameters_are_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    pod = await Pod().start()
    assert (await pod.ask(words(10), kv_transfer_params={"do_remote_decode": True}))["kv_transfer_params"] is None
    assert "Got kv_transfer_params, but no KVConnector found" in capsys.readouterr().out


@pytest.mark.parametrize(("version", "status", "failed"), [("0.13.0", 200, 0), ("0.18.0", 500, 1)])
@in_a_loop
async def test_a_failed_read_is_computed_again_or_fails(version: str, status: int, failed: float, capsys: pytest.CaptureFixture[str]) -> None:
    policy = Release(version).failure_policy
    prefill, decode = await (await Pod(version).start()).nixl(5714), await (await Pod(version, policy=policy).start()).nixl(5715, fault="fails")
    assert (await disaggregated(prefill, decode, words(10)))["status"] == status
    assert await decode.value("vllm:nixl_bytes_transferred_count") == 0
    assert await decode.value("vllm:nixl_num_failed_transfers_total") == failed  # before 0.18 a failure alone isn't counted
    assert "NIXL_ERR_REMOTE_DISCONNECT" in capsys.readouterr().out
    if status == 200:
        assert decode.simulator.asked and "kv_transfer_params" not in decode.simulator.asked[0]


@in_a_loop
async def test_the_wrong_engine_and_a_dead_one_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    decode = await (await Pod().start()).nixl(5716)
    here = {"do_remote_prefill": True, "remote_block_ids": [1], "remote_engine_id": "other", "remote_host": "127.0.0.1", "remote_port": 5716}
    assert (await decode.ask(words(6), kv_transfer_params=here))["status"] == 200
    assert "Remote NIXL agent engine ID mismatch. Expected other,received" in capsys.readouterr().out
    assert (await decode.ask(words(6), kv_transfer_params={**here, "remote_port": 5717}))["status"] == 200
    assert "Resource temporarily unavailable" in capsys.readouterr().out
    assert (await decode.ask(words(6), kv_transfer_params={**here, "remote_host": None}))["status"] == 200
    assert "Got invalid KVTransferParams" in capsys.readouterr().out


@in_a_loop
async def test_pods_of_different_releases_dont_fit(capsys: pytest.CaptureFixture[str]) -> None:
    prefill, decode = await (await Pod("0.18.0").start()).nixl(5718), await (await Pod("0.13.0").start()).nixl(5719)
    await disaggregated(prefill, decode, words(6))
    assert "NIXL compatibility hash mismatch" in capsys.readouterr().out


@in_a_loop
async def test_rdma_only_without_a_device_reaches_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    rc = {"UCX_TLS": "rc,cuda_copy"}
    prefill, decode = await (await Pod().start()).nixl(5720, rc, ()), await (await Pod().start()).nixl(5721, rc, ())
    await disaggregated(prefill, decode, words(6))
    log = capsys.readouterr().out
    assert "transport 'rc' is not available" in log and "NIXL_ERR_BACKEND" in log


@in_a_loop
async def test_ucx_says_its_transport_when_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"UCX_PROTO_INFO": "y", "UCX_LOG_LEVEL": "info"}
    prefill, decode = await (await Pod().start()).nixl(5722), await (await Pod().start()).nixl(5723, said)
    await disaggregated(prefill, decode, words(6))
    log = capsys.readouterr().out
    assert "inter-node cfg#1 rma(rc_mlx5/mlx5_0:1)" in log and "| zero-copy" in log
    slow = await (await Pod().start()).nixl(5724, said, ())
    await disaggregated(prefill, slow, words(6))
    assert "rma(tcp/eth0)" in capsys.readouterr().out


@in_a_loop
async def test_blocks_that_nobody_fetches_expire() -> None:
    prefill = await (await Pod("0.18.0").start()).nixl(5725, {"VLLM_NIXL_ABORT_REQUEST_TIMEOUT": "0.01"})
    await prefill.ask(words(6), kv_transfer_params={"do_remote_decode": True})
    await asyncio.sleep(0.05)
    assert await prefill.value("vllm:nixl_num_kv_expired_reqs_total") == 1


@in_a_loop
async def test_offloaded_blocks_come_back_once_the_gpu_has_lost_them() -> None:
    pod = (await Pod("0.18.0", blocks=6).start()).offload(100)
    await pod.ask(words(16, "a"))  # four blocks
    assert await pod.value("vllm:kv_offload_total_bytes_total", "GPU_to_CPU") == 4 * BLOCK_BYTES
    assert await pod.value("vllm:kv_offload_total_bytes_total", "CPU_to_GPU") == -1
    await pod.ask(words(16, "a"))  # still on the GPU
    assert await pod.value("vllm:kv_offload_total_bytes_total", "CPU_to_GPU") == -1
    await pod.ask(words(24, "b"))  # drives it out
    await pod.ask(words(16, "a"))
    assert await pod.value("vllm:kv_offload_total_bytes_total", "CPU_to_GPU") == 3 * BLOCK_BYTES
    assert await pod.value("vllm:external_prefix_cache_hits_total") == 12
    assert await pod.value("vllm:prompt_tokens_by_source_total", "external_kv_transfer") == 12


@pytest.mark.parametrize(("version", "names"), [
    ("0.13.0", []), ("0.18.0", ["vllm:kv_offload_total_bytes_total"]),
    ("0.24.0", ["vllm:kv_offload_total_bytes_total", "vllm:kv_offload_store_bytes_total", "vllm:kv_offload_cpu_cache_usage_perc"]),
])
@in_a_loop
async def test_offload_series_by_release(version: str, names: list[str]) -> None:
    pod = (await Pod(version).start()).offload(100)
    await pod.ask(words(16))
    shown = {line.split("{")[0] for line in series.merge([await pod.engine.families()]).splitlines() if line.startswith("vllm:kv_offload")}
    assert set(names) <= shown and bool(shown) == bool(names)


@in_a_loop
async def test_a_silent_offload_stores_nothing() -> None:
    pod = (await Pod("0.24.0", blocks=6).start()).offload(100, silent=True)
    for first in "aba":
        await pod.ask(words(24, first))
    assert await pod.value("vllm:kv_offload_store_bytes_total") == 0 and await pod.value("vllm:external_prefix_cache_hits_total") == 0


@in_a_loop
async def test_cached_tokens_are_only_told_when_asked_for() -> None:
    quiet, telling = await Pod().start(), await Pod(token_details=True).start()
    for pod in (quiet, telling):
        await pod.ask(words(9))
    assert (await quiet.ask(words(9)))["usage"]["prompt_tokens_details"] is None
    assert (await telling.ask(words(9)))["usage"]["prompt_tokens_details"] == {"cached_tokens": 8}
