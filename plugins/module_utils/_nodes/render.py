# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfig and MachineConfigPool objects of a plan's pools. Kinds and fields: openshift/api machineconfiguration/v1."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

API = "machineconfiguration.openshift.io/v1"
ROLE = "machineconfiguration.openshift.io/role"
IGNITION = "3.2.0"  # what every OpenShift from 4.7 on reads
Row = Mapping[str, Any]


def objects(pools: list[Row], max_unavailable: int | str = 1) -> list[dict[str, Any]]:
    """One MachineConfig a pool, and the pool where it is ours. Pools that keep what they have are there too: nothing then changes.

    :param pools: `llmd_plan.context.machine_pools`.
    """
    made: list[dict[str, Any]] = []
    for pool in pools:
        if pool["own"]:
            made.append(machine_config_pool(pool["name"], max_unavailable))
        made.append(machine_config(pool))
    return made


def machine_config(pool: Row) -> dict[str, Any]:
    spec: dict[str, Any] = {"config": {"ignition": {"version": IGNITION}}}
    if pool["files"]:
        spec["config"]["storage"] = {"files": [_file(path, content) for path, content in sorted(pool["files"].items())]}
    if pool["kernel_arguments"]:
        spec["kernelArguments"] = list(pool["kernel_arguments"])
    return {
        "apiVersion": API,
        "kind": "MachineConfig",
        "metadata": {"name": pool["config"], "labels": {ROLE: pool["name"]}},
        "spec": spec,
    }


def machine_config_pool(name: str, max_unavailable: int | str) -> dict[str, Any]:
    """A pool that takes the worker's MachineConfigs and its own."""
    return {
        "apiVersion": API,
        "kind": "MachineConfigPool",
        "metadata": {"name": name},
        "spec": {
            "machineConfigSelector": {"matchExpressions": [{"key": ROLE, "operator": "In", "values": ["worker", name]}]},
            "nodeSelector": {"matchLabels": {node_label(name): ""}},
            "maxUnavailable": max_unavailable,
        },
    }


def node_label(pool: str) -> str:
    return f"node-role.kubernetes.io/{pool}"


def _file(path: str, content: str) -> dict[str, Any]:
    encoded = base64.b64encode(content.encode()).decode()
    source = f"data:text/plain;charset=utf-8;base64,{encoded}"
    return {"path": path, "mode": 0o644, "overwrite": True, "contents": {"source": source}}
