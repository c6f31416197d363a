# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ClusterPolicy and DeviceConfig of somebody else: which values stop a run, and which are only told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot


def cluster(kind: str = "ClusterPolicy", ours: bool = False, gpus: int = 0, model: str = "H200", **spec: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "llmd-openshift"} if ours else {}
    resource = "amd.com/gpu" if model == "MI300X" else "nvidia.com/gpu"
    nodes = [node(name, model, allocatable={resource: gpus} if gpus else {}) for name in ("g0", "g1")]
    return {**snapshot(*nodes), "objects": {kind: [{"metadata": {"name": "theirs", "labels": labels}, "spec": spec}]}}


def found(made: dict[str, Any], path: str = "inference_scheduling") -> list[tuple[str, str]]:
    return [(one["status"], one["observed"]) for one in made["findings"] if one["id"] == "gpu-policy" and one["path"] in (None, path) and one["release"] in (None, "3.3")]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"driver": {"enabled": False}}, "driver.enabled is false"),
        ({"toolkit": {"enabled": False}}, "toolkit.enabled is false"),
        ({"devicePlugin": {"enabled": False}}, "devicePlugin.enabled is false"),
        ({"sandboxWorkloads": {"enabled": True, "defaultWorkload": "vm-passthrough"}}, "virtual machines (vm-passthrough)"),
    ],
)
def test_values_that_keep_gpus_away_stop_the_run(judged, spec: dict[str, Any], words: str) -> None:
    made = judged(cluster(**spec), declared())
    ((status, observed),) = found(made)
    assert status == "fail" and words in observed and made["gate"] == "stop" and "ask its owner" in made["gate_message"]


def test_a_policy_of_others_that_fits_passes_and_ours_is_not_judged(judged) -> None:
    assert found(judged(cluster(driver={"enabled": True}), declared())) == [("pass", "somebody else's, with values that fit")]
    assert found(judged(cluster(ours=True, driver={"enabled": False}), declared())) == []


def test_a_driver_of_the_host_is_enough(judged) -> None:
    assert [status for status, _ in found(judged(cluster(gpus=8, driver={"enabled": False}, toolkit={"enabled": False}), declared()))] == ["pass"]


def test_rdma_needs_open_modules_or_peermem(judged) -> None:
    path = "pd_disaggregation"
    closed = {"driver": {"kernelModuleType": "proprietary"}, "gdrcopy": {"enabled": True}}
    assert "can't read the GPUs' memory" in found(judged(cluster(**closed), declared(path=path)), path)[0][1]
    peermem = {"driver": {"kernelModuleType": "proprietary", "rdma": {"enabled": True}}, "gdrcopy": {"enabled": True}}
    assert [status for status, _ in found(judged(cluster(**peermem), declared(path=path)), path)] == ["pass"]
    assert [status for status, _ in found(judged(cluster(driver={"kernelModuleType": "open"}), declared(path=path)), path)] == ["warn"]
    assert [status for status, _ in found(judged(cluster(**closed), declared()))] == ["pass"]


def test_deepep_needs_a_parameter_of_the_driver(judged) -> None:
    path, open_modules = "wide_expert_parallelism", {"gdrcopy": {"enabled": True}}
    ((status, told),) = found(judged(cluster(**open_modules), declared(path=path)), path)
    assert status == "warn" and "PeerMappingOverride=1" in told
    named = {**open_modules, "driver": {"kernelModuleConfig": {"name": "kernel-module-params"}}}
    assert [status for status, _ in found(judged(cluster(**named), declared(path=path)), path)] == ["pass"]
    assert [status for status, _ in found(judged(cluster(**open_modules), declared(path="pd_disaggregation")), "pd_disaggregation")] == ["pass"]


def test_amds_device_config(judged) -> None:
    made = judged(cluster("DeviceConfig", model="MI300X", driver={"enable": False}), declared())
    assert found(made)[0][0] == "fail" and found(judged(cluster("DeviceConfig", model="MI300X"), declared()))[0][0] == "pass"
