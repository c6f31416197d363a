# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an upgrade: its steps in their order, what it says before, what needs permission, whose operator is left alone."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._olm import objects
from ansible_collections.llmd.openshift.plugins.module_utils._plan.operators import decide
from ansible_collections.llmd.openshift.plugins.module_utils._plan.plan import plan

from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot


def cluster(csv="rhods-operator.3.2.1", channel="fast-3.x", current=None, ours=True, preset="v3-2-1-kserve-"):
    item = {
        "package": "rhods-operator", "namespace": "redhat-ods-operator", "subscription": "rhods-operator", "channel": channel, "catalog": "redhat-operators",
        "catalog_namespace": "openshift-marketplace", "installed_csv": csv, "current_csv": current or csv, "csv_phase": "Succeeded", "state": "UpgradePending",
        "managed_by": "llmd-openshift" if ours else "argocd", "ours": ours,
    }  # fmt: skip
    made = snapshot(node("g0"), node("g1"))
    service = {"metadata": {"namespace": "llmd", "name": "llmd"}, "spec": {"replicas": 2, "router": {"scheduler": {}}},
               "status": {"annotations": {"serving.kserve.io/config-llm-template": f"{preset}config-llm-template"}}}  # fmt: skip
    packages = [one for one in made["packages"] if one["package"] != "rhods-operator"]
    return {**made, "operators": [item], "packages": packages, "objects": {**made["objects"], "LLMInferenceService": [service]}}


def made(seen=None, release="3.3", allow=("driver", "upgrade"), **more):
    return plan(seen or cluster(), declared(release=release, allow_disruption=list(allow), **more), facts())


def test_two_updates_each_with_its_channel_then_the_service():
    steps = {step["id"]: step for step in made()["steps"]}
    assert list(steps).index("operators") < list(steps).index("upgrade") < list(steps).index("platform") < list(steps).index("serving")
    assert [(one["object"].partition(" (")[0].split("/")[-1], one["action"]) for one in steps["upgrade"]["changes"]] == [
        ("rhods-operator", "update"), ("(for rhods-operator.3.3.0)", "approve"), ("rhods-operator", "update"), ("(for rhods-operator.3.3.6)", "approve")]  # fmt: skip
    assert [one["why"] for one in steps["upgrade"]["changes"] if one["action"] == "update"] == ["channel fast-3.x", "channel stable-3.3"]
    assert "can't be rolled back" in steps["upgrade"]["disruption"]["why"]
    whole = made()
    (rhoai,) = [one for one in whole["operators"] if one["package"] == "rhods-operator"]
    assert [hop["csv"] for hop in rhoai["hops"]] == ["rhods-operator.3.3.0", "rhods-operator.3.3.6"] and rhoai["installed"] == "rhods-operator.3.2.1"
    assert whole["context"]["move"] == {"before": "3.2.1", "after": "3.3.6", "picker": False}
    assert not [one for one in objects.objects(whole["operators"]) if one["metadata"]["name"] == "rhods-operator" and one["kind"] == "Subscription"]


def test_without_permission_it_isn_t_allowed():
    found = made(allow=["driver"])
    assert not found["allowed"] and found["missing"] == ["upgrade"]
    assert "Upgrade Red Hat OpenShift AI from rhods-operator.3.2.1 to rhods-operator.3.3.6 needs upgrade" in found["message"]


def test_half_way_only_the_rest_is_left_and_still_needs_permission():
    half = cluster("rhods-operator.3.3.0", "fast-3.x")
    steps = {step["id"]: step for step in made(half, allow=["driver"])["steps"]}
    assert "upgrade" not in steps  # one update within the release goes with the other operators
    assert steps["serving"]["disruption"]["kinds"] == ["upgrade"]
    done = cluster("rhods-operator.3.3.6", "stable-3.3")
    assert made(done, allow=["driver"])["missing"] == ["upgrade"]


def test_within_a_release_the_service_stays_unless_it_may_move():
    z_stream = cluster("rhods-operator.3.3.6", "stable-3.3", preset="v3-3-0-kserve-")
    stays = made(z_stream, allow=["driver"])
    assert stays["allowed"] and stays["context"]["move"] is None
    (service,) = [one for step in stays["steps"] for one in step["changes"] if one["object"] == "LLMInferenceService llmd/llmd"]
    assert "it keeps the presets of 3.3.0" in service["why"]
    assert made(z_stream)["context"]["move"]["before"] == "3.3.0"
    assert made(cluster("rhods-operator.3.3.6", "stable-3.3", preset="v3-3-6-kserve-"))["context"]["move"] is None


@pytest.mark.parametrize(
    ("seen", "release", "more", "why"),
    [
        (cluster(ours=False), "3.3", {}, "doesn't fit"),
        (cluster(), "3.3", {"upgrade_operators": False}, "llmd_upgrade_operators is false"),
        (cluster(), "3.4", {}, "one release is taken at a time"),
        (cluster("rhods-operator.3.3.6", "stable-3.3"), "3.2", {}, "OLM never goes back"),
        (cluster(current="rhods-operator.3.3.1"), "3.3", {}, "OLM's next step is rhods-operator.3.3.1, rhods-operator.3.3.0 was expected"),
    ],
)  # fmt: skip
def test_refused(seen, release, more, why):
    found = decide(facts(), seen, declared(release=release, **more), release, "rhods-operator")
    assert found.action == "refuse" and why in found.why and found.remedy
