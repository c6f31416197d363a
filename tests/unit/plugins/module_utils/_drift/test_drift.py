# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared against live, field by field, with who changed what."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._drift import drift
from ansible_collections.llmd.openshift.plugins.module_utils._drift.compare import differences
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import applied
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot.objects import HIDDEN

OURS = "llmd-openshift"


def changed(declared: Any, live: Any, *owners: tuple[str, dict[str, Any]]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.path, one.managers) for one in differences(declared, live, owners)]


def test_what_others_add_is_theirs():
    assert changed({"spec": {"a": 1}}, {"spec": {"a": 1, "b": 2}}) == []


def test_a_changed_field_names_its_manager():
    owners = ((OURS, {"f:spec": {"f:b": {}}}), ("kubectl-edit", {"f:spec": {"f:channel": {}}}))
    assert changed({"spec": {"channel": "stable", "b": 1}}, {"spec": {"channel": "fast", "b": 1}}, *owners) == [("spec.channel", ("kubectl-edit",))]


def test_entries_are_found_by_their_keys_wherever_they_are():
    owners = (("kubectl", {"f:list": {'k:{"name":"b"}': {"f:size": {}}}}),)
    declared = {"list": [{"name": "a", "size": 1}, {"name": "b", "size": 2}]}
    assert changed(declared, {"list": [{"name": "b", "size": 2}, {"name": "a", "size": 1}]}) == []
    assert changed(declared, {"list": [{"name": "b", "size": 3}, {"name": "a", "size": 1}]}, *owners) == [("list[name=b].size", ("kubectl",))]
    assert changed(declared, {"list": [{"name": "a", "size": 1}]}) == [("list[name=b]", ())]


def test_keys_other_than_name_are_those_of_the_notes():
    owners = ((OURS, {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}}}}),)
    declared = {"ports": [{"port": 80, "protocol": "TCP", "nodePort": 1}]}
    live = {"ports": [{"port": 81, "protocol": "TCP"}, {"port": 80, "protocol": "TCP", "nodePort": 2}]}
    assert [path for path, _who in changed(declared, live, *owners)] == ["ports[port=80,protocol=TCP].nodePort"]


def test_a_list_without_keys_has_one_owner():
    owners = (("kubectl-patch", {"f:args": {}}),)
    assert changed({"args": ["--a", "--b"]}, {"args": ["--a"]}, *owners) == [("args", ("kubectl-patch",))]
    assert changed({"args": ["--a"]}, {"args": ["--a"]}, *owners) == []


@pytest.mark.parametrize(("one", "other"), [("4", 4), ("4000m", "4"), ("1Gi", "1024Mi"), ("8", 8)])
def test_another_spelling_of_a_quantity_is_no_difference(one, other):
    assert changed({"x": one}, {"x": other}) == []


@pytest.mark.parametrize(("one", "other"), [(True, "true"), (True, 1), ("4", "5"), ("a", "b"), (0, None), ("x", {"y": 1})])
def test_another_value_is_one(one, other):
    assert changed({"x": one}, {"x": other}) == [("x", ())]


def test_an_empty_mapping_may_be_left_out_but_not_become_something_else():
    assert changed({"x": {}, "y": []}, {}) == []
    assert changed({"x": {}}, {"x": "text"}) == [("x", ())]


def test_of_a_hidden_value_only_its_owner_is_told():
    declared = {"env": [{"name": "ARGS", "value": "--secret"}]}
    live = {"env": [{"name": "ARGS", "value": HIDDEN}]}
    mine, theirs = ({"f:env": {'k:{"name":"ARGS"}': {"f:value": {}}}} for _ in range(2))
    assert changed(declared, live, (OURS, mine)) == []
    found = list(differences(declared, live, (("kubectl-edit", theirs),)))
    assert [(one.path, one.managers) for one in found] == [("env[name=ARGS].value", ("kubectl-edit",))]
    assert "--secret" not in str(found)


def subscription(channel: str = "stable", manager: str = OURS, **meta: Any) -> dict[str, Any]:
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "Subscription",
        "metadata": {
            "name": "nfd", "namespace": "openshift-nfd",
            "managedFields": [
                {"manager": OURS, "operation": "Apply", "fieldsV1": {"f:spec": {"f:name": {}}}},
                {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {"f:channel": {}}}},
                {"manager": "olm", "operation": "Update", "subresource": "status", "fieldsV1": {"f:spec": {"f:channel": {}}}},
            ],
            **meta,
        },
        "spec": {"name": "nfd", "channel": channel},
        "status": {"state": "AtLatestKnown"},
    }  # fmt: skip


WANTED = {"apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": {"name": "nfd", "namespace": "openshift-nfd"}, "spec": {"name": "nfd", "channel": "stable"}}
RESOURCE = "subscriptions.operators.coreos.com"


def judged(live: dict[str, Any] | None) -> drift.Drift:
    rows = {drift.key(WANTED): live and drift.Live(*(applied.described(live)[key] for key in ("object", "managed_by", "fields")))}
    return drift.drift([("operators", WANTED)], rows)[0]


def test_a_snapshot_keeps_what_we_applied_and_what_argo_manages_of_those_kinds():
    assert applied.wanted(RESOURCE, subscription())
    plain = subscription()
    plain["metadata"]["managedFields"] = []
    assert not applied.wanted(RESOURCE, plain)
    plain["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "app"}
    assert applied.wanted(RESOURCE, plain) and not applied.wanted("poddisruptionbudgets.policy", plain)
    assert "status" not in applied.described(subscription())["object"]


def test_drift_says_field_manager_and_stage():
    assert judged(subscription()).state == "same"
    one = judged(subscription("fast", "kubectl-edit"))
    assert (one.state, one.stage, one.repaired_by) == ("differs", "operators", "operators")
    said = drift.findings([one])[0]
    assert said["observed"] == "spec.channel is fast, set by kubectl-edit" and said["expected"] == "spec.channel is stable"
    assert "stage operators" in said["remedy"] and said["status"] == "warn"


def test_what_argo_looks_after_is_not_repaired_by_us():
    one = judged(subscription("fast", "argocd-controller", annotations={"argocd.argoproj.io/tracking-id": "app"}))
    assert one.repaired_by == "argocd" and "change it there" in drift.findings([one])[0]["remedy"]


def test_missing_and_not_looked_at_are_not_the_same():
    assert judged(None).state == "missing"
    unknown = drift.drift([("operators", WANTED)], {})
    assert [item["status"] for item in drift.findings(unknown)] == ["unknown"]
    assert [item["status"] for item in drift.findings([judged(subscription())])] == ["pass"]


def test_each_object_counts_once_and_secrets_are_left_out():
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}}
    calls = [{"stage": "operators", "objects": [WANTED, secret]}, {"stage": "features", "objects": [{**WANTED, "apiVersion": "operators.coreos.com/v1"}]}]
    assert [(stage, obj["kind"]) for stage, obj in drift.declared(calls)] == [("operators", "Subscription")]
