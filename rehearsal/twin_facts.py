# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a real cluster, whichever file it was read from: the common ground of twin_gather.py and twin_snapshot.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]
# Metadata that belongs to the cluster where an object lived, not to the object.
OF_THE_CLUSTER = ("managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "ownerReferences", "selfLink")
NOISE = ("kubectl.kubernetes.io/last-applied-configuration",)


@dataclass
class Devices:
    """What the files say of a node's devices. An id is ``vendor:device``, a class is the first four digits of the PCI class."""

    gpu_product: str | None = None
    gpu_count: int | None = None
    pci: list[tuple[str, str]] = field(default_factory=list)  # (id, class) of every PCI device that is known
    nic_names: list[str] = field(default_factory=list)
    nics_known: bool = False  # False: the absence of network cards in `pci` says nothing
    disks: list[tuple[str, int | None]] = field(default_factory=list)  # (name, bytes)
    numa_nodes: int | None = None


@dataclass
class Facts:
    """A cluster as it was found."""

    source: str
    version: str = ""
    platform: Obj = field(default_factory=dict)  # type, control_plane_topology, infrastructure_topology
    nodes: list[Obj] = field(default_factory=list)  # Node objects
    devices: dict[str, Devices] = field(default_factory=dict)  # by node
    objects: list[Obj] = field(default_factory=list)  # ClusterVersion, ClusterOperators, Network, pools, StorageClasses ...
    operators: list[Obj] = field(default_factory=list)  # rows of installs.py, csv = the installed one
    left_out: list[str] = field(default_factory=list)


def bare(obj: Obj) -> Obj:
    """An object without what only its own cluster can know."""
    meta = {key: value for key, value in obj["metadata"].items() if key not in OF_THE_CLUSTER}
    if meta.get("annotations"):
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key not in NOISE}
    return {**obj, "metadata": meta}


def devices_of_labels(labels: dict[str, str]) -> Devices:
    """What GPU feature discovery and AMD's labeller say."""
    found = Devices()
    product = labels.get("nvidia.com/gpu.product")
    if product:
        found.gpu_product = product.removesuffix("-SHARED").split("-MIG-")[0]
        count = labels.get("nvidia.com/gpu.count", "")
        found.gpu_count = int(count) if count.isdigit() else None
    elif labels.get("amd.com/gpu.product-name") or labels.get("amd.com/gpu.device-id"):
        found.gpu_product = labels.get("amd.com/gpu.product-name") or f"1002:{labels['amd.com/gpu.device-id']}"
        counts = [value for key, value in labels.items() if key.startswith("amd.com/gpu.device-id.") and value.isdigit()]
        found.gpu_count = int(counts[0]) if counts else None
    if labels.get("feature.node.kubernetes.io/memory-numa") == "true":
        found.numa_nodes = 2  # NFD says only that there are several
    return found


def add_features(found: Devices, features: Obj) -> None:
    """What NFD's worker reported (``spec.features`` of a NodeFeature)."""
    instances = features.get("instances") or {}

    def elements(name: str) -> list[Obj]:
        return [element.get("attributes") or {} for element in (instances.get(name) or {}).get("elements") or []]

    for device in elements("pci.device"):
        if device.get("vendor") and device.get("device"):
            found.pci.append((f"{device['vendor']}:{device['device']}", str(device.get("class", ""))[:4]))
            found.nics_known = True
    found.nic_names += [str(item["name"]) for item in elements("network.device") if item.get("name")]
    found.disks += [(str(item["name"]), None) for item in elements("storage.block") if item.get("name")]
