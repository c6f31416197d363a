# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ib_write_bw, ib_read_lat and fio print -> numbers. A unit that isn't known is no number.

Source: linux-rdma/perftest@00b55b6 src/perftest_parameters.h (RESULT_FMT, RESULT_FMT_G, RESULT_FMT_LAT); older releases write MB/sec
where they count in 2^20 bytes, too. fio: --output-format=json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_COLUMN = re.compile(r"(BW average|t_typical|t_avg)\[(\w+/?\w*)\]")
_GBIT = {"Gb/sec": 1.0, "MB/sec": 8 * 2**20 / 1e9, "MiB/sec": 8 * 2**20 / 1e9}
_SECTION = re.compile(r"^@llmd rail=(\d+) tool=(\w+) role=(\w+) device=(\S*) rc=(\d+)$")
# Lines of the tools that say why they ended; the first one counts.
_WHY = re.compile(r"(?i)(not found|no IB devices|unable|couldn't|state is|failed|error)")


@dataclass(frozen=True)
class Section:
    """One run of a tool in a Pod's log."""

    rail: int
    tool: str
    role: str
    device: str
    code: int
    text: str


def sections(log: str) -> tuple[list[Section], bool]:
    """(the tools' outputs, whether the log is whole)."""
    found: list[Section] = []
    head: re.Match[str] | None = None
    body: list[str] = []
    whole = False
    for line in [*log.splitlines(), "@llmd end"]:
        if not line.startswith("@llmd "):
            body.append(line)
            continue
        if head is not None:
            found.append(Section(int(head[1]), head[2], head[3], head[4], int(head[5]), "\n".join(body)))
        head, body = _SECTION.match(line), []
        whole = whole or (line == "@llmd end" and log.rstrip().endswith("@llmd end"))
    return found, whole


def gbit(text: str) -> float | None:
    """Average bandwidth in Gbit/s."""
    found = _value(text, "BW average")
    return found[0] * _GBIT[found[1]] if found and found[1] in _GBIT else None


def usec(text: str) -> float | None:
    """The typical latency in microseconds, or the average where a run by duration gives no other."""
    found = _value(text, "t_typical") or _value(text, "t_avg")
    return found[0] if found and found[1] == "usec" else None


def _value(text: str, column: str) -> tuple[float, str] | None:
    """(number below a column's head, its unit) in the table that begins with #bytes."""
    lines = [line.strip() for line in text.splitlines()]
    for head, row in zip(lines, lines[1:], strict=False):
        if not head.startswith("#bytes"):
            continue
        # Heads are of several words: those with a unit are joined by it, the first two are single words.
        names = ["#bytes", "#iterations", *(match[0] for match in re.finditer(r"[\w. %]+?\[[\w/]+\]", head.partition("#iterations")[2]))]
        numbers = row.split()
        for place, name in enumerate(names):
            match = _COLUMN.search(name)
            if match and match[1] == column and place < len(numbers):
                return _number(numbers[place], match[2])
    return None


def _number(text: str, unit: str) -> tuple[float, str] | None:
    try:
        return float(text), unit
    except ValueError:
        return None


def why(text: str) -> str:
    """The tool's own words for its failure."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return next((line for line in lines if _WHY.search(line)), lines[-1] if lines else "it said nothing")[:200]


def fio_mib(text: str) -> dict[str, float] | None:
    """{"read": MiB/s, "write": MiB/s} of fio's first job; None where the document isn't fio's."""
    start = text.find("{")
    try:
        job: Mapping[str, Any] = json.loads(text[start:])["jobs"][0]
        return {way: float(job[way]["bw_bytes"]) / 2**20 for way in ("read", "write") if float(job[way]["bw_bytes"]) > 0}
    except (ValueError, KeyError, IndexError, TypeError):
        return None
