# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole snapshot: fits its schema whatever the API answers; forbidden and absent become unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils import _errors
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import (
    cluster,
    collect,
    features,
    kinds,
    nodes,
    objects,
    olm,
    platform_objects,
    pools,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[5]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "data/schema/snapshot.json").read_text()))
CATALOG = yaml.safe_load((ROOT / "data/accelerators.yml").read_text())
RESOURCES = {
    "machineconfiguration.openshift.io": [("machineconfigpools", "MachineConfigPool", "v1")],
    "nfd.k8s-sigs.io": [("nodefeatures", "NodeFeature", "v1alpha1")],
    "policy": [("poddisruptionbudgets", "PodDisruptionBudget", "v1")],
    "storage.k8s.io": [("storageclasses", "StorageClass", "v1")],
    "gateway.networking.k8s.io": [("gatewayclasses", "GatewayClass", "v1"), ("gateways", "Gateway", "v1")],
    "operators.coreos.com": [
        ("subscriptions", "Subscription", "v1alpha1"), ("clusterserviceversions", "ClusterServiceVersion", "v1alpha1"),
        ("catalogsources", "CatalogSource", "v1alpha1"),
    ],
    "packages.operators.coreos.com": [("packagemanifests", "PackageManifest", "v1")],
    "image.openshift.io": [("imagestreams", "ImageStream", "v1")],
    "serving.kserve.io": [("llminferenceservices", "LLMInferenceService", "v1alpha2")],
}  # fmt: skip


def discovery() -> dict[str, Any]:
    return {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {"name": group},
                "versions": [
                    {"version": version, "resources": [{"resource": plural, "responseKind": {"kind": kind}}]}
                    for plural, kind, version in rows
                ],
            }
            for group, rows in RESOURCES.items()
        ],
    }


class Answers:
    """Gives each read the same prepared answer, or refuses it."""

    def __init__(self, one: Any = None, many: list[Any] | None = None, refuse: Exception | None = None) -> None:
        self.one, self.many, self.refuse = one, many or [], refuse

    def discovery(self) -> dict[str, Any]:
        return discovery()

    def get(self, path: str) -> Any:
        if self.refuse:
            raise self.refuse
        return self.one

    def list(self, path: str, reduce: Any = None, **_options: Any) -> list[Any]:
        if self.refuse:
            raise self.refuse
        return [reduce(item) for item in self.many]


def read(api: Any) -> dict[str, Any]:
    snapshot = collect.read(api, CATALOG, ["nfd"], ["openshift/tools"], "2026-11-24T10:00:00Z")
    SCHEMA.validate(snapshot)
    return snapshot


def test_empty_cluster_fits():
    snapshot = read(Answers())
    assert snapshot["nodes"] == [] and snapshot["objects"]["LLMInferenceService"] == []
    assert {"what": "clusterpolicies.nvidia.com", "why": "absent"} in snapshot["unreadable"]
    assert snapshot["objects"]["ClusterPolicy"] is None


def test_forbidden_is_unknown_and_named():
    snapshot = read(Answers(refuse=_errors.Forbidden("no", "GET", "403", "")))
    assert snapshot["nodes"] is None and snapshot["cluster"]["id"] is None and snapshot["operators"] is None
    assert {"what": "nodes", "why": "forbidden"} in snapshot["unreadable"]
    assert {"what": "nodefeatures.nfd.k8s-sigs.io", "why": "forbidden"} not in snapshot["unreadable"]  # never got there


@pytest.mark.parametrize("error", [_errors.Unreachable, _errors.Overloaded, _errors.Unauthorized])
def test_other_faults_end_the_reading(error):
    with pytest.raises(error):
        read(Answers(refuse=error("x", "y", "z", "")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([
            "metadata", "name", "namespace", "labels", "annotations", "spec", "status", "conditions", "type", "reason",
            "message", "features", "instances", "pci.device", "elements", "attributes", "vendor", "device", "class",
            "history", "version", "capacity", "allocatable", "cpu", "memory", "nvidia.com/gpu", "taints", "channels",
            "entries", "nodeSelector", "matchLabels", "matchExpressions", "addresses", "tags", "items", "env", "value",
            "nvidia.com/gpu.product", "nvidia.com/gpu.count", "interfaces", "clusterNetwork", "serviceNetwork",
        ]) | st.text(max_size=8), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    JSON, st.lists(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "provisioner"]), JSON), max_size=3)
)
def test_any_answer_gives_a_snapshot_that_fits(one: Any, many: list[dict[str, Any]]):
    read(Answers(one if isinstance(one, dict) else None, many))


def node(name: str = "gpu-0", labels: dict | None = None, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": {}, "status": status}


POOLS = [
    {"name": "master", "selector": {"matchLabels": {"node-role.kubernetes.io/master": ""}}},
    {"name": "worker", "selector": {"matchLabels": {"node-role.kubernetes.io/worker": ""}}},
    {"name": "gpu", "selector": {"matchExpressions": [{"key": "node-role.kubernetes.io/gpu", "operator": "Exists"}]}},
]


@pytest.mark.parametrize(
    ("roles", "pool"),
    [
        (["worker"], "worker"),
        (["worker", "gpu"], "gpu"),
        (["master", "worker"], "master"),
        ([], None),
        (["infra"], None),
    ],
)
def test_pool_of_a_node(roles, pool):
    labels = {f"node-role.kubernetes.io/{role}": "" for role in roles}
    assert nodes.pool_of(labels, POOLS) == pool
    assert nodes.pool_of(labels, None) is None


def test_two_custom_pools_that_claim_a_node_leave_it_unknown():
    both = [*POOLS, {"name": "big", "selector": {"matchLabels": {"node-role.kubernetes.io/gpu": ""}}}]
    assert nodes.pool_of({"node-role.kubernetes.io/gpu": ""}, both) is None


def test_node():
    raw = node(
        labels={"node-role.kubernetes.io/worker": "", "kubernetes.io/hostname": "gpu-0", "private.example/token": "x"},
        capacity={"cpu": "224", "memory": "2113385472Ki", "nvidia.com/gpu": "8", "pods": "250"},
        allocatable={"cpu": "223500m", "nvidia.com/gpu": "8", "hugepages-1Gi": "0", "pods": "240"},
        conditions=[{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}],
        nodeInfo={"kernelVersion": "5.14"},
    )
    raw["spec"] = {"unschedulable": True, "taints": [{"key": "a", "effect": "NoSchedule"}]}
    found = nodes.describe(nodes.reduce(raw), None, None, None, POOLS, CATALOG)
    assert (found["cpu"], found["memory_bytes"], found["allocatable"]) == (
        224,
        2113385472 * 1024,
        {"nvidia.com/gpu": 8},
    )
    assert found["ready"] is None and found["schedulable"] is False and found["roles"] == ["worker"]
    assert "private.example/token" not in found["labels"] and found["pods"] == 240
    asked = nodes.describe(nodes.reduce(raw), None, None, None, POOLS, CATALOG, ["private.example/token"])
    assert asked["labels"]["private.example/token"] == "x"
    assert found["taints"] == [{"key": "a", "value": None, "effect": "NoSchedule"}]


def test_version_is_what_is_completely_rolled_out():
    version = {"status": {
        "desired": {"version": "4.20.5"},
        "history": [{"version": "4.20.5", "state": "Partial"}, {"version": "4.20.4", "state": "Completed"}],
        "conditions": [{"type": "Progressing", "status": "True"}]}}  # fmt: skip
    found = cluster.openshift(version)
    assert (found["version"], found["upgrading"]) == ("4.20.4", True)
    assert cluster.openshift(None)["upgrading"] is None


def test_operators_get_the_phase_of_their_csv():
    subscription = olm.subscription({
        "metadata": {"name": "s", "namespace": "n", "labels": {"app.kubernetes.io/managed-by": "llmd-openshift"}},
        "spec": {"name": "nfd"}, "status": {"installedCSV": "nfd.v1", "currentCSV": "nfd.v2"}})  # fmt: skip
    csvs = [{"name": "nfd.v1", "namespace": "n", "phase": "Succeeded", "reason": None},
            {"name": "nfd.v1", "namespace": "other", "phase": "Failed", "reason": None}]  # fmt: skip
    found = olm.with_phases([subscription], csvs)
    assert found is not None and found[0]["csv_phase"] == "Succeeded" and found[0]["ours"] is True
    assert olm.with_phases(None, csvs) is None
    argo = olm.subscription({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}})
    assert (argo["managed_by"], argo["ours"]) == ("argocd", False)


def test_crds_that_exist_but_arent_served_arent_established():
    served = kinds.served(discovery())
    found = kinds.crds(["llminferenceservices.serving.kserve.io", "brokens.example.com"], served)
    assert found == {
        "brokens.example.com": {"established": False, "versions": []},
        "llminferenceservices.serving.kserve.io": {"established": True, "versions": ["v1alpha2"]},
    }
    assert kinds.crds(None, served) is None


def test_pool_degraded_by_any_of_three_conditions():
    pool = {"metadata": {"name": "p"}, "status": {"conditions": [
        {"type": "Degraded", "status": "False"}, {"type": "NodeDegraded", "status": "True", "message": "node a: bad"}]}}  # fmt: skip
    found = pools.describe(pools.reduce(pool))
    assert found["degraded"] is True and found["message"] == "node a: bad" and "selector" not in found
    assert pools.reduce({})["degraded"] is None


def test_a_teams_own_annotations_are_not_read():
    notes = {"team.example.com/note": "sekrit", "note": "sekrit", "k8s.io.example.com/x": "sekrit", "argocd.argoproj.io/tracking-id": "llmd:x/y:z", "olm.targetNamespaces": "a"}
    trimmed = objects.trim({"kind": "X", "metadata": {"annotations": notes}})["metadata"]["annotations"]
    assert "sekrit" not in trimmed.values() and set(trimmed) == set(notes)
    assert (trimmed["argocd.argoproj.io/tracking-id"], trimmed["olm.targetNamespaces"]) == ("llmd:x/y:z", "a")


def test_literal_environment_values_are_not_read():
    env = [{"name": "HF_TOKEN", "value": "sekrit"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s"}}}]
    trimmed = objects.trim({"kind": "X", "spec": {"template": {"containers": [{"env": env}]}}})
    assert "sekrit" not in json.dumps(trimmed) and "secretKeyRef" in json.dumps(trimmed)


def test_image_of_a_stream():
    stream = {"status": {"tags": [{"tag": "v1", "items": [{"dockerImageReference": "a"}]},
                                  {"tag": "latest", "items": [{"dockerImageReference": "q@sha256:b"}, {}]}]}}  # fmt: skip
    assert platform_objects.image_of(stream) == "q@sha256:b"
    assert platform_objects.image_of({}) is None and platform_objects.image_of(None) is None


def test_hostile_strings_are_bounded_and_plain():
    text = "{{ lookup('pipe', 'id') }}\x1b[31m" + "x" * 100_000
    found = nodes.reduce(node(conditions=[{"type": "Ready", "status": "False", "message": text}]))
    assert len(found["conditions"]["Ready"]["message"]) == 1000


def test_features_of_several_sources_are_joined():
    worker = {"node": "n", "pci": [{"id": "a"}], "links": [], "disks": [], "numa_nodes": 2}
    other = {"node": "n", "pci": [], "links": [{"name": "e"}], "disks": [], "numa_nodes": None}
    joined = features.by_node([other, worker])["n"]
    assert joined["pci"] == [{"id": "a"}] and joined["links"] == [{"name": "e"}] and joined["numa_nodes"] == 2
    assert features.by_node([other]) == {}
