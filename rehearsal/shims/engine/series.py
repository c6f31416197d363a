# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' text: own counters and histograms, and the simulator's series under the names and labels that vLLM has (pure).

vLLM's Python client adds ``_total`` to counters, and each series of vLLM says its engine (the data-parallel rank).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

Labels = tuple[tuple[str, str], ...]
# The simulator's own idea of these; what the engine knows itself is shown instead
REPLACED = ("vllm:prefix_cache_hits", "vllm:prefix_cache_queries", "vllm:cache_config_info")
PROCESS = ("go_", "promhttp_", "process_")  # the simulator's program, not vLLM's
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (.+)$")


@dataclass
class Family:
    name: str
    kind: str
    text: str
    lines: list[str] = field(default_factory=list)


class Registry:
    """The series of one engine."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._metrics: list[Counter | Gauge | Histogram] = []
        self._constant: list[Family] = []

    def counter(self, name: str, text: str, **label: Sequence[str]) -> Counter:
        """``label``: one more label and the values that it has from the start."""
        made = Counter(name, text, label)
        self._metrics.append(made)
        return made

    def gauge(self, name: str, text: str) -> Gauge:
        made = Gauge(name, text)
        self._metrics.append(made)
        return made

    def histogram(self, name: str, text: str, buckets: Sequence[float], **label: Sequence[str]) -> Histogram:
        made = Histogram(name, text, buckets, label)
        self._metrics.append(made)
        return made

    def constant(self, family: Family) -> None:
        """A family that never changes."""
        self._constant.append(family)

    def families(self) -> list[Family]:
        return [*self._constant, *(metric.family(self._labels) for metric in self._metrics)]


class Counter:
    def __init__(self, name: str, text: str, label: dict[str, Sequence[str]]) -> None:
        self.name, self._text = name, text
        self._label = next(iter(label), "")
        self._values: dict[str, float] = dict.fromkeys(label.get(self._label, ()) if self._label else [""], 0.0)

    def add(self, amount: float = 1, label: str = "") -> None:
        self._values[label] = self._values.get(label, 0.0) + amount

    def value(self, label: str = "") -> float:
        return self._values.get(label, 0.0)

    def family(self, labels: Labels) -> Family:
        name = f"{self.name}_total"
        found = Family(name, "counter", self._text)
        for value, number in self._values.items():
            found.lines.append(sample(name, _with(labels, self._label, value), number))
        return found


class Gauge:
    def __init__(self, name: str, text: str) -> None:
        self.name, self._text, self.current = name, text, 0.0

    def family(self, labels: Labels) -> Family:
        return Family(self.name, "gauge", self._text, [sample(self.name, labels, self.current)])


class Histogram:
    def __init__(self, name: str, text: str, buckets: Sequence[float], label: dict[str, Sequence[str]]) -> None:
        self.name, self._text, self._buckets = name, text, (*buckets, float("inf"))
        self._label = next(iter(label), "")
        values = label.get(self._label, ()) if self._label else [""]
        self._counts: dict[str, list[int]] = {value: [0] * len(self._buckets) for value in values}
        self._sums: dict[str, float] = dict.fromkeys(values, 0.0)

    def observe(self, value: float, label: str = "") -> None:
        counts = self._counts.setdefault(label, [0] * len(self._buckets))
        for index, bound in enumerate(self._buckets):
            counts[index] += value <= bound
        self._sums[label] = self._sums.get(label, 0.0) + value

    def family(self, labels: Labels) -> Family:
        found = Family(self.name, "histogram", self._text)
        for value, counts in self._counts.items():
            own = _with(labels, self._label, value)
            for bound, count in zip(self._buckets, counts, strict=True):
                edge = "+Inf" if bound == float("inf") else str(float(bound))
                found.lines.append(sample(f"{self.name}_bucket", (*own, ("le", edge)), count))
            found.lines += [sample(f"{self.name}_count", own, counts[-1]), sample(f"{self.name}_sum", own, self._sums[value])]
        return found


def _with(labels: Labels, name: str, value: str) -> Labels:
    return (*labels, (name, value)) if name else labels


def sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in labels)
    return f"{name}{{{inside}}} {float(value)}"


def parse(text: str) -> list[Family]:
    """Families of a page, in its order."""
    found: dict[str, Family] = {}
    current: Family | None = None
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            _, what, name, rest = line.split(" ", 3)
            current = found.setdefault(name, Family(name, "untyped", ""))
            if what == "TYPE":
                current.kind = rest
            else:
                current.text = rest
        elif line and not line.startswith("#"):
            name = line.split("{", 1)[0].split(" ", 1)[0]
            if current is None or not name.startswith(current.name):
                current = found.setdefault(name, Family(name, "untyped", ""))
            current.lines.append(line)
    return list(found.values())


def of_engine(page: str, rank: int, model: str) -> list[Family]:
    """The simulator's page as vLLM's: without what it knows worse, each series with its engine."""
    kept = [family for family in parse(page) if family.name not in REPLACED and not family.name.startswith(PROCESS)]
    for family in kept:
        family.lines = [_labelled(line, rank, model) for line in family.lines]
    return kept


def _labelled(line: str, rank: int, model: str) -> str:
    match = _SAMPLE.match(line)
    if not match:
        return line
    name, inside, value = match.groups()
    inside = re.sub(r'model_name="[^"]*"', f'model_name="{model}"', inside or "")
    return f'{name}{{engine="{rank}"{"," + inside if inside else ""}}} {value}'


def merge(pages: Sequence[Sequence[Family]]) -> str:
    """One page of many engines' series: each family once."""
    merged: dict[str, Family] = {}
    for page in pages:
        for family in page:
            known = merged.setdefault(family.name, Family(family.name, family.kind, family.text))
            known.lines += family.lines
    lines: list[str] = []
    for family in merged.values():
        lines += [f"# HELP {family.name} {family.text}", f"# TYPE {family.name} {family.kind}", *family.lines]
    return "\n".join(lines) + "\n"
