# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seed: objects of a bare OpenShift, accepted by the real CRDs, saying what profile, release and scenario say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal import crds, data, seed
from rehearsal.errors import RehearsalError

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
BUILT_IN = ("rbac.authorization.k8s.io", "storage.k8s.io")


def build(
    profile: str = "h200-roce", openshift: str = "4.20", scenarios: tuple[str, ...] = (), **more: Any
) -> list[dict[str, Any]]:
    return seed.objects({**data.load(profile, openshift, scenarios), "now": NOW, **more})


def pick(objects: list[dict[str, Any]], kind: str, name: str | None = None, api: str = "") -> dict[str, Any]:
    [found] = [
        o
        for o in objects
        if o["kind"] == kind and name in (None, o["metadata"]["name"]) and o["apiVersion"].startswith(api)
    ]
    return found


def condition(obj: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(row for row in obj["status"]["conditions"] if row["type"] == kind)


@pytest.mark.parametrize(
    ("profile", "openshift"),
    [
        *((name, "4.20") for name in sorted(data.names("profiles"))),
        *(("h200-roce", name) for name in sorted(data.names("openshift"))),
    ],
)
def test_api_would_accept_it(known: crds.Crds, faults_of: Any, profile: str, openshift: str) -> None:
    objects = build(profile, openshift, catalogs={"redhat-operators": "127.0.0.1:50051"})
    custom = [o for o in objects if "/" in o["apiVersion"] and o["apiVersion"].split("/")[0] not in BUILT_IN]
    faults = {f"{o['kind']} {o['metadata']['name']}": faults_of(known, o) for o in custom}
    assert {name: found for name, found in faults.items() if found} == {}
    assert len(custom) > 60


@pytest.mark.parametrize("scenario", sorted(data.names("scenarios")))
def test_every_scenario_has_a_valid_seed(known: crds.Crds, faults_of: Any, scenario: str) -> None:
    for obj in build(scenarios=(scenario,)):
        if obj["apiVersion"].startswith("config.openshift.io"):
            assert faults_of(known, obj) == []


def test_no_object_twice_and_namespaces_first() -> None:
    objects = build()
    keys = [(o["apiVersion"], o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(set(keys)) == len(keys)
    made = {"default", "kube-system"}
    for obj in objects:
        if obj["kind"] == "Namespace":
            made.add(obj["metadata"]["name"])
        assert obj["metadata"].get("namespace", "default") in made
    json.dumps(objects)


def test_bare_nodes_show_no_accelerator() -> None:
    objects = build()
    node = pick(objects, "Node", "gpu-0", "v1")
    text = json.dumps(node)
    assert not any(word in text for word in ("nvidia", "10de", "feature.node.kubernetes.io", "rdma"))
    assert node["status"]["capacity"]["cpu"] == "224"
    assert node["status"]["allocatable"]["cpu"] == "223500m"
    assert node["metadata"]["labels"]["node-role.kubernetes.io/worker"] == ""
    assert node["spec"] == {}
    assert pick(objects, "Node", "master-0", "v1")["spec"]["taints"] == [
        {"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}
    ]


def test_nodes_have_addresses_of_their_own() -> None:
    nodes = [o for o in build() if o["kind"] == "Node" and o["apiVersion"] == "v1"]
    addresses = {row["address"] for node in nodes for row in node["status"]["addresses"] if row["type"] == "InternalIP"}
    assert len(addresses) == len(nodes) == 5
    assert all(address.startswith("198.18.") for address in addresses)


def test_allocatable_memory_is_less_than_capacity() -> None:
    for node in (o for o in build("sno-a100") if o["kind"] == "Node" and o["apiVersion"] == "v1"):
        capacity, allocatable = (
            int(node["status"][key]["memory"].removesuffix("Ki")) for key in ("capacity", "allocatable")
        )
        assert 0 < allocatable < capacity < 512 * 1024 * 1024
        assert node["spec"] == {}  # a single node takes workload


def test_cluster_version_of_a_settled_cluster() -> None:
    version = pick(build(), "ClusterVersion", "version")
    assert version["status"]["desired"]["version"] == version["status"]["history"][0]["version"] == "4.20.20"
    assert version["status"]["history"][0]["state"] == "Completed"
    assert condition(version, "Progressing")["status"] == "False"
    assert (
        version["status"]["history"][0]["startedTime"]
        < version["status"]["history"][0]["completionTime"]
        < "2026-11-24T10:00:00Z"
    )


def test_cluster_version_while_upgrading() -> None:
    version = pick(build(scenarios=("cluster-upgrading",)), "ClusterVersion", "version")
    assert version["status"]["desired"]["version"] == "4.20.22"
    assert [row["state"] for row in version["status"]["history"]][:2] == ["Partial", "Completed"]
    assert version["status"]["history"][0]["completionTime"] is None
    assert condition(version, "Progressing")["status"] == "True"
    assert "62% complete" in condition(version, "Progressing")["message"]


def test_upgrading_needs_a_release_to_go_to() -> None:
    settings = data.load("h200-roce", "4.20", ["cluster-upgrading"])
    settings["openshift"] = {**settings["openshift"], "available_updates": []}
    with pytest.raises(RehearsalError, match="needs a release to go to"):
        seed.objects(settings)


def test_node_not_ready() -> None:
    node = pick(build(scenarios=("node-not-ready",)), "Node", "gpu-1", "v1")
    assert condition(node, "Ready")["status"] == "Unknown"
    assert "type" not in node["metadata"]["labels"]
    assert {taint["key"] for taint in node["spec"]["taints"]} == {"node.kubernetes.io/unreachable"}


def test_cluster_id_is_given_or_derived() -> None:
    given = pick(build(cluster_id="11111111-2222-4333-8444-555555555555"), "ClusterVersion")
    assert given["spec"]["clusterID"] == "11111111-2222-4333-8444-555555555555"
    derived = {pick(build(profile), "ClusterVersion")["spec"]["clusterID"] for profile in ("h200-roce", "h100-ib")}
    assert len(derived) == 2


def test_tools_image_is_that_of_the_release() -> None:
    objects = build()
    stream = pick(objects, "ImageStream", "tools")
    image = stream["status"]["tags"][0]["items"][0]["dockerImageReference"]
    assert image.endswith(data.load_openshift("4.20")["payload_images"]["tools"])
    toolkit = pick(objects, "ImageStream", "driver-toolkit")
    assert [tag["tag"] for tag in toolkit["status"]["tags"]] == ["latest", "9.6.20250925-0"]


def test_no_default_storage_class() -> None:
    settings = data.load("h200-roce", "4.20", ["no-default-storageclass"])
    settings["profile"] = {
        **settings["profile"],
        "storage_classes": [{"name": "san", "provisioner": "csi.example.com", "default": True}],
    }
    assert "annotations" not in pick(seed.objects(settings), "StorageClass", "san")["metadata"]
    settings["scenario"] = {}
    assert pick(seed.objects(settings), "StorageClass", "san")["metadata"]["annotations"]


def test_topology_follows_the_profile() -> None:
    assert pick(build("sno-a100"), "Infrastructure")["status"]["controlPlaneTopology"] == "SingleReplica"
    assert pick(build("sno-a100"), "Scheduler")["spec"]["mastersSchedulable"] is True
    assert pick(build("h200-roce"), "Scheduler")["spec"]["mastersSchedulable"] is False


def test_catalog_sources_point_to_the_given_addresses() -> None:
    source = pick(build(catalogs={"redhat-operators": "10.0.0.1:1"}), "CatalogSource")
    assert source["spec"]["address"] == "10.0.0.1:1"


def test_a_cluster_in_the_middle_of_an_update() -> None:
    found = {(o["kind"], o["metadata"]["name"]): o for o in build("cpu-only", "4.20.20-to-4.21.15")}
    status = found["ClusterVersion", "version"]["status"]
    assert [(row["version"], row["state"]) for row in status["history"][:2]] == [("4.21.15", "Partial"), ("4.20.20", "Completed")]
    assert status["desired"]["version"] == "4.21.15" and status["history"][0]["completionTime"] is None
    progressing = next(c for c in status["conditions"] if c["type"] == "Progressing")
    assert progressing["status"] == "True" and progressing["message"].endswith("waiting on network")

    def operator(name: str) -> tuple[str, str]:
        state = found["ClusterOperator", name]["status"]
        return state["versions"][0]["version"], next(c["status"] for c in state["conditions"] if c["type"] == "Progressing")

    assert operator("etcd") == ("4.21.15", "False") and operator("network") == ("4.20.20", "True") and operator("machine-config") == ("4.20.20", "False")
    assert {o["status"]["nodeInfo"]["kubeletVersion"] for key, o in found.items() if key[0] == "Node" and o["apiVersion"] == "v1"} == {"v1.33.9"}


def test_a_fleet_has_a_thousand_different_nodes() -> None:
    nodes = [o for o in build("fleet-1000") if (o["kind"], o["apiVersion"]) == ("Node", "v1")]
    addresses = {a["address"] for node in nodes for a in node["status"]["addresses"] if a["type"] == "InternalIP"}
    assert len(nodes) == len(addresses) == 1000
