# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table over all clusters, the ticket in Markdown, and names that are taken out."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._report import document, fleet, html, markdown, redact

ROOT = Path(__file__).resolve().parents[5]
TEMPLATE = (ROOT / "roles/report/templates/fleet.html.j2").read_text()
SCHEMA = json.loads((ROOT / "data/schema/fleet.json").read_text())
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> {{ 7*7 }} \x1b[31m [x](http://evil) @someone | `a` *b*"


def finding(**changes: Any) -> dict[str, Any]:
    base = {"id": "fabric-rdma", "status": "fail", "subject": "node gpu-0.example.com", "observed": "no port on gpu-0.example.com", "expected": "a port"}
    return {**base, "deciding": True, "remedy": "Connect gpu-0.", "source": "https://access.redhat.com/articles/7136620", "path": None, **changes}


def node(name: str, gpu: str | None = "H200", count: int | None = 8) -> dict[str, Any]:
    short = name.split(".")[0]
    return {"name": name, "roles": ["worker"], "labels": {"kubernetes.io/hostname": short}, "accelerators": {"model": gpu, "count": count}}


def snapshot(*nodes: dict[str, Any]) -> dict[str, Any]:
    cluster = {"id": "abc", "name": "prod-x7k2p", "api_url": "https://api.prod.example.com:6443"}
    return {"read_at": "2026-11-24T10:00:00Z", "cluster": cluster, "openshift": {"version": "4.20.4"}, "nodes": list(nodes), "pools": [{"name": "worker"}]}


def report(host: str = "a", verdict: str = "supported", failure: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    verdicts = [
        {"path": path, "release": "3.3", "verdict": verdict, "tier": "GA", "reasons": ["r"], "finding_ids": ["fabric-rdma"], "nearest_yes": ["Mend gpu-0."]}
        for path in ("inference_scheduling", "pd_disaggregation")
    ]
    facts: dict[str, Any] = {
        "declared": {"release": "3.3", "path": "inference_scheduling"},
        "snapshot": snapshot(node("gpu-0.example.com"), node("gpu-1.example.com"), node("m0", None, None)),
        "assessment": {"findings": [finding()], "verdicts": verdicts, "best_release": "3.3", "best_releases": {"inference_scheduling": "3.3", "pd_disaggregation": None}},
        "plan": {},
        "proof": {},
    }
    facts.update(changes)
    return document.build(host, "run", "2026-11-24T10:00:00Z", [], failure=failure, **facts)


def broken(host: str) -> dict[str, Any]:
    empty: dict[str, Any] = {key: {} for key in ("declared", "snapshot", "assessment")}
    return report(host, failure={"stage": "access", "message": "can't be reached"}, **empty)


def table(*reports: dict[str, Any], hosts: tuple[str, ...] = ()) -> dict[str, Any]:
    made: Any = None
    for one in reports:
        made = fleet.merged(made, "run-1", list(hosts), fleet.row(one))
    jsonschema.validate(made, SCHEMA)
    return made


def test_a_row_says_what_matters():
    row = fleet.row(report())
    assert (row["verdict"], row["tier"], row["gpus"], row["best_release"], row["fail"]) == ("supported", "GA", "16 x H200", "3.3", 1)
    assert row["report"] == "a/report.html" and row["paths"]["pd_disaggregation"]["verdict"] == "supported"


def test_broken_and_missing_clusters_have_a_row_too():
    made = table(report("a"), broken("b"), hosts=("a", "b", "c"))
    assert [(row["host"], row["outcome"]) for row in made["clusters"]] == [("a", "nothing done"), ("b", "failed"), ("c", "no report yet")]
    page = html.render_fleet(made, TEMPLATE)
    assert "reached" in page and page.count("not assessed</span>") == 2 and 'href="a/report.html"' in page


def test_a_second_run_starts_a_new_table():
    first = fleet.merged(None, "run-1", ["a", "b"], fleet.row(report("b")))
    second = fleet.merged(first, "run-2", ["a"], fleet.row(report("a")))
    assert [row["host"] for row in second["clusters"]] == ["a"]


@pytest.mark.parametrize("left", [None, [], "x", {"schema": "other"}, {"schema": fleet.SCHEMA, "run": "run-0", "clusters": 3}])
def test_what_is_no_table_is_dropped(left):
    assert len(fleet.merged(left, "run-1", ["a"], fleet.row(report("a")))["clusters"]) == 1


def test_csv_has_no_formulas_and_reads_back():
    made = table(broken("b"), report("=a", declared={"release": "3.3", "path": HOSTILE}))
    rows = list(csv.DictReader(io.StringIO(fleet.as_csv(made))))
    assert tuple(rows[0]) == fleet.COLUMNS and len(rows) == 2
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@")) or "\x1b" in cell for cell in row.values())


def test_hostile_texts_are_inert_in_the_table():
    made = table(report("a", failure={"stage": "x", "message": HOSTILE}))
    page = html.render_fleet(made, TEMPLATE)
    assert "<script>alert" not in page and "{{ 7*7 }}" in page


# ---- Markdown ----


def test_a_ticket_names_verdicts_and_what_to_do():
    page = markdown.render(report())
    assert "| inference\\_scheduling (declared) | supported | GA |" in page and "Connect gpu-0." in page
    assert "<https://access.redhat.com/articles/7136620>" in page
    assert "| best for this cluster | 3.3 | none |" in page


def test_a_ticket_of_a_run_that_stopped_early():
    page = markdown.render(broken("b"))
    assert "**Stopped at access:** can't be reached" in page and "stopped before the assessment" in page


def test_hostile_texts_cannot_format_link_or_mention():
    found = finding(observed=HOSTILE, subject="a\n\n# b", remedy="https://evil.example.com/", source="javascript:alert(1)")
    page = markdown.render(report(assessment={"findings": [found], "verdicts": []}))
    plain = re.sub(r"\\\\.", "", page)
    assert "\x1b" not in page and "@" not in page and "https://evil" not in page and "<script>" not in plain and "[x]" not in plain
    assert "\n# b" not in page and "<javascript" not in page


def test_a_ticket_stays_short():
    many = [finding(subject=f"node {number}") for number in range(500)]
    page = markdown.render(report(assessment={"findings": many, "verdicts": []}))
    assert "440 more are in report.html" in page and page.count("| fail |") == markdown.LONGEST


# ---- redaction ----


def test_names_are_replaced_everywhere_by_the_same_number():
    cluster = snapshot(node("gpu-0.example.com"), node("gpu-1.example.com"), node("gpu-10.example.com"), node("worker"))
    names = redact.names_in(cluster)
    said = redact.redacted(
        {"gpu-1": "node gpu-0.example.com, gpu-10.example.com; gpu-1 and xgpu-1 in prod-x7k2p at api.prod.example.com:6443", "roles": ["worker"]}, names
    )
    assert said == {"node-2": "node node-1, node-3; node-2 and xgpu-1 in cluster at api.cluster.invalid:6443", "roles": ["worker"]}


def test_a_redacted_report_has_no_name_left():
    cluster = snapshot(node("gpu-0.example.com"), node("gpu-1.example.com"))
    names = redact.names_in(cluster)
    findings = redact.redacted({"findings": [finding()], "verdicts": []}, names)
    made = report(snapshot=redact.redacted(cluster, names), assessment=findings)
    assert "example.com" not in json.dumps(made) and "prod-x7k2p" not in json.dumps(made) and "node-1" in json.dumps(made)


@pytest.mark.parametrize("cluster", [{}, {"nodes": None}, {"nodes": [None, {"name": None}, {"name": 3, "labels": None}], "cluster": {"api_url": "::"}}])
def test_strange_facts_have_no_names(cluster):
    assert redact.redacted({"a": ["b", 1, None]}, redact.names_in(cluster)) == {"a": ["b", 1, None]}
