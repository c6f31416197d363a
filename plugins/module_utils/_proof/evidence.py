# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters of several Pods before and after: which of some names the pages have, and how far it rose on each Pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .metrics import Sample, parse, rise

Page = tuple[list[Sample], list[Sample]]  # before, after


@dataclass(frozen=True)
class Rise:
    """How far a family rose. ``name`` is empty when no page has it; ``why`` says why nothing is known."""

    name: str = ""
    by_pod: Mapping[str, float] | None = None
    why: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return self.by_pod is not None

    @property
    def total(self) -> float:
        """Over all Pods; 0 when nothing is known (look at ``known`` first)."""
        return sum((self.by_pod or {}).values())


def pages(before: Mapping[str, Any], after: Mapping[str, Any], pods: Iterable[str]) -> dict[str, Page] | str:
    """The pages of these Pods, or why they can't be had."""
    out: dict[str, Page] = {}
    for pod in pods:
        texts = [found.get(pod) or {} for found in (before, after)]
        for text in texts:
            if "text" not in text:
                return f"metrics of {pod} couldn't be read: {text.get('error') or 'not measured'}"
        out[pod] = (parse(texts[0]["text"]), parse(texts[1]["text"]))
    return out or "there is no Pod to read metrics from"


def engine_pages(document: Mapping[str, Any], pods: Iterable[str]) -> dict[str, Page] | str:
    """As :func:`pages`, of vLLM Pods before and after our requests."""
    sides = [(document.get(when) or {}).get("engines") or {} for when in ("before", "after")]
    return pages(sides[0], sides[1], pods)


def risen(found: Mapping[str, Page] | str, names: Iterable[str], **labels: str) -> Rise:
    """The first of the names that a page has. A label's value is compared without regard to case."""
    if isinstance(found, str):
        return Rise(why=found)
    for name in names:
        here = [pod for pod, (before, after) in found.items() if any(s.name == name for s in (*before, *after))]
        if not here:
            continue
        by_pod: dict[str, float] = {}
        for pod, (before, after) in found.items():
            # A series appears with its first event: a page without it counts as zero when others have it.
            up = rise(before, after, name, **labels) if pod in here else 0.0
            if up is None:
                return Rise(name, why=f"{name} fell on {pod}: vLLM restarted meanwhile")
            by_pod[pod] = up
        return Rise(name, by_pod)
    return Rise(why="the pages have no " + " or ".join(names))
