# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what changes, whom it disturbs, and that a second run plans nothing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._plan.discovery import missing_classes
from ansible_collections.llmd.openshift.plugins.module_utils._plan.plan import plan
from ansible_collections.llmd.openshift.plugins.module_utils._serving import build, render

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot

OURS = {"app.kubernetes.io/managed-by": "llmd-openshift"}
GOOD = snapshot(clusters.control_plane("m0"), node("g0"), node("g1"))
WHITELIST = 'sources: {pci: {deviceClassWhitelist: ["02", "03", "12", "0108"]}}'


def planned(cluster=GOOD, **more):
    return plan(cluster, declared(**more), facts())


def step(made, name):
    return next(one for one in made["steps"] if one["id"] == name)


def actions(made):
    return {change["object"]: change["action"] for one in made["steps"] for change in one["changes"]}


def obj(name, namespace=None, labels=OURS, **spec):
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}


def finished():
    """The cluster after a first run, as the snapshot shows it."""
    first = planned()
    subscriptions = [
        {
            "package": one["package"], "namespace": one["namespace"], "subscription": one["subscription"], "channel": one["channel"],
            "catalog": one["catalog"], "catalog_namespace": one["catalog_namespace"], "installed_csv": one["csv"], "current_csv": one["csv"],
            "csv_phase": "Succeeded", "managed_by": "llmd-openshift", "ours": True,
        }
        for one in first["operators"]
    ]  # fmt: skip
    service = render.sketch(build.wish(declared(), "nvidia.com/gpu", facts().models, storage_class="lvms-nvme"))
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["g0", "g1"]}]}]
    return {
        **GOOD,
        "nodes": [clusters.control_plane("m0"), *[node(name, allocatable={"nvidia.com/gpu": 8}) for name in ("g0", "g1")]],
        "operators": subscriptions,
        "gateway_classes": [{"name": "openshift-default", "controller": "openshift.io/gateway-controller/v1", "accepted": True}],
        "gateways": [{"name": "openshift-ai-inference", "namespace": "openshift-ingress", "class": "openshift-default", "programmed": True, "address": "10.0.0.9"}],
        "objects": {
            "NodeFeatureDiscovery": [obj("nfd-instance", "openshift-nfd", workerConfig={"configData": WHITELIST})],
            "ClusterPolicy": [obj("gpu-cluster-policy", daemonsets={"tolerations": []})],
            "LVMCluster": [obj("llmd", "openshift-lvm-storage", storage={"deviceClasses": [{"name": "nvme", "nodeSelector": {"nodeSelectorTerms": terms}}]})],
            "DSCInitialization": [obj("default-dsci")],
            "DataScienceCluster": [obj("default-dsc", components={"kserve": {"managementState": "Managed"}})],
            "Kuadrant": [obj("kuadrant", "kuadrant-system")],
            "LLMInferenceService": [obj("llmd", "llmd", **service["spec"])],
        },
    }  # fmt: skip


# ---- first and second run ----


def test_a_bare_cluster_gets_everything():
    made = planned()
    json.dumps(made)
    assert [one["stage"] for one in made["steps"]] == [
        "operators",
        "features",
        "accelerators",
        "storage",
        "platform",
        "platform",
        "serving",
    ]
    assert made["counts"]["keep"] == 0 and made["counts"]["update"] == 2 and made["counts"]["approve"] == 6
    assert made["allowed"] and made["complete"] and made["assumptions"] == []
    assert made["context"]["gpu_nodes"] == ["g0", "g1"] and made["context"]["gpu_resource"] == "nvidia.com/gpu"


def test_a_second_run_changes_nothing():
    made = planned(finished(), allow_disruption=[])
    assert set(actions(made).values()) == {"keep"}
    assert made["disruption"] == {"kinds": [], "nodes": [], "minutes": 0, "why": ""}
    assert made["allowed"]


def test_a_run_that_was_killed_goes_on():
    half = finished()
    half["operators"][0]["installed_csv"] = None
    half["objects"] = {**half["objects"], "LVMCluster": [], "LLMInferenceService": []}
    made = actions(planned(half))
    assert (
        made["LVMCluster openshift-lvm-storage/llmd"] == "create" and made["LLMInferenceService llmd/llmd"] == "create"
    )
    assert "approve" in made.values()


# ---- disruption ----


def test_the_driver_needs_permission():
    made = planned(allow_disruption=[])
    assert (made["allowed"], made["missing"]) == (False, ["driver"])
    assert step(made, "gpu-driver")["disruption"]["nodes"] == ["g0", "g1"]
    assert all(word in made["message"] for word in ("Nothing of the plan was done", "g0, g1", "llmd_allow_disruption: [driver]"))


def test_a_driver_under_running_gpu_pods_evicts_them():
    busy = clusters.changed(GOOD, ("nodes", 1, "allocatable"), {"nvidia.com/gpu": 8})
    made = planned(busy)
    assert made["missing"] == ["gpu-evict"] and step(made, "gpu-driver")["disruption"]["minutes"] == 40


def test_scheduling_needs_no_reboot():
    assert "reboot" not in planned()["disruption"]["kinds"]


def test_minutes_add_up():
    made = planned()
    assert made["disruption"]["minutes"] == sum(one["disruption"]["minutes"] for one in made["steps"]) > 0


# ---- before discovery ----


def test_before_discovery_the_plan_says_what_it_assumes():
    made = planned(snapshot(clusters.bare_node("g0")))
    assert not made["complete"] and "NVIDIA is assumed" in made["assumptions"][0]
    assert "ClusterPolicy gpu-cluster-policy" in actions(made)
    assert [one["package"] for one in made["operators"] if one["before_discovery"]] == ["nfd"]


# ---- what somebody else owns ----


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("NodeFeatureDiscovery", obj("mine", "nfd", labels={})),
        ("ClusterPolicy", obj("cp", labels={}, daemonsets={"tolerations": [{"operator": "Exists"}]})),
        ("LVMCluster", obj("lvm", "openshift-storage", labels={})),
        ("DSCInitialization", obj("dsci", labels={})),
        ("Kuadrant", obj("k", "kuadrant-system", labels={})),
    ],
)
def test_somebody_elses_object_is_kept(kind, found):
    made = planned({**GOOD, "objects": {kind: [found]}})
    namespace = found["metadata"]["namespace"]
    where = f"{kind} {namespace}/{found['metadata']['name']}" if namespace else f"{kind} {found['metadata']['name']}"
    assert actions(made)[where] == "keep"


def test_kserve_is_switched_on_where_it_is_off():
    off = obj("default-dsc", labels={}, components={"kserve": {"managementState": "Removed"}})
    change = step(planned({**GOOD, "objects": {"DataScienceCluster": [off]}}), "platform")["changes"][1]
    assert change == {
        "object": "DataScienceCluster default-dsc",
        "action": "update",
        "why": "KServe is Removed, Managed is wanted",
    }


# ---- changes of the declaration ----


@pytest.mark.parametrize(
    ("more", "where", "why"),
    [
        ({"replicas": 4}, "LLMInferenceService llmd/llmd", "replicas is 2, 4 is wanted"),
        ({"gpus_per_replica": 2}, "LLMInferenceService llmd/llmd", "nvidia.com/gpu is 1, 2 is wanted"),
        ({"model_uri": "hf://a/b"}, "LLMInferenceService llmd/llmd", "model.uri"),
        (
            {"gateway_class": "other"},
            "Gateway openshift-ingress/openshift-ai-inference",
            "its class is openshift-default",
        ),
        ({"tolerations": [{"operator": "Exists"}]}, "ClusterPolicy gpu-cluster-policy", "tolerations"),
    ],
)
def test_a_changed_declaration_is_an_update(more, where, why):
    made = planned(finished(), **more)
    changes = {change["object"]: change for one in made["steps"] for change in one["changes"]}
    assert changes[where]["action"] == "update" and why in changes[where]["why"]


def test_a_new_node_stays_out_of_a_volume_group_that_was_made():
    """LVM Storage refuses another node selector."""
    grown = finished()
    grown["nodes"].append(node("g2"))
    made = planned(grown)
    (change,) = step(made, "local-storage")["changes"]
    assert change["action"] == "keep" and "g2" in change["why"]
    assert made["context"]["drives"]["nodes"] == ["g0", "g1"]


def test_a_further_drive_is_an_update_of_a_list():
    listed = finished()
    device = listed["objects"]["LVMCluster"][0]["spec"]["storage"]["deviceClasses"][0]
    device["deviceSelector"] = {"optionalPaths": ["/dev/disk/by-path/a"]}
    made = planned(listed, nvme_paths=["/dev/disk/by-path/b"])
    (change,) = step(made, "local-storage")["changes"]
    assert change["action"] == "update" and "/dev/disk/by-path/b are added" in change["why"]
    assert made["context"]["drives"]["paths"] == ["/dev/disk/by-path/a", "/dev/disk/by-path/b"]
    assert actions(planned(listed))["LVMCluster openshift-lvm-storage/llmd"] == "keep"


def test_nodes_that_do_not_serve_keep_their_drives():
    made = planned(node_selector={"kubernetes.io/hostname": "g1"})
    assert made["context"]["drives"]["nodes"] == ["g1"] and made["context"]["gpu_nodes"] == ["g0", "g1"]


def test_no_local_storage_no_step():
    assert not [one for one in planned(model_cache="none")["steps"] if one["stage"] == "storage"]


@pytest.mark.parametrize(
    ("config", "missing"),
    [
        (WHITELIST, []),
        ('sources: {pci: {deviceClassWhitelist: ["0200", "03", "12"]}}', ["02", "0108"]),
        ("sources: {}", ["02", "0108"]),
        (None, ["02", "0108"]),
        ("][", ["02", "0108"]),
        ("sources: {pci: {deviceClassWhitelist: ['0', '1']}}", []),
    ],
)
def test_classes_that_discovery_misses(config, missing):
    assert missing_classes({"spec": {"workerConfig": {"configData": config}}}) == missing


@pytest.mark.parametrize(
    "cluster",
    [{}, {"nodes": None, "operators": None, "objects": None}, {"nodes": [{}], "objects": {"LVMCluster": [{}]}}],
)
def test_nearly_empty_snapshots_give_a_plan(cluster):
    made = planned(cluster)
    assert made["steps"] and not made["complete"]


# ---- the service of each path ----

EXPERTS = {"model_uri": "hf://deepseek-ai/DeepSeek-R1", "model_name": "deepseek-ai/DeepSeek-R1"}


def served(**options):
    """The cluster after a run with these options."""
    wanted = render.sketch(build.wish(declared(**options), "nvidia.com/gpu", facts().models, storage_class="lvms-nvme", nodes=GOOD["nodes"][1:]))
    there = finished()
    return {**there, "objects": {**there["objects"], "LLMInferenceService": [obj("llmd", "llmd", **wanted["spec"])]}}


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ({}, {"path": "kv_cache_offload", "kv_offload_gib": 10}, "memory is 32Gi, 42Gi is wanted"),
        ({"path": "kv_cache_offload", "kv_offload_gib": 10}, {}, "memory is 42Gi, 32Gi is wanted"),
        ({}, {"path": "wide_expert_parallelism", **EXPERTS}, "made anew, since a group's number of pods can't be changed: it is 1, 2 is wanted"),
        ({"path": "wide_expert_parallelism", **EXPERTS}, {}, "made anew"),
    ],
)
def test_another_path_changes_the_service(before, after, word):
    change = next(one for one in step(planned(served(**before), **after), "serving")["changes"] if one["object"].startswith("LLMInference"))
    assert change["action"] == "update" and word in change["why"], change


def test_the_same_path_again_keeps_the_service():
    options = {"path": "wide_expert_parallelism", **EXPERTS}
    assert {one["action"] for one in step(planned(served(**options), **options), "serving")["changes"]} == {"keep"}


def test_what_the_release_cannot_express_is_said_in_the_plan():
    (change,) = step(planned(release="2.25", path="kv_cache_offload", kv_offload_gib=10), "serving")["changes"]
    assert "RHOAI 2.25 can't do it" in change["why"]


def test_gdrcopy_comes_with_the_paths_over_rdma_and_stays():
    """It loads the driver anew: a switch to another path doesn't take it away."""
    assert planned()["context"]["gdrcopy"] is False
    wanted = planned(path="pd_disaggregation")
    assert wanted["context"]["gdrcopy"] is True
    there, without = finished(), finished()
    there["objects"]["ClusterPolicy"] = [obj("gpu-cluster-policy", daemonsets={"tolerations": []}, gdrcopy={"enabled": True})]
    assert planned(there)["context"]["gdrcopy"] is True
    assert actions(planned(there, path="pd_disaggregation"))["ClusterPolicy gpu-cluster-policy"] == "keep"
    change = next(one for one in step(planned(without, path="pd_disaggregation"), "gpu-driver")["changes"] if "ClusterPolicy" in one["object"])
    assert (change["action"], change["why"]) == ("update", "GDRCopy")
    assert actions(planned(without))["ClusterPolicy gpu-cluster-policy"] == "keep"
