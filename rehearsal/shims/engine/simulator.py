# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs llm-d-inference-sim: one process for up to eight ranks, each on a port of its own."""

from __future__ import annotations

import asyncio
from collections import deque

from rehearsal.shims.engine import web

RANKS_EACH = 8  # what one simulator can do
TAIL = 20  # last lines, shown when it ends by itself


class Simulators:
    """``command``: the program and its flags, without port and ranks."""

    def __init__(self, command: list[str], env: dict[str, str], first_port: int) -> None:
        self._command, self._env, self._port = command, env, first_port
        self._processes: list[asyncio.subprocess.Process] = []
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, ranks: int) -> list[int]:
        """Start them; returns the ports once all answer. Raises RuntimeError when one ends at once."""
        for begin in range(0, ranks, RANKS_EACH):
            count = min(RANKS_EACH, ranks - begin)
            words = [*self._command, "--port", str(self._port + begin), *(["--data-parallel-size", str(count)] if count > 1 else [])]
            process = await asyncio.create_subprocess_exec(
                *words, env=self._env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
            self._processes.append(process)
            self._tasks.append(asyncio.ensure_future(self._drain(process)))
        ports = [self._port + number for number in range(ranks)]
        for port in ports:
            await self._answers(port)
        return ports

    async def ended(self) -> str:
        """Returns when one of them ends: why."""
        await asyncio.wait([asyncio.ensure_future(process.wait()) for process in self._processes], return_when=asyncio.FIRST_COMPLETED)
        return self._why()

    async def stop(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
        await asyncio.gather(*(process.wait() for process in self._processes), *self._tasks)

    async def _answers(self, port: int) -> None:
        while True:
            try:
                await web.fetch("127.0.0.1", port, web.Request("GET", "/health"))
                return
            except (OSError, EOFError):
                if any(process.returncode is not None for process in self._processes):
                    raise RuntimeError(self._why()) from None
                await asyncio.sleep(0.03)

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while raw := await process.stdout.readline():
            self._tail.append(raw.decode(errors="replace").rstrip())

    def _why(self) -> str:
        codes = ", ".join(str(process.returncode) for process in self._processes if process.returncode is not None)
        return f"the simulator ended with status {codes}:\n" + "\n".join(self._tail)
