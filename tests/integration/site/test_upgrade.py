# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A later run on a cluster that an earlier version of the collection set up, or that somebody changed since: it does only what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from play import Site

from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.looks import approve, plan_of, wait_for

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
NAMESPACE, PACKAGE, OLD, NEW = "redhat-ods-operator", "rhods-operator", "rhods-operator.3.3.5", "rhods-operator.3.3.6"
OURS = {"app.kubernetes.io/managed-by": "llmd-openshift"}
STAGES = ["access", "discover", "assess", "plan", "features", "operators"]
SUBSCRIPTION = "subscriptions.operators.coreos.com"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """OpenShift AI at the version of an earlier z-stream, as an earlier run of ours left it."""
    name = f"upgrade-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    one = start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10")
    metadata = {"namespace": NAMESPACE, "labels": OURS}
    spec = {"name": PACKAGE, "channel": "stable-3.3", "source": "redhat-operators", "sourceNamespace": "openshift-marketplace",
            "startingCSV": OLD, "installPlanApproval": "Manual"}  # fmt: skip
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": OURS}},
        {"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": {"name": PACKAGE, **metadata}, "spec": {}},
        {"apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": {"name": PACKAGE, **metadata}, "spec": spec},
    ]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    one.kubectl("apply", "--server-side", "--validate=false", "--field-manager=llmd-openshift", "-f", "-", stdin=body)
    wait_for(lambda: plan_of(one, NAMESPACE, OLD), 120)
    approve(one, NAMESPACE, OLD)
    wait_for(lambda: one.get("csv", OLD, "-n", NAMESPACE)["status"].get("phase") == "Succeeded", 120)
    yield Site(one, tmp_path_factory.mktemp("reports"))
    rehearsal_cli("down", "--name", name)


def phase(site: Site, csv: str) -> str:
    return str(site.rehearsal.get("csv", csv, "-n", NAMESPACE)["status"].get("phase"))


def test_the_tested_version_replaces_ours_and_nothing_else_of_it_changes(earlier: Site) -> None:
    left = earlier.run(llmd_stages=STAGES, llmd_upgrade_operators=False)
    assert left.rc == 0 and phase(earlier, OLD) == "Succeeded", left.output[-3000:]
    done = earlier.run(llmd_stages=STAGES)
    assert done.rc == 0, done.output[-3000:]
    wait_for(lambda: phase(earlier, NEW) == "Succeeded", 120)
    plan = json.loads((earlier.folder / "rehearsal" / "plan.json").read_text())
    changes = {change["object"]: change["action"] for step in plan["steps"] if step["stage"] == "operators" for change in step["changes"]}
    assert changes[f"Subscription {NAMESPACE}/{PACKAGE}"] == "update" and changes[f"InstallPlan {NAMESPACE}/(for {NEW})"] == "approve"
    assert [what for what, action in changes.items() if action not in ("keep", "approve")] == [f"Subscription {NAMESPACE}/{PACKAGE}"], changes
    again = earlier.run(llmd_stages=STAGES)
    assert (again.rc, again.changed) == (0, 0), again.output[-3000:]


def test_what_somebody_changed_by_hand_is_set_back_and_no_more(earlier: Site) -> None:
    earlier.rehearsal.kubectl("patch", SUBSCRIPTION, PACKAGE, "-n", NAMESPACE, "--type=merge", "-p", '{"spec": {"installPlanApproval": "Automatic"}}')
    mended = earlier.run(llmd_stages=STAGES)
    assert (mended.rc, mended.changed) == (0, 1), mended.output[-3000:]
    assert earlier.rehearsal.get(SUBSCRIPTION, PACKAGE, "-n", NAMESPACE)["spec"]["installPlanApproval"] == "Manual"
    again = earlier.run(llmd_stages=STAGES)
    assert (again.rc, again.changed) == (0, 0), again.output[-3000:]
