# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkAttachmentDefinitions and devices of NVIDIA's network operator: its three network kinds, its two device plugins (pure).

Sources: Mellanox/network-operator @b06827e (v26.4) manifests/state-{macvlan,hostdevice,ipoib}-network, pkg/state/state_{macvlan,hostdevice,ipoib}_network.go;
Mellanox/k8s-rdma-shared-dev-plugin README (selectors, rdmaHcaMax, default prefix rdma); k8snetworkplumbingwg/sriov-network-device-plugin README.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.operators.objects import Object, owner_reference
from rehearsal.operators.sriov_networks import NAD, RESOURCE_NOTE

MELLANOX_API = "mellanox.com/v1alpha1"
MACVLAN, HOST_DEVICE, IPOIB = ((MELLANOX_API, kind) for kind in ("MacvlanNetwork", "HostDeviceNetwork", "IPoIBNetwork"))
PREFIX = "nvidia.com/"
LINKS = {"Ethernet": "ether", "InfiniBand": "infiniband"}
# kind -> name of its one state, key of the link in its status
TOLD = {
    "MacvlanNetwork": ("state-Macvlan-Network", "macvlanNetworkAttachmentDef"),
    "HostDeviceNetwork": ("state-host-device-network", "hostDeviceNetworkAttachmentDef"),
    "IPoIBNetwork": ("state-IPoIB-Network", "ipoibNetworkAttachmentDef"),
}


class BadConfig(ValueError):
    """The rendered CNI configuration isn't JSON."""


def definition(network: Object) -> Object:
    """The NetworkAttachmentDefinition of a network. Raises BadConfig."""
    name, spec = network["metadata"]["name"], network.get("spec") or {}
    try:
        plugin = _plugin(network["kind"], spec)
        config: Object = {"cniVersion": "0.3.1", "name": name}
        if spec.get("metaPlugins") and network["kind"] != "IPoIBNetwork":
            config["plugins"] = [plugin, *json.loads(f"[{spec['metaPlugins']}]")]
        else:
            config.update(plugin)
    except ValueError as error:
        raise BadConfig(f"failed to render {network['kind']}: {error}") from error
    meta: Object = {"name": name, "namespace": spec.get("networkNamespace") or "default", "ownerReferences": [owner_reference(network)]}
    if network["kind"] == "HostDeviceNetwork":
        resource = str(spec.get("resourceName") or "")
        meta["annotations"] = {RESOURCE_NOTE: resource if resource.startswith(PREFIX) else f"{PREFIX}{resource}"}
    return {"apiVersion": NAD[0], "kind": NAD[1], "metadata": meta, "spec": {"config": json.dumps(config)}}


def _plugin(kind: str, spec: Mapping[str, Any]) -> Object:
    ipam = json.loads("".join(str(spec.get("ipam") or "{}").split()))
    if kind == "HostDeviceNetwork":
        return {"type": "host-device", "ipam": ipam}
    if kind == "IPoIBNetwork":
        return {"type": "ipoib", "master": spec.get("master") or "", "ipam": ipam}
    given = {key: spec[key] for key in ("master", "mode", "mtu") if spec.get(key)}
    return {"type": "macvlan", **given, "ipam": ipam}


def link(nad: Object) -> str:
    """Where a definition is, as the status of its network tells."""
    meta = nad["metadata"]
    return f"/apis/{NAD[0]}/namespaces/{meta['namespace']}/network-attachment-definitions/{meta['name']}"


# ---- device plugins


def rdma_resources(text: str | None, nics: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Resource -> allocatable of the RDMA shared device plugin: rdmaHcaMax as soon as one card matches, else 0."""
    found: dict[str, int] = {}
    for row in (json.loads(text) if text else {}).get("configList") or []:
        name = f"{row.get('resourcePrefix') or 'rdma'}/{row['resourceName']}"
        selectors = {**(row.get("selectors") or {}), **({"ifNames": row["devices"]} if row.get("devices") else {})}
        found[name] = int(row["rdmaHcaMax"]) if any(is_rdma(nic) and _matches(selectors, nic) for nic in nics) else 0
    return found


def is_rdma(nic: Mapping[str, Any]) -> bool:
    """True for a card with an RDMA device of the inbox drivers."""
    return bool(nic.get("rdma")) or nic["driver"] == "mlx5_core"


def _matches(selectors: Mapping[str, Any], nic: Mapping[str, Any]) -> bool:
    vendor, device = nic["pci_id"].split(":")
    values = {"vendors": vendor, "deviceIDs": device, "drivers": nic["driver"], "ifNames": nic["name"], "linkTypes": LINKS[nic["link_layer"]]}
    return all(values[key] in wanted for key, wanted in selectors.items() if wanted and key in values)


def whole_cards(text: str | None, nics: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Resource -> devices of the SR-IOV device plugin that hands out whole cards; never that of the node's own network."""
    found: dict[str, int] = {}
    taken: set[str] = set()
    for row in (json.loads(text) if text else {}).get("resourceList") or []:
        name = f"{row.get('resourcePrefix') or 'nvidia.com'}/{row['resourceName']}"
        given = row.get("selectors") or {}
        selectors: dict[str, Any] = given[0] if isinstance(given, list) else given
        mine = [nic for nic in nics if nic["role"] != "machine" and nic["pci"] not in taken and _is_chosen(selectors, nic)]
        taken.update(nic["pci"] for nic in mine)
        found[name] = len(mine)
    return found


def _is_chosen(selectors: Mapping[str, Any], nic: Mapping[str, Any]) -> bool:
    vendor, device = nic["pci_id"].split(":")
    values = {
        "vendors": vendor,
        "devices": device,
        "drivers": nic["driver"],
        "pfNames": nic["name"],
        "rootDevices": nic["pci"],
        "linkTypes": LINKS[nic["link_layer"]],
    }
    if selectors.get("isRdma") and not is_rdma(nic):
        return False
    return all(values[key] in wanted for key, wanted in selectors.items() if wanted and key in values)
