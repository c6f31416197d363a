# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters for tests of the fabric, as the snapshot shows them once the SR-IOV operator has told of the cards."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._fabric.design import Site, design

BUSES = ("1a", "3c", "4d", "5e", "9c", "bc", "cc", "dc")
OURS = {"app.kubernetes.io/managed-by": "llmd-openshift"}
OPERATORS = {
    "sriov-network-operator": ("openshift-sriov-network-operator", "sriov-network-operator.v4.20.0-202602101230"),
    "nvidia-network-operator": ("nvidia-network-operator", "nvidia-network-operator.v26.4.1"),
}


def card(name: str, pci: str, pci_id: str = "15b3:1021", **more: Any) -> dict[str, Any]:
    layer = more.get("link_layer", "Ethernet")
    return {
        "name": name, "pci_id": pci_id, "class": {"Ethernet": "0200", "InfiniBand": "0207"}[layer], "link_layer": layer, "speed_mbps": 400000, "state": "up",
        "sriov_totalvfs": 16, "pci": pci, "driver": "mlx5_core", "mtu": 9000, "sriov_numvfs": 0, "uplink": False, **more,
    }  # fmt: skip


def rail(index: int, **more: Any) -> dict[str, Any]:
    return {**card(f"ens{24 + index}f0np0", f"0000:{BUSES[index]}:00.0", **{key: value for key, value in more.items() if key not in ("name", "pci")}), **more}


def node(name: str, rails: int = 8, gpus: int = 8, nics: list[dict[str, Any]] | None = None, vendor: str = "nvidia", **more: Any) -> dict[str, Any]:
    """Eight rails, the node's own network, and a fast card for storage that can't do RDMA here."""
    own = card("eno1", "0000:22:00.0", "14e4:16d7", speed_mbps=25000, uplink=True, mtu=1500, driver="bnxt_en")
    storage = card("ens6f0", "0000:a0:00.0", "8086:1592", speed_mbps=100000, mtu=1500, sriov_totalvfs=128, driver="ice")
    label = {"nvidia": "pci-10de", "amd": "pci-1002"}[vendor]
    return {
        "name": name,
        "pool": "worker",
        "labels": {"kubernetes.io/hostname": name, f"feature.node.kubernetes.io/{label}.present": "true"},
        "allocatable": {},
        "accelerators": {"vendor": vendor, "model": "H200", "count": gpus},
        "nics": [own, storage, *([rail(index) for index in range(rails)] if nics is None else nics)],
        **more,
    }


def infiniband(name: str, **more: Any) -> dict[str, Any]:
    return node(name, nics=[rail(index, link_layer="InfiniBand", mtu=4092) for index in range(8)], **more)


def snapshot(*nodes: dict[str, Any], **objects: Any) -> dict[str, Any]:
    return {
        "nodes": list(nodes),
        "networks": {"type": "OVNKubernetes", "cluster": ["10.128.0.0/14"], "service": ["172.30.0.0/16"], "machine": ["192.168.10.0/24"]},
        "platform": {"infrastructure_topology": "HighlyAvailable"},
        "crds": {"network-attachment-definitions.k8s.cni.cncf.io": {"established": True, "versions": ["v1"]}},
        "objects": {"NetworkAttachmentDefinition": [], **objects},
    }


def obj(name: str, namespace: str | None = None, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels or {}, "annotations": {}}, "spec": spec, "status": None}


def declared(**more: Any) -> dict[str, Any]:
    """Full-node model servers with addresses, unless told otherwise."""
    return {"path": "pd_disaggregation", "namespace": "llmd", "gpus_per_replica": 8, "rail_range": "10.90.0.0/16", "fabric_way": "auto", **more}


def designed(cluster: dict[str, Any], vendor: str = "nvidia", **more: Any) -> dict[str, Any]:
    return design(Site(cluster, declared(**more), facts(), tuple(cluster["nodes"]), vendor, OPERATORS))


def good(count: int = 2) -> dict[str, Any]:
    return snapshot(*[node(f"gpu-{number}") for number in range(count)])
