# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nearest yes: named, counted, judged before it is said, and silent where nothing is known to help."""

from __future__ import annotations

from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot

PD = "pd_disaggregation"


def nearest(made):
    return made["chosen"]["nearest_yes"]


def test_nodes_that_stand_in_the_way_are_counted_with_the_reason(judged):
    cluster = snapshot(*[node(f"w{n}", rdma="up" if n < 2 else "down") for n in range(4)])
    assert nearest(judged(cluster, declared(path=PD))) == [
        "2 of 4 H200 nodes stand in the way: w2, w3 (no active RDMA port: ens3f0 down). Mend that, or serve it from w0, w1 alone (llmd_node_selector)."
    ]


def test_different_reasons_name_their_nodes(judged):
    nodes = [node("w0"), node("w1", rdma="down"), node("w2", rdma="absent")]
    (said,) = nearest(judged(snapshot(*nodes), declared(path=PD)))
    assert "no active RDMA port: ens3f0 down on w1" in said and "no card that can do RDMA on w2" in said


def test_a_gpu_is_not_mended(judged):
    (said,) = nearest(judged(snapshot(node("g0"), node("l0", "L40S")), declared()))
    assert said == "1 of 2 nodes stand in the way: l0 (L40S). Serve it from g0 alone (llmd_node_selector)."


def test_when_no_node_fits_the_answer_is_other_nodes(judged):
    (said,) = nearest(judged(snapshot(node("l0", "L40S")), declared()))
    assert "add such nodes" in said and "llmd_node_selector" not in said


def test_all_nodes_fail_alike(judged):
    (said,) = nearest(judged(snapshot(node("w0", rdma="down"), node("w1", rdma="down")), declared(path=PD)))
    assert said.startswith("node w0, w1: no active RDMA port") and "Connect and bring up the port" in said


def test_what_no_mending_helps_gets_no_false_hope(judged):
    """GB200 over several nodes isn't supported, whatever is mended on the nodes."""
    made = judged(snapshot(node("g0", "GB200", rdma="down")), declared(path="wide_expert_parallelism"))
    assert made["chosen"]["verdict"] == "unsupported" and nearest(made) == []


def test_a_preview_on_another_release_is_a_way(judged):
    made = judged(snapshot(node("g0"), openshift="4.19.9"), declared())
    assert nearest(made) == ["Choose RHOAI 2.25 (llmd_release), where it is a preview."]


def test_two_things_to_mend_are_both_named(judged):
    made = judged(snapshot(node("w0", rdma="down"), openshift="4.18.1"), declared(path=PD))
    assert len(nearest(made)) == 2 and "Update OpenShift" in nearest(made)[0]


def test_the_best_release_of_each_path(judged):
    made = judged(snapshot(node("g0", rdma="absent")), declared())
    assert made["best_releases"] == {
        "inference_scheduling": "3.3", "kv_cache_offload": "3.3", "pd_disaggregation": None, "wide_expert_parallelism": None,
    }  # fmt: skip
    assert made["best_release"] == "3.3"
