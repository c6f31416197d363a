# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state of OLM that people meet, with its verdict: each scenario made it, the real OLM shows it, one look tells it from the others.

A look is a check-mode run of olm_subscription: it reads the cluster once, so what it says is what one watch event would be judged to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._olm.wishes import parse
from ansible_collections.llmd.openshift.plugins.module_utils._watch.operators import Operators

from tests.integration.collection.plays import play
from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.looks import subscribe

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
ACTION = "llmd.openshift.olm_subscription"
NFD, CERT = "nfd.4.20.0-202602101230", "cert-manager-operator.v1.20.0"


@dataclass(frozen=True)
class Case:
    """A scenario, what is wished there, and the verdict: reason, words of its detail, words of its repair."""

    scenario: str
    package: str
    namespace: str
    csv: str
    reasons: tuple[str, ...]
    detail: str
    repair: str
    more: dict[str, Any] = field(default_factory=dict)
    comes: dict[str, Any] | None = None  # the scenario prepares the ground, and the Subscription is made by whoever comes: what else `subscribe` is told

    @property
    def wish(self) -> dict[str, Any]:
        base = {"package": self.package, "namespace": self.namespace, "csv": self.csv, "channel": "stable", "catalog": "redhat-operators"}
        return {**base, **self.more}


LWS = {"channel": "stable-v1.0"}
CASES = [
    Case("operatorgroup-missing", "leader-worker-set", "openshift-lws-operator", "leader-worker-set.v1.0.1", ("NoOperatorGroup",), "has no OperatorGroup", "Make one", LWS),
    Case("two-operatorgroups", "nfd", "openshift-nfd", NFD, ("TooManyOperatorGroups",), "has 2: openshift-nfd, openshift-nfd-2", "exactly one OperatorGroup", comes={}),
    Case("operatorgroup-unfit", "leader-worker-set", "lws-everywhere", "leader-worker-set.v1.0.1", ("UnsupportedOperatorGroup",), "AllNamespaces", "install modes", LWS),
    Case("operatorgroup-selects-nothing", "nfd", "nfd-nowhere", NFD, ("NoTargetNamespaces",), "selects none by its labels", "targetNamespaces or selector"),
    Case("operatorgroup-static", "nfd", "nfd-static", NFD, ("CannotModifyStaticOperatorGroupProvidedAPIs",), "cannot be modified", "static"),
    Case("operatorgroups-intersect", "kernel-module-management", "kmm-again", "kernel-module-management.v2.5.0", ("InterOperatorGroupOwnerConflict",), "provide the same apis", "provides the same API"),
    Case("operator-twice", "servicemeshoperator3", "mesh-again", "servicemeshoperator3.v3.4.1", ("InstalledElsewhere",), "is installed in openshift-operators", "remove this Subscription"),
    Case("channel-unknown", "local-storage-operator", "openshift-local-storage", "local-storage-operator.v4.20.0-202602101230", ("ChannelNotFound",), "nearest: stable", "llmd_operator_channels", {"channel": "stabel"}),
    Case("version-unknown", "lvms-operator", "openshift-lvm-storage", "lvms-operator.v9.9.9", ("VersionNotInChannel",), "doesn't hold lvms-operator.v9.9.9", "Mirror that version", {"channel": "stable-4.20"}),
    Case("package-unknown", "no-such-operator", "no-such", "no-such-operator.v1.0.0", ("PackageNotFound",), "has no package no-such-operator", "Mirror the package"),
    Case("catalog-unknown", "metallb-operator", "metallb-system", "metallb-operator.v4.20.0-202602101230", ("NoCatalogSource",), "mirrored-operators doesn't exist", "llmd_operator_catalogs", {"catalog": "mirrored-operators"}),
    Case("catalog-invalid", "team-operator", "team", "team-operator.v1.0.0", ("CatalogSpecInvalidError",), "team-operators", "specification", {"catalog": "team-operators", "catalog_namespace": "team"}),
    Case("constraints-not-satisfiable", "rhcl-operator", "kuadrant-system", "rhcl-operator.v1.4.3", ("ConstraintsNotSatisfiable",), "authorino-operator", "stops all others in its namespace", comes={"group": {}}),
    Case("subscription-deleted", "lvms-operator", "lvms-orphan", "lvms-operator.v4.20.0", ("CsvWithoutSubscription",), "lvms-operator.v4.20.0 exists", "Delete the ClusterServiceVersion", {"channel": "stable-4.20"}, {}),
    Case("subscription-other-package", "sriov-network-operator", "openshift-sriov-network-operator", "sriov-network-operator.v4.20.0-202602101230", ("OtherPackage",), "asks for package nfd", "rename or remove"),
    Case("namespace-shared", "nfd", "shared", NFD, ("UnexpectedInstallPlan",), "would also install local-storage-operator", "separate namespaces"),
    Case("installplan-deleted", "sriov-network-operator", "sriov-waits", "sriov-network-operator.v4.20.0-202602101230", ("RequiresApproval",), "holds exactly expected versions", ""),
    Case("installplan-forbidden", "nfd", "nfd-scoped", NFD, ("InstallPlanForbidden",), "cannot create resource", "Grant ServiceAccount installer"),
    Case("upgrade-forbidden", "openshift-cert-manager-operator", "cert-manager-held", "cert-manager-operator.v1.19.0", ("OperatorConditionNotUpgradeable",), "no upgrade before the audit", "do what its message says", {"channel": "stable-v1", "adopt": False}),
    Case("second-plan-manual", "openshift-cert-manager-operator", "cert-manager-operator", CERT, ("Adopted",), "cert-manager-operator.v1.18.1 is installed", "", {"channel": "stable-v1"}),
    Case("requirements-unmet", "leader-worker-set", "lws-bare", "leader-worker-set.v1.0.1", ("RequirementsNotMet",), "ServiceAccount openshift-lws-operator: Service account does not exist", "Install what provides", LWS),
]  # fmt: skip


# Those whose scenario begins with a finished installation take longer to start: a cluster for themselves.
INSTALLED = ("operatorgroups-intersect", "operator-twice", "subscription-deleted", "upgrade-forbidden", "second-plan-manual", "requirements-unmet", "installplan-deleted")
# Where a run ends by itself is tried with these.
ENDS = ("namespace-shared", "operatorgroup-unfit", "installplan-forbidden", "operatorgroups-intersect", "subscription-deleted")
GROUPS = {"at once": [case for case in CASES if case.scenario not in INSTALLED], "after an installation": [case for case in CASES if case.scenario in INSTALLED]}


def look(folder: Path, cluster: Any, cases: list[Case]) -> dict[str, dict[str, Any]]:
    """Scenario -> what one reading of the cluster says of it."""
    done = play(folder, cluster, {ACTION: {"subscriptions": [case.wish for case in cases]}}, check=True)[0]
    assert not done["failed"], done
    return {case.scenario: row for case, row in zip(cases, done["operators"], strict=True)}


def until_told(folder: Path, cluster: Any, cases: list[Case], seconds: float) -> dict[str, dict[str, Any]]:
    end = time.monotonic() + seconds
    while True:
        told = look(folder, cluster, cases)
        open_ones = {case.scenario: told[case.scenario] for case in cases if told[case.scenario]["state"] not in case.reasons}
        if not open_ones:
            return told
        assert time.monotonic() < end, json.dumps(open_ones, indent=1)
        time.sleep(2)


@dataclass
class Many:
    """A cluster, and the cases that it has."""

    cluster: Any
    cases: list[Case]


@pytest.fixture(scope="module", params=GROUPS)
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    """Scenarios that don't disturb each other, on one cluster: each has a namespace of its own."""
    cases = GROUPS[request.param]
    name = f"olm-{len(cases)}-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    scenarios = [word for case in cases for word in ("--scenario", case.scenario)]
    yield Many(start(name, "--profile", "cpu-only", "--openshift", "4.20", "--speed", "10", *scenarios), cases)
    rehearsal_cli("down", "--name", name)


def test_each_state_has_its_verdict(many: Many, tmp_path: Path) -> None:
    for case in many.cases:
        if case.comes is not None:
            subscribe(many.cluster, case.namespace, case.package, case.wish["channel"], starting=case.csv, approval="Manual", **case.comes)
    told = until_told(tmp_path, many.cluster, many.cases, 240)
    for case in many.cases:
        row = told[case.scenario]
        print(f"{case.scenario:32} {row['state']:45} {row['detail'][:150]}")
        assert case.detail in row["detail"], (case.scenario, row)
        assert case.repair in row["repair"], (case.scenario, row)
    cluster = Cluster.connect({"kubeconfig": many.cluster.kubeconfig})
    begin = time.monotonic()
    seen = Operators(cluster, parse([case.wish for case in many.cases]), 10, print).look()
    assert time.monotonic() - begin < 10 and [row["state"] for row in seen.operators] == [told[case.scenario]["state"] for case in many.cases]


def test_a_run_ends_by_itself_with_the_repair(many: Many, tmp_path: Path) -> None:
    """Not check mode: the wait ends within seconds on what doesn't heal, and nothing is approved."""
    for case in (one for one in many.cases if one.scenario in ENDS):
        begin = time.monotonic()
        done = play(tmp_path, many.cluster, {ACTION: {"subscriptions": [case.wish], "timeout_seconds": 120}})[0]
        assert done["failed"] and done["failure"]["reason"] in case.reasons and done["approved"] == [], done
        assert case.repair in done["msg"] and time.monotonic() - begin < 40, (case.scenario, time.monotonic() - begin)


def test_states_that_need_a_cluster_of_their_own(new_rehearsal: Any, tmp_path: Path) -> None:
    one = new_rehearsal("--profile", "cpu-only", "--openshift", "4.20", "--speed", "40", "--scenario", "csv-deleted", "--scenario", "unpack-failure", "--scenario", "operator-by-helm")
    gone = Case("csv-deleted", "nfd", "openshift-nfd", NFD, ("CsvGone",), "there is no such CSV", "delete the Subscription as well")
    assert until_told(tmp_path, one, [gone], 60)["csv-deleted"]["repair"]
    unpack = Case("unpack-failure", "openshift-cert-manager-operator", "cert-manager-operator", CERT, ("BundleUnpackFailed",), "DeadlineExceeded", "registry can be reached", {"channel": "stable-v1"})
    subscribe(one, unpack.namespace, unpack.package, "stable-v1", approval="Manual", group={})
    until_told(tmp_path, one, [unpack], 180)

    # What OLM has read of a catalog still resolves for some minutes, so the state shows where nothing was resolved before.
    assert rehearsal_cli("provoke", "--name", one.name, "--scenario", "catalog-down").returncode == 0
    down = replace(unpack, scenario="catalog-down", reasons=("CatalogTRANSIENT_FAILURE",), detail="openshift-marketplace/redhat-operators", repair="Look at the catalog's Pod")
    row = until_told(tmp_path, one, [down], 120)["catalog-down"]
    assert down.detail in row["detail"] and down.repair in row["repair"], row
