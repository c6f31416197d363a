# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots for tests, made by hand in the shape of data/schema/snapshot.json."""

from __future__ import annotations

import copy
from typing import Any

VENDOR = {"MI300X": "amd"}
PCI = {
    "H100": "10de:2330", "H200": "10de:2335", "B200": "10de:2901", "A100": "10de:20b2", "GB200": "10de:2941", "MI300X": "1002:74a1",
}  # fmt: skip


def node(
    name: str, model: str | None = "H200", count: int = 8, rdma: str | None = "up", gbit: int | None = 25, nvme: int | None = 8,
    roles: tuple[str, ...] = ("worker",), **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """rdma: state of the 400G port (up, down, None = not known), or "absent"."""
    nics = [
        {
            "name": "eno1",
            "pci_id": "8086:1593",
            "class": "0200",
            "link_layer": "Ethernet",
            "speed_mbps": gbit and gbit * 1000,
            "state": "up",
        }
    ]
    if rdma != "absent":
        nics.append(
            {
                "name": "ens3f0",
                "pci_id": "15b3:1021",
                "class": "0200",
                "link_layer": "Ethernet",
                "speed_mbps": 400000,
                "state": rdma,
            }
        )
    vendor = VENDOR.get(model or "", "nvidia")
    return {
        "name": name,
        "roles": list(roles),
        "pool": "worker",
        "ready": True,
        "schedulable": True,
        "conditions": {"Ready": {"status": "True", "reason": "KubeletReady", "message": ""}},
        "taints": [],
        "allocatable": {},
        "capacity": {},
        "labels": {"kubernetes.io/hostname": name},
        "accelerators": {
            "vendor": vendor, "model": model, "product": None, "count": count, "memory_mib": None, "mig": None, "health": None,
            "pci_ids": [PCI[model]] * count if model in PCI else [], "source": "nodefeature",
        },
        "nics": nics,
        "rdma_capable": rdma != "absent",
        "nvme": {"count": nvme, "devices": []},
        **more,
    }  # fmt: skip


def bare_node(name: str) -> dict[str, Any]:
    """A node before anything has looked at its devices."""
    made = node(name)
    made["accelerators"] = {
        key: ([] if key == "pci_ids" else "none" if key == "source" else None) for key in made["accelerators"]
    }
    return {**made, "nics": None, "rdma_capable": None, "nvme": {"count": None, "devices": []}}


def control_plane(name: str) -> dict[str, Any]:
    return {**bare_node(name), "roles": ["control-plane", "master"], "pool": "master"}


def snapshot(*nodes: dict[str, Any], openshift: str | None = "4.20.4", **more: Any) -> dict[str, Any]:
    """A healthy cluster with nothing installed and both catalogs ready."""
    return {
        "schema": 1,
        "cluster": {"id": "00000000-0000-4000-8000-000000000000", "api_url": "https://api.x:6443", "name": "x"},
        "openshift": {
            "version": openshift,
            "upgrading": False,
            "conditions": {"Available": {"status": "True"}, "Failing": {"status": "False"}},
        },
        "platform": {"type": "BareMetal", "control_plane_topology": "HighlyAvailable"},
        "nodes": list(nodes),
        "operators": [],
        "csvs": [],
        "operator_groups": [],
        "helm": [],
        "catalogs": [
            {"name": name, "namespace": "openshift-marketplace", "state": "READY"}
            for name in ("redhat-operators", "certified-operators")
        ],
        "packages": packages(),
        "pools": [
            {"name": name, "paused": False, "degraded": False, "updating": False, "message": None}
            for name in ("master", "worker")
        ],
        "storage_classes": [],
        "crds": {},
        "gateway_classes": [],
        "gateways": [],
        "objects": {},
        **more,
    }


def packages() -> list[dict[str, Any]]:
    rows = (
        (
            "rhods-operator",
            "redhat-operators",
            "stable-3.3",
            ["rhods-operator.3.3.6", "rhods-operator.3.3.5", "rhods-operator.3.3.0"],
        ),
        (
            "openshift-cert-manager-operator",
            "redhat-operators",
            "stable-v1",
            ["cert-manager-operator.v1.19.0", "cert-manager-operator.v1.18.1"],
        ),
        ("leader-worker-set", "redhat-operators", "stable-v1.0", ["leader-worker-set.v1.0.1"]),
        (
            "rhcl-operator",
            "redhat-operators",
            "stable",
            ["rhcl-operator.v1.4.3", "rhcl-operator.v1.4.0", "rhcl-operator.v1.3.1"],
        ),
        ("authorino-operator", "redhat-operators", "stable", ["authorino-operator.v1.4.0"]),
        ("limitador-operator", "redhat-operators", "stable", ["limitador-operator.v1.4.0"]),
        ("dns-operator", "redhat-operators", "stable", ["dns-operator.v1.4.0"]),
        ("nfd", "redhat-operators", "stable", ["nfd.4.20.0-202602101230", "nfd.4.20.0-202510220911"]),
        ("lvms-operator", "redhat-operators", "stable-4.20", ["lvms-operator.v4.20.1", "lvms-operator.v4.20.0"]),
        (
            "gpu-operator-certified",
            "certified-operators",
            "v26.3",
            ["gpu-operator-certified.v26.3.3", "gpu-operator-certified.v26.3.2"],
        ),
    )
    return [
        {
            "package": package,
            "catalog": catalog,
            "catalog_namespace": "openshift-marketplace",
            "default_channel": channel,
            "channels": [{"name": channel, "current_csv": entries[0], "entries": entries}],
        }
        for package, catalog, channel, entries in rows
    ]


def declared(**more: Any) -> dict[str, Any]:
    """Declared values with their defaults, as the declare plugin returns them."""
    return {
        "release": "3.3", "path": "inference_scheduling", "wep_nodes": "multi", "namespace": "llmd", "service_name": "llmd",
        "model_uri": "hf://Qwen/Qwen2.5-7B-Instruct", "model_name": "Qwen/Qwen2.5-7B-Instruct", "replicas": 2, "gpus_per_replica": 1,
        "cpu_per_replica": "4", "memory_per_replica": "32Gi", "node_selector": {}, "tolerations": [], "auth": True,
        "gateway_class": "openshift-default", "model_cache": "lvms", "storage_class": None, "nvme_paths": [], "allow_disruption": ["driver"],
        "allow_unsupported": False, "allow_unsupported_reason": None, "waivers": [], "operator_catalogs": {}, "operator_channels": {},
        "adopt_operators": True, "model_cache_gib": 100, "vllm_args": [], "prefix_routing": "approximate", "prefill_replicas": 2, "prefill_vllm_args": [],
        "groups": 1, "group_nodes": 2, "group_gpus_per_node": None, "all2all_backend": "deepep_high_throughput", **more,
    }  # fmt: skip


def changed(original: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A deep copy with one value replaced."""
    made = copy.deepcopy(original)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return made
