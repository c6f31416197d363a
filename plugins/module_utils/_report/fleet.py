# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table over all clusters of a run: one row a cluster, in JSON, CSV and HTML. Pure; the action keeps the file and its lock.

Each cluster adds its own row when its report is written, so the table is there however the other clusters end.
"""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

from .text import printable

SCHEMA = "https://llmd.openshift/schema/fleet/1"
NO_REPORT = "no report yet"
COLUMNS = (
    "host", "cluster", "id", "openshift", "release", "path", "verdict", "tier", "best_release", "outcome", "gpus", "nodes", "fail", "unknown",
    "warn", "waived", "nearest_yes", "failure", "report",
)  # fmt: skip


def row(report: dict[str, Any]) -> dict[str, Any]:
    """What the table says of one cluster."""
    chosen = report["paths"].get(report["path"]) or {}
    statuses = [item["status"] for item in report["findings"]]
    return {
        "host": report["host"],
        "cluster": report["cluster"]["name"],
        "id": report["cluster"]["id"],
        "openshift": report["cluster"]["openshift"],
        "release": report["release"],
        "path": report["path"],
        "verdict": chosen.get("verdict"),
        "tier": chosen.get("tier"),
        "best_release": report["best_release"],
        "outcome": report["outcome"],
        "gpus": _gpus(report["nodes"]),
        "nodes": len(report["nodes"]),
        **{status: statuses.count(status) for status in ("fail", "unknown", "warn", "waived")},
        "nearest_yes": "; ".join(chosen.get("nearest_yes") or []),
        "failure": (report["failure"] or {}).get("message"),
        "report": f"{quote(report['host'])}/report.html",
        "written": report["written"],
        "paths": {path: {key: cell[key] for key in ("verdict", "tier")} for path, cell in report["paths"].items()},
    }


def _gpus(nodes: list[dict[str, Any]]) -> str | None:
    """Like "16 x H200"; None where no GPU is known."""
    counts: dict[str, int] = {}
    for node in nodes:
        if node["gpu"]:
            counts[node["gpu"]] = counts.get(node["gpu"], 0) + (node["gpu_count"] or 0)
    return ", ".join(f"{count or '?'} x {model}" for model, count in sorted(counts.items())) or None


def waiting(host: str) -> dict[str, Any]:
    """The row of a cluster of this run that has written no report (yet)."""
    empty = {key: None for key in (*COLUMNS, "written")}
    return {**empty, "host": host, "outcome": NO_REPORT, "paths": {}}


def merged(table: Any, run: str, hosts: list[str], own: dict[str, Any]) -> dict[str, Any]:
    """The table with this cluster's row. What another run left in the file, or what isn't a table, is dropped."""
    known: dict[str, Any] = {}
    if isinstance(table, dict) and table.get("schema") == SCHEMA and table.get("run") == run:
        known = {entry["host"]: entry for entry in table["clusters"]}
    known[own["host"]] = own
    order = sorted({*hosts, *known})
    return {
        "schema": SCHEMA,
        "run": run,
        "written": own["written"],
        "clusters": [known.get(host) or waiting(host) for host in order],
    }


def as_csv(table: dict[str, Any]) -> str:
    """For spreadsheets; a text that they would take for a formula gets an apostrophe in front."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for entry in table["clusters"]:
        writer.writerow([_cell(entry[key]) for key in COLUMNS])
    return buffer.getvalue()


def _cell(value: Any) -> str:
    text = printable("" if value is None else str(value))
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") else text
