# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A data-parallel group of pods: who has which ranks, and how they find each other (vllm/v1/engine/utils.py, vllm/engine/arg_utils.py).

The pod with rank 0 listens on --data-parallel-rpc-port. Every other pod says HELLO there with its ranks, then READY when its engines run, and may serve
when the first pod says so, which it does once all ranks are ready. A pod that loses the connection ends, as ranks do whose group breaks.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from rehearsal.shims.engine.log import say

Obj = dict[str, Any]
RPC_PORT = 29550  # vLLM's default
HANDSHAKE_SECONDS = 300.0
POLL_SECONDS = 10.0  # how often vLLM says what it waits for (level DEBUG)


class GroupError(Exception):
    """The group can't be formed or has broken; the text is the last line of vLLM's traceback."""


@dataclass(frozen=True)
class Layout:
    """``size``: ranks in all; ``local``: of them here, from ``start`` on. ``mode``: internal, hybrid or external load balancing."""

    size: int = 1
    local: int = 1
    start: int = 0
    mode: str = "internal"
    headless: bool = False
    address: str = "127.0.0.1"
    port: int = RPC_PORT

    @property
    def ranks(self) -> range:
        return range(self.start, self.start + self.local)

    @property
    def alone(self) -> bool:
        return self.local >= self.size

    @property
    def first(self) -> bool:
        return self.start == 0


def layout(args: Any) -> Layout:
    """What the flags say (names of argparse). Raises GroupError where vLLM refuses a combination."""
    size = args.data_parallel_size or 1
    local, start, rank = args.data_parallel_size_local, args.data_parallel_start_rank or 0, args.data_parallel_rank
    external = bool(getattr(args, "data_parallel_external_lb", None)) or rank is not None
    hybrid = bool(args.data_parallel_hybrid_lb)
    if external and rank is None:
        raise GroupError("AssertionError: data_parallel_rank or node_rank must be specified if data_parallel_external_lb is enable.")
    if external:
        if local not in (1, None):
            raise GroupError("AssertionError: data_parallel_size_local must be 1 or None when data_parallel_rank is set")
        local, start, hybrid = 1, rank, False
    elif local is None:
        if hybrid:
            raise GroupError("AssertionError: data_parallel_size_local must be set to use data_parallel_hybrid_lb.")
        local = size
    elif start and not args.headless:
        hybrid = True  # as vLLM infers it
    if hybrid and local == 1 and size > 1:
        external, hybrid = True, False
    if args.headless and hybrid:
        raise GroupError("ValueError: data_parallel_hybrid_lb is not applicable in headless mode")
    if args.headless and (args.api_server_count or 0) > 1:
        raise GroupError("ValueError: api_server_count can't be set in headless mode")
    if local > size:
        raise GroupError(f"ValueError: data_parallel_size_local ({local}) must be <= data_parallel_size ({size})")
    mode = "external" if external else "hybrid" if hybrid and local < size else "internal"
    return Layout(size, local, start, mode, bool(args.headless), args.data_parallel_address or "127.0.0.1", args.data_parallel_rpc_port or RPC_PORT)


@dataclass
class Member:
    """Another pod of the group, as the first one knows it."""

    host: str
    ranks: list[int]
    base_port: int
    headless: bool
    ready: bool = False
    writer: Any = field(default=None, repr=False)


class First:
    """The pod with rank 0: collects all others."""

    def __init__(self, plan: Layout) -> None:
        self._plan = plan
        self.members: list[Member] = []
        self._changed = asyncio.Event()
        self.broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def listen(self) -> None:
        await asyncio.start_server(self._serve, None, self._plan.port)

    async def all_ready(self) -> list[Member]:
        """Wait, without end, until every rank is there. Raises GroupError for a pod that doesn't fit."""
        while True:
            if self.broken.done():
                raise GroupError(self.broken.result())
            have = {rank for member in self.members for rank in member.ranks if member.ready}
            if len(have) + self._plan.local >= self._plan.size:
                break
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), POLL_SECONDS)
            except TimeoutError:
                self._waiting()
        for member in self.members:
            member.writer.write(b'{"go": true}\n')
        return self.members

    def _waiting(self) -> None:
        known = sum(len(member.ranks) for member in self.members)
        remote = self._plan.size - self._plan.local
        if remote > known:
            say(f"Waiting for 0 local, {remote - known} remote core engine proc(s) to connect.", "utils.py:945", level="DEBUG")
        slow = sum(len(member.ranks) for member in self.members if not member.ready)
        if slow:
            say(f"Waiting for 0 local, {slow} remote core engine proc(s) to start.", "utils.py:950", level="DEBUG")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        member: Member | None = None
        try:
            while raw := await reader.readline():
                message = json.loads(raw)
                if "hello" in message:
                    member = Member(writer.get_extra_info("peername")[0], message["hello"], message["base_port"], message["headless"], writer=writer)
                    self._admit(member)
                elif member:
                    member.ready = True
                self._changed.set()
        except (OSError, ValueError):
            pass
        finally:
            writer.close()
        if member:
            self._break("RuntimeError: [gloo/transport/tcp/pair.cc:534] Connection closed by peer "
                        f"[{member.host}]:{self._plan.port}; data parallel rank(s) {', '.join(map(str, member.ranks))} have gone")

    def _admit(self, member: Member) -> None:
        wrong = [rank for rank in member.ranks if not 0 <= rank < self._plan.size or rank in self._plan.ranks]
        internal = self._plan.mode == "internal"
        if wrong:
            self._break(f"RuntimeError: Message from engine with unexpected data parallel rank: {wrong[0]}")
        elif member.headless != internal:
            how = "must use --headless unless in" if internal else "must not use --headless in"
            self._break(f"RuntimeError: Remote engine {member.ranks[0]} {how} external or hybrid dp lb mode")
        self.members.append(member)

    def _break(self, why: str) -> None:
        if not self.broken.done():
            self.broken.set_result(why)
        self._changed.set()


class Follower:
    """Any other pod."""

    def __init__(self, plan: Layout, base_port: int) -> None:
        self._plan, self._base_port = plan, base_port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def hello(self) -> None:
        """Find the first pod. Raises GroupError after five minutes."""
        end = asyncio.get_running_loop().time() + HANDSHAKE_SECONDS
        while True:
            try:
                self._reader, self._writer = await asyncio.open_connection(self._plan.address, self._plan.port)
                break
            except OSError:
                if asyncio.get_running_loop().time() > end:
                    raise GroupError("RuntimeError: Did not receive response from front-end process within 5 minutes") from None
                await asyncio.sleep(0.5)
        self._send({"hello": list(self._plan.ranks), "base_port": self._base_port, "headless": self._plan.headless})

    async def ready(self) -> None:
        """Say so, and wait until the whole group is. Raises GroupError when the first pod goes."""
        self._send({"ready": True})
        if not await self._reader.readline():
            raise GroupError(self._lost())

    async def lost(self) -> str:
        """Returns when the first pod has gone: why this one must end, too."""
        while await self._read():
            pass
        return self._lost()

    async def _read(self) -> bytes:
        try:
            return await self._reader.readline()
        except OSError:
            return b""

    def _send(self, message: Obj) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")

    def _lost(self) -> str:
        return f"RuntimeError: [gloo/transport/tcp/pair.cc:534] Connection closed by peer [{self._plan.address}]:{self._plan.port}"
