# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of NVIDIA's network operator. Kinds and fields: Mellanox/network-operator@b06827e085 api/v1alpha1.

A NicClusterPolicy is always written whole: a section that is left out takes its pods away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .ways import SHARED

API = "mellanox.com/v1alpha1"
NAME = "nic-cluster-policy"  # the operator ignores any other
Row = Mapping[str, Any]


def devices(fabric: Row) -> list[dict[str, Any]]:
    """The NicClusterPolicy: a device plugin, NVIDIA's driver where it is wanted, IPoIB's plugin where pods get addresses on InfiniBand."""
    render = fabric["render"]
    images, shared = render["images"], fabric["way"] == SHARED
    section = {"repository": images["repository"], "version": images["version"]}
    spec: dict[str, Any] = {"nodeAffinity": _affinity(render["selector"], fabric["nodes"])}
    if render["tolerations"]:
        spec["tolerations"] = [dict(row) for row in render["tolerations"]]
    if shared:
        spec["rdmaSharedDevicePlugin"] = {**section, "image": images["rdma_shared"], "config": _shared(fabric)}
    else:
        spec["sriovDevicePlugin"] = {**section, "image": images["whole_card"], "config": _whole(fabric)}
    if render["driver"]:
        spec["ofedDriver"] = _driver(render)
    if shared and fabric["link_layer"] == "InfiniBand" and any(rail["ipam"] for rail in fabric["rails"]):
        spec["secondaryNetwork"] = {"ipoib": {**section, "image": images["ipoib"]}}
    return [{"apiVersion": API, "kind": "NicClusterPolicy", "metadata": {"name": NAME}, "spec": spec}]


def _affinity(selector: Mapping[str, str] | None, nodes: list[str]) -> dict[str, Any]:
    wanted = {key: [value] for key, value in selector.items()} if selector else {"kubernetes.io/hostname": list(nodes)}
    terms = [{"key": key, "operator": "In", "values": values} for key, values in sorted(wanted.items())]
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": terms}]}}


def _driver(render: Row) -> dict[str, Any]:
    images = render["images"]
    made: dict[str, Any] = {
        "image": images["driver"],
        "repository": images["repository"],
        "version": render["driver"],
        "upgradePolicy": {"autoUpgrade": False},
    }
    if render["third_party"]:
        # RDMA drivers of others hold ib_uverbs, which this one must replace.
        made["env"] = [{"name": "UNLOAD_THIRD_PARTY_RDMA_MODULES", "value": "true"}]
    return made


def _shared(fabric: Row) -> str:
    most = fabric["render"]["shared_most"]
    listed = [
        {"resourceName": _short(rail), "rdmaHcaMax": most, "selectors": {"ifNames": sorted({nic["name"] for nic in rail["nics"].values()})}}
        for rail in fabric["rails"]
    ]
    return json.dumps({"periodicUpdateInterval": 300, "configList": listed})


def _whole(fabric: Row) -> str:
    listed = [
        {
            "resourcePrefix": "nvidia.com",
            "resourceName": _short(rail),
            "selectors": {"vendors": ["15b3"], "rootDevices": sorted({nic["pci"] for nic in rail["nics"].values()}), "isRdma": True},
        }
        for rail in fabric["rails"]
    ]
    return json.dumps({"resourceList": listed})


def networks(fabric: Row) -> list[dict[str, Any]]:
    """One network a rail; none for InfiniBand without addresses, whose shared devices need no interface in the pod."""
    return [_network(fabric, rail) for rail in fabric["rails"] if rail["network"]]


def _network(fabric: Row, rail: Row) -> dict[str, Any]:
    spec: dict[str, Any] = {"networkNamespace": fabric["render"]["namespace"]}
    if rail["ipam"]:
        spec["ipam"] = json.dumps(rail["ipam"])
    master = next(iter(rail["nics"].values()))["name"]
    if fabric["way"] != SHARED:
        kind, more = "HostDeviceNetwork", {"resourceName": _short(rail)}
    elif fabric["link_layer"] == "InfiniBand":
        kind, more = "IPoIBNetwork", {"master": master}
    else:
        kind, more = "MacvlanNetwork", {"master": master, "mode": "bridge", "mtu": rail["mtu"]}
    return {"apiVersion": API, "kind": kind, "metadata": {"name": rail["network"]}, "spec": {**spec, **{key: value for key, value in more.items() if value}}}


def _short(rail: Row) -> str:
    return str(rail["resource"].rpartition("/")[2])
