# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DeviceConfig, and a MachineConfigPool of which more is asked than being settled."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._wait import accelerators, openshift
from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import parse


def config(driver: tuple[int, int], plugin: tuple[int, int], ready: str = "True", error: dict[str, str] | None = None) -> dict[str, Any]:
    def numbers(pair: tuple[int, int]) -> dict[str, int]:
        return {"nodesMatchingSelectorNumber": pair[0], "desiredNumber": pair[0], "availableNumber": pair[1]}

    conditions = [{"type": "Ready", "status": ready, "reason": "OperatorReady", "message": ""}, *([error] if error else [])]
    return {"spec": {"driver": {"enable": True}}, "status": {"conditions": conditions, "driver": numbers(driver), "devicePlugin": numbers(plugin)}}


def judge(obj: dict[str, Any]) -> str:
    return accelerators.device_config(obj, {}).phase


def test_ready_on_every_node_that_matches() -> None:
    assert judge(config((2, 2), (2, 2))) == "done"


def test_a_driver_or_plugin_that_lags_is_waited_for() -> None:
    assert judge(config((2, 1), (2, 2))) == judge(config((2, 2), (2, 1))) == judge(config((2, 2), (2, 2), ready="False")) == "waiting"


def test_ready_without_a_node_is_a_failure() -> None:
    state = accelerators.device_config(config((0, 0), (0, 0)), {})
    assert (state.phase, state.reason) == ("failed", "NoMatchingNodes")


def test_a_validation_error_is_told() -> None:
    state = accelerators.device_config(config((0, 0), (0, 0), "False", {"type": "Error", "status": "True", "reason": "ValidationError", "message": "bad version"}), {})
    assert (state.phase, state.reason) == ("failed", "ValidationError") and "bad version" in state.detail


def test_its_nodes_are_targets_too() -> None:
    item = {"api_version": "amd.com/v1alpha1", "kind": "DeviceConfig", "name": "llmd", "namespace": "a", "with": {"nodes": {"gpu-0": 8}, "resource": "amd.com/gpu"}}
    assert [target.key for target in parse([item])] == ["DeviceConfig a/llmd", "Node gpu-0 (gpus amd.com/gpu)"]


def pool(sources: list[str], machines: int = 2) -> dict[str, Any]:
    status = {"conditions": [{"type": "Updated", "status": "True"}], "configuration": {"name": "r1"}}
    numbers = {"machineCount": machines, "readyMachineCount": machines, "updatedMachineCount": machines}
    return {"spec": {"configuration": {"name": "r1", "source": [{"name": name} for name in sources]}}, "status": {**status, **numbers}}


def test_a_pool_that_has_not_seen_the_config_is_not_done() -> None:
    wanted = {"config": "99-llmd-worker"}
    assert openshift.pool(pool(["00-worker"]), wanted).phase == "waiting"
    assert openshift.pool(pool(["00-worker", "99-llmd-worker"]), wanted).phase == "done"


def test_a_new_pool_without_its_machines_is_not_done() -> None:
    assert openshift.pool(pool([], 0), {"machines": 2}).phase == "waiting" and openshift.pool(pool([], 2), {"machines": 2}).phase == "done"
