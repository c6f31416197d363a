# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM's NixlConnector between pods: the prefill engine keeps a request's blocks, the decode engine reads them over the network.

As in the real one: a listener on VLLM_NIXL_SIDE_CHANNEL_HOST and -PORT (+ rank) gives the engine's metadata (the handshake, once a pair of engines),
then blocks are read by the decode side. Here both go over that listener, as lines of JSON. Which transport UCX would take is decided by ucx.py from both
ends' environments; a read over TCP takes longer. Texts: vllm 0.13.0 nixl_connector.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.shims.engine import ucx
from rehearsal.shims.engine.log import engine_name, say
from rehearsal.shims.engine.release import Release
from rehearsal.shims.engine.series import Registry

Obj = dict[str, Any]
TIME_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 5.0)
BYTE_BUCKETS = tuple(2.0 ** (10 + i) for i in range(1, 25, 2))
DESCRIPTOR_BUCKETS = (10, 20, 30, 50, 75, 100, 200, 400, 1000, 2000, 4000, 10000, 20000, 50000)
DESCRIPTORS_PER_BLOCK = 56  # keys and values of 28 layers
HANDSHAKE_SECONDS = 5.0  # the real one's ZMQ time-out
FILE = "nixl_connector.py"


class TransferError(Exception):
    """Blocks couldn't be read; the text is the last line of the real one's traceback."""


@dataclass(frozen=True)
class Setting:
    """What a NIXL endpoint is made of. ``fault``: "" or "fails"; ``scale``: seconds that one second of transfer takes here."""

    rank: int
    release: Release
    model: str
    block_bytes: int
    tensor_parallel: int
    engine_id: str
    devices: list[str]
    fault: str = ""
    scale: float = 1.0


class Nixl:
    def __init__(self, setting: Setting, env: Mapping[str, str], registry: Registry) -> None:
        self._set, self._env = setting, env
        self._who = engine_name(setting.rank)
        self.engine_id = (setting.engine_id or str(uuid.uuid4())) + (f"_dp{setting.rank}" if setting.rank else "")
        self.host = env.get("VLLM_NIXL_SIDE_CHANNEL_HOST", "localhost")
        self.port = int(env.get("VLLM_NIXL_SIDE_CHANNEL_PORT") or setting.release.side_channel_port) + setting.rank
        self._keep = float(env.get("VLLM_NIXL_ABORT_REQUEST_TIMEOUT") or 480)
        self.choice = ucx.available(env, setting.devices)
        self._held: dict[str, tuple[int, float]] = {}  # request -> (blocks, until when)
        self._known: dict[str, Mapping[str, str]] = {}  # remote engine -> its transports
        self._series = Series(setting.release, registry)

    async def start(self) -> None:
        """Log what the start shows, then listen. Raises OSError when the side channel's address can't be taken."""
        name = "NixlConnector"
        say(f"Creating v1 connector with name: {name} and engine_id: {self.engine_id}", "factory.py:64", self._who)
        say("NIXL is available", f"{FILE}:87", self._who)
        say("Initializing NIXL wrapper", f"{FILE}:789", self._who)
        say(f"Initializing NIXL worker {self.engine_id}", f"{FILE}:790", self._who)
        for text in self.choice.warnings:
            print(ucx.line(socket.gethostname(), "ucp_context.c:1081", "WARN", text), flush=True)
        if self._env.get("UCX_LOG_LEVEL", "").lower() in ("info", "debug", "trace"):
            given = " ".join(f"{key}={value}" for key, value in self._env.items() if key.startswith("UCX_"))
            print(ucx.line(socket.gethostname(), "parser.c:2364", "INFO", f"UCX_* env variables: {given}"), flush=True)
        print("Backend UCX was instantiated", flush=True)
        print(f"Initialized NIXL agent: {self.engine_id}", flush=True)
        await asyncio.start_server(self._serve, self.host, self.port)
        say("Registering KV_Caches. use_mla: False, kv_buffer_device: cuda, use_host_buffer: False", f"{FILE}:1194", self._who)

    # --- prefill side ------------------------------------------------------------------------------------------------------

    def keep(self, request_id: str, blocks: int) -> Obj:
        """The blocks of a finished prefill wait for the other side; returns the answer's kv_transfer_params."""
        self._held[request_id] = (blocks, time.monotonic() + self._keep)
        return {"do_remote_prefill": True, "do_remote_decode": False, "remote_block_ids": list(range(1, blocks + 1)),
                "remote_engine_id": self.engine_id, "remote_request_id": request_id, "remote_host": self.host,
                "remote_port": self.port, "tp_size": self._set.tensor_parallel}

    def forget_expired(self) -> None:
        """Blocks that nobody fetched in time are freed."""
        now = time.monotonic()
        for request_id in [name for name, (_, until) in self._held.items() if until < now]:
            del self._held[request_id]
            self._series.expired()
            say(f"Releasing expired KV blocks for request {request_id} which were retrieved by 0 decode worker(s) within {self._keep:.0f} seconds.",
                f"{FILE}:1812", self._who, "WARNING")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while raw := await reader.readline():
                writer.write(json.dumps(self._answer(json.loads(raw))).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass
        finally:
            writer.close()

    def _answer(self, message: Obj) -> Obj:
        if message.get("get") == "metadata":
            return {"engine_id": self.engine_id, "hash": self.compatibility(), "tp_size": self._set.tensor_parallel, "usable": self.choice.usable}
        self._held.pop(str(message.get("read")), None)
        return {"blocks": message.get("blocks", 0)}

    def compatibility(self) -> str:
        """Both sides must agree in what this is made of."""
        return hashlib.sha256(f"{self._set.release.version} {self._set.model} {self._set.block_bytes}".encode()).hexdigest()

    # --- decode side -------------------------------------------------------------------------------------------------------

    async def read(self, params: Obj, blocks: int, request_id: str) -> bool:
        """Read ``blocks`` blocks of a remote prefill; False (and the log says why) when they didn't come."""
        begun = time.monotonic()
        try:
            transport = await asyncio.wait_for(self._read(params, blocks), HANDSHAKE_SECONDS + 60)
        except (TimeoutError, TransferError, OSError, ValueError) as error:
            why = str(error) or "zmq.error.Again: Resource temporarily unavailable"
            say(f"NIXL transfer setup/initiation failed for request {request_id}. Marking blocks as invalid.\nTraceback (most recent call last):\n{why}",
                f"{FILE}:2147", self._who, "ERROR")
            self._series.failed()
            return False
        size = blocks * self._set.block_bytes
        self._series.moved(size, blocks * DESCRIPTORS_PER_BLOCK, max(ucx.seconds(transport, size), 1e-4), time.monotonic() - begun)
        return True

    async def _read(self, params: Obj, blocks: int) -> str:
        host, port, engine = str(params["remote_host"]), int(params["remote_port"]), str(params["remote_engine_id"])
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), HANDSHAKE_SECONDS)
        except (TimeoutError, OSError) as error:
            raise TransferError("zmq.error.Again: Resource temporarily unavailable") from error
        try:
            if engine not in self._known:
                self._known[engine] = self._handshake(await _ask(reader, writer, {"get": "metadata"}), engine)
            transport = ucx.between(self.choice.usable, self._known[engine])
            if transport is None or self._set.fault:
                raise TransferError("nixl_cu12._bindings.nixlBackendError: NIXL_ERR_BACKEND" if transport is None
                                    else "nixl_cu12._bindings.nixlRemoteDisconnectError: NIXL_ERR_REMOTE_DISCONNECT")
            await asyncio.sleep(ucx.seconds(transport, blocks * self._set.block_bytes) * self._set.scale)
            await _ask(reader, writer, {"read": params.get("remote_request_id"), "blocks": blocks})
            return transport
        finally:
            writer.close()

    def _handshake(self, metadata: Obj, engine: str) -> Mapping[str, str]:
        if self._set.release.checks_compatibility:
            if metadata["hash"] != self.compatibility():
                raise TransferError(f"RuntimeError: NIXL compatibility hash mismatch. Local: {self.compatibility()}, Remote: {metadata['hash']}. "
                                    "Prefill and decode instances have incompatible configurations.")
            say(f"NIXL compatibility check passed (hash: {self.compatibility()})", f"{FILE}:1036", self._who)
        if metadata["engine_id"] != engine:
            raise TransferError(f"RuntimeError: Remote NIXL agent engine ID mismatch. Expected {engine},received {metadata['engine_id']}.")
        usable: Mapping[str, str] = metadata["usable"]
        self._show(ucx.between(self.choice.usable, usable))
        return usable

    def _show(self, transport: str | None) -> None:
        """What UCX logs when it has made the way to another pod."""
        host = socket.gethostname()
        if transport is None:
            print(ucx.line(host, "select.c:629", "ERROR", "no remote registered memory access transport to <no debug data>: "
                           "self/memory - Destination is unreachable, sysv/memory - Destination is unreachable"), flush=True)
            return
        way = f"{transport}/{self.choice.usable[transport]}"
        if self._env.get("UCX_LOG_LEVEL", "").lower() in ("info", "debug", "trace"):
            print(ucx.line(host, "ucp_worker.c:1888", "INFO", f"ucp_context_0 inter-node cfg#1 rma({way}) am({way})"), flush=True)
        if self._env.get("UCX_PROTO_INFO", "n").lower() in ("y", "yes", "1", "on", "try"):
            for row in ucx.table(transport, self.choice.usable[transport]):
                print(ucx.compact(host, row), flush=True)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: Obj) -> Obj:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()
    raw = await asyncio.wait_for(reader.readline(), HANDSHAKE_SECONDS)
    answer: Obj = json.loads(raw)
    return answer


class Series:
    """NixlPromMetrics; they count on the side that reads."""

    def __init__(self, release: Release, registry: Registry) -> None:
        self._release = release
        self._pending = 0  # failures that wait for a success: see Release.failures_alone_count
        self._shown = release.connector_series
        if not self._shown:
            return
        self._time = registry.histogram("vllm:nixl_xfer_time_seconds", "Histogram of transfer duration for NIXL KV Cache transfers.", TIME_BUCKETS)
        self._post = registry.histogram(
            "vllm:nixl_post_time_seconds", "Histogram of transfer post time for NIXL KV Cache transfers.", (0.001, *TIME_BUCKETS))
        self._bytes = registry.histogram(
            "vllm:nixl_bytes_transferred", "Histogram of bytes transferred per NIXL KV Cache transfers.", BYTE_BUCKETS)
        self._descriptors = registry.histogram(
            "vllm:nixl_num_descriptors", "Histogram of number of descriptors per NIXL  KV Cache transfers.", DESCRIPTOR_BUCKETS)
        self._failed = registry.counter("vllm:nixl_num_failed_transfers", "Number of failed NIXL KV Cache transfers.")
        registry.counter("vllm:nixl_num_failed_notifications", "Number of failed NIXL KV Cache notifications.")
        self._expired = registry.counter("vllm:nixl_num_kv_expired_reqs", "Number of requests that had their KV expire.") if release.expired_series else None

    def moved(self, size: int, descriptors: int, seconds: float, post: float) -> None:
        if not self._shown:
            return
        self._time.observe(seconds)
        self._post.observe(min(post, 0.002))
        self._bytes.observe(size)
        self._descriptors.observe(descriptors)
        self._failed.add(self._pending)
        self._pending = 0

    def failed(self) -> None:
        if self._shown and self._release.failures_alone_count:
            self._failed.add()
        else:
            self._pending += 1

    def expired(self) -> None:
        if self._shown and self._expired:
            self._expired.add()


def devices(root: str = "/sys/class/infiniband") -> list[str]:
    """RDMA ports that this container sees and that are active."""
    names = sorted(os.listdir(root)) if os.path.isdir(root) else []
    return [f"{name}:1" for name in names if _active(f"{root}/{name}/ports/1/state")]


def _active(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as state:
            return "ACTIVE" in state.read()
    except OSError:
        return False
