# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the SR-IOV operator. Kinds and fields: openshift/sriov-network-operator release-4.20 api/v1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

API = "sriovnetwork.openshift.io/v1"
Row = Mapping[str, Any]
LINK_TYPES = {"Ethernet": "eth", "InfiniBand": "ib"}


def config(fabric: Row) -> list[dict[str, Any]]:
    """The SriovOperatorConfig, which makes the operator look at the cards; none where somebody else's is there."""
    render = fabric["render"]
    if not render["own_config"]:
        return []
    spec: dict[str, Any] = {"enableInjector": True, "enableOperatorWebhook": True, "logLevel": 2, "disableDrain": render["single_node"]}
    if render["firmware_reset"]:
        spec["featureGates"] = {"mellanoxFirmwareReset": True}
    return [_object("SriovOperatorConfig", "default", render["sriov_namespace"], spec)]


def devices(fabric: Row) -> list[dict[str, Any]]:
    """How many nodes drain at once, where it is more than one, and one policy a rail (or one a rail and node)."""
    render = fabric["render"]
    namespace, made = render["sriov_namespace"], []
    if render["parallel"] > 1:
        spec = {"maxUnavailable": render["parallel"], "nodeSelector": _pool_selector(render["selector"], fabric["nodes"])}
        made.append(_object("SriovNetworkPoolConfig", "llmd", namespace, spec))
    return [*made, *(_policy(fabric, row, namespace) for row in render["policies"])]


def _pool_selector(selector: Mapping[str, str] | None, nodes: list[str]) -> dict[str, Any]:
    if selector:
        return {"matchLabels": dict(selector)}
    return {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": nodes}]}


def _policy(fabric: Row, row: Row, namespace: str) -> dict[str, Any]:
    layer = fabric["link_layer"]
    spec = {
        "resourceName": row["resource"].rpartition("/")[2],
        "nodeSelector": dict(row["selector"]),
        "nicSelector": {"rootDevices": list(row["places"]), **({"vendor": row["vendor"]} if row["vendor"] else {})},
        "numVfs": fabric["render"]["functions"],
        "deviceType": "netdevice",
        "isRdma": True,
        "linkType": LINK_TYPES[layer],
        "priority": 99,
        # A pod with rails of all sockets fits no single NUMA node; the hint would only forbid it.
        "excludeTopology": len(fabric["pod"]["resources"]) == len(fabric["rails"]) > 1,
    }
    if layer == "Ethernet" and fabric["render"]["mtu"]:
        spec["mtu"] = fabric["render"]["mtu"]
    return _object("SriovNetworkNodePolicy", row["name"], namespace, spec)


def networks(fabric: Row) -> list[dict[str, Any]]:
    """One network a rail, of which the operator makes a NetworkAttachmentDefinition in the service's namespace."""
    render = fabric["render"]
    made = []
    for rail in fabric["rails"]:
        spec: dict[str, Any] = {"resourceName": rail["resource"].rpartition("/")[2], "networkNamespace": render["namespace"]}
        if rail["ipam"]:
            spec["ipam"] = json.dumps(rail["ipam"])
        if fabric["link_layer"] == "InfiniBand":
            made.append(_object("SriovIBNetwork", rail["network"], render["sriov_namespace"], {**spec, "linkState": "enable"}))
            continue
        if render["vlan"]:
            spec["vlan"] = render["vlan"]
        made.append(_object("SriovNetwork", rail["network"], render["sriov_namespace"], spec))
    return made


def _object(kind: str, name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}
