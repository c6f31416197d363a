# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for a ticket: Markdown in which the cluster's own words can't format, link, embed or mention anything."""

from __future__ import annotations

import re
from typing import Any

from .text import printable

LONGEST = 60  # findings that a ticket shows; the rest is in report.html
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")


def inert(value: Any) -> str:
    """Any text as one line of plain words."""
    text = printable(" ".join(str(value if value is not None else "").split()))
    return _SPECIAL.sub(r"\\\1", text).replace("@", "&#64;").replace("://", "&#58;//")


def _link(source: Any) -> str:
    """A source that is a plain https address stays one: it comes from the data, or from the site's own inventory."""
    return f"<{source}>" if re.fullmatch(r"https://[\w./#?=%-]+", str(source)) else inert(source)


def render(report: dict[str, Any]) -> str:
    """The page; as long as a ticket takes."""
    cluster = report["cluster"]
    lines = [
        f"# {inert(cluster['name'])}: llm-d {inert(report['outcome'])}",
        "",
        f"OpenShift {inert(cluster['openshift'] or 'unknown')}, cluster id {inert(cluster['id'] or 'unknown')}, RHOAI {inert(report['release'] or '?')}, "
        f"path {inert(report['path'] or '?')}, written {inert(report['written'])}, facts from {inert(report['facts']['from'])}",
        "",
    ]
    if report["failure"]:
        lines += [
            f"**Stopped at {inert(report['failure'].get('stage'))}:** {inert(report['failure'].get('message'))}",
            "",
        ]
    if report["diagnosis"]:
        lines += ["## Diagnosis", "", *_diagnosis(report["diagnosis"]), ""]
    lines += ["## Verdicts", "", *_verdicts(report), ""]
    lines += ["## Releases", "", *_releases(report), ""] if report["releases"] else []
    lines += ["## Findings", "", *_findings(report["findings"]), ""]
    sheet = (report["plan"].get("fabric") or {}).get("handover") or []
    lines += ["## Sheet for the network team", "", *[f"- {inert(line)}" for line in sheet], ""] if sheet else []
    if report["unreadable"]:
        lines += [
            "Not known: "
            + "; ".join(f"{inert(item['what'])} ({inert(item['why'])})" for item in report["unreadable"][:LONGEST]),
            "",
        ]
    return "\n".join(lines)


def _diagnosis(diagnosis: dict[str, Any]) -> list[str]:
    causes = [cause for cause in [diagnosis.get("cause"), *(diagnosis.get("also") or [])] if cause]
    lines = [f"- **{inert(cause['cause'])}** {inert('; '.join(cause['evidence']))} Do: {inert(cause['repair'])}" for cause in causes]
    return lines or [f"No cause found ({inert(diagnosis.get('status'))})."]


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in [heads, ["---"] * len(heads), *rows]]


def _verdicts(report: dict[str, Any]) -> list[str]:
    rows = [
        [
            inert(path) + (" (declared)" if path == report["path"] else ""),
            inert(row["verdict"]) + (f", overridden: {inert(row['override'])}" if row.get("override") else ""),
            inert(row["tier"] or ""),
            inert("; ".join(row["reasons"])),
            inert("; ".join(row["nearest_yes"])),
        ]
        for path, row in report["paths"].items()
    ]
    return (
        _table(["path", "verdict", "tier", "why", "nearest yes"], rows)
        if rows
        else ["The run stopped before the assessment."]
    )


def _releases(report: dict[str, Any]) -> list[str]:
    paths = list(next(iter(report["releases"].values())))
    rows = [
        [
            inert(release),
            *[
                inert(f"{cells.get(path, {}).get('verdict')} {cells.get(path, {}).get('tier') or ''}".strip())
                for path in paths
            ],
        ]
        for release, cells in report["releases"].items()
    ]
    best = [inert(report["best_releases"].get(path) or "none") for path in paths]
    return _table(["RHOAI", *map(inert, paths)], [*rows, ["best for this cluster", *best]])


def _findings(findings: list[dict[str, Any]]) -> list[str]:
    order = ("fail", "unknown", "warn", "waived")
    kept = sorted((item for item in findings if item["status"] in order), key=lambda item: order.index(item["status"]))
    if not kept:
        return ["Nothing fails, warns or is unknown."]
    rows = [
        [
            *(inert(item[key] or "") for key in ("status", "id", "path", "subject", "observed", "expected", "remedy")),
            _link(item["source"]),
        ]
        for item in kept[:LONGEST]
    ]
    more = ["", f"{len(kept) - LONGEST} more are in report.html."] if len(kept) > LONGEST else []
    return _table(["status", "finding", "path", "subject", "observed", "expected", "what to do", "source"], rows) + more
