# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of objects: checked, ordered, compared, shown; conflicts read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._apply import compare, conflicts, manifests
from hypothesis import given
from hypothesis import strategies as st


def obj(kind: str = "ConfigMap", name: str = "x", namespace: str | None = "a", **more: Any) -> dict[str, Any]:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": more.pop("api_version", "v1"), "kind": kind, "metadata": meta, **more}


def test_everything_wrong_is_told_at_once():
    bad = [
        "text",
        {"kind": "X", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "X", "metadata": {}},
        obj("ConfigMapList", items=[]),
        {**obj(), "metadata": {"name": "y", "resourceVersion": "5"}},
        {**obj(), "metadata": {"name": "z", "labels": ["a"]}},
        obj(),
        obj(),
    ]
    told = manifests.problems(bad)
    assert len(told) == 7
    for word in (
        "not a mapping",
        "apiVersion missing",
        "without metadata.name",
        "is a list",
        "resourceVersion",
        "labels",
        "twice",
    ):
        assert any(word in line for line in told), word
    assert manifests.problems([obj(), obj(namespace="b"), obj("Secret")]) == []


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["apiVersion", "kind", "metadata", "name", "labels", "x"]), inner, max_size=4),
                    max_leaves=10))  # fmt: skip
def test_any_input_is_judged(value: Any):
    assert isinstance(manifests.problems([value, value]), list)


def test_order():
    given_order = [
        obj("ClusterPolicy"), obj("ValidatingWebhookConfiguration"), obj("Deployment"), obj("RoleBinding"),
        obj("CustomResourceDefinition"), obj("Namespace"), obj("Role"), obj("Alpha"),
    ]  # fmt: skip
    assert [o["kind"] for o in manifests.ordered(given_order)] == [
        "Namespace", "CustomResourceDefinition", "Role", "RoleBinding", "ClusterPolicy", "Deployment", "Alpha",
        "ValidatingWebhookConfiguration",
    ]  # fmt: skip


def test_labels_come_and_go_without_touching_the_given_object():
    plain = obj()
    ours = manifests.labelled(plain)
    assert manifests.is_ours(ours) and not manifests.is_ours(plain) and not manifests.is_ours(None)
    assert manifests.unlabelled(ours)["metadata"]["labels"] == {}
    assert manifests.unlabelled(plain) is plain


def test_secret_values_of_a_length_that_can_be_hidden():
    objects = [
        obj("Secret", data={"a": "c2Vrcml0", "b": "1"}, stringData={"c": "sekrit-word"}),
        obj(data={"d": "visible"}),
    ]
    assert manifests.secret_values(objects) == {"c2Vrcml0", "sekrit-word"}


def live(**data: str) -> dict[str, Any]:
    return {
        **obj(data=data),
        "metadata": {"name": "x", "namespace": "a", "resourceVersion": "1", "uid": "u", "managedFields": [1]},
        "status": {"n": 1},
    }


def test_bookkeeping_and_status_are_no_change():
    before = live(a="1")
    after = {**live(a="1"), "status": {"n": 2}}
    after["metadata"] = {**after["metadata"], "resourceVersion": "2", "generation": 7, "managedFields": []}
    assert not compare.differ(before, after)
    assert compare.differ(before, live(a="2"))
    assert compare.differ(None, after)


def test_only_what_differs_is_shown():
    before, after = compare.shown(live(a="1", same="s", gone="g"), live(a="2", same="s", new="n"))
    assert before == {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "gone": "g"}}
    assert after == {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "2", "new": "n"}}


@pytest.mark.parametrize("part", ["data", "stringData"])
def test_secrets_are_blanked_also_in_kubectls_annotation(part):
    def secret(value: str) -> dict[str, Any]:
        note = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({part: {"t": value}}), "keep": "k"}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s", "annotations": note},
            part: {"t": value},
        }

    for before, after in ((secret("sekrit1"), secret("sekrit2")), (None, secret("sekrit1")), (secret("sekrit1"), None)):
        assert "sekrit" not in json.dumps(compare.shown(before, after))
    changed = compare.shown(secret("sekrit1"), secret("sekrit2"))
    assert isinstance(changed[1][part]["t"], str) and "changed" in changed[1][part]["t"]
    assert secret("sekrit1")[part]["t"] == "sekrit1"


CAUSES = [
    {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "kubectl-edit" using v1 at 2026-01-01',
        "field": ".data.b",
    },
    {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl-edit" using v1', "field": ".data.a"},
    {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "hpa" with subresource "scale" using apps/v1',
        "field": ".spec",
    },
    {"reason": "Other"},
    None,
]


def test_conflicts_name_managers_and_fields():
    found = conflicts.owners(CAUSES)
    assert found == {"kubectl-edit": [".data.b", ".data.a"], "hpa": [".spec"]}
    assert conflicts.sentence(found) == "'hpa' owns .spec; 'kubectl-edit' owns .data.a, .data.b"
    assert not conflicts.may_force(found, ["hpa"]) and conflicts.may_force(found, ["hpa", "kubectl-edit"])
    assert not conflicts.may_force({}, ["hpa"])
