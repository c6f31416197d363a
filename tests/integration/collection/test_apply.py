# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""apply on a virtual OpenShift: truthful changes, conflicts, adoption, check mode, deletion."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.integration.collection.plays import play

pytestmark = pytest.mark.rehearsal
MODULE = "llmd.openshift.apply"
SECRET = "hunter2-hunter2"


@pytest.fixture
def space(rehearsal: Any) -> Any:
    """The name of a namespace that isn't there yet."""
    name = f"apply-{uuid.uuid4().hex[:8]}"
    yield name
    rehearsal.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(space: str, name: str = "x", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": space}, "data": data}


def actions(result: dict[str, Any]) -> list[str]:
    return [row["action"] for row in result["objects"]]


def test_made_unchanged_updated_and_deleted(rehearsal, tmp_path, space):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": space},
        "stringData": {"t": SECRET},
    }
    first = [config_map(space, a="1", b="1"), secret, namespace(space)]
    made, same, less, gone, absent = play(
        tmp_path, rehearsal,
        {MODULE: {"objects": first}},
        {MODULE: {"objects": first}},
        {MODULE: {"objects": [config_map(space, a="2")]}},
        {MODULE: {"objects": [config_map(space)], "state": "absent"}},
        {MODULE: {"objects": [config_map(space)], "state": "absent"}},
    )  # fmt: skip
    assert actions(made) == ["created"] * 3 and made["objects"][0]["object"] == f"Namespace {space}"
    assert actions(same) == ["unchanged"] * 3 and same["changed"] is False and same["diff"] == []
    assert (
        actions(less) == ["updated"] and "b: '1'" in less["diff"][0]["before"] and "b" not in less["diff"][0]["after"]
    )
    assert (actions(gone), actions(absent)) == (["deleted"], ["absent"])
    assert SECRET not in absent["_output"] and SECRET not in json.dumps(made)
    assert (
        rehearsal.get("secret", "s", "-n", space)["metadata"]["labels"]["app.kubernetes.io/managed-by"]
        == "llmd-openshift"
    )


def test_check_mode_predicts_and_writes_nothing(rehearsal, tmp_path, space):
    policy = {"apiVersion": "nothere.example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"a": 1}}
    before = rehearsal.audit_size()
    result, = play(
        tmp_path, rehearsal, {MODULE: {"objects": [policy, config_map(space, a="1"), namespace(space)]}}, check=True
    )  # fmt: skip
    assert actions(result) == ["created", "predicted", "predicted"] and result["changed"] is True
    assert [row["note"] for row in result["objects"]][1:] == [
        "not tried, since its namespace isn't there yet", "not tried, since its kind isn't installed yet",
    ]  # fmt: skip
    assert "a: '1'" in result["diff"][1]["after"] and "a: 1" in result["diff"][2]["after"]
    ours = [event for event in rehearsal.audit(before) if event.get("userAgent", "").startswith("llmd.openshift")]
    assert [e for e in ours if e["verb"] not in ("get", "list") and "dryRun=All" not in e["requestURI"]] == []
    assert "NotFound" in rehearsal.kubectl("get", "namespace", space, check=False)


def test_missing_kind_fails_before_any_write(rehearsal, tmp_path, space):
    policy = {"apiVersion": "nothere.example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}
    result, waited = play(
        tmp_path, rehearsal,
        {MODULE: {"objects": [namespace(space), policy]}},
        {MODULE: {"objects": [policy], "wait_crds_seconds": 2}},
    )  # fmt: skip
    assert result["failed"] and result["error"]["kind"] == "KindMissing" and "Thing" in result["msg"]
    assert result["objects"] == [] and "NotFound" in rehearsal.kubectl("get", "namespace", space, check=False)
    assert waited["failed"] and "after 2 s" in waited["msg"]


def test_a_kind_and_its_objects_in_one_list(rehearsal, tmp_path, space):
    group = f"{space}.example.com"
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"things.{group}"},
        "spec": {"group": group, "scope": "Cluster", "names": {"plural": "things", "kind": "Thing"}, "versions": [
            {"name": "v1", "served": True, "storage": True,
             "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]},
    }  # fmt: skip
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t"}}
    made, gone = play(
        tmp_path, rehearsal,
        {MODULE: {"objects": [thing, crd], "wait_crds_seconds": 30}},
        {MODULE: {"objects": [thing, crd], "state": "absent"}},
    )  # fmt: skip
    assert actions(made) == ["created", "created"] and actions(gone) == ["deleted", "deleted"]


def test_conflict_names_manager_field_and_object(rehearsal, tmp_path, space):
    rehearsal.kubectl("create", "namespace", space)
    rehearsal.kubectl(
        "apply", "--server-side", "--field-manager=argo", "-f", "-", stdin=json.dumps(config_map(space, a="1"))
    )
    refused, forced = play(
        tmp_path, rehearsal,
        {MODULE: {"objects": [config_map(space, "first", a="1"), config_map(space, a="2")]}},
        {MODULE: {"objects": [config_map(space, a="2")], "force_conflicts": ["argo"]}},
    )  # fmt: skip
    assert refused["failed"] and all(word in refused["msg"] for word in ("'argo'", ".data.a", f"ConfigMap {space}/x"))
    assert actions(refused) == ["created"] and refused["changed"] is True  # what was done before is told
    assert actions(forced) == ["updated"] and forced["objects"][0]["forced"] == ["argo"]


def test_foreign_objects_are_adopted_without_becoming_ours(rehearsal, tmp_path, space):
    rehearsal.kubectl("create", "namespace", space)
    rehearsal.kubectl("create", "configmap", "x", "-n", space, "--from-literal=theirs=1")
    ours = {**config_map(space, mine="1")}
    ours["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "llmd-openshift"}
    refused, adopted, again, kept = play(
        tmp_path, rehearsal,
        {MODULE: {"objects": [ours], "adopt": False}},
        {MODULE: {"objects": [ours, namespace(space)]}},
        {MODULE: {"objects": [ours, namespace(space)]}},
        {MODULE: {"objects": [ours, namespace(space)], "state": "absent"}},
    )  # fmt: skip
    assert refused["failed"] and f"ConfigMap {space}/x" in refused["msg"]
    assert actions(adopted) == ["unchanged", "updated"] and all(row["adopted"] for row in adopted["objects"])
    assert actions(again) == ["unchanged", "unchanged"]
    assert actions(kept) == ["kept", "kept"] and kept["changed"] is False
    live = rehearsal.get("configmap", "x", "-n", space)
    assert live["data"] == {"theirs": "1", "mine": "1"} and "labels" not in live["metadata"]


def test_unusable_list_is_told_at_once(rehearsal, tmp_path):
    (result,) = play(tmp_path, rehearsal, {MODULE: {"objects": [{"kind": "X"}, {"apiVersion": "v1", "kind": "Y"}]}})
    assert result["failed"] and "object 1" in result["msg"] and "object 2" in result["msg"]
