# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run does what was approved: less is fine, more or other stops it, and the difference is named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._plan import approval
from ansible_collections.llmd.openshift.plugins.module_utils._plan.plan import plan

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot

GOOD = snapshot(clusters.control_plane("m0"), node("g0"), node("g1"))
OURS = {"app.kubernetes.io/managed-by": "llmd-openshift"}


def planned(cluster: dict[str, Any] = GOOD, approved: Any = None, **more: Any) -> dict[str, Any]:
    return plan(cluster, declared(**more), facts(), approved)


def without(csv: str) -> dict[str, Any]:
    """The catalog has lost that version and has an older one."""
    made = copy.deepcopy(GOOD)
    for channel in (channel for package in made["packages"] for channel in package["channels"]):
        if csv in (*channel["entries"], channel["current_csv"]):
            channel.update(entries=["rhods-operator.3.3.5"], current_csv="rhods-operator.3.3.5")
    return made


def test_the_approved_plan_itself_is_allowed() -> None:
    approved = json.loads(json.dumps(planned()["approval"]))
    assert approval.malformed(approved) == ""
    again = planned(approved=approved)
    assert again["allowed"] and again["differences"] == [] and again["approval"]["digest"] == approved["digest"]


def test_a_run_that_stopped_half_way_goes_on() -> None:
    """What is there already is not done again, and of an object that was to be made the rest may follow."""
    approved = planned()["approval"]
    policy = {"metadata": {"name": "gpu-cluster-policy", "labels": OURS}, "spec": {"daemonsets": {"tolerations": [{"key": "old"}]}}}
    half = {**GOOD, "objects": {**GOOD["objects"], "ClusterPolicy": [policy], "DSCInitialization": [{"metadata": {"name": "default-dsci"}}]}}
    assert planned(half, approved)["differences"] == []


def test_nodes_that_were_not_known_are_approved_with_their_step() -> None:
    """On a bare cluster the approver reads "the GPU nodes, not known yet"; another kind of disturbance there isn't approved by that."""
    approved = planned()["approval"]
    nobody = [{**step, "nodes": []} if step["kinds"] else step for step in approved["steps"]]
    unknown = {**approved, "complete": False, "steps": nobody}
    assert approval.differences(unknown, approved) == []
    assert any("driver on g0, g1" in line for line in approval.differences({**approved, "steps": nobody}, approved))
    harder = {**approved, "steps": [{**step, "kinds": ["driver", "reboot"]} if step["kinds"] == ["driver"] else step for step in approved["steps"]]}
    assert any("driver and reboot on g0, g1" in line for line in approval.differences(unknown, harder))


@pytest.mark.parametrize(
    ("cluster", "more", "words"),
    [
        (GOOD, {"namespace": "elsewhere"}, ['llmd_namespace is "elsewhere"', "create of Namespace elsewhere"]),
        (GOOD, {"replicas": 7}, ["llmd_replicas is 7, 2 is approved"]),
        (snapshot(clusters.control_plane("m0"), node("g0"), node("g1"), node("g2")), {}, ["Load the GPU driver: driver on g2"]),
        (GOOD, {"release": "3.2"}, ['llmd_release is "3.2", "3.3" is approved']),
        (without("rhods-operator.3.3.6"), {}, ["rhods-operator.3.3.5 would be installed, rhods-operator.3.3.6 is approved"]),
        (GOOD, {"model_uri": "oci://registry.example.com/other:1", "kernel_arguments": ["a=b"]}, ["Set up the machines", "drain and reboot on g0, g1"]),
        ({**GOOD, "cluster": {**GOOD["cluster"], "id": "other"}}, {}, ["approved for cluster"]),
    ],
)
def test_whatever_goes_beyond_it_is_named(cluster: dict[str, Any], more: dict[str, Any], words: list[str]) -> None:
    pools = {"pools": [{"name": "worker", "paused": False, "degraded": False}], "machine_configs": []}
    nodes = [{**one, "pool": "worker"} for one in cluster["nodes"]]
    made = planned({**cluster, "nodes": nodes, **pools}, planned()["approval"], allow_disruption=["driver", "drain", "reboot"], **more)
    assert not made["allowed"]
    for word in words:
        assert word in made["message"], made["message"]
    assert made["message"].startswith("Nothing of the plan was done") and "approved" in made["message"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "missing"),
        ([], "missing"),
        ({"operators": {}, "steps": [], "schema": 2}, "its form is 2"),
        ({"operators": {}, "steps": [], "schema": 1, "digest": "x"}, "changed after it was made"),
    ],
)
def test_what_is_no_approved_plan(value: Any, why: str) -> None:
    assert why in approval.malformed(value)


def test_a_plan_that_somebody_edited_is_refused() -> None:
    edited = copy.deepcopy(planned()["approval"])
    edited["steps"][-1]["nodes"] = ["g0", "g1", "g2"]
    assert "digest" in approval.malformed(edited)
