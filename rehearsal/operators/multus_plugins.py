# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a CNI plugin attaches one interface: what it needs of the node, and what it says when that isn't there (pure).

Sources: k8snetworkplumbingwg/{sriov-cni,ib-sriov-cni,rdma-cni}, containernetworking/plugins main/{macvlan,ipvlan,host-device}, Mellanox/ipoib-cni;
Multus' words around them. The interfaces themselves aren't made: what a pod's status tells is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rehearsal.operators.objects import Object
from rehearsal.operators.sriov_nics import in_range

KNOWN = (
    "bandwidth", "bond", "bridge", "dummy", "egress-router", "firewall", "host-device", "ib-sriov", "ipoib", "ipvlan", "macvlan", "ovn-k8s-cni-overlay",
    "ovs", "portmap", "ptp", "rdma", "route-override", "sbr", "sriov", "tuning", "vlan", "vrf",
)  # fmt: skip
ON_MASTER = ("macvlan", "ipvlan", "ipoib")
WITH_DEVICE = ("sriov", "ib-sriov", "host-device")


class Failed(ValueError):
    """The plugin's error."""


@dataclass
class NodeView:
    """What plugins find on a node: cards by name (`mtu`), the RDMA subsystem's mode."""

    cards: Mapping[str, Mapping[str, Any]]
    rdma_mode: str = "shared"
    devices: Mapping[str, Sequence[Object]] = field(default_factory=dict)  # resource -> PCI devices (`pciAddress`, `mac` …)


def check(chain: Sequence[Mapping[str, Any]], view: NodeView, device: Object | None) -> None:
    """Raises Failed with the text of the plugin that cannot do its part."""
    for plugin in chain:
        kind = plugin["type"]
        if kind not in KNOWN:
            raise Failed(f'failed to find plugin "{kind}" in path [/opt/multus/bin /var/lib/cni/bin /usr/libexec/cni]')
        if kind in ON_MASTER:
            _master(plugin, view)
        if kind in ("sriov", "ib-sriov") and device is None:
            word = "SRIOV-CNI" if kind == "sriov" else "InfiniBand SRI-OV CNI"
            raise Failed(f"{word} failed to load netconf: LoadConf(): VF pci addr is required")
        if kind == "host-device" and device is None and not any(plugin.get(key) for key in ("device", "hwaddr", "kernelpath", "pciBusID")):
            raise Failed('specify either "device", "hwaddr", "kernelpath" or "pciBusID"')
        if kind == "rdma" and view.rdma_mode != "exclusive":
            raise Failed(
                f"RDMA subsystem namespace awareness mode is set to {view.rdma_mode}, expecting it to be set to exclusive, "
                "invalid system configurations"
            )


def _master(plugin: Mapping[str, Any], view: NodeView) -> None:
    master = str(plugin.get("master") or "")
    if not master:
        return  # the interface of the default route, which is always there
    card = view.cards.get(master)
    if card is None:
        raise Failed(f'failed to lookup master "{master}": Link not found')
    if int(plugin.get("mtu") or 0) > int(card["mtu"]):
        raise Failed(f"invalid MTU {plugin['mtu']}, must be [0, master MTU({card['mtu']})]")


def devices_of(state: Object | None, prefix: str) -> dict[str, list[Object]]:
    """Resource -> virtual functions of a SriovNetworkNodeState, by PCI address."""
    found: dict[str, list[Object]] = {}
    spec, status = (state or {}).get("spec") or {}, (state or {}).get("status") or {}
    cards = {card["pciAddress"]: card for card in status.get("interfaces") or []}
    for item in spec.get("interfaces") or []:
        for vf in (cards.get(item["pciAddress"]) or {}).get("Vfs") or []:
            for group in item.get("vfGroups") or []:
                if in_range(vf["vfID"], group.get("vfRange", "")):
                    found.setdefault(f"{prefix}{group['resourceName']}", []).append(vf)
    return {name: sorted(rows, key=lambda vf: str(vf["pciAddress"])) for name, rows in found.items()}


def status_entry(name: str, interface: str, addresses: Sequence[str], mac: str, device: Object | None, default: bool = False) -> Object:
    """One element of the annotation network-status."""
    made: Object = {"name": name, "interface": interface}
    if addresses:
        made["ips"] = list(addresses)
    made["mac"] = mac
    if default:
        made["default"] = True
    made["dns"] = {}
    if device is not None:
        info: Object = {"pci-address": device["pciAddress"]}
        if device.get("rdma"):
            info["rdma-device"] = device["rdma"]
        made["device-info"] = {"type": "pci", "version": "1.1.0", "pci": info}
    return made


def made_up_mac(*parts: str) -> str:
    """A stable, locally administered address."""
    seed = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return ":".join(["02", *(seed[at : at + 2] for at in range(0, 10, 2))])
