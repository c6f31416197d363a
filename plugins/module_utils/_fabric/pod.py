# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model server's Pod needs for the fabric: networks, devices, environment, capability. Made here once; nobody else makes such names."""

from __future__ import annotations

from typing import Any

NETWORKS = "k8s.v1.cni.cncf.io/networks"
ECN_CAPABLE = 2  # ECT(0), the last two bits of the traffic class
CPU_TRANSPORTS = "rc,sm,self"  # without tcp: where RDMA doesn't come up, UCX says so instead of crawling
GPU_TRANSPORTS = {"nvidia": "cuda_copy,cuda_ipc", "amd": "rocm"}
DRIVERS = {"15b3": "mlx5", "14e4": "bnxt_re"}  # prefixes of the RDMA devices' names


def pod(rails: list[dict[str, Any]], layer: str | None, card_vendor: str, gpu_vendor: str, dscp: int) -> dict[str, Any]:
    """For a pod that gets these rails (rows of the design)."""
    attached = [rail["network"] for rail in rails if rail["network"]]
    return {
        "annotations": {NETWORKS: ",".join(attached)} if attached else {},
        "resources": {rail["resource"]: "1" for rail in rails},
        "env": environment(layer, card_vendor, gpu_vendor, dscp),
        "capabilities": ["IPC_LOCK"],
    }


def environment(layer: str | None, card_vendor: str, gpu_vendor: str, dscp: int) -> list[dict[str, str]]:
    """No GID index: it differs between nodes and cards, so that a fixed one works on some only. KServe's presets look it up (KSERVE_INFER_ROCE)."""
    found = {
        "NCCL_IB_HCA": DRIVERS.get(card_vendor, ""),
        "NCCL_SOCKET_IFNAME": "eth0",
        "GLOO_SOCKET_IFNAME": "eth0",
        "UCX_TLS": f"{CPU_TRANSPORTS},{GPU_TRANSPORTS[gpu_vendor]}",
    }
    if gpu_vendor == "nvidia":
        found["NVIDIA_GDRCOPY"] = "enabled"
    if layer == "Ethernet":
        traffic_class = str(dscp * 4 + ECN_CAPABLE)
        found |= {
            "KSERVE_INFER_ROCE": "true",
            "NCCL_IB_TC": traffic_class,
            "UCX_IB_TRAFFIC_CLASS": traffic_class,
            # Each rail is a network of its own: a card reaches only those of the same rail.
            "UCX_IB_ROCE_REACHABILITY_MODE": "local_subnet",
        }
    return [{"name": name, "value": value} for name, value in found.items() if value]


def rails_of(count: int, gpus_of_node: int | None, gpus: int, enough: bool) -> int:
    """How many rails a pod gets.

    Which GPUs of a node a pod gets isn't known before, so all rails, if each pod of the node can have a device of each (`enough`):
    the libraries then take the near ones. Else as many as its GPUs.
    """
    if enough or not gpus_of_node or gpus >= gpus_of_node:
        return count
    return max(1, -(-count * gpus // gpus_of_node))
