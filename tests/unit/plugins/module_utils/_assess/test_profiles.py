# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every profile of the rehearsal x release x path, against verdicts written by hand from the support article (not from data/matrix/).

The snapshots were recorded from running rehearsals by tools/record_snapshots.py, the must-gathers beside them from kubectl's output alone.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._mustgather import snapshot as saved

from tests.unit.plugins.module_utils._assess.clusters import declared

ROOT = Path(__file__).resolve().parents[5]
RECORDED = ROOT / "tests" / "unit" / "data" / "snapshots"
SCHEDULING, PD, OFFLOAD, WEP = (
    "inference_scheduling",
    "pd_disaggregation",
    "kv_cache_offload",
    "wide_expert_parallelism",
)
PATH_ORDER = (SCHEDULING, PD, OFFLOAD, WEP)
GA_RELEASES = ("3.0", "3.2", "3.3")
YES, NO = ("supported", "GA"), ("unsupported", "none")
DP, TP = ("conditional", "DP"), ("conditional", "TP")
OPEN = ("unknown", "GA")  # the tier is stated, a deciding fact isn't
#                   scheduling  P/D   offload  WEP over several nodes
BY_HAND = {
    # H100, H200, B200 with RDMA and NVMe: all four paths; WEP multi-node is a Developer Preview by the notes.
    "h200-roce":      (YES,      YES,  YES,     DP),
    "h100-ib":        (YES,      YES,  YES,     DP),
    "compact-h100":   (YES,      YES,  YES,     DP),
    "b200-roce":      (YES,      YES,  YES,     DP),
    # No RDMA fabric: neither P/D nor WEP.
    "h200-bare":      (YES,      NO,   YES,     NO),
    # A100 is listed for scheduling and offload only.
    "a100-ethernet":  (YES,      NO,   YES,     NO),
    "sno-a100":       (YES,      NO,   YES,     NO),
    # AMD has rows for scheduling and offload only.
    "mi300x":         (YES,      NO,   YES,     NO),
    # Mixed generations: supported for scheduling, not for P/D and WEP; nothing is said of offload.
    "mixed-h200-b200": (YES,     NO,   OPEN,    NO),
    # Not in any row.
    "l40s":           (NO,       NO,   NO,      NO),
    "gb200":          (NO,       NO,   NO,      NO),
    "cpu-only":       (NO,       NO,   NO,      NO),
}  # fmt: skip
# WEP within one node: the table's own row, except on B200 (Technology Preview on request).
WEP_SINGLE = {
    **{name: cells[3] for name, cells in BY_HAND.items()},
    "h200-roce": YES,
    "h100-ib": YES,
    "compact-h100": YES,
    "b200-roce": TP,
}


def recorded(profile: str) -> dict[str, Any]:
    return json.loads(gzip.decompress((RECORDED / f"{profile}.json.gz").read_bytes()))


def gathered(profile: str) -> dict[str, Any]:
    catalog = files.read(files.ROOT / "accelerators.yml")
    return saved.of_must_gather(
        str(RECORDED / f"{profile}.must-gather.tar.gz"), catalog, ["nfd"], "2026-11-24T10:00:00Z"
    )


def cells(made: dict[str, Any], release: str) -> tuple[tuple[str, str], ...]:
    found = {one["path"]: (one["verdict"], one["tier"]) for one in made["verdicts"] if one["release"] == release}
    return tuple(found[path] for path in PATH_ORDER)


def preview(cell: tuple[str, str]) -> tuple[str, str]:
    """The same cell on 2.25, all of which is a Technology Preview (its WEP multi-node too)."""
    return {YES: TP, DP: TP, OPEN: ("unknown", "TP")}.get(cell, cell)


def test_every_profile_is_in_the_table():
    # The fleets are sizes, not kinds of cluster: their nodes are those of other profiles.
    profiles = {path.stem for path in (ROOT / "rehearsal" / "profiles").glob("[!_]*.yaml") if not path.stem.startswith("fleet-")}
    assert set(BY_HAND) == profiles == {path.name.split(".")[0] for path in RECORDED.glob("*.json.gz")}


@pytest.mark.parametrize("read", [recorded, gathered])
@pytest.mark.parametrize("profile", BY_HAND)
def test_verdicts(judged, profile, read):
    made = judged(read(profile), declared())
    for release in GA_RELEASES:
        assert cells(made, release) == BY_HAND[profile], release
    assert cells(made, "2.25") == tuple(map(preview, BY_HAND[profile]))
    for release in ("3.4", "3.5"):  # nobody here has read their hardware tables
        words = {word for word, _tier in cells(made, release)}
        assert words == ({"unsupported"} if profile == "cpu-only" else {"unknown"}), release


@pytest.mark.parametrize("profile", BY_HAND)
def test_wide_expert_parallelism_within_a_node(judged, profile):
    made = judged(recorded(profile), declared(wep_nodes="single"))
    assert {cells(made, release)[3] for release in GA_RELEASES} == {WEP_SINGLE[profile]}


@pytest.mark.parametrize("profile", BY_HAND)
def test_a_must_gather_tells_the_same_of_the_hardware(profile):
    live, offline = recorded(profile), gathered(profile)
    for one, other in zip(live["nodes"], offline["nodes"], strict=True):
        assert one == other
    assert offline["openshift"]["version"] == live["openshift"]["version"]
    assert (offline["pools"], offline["platform"], offline["networks"]) == (
        live["pools"],
        live["platform"],
        live["networks"],
    )


@pytest.mark.parametrize("profile", sorted(set(BY_HAND) - {"cpu-only"}))
def test_without_what_discovery_found_nothing_is_a_yes(judged, profile):
    """The same clusters before Node Feature Discovery: nobody has looked at the devices."""
    bare = recorded(profile)
    for node in bare["nodes"]:
        node["accelerators"] = {
            key: [] if key == "pci_ids" else "none" if key == "source" else None for key in node["accelerators"]
        }
        node["labels"] = {key: value for key, value in node["labels"].items() if key.startswith("node-role")}
        node.update(nics=None, rdma_capable=None, nvme={"count": None, "devices": []})
    made = judged(bare, declared())
    assert {one["verdict"] for one in made["verdicts"]} == {"unknown"} and made["gate"] in ("discover", "stop")
