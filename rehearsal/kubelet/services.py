# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kube-proxy does elsewhere: connections to a Service's address reach one of its ready pods.

A network namespace of its own holds the cluster addresses of all Services (so a port may be one that the sandbox itself uses)
and a small TCP forwarder, which listens where a Service has endpoints that exist here. A Service whose pods are only
simulated refuses connections, as one without endpoints does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import ipaddress
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.kubelet import network
from rehearsal.sandbox import API_ADDRESS

Obj = dict[str, Any]
Listen = tuple[str, int]
Targets = list[tuple[str, int]]
NAMESPACE, INTERFACE, ADDRESS = "services", "vservices", "10.244.0.2"
CLONE_NEWNET = 0x40000000
CHUNK = 65536
CONNECT_SECONDS = 5.0
log = logging.getLogger("services")


def table(services: list[Obj], slices: list[Obj]) -> tuple[set[str], dict[Listen, Targets]]:
    """All cluster addresses, and where connections to (address, port) go (pure)."""
    addresses: set[str] = set()
    forwards: dict[Listen, Targets] = {}
    by_service: dict[tuple[str, str], list[Obj]] = {}
    for piece in slices:
        name = (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
        by_service.setdefault((piece["metadata"]["namespace"], name), []).append(piece)
    for service in services:
        meta, spec = service["metadata"], service["spec"]
        address = spec.get("clusterIP")
        if address in (None, "", "None", API_ADDRESS) or ":" in address:
            continue
        addresses.add(address)
        pieces = by_service.get((meta["namespace"], meta["name"]), [])
        for port in spec.get("ports") or []:
            targets = _targets(port, pieces)
            if targets and port.get("protocol", "TCP") == "TCP":
                forwards[(address, int(port["port"]))] = targets
    return addresses, forwards


def _targets(port: Obj, pieces: list[Obj]) -> Targets:
    """Ready endpoints that exist on the bridge; a port's name joins Service and slice."""
    found: Targets = []
    for piece in pieces:
        numbers = [p["port"] for p in piece.get("ports") or [] if (p.get("name") or "") == (port.get("name") or "")]
        for endpoint in piece.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready", True) is False:
                continue
            found += [(a, n) for a in endpoint.get("addresses") or [] for n in numbers if is_here(a)]
    return found


def is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in network.POD_RANGE
    except ValueError:
        return False


class Forwarder:
    """Runs in a thread that lives in the services' namespace. ``update`` may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: dict[Listen, asyncio.Server] = {}
        self._targets: dict[Listen, Targets] = {}
        self._addresses: set[str] = set()
        self._turn: dict[Listen, int] = {}

    def start(self) -> None:
        network.ip("netns", "del", NAMESPACE, check=False)
        network.ip("link", "del", INTERFACE, check=False)
        network.attach(NAMESPACE, INTERFACE, ADDRESS)
        # The sandbox itself (API server, stand-ins) reaches Services, too.
        network.ip("route", "replace", network.SERVICE_CIDR, "dev", network.BRIDGE)
        ready: list[Exception] = []
        entered = threading.Event()
        threading.Thread(target=self._run, args=(entered, ready), name="services", daemon=True).start()
        entered.wait()
        if ready:
            raise RehearsalError("Services can't be served", NAMESPACE, str(ready[0]))

    def update(self, addresses: set[str], forwards: dict[Listen, Targets]) -> None:
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._apply(addresses, forwards)))

    def _run(self, entered: threading.Event, trouble: list[Exception]) -> None:
        try:
            enter(str(network.NAMESPACES / NAMESPACE))
        except OSError as error:
            trouble.append(error)
            return
        finally:
            entered.set()
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _apply(self, addresses: set[str], forwards: dict[Listen, Targets]) -> None:
        lines = [f"addr add {a}/32 dev eth0" for a in sorted(addresses - self._addresses)]
        lines += [f"addr del {a}/32 dev eth0" for a in sorted(self._addresses - addresses)]
        if lines:
            await asyncio.to_thread(network.ip, "-n", NAMESPACE, "-force", "-batch", "-", text="\n".join(lines), check=False)
            self._addresses = set(addresses)
        self._targets = forwards
        for listen in set(self._servers) - set(forwards):
            self._servers.pop(listen).close()
        for listen in set(forwards) - set(self._servers):
            try:
                self._servers[listen] = await asyncio.start_server(self._handler(listen), *listen)
            except OSError as error:
                log.warning("can't listen for a Service on %s:%s: %s", *listen, error)

    def _handler(self, listen: Listen) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there_reader, there_writer = await self._connect(listen)
            except OSError:
                writer.transport.abort()
                return
            try:
                await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
            finally:
                there_writer.close()
                writer.close()
        return handle

    async def _connect(self, listen: Listen) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One endpoint after the other; the next connection begins with the next endpoint."""
        targets = self._targets.get(listen) or []
        self._turn[listen] = turn = self._turn.get(listen, -1) + 1
        last: OSError = ConnectionRefusedError("no endpoints")
        for offset in range(len(targets)):
            address, port = targets[(turn + offset) % len(targets)]
            try:
                return await asyncio.wait_for(asyncio.open_connection(address, port), CONNECT_SECONDS)
            except (OSError, TimeoutError) as error:
                last = error if isinstance(error, OSError) else TimeoutError(str(error))
        raise last


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its end, then tell the other side that no more comes."""
    with contextlib.suppress(OSError, RuntimeError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def enter(path: str) -> None:
    """Put this thread (only) into a network namespace."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(handle)
