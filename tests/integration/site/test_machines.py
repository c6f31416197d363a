# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that restart: once each, only as far and only when declared, and never where harm would be done.

The tests of this file share one cluster and follow one another; each brings another kernel argument.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from play import Result, Site

from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.steps import conditions, counters, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
PERMITTED = ["driver", "drain", "reboot"]
STAGES = ["access", "discover", "assess", "plan", "features", "nodes"]
PAUSED_BY = "llmd.openshift.io/paused-by"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two GPU nodes, whose restarts take some seconds."""
    name = f"machines-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    yield Site(start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "4"), tmp_path_factory.mktemp("reports"))
    rehearsal_cli("down", "--name", name)


def run(site: Site, argument: str, **more: Any) -> Result:
    declared = {"llmd_stages": STAGES, "llmd_allow_disruption": PERMITTED, "llmd_kernel_arguments": [argument], **more}
    return site.run(**declared)


def reboots(site: Site) -> dict[str, int]:
    return dict(counters(site.rehearsal)["reboots"])


def pool(site: Site, name: str = "worker") -> dict[str, Any]:
    return dict(site.rehearsal.get("machineconfigpool", name))


def window(hours: int) -> str:
    """One that begins so many hours from now, and is half an hour long."""
    begin = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return f"{begin:%a %H:%M} 30".lower()


def test_nothing_begins_outside_the_window(two: Site) -> None:
    refused = run(two, "llmd.first=1", llmd_maintenance_window=window(3))
    assert refused.rc != 0 and "maintenance window" in refused.message and "is closed until" in refused.message
    assert reboots(two) == {} and not [one for one in two.rehearsal.get("machineconfigs")["items"] if "llmd" in one["metadata"]["name"]]


def test_one_node_a_run_and_the_next_run_goes_on(two: Site) -> None:
    first = run(two, "llmd.first=1", llmd_stop_after_nodes=1)
    assert first.rc != 0 and "1 of 2 machines run with their settings" in first.message and "run again" in first.message, first.output[-3000:]
    assert list(reboots(two).values()) == [1]
    held = pool(two)
    assert held["spec"]["paused"] is True and held["metadata"]["annotations"][PAUSED_BY] == "llmd-openshift"
    second = run(two, "llmd.first=1", llmd_stop_after_nodes=1, llmd_maintenance_window=window(0))
    assert second.rc == 0, second.output[-3000:]
    assert reboots(two) == {"gpu-0": 1, "gpu-1": 1}
    assert pool(two)["spec"].get("paused") is not True and PAUSED_BY not in (pool(two)["metadata"].get("annotations") or {})
    again = run(two, "llmd.first=1", llmd_allow_disruption=["driver"])
    assert (again.rc, again.changed, reboots(two)) == (0, 0, {"gpu-0": 1, "gpu-1": 1}), again.output[-3000:]


def test_the_run_does_what_was_approved_or_stops_with_the_difference(two: Site) -> None:
    planned = run(two, "llmd.second=1", llmd_stages=["access", "discover", "assess", "plan"])
    assert planned.rc == 0, planned.output[-3000:]
    stored = two.folder / "rehearsal" / "plan.json"
    approved = Path(two.folder) / "approved.json"
    approved.write_text(stored.read_text())
    other = run(two, "llmd.third=1", llmd_approved_plan=str(approved))
    assert other.rc != 0 and "isn't the one that was approved" in other.message and "llmd.third=1" in other.message
    done = run(two, "llmd.second=1", llmd_approved_plan=str(approved))
    assert done.rc == 0, done.output[-3000:]
    assert reboots(two) == {"gpu-0": 2, "gpu-1": 2}
    again = run(two, "llmd.second=1", llmd_approved_steps=json.loads(approved.read_text())["approval"])
    assert (again.rc, again.changed) == (0, 0), again.output[-3000:]


def test_a_cordoned_node_stays_cordoned_and_stops_the_run_before_any_write(two: Site) -> None:
    two.rehearsal.kubectl("cordon", "gpu-1")
    refused = run(two, "llmd.fourth=1")
    assert refused.rc != 0 and "gpu-1" in refused.message and ("cordoned" in refused.message or "schedulable" in refused.message.lower()), refused.message
    assert two.rehearsal.get("node", "gpu-1")["spec"]["unschedulable"] is True and reboots(two) == {"gpu-0": 2, "gpu-1": 2}
    two.rehearsal.kubectl("uncordon", "gpu-1")


def test_a_pool_that_somebody_paused_stays_paused(two: Site) -> None:
    two.rehearsal.kubectl("patch", "machineconfigpool", "worker", "--type=merge", "-p", '{"spec": {"paused": true}}')
    refused = run(two, "llmd.fourth=1")
    assert refused.rc != 0 and "MachineConfigPool worker is paused" in refused.message and "Nothing of the plan was done" in refused.message
    assert pool(two)["spec"]["paused"] is True
    two.rehearsal.kubectl("patch", "machineconfigpool", "worker", "--type=merge", "-p", '{"spec": {"paused": false}}')


def test_a_pod_that_nobody_makes_again_stops_the_run_until_it_may_go(two: Site) -> None:
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "notebook", "namespace": "default"}, "spec": {
        "nodeName": "gpu-0", "containers": [{"name": "main", "image": "registry.example.com/notebook:1"}], "volumes": [{"name": "work", "emptyDir": {}}]}}  # fmt: skip
    two.rehearsal.kubectl("apply", "-f", "-", stdin=json.dumps(bare))
    refused = run(two, "llmd.fourth=1")
    assert refused.rc != 0 and "default/notebook on node gpu-0 (with the data of work" in refused.message, refused.message
    assert reboots(two) == {"gpu-0": 2, "gpu-1": 2} and pool(two)["spec"].get("paused") is not True
    done = run(two, "llmd.fourth=1", llmd_allow_disruption=[*PERMITTED, "lose-pods"])
    assert done.rc == 0 and reboots(two) == {"gpu-0": 3, "gpu-1": 3}, done.output[-3000:]


def test_a_degraded_machine_is_named_with_the_daemons_words(two: Site) -> None:
    before = reboots(two)
    assert rehearsal_cli("provoke", "--name", two.rehearsal.name, "--scenario", "mcp-degraded").returncode == 0
    two.rehearsal.kubectl("label", "node", "gpu-1", "touched=yes", "--overwrite")  # its daemon looks when anything happens on the node
    until("degraded", lambda: conditions(pool(two)).get("Degraded", {}).get("status") == "True")
    refused = run(two, "llmd.fifth=1")
    assert refused.rc != 0 and "degraded" in refused.message.lower() and "Node gpu-1 is reporting" in refused.message, refused.message
    assert reboots(two) == before
    assert rehearsal_cli("repair", "--name", two.rehearsal.name, "--scenario", "mcp-degraded").returncode == 0
    until("healthy", lambda: conditions(pool(two))["Degraded"]["status"] == "False")


def test_a_machine_that_does_not_return_spares_the_others(two: Site) -> None:
    """The last test: its node comes back only by the repair. gpu-1 is the last worker, so gpu-0 has restarted before."""
    before = reboots(two)
    assert rehearsal_cli("provoke", "--name", two.rehearsal.name, "--scenario", "node-never-returns").returncode == 0
    lost = run(two, "llmd.sixth=1", llmd_reboot_minutes=1)
    assert lost.rc != 0 and "Node gpu-1" in lost.message and "NeverReturned" in lost.message and "console" in lost.message, lost.message
    assert pool(two)["metadata"]["annotations"][PAUSED_BY] == "llmd-openshift"
    assert rehearsal_cli("repair", "--name", two.rehearsal.name, "--scenario", "node-never-returns").returncode == 0
    until("gpu-1 is back", lambda: conditions(two.rehearsal.get("node", "gpu-1"))["Ready"]["status"] == "True", 120)
    done = run(two, "llmd.sixth=1")
    assert done.rc == 0 and reboots(two) == {node: before.get(node, 0) + 1 for node in ("gpu-0", "gpu-1")}, done.output[-3000:]
