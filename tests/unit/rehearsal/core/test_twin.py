# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin takes over what the files say, and tells what it couldn't take over. Whatever is in the files, it never breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import cli, data, seed, twin
from rehearsal.errors import RehearsalError

ROLE = "node-role.kubernetes.io/"


def write(root: Path, place: str, obj: dict[str, Any]) -> None:
    path = root / "must-gather.local.1" / "registry-example-sha256-abc" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n" + yaml.safe_dump(obj), encoding="utf-8")


def node(name: str, role: str, **labels: str) -> dict[str, Any]:
    status = {
        "capacity": {"cpu": "224", "memory": "2113929216Ki", "nvidia.com/gpu": "7"}, "allocatable": {"cpu": "223500m", "nvidia.com/gpu": "7"},
        "conditions": [{"type": "Ready", "status": "Unknown" if name == "gpu-1" else "True"}],
        "nodeInfo": {"kernelVersion": "5.14.0-570.1", "kubeletVersion": "v1.33.6", "osImage": "RHCOS x", "machineID": "secret"},
    }  # fmt: skip
    meta = {"name": name, "uid": "u", "managedFields": [], "labels": {f"{ROLE}{role}": "", "kubernetes.io/hostname": name, "rack": "r1", **labels}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}], "unschedulable": name == "gpu-0"}, "status": status}


@pytest.fixture
def gather(tmp_path: Path) -> Path:
    labels = {"nvidia.com/gpu.product": "NVIDIA-H200", "nvidia.com/gpu.count": "7", "feature.node.kubernetes.io/memory-numa": "true"}
    for one in (node("m-0", "control-plane"), node("gpu-0", "worker", **labels), node("gpu-1", "worker")):
        write(tmp_path, f"cluster-scoped-resources/core/nodes/{one['metadata']['name']}.yaml", one)
    version = {"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion", "metadata": {"name": "version"}, "spec": {"channel": "eus-4.20", "clusterID": "real"},
               "status": {"desired": {"version": "4.20.9", "image": "x"}, "history": [{"version": "4.20.9", "state": "Completed"}]}}
    write(tmp_path, "cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml", version)
    infra = {"apiVersion": "config.openshift.io/v1", "kind": "InfrastructureList", "items": [{"metadata": {"name": "cluster"}, "status": {
        "platformStatus": {"type": "VSphere"}, "controlPlaneTopology": "SingleReplica", "infrastructureTopology": "SingleReplica"}}]}
    write(tmp_path, "cluster-scoped-resources/config.openshift.io/infrastructures.yaml", infra)
    write(tmp_path, "cluster-scoped-resources/storage.k8s.io/storageclasses/fast.yaml", {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "csi.example.com"})
    pci = [{"attributes": {"vendor": "15b3", "device": "1021", "class": "0200"}}] * 2 + [{"attributes": {"vendor": "dead", "device": "beef", "class": "0200"}}]
    write(tmp_path, "namespaces/openshift-nfd/nfd.k8s-sigs.io/nodefeatures/gpu-0.yaml", {
        "apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": {"name": "gpu-0", "namespace": "openshift-nfd"},
        "spec": {"features": {"instances": {"pci.device": {"elements": pci}}}}})
    for namespace, package, csv in (("openshift-nfd", "nfd", "nfd.4.20.0-202510220911"), ("old", "nfd", "nfd.4.12.0-1")):
        write(tmp_path, f"namespaces/{namespace}/operators.coreos.com/subscriptions/{package}.yaml", {
            "apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": {"name": "sub", "namespace": namespace, "labels": {"team": "x", "operators.coreos.com/a": ""}},
            "spec": {"name": package, "channel": "stable", "source": "mirror", "installPlanApproval": "Automatic"}, "status": {"installedCSV": csv}})
    write(tmp_path, "namespaces/openshift-nfd/operators.coreos.com/operatorgroups/g.yaml", {
        "apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": {"name": "g", "namespace": "openshift-nfd"}, "spec": {"targetNamespaces": ["openshift-nfd"]}})
    for name, labels in (("argo.v1", {}), ("copy.v1", {"olm.copiedFrom": "openshift-operators"})):
        write(tmp_path, f"namespaces/gitops/operators.coreos.com/clusterserviceversions/{name}.yaml", {
            "apiVersion": "operators.coreos.com/v1alpha1", "kind": "ClusterServiceVersion", "metadata": {"name": name, "namespace": "gitops", "labels": labels}})
    write(tmp_path, "cluster-scoped-resources/nvidia.com/clusterpolicies/p.yaml", {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": "p"}})
    return tmp_path


def by_name(loaded: dict[str, Any]) -> dict[str, Any]:
    return {row["name"]: row for row in loaded["profile"]["nodes"]}


def test_nodes_are_taken_over_with_their_hardware(gather: Path) -> None:
    nodes = by_name(twin.load(gather, []))
    gpu = nodes["gpu-0"]
    assert [g["product"] for g in gpu["gpus"]] == ["NVIDIA H200"] * 7 and gpu["numa_nodes"] == 2
    assert [n["pci_id"] for n in gpu["nics"] if n["role"] == "rail"] == ["15b3:1021"] * 2
    assert gpu["labels"]["rack"] == "r1" and "kubernetes.io/hostname" not in gpu["labels"] and gpu["taints"] == [{"key": "gpu", "effect": "NoSchedule"}]
    assert (gpu["unschedulable"], nodes["gpu-1"]["absent"], nodes["m-0"]["absent"]) == (True, True, False)
    assert nodes["m-0"]["roles"] == ["control-plane"]


def test_the_seed_shows_the_clusters_own_values(gather: Path) -> None:
    loaded = twin.load(gather, [])
    found = {(o["kind"], o["metadata"]["name"]): o for o in twin.overlay(seed.objects(loaded), loaded["twin"]["objects"])}
    status = found["Node", "gpu-0"]["status"]
    assert (status["allocatable"]["nvidia.com/gpu"], status["allocatable"]["cpu"], status["nodeInfo"]["kernelVersion"]) == ("7", "223500m", "5.14.0-570.1")
    assert status["nodeInfo"]["machineID"] != "secret" and found["Node", "gpu-0"]["spec"]["unschedulable"] is True
    version = found["ClusterVersion", "version"]
    assert version["status"]["history"] == [{"version": "4.20.9", "state": "Completed"}] and version["spec"]["channel"] == "eus-4.20"
    assert version["status"]["capabilities"], "what the files lack stays the release's"
    assert found["StorageClass", "fast"]["provisioner"] == "csi.example.com"
    assert "uid" not in found["StorageClass", "fast"]["metadata"]


def test_operators_come_at_their_version_or_are_told(gather: Path) -> None:
    loaded = twin.load(gather, [])["twin"]
    (row,) = loaded["operators"]
    assert (row["csv"], row["catalog"], row["name"], row["group"]) == ("nfd.4.20.0-202510220911", "redhat-operators", "sub", {"targetNamespaces": ["openshift-nfd"]})
    assert row["approval"] == "Manual" and row["labels"] == {"team": "x"}
    told = "\n".join(loaded["left_out"])
    for text in ("approval Automatic of nfd", "nfd.4.12.0-1 (old): not in the rehearsal's catalogs", "argo.v1 (gitops)", "clusterpolicies", "dead:beef", "VSphere", "taken from 4.20.20"):
        assert text in told, told
    assert "copy.v1" not in told


def test_broken_files_are_told_and_do_not_stop_it(gather: Path) -> None:
    base = gather / "must-gather.local.1" / "registry-example-sha256-abc" / "cluster-scoped-resources"
    (base / "core" / "nodes" / "bad.yaml").write_text("a: [", encoding="utf-8")
    (base / "core" / "nodes" / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (base / "core" / "nodes" / "list.yaml").write_text("- 1\n- 2\n", encoding="utf-8")
    loaded = twin.load(gather, [])
    assert len(loaded["profile"]["nodes"]) == 3
    assert sum("unreadable" in line for line in loaded["twin"]["left_out"]) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 9, "nodes": []}', '{"schema": 1, "nodes": []}'])
def test_what_is_no_snapshot_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "s.json").write_text(content, encoding="utf-8")
    with pytest.raises(RehearsalError, match="no snapshot is found") as error:
        twin.load(tmp_path / "s.json", [])
    assert error.value.code == 2


def test_a_snapshot_makes_the_same_twin(tmp_path: Path) -> None:
    pci = ["10de:2335"] * 8
    row = {"name": "g", "roles": ["worker"], "ready": True, "schedulable": True, "conditions": {"Ready": {"status": "True", "reason": None, "message": None}},
           "taints": [], "cpu": 224, "memory_bytes": 2**41, "allocatable": {"rdma/x": 4}, "capacity": {"rdma/x": 4}, "kernel": "5.14", "labels": {},
           "accelerators": {"product": None, "count": 8, "pci_ids": pci}, "nics": [{"name": "a", "pci_id": "15b3:1021", "class": "0207"}],
           "nvme": {"count": 2, "devices": [{"name": "nvme0n1", "size_bytes": None}, {"name": "nvme1n1", "size_bytes": 1}]}, "numa_nodes": 2}
    master = {**row, "name": "m", "roles": ["control-plane", "master"], "accelerators": {}, "nics": None}
    snapshot = {
        "schema": 1, "nodes": [row, master], "platform": {"type": "BareMetal", "control_plane_topology": "HighlyAvailable", "infrastructure_topology": "HighlyAvailable"},
        "openshift": {"version": "4.20.20", "channel": "stable-4.20", "history": [{"version": "4.20.20", "state": "Completed", "started": "2026-01-01T00:00:00Z", "completed": None}], "conditions": {}},
        "networks": {"type": "OVNKubernetes", "cluster": ["10.128.0.0/14"], "service": ["172.30.0.0/16"], "host_prefixes": [23], "mtu": 8900},
        "pools": [{"name": "llmd", "paused": True}], "storage_classes": [{"name": "s", "provisioner": "p", "default": True}],
        "operator_groups": [{"namespace": "openshift-nfd", "targets": ["openshift-nfd"], "all_namespaces": False}],
        "operators": [{"package": "nfd", "namespace": "openshift-nfd", "subscription": "nfd", "channel": "stable", "catalog": "redhat-operators", "approval": "Automatic", "installed_csv": "nfd.4.20.0-202602101230"}],
    }  # fmt: skip
    (tmp_path / "s.json").write_text(json.dumps(snapshot), encoding="utf-8")
    loaded = twin.load(tmp_path / "s.json", [])
    gpu = by_name(loaded)["g"]
    assert len(gpu["gpus"]) == 8 and [n["link_layer"] for n in gpu["nics"] if n["role"] == "rail"] == ["InfiniBand"]
    assert [d["name"] for d in gpu["disks"]] == ["nvme0n1", "nvme1n1"] and gpu["found"]["allocatable"]["rdma/x"] == "4"
    assert loaded["twin"]["operators"][0]["approval"] == "Automatic", "the channel's newest may stay automatic"
    kinds = {o["kind"]: o for o in loaded["twin"]["objects"]}
    assert kinds["Network"]["status"]["clusterNetworkMTU"] == 8900 and kinds["MachineConfigPool"]["spec"]["paused"] is True
    assert seed.objects(loaded)


def test_an_unknown_version_gets_the_nearest_lower_release(gather: Path) -> None:
    facts = twin.read(gather)
    for version, base in (("4.22.1", "4.21.15"), ("4.20.20", "4.20.20"), ("4.16.3", "4.18.30"), ("", "4.21.15")):
        facts.version = version
        assert twin._release(facts, [])["kubernetes"] == data.load_openshift(base)["kubernetes"]


def test_bad_sources_are_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("rehearsal.sandbox.check", lambda: None)
    monkeypatch.setenv("LLMD_STATE", str(tmp_path / "state"))
    for words, told in (
        (["must-gather", str(tmp_path / "nonesuch")], "no such file or folder"),
        (["must-gather", str(tmp_path)], "no must-gather is found"),
        (["a", "b", "c"], "is no source"),
        ([str(tmp_path), "--profile", "l40s"], "--profile can't be given with --from"),
    ):
        assert cli.main(["up", "--from", *words]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "state").exists()
