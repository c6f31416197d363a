# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PCI devices a container was given for its network resources, and how it is told (pure).

The SR-IOV device plugin hands out virtual functions (``openshift.io/*``) or whole cards (``nvidia.com/*`` of NVIDIA's network operator) and names them in
``PCIDEVICE_<RESOURCE>`` (k8snetworkplumbingwg/sriov-network-device-plugin); Multus attaches the same ones and says so in network-status. A virtual
function's port is its card's port. RDMA devices keep the cards' names here; in a real pod the functions have names of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rehearsal.kubelet.rdma import GPU_NAMES, wanted
from rehearsal.operators.multus_plugins import devices_of

Obj = dict[str, Any]
STATUS = "k8s.v1.cni.cncf.io/network-status"
SRIOV, WHOLE = "openshift.io/", "nvidia.com/"


def granted(pod: Obj, container: Obj, nics: list[Obj], state: Obj | None) -> tuple[list[Obj] | None, dict[str, str]]:
    """(NICs whose RDMA devices the container sees, its variables). ``state``: the node's SriovNetworkNodeState.

    A NIC in the list has the PCI address of the function that was given. None instead of a list: nothing says which, so that ``rdma.devices`` counts.
    """
    attached = _attached(pod)
    functions, cards = devices_of(state, SRIOV), {nic["pci"]: nic for nic in nics}
    parents = {vf["pciAddress"]: card["pciAddress"] for card in ((state or {}).get("status") or {}).get("interfaces") or [] for vf in card.get("Vfs") or []}
    found: list[Obj] = []
    told: dict[str, str] = {}
    for resource, count in wanted(container).items():
        there = [vf["pciAddress"] for vf in functions.get(resource, [])]
        if resource.startswith(WHOLE) and not resource.removeprefix(WHOLE).startswith(GPU_NAMES):
            there = [pci for pci in attached if pci in cards]
        given = ([pci for pci in attached if pci in there] or there)[:count]
        if not given:
            continue
        told["PCIDEVICE_" + "".join(sign if sign.isalnum() else "_" for sign in resource).upper()] = ",".join(given)
        if resource.startswith(WHOLE) or _is_rdma(state, resource):
            found += [{**card, "pci": pci} for pci in given if (card := cards.get(parents.get(pci, pci))) and card.get("rdma")]
    return (found if told else None), told


def _attached(pod: Obj) -> list[str]:
    """PCI addresses that Multus attached."""
    try:
        rows = json.loads((pod["metadata"].get("annotations") or {}).get(STATUS) or "[]")
    except ValueError:
        return []
    return [row["device-info"]["pci"]["pci-address"] for row in rows if "device-info" in row]


def _is_rdma(state: Mapping[str, Any] | None, resource: str) -> bool:
    groups = [group for item in ((state or {}).get("spec") or {}).get("interfaces") or [] for group in item.get("vfGroups") or []]
    return any(group.get("isRdma") and f"{SRIOV}{group['resourceName']}" == resource for group in groups)
