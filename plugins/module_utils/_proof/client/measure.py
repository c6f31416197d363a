# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a measurement in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import contract, eviction, groups, ranks, warmup
from .pages import Pages
from .service import TEXT_KEPT, Service


def measure(plan: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """The whole document. A part that breaks is an entry in ``faults``."""
    service = Service(plan)
    pages = Pages(plan, service)
    parts: list[tuple[str, Any]] = [
        ("warmup", lambda: warmup.run(service, pages, plan["warmup"]) if plan.get("warmup") else None),
        ("before", pages.snapshot),
        ("models", lambda: contract.models(service)),
        ("calls", lambda: contract.calls(service)),
        ("errors", lambda: contract.errors(service)),
        ("refusals", lambda: contract.refusals(service) if plan.get("auth", True) else []),
        ("requests", lambda: groups.run(service, pages, plan["groups"])),
        ("after", pages.snapshot),
        ("ranks", lambda: ranks.run(service, pages, plan["ranks"]) if plan.get("ranks") else None),
        ("eviction", lambda: eviction.run(service, pages, plan["eviction"]) if plan.get("eviction") else None),
    ]
    document: dict[str, Any] = {"format": 1}
    faults: dict[str, str] = {}
    for name, part in parts:
        try:
            found = part()
            if found is not None:
                document[name] = found
                say(f"proof: {name} measured")
        except Exception as error:  # a lost part must not lose the others
            faults[name] = f"{type(error).__name__}: {error}"[:TEXT_KEPT]
            say(f"proof: {name} failed")
    document["faults"] = faults
    return document
