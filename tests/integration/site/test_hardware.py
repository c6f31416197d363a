# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on other hardware: every GPU comes up, a machine restarts once where it has to, and nobody else does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from play import Site

from tests.integration.conftest import Rehearsal, rehearsal_cli, start

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
REGISTRY = '{"spec": {"managementState": "Managed", "storage": {"emptyDir": {}}}}'
PERMITTED = ["driver", "drain", "reboot"]
THREE_RUNS = pytest.mark.timeout(1800)


@pytest.fixture
def on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A bare cluster of the profile that the test names."""
    name = f"hw-{os.getpid()}-{request.param}"
    rehearsal: Rehearsal = start(name, "--profile", request.param, "--openshift", "4.20", "--speed", "10")
    yield Site(rehearsal, tmp_path)
    rehearsal_cli("down", "--name", name)


def planned(site: Site) -> dict[str, str]:
    """Object -> what the plan of the last run does to it; plans of OLM are left out, since their names come from OLM."""
    plan = json.loads((site.folder / "rehearsal" / "plan.json").read_text())
    changes = {change["object"]: change["action"] for step in plan["steps"] for change in step["changes"] if not change["object"].startswith("InstallPlan")}
    return {what: action for what, action in changes.items() if action != "keep"}


def there(site: Site, what: str) -> bool:
    """Whether an object of a plan ("Kind namespace/name" or "Kind name") is on the cluster."""
    kind, name = what.split(" ")
    namespace, _, name = name.rpartition("/")
    full = {"Subscription": "subscriptions.operators.coreos.com", "Gateway": "gateways.gateway.networking.k8s.io"}.get(kind, kind)
    return not site.rehearsal.kubectl("get", full, name, *(["-n", namespace] if namespace else []), "-o", "name", check=False).startswith(("Error", "error"))


def gpus(site: Site) -> dict[str, str | None]:
    """Node with NVIDIA GPUs on its bus -> what it offers of them."""
    nodes = site.rehearsal.get("nodes", "-l", "feature.node.kubernetes.io/pci-10de.present=true")["items"]
    return {node["metadata"]["name"]: node["status"]["allocatable"].get("nvidia.com/gpu") for node in nodes}


def boots(site: Site) -> dict[str, str]:
    """Node -> id of its present boot."""
    return {node["metadata"]["name"]: node["status"]["nodeInfo"]["bootID"] for node in site.rehearsal.get("nodes")["items"]}


def restarted(site: Site, before: dict[str, str]) -> list[str]:
    return sorted(name for name, boot in boots(site).items() if before[name] != boot)


@pytest.mark.parametrize("on", ["mi300x"], indirect=True)
def test_amd_restarts_each_gpu_node_once(on: Site) -> None:
    # On bare metal the internal registry is removed at first, and AMD's driver image has nowhere to go.
    before = boots(on)
    refused = on.run(llmd_allow_disruption=PERMITTED)
    assert refused.rc != 0 and "image registry" in refused.message and "managementState" in refused.message
    on.rehearsal.kubectl("patch", "configs.imageregistry.operator.openshift.io", "cluster", "--type=merge", "-p", REGISTRY)

    refused = on.run(llmd_allow_disruption=["driver"])
    assert refused.rc != 0 and "reboot" in refused.message and "Nothing of the plan was done" in refused.message
    assert not [one for one in on.rehearsal.get("machineconfigs")["items"] if "llmd" in one["metadata"]["name"]]
    assert restarted(on, before) == []

    proven = on.run(llmd_allow_disruption=PERMITTED)
    assert proven.rc == 0, proven.output[-4000:]
    assert proven.report["outcome"] == "proven" and restarted(on, before) == ["gpu-0", "gpu-1"]

    after = boots(on)
    again = on.run(llmd_allow_disruption=[])
    assert (again.rc, again.changed, restarted(on, after)) == (0, 0, []), again.output[-4000:]


@pytest.mark.parametrize("on", ["h100-ib", "b200-roce", "a100-ethernet", "mixed-h200-b200", "compact-h100", "sno-a100"], indirect=True)
def test_nvidia_needs_no_restart(on: Site) -> None:
    before = boots(on)
    checked = on.run("--check", llmd_allow_disruption=["driver"])
    assert checked.rc == 0, checked.output[-4000:]
    foreseen = planned(on)
    made = {what for what, action in foreseen.items() if action == "create"}
    assert made and not [what for what in made if there(on, what)], "check mode has made it"

    proven = on.run(llmd_allow_disruption=["driver"])
    assert proven.rc == 0, proven.output[-4000:]
    assert proven.report["outcome"] == "proven"
    assert planned(on).items() <= foreseen.items(), "the run does what check mode hasn't foreseen"
    assert not [what for what in made if not there(on, what)], "check mode has foreseen what the run doesn't do"
    each = "4" if on.rehearsal.name.endswith("sno-a100") else "8"
    assert set(gpus(on).values()) == {each}, gpus(on)
    again = on.run()
    assert (again.rc, again.changed, restarted(on, before)) == (0, 0, []), again.output[-4000:]


@pytest.mark.parametrize("on", ["h200-roce"], indirect=True)
def test_a_pod_that_cannot_leave_stops_the_restart_before_it_begins(on: Site) -> None:
    """A pool of our own spares the other machines; a PodDisruptionBudget without room stops the run, named with its owner."""
    before = boots(on)
    on.rehearsal.kubectl("create", "namespace", "shop")
    on.rehearsal.kubectl("create", "deployment", "db", "--image=registry.example.com/db:1", "-n", "shop")
    on.rehearsal.kubectl("create", "poddisruptionbudget", "db", "--selector=app=db", "--min-available=1", "-n", "shop")
    on.rehearsal.kubectl("rollout", "status", "deployment/db", "-n", "shop", "--timeout=60s")
    wanted = {"llmd_allow_disruption": PERMITTED, "llmd_kernel_arguments": ["mitigations=off"], "llmd_machine_pool": "own"}
    refused = on.run(**wanted)
    assert refused.rc != 0 and "shop/db" in refused.message and "ReplicaSet" in refused.message and restarted(on, before) == []
    on.rehearsal.kubectl("delete", "poddisruptionbudget", "db", "-n", "shop")
    proven = on.run(**wanted)
    assert proven.rc == 0, proven.output[-4000:]
    assert restarted(on, before) == ["gpu-0", "gpu-1"]
    again = on.run(**wanted)
    assert (again.rc, again.changed) == (0, 0), again.output[-4000:]


@pytest.mark.wide
@THREE_RUNS
@pytest.mark.parametrize("on", ["mixed-h200-b200"], indirect=True)
def test_a_mixed_fleet_serves_from_one_model_where_the_article_wants_it(on: Site) -> None:
    """All GPUs come up, and only the machine that serves restarts; the model servers stay on the nodes whose product is declared, before and after the GPU operator has written its name."""
    before = boots(on)
    wanted = {"llmd_path": "wide_expert_parallelism", "llmd_wep_nodes": "single", "llmd_allow_disruption": PERMITTED}
    refused = on.run(**wanted)
    assert refused.rc != 0 and "B200 and H200" in refused.message and "llmd_node_selector" in refused.message, refused.message
    wanted["llmd_node_selector"] = {"nvidia.com/gpu.product": "NVIDIA-H200"}
    proven = on.run(**wanted)
    assert proven.rc == 0 and proven.report["outcome"] == "proven", proven.output[-4000:]
    pods = on.rehearsal.get("pods", "-n", "llmd")["items"]
    using = {pod["spec"]["nodeName"] for pod in pods if any("nvidia.com/gpu" in one["resources"].get("limits", {}) for one in pod["spec"]["containers"])}
    assert using == {"h200-0"} and restarted(on, before) == ["h200-0"] and set(gpus(on).items()) == {("h200-0", "8"), ("b200-0", "8")}
    again = on.run(**wanted)
    assert (again.rc, again.changed) == (0, 0), again.output[-4000:]
