# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests before the measurement, until every kind of Pod has had a part in one.

The first requests of a new service may take another way: certificates with the Pods' addresses come a little after the Pods, and the
first transfer between two Pods waits for their handshake.
"""

from __future__ import annotations

import time
from typing import Any

from .pages import Pages, rose
from .prompts import prompt
from .service import Service, ms

HOPELESS = 10  # requests without one good answer: more of them change nothing


def run(service: Service, pages: Pages, orders: dict[str, Any]) -> dict[str, Any]:
    """``sets``: names of Pods of which at least one has to take part, ``least``: requests to send in any case."""
    start, first = time.monotonic(), pages.counts()
    end = start + min(float(orders.get("seconds", 90)), service.left() / 3)
    sent = 0
    statuses: dict[str, int] = {}
    while True:
        record = service.ask("completions", prompt(f"{orders.get('nonce', '')}warm-{sent}", int(orders.get("words", 250))))
        sent += 1
        statuses[str(record["status"])] = statuses.get(str(record["status"]), 0) + 1
        good = record["status"] == 200
        up = rose(first, pages.settled(first) if good else pages.counts())
        done = good and all(set(up) & set(names) for names in orders["sets"]) and sent >= int(orders.get("least", 1))
        hopeless = sent >= HOPELESS and not statuses.get("200")
        if done or hopeless or time.monotonic() > end:
            return {"done": done, "requests": sent, "statuses": statuses, "rose": up, "ms": ms(start)}
        if not good:
            time.sleep(1)
