# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for perftest's ``ib_write_bw`` and ``ib_read_lat``: two processes in two pods meet over TCP, as the real ones do, and print the real tables.

Source: linux-rdma/perftest@00b55b6 src/{perftest_parameters.h,perftest_parameters.c,perftest_communication.c,perftest_resources.c,write_bw.c,read_lat.c}
(arguments, formats, errors and their order). The rate comes from the ends' cards (settings, made of the profile): the slower link less its headers; the
measured share at MTU 1500 and 9000 is that of published 400G results (370 and 392 Gbit/s). No data is sent. Not played: GPU memory, rdma_cm, other verbs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

Obj = dict[str, Any]
SETTINGS = Path("/.rehearsal/perftest.json")
RULE = "-" * 87
DEFAULT_PORT, DEFAULT_BW_SIZE, DEFAULT_LAT_SIZE, DEFAULT_LAT_ITERATIONS = 18515, 65536, 2, 1000
SHARE = {"InfiniBand": 0.98, "Ethernet": 0.925}
JUMBO_SHARE, JUMBO_MTU = 0.98, 4200  # an RDMA MTU of 4096 needs that much of the Ethernet's
LATENCY = {"InfiniBand": 2.1, "Ethernet": 2.6}  # microseconds of a read through one switch


class Ended(Exception):
    """The tool ends with code 1; the text is what it prints on standard error."""


def main(argv: list[str]) -> int:
    tool, *rest = argv
    args = _parser(tool).parse_args(rest)
    try:
        with contextlib.ExitStack() as stack:
            _run(tool, args, json.loads(SETTINGS.read_text(encoding="utf-8")), stack)
    except Ended as ended:
        print(ended, file=sys.stderr)
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f" {message}\n Parser function exited with Error", file=sys.stderr)
        raise SystemExit(1)


def _parser(tool: str) -> argparse.ArgumentParser:
    found = _Parser(prog=tool, allow_abbrev=False)
    found.add_argument("server", nargs="?")
    found.add_argument("-d", "--ib-dev")
    found.add_argument("-p", "--port", type=int, default=DEFAULT_PORT)
    found.add_argument("-x", "--gid-index", type=int, default=-1)
    found.add_argument("-s", "--size", type=int, default=DEFAULT_BW_SIZE if tool.endswith("bw") else DEFAULT_LAT_SIZE)
    found.add_argument("-n", "--iters", type=int, default=5000 if tool.endswith("bw") else DEFAULT_LAT_ITERATIONS)
    found.add_argument("-D", "--duration", type=float)
    found.add_argument("-F", "--CPU-freq", action="store_true")
    if tool.endswith("bw"):
        found.add_argument("-q", "--qp", type=int, default=1)
        found.add_argument("--report_gbits", action="store_true")
    return found


def _run(tool: str, args: argparse.Namespace, settings: Obj, stack: contextlib.ExitStack) -> None:
    mine = _device(args, settings)
    peer = _meet(args, stack)
    theirs = _exchange(peer, {**mine, "tool": tool})
    if theirs["tool"] != tool or theirs["link_layer"] != mine["link_layer"]:
        raise Ended("Failed to modify QP 0 to RTR\n Unable to Connect the HCA's through the link")
    print("\n".join(_head(tool, args, mine)), flush=True)
    time.sleep((args.duration or 0.3) * settings["scale"])
    slower = min((mine, theirs), key=lambda end: end["rate_gbps"])
    print(_bandwidth(args, slower) if tool.endswith("bw") else _latency(args, slower))
    print(RULE, flush=True)
    _exchange(peer, {"bye": True})


def _device(args: argparse.Namespace, settings: Obj) -> Obj:
    """The chosen card, which must be there with an active port."""
    cards: dict[str, Obj] = settings["devices"]
    if not cards:
        raise Ended("No IB devices found")
    name = args.ib_dev or next(iter(cards))
    card = cards.get(name)
    if card is None:
        raise Ended(f"IB device {name} not found\n Unable to find the Infiniband/RoCE device")
    if not card["active"]:
        raise Ended(" Port number 1 state is Down\n Couldn't set the link layer\n Couldn't get context for the device")
    return {**card, "name": name}


def _meet(args: argparse.Namespace, stack: contextlib.ExitStack) -> socket.socket:
    if args.server:
        try:
            return stack.enter_context(socket.create_connection((args.server, args.port), timeout=10))
        except OSError:
            raise Ended(f"Couldn't connect to {args.server}:{args.port}\nUnable to open file descriptor for socket connection\n"
                        " Unable to init the socket connection") from None  # fmt: skip
    print("\n************************************\n* Waiting for client to connect... *\n************************************", flush=True)
    try:
        listener = stack.enter_context(socket.create_server(("0.0.0.0", args.port)))
    except OSError:
        raise Ended(f"Couldn't listen to port {args.port}\nUnable to open file descriptor for socket connection\n Unable to init the socket connection") from None
    return stack.enter_context(listener.accept()[0])


def _exchange(peer: socket.socket, mine: Obj) -> Obj:
    peer.settimeout(60)
    try:
        peer.sendall(json.dumps(mine).encode() + b"\n")
        with peer.makefile("rb") as lines:
            answer = lines.readline()
        found: Obj = json.loads(answer)
    except (OSError, ValueError):
        raise Ended("ethernet_read_keys: Couldn't read remote address\n Unable to read from socket/rdma_cm\n"
                    " Failed to exchange data between server and clients") from None  # fmt: skip
    return found


def _head(tool: str, args: argparse.Namespace, card: Obj) -> list[str]:
    wide = tool.endswith("bw")
    verb = "RDMA_Write BW" if wide else "RDMA_Read Latency"
    lines = [
        RULE, f"                    {verb} Test",
        f" Dual-port       : OFF\t\tDevice         : {card['name']}",
        f" Number of qps   : {args.qp if wide else 1}\t\tTransport type : IB",
        " Connection type : RC\t\tUsing SRQ      : OFF",
        " PCIe relax order: ON\t\tLock-free      : OFF",
        " ibv_wr* API     : ON\t\tUsing Enhanced Reorder      : OFF",
        *([f" TX depth        : {128 if wide else 1}"] if args.server else []),
        *([" CQ Moderation   : 1", " CQE Poll Batch  : 16"] if wide else []),
        f" Mtu             : {4096 if card['jumbo'] else 1024}[B]",
        f" Link type       : {'IB' if card['link_layer'] == 'InfiniBand' else 'Ethernet'}",
        *([f" GID index       : {args.gid_index if args.gid_index >= 0 else 3}"] if card["link_layer"] == "Ethernet" else []),
        " Max inline data : 0[B]" if wide else " Outstand reads  : 16",
        " rdma_cm QPs\t : OFF", " Data ex. method : Ethernet", RULE,
    ]  # fmt: skip
    queue = random.randrange(0x100, 0xFFFF)
    return [*lines, f" local address: LID {0 if card['link_layer'] == 'Ethernet' else 7:#04x} QPN {queue:#06x} PSN {random.randrange(2**24):#06x}", RULE]


def _bandwidth(args: argparse.Namespace, card: Obj) -> str:
    share = JUMBO_SHARE if card["jumbo"] and card["link_layer"] == "Ethernet" else SHARE[card["link_layer"]]
    gbit = card["rate_gbps"] * share * random.uniform(0.995, 1.0)
    unit, value = ("Gb/sec", gbit) if args.report_gbits else ("MiB/sec", gbit * 1e9 / 8 / 2**20)
    rate = gbit * 1e9 / 8 / args.size / 1e6
    count = int(rate * 1e6 * args.duration) if args.duration else args.iters * args.qp
    head = f" #bytes     #iterations    BW peak[{unit}]    BW average[{unit}]   MsgRate[Mpps]"
    peak = 0.0 if args.duration else value * 1.002
    return f"{head}\n {args.size:<7}    {count:<10}       {peak:<7.2f}            {value:<7.2f}\t\t     {rate:<7.6f}"


def _latency(args: argparse.Namespace, card: Obj) -> str:
    usual = LATENCY[card["link_layer"]] * card["delay"] * random.uniform(0.97, 1.03)
    head = (" #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]   99% percentile[usec]"
            "   99.9% percentile[usec] ")  # fmt: skip
    return (
        f"{head}\n {args.size:<7} {args.iters}          {usual * 0.96:<7.2f}        {usual * 2.1:<7.2f}      {usual:<7.2f}  \t       {usual * 1.01:<7.2f}     "
        f"\t{usual * 0.04:<7.2f}\t\t{usual * 1.12:<7.2f} \t\t{usual * 2.0:<7.2f}"
    )
