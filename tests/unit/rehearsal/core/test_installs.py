# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody did before: orders out of scenarios, approvals of exactly the wanted plan, and what is told when OLM doesn't deliver."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import data, installs
from rehearsal.errors import RehearsalError

ROW = {"package": "nfd", "namespace": "openshift-nfd", "channel": "stable", "csv": "nfd.v1", "approval": "Manual", "labels": {"a": "b"}}


class FakeKube:
    """The API as far as installs.py uses it: objects by path."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.managers: dict[str, str] = {}
        self.installed: dict[str, Any] | None = None  # what every Subscription says

    def path(self, api: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        return "/".join(part for part in (kind, namespace, name) if part)

    def path_of(self, obj: dict[str, Any]) -> str:
        return self.path("", obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"])

    def get(self, path: str) -> Any:
        return self.objects.get(path)

    def list(self, path: str) -> list[Any]:
        return [obj for key, obj in self.objects.items() if key.startswith(f"{path}/")]

    def apply(self, obj: dict[str, Any], manager: str) -> None:
        self.objects[self.path_of(obj)] = {**obj, "status": self.installed} if obj["kind"] == "Subscription" and self.installed else obj
        self.managers[self.path_of(obj)] = manager

    def patch(self, path: str, patch: Any, **_: Any) -> None:
        self.objects[path]["spec"].update(patch["spec"])
        self.objects[path]["status"] = {"phase": "Complete"}

    def delete(self, path: str) -> None:
        self.objects.pop(path, None)


def plan(name: str, *csvs: str, phase: str = "Complete") -> dict[str, Any]:
    spec = {"approved": False, "clusterServiceVersionNames": list(csvs)}
    return {"kind": "InstallPlan", "metadata": {"name": name, "namespace": "openshift-nfd"}, "spec": spec, "status": {"phase": phase}}


def orders(**given: Any) -> dict[str, Any]:
    return {**{key: [] for key in installs.KEYS}, **given}


def test_only_the_plan_with_the_wanted_version_is_approved() -> None:
    kube = FakeKube()
    for one in (plan("right", "nfd.v1", phase="RequiresApproval"), plan("early", "nfd.v1", phase=""), plan("next", "nfd.v2", phase="RequiresApproval")):
        kube.objects[kube.path_of(one)] = one
    kube.objects["ClusterServiceVersion/openshift-nfd/nfd.v1"] = {"status": {"phase": "Succeeded"}}
    kube.installed = {"installedCSV": "nfd.v1"}
    assert installs.carry_out(kube, orders(operators=[ROW]), 1) == []  # type: ignore[arg-type]
    assert kube.objects["InstallPlan/openshift-nfd/right"]["spec"]["approved"] is True
    assert kube.objects["InstallPlan/openshift-nfd/next"]["spec"]["approved"] is False
    assert kube.objects["InstallPlan/openshift-nfd/early"]["spec"]["approved"] is False, "OLM hasn't finished writing it"
    made = kube.objects["Subscription/openshift-nfd/nfd"]
    assert made["spec"]["startingCSV"] == "nfd.v1" and made["metadata"]["labels"] == {"a": "b"}


def test_a_namespace_keeps_its_operatorgroup() -> None:
    kube = FakeKube()
    kube.objects["OperatorGroup/openshift-nfd/theirs"] = {"kind": "OperatorGroup"}
    installs.carry_out(kube, orders(operators=[{**ROW, "wait": False}]), 1)  # type: ignore[arg-type]
    assert [key for key in kube.objects if key.startswith("OperatorGroup")] == ["OperatorGroup/openshift-nfd/theirs"]
    kube = FakeKube()
    installs.carry_out(kube, orders(operators=[{**ROW, "wait": False, "group": None}]), 1)  # type: ignore[arg-type]
    assert not [key for key in kube.objects if key.startswith("OperatorGroup")]


def test_what_does_not_come_is_told_with_olms_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installs, "LOOK_SECONDS", 0.01)
    kube = FakeKube()
    late = installs.carry_out(kube, orders(operators=[ROW]), 0.05)  # type: ignore[arg-type]
    assert late == ["nfd (openshift-nfd): no ClusterServiceVersion yet, the Subscription says nothing"]
    with pytest.raises(RehearsalError, match=r"aren't installed.*nfd \(openshift-nfd\)"):
        installs.must_be_done(late)
    installs.must_be_done([])


def test_objects_bear_their_makers_name_and_removals_come_last() -> None:
    kube = FakeKube()
    helm = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n", "labels": {"app.kubernetes.io/managed-by": "Helm"}}}
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}}
    gone = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "n", "name": "c"}
    installs.carry_out(kube, orders(objects=[helm, plain], remove=[gone]), 1)  # type: ignore[arg-type]
    assert kube.managers == {"Secret/n/s": "helm", "ConfigMap/n/c": "kubectl"}
    assert list(kube.objects) == ["Secret/n/s"]


def test_scenarios_become_orders_with_whole_definitions() -> None:
    merged = data.load("cpu-only", "4.20", ["operator-by-helm", "csv-deleted"])["scenario"]
    found = installs.wanted(merged, lambda name: {"crd": name})
    assert found["definitions"] == [{"crd": "nvidia.com/ClusterPolicy"}]
    assert [row["package"] for row in found["operators"]] == ["nfd"] and found["remove"][0]["kind"] == "ClusterServiceVersion"


@pytest.mark.parametrize(("phase", "installed"), [("Installing", "nfd.v1"), ("Complete", "nfd.v0")])
def test_a_version_counts_when_olm_has_finished_with_it(monkeypatch: pytest.MonkeyPatch, phase: str, installed: str) -> None:
    """What is deleted while its InstallPlan goes on, OLM makes again: a scenario that deletes it would come and go."""
    monkeypatch.setattr(installs, "LOOK_SECONDS", 0.01)
    kube = FakeKube()
    one = plan("right", "nfd.v1", phase=phase)
    kube.objects[kube.path_of(one)] = one
    kube.objects["ClusterServiceVersion/openshift-nfd/nfd.v1"] = {"status": {"phase": "Succeeded"}}
    kube.installed = {"installedCSV": installed}
    (late,) = installs.carry_out(kube, orders(operators=[ROW]), 0.05)  # type: ignore[arg-type]
    assert "doesn't say so yet" in late


def test_an_installplan_is_removed_by_what_it_holds_once_its_subscription_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installs, "LOOK_SECONDS", 0.01)
    kube = FakeKube()
    status: dict[str, Any] = {"installPlanRef": {"name": "b"}, "conditions": []}
    waiting = {"kind": "Subscription", "metadata": {"name": "nfd", "namespace": "openshift-nfd"}, "status": status}
    for one in (plan("a", "nfd.v1"), plan("b", "nfd.v2"), waiting):
        kube.objects[kube.path_of(one)] = one
    gone = {"apiVersion": "operators.coreos.com/v1alpha1", "kind": "InstallPlan", "namespace": "openshift-nfd", "csv": "nfd.v2"}
    wanted = orders(remove=[gone, {**gone, "csv": "nfd.v9"}])
    installs.carry_out(kube, wanted, 0.05)  # type: ignore[arg-type]
    assert len(kube.objects) == 3, "OLM still writes"
    status["conditions"] = [{"type": "InstallPlanPending", "status": "True"}]
    installs.carry_out(kube, wanted, 0.05)  # type: ignore[arg-type]
    assert list(kube.objects) == ["InstallPlan/openshift-nfd/a", "Subscription/openshift-nfd/nfd"]
