# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transport UCX would take between two pods, and the lines in which it says so (pure).

Inputs as for the real one: UCX_TLS, UCX_NET_DEVICES and the devices that the container has. Names and selection: UCX's documentation (environment
parameters, "UCX_TLS", "UCX_NET_DEVICES", "UCX_PROTO_INFO"); RDMA is preferred, TCP is used only where it is allowed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

RDMA_WORDS = ("all", "ib", "rc", "rc_x", "rc_mlx5", "rc_v", "rc_verbs", "dc", "dc_x", "dc_mlx5", "ud", "ud_x", "ud_mlx5")
TCP_WORDS = ("all", "tcp")
LOCAL = "cma, cuda_copy, cuda_ipc, posix, self, sysv"
RDMA, TCP = "rc_mlx5", "tcp"
NIC = "eth0"
GIB_PER_SECOND = {RDMA: 40.0, TCP: 1.2}  # about a 400 Gb/s port, and a 25 Gb/s one with its copies


@dataclass(frozen=True)
class Choice:
    """What a process can use between pods: transport -> device."""

    usable: dict[str, str]
    warnings: tuple[str, ...]


def available(env: Mapping[str, str], devices: list[str]) -> Choice:
    """``devices``: RDMA ports in the container, like ``mlx5_0:1``; none without an RDMA resource."""
    words = [word.strip() for word in env.get("UCX_TLS", "all").split(",") if word.strip()] or ["all"]
    nets = [word.strip() for word in env.get("UCX_NET_DEVICES", "all").split(",") if word.strip()] or ["all"]
    allowed = {RDMA: _allows(words, RDMA_WORDS), TCP: _allows(words, TCP_WORDS)}
    ports = [d for d in devices if nets == ["all"] or d in nets or d.partition(":")[0] in nets]
    usable = {}
    if allowed[RDMA] and ports:
        usable[RDMA] = ports[0] if ":" in ports[0] else f"{ports[0]}:1"
    if allowed[TCP] and (nets == ["all"] or NIC in nets):
        usable[TCP] = NIC
    return Choice(usable, (*_missing_devices(nets, devices), *_missing_transports(words, devices)))


def _allows(words: list[str], family: tuple[str, ...]) -> bool:
    if words[0].startswith("^"):  # all but these
        return not any(word.removeprefix("^") in family for word in words)
    return any(word in family for word in words)


def _missing_devices(nets: list[str], devices: list[str]) -> list[str]:
    there = [f"'{NIC}'(tcp)", "'lo'(tcp)", *(f"'{device}'(ib)" for device in devices)]
    known = {NIC, "lo", "all", *devices, *(d.partition(":")[0] for d in devices)}
    return [f"network device '{name}' is not available, please use one or more of: {', '.join(there)}" for name in nets if name not in known]


def _missing_transports(words: list[str], devices: list[str]) -> list[str]:
    if devices or words[0].startswith("^"):
        return []
    gone = [word for word in words if word in RDMA_WORDS and word != "all"]
    return [f"transport '{word}' is not available, please use one or more of: {LOCAL}, tcp" for word in gone]


def between(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str | None:
    """The transport that both ends have; None: the other pod can't be reached."""
    return next((name for name in (RDMA, TCP) if name in mine and name in theirs), None)


def line(host: str, source: str, level: str, text: str) -> str:
    """A line of UCX's own log (src/ucs/debug/log.c, UCS_LOG_FMT)."""
    file, _colon, number = source.partition(":")
    return f"{_process(host)} {file:>17}:{number:<4} {'UCX':<4} {level:<5} {text}"


def compact(host: str, text: str) -> str:
    """A row of a table: without source and level (UCS_LOG_COMPACT_FMT)."""
    return f"{_process(host)}   {text}"


def _process(host: str) -> str:
    return f"[{time.time():.6f}] [{host}:{1:<5}:0]"


def table(transport: str, device: str) -> list[str]:
    """What UCX_PROTO_INFO=y prints when the way to another process has been chosen (src/ucp/proto/proto_debug.c of 1.18 to 1.21)."""
    name, head = "ucp_context_0 inter-node cfg#1", "remote memory read by ucp_get*(multi) into cuda/GPU0 from cuda"
    rows = [("0..inf", "zero-copy" if transport == RDMA else "software emulation", f"{transport}/{device}")]
    sizes, paths = len(name), max(len(path) for _size, _how, path in rows)
    hows = max(*(len(how) for _size, how, _path in rows), len(head) - paths)
    lines = [_separator(sizes, hows + 3 + paths), f"| {name:>{sizes}} | {head:<{hows + 3 + paths}} |", _separator(sizes, hows, paths)]
    lines += [f"| {size:>{sizes}} | {how:<{hows}} | {path:<{paths}} |" for size, how, path in rows]
    return [*lines, _separator(sizes, hows, paths)]


def _separator(*widths: int) -> str:
    return f"+{'+'.join('-' * (width + 2) for width in widths)}+"


def seconds(transport: str, size: int) -> float:
    """How long so many bytes take."""
    return size / (GIB_PER_SECOND[transport] * 2**30)
