# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""olm_subscription with the real OLM: only the expected plans are approved, failures are told within seconds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collection.plays import play
from tests.integration.conftest import rehearsal_cli, start

pytestmark = pytest.mark.rehearsal
MODULE = "llmd.openshift.olm_subscription"
NEWEST_FIRST = "{.status.channels[?(@.name=='stable')].entries[*].name}"


@pytest.fixture(scope="module")
def olm() -> Iterator[Any]:
    """A cluster of its own: what is installed here would be in other tests' way."""
    name = f"test-{os.getpid()}-olm"
    yield start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "4")
    rehearsal_cli("down", "--name", name)


def subscribe(
    cluster: Any, package: str, namespace: str, csv: str, channel: str = "stable", groups: int = 1, **spec: Any
) -> None:
    """What the product's documentation says: Namespace, OperatorGroup, Subscription with Manual approval."""
    made: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    made += [{"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": {"name": f"g{n}", "namespace": namespace},
              "spec": {} if package == "rhcl-operator" else {"targetNamespaces": [namespace]}} for n in range(groups)]  # fmt: skip
    wanted = {"name": package, "channel": channel, "source": "redhat-operators", "sourceNamespace": "openshift-marketplace",
              "installPlanApproval": "Manual", "startingCSV": csv, **spec}  # fmt: skip
    made += [{"apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": {"name": package, "namespace": namespace},
              "spec": wanted}]  # fmt: skip
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))


def wish(package: str, namespace: str, csv: str, channel: str = "stable", **more: Any) -> dict[str, Any]:
    return {
        "package": package,
        "namespace": namespace,
        "csv": csv,
        "channel": channel,
        "catalog": "redhat-operators",
        **more,
    }


def run(tmp_path: Path, cluster: Any, *wishes: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
    return play(
        tmp_path, cluster, {MODULE: {"subscriptions": list(wishes), "timeout_seconds": 180, **more}}, check=check
    )[0]


def versions(cluster: Any, package: str) -> list[str]:
    """The versions of channel stable, newest first."""
    return cluster.kubectl(
        "get", "packagemanifest", package, "-n", "openshift-marketplace", "-o", f"jsonpath={NEWEST_FIRST}"
    ).split()


def test_exactly_the_wanted_version(olm: Any, tmp_path: Path) -> None:
    older = versions(olm, "nfd")[1]
    predicted = run(tmp_path, olm, wish("nfd", "openshift-nfd", older), check=True)
    assert predicted["changed"] and predicted["approved"] == []
    subscribe(olm, "nfd", "openshift-nfd", older)
    done = run(tmp_path, olm, wish("nfd", "openshift-nfd", older))
    assert not done["failed"] and done["changed"] and len(done["approved"]) == 1, done
    assert done["operators"][0]["installed_csv"] == older
    again = run(tmp_path, olm, wish("nfd", "openshift-nfd", older))
    assert not again["failed"] and not again["changed"] and again["approved"] == []
    plans = olm.get("installplan", "-n", "openshift-nfd")["items"]
    assert {tuple(p["spec"]["clusterServiceVersionNames"]): p["spec"]["approved"] for p in plans if older not in
            p["spec"]["clusterServiceVersionNames"]} in ({}, {(versions(olm, "nfd")[0],): False})  # fmt: skip
    adopted = run(tmp_path, olm, wish("nfd", "openshift-nfd", versions(olm, "nfd")[0]))
    assert not adopted["failed"] and adopted["operators"][0]["adopted"] and not adopted["changed"]


def test_dependencies_only_when_expected(olm: Any, tmp_path: Path) -> None:
    csv = versions(olm, "rhcl-operator")[0]
    subscribe(olm, "rhcl-operator", "kuadrant-system", csv)
    refused = run(tmp_path, olm, wish("rhcl-operator", "kuadrant-system", csv))
    assert refused["failed"] and refused["failure"]["reason"] == "UnexpectedInstallPlan"
    assert "authorino-operator" in refused["msg"] and refused["approved"] == []
    assert not any(p["spec"]["approved"] for p in olm.get("installplan", "-n", "kuadrant-system")["items"])
    more = [versions(olm, p)[0] for p in ("authorino-operator", "limitador-operator", "dns-operator")]
    approved = run(tmp_path, olm, wish("rhcl-operator", "kuadrant-system", csv, expected_csvs=more), until="approved")
    assert not approved["failed"], approved
    done = run(tmp_path, olm, wish("rhcl-operator", "kuadrant-system", csv, expected_csvs=more))
    assert not done["failed"] and not done["changed"]


@pytest.mark.parametrize(
    ("package", "made", "reasons"),
    [
        ("no-such-operator", {}, {"PackageNotFound", "ConstraintsNotSatisfiable"}),
        ("local-storage-operator", {"channel": "stabel"}, {"ChannelNotFound", "ConstraintsNotSatisfiable"}),
        ("sriov-network-operator", {"groups": 2}, {"TooManyOperatorGroups"}),
        ("kernel-module-management", {"groups": 0}, {"NoOperatorGroup"}),
        ("metallb-operator", {"source": "no-such-catalog"}, {"NoCatalogSource", "ConstraintsNotSatisfiable"}),
        (
            "lvms-operator",
            {"channel": "stable-4.20", "csv": "lvms-operator.v9.9.9"},
            {"VersionNotInChannel", "ConstraintsNotSatisfiable"},
        ),
    ],
)
def test_failures_are_told_within_seconds(
    olm: Any, tmp_path: Path, package: str, made: dict[str, Any], reasons: set[str]
) -> None:
    csv = made.pop("csv", f"{package}.v1")
    namespace = f"test-{package}"
    subscribe(olm, package, namespace, csv, **made)
    asked = wish(package, namespace, csv, made.get("channel", "stable"))
    asked["catalog"] = made.get("source", "redhat-operators")
    begin = time.monotonic()
    done = run(tmp_path, olm, asked)
    assert done["failed"] and done["failure"]["reason"] in reasons, done["msg"]
    assert package in done["msg"] and done["failure"]["repair"] and time.monotonic() - begin < 90
