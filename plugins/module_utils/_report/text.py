# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary for the terminal and for AAP's log: short, plain characters, hostile control characters made visible."""

from __future__ import annotations

from typing import Any

from . import fabric

MARK = {"pass": "ok", "fail": "FAIL", "warn": "warn", "unknown": "unknown", "waived": "waived"}


def render(report: dict[str, Any], files: list[str]) -> list[str]:
    """Lines of the summary."""
    cluster = report["cluster"]
    lines = [
        f"{cluster['name']}  OpenShift {cluster['openshift'] or 'unknown'}  id {cluster['id'] or 'unknown'}",
        f"outcome  {report['outcome']}" + ("  (check mode: nothing was changed)" if report["mode"] == "check" else ""),
    ]
    lines += _verdicts(report)
    lines += _findings(report)
    lines += _plan(report["plan"])
    lines += _proof(report["proof"])
    lines += _diagnosis(report["diagnosis"])
    if report["failure"]:
        lines += ["stopped at " + (report["failure"].get("stage") or "?"), "  " + str(report["failure"].get("message"))]
    lines += [f"report   {path}" for path in files]
    return [printable(line) for line in lines]


def printable(text: str) -> str:
    """*text* with control characters (ANSI escapes of a hostile cluster) shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _verdicts(report: dict[str, Any]) -> list[str]:
    lines = []
    for path, row in report["paths"].items():
        chosen = "*" if path == report["path"] else " "
        tier = f" ({row['tier']})" if row["tier"] else ""
        override = f"  OVERRIDDEN: {row['override']}" if row.get("override") else ""
        lines.append(f"{chosen} {path:26} {row['verdict']}{tier} on RHOAI {report['release']}{override}")
        lines += [f"    nearest yes: {change}" for change in row["nearest_yes"]]
    if report["paths"]:
        lines.append(f"best release for {report['path']}: {report['best_release'] or 'none of the matrix'}")
    return lines


def _findings(report: dict[str, Any]) -> list[str]:
    """What decides this run: findings of the declared path and of all paths. Those of other paths are in the files."""
    lines = []
    because = set((report["paths"].get(report["path"]) or {}).get("because") or [])
    for item in report["findings"]:
        elsewhere = (item.get("path") or report["path"]) != report["path"]
        beside = because and item["id"] not in because and item["status"] != "fail"
        if item["status"] == "pass" or elsewhere or beside:
            continue
        lines.append(
            f"  {MARK.get(item['status'], item['status']):8}{item['id']}{_of(item)} {item['subject']}: {item['observed']}"
        )
        if item["status"] in ("fail", "unknown") and item.get("remedy"):
            lines.append(f"          do: {item['remedy']}")
    return lines


def _of(item: dict[str, Any]) -> str:
    """Which path a finding is about, where it isn't about all."""
    return f" [{item['path']}]" if item.get("path") else ""


def _plan(plan: dict[str, Any]) -> list[str]:
    steps = plan.get("steps") or []
    if not steps:
        return []
    changes = [change for step in steps for change in step.get("changes") or [] if change.get("action") != "keep"]
    disruption = plan.get("disruption") or {}
    kinds = ", ".join(disruption.get("kinds") or []) or "none"
    network = fabric.line(plan.get("fabric") or {})
    return [f"plan     {len(changes)} changes, disruption: {kinds}", *([network] if network else [])]


def _proof(proof: dict[str, Any]) -> list[str]:
    if not proof:
        return []
    lines = [f"proof    {proof.get('status')}  {proof.get('path', '')}"]
    for check in proof.get("checks") or []:
        lines.append(f"  {MARK.get(check['status'], check['status']):8}{check['id']}: {check['observed']}")
        if check["status"] in ("fail", "unknown") and check.get("remedy"):
            lines.append(f"          do: {check['remedy']}")
    return lines + _benchmark((proof.get("benchmark") or {}).get("result") or {})


def _benchmark(result: dict[str, Any]) -> list[str]:
    """What others measured; the ready commands are in the files only."""
    lines = []
    for run in result.get("runs") or []:
        shown = [f"{run[key]:g} {unit}" for key, unit in (("requests_per_second", "requests/s"), ("output_tokens_per_second", "output tokens/s"),
                                                          ("first_token_ms_p50", "ms to the first token (median)")) if run.get(key) is not None]  # fmt: skip
        lines.append(f"  {result['tool']:8} {run.get('load') or ''}: {', '.join(shown) or 'no figures'}")
    return [f"measured by others  {result['file']}", *lines] if result else []


def _diagnosis(diagnosis: dict[str, Any]) -> list[str]:
    """The cause alone; the way was shown while it was walked, and is in the files."""
    if not diagnosis:
        return []
    cause = diagnosis.get("cause")
    if not cause:
        return [f"cause    none found ({diagnosis.get('status')})"]
    seen = [f"  seen    {line}" for line in cause["evidence"]]
    also = [f"also     {row['cause']} [{row['id']}]" for row in diagnosis.get("also") or []]
    return [f"cause    {cause['cause']} [{cause['id']}]", *seen, f"  do      {cause['repair']}", *also]
