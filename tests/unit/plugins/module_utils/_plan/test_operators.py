# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CSV is installed from where, what is adopted, what is refused and why."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._olm import objects
from ansible_collections.llmd.openshift.plugins.module_utils._plan.operators import decide, needed, packages_to_read

from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot

GOOD = snapshot(node("g0"), node("g1"))


def decision(package, cluster=None, release="3.3", **more):
    return decide(facts(), cluster or GOOD, declared(**more), release, package)


def with_operator(package="nfd", csv="nfd.4.20.0-202510220911", **more):
    item = {
        "package": package, "namespace": "elsewhere", "subscription": "sub", "channel": "stable", "catalog": "redhat-operators",
        "catalog_namespace": "openshift-marketplace", "installed_csv": csv, "current_csv": csv, "csv_phase": "Succeeded",
        "state": "AtLatestKnown", "managed_by": "argocd", "ours": False, **more,
    }  # fmt: skip
    return {**GOOD, "operators": [item]}


def with_entries(package, entries, channel=None):
    made = copy.deepcopy(GOOD)
    for manifest in made["packages"]:
        if manifest["package"] == package:
            manifest["channels"][0].update(entries=entries, current_csv=entries[0] if entries else None)
            manifest["channels"][0]["name"] = channel or manifest["channels"][0]["name"]
    return made


# ---- what is needed ----


@pytest.mark.parametrize(
    ("release", "path", "vendor", "more", "wanted"),
    [
        ("3.3", "inference_scheduling", "nvidia", {}, "nfd gpu-operator-certified lvms-operator openshift-cert-manager-operator rhcl-operator rhods-operator"),
        ("3.3", "inference_scheduling", "nvidia", {"auth": False}, "nfd gpu-operator-certified lvms-operator rhods-operator"),
        ("3.3", "inference_scheduling", "nvidia", {"model_cache": "none", "auth": False}, "nfd gpu-operator-certified rhods-operator"),
        ("3.3", "inference_scheduling", "nvidia", {"storage_class": "fast", "auth": False}, "nfd gpu-operator-certified rhods-operator"),
        ("3.4", "inference_scheduling", "nvidia", {"auth": False}, "nfd gpu-operator-certified lvms-operator openshift-cert-manager-operator rhods-operator"),
        ("2.25", "inference_scheduling", "nvidia", {"model_cache": "none"}, "nfd gpu-operator-certified openshift-cert-manager-operator rhods-operator"),
        ("3.3", "inference_scheduling", "amd", {"model_cache": "none", "auth": False}, "nfd amd-gpu-operator kernel-module-management rhods-operator"),
        ("3.3", "wide_expert_parallelism", "nvidia", {"model_cache": "none", "auth": False}, "nfd sriov-network-operator gpu-operator-certified leader-worker-set openshift-cert-manager-operator rhods-operator"),
        ("3.3", "pd_disaggregation", "nvidia", {"model_cache": "none", "auth": False, "fabric_way": "host-device"}, "nfd nvidia-network-operator sriov-network-operator gpu-operator-certified rhods-operator"),
        ("3.3", "pd_disaggregation", "nvidia", {"model_cache": "none", "auth": False, "fabric_way": "existing"}, "nfd gpu-operator-certified rhods-operator"),
        ("3.3", "wide_expert_parallelism", "nvidia", {"model_cache": "none", "auth": False, "wep_nodes": "single"}, "nfd gpu-operator-certified rhods-operator"),
    ],
)  # fmt: skip
def test_needed_packages(release, path, vendor, more, wanted):
    assert needed(facts(), declared(**more), release, path, [vendor]) == wanted.split()


def test_packages_to_read_hold_the_dependencies():
    assert {"rhcl-operator", "authorino-operator", "limitador-operator", "dns-operator"} <= set(
        packages_to_read(facts())
    )


# ---- install ----


@pytest.mark.parametrize(
    ("package", "csv", "channel", "namespace"),
    [
        ("rhods-operator", "rhods-operator.3.3.6", "stable-3.3", "redhat-ods-operator"),
        ("nfd", "nfd.4.20.0-202602101230", "stable", "openshift-nfd"),
        ("gpu-operator-certified", "gpu-operator-certified.v26.3.3", "v26.3", "nvidia-gpu-operator"),
        ("lvms-operator", "lvms-operator.v4.20.1", "stable-4.20", "openshift-lvm-storage"),
        ("rhcl-operator", "rhcl-operator.v1.4.3", "stable", "kuadrant-system"),
    ],
)
def test_what_is_installed(package, csv, channel, namespace):
    made = decision(package)
    assert (made.action, made.csv, made.channel, made.namespace, made.warnings) == (
        "install",
        csv,
        channel,
        namespace,
        (),
    )
    assert made.expected_csvs[0] == csv and made.pending


def test_an_exact_version_is_kept_when_the_channel_moves_on():
    made = decision(
        "rhods-operator",
        with_entries("rhods-operator", ["rhods-operator.3.4.3", "rhods-operator.3.3.9", "rhods-operator.3.3.6"]),
    )
    assert made.csv == "rhods-operator.3.3.6"


def test_without_the_exact_version_the_newest_that_fits_with_a_warning():
    made = decision(
        "rhods-operator",
        with_entries("rhods-operator", ["rhods-operator.3.4.3", "rhods-operator.3.3.2", "rhods-operator.3.3.10"]),
    )
    assert made.csv == "rhods-operator.3.3.10" and "lacks rhods-operator.3.3.6" in made.warnings[0]


def test_faulty_versions_are_skipped():
    made = decision("rhcl-operator", with_entries("rhcl-operator", ["rhcl-operator.v1.4.0", "rhcl-operator.v1.3.1"]))
    assert made.csv == "rhcl-operator.v1.3.1"
    only = decision("rhcl-operator", with_entries("rhcl-operator", ["rhcl-operator.v1.4.0"]))
    assert only.action == "refuse" and "rhcl-operator.v1.4.0" in only.remedy


def test_dependencies_are_expected_unless_they_are_there():
    assert decision("rhcl-operator").expected_csvs == (
        "rhcl-operator.v1.4.3",
        "authorino-operator.v1.4.0",
        "limitador-operator.v1.4.0",
        "dns-operator.v1.4.0",
    )
    there = {**GOOD, "csvs": [{"name": "dns-operator.v1.4.0", "namespace": "kuadrant-system", "phase": "Succeeded"}]}
    assert "dns-operator.v1.4.0" not in decision("rhcl-operator", there).expected_csvs


def test_a_declared_catalog_and_channel_win():
    mirrored = copy.deepcopy(GOOD)
    mirrored["catalogs"].append({"name": "cs-redhat", "namespace": "mirror", "state": "READY"})
    for manifest in mirrored["packages"]:
        if manifest["package"] == "nfd":
            manifest.update(catalog="cs-redhat", catalog_namespace="mirror")
    made = decision("nfd", mirrored, operator_catalogs={"nfd": "mirror/cs-redhat"})
    assert (made.action, made.catalog, made.catalog_namespace) == ("install", "cs-redhat", "mirror")
    assert decision("nfd", operator_channels={"nfd": "alpha"}).action == "refuse"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"packages": []}, "has no package nfd"),
        ({"catalogs": []}, "there is no CatalogSource openshift-marketplace/redhat-operators"),
        (
            {
                "catalogs": [
                    {"name": "redhat-operators", "namespace": "openshift-marketplace", "state": "TRANSIENT_FAILURE"}
                ]
            },
            "TRANSIENT_FAILURE, not READY",
        ),
    ],
)
def test_what_can_not_be_installed(change, said):
    made = decision("nfd", {**GOOD, **change})
    assert made.action == "refuse" and said in made.why and made.remedy


def test_a_package_of_another_catalog_is_pointed_at():
    moved = copy.deepcopy(GOOD)
    for manifest in moved["packages"]:
        if manifest["package"] == "nfd":
            manifest["catalog"] = "my-mirror"
    made = decision("nfd", moved)
    assert made.action == "refuse" and "my-mirror has it" in made.why and "llmd_operator_catalogs" in made.remedy


def test_channels_without_a_version_that_fits():
    assert "has no version that fits" in decision("nfd", with_entries("nfd", ["nfd.4.21.0-202602101230"])).why
    assert (
        "no channel stable-4.20"
        in decision("lvms-operator", with_entries("lvms-operator", ["lvms-operator.v4.21.0"], "stable-4.21")).why
    )


@pytest.mark.parametrize("change", [{"packages": None}, {"operators": None}, {"openshift": {"version": None}}])
def test_what_could_not_be_read_is_unknown(change):
    assert decision("nfd", {**GOOD, **change}).action == "unknown"


def test_openshift_without_a_row_is_refused():
    old = {**GOOD, "openshift": {"version": "4.17.2"}}
    assert decision("nfd", old).action == "refuse"


# ---- what is there already ----


def test_somebody_elses_operator_is_adopted_where_it_is():
    made = decision("nfd", with_operator())
    assert (made.action, made.namespace, made.subscription, made.managed_by) == ("adopt", "elsewhere", "sub", "argocd")


def test_ours_is_kept():
    assert decision("nfd", with_operator(ours=True)).action == "keep"


def test_ours_under_way_is_kept_and_still_to_be_approved():
    made = decision(
        "rhcl-operator", with_operator("rhcl-operator", None, ours=True, current_csv="rhcl-operator.v1.4.3")
    )
    assert made.action == "keep" and made.pending and "authorino-operator.v1.4.0" in made.expected_csvs


@pytest.mark.parametrize(
    ("change", "more", "said"),
    [
        ({}, {"adopt_operators": False}, "llmd_adopt_operators is false"),
        ({"csv": "nfd.4.19.0-202510150935"}, {}, "doesn't fit"),
        ({"csv": "garbage"}, {}, "can't be read"),
        ({"csv_phase": "Failed"}, {}, "phase Failed"),
        ({"csv": None, "current_csv": None}, {}, "no ClusterServiceVersion yet"),
    ],
)
def test_what_is_there_and_refused(change, more, said):
    made = decision("nfd", with_operator(**change), **more)
    assert made.action == "refuse" and said in made.why and made.remedy


def test_a_faulty_version_that_is_there_is_refused():
    assert (
        "without authentication"
        in decision("rhcl-operator", with_operator("rhcl-operator", "rhcl-operator.v1.4.0")).why
    )


def test_another_catalog_is_a_warning():
    assert "comes from the catalog mirror" in decision("nfd", with_operator(catalog="mirror")).warnings[0]


def test_two_subscriptions_are_refused():
    twice = with_operator()
    twice["operators"].append({**twice["operators"][0], "namespace": "other"})
    made = decision("nfd", twice)
    assert made.action == "refuse" and "elsewhere/sub, other/sub" in made.why


# ---- what is there without a Subscription, or in the way ----


def test_an_operator_that_helm_runs_is_not_installed_a_second_time():
    there = {"name": "gpu-operator", "namespace": "gpu-operator", "app": "gpu-operator", "chart": "gpu-operator-v25.10.1"}
    made = decision("gpu-operator-certified", {**GOOD, "helm": [there]})
    assert made.action == "refuse" and "gpu-operator/gpu-operator (chart gpu-operator-v25.10.1)" in made.why and "helm list -n gpu-operator" in made.remedy
    assert decision("nfd", {**GOOD, "helm": [there]}).action == "install"


def test_helm_that_could_not_be_looked_at_is_a_warning():
    made = decision("gpu-operator-certified", {**GOOD, "helm": None})
    assert made.action == "install" and "isn't known" in made.warnings[0]


def test_a_csv_whose_subscription_was_deleted_is_named():
    made = decision("nfd", {**GOOD, "csvs": [{"name": "nfd.4.20.0-202602101230", "namespace": "openshift-nfd", "phase": "Succeeded"}]})
    assert made.action == "refuse" and "without a Subscription" in made.why and "oc delete csv nfd.4.20.0-202602101230 -n openshift-nfd" in made.remedy


def group(name="g", namespace="openshift-nfd", targets=("openshift-nfd",), ours=False):
    return {"name": name, "namespace": namespace, "targets": list(targets), "all_namespaces": not targets, "managed_by": None, "ours": ours}


@pytest.mark.parametrize(
    ("groups", "action", "used", "words"),
    [
        ([], "install", "", ""),
        ([group()], "install", "g", ""),
        ([group(ours=True)], "install", "", ""),
        ([group(namespace="other"), group("h", "third")], "install", "", ""),
        ([group("a"), group("b")], "refuse", "", "has 2 OperatorGroups (a, b)"),
        ([group(targets=())], "refuse", "", "is for every namespace, the operator is installed for its own namespace"),
        ([group(targets=("x", "y"))], "refuse", "", "is for x, y"),
        (None, "unknown", "", "could not be read"),
    ],
)
def test_groups_that_are_there(groups, action, used, words):
    made = decision("nfd", {**GOOD, "operator_groups": groups})
    assert (made.action, made.group) == (action, used) and words in made.why


def test_a_group_for_one_namespace_does_not_fit_an_operator_for_all():
    made = decision("rhods-operator", {**GOOD, "operator_groups": [group(namespace="redhat-ods-operator", targets=("redhat-ods-operator",))]})
    assert made.action == "refuse" and "for every namespace (no targetNamespaces)" in made.why


def test_no_second_group_is_rendered_beside_one_that_is_used():
    base = {"namespace": "n", "install_mode": "own", "package": "p", "subscription": "s", "channel": "c", "catalog": "k", "catalog_namespace": "m", "csv": "p.v1"}
    kinds = [one["kind"] for one in objects.objects([{**base, "action": "install", "group": "somebody's"}])]
    assert kinds == ["Namespace", "Subscription"]
    assert [one["kind"] for one in objects.objects([{**base, "action": "upgrade", "group": ""}])] == ["Namespace", "OperatorGroup", "Subscription"]


# ---- upgrade within a release's set ----


def ours_at(csv, current=None, **more):
    found = with_operator("rhods-operator", csv, ours=True, managed_by="llmd-openshift", channel="stable-3.3", current_csv=current or csv)
    return {**found, **more}


def test_ours_goes_to_the_tested_version_when_that_is_olms_next_step():
    waiting = decision("rhods-operator", ours_at("rhods-operator.3.3.5", "rhods-operator.3.3.6"))
    assert (waiting.action, waiting.csv, waiting.pending, waiting.expected_csvs) == ("upgrade", "rhods-operator.3.3.6", True, ("rhods-operator.3.3.6",))
    before = decision("rhods-operator", ours_at("rhods-operator.3.3.5"))  # OLM has made no plan yet: the head of the channel counts
    assert (before.action, before.csv) == ("upgrade", "rhods-operator.3.3.6")


def test_another_next_step_is_only_told():
    made = decision("rhods-operator", ours_at("rhods-operator.3.3.4", "rhods-operator.3.3.9"))
    assert (made.action, made.csv) == ("keep", "rhods-operator.3.3.4") and "OLM's next step is rhods-operator.3.3.9" in made.warnings[0]


@pytest.mark.parametrize(
    ("cluster", "more"),
    [
        (ours_at("rhods-operator.3.3.6"), {}),
        (ours_at("rhods-operator.3.3.7"), {}),
        (ours_at("rhods-operator.3.3.5", "rhods-operator.3.3.6"), {"upgrade_operators": False}),
        (with_operator("rhods-operator", "rhods-operator.3.3.5", current_csv="rhods-operator.3.3.6"), {}),
    ],
)
def test_no_upgrade_without_a_reason_and_never_of_somebody_elses(cluster, more):
    assert decision("rhods-operator", cluster, **more).action in ("keep", "adopt")
