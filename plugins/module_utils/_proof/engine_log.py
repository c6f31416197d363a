# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a vLLM Pod's log shows about the way of its KV blocks: the transport that UCX chose, and known troubles.

UCX prints the table of a way once, when a process first reaches another one, if UCX_PROTO_INFO is on (openucx ``src/ucp/proto/proto_debug.c``,
1.18 to 1.20: a head with ``inter-node cfg#n``, rows that end in TRANSPORT/DEVICE), or one line with UCX_LOG_LEVEL=info (``src/ucp/core/ucp_worker.c``).
Each of these lines begins with ``[time] [host:process:thread]`` (``src/ucs/debug/log.c``); processes of one Pod print at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .._wait.model import one_line

LINES = 60
RDMA = ("rc_mlx5", "rc_verbs", "rc", "dc_mlx5", "dc", "ud_mlx5", "ud_verbs", "ud", "gga_mlx5", "srd")
_WAY = re.compile(r"\b((?:rc|dc|ud|gga|srd|tcp)(?:_[a-z0-9]+)?)/([\w.-]+(?::\d+)?)")
_HEAD = re.compile(r"(inter|intra)-node cfg#\d|self cfg#\d")
_PROCESS = re.compile(r"\[\d+\.\d+\] \[([^\s:\]]+:\d+)\s*:[^\]]*\]\s")

# pattern, what it means, what to do. Sources: vllm nixl_connector.py, KServe's presets, rhoai-llmd 7 (rows 29 to 33)
_TROUBLES = (
    (r"NIXL_ERR_REMOTE_DISCONNECT", "the prefill Pod's memory can't be read (NIXL_ERR_REMOTE_DISCONNECT)",
     "Test the fabric between the two nodes (link, MTU, GID, switch), then restart the decode Pod."),
    (r"NIXL_ERR_BACKEND", "there is no common transport between the two Pods (NIXL_ERR_BACKEND)",
     "Check that both Pods have their RDMA resource and IPC_LOCK, the same tensor-parallel size, and that UCX_TLS and UCX_NET_DEVICES name what they have."),
    (r"NIXL compatibility hash mismatch", "prefill and decode run with different settings (NIXL compatibility hash)",
     "Give both parts the same vLLM image, model, KV cache type and block size."),
    (r"engine ID mismatch", "the handshake reached another engine (engine ID mismatch)",
     "Set VLLM_NIXL_SIDE_CHANNEL_HOST to the Pod's address on both parts."),
    (r"zmq\.error\.Again", "the prefill Pod's NIXL side channel doesn't answer",
     "Set VLLM_NIXL_SIDE_CHANNEL_HOST to the Pod's address; keep its port apart from that of the KV events; allow it in NetworkPolicies."),
    (r"transport '(?:rc|dc|ud|ib)\w*' is not available", "vLLM sees no RDMA device",
     "Check that the Pod asks for its RDMA resource and that the link of its port is up."),
    (r"No active RoCE HCAs found|Skipping inactive or down HCA", "the RDMA port in the Pod is down",
     "Repair the link of that port (cable, switch port, SR-IOV link state), then restart the Pod."),
)  # fmt: skip
# Said by others of the product; they explain a proof that fails, and alone mean nothing.
_NOTES = (r"Creating v1 connector with name: \w+", r"Waiting for \d+ local, \d+ remote core engine", r"Recovered from KV load failure")


@dataclass(frozen=True)
class Trouble:
    """A known trouble that a log shows, and its repair."""

    what: str
    repair: str


def kept(text: str) -> list[str]:
    """The lines that are evidence, each kind of them once and the newest when there are too many."""
    found: dict[str, str] = {}
    heads: dict[str, str] = {}  # process -> the table that it prints
    for line in text.splitlines():
        process = _PROCESS.search(line)
        if process:
            if way := _HEAD.search(line):
                heads[process.group(1)] = way.group(0)
            head = heads.get(process.group(1), "")
            for match in _WAY.finditer(line):
                found[f"{head} {match.group(0)}"] = one_line(f"{head}: {line}" if head else line, 300)
        for key in _known(line):
            found[key] = one_line(line, 300)
    return list(found.values())[-LINES:]


def _known(line: str) -> list[str]:
    keys = [pattern for pattern, *_rest in _TROUBLES if re.search(pattern, line)]
    return keys + [match.group(0) for pattern in _NOTES if (match := re.search(pattern, line))]


def transports(lines: Iterable[str]) -> set[str]:
    """TRANSPORT/DEVICE of each way to another node, among the lines kept."""
    return {f"{m.group(1)}/{m.group(2)}" for line in lines if line.startswith("inter-node cfg") for m in _WAY.finditer(line)}


def is_rdma(way: str) -> bool:
    """Whether a way goes over RDMA."""
    return way.partition("/")[0] in RDMA


def troubles(lines: Iterable[str]) -> list[Trouble]:
    """Known troubles, each once."""
    text = "\n".join(lines)
    return [Trouble(what, repair) for pattern, what, repair in _TROUBLES if re.search(pattern, text)]


def connectors(lines: Iterable[str]) -> set[str]:
    """The KV connectors that vLLM says it made."""
    return {m.group(1) for line in lines if (m := re.search(r"Creating v1 connector with name: (\w+)", line))}
