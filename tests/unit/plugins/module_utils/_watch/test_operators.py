# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators from Subscription to Succeeded, over objects that change as OLM changes them."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Unreachable
from ansible_collections.llmd.openshift.plugins.module_utils._olm.world import Wish
from ansible_collections.llmd.openshift.plugins.module_utils._watch.operators import Operators, OperatorsFailed, Outcome

sys.path.insert(0, str(Path(__file__).parent))
from fake import FakeCluster

NS = "openshift-nfd"
WISH = Wish("nfd", NS, "nfd.v1", "stable", "redhat-operators")


def olm(plan_csvs: list[str]) -> FakeCluster:
    cluster = FakeCluster()
    cluster.put("Subscription", {"metadata": {"name": "nfd"}, "spec": {"name": "nfd", "channel": "stable", "installPlanApproval": "Manual"},
                                 "status": {"installPlanRef": {"name": "p"}}}, NS)  # fmt: skip
    cluster.put("OperatorGroup", {"metadata": {"name": "g"}}, NS)
    cluster.put("CatalogSource", {"metadata": {"name": "redhat-operators"}, "status": {"connectionState": {"lastObservedState": "READY"}}},
                "openshift-marketplace")  # fmt: skip
    cluster.put("InstallPlan", {"metadata": {"name": "p"}, "spec": {"approved": False, "clusterServiceVersionNames": plan_csvs},
                                "status": {"phase": "RequiresApproval"}}, NS)  # fmt: skip
    return cluster


def install(cluster: FakeCluster) -> None:
    """What OLM does after the approval."""
    for _try in range(100):
        if cluster.patches:
            break
        time.sleep(0.02)
    cluster.put("ClusterServiceVersion", {"metadata": {"name": "nfd.v1"}, "status": {"phase": "Succeeded"}}, NS)
    cluster.put("Subscription", {"metadata": {"name": "nfd"}, "spec": {"name": "nfd", "installPlanApproval": "Manual"},
                                 "status": {"installedCSV": "nfd.v1"}}, NS)  # fmt: skip


def run(cluster: FakeCluster, *wishes: Wish, seconds: float = 8) -> tuple[Outcome, list[str]]:
    lines: list[str] = []
    return Operators(cluster, list(wishes or [WISH]), seconds, lines.append).run(), lines


def test_approves_once_and_waits_for_success() -> None:
    cluster = olm(["nfd.v1"])
    cluster.after(0.1, lambda: install(cluster))
    outcome, lines = run(cluster)
    assert outcome.approved == [f"{NS}/p"] and len(cluster.patches) == 1
    assert outcome.operators[0]["installed_csv"] == "nfd.v1" and outcome.operators[0]["state"] == "Succeeded"
    assert any("approved: nfd.v1" in line for line in lines)


def test_the_approval_holds_only_for_what_was_judged() -> None:
    cluster = olm(["nfd.v1"])
    body: Any = None
    cluster.after(0.1, lambda: install(cluster))
    run(cluster)
    _path, body = cluster.patches[0]
    assert body[0] == {"op": "test", "path": "/spec/clusterServiceVersionNames", "value": ["nfd.v1"]}


def test_unexpected_plan_is_never_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.llmd.openshift.plugins.module_utils._olm.decide.PLAN_GRACE", 0.2)
    cluster = olm(["nfd.v1", "evil.v1"])
    with pytest.raises(OperatorsFailed, match="evil.v1") as caught:
        run(cluster)
    assert not cluster.patches and caught.value.failure is not None


def test_second_run_changes_nothing() -> None:
    cluster = olm(["nfd.v1"])
    cluster.patches.append(("", ""))
    install(cluster)
    outcome, _lines = run(cluster)
    assert outcome.approved == []


def test_missing_package_is_said_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.llmd.openshift.plugins.module_utils._olm.catalogs.PACKAGE_GRACE", 0.2)
    cluster = olm(["nfd.v1"])
    cluster.objects["InstallPlan"].clear()
    with pytest.raises(OperatorsFailed, match="has no package nfd"):
        run(cluster)


def test_timeout() -> None:
    cluster = olm(["nfd.v1"])
    cluster.put("InstallPlan", {"metadata": {"name": "p"}, "spec": {"approved": True, "clusterServiceVersionNames": ["nfd.v1"]},
                                "status": {"phase": "Installing"}}, NS)  # fmt: skip
    with pytest.raises(OperatorsFailed, match="weren't ready") as caught:
        run(cluster, seconds=0.5)
    assert caught.value.timed_out


def test_check_mode_approves_nothing() -> None:
    cluster = olm(["nfd.v1"])
    outcome = Operators(cluster, [WISH], 5, print).look()
    assert outcome.approved == [f"{NS}/p"] and not cluster.patches


def test_check_mode_on_a_cluster_without_anything() -> None:
    cluster = FakeCluster()
    cluster.missing |= {"Subscription", "InstallPlan"}
    outcome = Operators(cluster, [WISH], 5, print).look()
    assert outcome.operators[0]["state"] == "NoSubscription"


def test_an_approval_without_answer_is_tried_again() -> None:
    cluster = olm(["nfd.v1"])
    answer, faults = cluster.patch, [Unreachable("No answer from the API server", "PATCH", "timed out", "run again")]

    def patch(*args: Any, **options: Any) -> dict[str, Any]:
        if faults:
            raise faults.pop()
        return answer(*args, **options)

    cluster.patch = patch  # type: ignore[method-assign]
    cluster.after(5.5, lambda: install(cluster))  # the second try comes 5 s after the first
    outcome, lines = run(cluster, seconds=20)
    assert outcome.operators[0]["state"] == "Succeeded" and len(cluster.patches) == 1
    assert any("no answer to the approval" in line for line in lines)
