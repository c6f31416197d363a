# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios of installations that don't come about, each by the object in which the real OLM shows it; plain kubectl.

Reasons and texts: operator-lifecycle-manager's API and documentation (olm.operatorframework.io, "Troubleshooting", "OperatorGroups"), OLM v0.46.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.looks import PLANS, SUBSCRIPTIONS, condition, plan_of, subscription, wait_for

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
Look = Callable[[Any], Any]
CSV = "clusterserviceversions.operators.coreos.com"


def unresolved(namespace: str, name: str, words: str) -> Look:
    """The Subscription says that its wish can't be met."""

    def look(one: Any) -> Any:
        told = condition(subscription(one, namespace, name), "ResolutionFailed")
        return told.get("status") == "True" and words in told["message"]

    return look


def silent(namespace: str, name: str) -> Look:
    """Nothing is made, and the Subscription says nothing."""

    def look(one: Any) -> Any:
        found = subscription(one, namespace, name)
        seen = condition(found, "CatalogSourcesUnhealthy")  # OLM has looked at it
        return seen and "state" not in found["status"] and not one.get(PLANS, "-n", namespace)["items"]

    return look


def csv_is(namespace: str, prefix: str, phase: str, reason: str) -> Look:
    def look(one: Any) -> Any:
        mine = [item for item in one.get(CSV, "-n", namespace)["items"] if item["metadata"]["name"].startswith(prefix)]
        return any((item["status"].get("phase"), item["status"].get("reason")) == (phase, reason) for item in mine)

    return look


def stuck_plan(namespace: str, words: str) -> Look:
    def look(one: Any) -> Any:
        plans = one.get(PLANS, "-n", namespace)["items"]
        told = [str(row.get("message", "")) for plan in plans for row in [plan["status"], *plan["status"].get("conditions", [])]]
        return any(plan["status"]["phase"] != "Complete" for plan in plans) and any(words in text for text in told)

    return look


def plan_of_both(one: Any) -> Any:
    plan = plan_of(one, "shared", "nfd.4.20.0-202602101230")
    return plan and any(csv.startswith("local-storage-operator") for csv in plan["spec"]["clusterServiceVersionNames"])


def invalid_catalog(one: Any) -> Any:
    return one.get("catalogsource", "team-operators", "-n", "team")["status"]["reason"] == "SpecInvalidError"


def another_package(one: Any) -> Any:
    found = subscription(one, "openshift-sriov-network-operator", "sriov-network-operator")
    return found["spec"]["name"] == "nfd" and str(found["status"].get("currentCSV", "")).startswith("nfd.")


def waits_again(one: Any) -> Any:
    plan = plan_of(one, "sriov-waits", "sriov-network-operator.v4.20.0-202602101230")
    return plan and not plan["spec"]["approved"]


def a_copy(one: Any) -> Any:
    found = subscription(one, "mesh-again", "servicemeshoperator3")["status"].get("installedCSV")
    return found and one.get(CSV, found, "-n", "mesh-again")["metadata"]["labels"]["olm.copiedFrom"] == "openshift-operators"


def held(one: Any) -> Any:
    return csv_is("cert-manager-held", "cert-manager-operator.v1.19", "Pending", "OperatorConditionNotUpgradeable")(one)


AT_ONCE: dict[str, Look] = {
    "operatorgroup-missing": silent("openshift-lws-operator", "leader-worker-set"),
    "operatorgroup-unfit": csv_is("lws-everywhere", "leader-worker-set", "Failed", "UnsupportedOperatorGroup"),
    "operatorgroup-selects-nothing": stuck_plan("nfd-nowhere", "no operator group found that is managing this namespace"),
    "operatorgroup-static": csv_is("nfd-static", "nfd", "Failed", "CannotModifyStaticOperatorGroupProvidedAPIs"),
    "channel-unknown": unresolved("openshift-local-storage", "local-storage-operator", "no operators found in channel stabel"),
    "version-unknown": unresolved("openshift-lvm-storage", "lvms-operator", "lvms-operator.v9.9.9"),
    "package-unknown": unresolved("no-such", "no-such-operator", "no operators found in package no-such-operator"),
    "catalog-unknown": unresolved("metallb-system", "metallb-operator", "mirrored-operators"),
    "catalog-invalid": invalid_catalog,
    "subscription-other-package": another_package,
    "namespace-shared": plan_of_both,
    "installplan-forbidden": stuck_plan("nfd-scoped", "forbidden"),
}
INSTALLED: dict[str, Look] = {
    "operatorgroups-intersect": csv_is("kmm-again", "kernel-module-management", "Failed", "InterOperatorGroupOwnerConflict"),
    "subscription-deleted": lambda one: one.get(CSV, "lvms-operator.v4.20.0", "-n", "lvms-orphan") and not one.get(SUBSCRIPTIONS, "-n", "lvms-orphan")["items"],
    "installplan-deleted": waits_again,
    "requirements-unmet": csv_is("lws-bare", "leader-worker-set", "Pending", "RequirementsNotMet"),
    "operator-twice": a_copy,
    "upgrade-forbidden": held,
}


@pytest.fixture(scope="module", params=["at once", "after an installation"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, Look]]]:
    """Scenarios that don't disturb each other on one cluster, each in a namespace of its own."""
    looks = AT_ONCE if request.param == "at once" else INSTALLED
    name = f"olms-{len(looks)}-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    words = [word for scenario in looks for word in ("--scenario", scenario)]
    yield start(name, "--profile", "cpu-only", "--openshift", "4.20", "--speed", "10", *words), looks
    rehearsal_cli("down", "--name", name)


def test_each_shows_its_symptom(many: tuple[Any, dict[str, Look]]) -> None:
    one, looks = many
    for scenario, look in looks.items():
        assert wait_for(lambda look=look: look(one), 240), scenario
        print(scenario)
