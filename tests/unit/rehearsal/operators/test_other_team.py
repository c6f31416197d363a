# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other team of scenario drain-blocked-by-pdb, and hardware that the scenario has broken."""

from __future__ import annotations

from typing import Any

from rehearsal.operators.broken_hardware import broken
from rehearsal.operators.other_team import OtherTeam


def test_the_team_deploys_on_its_node_and_takes_only_the_budget_away(world: Any) -> None:
    world.settings.data["scenario"] = {"drain-blocked-by-pdb": {"node": "gpu-0"}}
    team, node, other = world.run(OtherTeam), world.node("gpu-0"), world.node("gpu-1")
    assert team.route("ADDED", other) == [] and team.route("ADDED", node) == [node]
    assert team.reconcile(world.kube, node)
    pod = world.kube.get("apps/v1|Deployment|ledger|bookkeeper")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/hostname": "gpu-0"}
    assert all(item.get("key") for item in pod["tolerations"]), "a cordon is not tolerated"
    assert world.kube.get("policy/v1|PodDisruptionBudget|ledger|bookkeeper")["spec"]["minAvailable"] == 1
    world.settings.data["scenario"] = {}
    assert team.reconcile(world.kube, node) is None
    assert world.kube.get("policy/v1|PodDisruptionBudget|ledger|bookkeeper") is None
    assert world.kube.get("apps/v1|Deployment|ledger|bookkeeper") is not None


def test_without_the_scenario_there_is_no_team(world: Any) -> None:
    team, node = world.run(OtherTeam), world.node("gpu-0")
    assert team.route("ADDED", node) == []


def test_broken_hardware_is_a_copy(server: Any) -> None:
    faults = {"seven-of-eight-gpus": {"node": "gpu-0"}, "disk-with-data": {"node": "gpu-0", "holds": "ceph"}}
    found = broken(server, faults)
    assert [gpu["health"] for gpu in found["gpus"]].count("fallen-off-bus") == 1
    assert [disk["holds"] for disk in found["disks"]] == ["os", "ceph", "nothing"]
    assert [gpu["health"] for gpu in server["gpus"]] == ["ok"] * 8 and server["disks"][1]["holds"] == "nothing"
    assert broken(server, {"seven-of-eight-gpus": {"node": "gpu-1"}}) is server
