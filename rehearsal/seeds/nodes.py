# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as RHCOS nodes look before any operator, and StorageClasses that the profile says exist."""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rehearsal.seeds.common import MACHINE_NETWORK, Object, make, stamp

KUBELET_PORT = (
    10250  # the process kubelet answers there, at every node's address (they all lie on the sandbox's bridge)
)
PODS = 250
KERNEL_KEEPS = 0.985  # share of the RAM that the kernel leaves to be counted
SYSTEM_CPU = 500  # millicores, OpenShift's default systemReserved
SYSTEM_MEMORY_KIB = 1126400  # 1 GiB systemReserved + 100 MiB eviction threshold
NODE_IDS = uuid.UUID("0c5b6a3e-0f43-5a52-8a0e-3f4a2f6f7d11")


def objects(
    profile: Mapping[str, Any], openshift: Mapping[str, Any], scenario: Mapping[str, Any], moment: datetime
) -> list[Object]:
    """One Node per node of the profile. A twin's nodes have keys more: ``found`` (status as it was), ``absent``, ``unschedulable``."""
    absent = (scenario.get("node-not-ready") or {}).get("node")
    return [
        _node(node, _address(index), openshift, moment, node["name"] == absent or node.get("absent", False))
        for index, node in enumerate(profile["nodes"])
    ]


def storage_classes(profile: Mapping[str, Any], scenario: Mapping[str, Any]) -> list[Object]:
    """The StorageClasses of the profile; none is default under ``no-default-storageclass``."""
    found = []
    for row in profile["storage_classes"]:
        default = row.get("default", False) and not scenario.get("no-default-storageclass")
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
        found.append(make(
            "storage.k8s.io/v1", "StorageClass", row["name"], annotations=annotations, provisioner=row["provisioner"],
            reclaimPolicy="Delete", volumeBindingMode=row.get("binding_mode", "WaitForFirstConsumer"),
        ))  # fmt: skip
    return found


def _address(index: int) -> str:
    # The first /24 of the machine network is for the virtual addresses of API and ingress.
    return str(ipaddress.ip_network(MACHINE_NETWORK)[256 + index + 1])


def _node(
    node: Mapping[str, Any], address: str, openshift: Mapping[str, Any], moment: datetime, absent: bool
) -> Object:
    capacity, allocatable = _resources(node)
    found = node.get("found") or {}
    capacity, allocatable = {**capacity, **(found.get("capacity") or {})}, {**allocatable, **(found.get("allocatable") or {})}
    status: Object = {
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": node["name"]}],
        "capacity": capacity,
        "allocatable": allocatable,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        "nodeInfo": {**_info(node, openshift), **(found.get("nodeInfo") or {})},
    }
    taints = _taints(node)
    if absent:
        status["conditions"] = [
            _silent(kind, moment) for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
        ]
        taints += [
            {"key": "node.kubernetes.io/unreachable", "effect": effect} for effect in ("NoSchedule", "NoExecute")
        ]
    return make(
        "v1",
        "Node",
        node["name"],
        labels=_labels(node, absent),
        annotations=_annotations(node, address),
        spec={**({"taints": taints} if taints else {}), **({"unschedulable": True} if node.get("unschedulable") else {})},
        status=status,
    )


def _labels(node: Mapping[str, Any], absent: bool) -> dict[str, str]:
    labels = {
        "beta.kubernetes.io/arch": node["arch"],
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": node["arch"],
        "kubernetes.io/hostname": node["name"],
        "kubernetes.io/os": "linux",
        "node.openshift.io/os_id": "rhel",
    }
    # Without this label KWOK doesn't play the kubelet: nobody renews the node's lease and it stays NotReady.
    if not absent:
        labels["type"] = "kwok"
    labels |= {f"node-role.kubernetes.io/{role}": "" for role in node["roles"]}
    return {**labels, **node["labels"]}


def _annotations(node: Mapping[str, Any], address: str) -> dict[str, str]:
    """The kubelet's, and OVN-Kubernetes': its bridge has the address of the card that carries the node's own network (util/node_annotations.go)."""
    found = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    card = next((nic for nic in node["nics"] if nic["role"] == "machine" and nic.get("mac")), None)
    if card is not None:
        network = ipaddress.ip_network(MACHINE_NETWORK)
        gateway = {
            "mode": "shared", "bridge-id": "br-ex", "interface-id": f"br-ex_{node['name']}", "mac-address": card["mac"],
            "ip-addresses": [f"{address}/{network.prefixlen}"], "next-hops": [str(network[1])], "node-port-enable": "true", "vlan-id": "0",
        }  # fmt: skip
        found["k8s.ovn.org/l3-gateway-config"] = json.dumps({"default": gateway}, separators=(",", ":"))
    return found


def _taints(node: Mapping[str, Any]) -> list[Object]:
    taints = [dict(taint) for taint in node["taints"]]
    if "control-plane" in node["roles"] and "worker" not in node["roles"]:
        taints.insert(0, {"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"})
    return taints


def _resources(node: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    memory = int(node["memory_gib"] * 1024 * 1024 * KERNEL_KEEPS)
    huge = node["hugepages_1gi"]
    # /sysroot takes the OS disk but for boot partitions; the kubelet keeps a tenth for itself.
    disk_kib = int(next(disk["size_bytes"] for disk in node["disks"] if disk["holds"] == "os") * 0.995) // 1024
    common = {"pods": str(PODS), "hugepages-1Gi": f"{huge}Gi" if huge else "0", "hugepages-2Mi": "0"}
    capacity = {
        "cpu": str(node["cpu"]["threads"]),
        "memory": f"{memory}Ki",
        "ephemeral-storage": f"{disk_kib}Ki",
        **common,
    }
    allocatable = {
        "cpu": f"{node['cpu']['threads'] * 1000 - SYSTEM_CPU}m",
        "memory": f"{memory - SYSTEM_MEMORY_KIB - huge * 1024 * 1024}Ki",
        "ephemeral-storage": str(int(disk_kib * 1024 * 0.9)),
        **common,
    }
    return capacity, allocatable


def _info(node: Mapping[str, Any], openshift: Mapping[str, Any]) -> Object:
    machine = uuid.uuid5(NODE_IDS, node["name"])
    return {
        "machineID": machine.hex,
        "systemUUID": str(uuid.uuid5(NODE_IDS, f"{node['name']}/system")),
        "bootID": str(uuid.uuid5(NODE_IDS, f"{node['name']}/boot")),
        "kernelVersion": openshift["rhcos"]["kernel"] + (".x86_64" if node["arch"] == "amd64" else ".aarch64"),
        "osImage": f"Red Hat Enterprise Linux CoreOS {openshift['rhcos']['ostree_version']} (Plow)",
        "containerRuntimeVersion": openshift["runtime"],
        "kubeletVersion": openshift["kubernetes"],
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": node["arch"],
    }


def _silent(kind: str, moment: datetime) -> Object:
    since = stamp(moment, 0.2)
    return {
        "type": kind, "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.",
        "lastHeartbeatTime": since, "lastTransitionTime": since,
    }  # fmt: skip
