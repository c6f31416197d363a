# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fabric check's verdict: findings, and the matrix rail by pair of nodes that the report draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .._assess.look import names
from .output import Section, gbit, usec, why

PASS, WARN, FAIL, UNKNOWN = "pass", "warn", "fail", "unknown"
_RANK = {PASS: 0, WARN: 1, UNKNOWN: 2, FAIL: 3}
HOW = "Declare llmd_fabric_check_image: an image by digest with ib_write_bw and ib_read_lat (perftest), as in Red Hat's odh-rhaii-validator-tools-rhel9."
CABLES = "Look at cable, transceiver, switch port (PFC, MTU) and PCIe slot of these cards."


@dataclass(frozen=True)
class Bounds:
    """per: rail or node (sum of its rails); share: of the line rate; outlier: times the median latency."""

    per: str
    good: float
    least: float
    source: str
    share: float = 0.75
    outlier: float = 3.0


@dataclass(frozen=True)
class Link:
    """One rail from one node to the next; broken: why nothing could be measured; no_rdma: a device or an active port is missing."""

    source: str
    target: str
    rail: int
    gbit: float | None = None
    usec: float | None = None
    broken: str = ""
    no_rdma: bool = False
    line: float | None = None

    @property
    def pair(self) -> str:
        return f"{self.source} to {self.target}"


def bounds(thresholds: Mapping[str, Any], path: str, declared: Mapping[str, Any]) -> Bounds:
    """Those of the path; a site's own win."""
    row = thresholds["fabric_gbit"][path]
    good, least = declared.get("fabric_pass_gbit"), declared.get("fabric_warn_gbit")
    own = bool(good or least)
    good = float(good or row["pass"])
    least = min(float(least or row["warn"]), good)
    source = "declaration (llmd_fabric_pass_gbit, llmd_fabric_warn_gbit)" if own else row["source"]
    return Bounds(row["per"], good, least, source, thresholds["fabric_share"]["warn"], thresholds["fabric_latency"]["times_median"])


def links(
    pairs: Sequence[tuple[str, str]], rails: Sequence[int], logs: Mapping[str, Sequence[Section]], lines: Mapping[tuple[str, int], float | None]
) -> list[Link]:
    """What each client measured, or why it couldn't: its own trouble first, then its peer's. lines: (node, rail) -> Gbit/s of the port."""
    return [
        _link(source, target, rail, [one for one in logs.get(source, ()) if one.rail == rail], [one for one in logs.get(target, ()) if one.rail == rail], lines)
        for source, target in pairs
        for rail in rails
    ]


def _link(
    source: str, target: str, rail: int, mine: Sequence[Section], theirs: Sequence[Section], lines: Mapping[tuple[str, int], float | None]
) -> Link:
    ends = [speed for node in (source, target) if (speed := lines.get((node, rail)))]
    line = min(ends) if ends else None
    for node, listed in ((source, mine), (target, theirs)):
        for one in listed:
            if one.role in ("device", "port"):
                return Link(source, target, rail, broken=f"{node}: {why(one.text)}", no_rdma=True, line=line)
    asked = {one.tool: one for one in mine if one.role == "client"}
    write, read = asked.get("ib_write_bw"), asked.get("ib_read_lat")
    speed = gbit(write.text) if write and write.code == 0 else None
    if write is None:
        return Link(source, target, rail, broken=f"{source}: its Pod measured nothing on this rail", line=line)
    if speed is None:
        refused = [one for one in theirs if one.role == "server" and one.tool == "ib_write_bw" and one.code not in (0, 124)]
        told = f"{target}: {why(refused[0].text)}" if refused else f"{source}: {why(write.text)}"
        return Link(source, target, rail, broken=told, line=line)
    return Link(source, target, rail, speed, usec(read.text) if read and read.code == 0 else None, line=line)


def check(found: Sequence[Link], limit: Bounds, path: str) -> dict[str, Any]:
    """{status, findings, matrix, numbers}: status is fail, unknown, warn or pass, whichever is the worst."""
    findings = [*_transport(found, path), *_bandwidth(found, limit, path), *_share(found, limit, path), *_latency(found, limit, path)]
    speeds = [link.gbit for link in found if link.gbit is not None]
    worst = max((one["status"] for one in findings), key=lambda status: _RANK[status], default=UNKNOWN)
    numbers = {"links": len(found), "least_gbit": round(min(speeds), 1) if speeds else None, "median_gbit": round(median(speeds), 1) if speeds else None}
    return {"status": worst, "findings": findings, "matrix": matrix(found, limit), "numbers": numbers}


def unmeasured(reason: str, path: str, remedy: str = HOW) -> dict[str, Any]:
    """The result where nothing was measured: unknown, never a pass."""
    row = finding("bandwidth", UNKNOWN, "fabric", reason, "a measured bandwidth between the nodes", remedy, "declaration", path)
    return {"status": UNKNOWN, "findings": [row], "matrix": {}, "numbers": {}}


def finding(name: str, status: str, subject: str, observed: str, expected: str, remedy: str, source: str, path: str) -> dict[str, Any]:
    """One result, in the shape that all findings have (docs/architecture.md 3.4)."""
    return {
        "id": f"fabric-{name}", "status": status, "deciding": False, "blocking": status == FAIL, "subject": subject, "observed": observed,
        "expected": expected, "remedy": remedy if status != PASS else "", "source": source, "path": path, "release": None, "nodes": [],
    }  # fmt: skip


def matrix(found: Sequence[Link], limit: Bounds) -> dict[str, Any]:
    """Columns are pairs of nodes, rows are rails."""
    pairs = list(dict.fromkeys(link.pair for link in found))
    at = {(link.rail, link.pair): link for link in found}
    rows = [
        {"rail": rail, "cells": [_cell(at[rail, pair], limit) for pair in pairs if (rail, pair) in at]} for rail in sorted({link.rail for link in found})
    ]
    return {"columns": pairs, "rows": rows}


def _cell(link: Link, limit: Bounds) -> dict[str, Any]:
    good = PASS if limit.per == "node" else _level(link.gbit, limit)
    status = FAIL if link.gbit is None else WARN if good == PASS and _slow(link, limit) else good
    return {
        "gbit": None if link.gbit is None else round(link.gbit, 1), "usec": None if link.usec is None else round(link.usec, 2),
        "status": status, "why": link.broken,
    }  # fmt: skip


def _transport(found: Sequence[Link], path: str) -> list[dict[str, Any]]:
    """Without an RDMA device, NCCL, NVSHMEM and UCX fall back to TCP in silence where they may, else they fail."""
    bad = [link for link in found if link.no_rdma]
    expected = "an RDMA device with an active port on each rail of each Pod"
    if not bad:
        return [finding("transport", PASS, f"{len(found)} links", "RDMA on each", expected, "", "perftest", path)] if found else []
    return [finding(
        "transport", FAIL, _where(bad, found), f"no RDMA, so traffic would fall back to TCP: {names(sorted({link.broken for link in bad}), 4)}", expected,
        "See that the Pods get the rails' resources and networks (role fabric), and that the ports are up.", "perftest", path,
    )]  # fmt: skip


def _bandwidth(found: Sequence[Link], limit: Bounds, path: str) -> list[dict[str, Any]]:
    measured = [link for link in found if not link.no_rdma]
    dead = [link for link in measured if link.gbit is None]
    rows = []
    if dead:
        rows.append(finding(
            "bandwidth", FAIL, _where(dead, found), f"nothing gets through: {names(sorted({link.broken for link in dead}), 4)}",
            f"{limit.good:g} Gbit/s", f"{CABLES} For RoCE look at the rails' addresses and routes, too.", limit.source, path,
        ))  # fmt: skip
    rows += _per_node(measured, limit, path) if limit.per == "node" else _per_rail(measured, limit, path)
    return rows


def _per_rail(found: Sequence[Link], limit: Bounds, path: str) -> list[dict[str, Any]]:
    rows = []
    for status, bound in ((FAIL, limit.least), (WARN, limit.good)):
        slow = [link for link in found if link.gbit is not None and _level(link.gbit, limit) == status]
        if slow:
            rows.append(finding(
                "bandwidth", status, _where(slow, found), f"{_speeds(slow)} on {len(slow)} of {len(found)} links", f"{bound:g} Gbit/s or more a rail",
                CABLES, limit.source, path,
            ))  # fmt: skip
    good = [link for link in found if _level(link.gbit, limit) == PASS]
    if good and not rows:
        rows.append(finding("bandwidth", PASS, f"{len(good)} links", _speeds(good), f"{limit.good:g} Gbit/s or more a rail", "", limit.source, path))
    return rows


def _per_node(found: Sequence[Link], limit: Bounds, path: str) -> list[dict[str, Any]]:
    sums: dict[str, float] = {}
    for link in found:
        sums[link.pair] = sums.get(link.pair, 0.0) + (link.gbit or 0.0)
    rows = []
    for status in (FAIL, WARN, PASS):
        pairs = sorted(pair for pair, total in sums.items() if _level(total, limit) == status)
        if pairs:
            least, most = min(sums[pair] for pair in pairs), max(sums[pair] for pair in pairs)
            shown = f"{least:.4g}" if round(least) == round(most) else f"{least:.4g} to {most:.4g}"
            rows.append(finding(
                "bandwidth", status, names(pairs) if status != PASS else f"{len(pairs)} pairs of nodes", f"{shown} Gbit/s over all rails together",
                f"{limit.good:g} Gbit/s or more over all rails", CABLES, limit.source, path,
            ))  # fmt: skip
    return rows


def _share(found: Sequence[Link], limit: Bounds, path: str) -> list[dict[str, Any]]:
    slow = [link for link in found if _slow(link, limit)]
    if not slow:
        return []
    seen = names([f"{link.gbit:.4g} of {link.line:.4g} Gbit/s on rail {link.rail} from {link.pair}" for link in slow], 4)
    return [finding(
        "line-rate", WARN, _where(slow, found), seen, f"{limit.share:.0%} of the line rate", CABLES, "data/thresholds.yml fabric_share", path,
    )]  # fmt: skip


def _latency(found: Sequence[Link], limit: Bounds, path: str) -> list[dict[str, Any]]:
    seen = [link.usec for link in found if link.usec is not None]
    usual = median(seen) if len(seen) > 2 else None
    late = [link for link in found if usual and link.usec is not None and link.usec > limit.outlier * usual]
    if not late or not usual:
        return []
    shown = names([f"{link.usec:.4g} us on rail {link.rail} from {link.pair}" for link in late], 4)
    return [finding(
        "latency", WARN, _where(late, found), f"{shown}; the median is {usual:.4g} us", f"at most {limit.outlier:g} times the median", CABLES,
        "data/thresholds.yml fabric_latency", path,
    )]  # fmt: skip


def _slow(link: Link, limit: Bounds) -> bool:
    return link.gbit is not None and bool(link.line) and link.gbit < limit.share * (link.line or 0)


def _level(speed: float | None, limit: Bounds) -> str:
    if speed is None:
        return FAIL
    return PASS if speed >= limit.good else WARN if speed >= limit.least else FAIL


def _speeds(found: Sequence[Link]) -> str:
    speeds = [link.gbit for link in found if link.gbit is not None]
    least, most = min(speeds), max(speeds)
    return f"{least:.4g} Gbit/s" if round(least) == round(most) else f"{least:.4g} to {most:.4g} Gbit/s"


def _where(bad: Sequence[Link], found: Sequence[Link]) -> str:
    """Who is to blame. On a rail whose bad links are all those of one node it is that node's card; with two nodes it can be either's."""
    words = []
    for rail in sorted({link.rail for link in bad}):
        on_rail = [link for link in bad if link.rail == rail]
        everyone = {node for link in found if link.rail == rail for node in (link.source, link.target)}
        guilty = _guilty(on_rail, [link for link in found if link.rail == rail])
        if len(on_rail) == len([link for link in found if link.rail == rail]) and len(everyone) > 2:
            words.append(f"rail {rail} between all nodes")
        elif guilty and len(everyone) > 2:
            words.append(f"rail {rail} of node {names(guilty)}")
        else:
            words.append(f"rail {rail} between {names([link.pair for link in on_rail], 4)}")
    return names(words, 4)


def _guilty(bad: Sequence[Link], everything: Sequence[Link]) -> list[str]:
    """Nodes all of whose links are bad, and that together explain every bad link; empty where no such set is sure."""
    ends = {node for link in everything for node in (link.source, link.target)}
    guilty = sorted(node for node in ends if all(link in bad for link in everything if node in (link.source, link.target)))
    explained = all(link.source in guilty or link.target in guilty for link in bad)
    return guilty if explained else []
