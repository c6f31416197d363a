# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts that the support article gives, written by hand from it (not from data/matrix): hardware x release x path.

Columns: scheduling, P/D, CPU offload, wide expert parallelism over several nodes.
"""

from __future__ import annotations

import pytest

from tests.unit.plugins.module_utils._assess import clusters

YES, TP, DP, NO, UNKNOWN = (
    ("supported", "GA"),
    ("conditional", "TP"),
    ("conditional", "DP"),
    ("unsupported", "none"),
    ("unknown", None),
)
PATHS = ("inference_scheduling", "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism")
GA_RELEASES = ("3.0", "3.2", "3.3")

CLUSTERS = {
    "H200 with RDMA": [clusters.node("a"), clusters.node("b")],
    "H100 with RDMA": [clusters.node("a", "H100"), clusters.node("b", "H100")],
    "B200 with RDMA": [clusters.node("a", "B200"), clusters.node("b", "B200")],
    "A100 with RDMA": [clusters.node("a", "A100"), clusters.node("b", "A100")],
    "H200 without RDMA": [clusters.node("a", rdma="absent"), clusters.node("b", rdma="absent")],
    "A100 without RDMA": [clusters.node("a", "A100", rdma="absent")],
    "MI300X": [clusters.node("a", "MI300X"), clusters.node("b", "MI300X")],
    "L40S": [clusters.node("a", "L40S")],
    "GB200": [clusters.node("a", "GB200"), clusters.node("b", "GB200")],
    "H200 and B200": [clusters.node("a"), clusters.node("b", "B200")],
    "H200 and MI300X": [clusters.node("a"), clusters.node("b", "MI300X")],
    "no GPU": [clusters.node("a", None, count=0)],
    "H200 without NVMe": [clusters.node("a", nvme=0), clusters.node("b", nvme=0)],
    "H200 on 10 GbE alone": [clusters.node("a", rdma="absent", gbit=10)],
}
CLUSTERS["no GPU"][0]["accelerators"]["vendor"] = None

EXPECTED = {
    "H200 with RDMA": (YES, YES, YES, DP),
    "H100 with RDMA": (YES, YES, YES, DP),
    "B200 with RDMA": (YES, YES, YES, DP),
    "A100 with RDMA": (YES, NO, YES, NO),
    "H200 without RDMA": (YES, NO, YES, NO),
    "A100 without RDMA": (YES, NO, YES, NO),
    "MI300X": (YES, NO, YES, NO),
    "L40S": (NO, NO, NO, NO),
    "GB200": (NO, NO, NO, NO),
    # The article says nothing of mixtures for CPU offload.
    "H200 and B200": (YES, NO, ("unknown", "GA"), NO),
    "H200 and MI300X": (NO, NO, NO, NO),
    "no GPU": (NO, NO, NO, NO),
    "H200 without NVMe": (YES, YES, YES, NO),
    "H200 on 10 GbE alone": (NO, NO, YES, NO),
}


def cells(judged, nodes, release, **declared):
    more = {"openshift": declared.pop("openshift")} if "openshift" in declared else {}
    made = judged(
        clusters.snapshot(clusters.control_plane("m0"), *nodes, **more), clusters.declared(release=release, **declared)
    )
    by_path = {
        verdict["path"]: (verdict["verdict"], verdict["tier"])
        for verdict in made["verdicts"]
        if verdict["release"] == release
    }
    return tuple(by_path[path] for path in PATHS)


@pytest.mark.parametrize("release", GA_RELEASES)
@pytest.mark.parametrize("name", EXPECTED)
def test_generally_available_releases(judged, name, release):
    assert cells(judged, CLUSTERS[name], release) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_2_25_is_a_technology_preview_at_best(judged, name):
    wanted = tuple({YES: TP, DP: TP, ("unknown", "GA"): ("unknown", "TP")}.get(cell, cell) for cell in EXPECTED[name])
    assert cells(judged, CLUSTERS[name], "2.25") == wanted


@pytest.mark.parametrize("release", ["3.4", "3.5"])
@pytest.mark.parametrize("name", ["H200 with RDMA", "L40S"])
def test_releases_whose_table_nobody_has_read_are_unknown(judged, name, release):
    assert {cell[0] for cell in cells(judged, CLUSTERS[name], release)} == {"unknown"}


@pytest.mark.parametrize("release", GA_RELEASES)
def test_wide_expert_parallelism_within_one_node(judged, release):
    assert cells(judged, CLUSTERS["H200 with RDMA"], release, wep_nodes="single")[3] == YES
    assert cells(judged, CLUSTERS["B200 with RDMA"], release, wep_nodes="single")[3] == TP


@pytest.mark.parametrize(
    ("openshift", "v2_25", "v3_3"),
    [
        ("4.18.30", NO, NO), ("4.19.8", NO, NO), ("4.19.9", TP, NO), ("4.19.27", TP, NO), ("4.20.0", TP, YES), ("4.22.3", TP, YES),
        ("4.20.0-rc.3", ("unknown", "TP"), ("unknown", "GA")), ("4.19.9-rc.1", ("unknown", "TP"), NO), ("5.0.0", ("unknown", "TP"), ("unknown", "GA")),
        ("banana", ("unknown", "TP"), ("unknown", "GA")), (None, ("unknown", "TP"), ("unknown", "GA")),
    ],
)  # fmt: skip
def test_versions_of_openshift(judged, openshift, v2_25, v3_3):
    assert cells(judged, CLUSTERS["H200 with RDMA"], "2.25", openshift=openshift)[0] == v2_25
    assert cells(judged, CLUSTERS["H200 with RDMA"], "3.3", openshift=openshift)[0] == v3_3


def test_an_unknown_release_is_unknown(judged):
    assert {cell[0] for cell in cells(judged, CLUSTERS["H200 with RDMA"], "9.9")} == {"unknown"}
