# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an object is, and what a look at one says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._teardown import claim, read
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.model import values
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.table import table

TABLE = table(files.load(files.ROOT / "removal.yml", "removal"))


def obj(manager: str = "llmd-openshift", operation: str = "Apply", label: str = "llmd-openshift", **meta: Any) -> dict[str, Any]:
    note = {"manager": manager, "operation": operation}
    return {"metadata": {"name": "x", "labels": {"app.kubernetes.io/managed-by": label}, "managedFields": [note], **meta}}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (obj(), ""),
        (obj(label="Helm"), "doesn't carry our label"),
        (obj(manager="kubectl"), "never applied it"),
        (obj(operation="Update"), "never applied it"),
        (obj(ownerReferences=[{"kind": "LVMCluster", "name": "a", "controller": True}]), "belongs to LVMCluster a"),
        (obj(ownerReferences=[{"kind": "LVMCluster", "name": "a"}]), ""),
        (obj(annotations={"argocd.argoproj.io/tracking-id": "app:x"}), "Argo CD"),
    ],
)
def test_only_label_and_field_manager_together_make_it_ours(given, word):
    said = claim.against(given)
    assert (word in said) if word else said == ""


def test_values_below_lists():
    route = {"spec": {"parentRefs": [{"name": "a"}, {"name": "b"}, "odd"]}}
    assert values(route, ("spec", "parentRefs", "name")) == ["a", "b"]
    assert values({"spec": None}, ("spec", "x")) == []


def test_a_machine_belongs_to_the_pool_whose_configuration_it_runs():
    node = {
        "metadata": {
            "name": "gpu-0",
            "labels": {"node-role.kubernetes.io/worker": "", "zone": "a"},
            "annotations": {"machineconfiguration.openshift.io/currentConfig": "rendered-llmd-gpu-0a1b2c"},
        },
        "status": {"allocatable": {"cpu": "8", "nvidia.com/gpu": "8"}},
    }
    machine = read._machine(node)
    assert (machine.pool, machine.labels, machine.resources) == ("llmd-gpu", ("node-role.kubernetes.io/worker",), ("nvidia.com/gpu",))
    assert read._machine({"metadata": {"name": "x"}}).pool == ""


class Api:
    """Answers of a cluster with one of our services, whose pod has one owner that is gone and one that is there."""

    def __init__(self, lists: dict[str, list[dict[str, Any]]], objects: dict[str, dict[str, Any]]) -> None:
        self.lists, self.objects, self.asked = lists, objects, []

    def discovery(self) -> dict[str, Any]:
        kinds = [("serving.kserve.io", "v1alpha1", "llminferenceservices", "LLMInferenceService"), ("lvm.topolvm.io", "v1alpha1", "lvmclusters", "LVMCluster")]
        return {"items": [
            {"metadata": {"name": group}, "versions": [{"version": version, "resources": [{"resource": plural, "responseKind": {"kind": kind}}]}]}
            for group, version, plural, kind in kinds
        ]}  # fmt: skip

    def list(self, path: str, reduce: Any = None, **_options: Any) -> list[Any]:
        self.asked.append(path)
        return [reduce(one) for one in self.lists.get(path, [])]

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        return f"{api_version}/{kind}/{namespace}/{name}"

    def find(self, path: str) -> dict[str, Any] | None:
        return self.objects.get(path)


def test_where_nothing_is_ours_nobody_elses_objects_are_read():
    api = Api({}, {})
    found = read.read(api, TABLE)
    assert not any(found.ours.values())
    assert "/api/v1/pods" not in api.asked and "/api/v1/nodes" not in api.asked


def test_owners_are_followed_up_to_our_service_and_an_impostor_of_the_name_ends_the_chain():
    service = {**obj(uid="service", namespace="llmd"), "apiVersion": "serving.kserve.io/v1alpha1", "kind": "LLMInferenceService"}
    cluster = {**obj(uid="lvm", namespace="l"), "apiVersion": "lvm.topolvm.io/v1alpha1", "kind": "LVMCluster"}
    claimed = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "c", "namespace": "llmd", "uid": "claim"}
    volume = {"kind": "PersistentVolume", "apiVersion": "v1", "metadata": {"name": "pv", "uid": "pv"}, "spec": {"csi": {"driver": "topolvm.io"}, "claimRef": claimed}}
    lists = {
        "/apis/serving.kserve.io/v1alpha1/llminferenceservices": [service],
        "/apis/lvm.topolvm.io/v1alpha1/lvmclusters": [cluster],
        "/api/v1/persistentvolumes": [volume],
    }
    up = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "LLMInferenceService", "name": "x", "uid": "service"}
    claim_object = {"metadata": {"uid": "claim", "ownerReferences": [up]}}
    found = read.read(Api(lists, {"v1/PersistentVolumeClaim/llmd/c": claim_object}), TABLE)
    assert found.users["persistentvolumes"][0].owners == ("claim", "service")
    other = {"metadata": {"uid": "another", "ownerReferences": [up]}}
    found = read.read(Api(lists, {"v1/PersistentVolumeClaim/llmd/c": other}), TABLE)
    assert found.users["persistentvolumes"][0].owners == ("claim",)


def test_what_an_operator_makes_for_itself_is_nobodys_use():
    lvm = {**obj(uid="lvm", namespace="l"), "apiVersion": "lvm.topolvm.io/v1alpha1", "kind": "LVMCluster"}
    volumes = [{"kind": "PersistentVolume", "apiVersion": "v1", "metadata": {"name": name, "uid": name}} for name in ("theirs", "made-by-operator")]
    lists = {"/apis/lvm.topolvm.io/v1alpha1/lvmclusters": [lvm], "/api/v1/persistentvolumes": volumes}
    aware = replace(TABLE, own_accord=frozenset({"persistentvolumes made-by-operator"}))
    assert [one.name for one in read.read(Api(lists, {}), aware).users["persistentvolumes"]] == ["theirs"]
