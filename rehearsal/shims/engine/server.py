# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a command line that is good to a serving vLLM: load, form the group, start engines, serve, and end as vLLM ends."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass, field

from rehearsal.shims.engine import api, connectors, group, nixl, nvshmem, web
from rehearsal.shims.engine.core import Engine, Setting
from rehearsal.shims.engine.log import engine_name, say
from rehearsal.shims.engine.offload import Offload
from rehearsal.shims.engine.release import Release
from rehearsal.shims.engine.simulator import Simulators

REFRESH_SECONDS = 1.0
SIMULATOR_PORT, RANK_PORT = 18000, 19000  # on the pod's own network; vLLM uses none of them


@dataclass
class Faults:
    """What a scenario does to this process. ``missing``: data-parallel ranks whose engines never get in touch (-1: the last)."""

    transfers: str = ""
    offload_silent: bool = False
    missing: list[int] = field(default_factory=list)


@dataclass
class Job:
    """Everything that the command line, the pod and the scenario say. Seconds are this rehearsal's."""

    release: Release
    names: list[str]
    root: str
    command: list[str]  # the simulator's
    env: dict[str, str]
    layout: group.Layout
    plan: connectors.Plan
    blocks: int
    block_size: int
    block_bytes: int
    port: int = 8000
    certificate: str = ""
    key: str = ""
    refresh_certificate: bool = False
    caching: bool = True
    token_details: bool = False
    log_requests: bool = True
    tensor_parallel: int = 1
    api_servers: int = 1
    load_seconds: float = 0.0
    transfer_scale: float = 1.0
    devices: list[str] = field(default_factory=list)
    all2all: str = ""  # backend between the experts
    driver_parameters: str = ""
    faults: Faults = field(default_factory=Faults)
    info: dict[str, str] = field(default_factory=dict)


def run(job: Job) -> int:
    """Serve until told to end; the process's exit status."""
    return asyncio.run(_until_told(job))


async def _until_told(job: Job) -> int:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    work = asyncio.ensure_future(_Process(job).run())
    await asyncio.wait([work, asyncio.ensure_future(told.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        say("Shutting down.", "launcher.py:110")
        work.cancel()
        await asyncio.wait([work])
        return 0
    error = work.exception()
    text = f"{type(error).__name__}: {error}" if isinstance(error, OSError | RuntimeError) else str(error or "")
    print(f"Traceback (most recent call last):\n{text}", flush=True)
    return 1


class _Process:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._simulators = Simulators(job.command, job.env, SIMULATOR_PORT)
        self._engines: list[Engine] = []
        self._refresher: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Never returns: raises what ends the process."""
        try:
            await self._run()
        finally:
            await self._simulators.stop()

    async def _run(self) -> None:
        plan = self._job.layout
        if plan.headless:
            say(f"Launching {plan.local} data parallel engine(s) in headless mode, with head node address tcp://{plan.address}:{plan.port}.", "serve.py:135")
        elif plan.size > 1 and plan.first:
            say(f"Started DP Coordinator process (PID: {os.getpid()})", "utils.py:821")
        first, follower = await self._meet()
        await self._load()
        await self._start_engines()
        ends = [asyncio.ensure_future(self._end(self._simulators.ended()))]
        remote: list[api.Backend] = []
        if follower:
            await follower.ready()
            ends.append(asyncio.ensure_future(self._end(follower.lost())))
        if first:
            members = await first.all_ready()
            ends.append(asyncio.ensure_future(self._end(first.broken)))
            remote = [api.Remote(rank, member.host, member.base_port + number)
                      for member in members if member.headless for number, rank in enumerate(member.ranks)]
        if not plan.headless:
            await self._serve([*self._engines, *remote])
        await asyncio.gather(*ends)

    @staticmethod
    async def _end(why: Awaitable[str]) -> None:
        raise group.GroupError(await why)

    async def _meet(self) -> tuple[group.First | None, group.Follower | None]:
        plan = self._job.layout
        missing = [rank % plan.size for rank in self._job.faults.missing if -plan.size <= rank < plan.size]
        if any(rank in plan.ranks for rank in missing) and not plan.first:
            await asyncio.Event().wait()  # starts, and is never heard of
        if plan.alone:
            return None, None
        if plan.first:
            first = group.First(plan)
            await first.listen()
            return first, None
        follower = group.Follower(plan, RANK_PORT)
        await follower.hello()
        return None, follower

    async def _load(self) -> None:
        """What the log of a GPU that loads weights shows; the port is closed meanwhile."""
        job = self._job
        who = engine_name(job.layout.start)
        say(f"Starting to load model {job.root}...", "gpu_model_runner.py:3563", who)
        await asyncio.sleep(job.load_seconds)
        say(f"Loading weights took {job.load_seconds:.2f} seconds", "default_loader.py:309", who)
        if not job.layout.alone and (lines := nvshmem.refusal(job.env, job.all2all, job.devices, job.driver_parameters)):
            print("\n".join(lines[:-1]), flush=True)
            raise RuntimeError(lines[-1])
        say(f"GPU KV cache size: {job.blocks * job.block_size:,} tokens", "kv_cache_utils.py:1216", who)
        say(f"init engine (profile, create kv cache, warmup model) took {job.load_seconds:.2f} seconds", "core.py:260", who)

    async def _start_engines(self) -> None:
        job = self._job
        ports = await self._simulators.start(job.layout.local)
        for rank, port in zip(job.layout.ranks, ports, strict=True):
            engine = Engine(self._setting(rank), ("127.0.0.1", port))
            await self._connect(engine)
            self._engines.append(engine)
        if job.layout.headless:
            for number, engine in enumerate(self._engines):
                await web.Server(api.RankPort(engine).handle).listen(RANK_PORT + number)

    def _setting(self, rank: int) -> Setting:
        job = self._job
        return Setting(rank, job.names[0], job.release, job.blocks, job.block_size, job.caching, job.plan.policy, job.token_details, job.info)

    async def _connect(self, engine: Engine) -> None:
        job, plan = self._job, self._job.plan
        if not plan.names:
            return
        engine.connect()
        if plan.nixl:
            setting = nixl.Setting(engine.rank, job.release, job.names[0], job.block_bytes, job.tensor_parallel, plan.engine_id,
                                   job.devices, job.faults.transfers, job.transfer_scale)
            engine.nixl = nixl.Nixl(setting, job.env, engine.registry)
            await engine.nixl.start()
        if plan.blocks:
            engine.offload = Offload(engine.rank, plan.blocks, job.block_bytes, job.release, engine.registry, job.faults.offload_silent)

    async def _serve(self, backends: list[api.Backend]) -> None:
        job = self._job
        tls = self._tls() if job.certificate else None
        handler = api.Api(backends, job.release.version, job.root, job.log_requests).handle
        idle = float(os.environ.get("VLLM_HTTP_TIMEOUT_KEEP_ALIVE") or 5)
        await web.Server(handler, idle_seconds=idle).listen(job.port, tls=tls)
        scheme = "https" if tls else "http"
        for number in range(max(job.api_servers, 1)):
            say(f"Starting vLLM API server {number} on {scheme}://0.0.0.0:{job.port}", "api_server.py:1628", f"ApiServer_{number}")
        print("INFO:     Application startup complete.", flush=True)

    def _tls(self) -> ssl.SSLContext:
        job = self._job
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(job.certificate, job.key or None)
        context.set_alpn_protocols(["http/1.1"])
        if job.refresh_certificate:
            self._refresher = asyncio.ensure_future(refresh(context, job.certificate, job.key))
        return context


async def refresh(context: ssl.SSLContext, certificate: str, key: str, every: float = REFRESH_SECONDS) -> None:
    """--enable-ssl-refresh: new connections get the new certificate once its file has changed."""
    before = os.stat(certificate)
    while True:
        await asyncio.sleep(every)
        try:
            now = os.stat(certificate)
            if (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns):
                continue
            context.load_cert_chain(certificate, key or None)
        except (OSError, ssl.SSLError) as error:  # half written: looked at again
            say(f"Failed to refresh SSL certificate. Error: {error}", "ssl.py:76", level="ERROR")
            continue
        before = now
        say("Reloading SSL certificate chain", "ssl.py:35")
