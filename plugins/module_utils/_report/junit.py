# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JUnit of a report: one case a finding, a proof check and a stage, so that CI systems and AAP dashboards can show it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from .text import printable


def render(report: dict[str, Any]) -> str:
    """XML text. ``fail`` is a failure, ``unknown`` an error (it never counts as passed), ``waived`` is skipped."""
    root = ElementTree.Element("testsuites", name=f"llmd.openshift {report['host']}")
    _suite(root, "findings", [_finding(item) for item in report["findings"]])
    _suite(root, "proof", [_finding(item) for item in (report["proof"] or {}).get("checks") or []])
    _suite(root, "stages", [_stage(row, report["failure"]) for row in report["stages"]])
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ElementTree.Element, name: str, cases: list[ElementTree.Element]) -> None:
    count = {tag: sum(case.find(tag) is not None for case in cases) for tag in ("failure", "error", "skipped")}
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(count["failure"]),
        errors=str(count["error"]),
        skipped=str(count["skipped"]),
    )
    suite.extend(cases)


def _finding(item: dict[str, Any]) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_safe(item["id"]), name=_safe(item.get("subject") or item["id"]))
    text = f"observed: {item.get('observed')}\nexpected: {item.get('expected')}\ndo: {item.get('remedy')}\nsource: {item.get('source')}"
    tag = {"fail": "failure", "unknown": "error", "waived": "skipped"}.get(item["status"])
    if tag:
        ElementTree.SubElement(case, tag, message=_safe(str(item.get("observed")))).text = _safe(text, keep="\n")
    elif item["status"] == "warn":
        ElementTree.SubElement(case, "system-out").text = _safe("warning\n" + text, keep="\n")
    return case


def _stage(row: dict[str, Any], failure: dict[str, Any] | None) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname="stage", name=_safe(row["stage"]), time=str(row["seconds"] or 0))
    if row["state"] == "failed":
        message = _safe(str((failure or {}).get("message") or "failed"), keep="\n")
        ElementTree.SubElement(case, "failure", message=message.splitlines()[0] if message else "failed").text = message
    elif row["state"] == "open":
        ElementTree.SubElement(case, "error", message="the stage began and never ended")
    return case


def _safe(text: str, keep: str = "") -> str:
    """XML 1.0 forbids most control characters: they are shown as escapes."""
    return "".join(c if c in keep else printable(c) for c in text)
