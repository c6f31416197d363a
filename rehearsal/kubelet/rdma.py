# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDMA in a container: which devices a granted resource makes visible, as /sys/class/infiniband shows them.

A shared RDMA device plugin (``rdma/*``) gives all RDMA devices of the node; an SR-IOV resource gives as many virtual functions as were asked for, with
RDMA only when its SriovNetworkNodePolicy says ``isRdma``; a host-device resource of the NVIDIA network operator (``nvidia.com/*``, not a GPU) gives the
device. Without such a resource a container sees none, and programs fall back to TCP or fail (rhoai-llmd.md 7 rows 32, 33).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from rehearsal.kube import Kube, KubeError
from rehearsal.kubelet.quantity import parse

Obj = dict[str, Any]
ROOT = "/sys/class/infiniband"
GPU_NAMES = ("gpu", "mig-", "pgpu", "vgpu")
POLICIES = ("sriovnetwork.openshift.io/v1", "SriovNetworkNodePolicy")
STATES = ("sriovnetwork.openshift.io/v1", "SriovNetworkNodeState")
STATES_NAMESPACE = "openshift-sriov-network-operator"
GID_INDEX = 3  # RoCE v2 over IPv4 on ConnectX, as a rule


def wanted(container: Obj) -> dict[str, int]:
    """Extended resources of a container and their number."""
    resources = container.get("resources") or {}
    limits = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
    return {name: int(parse(value)) for name, value in limits.items() if "/" in name and int(parse(value)) > 0}


def devices(container: Obj, nics: list[Obj], rdma_policy: Callable[[str], bool]) -> list[Obj]:
    """The node's NICs whose RDMA device the container sees. ``rdma_policy(resource)``: whether an SR-IOV resource carries RDMA."""
    capable = [nic for nic in nics if nic.get("rdma") and nic.get("role") == "rail"] or [nic for nic in nics if nic.get("rdma")]
    seen = 0
    for name, count in wanted(container).items():
        group, _, short = name.partition("/")
        if group == "rdma":
            return capable
        if (group == "openshift.io" and rdma_policy(short)) or (group == "nvidia.com" and not short.startswith(GPU_NAMES)):
            seen += count
    return capable[:seen]


def files(nics: list[Obj], pod_ip: str, down: bool = False) -> dict[str, tuple[str, int]]:
    """/sys/class/infiniband of a container: what scripts and libraries look at. ``down``: no port is active, whatever the profile says."""
    found = {}
    for nic in nics:
        port = f"{ROOT}/{nic['rdma']}/ports/1"
        layer = nic.get("link_layer") or "Ethernet"
        active = nic.get("state", "up") == "up" and not down
        found[f"{port}/state"] = ("4: ACTIVE\n" if active else "1: DOWN\n", 0o444)
        found[f"{port}/phys_state"] = ("5: LinkUp\n" if active else "3: Disabled\n", 0o444)
        found[f"{port}/link_layer"] = (f"{layer}\n", 0o444)
        if nic.get("pci"):
            found[f"{ROOT}/{nic['rdma']}/device/uevent"] = (f"DRIVER={nic.get('driver', 'mlx5_core')}\nPCI_SLOT_NAME={nic['pci']}\n", 0o444)
        if layer == "Ethernet":
            found[f"{port}/gids/{GID_INDEX}"] = (f"{ipv4_gid(pod_ip)}\n", 0o444)
            found[f"{port}/gid_attrs/types/{GID_INDEX}"] = ("RoCE v2\n", 0o444)
        else:
            found[f"{port}/gids/0"] = ("fe80:0000:0000:0000:0002:c903:0000:0001\n", 0o444)
            found[f"{port}/gid_attrs/types/0"] = ("IB/RoCE v1\n", 0o444)
    return found


def ipv4_gid(address: str) -> str:
    """The GID of an IPv4 address, as the kernel prints it."""
    text = ipaddress.IPv4Address(address).packed.hex()
    return f"{'0000:' * 5}ffff:{text[:4]}:{text[4:]}"


def node_state(kube: Kube, node: str) -> Obj | None:
    """What the SR-IOV operator made of the node; None without it."""
    try:
        return kube.get(kube.path(*STATES, STATES_NAMESPACE, node))
    except KubeError:
        return None


def policy_says_rdma(kube: Kube, resource: str) -> bool:
    """Whether an SR-IOV policy gives this resource RDMA; no policy, or no operator: no."""
    try:
        policies = kube.list(kube.path(*POLICIES))
    except KubeError:
        return False
    return any(p["spec"].get("resourceName") == resource and p["spec"].get("isRdma") for p in policies)
