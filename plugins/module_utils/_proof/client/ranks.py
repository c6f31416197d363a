# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to every data-parallel rank of every group, all at once: ranks of a group compute together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .pages import Pages
from .prompts import prompt
from .service import Service


def run(service: Service, pages: Pages, orders: dict[str, Any]) -> dict[str, Any]:
    """Per leader Pod: its page before and after, and the answers by rank. ``pods``: how many ranks each has."""
    wanted = [e for e in pages.engines if e["pod"] in orders["pods"]]
    each = int(orders.get("each", 2))
    out: dict[str, Any] = {}
    for engine in wanted:
        before = pages.of(engine)
        todo = [(rank, number) for number in range(each) for rank in range(int(orders["pods"][engine["pod"]]))]

        def ask(one: tuple[int, int], engine: dict[str, Any] = engine) -> dict[str, Any]:
            text = prompt(f"{orders.get('nonce', '')}rank-{engine['pod']}-{one[0]}-{one[1]}", int(orders.get("words", 60)))
            record = service.direct(engine, text, rank=one[0], tokens=8)
            return {"rank": one[0], "status": record["status"], "ms": record["ms"], "error": record["error"]}

        with ThreadPoolExecutor(max_workers=max(1, min(32, len(todo)))) as pool:
            answers = list(pool.map(ask, todo))
        out[engine["pod"]] = {"before": before, "after": pages.of(engine), "answers": answers}
    return out
