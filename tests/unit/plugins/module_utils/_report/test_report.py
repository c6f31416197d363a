# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report: journal, document, and the three renderings; hostile strings stay inert."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._report import document, html, journal, junit, text

ROOT = Path(__file__).resolve().parents[5]
TEMPLATE = (ROOT / "roles/report/templates/report.html.j2").read_text()
SCHEMA = json.loads((ROOT / "data/schema/report.json").read_text())


def event(time: str, kind: str, stage: str, run: str = "r2") -> dict:
    return {"time": f"2026-11-24T10:00:{time}Z", "run": run, "event": kind, "stage": stage}


EVENTS = [
    event("00", "begin", "access", run="r1"),
    event("01", "begin", "access"),
    event("03", "end", "access"),
    event("03", "begin", "operators"),
    event("09.5", "failed", "operators"),
]


def finding(**changes: object) -> dict:
    base = {
        "id": "gpu-model",
        "status": "pass",
        "deciding": True,
        "subject": "node gpu-0",
        "observed": "H200",
        "expected": "H100, H200, B200 or A100",
        "remedy": "none",
        "source": "matrix 3.3",
    }
    return {**base, **changes}


def report(failure: dict | None = None, **changes: object) -> dict:
    facts = {
        "declared": {"release": "3.3", "path": "inference_scheduling"},
        "snapshot": {
            "cluster": {"id": "abc", "name": None},
            "openshift": {"version": "4.20.4"},
            "nodes": [
                {
                    "name": "gpu-0",
                    "roles": ["worker"],
                    "ready": True,
                    "schedulable": True,
                    "nics": None,
                    "accelerators": {"model": "H200", "count": 8, "source": "gfd"},
                }
            ],
        },
        "assessment": {
            "findings": [finding(), finding(id="pool-degraded", status="fail", observed="worker degraded")],
            "verdicts": [
                {
                    "path": "inference_scheduling",
                    "release": "3.3",
                    "verdict": "supported",
                    "tier": "GA",
                    "finding_ids": ["gpu-model"],
                },
                {"path": "inference_scheduling", "release": "2.25", "verdict": "conditional", "tier": "TP"},
            ],
        },
        "plan": {
            "steps": [
                {
                    "id": "s",
                    "stage": "operators",
                    "title": "t",
                    "changes": [{"object": "Namespace x", "action": "create"}],
                    "disruption": {"kinds": [], "nodes": []},
                }
            ],
            "disruption": {"kinds": ["driver"]},
        },
        "proof": {
            "path": "inference_scheduling",
            "status": "proven",
            "checks": [finding(id="picker-counted")],
            "numbers": {"requests": 24},
        },
    }
    facts.update(changes)
    return document.build("cluster-a", "run", "2026-11-24T10:01:00Z", EVENTS, failure=failure, **facts)


def test_the_document_fits_its_schema() -> None:
    jsonschema.validate(report(), SCHEMA)
    jsonschema.validate(report(failure={"stage": "operators", "task": "t", "message": "m", "error": {}}), SCHEMA)


def test_a_run_that_stopped_early_still_gives_a_document() -> None:
    empty = report(
        failure={"stage": "access", "task": "", "message": "wrong cluster", "error": {}},
        declared={},
        snapshot={},
        assessment={},
        plan={},
        proof={},
    )
    jsonschema.validate(empty, SCHEMA)
    assert empty["outcome"] == "failed" and empty["cluster"] == {"name": "cluster-a", "id": None, "openshift": None}
    assert "wrong cluster" in html.render(empty, TEMPLATE)
    assert any("wrong cluster" in line for line in text.render(empty, []))


@pytest.mark.parametrize(
    ("proof", "failure", "outcome"),
    [
        ({"status": "proven"}, None, "proven"),
        ({"status": "unknown"}, None, "not proven"),
        ({"status": "failed"}, None, "not proven"),
        ({"status": "proven"}, {"stage": "verify", "message": "m"}, "failed"),
        ({}, None, "read only"),
    ],
)
def test_outcome(proof: dict, failure: dict | None, outcome: str) -> None:
    assert report(failure=failure, proof=proof)["outcome"] == outcome


def test_timeline_takes_the_last_run_only() -> None:
    rows = journal.stages(journal.last_run(EVENTS))
    assert [(r["stage"], r["state"], r["seconds"]) for r in rows] == [
        ("access", "done", 2.0),
        ("operators", "failed", 6.5),
    ]


def test_a_killed_run_leaves_an_open_stage_and_a_half_line_is_no_error() -> None:
    content = "".join(journal.line(item) for item in EVENTS[:4]) + '{"time": "2026-'
    events = journal.parse(content)
    assert journal.open_stage(events) == "operators"
    assert journal.stages(journal.last_run(events))[-1]["state"] == "open"
    assert journal.open_stage(journal.parse("")) is None


def test_the_journal_keeps_the_newest_runs() -> None:
    events = [event("00", "begin", "access", run=f"r{n}") for n in range(30)]
    assert [item["run"] for item in journal.pruned(events, kept=3)] == ["r27", "r28", "r29"]


def test_junit_counts_unknown_as_error_and_never_as_passed() -> None:
    findings = [
        finding(),
        finding(status="fail"),
        finding(status="unknown"),
        finding(status="waived"),
        finding(status="warn"),
    ]
    root = ElementTree.fromstring(junit.render(report(assessment={"findings": findings, "verdicts": []})))
    suite = root.find("testsuite[@name='findings']")
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }


def test_hostile_strings_are_inert_everywhere() -> None:
    hostile = finding(
        status="fail", subject="<script>alert(1)</script>", observed="{{ 7*7 }} \x1b[31mred\x1b[0m \x00 ☃", remedy="<b>"
    )
    made = report(assessment={"findings": [hostile], "verdicts": []})
    page = html.render(made, TEMPLATE)
    assert "<script>alert" not in page and "&lt;script&gt;" in page and "{{ 7*7 }}" in page
    ElementTree.fromstring(junit.render(made))
    lines = "\n".join(text.render(made, []))
    assert "\x1b" not in lines and "\\x1b[31m" in lines and "☃" in lines


def test_the_summary_names_what_to_do_for_failures_only() -> None:
    lines = text.render(report(), ["reports/x/report.html"])
    assert any("pool-degraded" in line for line in lines) and not any("gpu-model" in line for line in lines)
    assert lines[-1] == "report   reports/x/report.html"


def test_the_summary_leaves_other_paths_to_the_files() -> None:
    own, other, general = finding(status="fail"), finding(status="fail"), finding(status="fail")
    own.update(path="inference_scheduling", observed="own")
    other.update(path="pd_disaggregation", observed="not ours")
    general.update(path=None, observed="all paths")
    made = report(assessment={"findings": [own, other, general], "verdicts": []})
    lines = "\n".join(text.render({**made, "path": "inference_scheduling"}, []))
    assert "own" in lines and "all paths" in lines and "not ours" not in lines


def test_bars_fill_the_width() -> None:
    rows = html.bars(journal.stages(journal.last_run(EVENTS)))
    assert rows[0]["left"] == 0 and round(rows[-1]["left"] + rows[-1]["width"]) == 100


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x9b", "\u202e", "\u2067"])
def test_a_page_has_no_terminal_control_and_no_turned_text(character: str) -> None:
    assert html.inert(f"<p>a{character}b\n\tc é 节</p>") == "<p>a\ufffdb\n\tc é 节</p>"


# ---- measurements ----


def test_what_was_measured_is_a_finding_and_a_matrix():
    measured = finding(id="fabric-bandwidth", status="fail", subject="rail 1 of node b", observed="80 Gbit/s", path="pd_disaggregation", release=None, blocking=True)
    cell = {"gbit": 80.0, "usec": 2.5, "status": "fail", "why": "<script>"}
    check = {"status": "fail", "findings": [measured], "matrix": {"columns": ["a to b"], "rows": [{"rail": 1, "cells": [cell]}]},
             "numbers": {"links": 1, "least_gbit": 80.0, "median_gbit": 80.0}}  # fmt: skip
    made = report(measured={"fabric": check, "drives": {}})
    jsonschema.validate(made, SCHEMA)
    assert list(made["measured"]) == ["fabric"] and "fabric-bandwidth" in [item["id"] for item in made["findings"]]
    page = html.render(made, TEMPLATE)
    assert "Rails, measured" in page and ">80.0<" in page and "<script>" not in page.split("Rails, measured")[1].split("Timeline")[0]
    assert "Rails, measured" not in html.render(report(), TEMPLATE)
