# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests through the gateway whose Pods are known: after each one the Pods' own success counters are read.

So it is known on any vLLM which Pods had a part in an answer, without a header that only a simulator sends.
"""

from __future__ import annotations

from typing import Any

from .pages import Pages, rose
from .prompts import prompt
from .service import Service


def run(service: Service, pages: Pages, orders: dict[str, Any]) -> list[dict[str, Any]]:
    """Requests in groups with one long prefix each, and requests with a prefix of their own."""
    size, words = int(orders["size"]), int(orders.get("prefix_words", 250))
    todo = [(f"shared-{g}", "shared", n) for g in range(int(orders["shared"])) for n in range(size)]
    todo += [(f"own-{n}", "own", 0) for n in range(int(orders["own"]))]
    out: list[dict[str, Any]] = []
    before = pages.counts()
    for group, kind, place in todo:
        if service.left() < 1:
            out.append({"group": group, "kind": kind, "place": place, "status": None, "error": "out of time"})
            continue
        record = service.ask("completions", prompt(str(orders.get("nonce", "")) + group, words, place))
        after = pages.settled(before) if record["status"] == 200 else pages.counts()
        record.update(group=group, kind=kind, place=place, rose=rose(before, after))
        before = after
        out.append(record)
    return out
