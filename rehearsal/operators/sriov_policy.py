# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SriovNetworkNodePolicies: which cards they select, what they ask of a node, and the device plugin's configuration (pure).

Source: k8snetworkplumbingwg/sriov-network-operator v1.6.0 api/v1/helper.go (selection, priority, merging of VF groups, what counts as a
difference), controllers/sriovnetworknodepolicy_controller.go (device plugin configuration). Not played: netFilter, bridges, vDPA.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.operators.objects import Object, labels_of
from rehearsal.operators.sriov_ids import known_model, vf_device
from rehearsal.operators.sriov_nics import LINK_TYPES, in_range

DEFAULT_POLICY = "default"
VFIO = "vfio-pci"
PREFIX = "openshift.io/"


def interface(nic: Mapping[str, Any]) -> Object:
    """`status.interfaces[]` of a NodeState for one card."""
    vendor, device = nic["pci_id"].split(":")
    made: Object = {
        "name": nic["name"],
        "mac": nic["mac"],
        "driver": nic["driver"],
        "pciAddress": nic["pci"],
        "vendor": vendor,
        "deviceID": device,
        "mtu": nic["mtu"],
        "linkSpeed": f"{nic['speed_mbps']} Mb/s" if nic["state"] == "up" else "-1 Mb/s",
        "linkType": LINK_TYPES[nic["link_layer"]],
        "linkAdminState": "up",  # a pulled cable doesn't change the administrative state
    }
    if nic["sriov_totalvfs"]:
        made |= {"totalvfs": nic["sriov_totalvfs"], "eSwitchMode": nic["eswitch"]}
    if nic["vfs"]:
        made |= {"numVfs": len(nic["vfs"]), "Vfs": nic["vfs"]}
    return made


def interfaces(nics: Sequence[Mapping[str, Any]]) -> list[Object]:
    """The cards that the operator sees at all: those of its list of supported ids."""
    return [interface(nic) for nic in nics if known_model(*nic["pci_id"].split(":"))]


# ---- selection


def selects_node(policy: Object, node: Object) -> bool:
    """True when every label of the policy's nodeSelector is on the node (none: every node)."""
    labels = labels_of(node)
    return all(labels.get(key) == value for key, value in ((policy.get("spec") or {}).get("nodeSelector") or {}).items())


def pf_range(text: str) -> tuple[str, str]:
    """`ens1f0#0-3` -> (ens1f0, 0-3); without a range the second is ""."""
    name, _, part = text.partition("#")
    return name, part


def is_empty(selector: Object) -> bool:
    """True when a nicSelector says nothing."""
    return not any(selector.get(key) for key in ("vendor", "deviceID", "rootDevices", "pfNames", "netFilter"))


def selects(selector: Object, card: Object) -> bool:
    """True when a nicSelector matches an entry of `status.interfaces`."""
    if selector.get("vendor") not in (None, "", card["vendor"]) or selector.get("deviceID") not in (None, "", card["deviceID"]):
        return False
    if selector.get("rootDevices") and card["pciAddress"] not in selector["rootDevices"]:
        return False
    if selector.get("pfNames") and card["name"] not in [pf_range(text)[0] for text in selector["pfNames"]]:
        return False
    return not selector.get("netFilter")


def by_priority(policies: Sequence[Object]) -> list[Object]:
    """In the order in which they are applied: the smallest number last, so that it wins."""
    return sorted(policies, key=lambda item: (-int(item["spec"].get("priority", 99)), item["metadata"]["name"]))


# ---- what a node is asked for


def wanted(policies: Sequence[Object], cards: Sequence[Object]) -> list[Object]:
    """`spec.interfaces` of a NodeState from the policies that select its node, in the operator's order."""
    made: list[Object] = []
    before = 100
    for policy in by_priority(policies):
        spec = policy["spec"]
        if policy["metadata"]["name"] == DEFAULT_POLICY or is_empty(spec["nicSelector"]):
            continue
        priority = int(spec.get("priority", 99))
        for card in cards:
            if selects(spec["nicSelector"], card) and int(spec["numVfs"]) > 0:
                _put(made, _asked(policy, card), priority == before)
        before = priority
    return made


def _asked(policy: Object, card: Object) -> Object:
    spec = policy["spec"]
    span = next((part for name, part in map(pf_range, spec["nicSelector"].get("pfNames") or []) if name == card["name"]), "")
    group: Object = {
        "resourceName": spec["resourceName"],
        "deviceType": spec.get("deviceType") or "netdevice",
        "vfRange": span or f"0-{int(spec['numVfs']) - 1}",
        "policyName": policy["metadata"]["name"],
    }
    group.update({key: spec[key] for key in ("mtu", "isRdma", "vdpaType") if spec.get(key)})
    asked: Object = {"pciAddress": card["pciAddress"], "name": card["name"], "numVfs": int(spec["numVfs"]), "vfGroups": [group]}
    asked.update({key: spec[key] for key in ("mtu", "linkType", "eSwitchMode", "externallyManaged") if spec.get(key)})
    return asked


def _put(made: list[Object], new: Object, same_priority: bool) -> None:
    for index, old in enumerate(made):
        if old["pciAddress"] == new["pciAddress"]:
            kept = [group for group in old["vfGroups"] if not _clash(group, new["vfGroups"][0])]
            new["vfGroups"] += kept
            if kept or same_priority:
                for key in ("mtu", "numVfs"):
                    if old.get(key, 0) > new.get(key, 0):
                        new[key] = old[key]
            made[index] = new
            return
    made.append(new)


def _clash(one: Object, other: Object) -> bool:
    return one["resourceName"] == other["resourceName"] or ranges_overlap(one["vfRange"], other["vfRange"])


def ranges_overlap(one: str, other: str) -> bool:
    """True when two ranges like "0-3" have a number in common."""
    (a, b), (c, d) = ([int(part) for part in text.split("-")] for text in (one, other))
    return a <= d and c <= b


def differs(asked: Object, card: Object) -> bool:
    """True when a card isn't as `spec.interfaces[]` asks."""
    if asked.get("mtu", 0) > card.get("mtu", 0) or asked.get("eSwitchMode", "legacy") != card.get("eSwitchMode", "legacy"):
        return True
    if asked["numVfs"] != card.get("numVfs", 0):
        return True
    for vf in card.get("Vfs") or []:
        group = next((item for item in asked["vfGroups"] if in_range(vf["vfID"], item["vfRange"])), None)
        if group is None:
            continue
        if (group.get("deviceType") == VFIO) != (vf.get("driver") == VFIO):
            return True
        if group.get("mtu") and vf.get("mtu") and vf["mtu"] != group["mtu"]:
            return True
    return False


# ---- device plugin


def plugin_config(policies: Sequence[Object]) -> Object:
    """The device plugin's configuration for one node: one row a resource, selectors of all its policies together."""
    rows: dict[str, Object] = {}
    for policy in by_priority(policies):
        if policy["metadata"]["name"] != DEFAULT_POLICY:
            spec = policy["spec"]
            row = rows.setdefault(spec["resourceName"], {"resourceName": spec["resourceName"], "selectors": {}})
            _add_selectors(row["selectors"], spec)
            if spec.get("excludeTopology"):
                row["excludeTopology"] = True
    return {"resourceList": list(rows.values())}


def _add_selectors(selectors: Object, spec: Object) -> None:
    nics = spec["nicSelector"]
    device = vf_device(nics["deviceID"]) if nics.get("deviceID") else ""
    link = "infiniband" if str(spec.get("linkType") or "").lower() == "ib" else "ether"
    found = {
        "vendors": [nics["vendor"]] if nics.get("vendor") else [],
        "devices": [device] if device else [],
        "pfNames": nics.get("pfNames") or [],
        "rootDevices": nics.get("rootDevices") or [],
        "drivers": [VFIO] if spec.get("deviceType") == VFIO else [],
        "linkTypes": [link] if spec.get("linkType") and spec.get("deviceType") != VFIO else [],
    }
    for key, values in found.items():
        if values:
            selectors[key] = [*selectors.get(key, []), *(value for value in values if value not in selectors.get(key, []))]
    # The first policy of a resource decides: the operator doesn't merge this one.
    if "isRdma" not in selectors and spec.get("isRdma"):
        selectors["isRdma"] = True


def plugin_devices(config: Object, cards: Sequence[Object]) -> dict[str, list[Object]]:
    """Resource -> virtual functions (with `pf`) that the device plugin finds for it; each goes to the first resource that matches."""
    taken: set[str] = set()
    found: dict[str, list[Object]] = {}
    for row in config.get("resourceList") or []:
        mine = found.setdefault(row["resourceName"], [])
        for card in cards:
            for vf in card.get("Vfs") or []:
                if vf["pciAddress"] not in taken and _matches(row["selectors"], card, vf):
                    taken.add(vf["pciAddress"])
                    mine.append({**vf, "pf": card["name"]})
    return found


def _matches(selectors: Object, card: Object, vf: Object) -> bool:
    if selectors.get("vendors") and vf["vendor"] not in selectors["vendors"]:
        return False
    if selectors.get("devices") and vf["deviceID"] not in selectors["devices"]:
        return False
    if selectors.get("drivers") and vf["driver"] not in selectors["drivers"]:
        return False
    if selectors.get("rootDevices") and card["pciAddress"] not in selectors["rootDevices"]:
        return False
    if selectors.get("linkTypes") and {"ETH": "ether", "IB": "infiniband"}[card["linkType"]] not in selectors["linkTypes"]:
        return False
    if selectors.get("isRdma") and card["driver"] != "mlx5_core":
        return False
    names = [pf_range(text) for text in selectors.get("pfNames") or []]
    return not names or any(name == card["name"] and (not span or in_range(vf["vfID"], span)) for name, span in names)
