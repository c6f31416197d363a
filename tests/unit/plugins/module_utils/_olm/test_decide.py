# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which InstallPlan is approved, and OLM's states told apart."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._olm import decide as module
from ansible_collections.llmd.openshift.plugins.module_utils._olm import states
from ansible_collections.llmd.openshift.plugins.module_utils._olm.wishes import WishError, parse
from ansible_collections.llmd.openshift.plugins.module_utils._olm.world import Wish, World
from hypothesis import given
from hypothesis import strategies as st

NS = "openshift-nfd"
WISH = Wish("nfd", NS, "nfd.v1", "stable", "redhat-operators")


def cond(kind: str, status: str = "True", reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def subscription(*conditions: dict[str, str], spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "nfd", "namespace": NS, "uid": "s1"},
            "spec": {"name": "nfd", "channel": "stable", "installPlanApproval": "Manual", **(spec or {})},
            "status": {"conditions": list(conditions), **status}}  # fmt: skip


def plan(
    name: str, *csvs: str, approved: bool = False, phase: str = "RequiresApproval", stamp: str = "1", **status: Any
) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": NS, "creationTimestamp": stamp},
            "spec": {"approved": approved, "clusterServiceVersionNames": list(csvs)}, "status": {"phase": phase, **status}}  # fmt: skip


def csv(name: str, phase: str = "Succeeded", reason: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": NS, **more},
        "status": {"phase": phase, "reason": reason, "message": message},
    }


def catalog(state: str = "READY", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "redhat-operators", "namespace": "openshift-marketplace"},
            "status": {"connectionState": {"lastObservedState": state}, **status}}  # fmt: skip


def manifest(**channels: list[str]) -> dict[str, Any]:
    return {"metadata": {"name": "nfd"}, "status": {"channels": [
        {"name": n.replace("_", "-"), "currentCSV": e[0], "entries": [{"name": x} for x in e]} for n, e in channels.items()]}}  # fmt: skip


GROUP = {"metadata": {"name": "g", "namespace": NS}}
PACKAGE = ("openshift-marketplace", "redhat-operators", "nfd")


def world(sub: dict[str, Any] | None, **more: Any) -> World:
    given_: dict[str, Any] = {"groups": [GROUP], "catalogs": [catalog()], **more}
    return World(subscriptions=[sub] if sub else [], **given_)


def one(w: World, wish: Wish = WISH) -> module.Decision:
    return module.decide([wish], w)[0]


# -- approval ----------------------------------------------------------------------------------------------------------------


def test_the_expected_plan_is_approved() -> None:
    found = one(world(subscription(), plans=[plan("p1", "nfd.v1")]))
    assert (found.approve, found.state.reason) == ("p1", "RequiresApproval")


def test_a_plan_that_brings_more_is_refused_by_name() -> None:
    found = one(world(subscription(), plans=[plan("p1", "nfd.v1", "other.v9")]))
    assert found.approve == "" and found.state.reason == "UnexpectedInstallPlan" and "other.v9" in found.state.detail


def test_dependencies_and_neighbours_of_the_namespace_are_expected() -> None:
    wish = Wish("nfd", NS, "nfd.v1", expected=frozenset({"dep.v1"}))
    neighbour = Wish("kmm", NS, "kmm.v2")
    w = world(subscription(), plans=[plan("p1", "nfd.v1", "dep.v1", "kmm.v2")])
    assert module.decide([wish, neighbour], w)[0].approve == "p1"
    assert module.decide([wish], w)[0].approve == ""


def test_another_version_is_never_approved() -> None:
    w = world(subscription(installPlanRef={"name": "p2"}), plans=[plan("p2", "nfd.v2")])
    found = one(w)
    assert found.approve == "" and "instead of nfd.v1" in found.state.detail


def test_a_newer_plan_after_the_install_stays_alone() -> None:
    w = world(subscription(installedCSV="nfd.v1", currentCSV="nfd.v2", installPlanRef={"name": "p2"}),
              csvs=[csv("nfd.v1")], plans=[plan("p2", "nfd.v2", stamp="2"), plan("p1", "nfd.v1", approved=True, phase="Complete")])  # fmt: skip
    found = one(w)
    assert (found.approve, found.state.phase) == ("", "done")


def test_an_old_plan_of_a_former_version_does_not_stand_in_the_way() -> None:
    w = world(subscription(), plans=[plan("p0", "nfd.v0"), plan("p1", "nfd.v1", stamp="2")])
    assert one(w).approve == "p1"


def test_a_plan_that_is_still_planned_is_not_approved_yet() -> None:
    assert one(world(subscription(), plans=[plan("p1", "nfd.v1", phase="Planning")])).approve == ""


@given(st.sets(st.sampled_from(["nfd.v1", "nfd.v2", "dep.v1", "evil.v1", ""])), st.booleans(),
       st.sampled_from(["RequiresApproval", "Planning", "Failed", "Complete", None]), st.sampled_from([None, "nfd.v1", "nfd.v0"]))  # fmt: skip
def test_nothing_unexpected_is_ever_approved(brings: set[str], approved: bool, phase: Any, installed: Any) -> None:
    wish = Wish("nfd", NS, "nfd.v1", expected=frozenset({"dep.v1"}), adopt=False)
    w = world(subscription(installedCSV=installed), plans=[plan("p", *brings, approved=approved, phase=phase)],
              csvs=[csv("nfd.v0"), csv("nfd.v1")])  # fmt: skip
    if one(w, wish).approve:
        assert brings <= {"nfd.v1", "dep.v1"} and "nfd.v1" in brings and not approved


# -- installed, adopted --------------------------------------------------------------------------------------------------------


def test_installed_version() -> None:
    assert one(world(subscription(installedCSV="nfd.v1"), csvs=[csv("nfd.v1")])).state.phase == "done"
    broken = world(
        subscription(installedCSV="nfd.v1"), csvs=[csv("nfd.v1", "Failed", "ComponentUnhealthy", "pod down")]
    )
    assert one(broken).state.reason == "ComponentUnhealthy"


def test_healthy_other_version_is_adopted_and_said_so() -> None:
    found = one(world(subscription(installedCSV="nfd.v0"), csvs=[csv("nfd.v0")], plans=[plan("p1", "nfd.v1")]))
    assert found.adopted and found.state.reason == "Adopted" and found.approve == ""


def test_without_adoption_an_expected_upgrade_is_approved_and_anything_else_fails() -> None:
    wish = Wish("nfd", NS, "nfd.v1", adopt=False)
    assert (
        one(
            world(subscription(installedCSV="nfd.v0"), csvs=[csv("nfd.v0")], plans=[plan("p1", "nfd.v1")]), wish
        ).approve
        == "p1"
    )
    stuck = one(world(subscription(installedCSV="nfd.v0"), csvs=[csv("nfd.v0")]), wish)
    assert stuck.state.reason == "OtherVersion"


@pytest.mark.parametrize(
    ("brings", "channel", "approved", "outdated"),
    [
        (["nfd.v3"], "stable", False, "p1"),
        (["nfd.v3"], "fast", False, ""),  # the Subscription doesn't follow the wanted channel yet
        (["nfd.v3", "dep.v1"], "stable", False, ""),  # it brings something of others, too
        (["nfd.v3"], "stable", True, ""),
        (["nfd.v2"], "stable", False, ""),  # the wanted one
    ],
)
def test_a_waiting_plan_of_the_channel_of_before_is_outdated(brings: list[str], channel: str, approved: bool, outdated: str) -> None:
    """OLM makes no plan for the new channel as long as that one waits."""
    wish = Wish("nfd", NS, "nfd.v2", channel="stable", adopt=False)
    sub = subscription(spec={"channel": channel}, installedCSV="nfd.v1", installPlanRef={"name": "p1"})
    found = one(world(sub, csvs=[csv("nfd.v1")], plans=[plan("p1", *brings, approved=approved)]), wish)
    assert found.outdated == outdated
    assert one(world(sub, csvs=[csv("nfd.v1")], plans=[plan("p1", *brings, approved=approved)]), Wish("nfd", NS, "nfd.v2", channel="stable")).outdated == ""


def test_copied_csv_is_not_the_operator() -> None:
    copy = csv("nfd.v1", labels={"olm.copiedFrom": "elsewhere"})
    assert one(world(subscription(installedCSV="nfd.v1"), csvs=[copy])).state.reason == "CsvGone"


def test_dependencies_must_have_succeeded_too() -> None:
    wish = Wish("nfd", NS, "nfd.v1", expected=frozenset({"dep.v1"}))
    w = world(subscription(installedCSV="nfd.v1"), csvs=[csv("nfd.v1"), csv("dep.v1", "Installing")])
    assert one(w, wish).state.culprit.endswith("dep.v1") and one(w, wish).state.phase == "waiting"
    w.csvs[1] = csv("dep.v1")
    assert one(w, wish).state.phase == "done"


# -- OLM's states: each told apart ---------------------------------------------------------------------------------------------

CASES: dict[str, tuple[World, str, str]] = {
    "no subscription": (world(None), "failed", "NoSubscription"),
    "other package under that name": (world(subscription(spec={"name": "x"})), "failed", "OtherPackage"),
    "no group": (world(subscription(), groups=[]), "failed", "NoOperatorGroup"),
    "two groups": (world(subscription(), groups=[GROUP, {"metadata": {"name": "h", "namespace": NS}}]), "failed", "TooManyOperatorGroups"),
    "no catalog": (world(subscription(), catalogs=[]), "failed", "NoCatalogSource"),
    "catalog connecting": (world(subscription(), catalogs=[catalog("CONNECTING")]), "waiting", "CatalogCONNECTING"),
    "catalog down": (world(subscription(), catalogs=[catalog("TRANSIENT_FAILURE")]), "failed", "CatalogTRANSIENT_FAILURE"),
    "catalog invalid": (world(subscription(), catalogs=[catalog("", reason="SpecInvalidError")]), "failed", "CatalogSpecInvalidError"),
    "package missing": (world(subscription(), packages={PACKAGE: None}), "failed", "PackageNotFound"),
    "channel missing": (world(subscription(), packages={PACKAGE: manifest(stable_4=["nfd.v1"])}), "failed", "ChannelNotFound"),
    "version missing": (world(subscription(), packages={PACKAGE: manifest(stable=["nfd.v2", "nfd.v3"])}), "failed", "VersionNotInChannel"),
    "resolution": (world(subscription(cond("ResolutionFailed", reason="ConstraintsNotSatisfiable"))), "failed", "ConstraintsNotSatisfiable"),
    "resolution prevented": (world(subscription(cond("ResolutionFailed", reason="ErrorPreventedResolution"))), "failed", "ErrorPreventedResolution"),
    "csv without subscription": (world(subscription(cond("ResolutionFailed", reason="ConstraintsNotSatisfiable",
                                 message="clusterserviceversion nfd.v1 exists and is not referenced by a subscription"))), "failed", "CsvWithoutSubscription"),
    "that csv": (world(subscription(cond("ResolutionFailed", reason="ConstraintsNotSatisfiable",
                 message="clusterserviceversion nfd.v1 exists and is not referenced by a subscription")), csvs=[csv("nfd.v1")]), "failed", "CsvWithoutSubscription"),
    "installed elsewhere": (world(subscription(installedCSV="nfd.v1"), csvs=[csv("nfd.v1", namespace="other")]), "failed", "InstalledElsewhere"),
    "no plan made": (world(subscription(cond("BundleUnpackFailed", reason="EnsureInstallPlanFailed"))), "failed", "EnsureInstallPlanFailed"),
    "unpacking": (world(subscription(cond("BundleUnpacking", reason="JobIncomplete"))), "waiting", "BundleUnpacking"),
    "unpack failed": (world(subscription(cond("BundleUnpackFailed", reason="BundleUnpackFailed"))), "failed", "BundleUnpackFailed"),
    "catalogs unhealthy": (world(subscription(cond("CatalogSourcesUnhealthy", message="redhat-operators unhealthy"))), "failed", "CatalogSourcesUnhealthy"),
    "plan failed by condition": (world(subscription(cond("InstallPlanFailed", reason="InstallComponentFailed"))), "failed", "InstallPlanFailed"),
    "plan deleted": (world(subscription(cond("InstallPlanMissing", reason="ReferencedInstallPlanNotFound"))), "failed", "ReferencedInstallPlanNotFound"),
    "plan gone, nothing said": (world(subscription(installPlanRef={"name": "p"}, state="UpgradePending")), "failed", "ReferencedInstallPlanNotFound"),
    "plan not yet seen": (world(subscription(cond("InstallPlanMissing", reason="InstallPlanNotYetReconciled"))), "waiting", "NotResolved"),
    "plan pending": (world(subscription(cond("InstallPlanPending", reason="Installing"))), "waiting", "InstallPlanPending"),
    "plan installing": (world(subscription(), plans=[plan("p", "nfd.v1", approved=True, phase="Installing")]), "waiting", "Installing"),
    "plan failed": (world(subscription(), plans=[plan("p", "nfd.v1", approved=True, phase="Failed",
                    conditions=[cond("Installed", "False", "InstallComponentFailed", "x")])]), "failed", "InstallComponentFailed"),
    "plan forbidden": (world(subscription(), plans=[plan("p", "nfd.v1", approved=True, phase="Installing",
                       message="retrying execution due to error: error creating csv nfd.v1: it is forbidden: User x cannot create resource")]),
                       "failed", "InstallPlanForbidden"),
    "plan tried again": (world(subscription(), plans=[plan("p", "nfd.v1", approved=True, phase="Installing",
                         message="retrying execution due to error: conflict")]), "waiting", "Installing"),
    "plan without a target": (world(subscription(), plans=[plan("p", "nfd.v1", approved=True, phase="Installing",
                              conditions=[cond("Installed", "False", "InstallCheckFailed", "no operator group found that is managing this namespace")])]),
                              "failed", "InstallCheckFailed"),
    "group selects nothing": (world(subscription(), groups=[{**GROUP, "spec": {"selector": {"matchLabels": {"a": "b"}}}}]), "failed", "NoTargetNamespaces"),
    "group selects": (world(subscription(), groups=[{**GROUP, "spec": {"selector": {}}, "status": {"namespaces": ["x"]}}]), "waiting", "NotResolved"),
    "bundle lookup failed": (world(subscription(), plans=[plan("p", "nfd.v1", approved=True, phase="Installing",
                             bundleLookups=[{"identifier": "b", "conditions": [cond("BundleLookupFailed", message="DeadlineExceeded")]}])]),
                             "failed", "BundleLookupFailed"),
    "csv pending": (world(subscription(), csvs=[csv("nfd.v1", "Pending", "RequirementsUnknown")]), "waiting", "Pending"),
    "csv requirements": (world(subscription(), csvs=[csv("nfd.v1", "Pending", "RequirementsNotMet", "one or more")]), "failed", "RequirementsNotMet"),
    "csv deleted": (world(subscription(installedCSV="nfd.v1")), "failed", "CsvGone"),
    "csv installing": (world(subscription(), csvs=[csv("nfd.v1", "Installing", "InstallWaiting")]), "waiting", "Installing"),
    "other version coming": (world(subscription(currentCSV="nfd.v2"), csvs=[csv("nfd.v2", "Installing")]), "waiting", "Installing"),
    "csv succeeded, subscription lags": (world(subscription(), csvs=[csv("nfd.v1")]), "waiting", "Succeeded"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_state(name: str) -> None:
    w, phase, reason = CASES[name]
    state = one(w).state
    assert (state.phase, state.reason) == (phase, reason)
    assert phase != "failed" or (state.detail and state.repair)


def test_at_least_twenty_states_are_told_apart() -> None:
    assert len({reason for _w, _phase, reason in CASES.values()} | set(states.CSV_TERMINAL)) >= 30


@pytest.mark.parametrize("reason", sorted(states.CSV_TERMINAL))
def test_terminal_csv_reasons(reason: str) -> None:
    state = one(world(subscription(), csvs=[csv("nfd.v1", "Failed", reason, "because")])).state
    assert (state.phase, state.reason) == ("failed", reason) and state.detail == "because"


def test_missing_requirements_are_named() -> None:
    found = csv("nfd.v1", "Pending", "RequirementsNotMet")
    found["status"]["requirementStatus"] = [{"kind": "CustomResourceDefinition", "name": "a.b", "status": "NotPresent", "message": "CRD is not present"},
                                            {"kind": "ServiceAccount", "name": "s", "status": "Present"}]  # fmt: skip
    assert states.csv(found, {}).detail == "CustomResourceDefinition a.b: CRD is not present"


def test_warnings() -> None:
    sub = subscription(
        cond("PackageDeprecated", message="old"), spec={"installPlanApproval": "Automatic", "channel": "fast"}
    )
    other = {"metadata": {"name": "nfd2", "namespace": "x", "uid": "s2"}, "spec": {"name": "nfd"}}
    w = world(sub)
    w.subscriptions.append(other)
    text = "\n".join(one(w).warnings)
    assert all(part in text for part in ("PackageDeprecated", "Automatic", "x/nfd2", "channel fast"))


def test_channel_message_has_the_nearest_and_all() -> None:
    w = world(subscription(), packages={PACKAGE: manifest(stable_4=["nfd.v1"], beta=["nfd.v1"])})
    assert "it has beta, stable-4" in one(w).state.detail and "nearest: stable-4" in one(w).state.detail


def test_a_manifest_without_entries_proves_nothing() -> None:
    only_head = {"metadata": {"name": "nfd"}, "status": {"channels": [{"name": "stable", "currentCSV": "nfd.v2"}]}}
    assert one(world(subscription(), packages={PACKAGE: only_head})).state.phase == "waiting"


# -- wishes --------------------------------------------------------------------------------------------------------------------


def test_wishes_all_mistakes_at_once() -> None:
    with pytest.raises(WishError) as caught:
        parse([{"package": "a", "namspace": "n", "csv": "a.v1"}, {"package": "b", "namespace": "n", "csv": "b.v1", "expected_csvs": "x",
               "adopt": "yes"}, 3])  # fmt: skip
    text = "\n".join(caught.value.problems)
    assert all(
        p in text
        for p in (
            "did you mean 'namespace'?",
            "[0]: namespace is missing",
            "[1]: expected_csvs",
            "[1]: adopt",
            "[2]: is int",
        )
    )


def test_wishes_named_twice() -> None:
    item = {"package": "a", "namespace": "n", "csv": "a.v1"}
    with pytest.raises(WishError, match="named twice"):
        parse([item, item])
    with pytest.raises(WishError):
        parse({})
    assert parse([]) == []


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        (csv("nfd.v1", "Installing"), "done"),
        (csv("nfd.v1", "Pending", "RequirementsNotMet"), "done"),
        (csv("nfd.v1", "Failed", "OwnerConflict", "x"), "failed"),
    ],
)
def test_until_approved_ends_when_the_csv_appears_unless_it_is_lost(found: dict[str, Any], phase: str) -> None:
    assert one(world(subscription(), csvs=[found])).state_until("approved").phase == phase
    assert one(world(subscription(), csvs=[found])).state_until("succeeded").phase != "done"


def test_until_approved_needs_the_csv() -> None:
    w = world(subscription(), plans=[plan("p", "nfd.v1", approved=True, phase="Installing")])
    assert one(w).state_until("approved").phase == "waiting"
