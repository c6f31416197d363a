# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML page of a report: one self-contained file (no script or style from elsewhere), everything escaped."""

from __future__ import annotations

import re
from typing import Any

from . import fabric

try:
    from jinja2 import ChainableUndefined, Environment
except ImportError:  # ansible-core itself needs Jinja2: only tools that import files one by one come here
    Environment = None  # type: ignore[assignment,misc]


_ACTIVE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def render(report: dict[str, Any], template: str) -> str:
    """The page. *template* is the text of roles/report/templates/report.html.j2."""
    environment = Environment(autoescape=True, undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True)
    return inert(environment.from_string(template).render(report=report, bars=bars(report["stages"]), rails=fabric.table(report["plan"].get("fabric") or {})))


def render_fleet(table: dict[str, Any], template: str) -> str:
    """The page over all clusters of a run. *template* is the text of roles/report/templates/fleet.html.j2."""
    environment = Environment(autoescape=True, undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True)
    return inert(environment.from_string(template).render(fleet=table))


def inert(page: str) -> str:
    """The page without what escaping for HTML leaves as it is: terminal control, and marks that turn the direction of text."""
    return _ACTIVE.sub("\N{REPLACEMENT CHARACTER}", page)


def bars(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Timeline rows with ``left`` and ``width`` in percent of the run."""
    total = sum(row["seconds"] or 0 for row in stages) or 1
    rows, left = [], 0.0
    for row in stages:
        width = 100 * (row["seconds"] or 0) / total
        rows.append({**row, "left": round(left, 2), "width": round(max(width, 0.3), 2)})
        left += width
    return rows
