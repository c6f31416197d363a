# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs hand on, and the words that are made of it."""

from __future__ import annotations

import json

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.llmd.openshift.plugins.module_utils._aap import results, words
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.check import check
from ansible_collections.llmd.openshift.plugins.module_utils._report import document
from hypothesis import given
from hypothesis import strategies as st

from tests.controller import behaviour

PLAN = {
    "steps": [{"id": "s", "stage": "operators", "title": "t", "changes": [{"object": "x", "action": "create"}, {"object": "y", "action": "keep"}]}],
    "disruption": {"kinds": ["driver"], "nodes": ["gpu-0", "gpu-1"], "minutes": 12},
    "allowed": True, "missing": [], "message": "", "complete": True, "approval": {"digest": "d"},
}  # fmt: skip


def result(host="cluster-a", plan=PLAN, assessment=None, failure=None, proof=None):
    declared = {"release": "3.3", "path": "inference_scheduling"}
    snapshot = {"cluster": {"id": "1a2b", "name": host}, "openshift": {"version": "4.20.4"}}
    report = document.build(host, "run", "2026-11-30T00:00:00Z", [], declared, snapshot, assessment or {}, plan, proof or {}, failure)
    return results.result(report, assessment or {"gate": "go"})


def test_a_result_is_small_and_holds_the_approval():
    one = result()
    assert one["plan"] == {
        "approval": '{"digest": "d"}', "changes": 1, "kinds": ["driver"], "nodes": 2, "minutes": 12, "complete": True, "stop": None,
    }  # fmt: skip
    assert len(json.dumps(one)) < 1000


def test_a_long_failure_is_cut():
    one = result(failure={"stage": "operators", "message": "x" * 5000})
    assert len(one["failure"]) == results.LONGEST and one["failure"].endswith("…") and one["stage"] == "operators"


def test_names_are_variables_and_tell_clusters_apart():
    assert results.name("a_b") == "llmd_result_a_b"
    assert len({results.name(host) for host in ("a-b", "a_b", "a.b", "a b")}) == 4


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_any_host_has_a_variable_of_its_own(one, other):
    assert results.name(one).isidentifier() and results.name(one).isascii()
    assert one == other or results.name(one) != results.name(other)


def test_what_is_no_result_is_left_out():
    one = result()
    given = {results.name("cluster-a"): one, "llmd_result_x": "text", "llmd_result_y": {"host": 1}, "llmd_release": "3.3"}
    assert results.collect(given) == [one]


def test_the_declaration_knows_the_family_and_nothing_like_it():
    data = facts()
    host = {"llmd_kubeconfig": "/x", "llmd_cluster_id": "2f6a1f5e-6a57-4a0c-9c3e-0b8d3a0d8f10"}
    assert check(data.declaration, {**host, results.name("cluster-a"): result()}, data.releases, ["access"])[1] == []
    _values, errors = check(data.declaration, {**host, "llmd_results": 1, "llmd_resultx": 2}, data.releases, ["access"])
    assert len(errors) == 2 and all("no such option" in error for error in errors)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([], ""), ([result()], {"digest": "d"}), ([result("other")], {}), ([result(plan={})], {}), (["text"], {}), ([{**result(), "plan": {"approval": 4}}], {})],
)
def test_what_was_approved(values, wanted):
    """No result: no workflow, and no approval is asked for. A result of others only: nothing was approved here."""
    assert results.approved_steps(values, "cluster-a") == wanted


def test_an_approval_survives_the_controller_s_extra_vars():
    """Texts marked as unsafe that look like numbers or truth values become such (ansible-core 2.19 and later): the digest wouldn't fit any more."""
    approved = {"operators": {"a": "1.2"}, "steps": [], "declared": {"cpu": "4", "release": "3.10", "text": "true", "nothing": "null"}}
    handed = {results.name("cluster-a"): result(plan={**PLAN, "approval": approved})}
    loaded = DataLoader().load(behaviour.extra_vars_file(handed))
    assert results.approved_steps(list(loaded.values()), "cluster-a") == approved


def test_the_approver_reads_disruption_and_who_will_not_begin():
    stopped = result("cluster-b", assessment={"gate": "stop", "gate_message": "No node has a GPU"})
    denied = result("cluster-c", plan={**PLAN, "allowed": False, "message": "The plan needs drain; declare llmd_allow_disruption"})
    text = words.brief([result(), stopped, denied])
    assert "cluster-a: OpenShift AI 3.3, inference_scheduling; 1 change, driver on 2 nodes, about 12 min" in text
    before, _line, after = text.partition("Will not begin:")
    assert "cluster-b" not in before and "No node has a GPU" in after and "llmd_allow_disruption" in after
    assert words.headline([result(), stopped]) == "Approve llm-d on cluster-a: driver on 2 nodes"
    assert not words.can_start(stopped) and not words.can_start(denied) and not words.can_start(result(plan={}))


def test_a_fleet_has_one_line_of_sums():
    quiet = result("cluster-z", plan={**PLAN, "disruption": {"kinds": [], "nodes": [], "minutes": 0}})
    assert words.headline([result(), result("cluster-b"), quiet]) == "Approve llm-d on 3 clusters: driver on 4 nodes"
    assert words.headline([quiet]) == "Approve llm-d on cluster-z: nothing is disturbed"
    assert "stops if the plan then goes beyond" in words.brief([result(plan={**PLAN, "complete": False})])
    guessed = result(plan={**PLAN, "complete": False, "disruption": {"kinds": ["driver"], "nodes": [], "minutes": 9}})
    assert "driver on the GPU nodes, not known yet, about 9 min" in words.brief([guessed])
    assert words.headline([result(), guessed]) == "Approve llm-d on 2 clusters: driver on 2 nodes and the GPU nodes, not known yet"
    assert "nothing to change" in words.brief([result(plan={**PLAN, "steps": []})])


def test_the_summary_has_each_cluster_once():
    lines = words.summary([result(), result("cluster-with-a-long-name", failure={"stage": "nodes", "message": "gpu-0 doesn't return"})])
    assert len(lines) == 2 and "stopped at nodes: gpu-0 doesn't return" in lines[1]
    assert words.summary([result(proof={"status": "proven"})])[0].endswith("not judged, proof proven")


def test_a_hostile_name_stays_text():
    assert "\x1b" not in words.brief([result("\x1b[2Jx")]) and "\x1b" not in words.headline([result("\x1b[2Jx")])
