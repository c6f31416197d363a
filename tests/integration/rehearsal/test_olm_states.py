# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OLM shows when installations go wrong. The real OLM runs, so each state is provoked, and looked at by plain kubectl.

Texts and reasons: operator-lifecycle-manager's API and documentation (olm.operatorframework.io, "Troubleshooting").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.looks import (
    MARKETPLACE,
    PLANS,
    SUBSCRIPTIONS,
    apply,
    condition,
    plan_of,
    subscribe,
    subscription,
    wait_for,
)

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

CERT_MANAGER, CERT_NAMESPACE = "openshift-cert-manager-operator", "cert-manager-operator"
NFD = "nfd.4.20.0-202602101230"
START = ("second-plan-manual", "two-operatorgroups", "constraints-not-satisfiable", "operator-by-helm")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One cluster with the scenarios that don't disturb each other."""
    name = f"olm-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    scenarios = [word for scenario in START for word in ("--scenario", scenario)]
    yield start(name, "--profile", "cpu-only", "--openshift", "4.20", "--speed", "20", *scenarios)
    rehearsal_cli("down", "--name", name)


def test_a_second_plan_waits_under_manual_approval(one: Any) -> None:
    waiting = wait_for(lambda: subscription(one, CERT_NAMESPACE, CERT_MANAGER)["status"].get("state") == "UpgradePending"
                       and subscription(one, CERT_NAMESPACE, CERT_MANAGER))
    assert waiting["status"]["installedCSV"] == "cert-manager-operator.v1.18.1"
    assert waiting["status"]["currentCSV"] == "cert-manager-operator.v1.19.0"
    second = plan_of(one, CERT_NAMESPACE, "cert-manager-operator.v1.19.0")
    assert second and second["spec"]["approved"] is False and second["status"]["phase"] == "RequiresApproval"
    pending = condition(waiting, "InstallPlanPending")
    assert (pending["status"], pending["reason"]) == ("True", "RequiresApproval")


def test_two_operatorgroups_stop_an_installation(one: Any) -> None:
    subscribe(one, "openshift-nfd", "nfd", "stable")
    groups = wait_for(lambda: (found := one.get("operatorgroups", "-n", "openshift-nfd")["items"])
                      and all(condition(g, "MultipleOperatorGroup") for g in found) and found)
    assert len(groups) == 2
    assert {condition(g, "MultipleOperatorGroup")["reason"] for g in groups} == {"MultipleOperatorGroupsFound"}
    # Nothing is resolved in such a namespace, and the Subscription doesn't say why.
    wait_for(lambda: condition(subscription(one, "openshift-nfd", "nfd"), "CatalogSourcesUnhealthy"))
    assert "state" not in subscription(one, "openshift-nfd", "nfd")["status"]
    assert not one.get(PLANS, "-n", "openshift-nfd")["items"]
    one.kubectl("delete", "operatorgroup", "openshift-nfd-2", "-n", "openshift-nfd")
    wait_for(lambda: one.get("csv", NFD, "-n", "openshift-nfd")["status"].get("phase") == "Succeeded", 240)


def test_a_second_operatorgroup_fails_what_is_installed(one: Any) -> None:
    second = {"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": {"name": "again", "namespace": "openshift-nfd"}, "spec": {}}
    apply(one, second)
    failed = wait_for(lambda: (csv := one.get("csv", NFD, "-n", "openshift-nfd")["status"]).get("phase") == "Failed" and csv)
    assert failed["reason"] == "TooManyOperatorGroups"
    one.kubectl("delete", "operatorgroup", "again", "-n", "openshift-nfd")
    wait_for(lambda: one.get("csv", NFD, "-n", "openshift-nfd")["status"].get("phase") == "Succeeded", 240)


def test_constraints_that_cannot_be_satisfied_are_told(one: Any) -> None:
    subscribe(one, "kuadrant-system", "rhcl-operator", "stable", group={})
    failed = wait_for(lambda: condition(subscription(one, "kuadrant-system", "rhcl-operator"), "ResolutionFailed"))
    assert (failed["status"], failed["reason"]) == ("True", "ConstraintsNotSatisfiable")
    assert "authorino-operator" in failed["message"] and "constraints not satisfiable" in failed["message"]
    assert not one.get(PLANS, "-n", "kuadrant-system")["items"]


def test_an_unknown_channel_is_a_constraint_too(one: Any) -> None:
    subscribe(one, "lws-wrong", "leader-worker-set", "stable-v9", group={"targetNamespaces": ["lws-wrong"]})
    failed = wait_for(lambda: condition(subscription(one, "lws-wrong", "leader-worker-set"), "ResolutionFailed"))
    assert "no operators found in channel stable-v9 of package leader-worker-set in the catalog referenced by subscription" in failed["message"]
    one.kubectl("delete", "namespace", "lws-wrong")


def test_a_wrong_install_mode_fails_the_csv(one: Any) -> None:
    subscribe(one, "everywhere", "leader-worker-set", "stable-v1.0", group={})
    failed = wait_for(lambda: (found := one.get("csv", "-n", "everywhere")["items"]) and next(
        (csv for csv in found if csv["metadata"]["name"].startswith("leader-worker-set") and csv["status"].get("phase") == "Failed"), None))
    assert failed["status"]["reason"] == "UnsupportedOperatorGroup"
    one.kubectl("delete", "namespace", "everywhere")


def test_an_operator_for_all_namespaces_is_copied_into_each(one: Any) -> None:
    subscribe(one, "openshift-operators", "servicemeshoperator3", "stable")
    wait_for(lambda: "Succeeded" in one.kubectl("get", "csv", "-n", "openshift-operators"), 180)
    copy = wait_for(lambda: next((c for c in one.get("csv", "-n", "default")["items"] if c["metadata"]["name"].startswith("servicemeshoperator3") and c.get("status", {}).get("reason")), None))
    assert copy["status"]["reason"] == "Copied" and copy["metadata"]["labels"]["olm.copiedFrom"] == "openshift-operators"


def test_an_operator_by_helm_has_no_subscription(one: Any) -> None:
    deployment = one.get("deployment", "gpu-operator", "-n", "gpu-operator", "--show-managed-fields")
    assert deployment["metadata"]["annotations"]["meta.helm.sh/release-name"] == "gpu-operator"
    assert {entry["manager"] for entry in deployment["metadata"]["managedFields"]} >= {"helm"}
    wait_for(lambda: one.get("deployment", "gpu-operator", "-n", "gpu-operator")["status"].get("availableReplicas") == 1)
    assert one.get("crd", "clusterpolicies.nvidia.com")
    # Operators for all namespaces have their copies here, as anywhere.
    own = [csv for csv in one.get("csv", "-n", "gpu-operator")["items"] if "olm.copiedFrom" not in csv["metadata"].get("labels", {})]
    assert not own and not one.get(SUBSCRIPTIONS, "-n", "gpu-operator")["items"]


def test_a_catalog_that_is_down_and_comes_back(one: Any) -> None:
    assert rehearsal_cli("provoke", "--name", one.name, "--scenario", "catalog-down").returncode == 0

    def state() -> str:
        return str(one.get("catalogsource", "redhat-operators", "-n", MARKETPLACE)["status"]["connectionState"]["lastObservedState"])

    wait_for(lambda: state() == "TRANSIENT_FAILURE", 120)  # what OLM has read before still resolves for some minutes
    assert rehearsal_cli("repair", "--name", one.name, "--scenario", "catalog-down").returncode == 0
    wait_for(lambda: state() == "READY", 240)


def test_scenarios_of_the_start_cannot_begin_later(one: Any) -> None:
    done = rehearsal_cli("provoke", "--name", one.name, "--scenario", "csv-deleted")
    assert done.returncode == 2 and "up --scenario csv-deleted" in done.stderr


def test_a_bundle_that_cannot_be_unpacked_and_a_deleted_csv(new_rehearsal: Callable[..., Any]) -> None:
    one = new_rehearsal("--profile", "cpu-only", "--speed", "40", "--scenario", "unpack-failure", "--scenario", "csv-deleted")

    # the deleted ClusterServiceVersion
    assert "NotFound" in one.kubectl("get", "csv", NFD, "-n", "openshift-nfd", check=False)
    # OLM notices that the version it had brought is gone, and waits for ever.
    status = wait_for(lambda: (found := subscription(one, "openshift-nfd", "nfd")["status"]).get("state") == "UpgradePending" and found)
    assert (status["installedCSV"], status["currentCSV"]) == (NFD, NFD)

    # the bundle
    apply(one, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CERT_NAMESPACE}})
    subscribe(one, CERT_NAMESPACE, CERT_MANAGER, "stable-v1", group={})
    jobs = wait_for(lambda: one.get("jobs", "-n", MARKETPLACE)["items"])
    pod = wait_for(lambda: one.get("pods", "-n", MARKETPLACE, "-l", f"job-name={jobs[0]['metadata']['name']}")["items"])[0]
    waiting = wait_for(lambda: [s["state"]["waiting"]["reason"] for s in one.get("pod", pod["metadata"]["name"], "-n", MARKETPLACE)["status"].get(
        "initContainerStatuses", []) if "waiting" in s["state"]])
    assert set(waiting) & {"ImagePullBackOff", "ErrImagePull", "PodInitializing"}
    failed = wait_for(lambda: condition(subscription(one, CERT_NAMESPACE, CERT_MANAGER), "BundleUnpackFailed"), 120)
    assert (failed["status"], failed["reason"]) == ("True", "BundleUnpackFailed")
    assert "bundle unpacking failed" in failed["message"].lower() and "DeadlineExceeded" in failed["message"]
    assert not one.get("csv", "-n", CERT_NAMESPACE)["items"]


def test_an_operator_that_argo_cd_owns(new_rehearsal: Callable[..., Any]) -> None:
    one = new_rehearsal("--profile", "cpu-only", "--speed", "20", "--scenario", "operator-by-argo")
    found = one.get(SUBSCRIPTIONS, "nfd", "-n", "openshift-nfd")
    assert found["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].startswith("cluster-operators:")
    assert one.get("csv", NFD, "-n", "openshift-nfd")["status"]["phase"] == "Succeeded"
