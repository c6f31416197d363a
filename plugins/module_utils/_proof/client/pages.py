# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics pages of the pickers and of each vLLM Pod, and which Pods' success counters rose."""

from __future__ import annotations

import time
from typing import Any

from .service import Service

LINES_KEPT = 2000  # metric lines kept from one page
# Seconds before another try. A picker asks the API who reads its page (TokenReview, ten seconds at most) and answers 500 when that doesn't know in time:
# controller-runtime pkg/metrics/filters.
ANEW = (1.0, 5.0)
PATIENCE = 3.0  # seconds that a Pod's counter may lag behind its answer

Counts = dict[str, Any]  # Pod -> successful requests so far, None where they can't be read


class Pages:
    """Reads what the plan names."""

    def __init__(self, plan: dict[str, Any], service: Service) -> None:
        self._service = service
        self.engines: list[dict[str, Any]] = plan.get("engines", [])
        self._pickers: list[dict[str, Any]] = plan.get("pickers", [])
        self._keep: dict[str, list[str]] = plan.get("keep", {})
        self._name = plan.get("engine_counter", "vllm:request_success_total")
        # Each of these sets of Pods has a part in every request; by default one Pod of all answers.
        self._settle = [set(names) for names in plan.get("settle") or [[e["pod"] for e in self.engines]]]

    def snapshot(self) -> dict[str, Any]:
        """The kept lines of all pickers and engines."""
        return {"pickers": {p["pod"]: self._kept(self._picker(p), "pickers") for p in self._pickers},
                "engines": {e["pod"]: self.of(e) for e in self.engines}}  # fmt: skip

    def _picker(self, picker: dict[str, Any]) -> dict[str, Any]:
        for pause in ANEW:
            page = self._service.page(picker["url"], self._service.token)
            if page.get("status") != 500:
                return page
            time.sleep(min(pause, max(0.0, self._service.left())))
        return self._service.page(picker["url"], self._service.token)

    def of(self, engine: dict[str, Any]) -> dict[str, Any]:
        """The kept lines of one vLLM Pod."""
        return self._kept(self._service.page(engine["url"]), "engines")

    def _kept(self, page: dict[str, Any], part: str) -> dict[str, Any]:
        if "text" not in page:
            return page
        prefixes = tuple(self._keep.get(part, []))
        lines = [line for line in page["text"].splitlines() if line.startswith(prefixes) and not _name(line).endswith(("_bucket", "_created"))]
        if len(lines) > LINES_KEPT:  # half a page would make wrong sums
            return {"error": f"{len(lines)} lines of metrics, more than {LINES_KEPT}"}
        return {"text": "\n".join(lines)}

    def counts(self) -> Counts:
        """Successful requests of each vLLM Pod so far."""
        out: Counts = {}
        for engine in self.engines:
            text = self._service.page(engine["url"]).get("text")
            out[engine["pod"]] = None if text is None else total(text, self._name)
        return out

    def settled(self, before: Counts) -> Counts:
        """Counts after an answer: read until each set of Pods has one whose counter rose."""
        end = time.monotonic() + PATIENCE
        while True:
            after = self.counts()
            up = set(rose(before, after))
            if all(up & names for names in self._settle) or time.monotonic() > end or all(c is None for c in after.values()):
                return after
            time.sleep(0.05)


def _name(line: str) -> str:
    return line.split("{", 1)[0].split(" ", 1)[0]


def total(text: str, name: str) -> float:
    """The sum of a metric's samples over all label sets; 0 when there are none yet (a counter before its first event)."""
    out = 0.0
    for line in text.splitlines():
        if line.startswith(name) and line[len(name) : len(name) + 1] in ("{", " "):
            try:
                out += float(line.rsplit("}", 1)[-1].split()[0])
            except (IndexError, ValueError):
                continue
    return out


def rose(before: Counts, after: Counts) -> dict[str, float]:
    """By how much each Pod's counter rose, for those that rose; a Pod that couldn't be read twice is left out."""
    out = {}
    for pod, count in after.items():
        old = before.get(pod)
        if count is not None and old is not None and count > old:
            out[pod] = count - old
    return out
