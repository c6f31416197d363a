# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fabric in the reports: table, picture, line, sheet; hostile names stay text."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.llmd.openshift.plugins.module_utils._report import document, fabric, html, markdown, text

from tests.unit.plugins.module_utils._fabric.sites import designed, good, infiniband, node, rail, snapshot

ROOT = Path(__file__).resolve().parents[5]
TEMPLATE = (ROOT / "roles/report/templates/report.html.j2").read_text()


def report(design):
    plan = {"steps": [{"title": "x", "stage": "fabric", "changes": [], "disruption": {}}], "disruption": {}, "fabric": design}
    return document.build("c", "run", "2026-11-30T12:00:00Z", [], {"path": "pd_disaggregation"}, {}, {}, plan, {}, None)


def test_table_and_picture():
    drawn = fabric.table(designed(good(15)))
    assert (len(drawn["nodes"]), drawn["more"], len(drawn["rows"])) == (12, 3, 8)
    assert drawn["rows"][2]["cells"][1]["name"] == "ens26f0np0" and drawn["rows"][2]["gpus"] == [2]
    page = html.render(report(designed(good(15))), TEMPLATE)
    assert page.count("<svg") == 1 and "And 3 more nodes" in page and "10.90.32.0/19" in page and "Sheet for the network team" in page
    assert fabric.table(designed(good(), path="inference_scheduling")) == {}
    assert "<svg" not in html.render(report(designed(good(), path="inference_scheduling")), TEMPLATE)


def test_names_of_a_cluster_stay_text():
    bad = snapshot(node("<script>alert(1)</script>", nics=[rail(index, name=f"<b>{index}") for index in range(8)]))
    page = html.render(report(designed(bad)), TEMPLATE)
    assert "<script>alert" not in page and "<b>0" not in page


def test_one_line_and_the_sheet():
    assert "fabric   8 rails of RoCE on 2 nodes, sriov" in text.render(report(designed(good())), [])
    assert "8 rails of InfiniBand" in fabric.line(designed(snapshot(infiniband("a")), rail_range=None))
    assert fabric.line(designed(good(), path="kv_cache_offload")) == "" and fabric.line({}) == ""
    assert "aren't known" in fabric.line(designed(snapshot({**node("a"), "nics": None})))
    page = markdown.render(report(designed(good())))
    assert "## Sheet for the network team" in page and "priority 3 only" in page
