# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus text: reading samples, sums over labels, and how far counters rose."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


@dataclass(frozen=True)
class Sample:
    """One value of one series."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse(text: str) -> list[Sample]:
    """The samples of a metrics page; lines that are none are left out (comments, cut lines, NaN values).

    Format: https://github.com/prometheus/docs, ``instrumenting/exposition_formats.md``, text version 0.0.4.
    """
    return [s for s in map(_sample, text.splitlines()) if s]


def _sample(line: str) -> Sample | None:
    found = _LINE.match(line)
    if line.startswith("#") or not found:
        return None
    try:
        value = float(found.group(3))
    except ValueError:
        return None
    labels = _labels(found.group(2) or "")
    return None if labels is None or math.isnan(value) else Sample(found.group(1), labels, value)


def _labels(text: str) -> dict[str, str] | None:
    out, place = {}, 0
    while place < len(text) and text[place:].strip():
        found = _LABEL.match(text, place)
        if not found:
            return None
        out[found.group(1)] = re.sub(r'\\[\\"n]', lambda m: _ESCAPES[m.group(0)], found.group(2))
        place = found.end()
    return out


def total(samples: Iterable[Sample], name: str) -> float | None:
    """The sum of a metric over its label sets, or None when it has no sample."""
    values = [s.value for s in samples if s.name == name]
    return sum(values) if values else None


def rise(before: Iterable[Sample], after: Iterable[Sample], name: str, **labels: str) -> float | None:
    """How far a counter rose, of the series with these labels (in any case). None: it isn't there at the end, or any series fell
    (its process restarted)."""
    old = {_key(s): s.value for s in before if s.name == name}
    new = {_key(s): s.value for s in after if s.name == name}
    if not new or any(new.get(k, -1.0) < v for k, v in old.items()):
        return None
    wanted = {(k, v.lower()) for k, v in labels.items()}
    return sum(v - old.get(k, 0.0) for k, v in new.items() if wanted <= {(name, text.lower()) for name, text in k})


def _key(sample: Sample) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(sample.labels.items()))
