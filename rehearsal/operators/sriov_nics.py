# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network cards of a node as its kernel shows them: the profile's, with the scenario's faults, and what SR-IOV made of them.

Firmware settings (number of virtual functions, link type) outlive a reboot and take effect at one; virtual functions, MTU and eSwitch mode
are lost at each reboot. They are kept in `<state>/run/nics.json`, as the cards would keep them: no operator's coming and going changes them.
A fault of the firmware that comes in the running rehearsal overwrites what was set before, as somebody with mlxconfig would; it can be set anew.
Sources: ConnectX firmware parameters SRIOV_EN, NUM_OF_VFS, LINK_TYPE_P1 (hardware.md §2.9, F30); sriov-network-operator v1.6.0
pkg/vendors/mellanox, pkg/host/internal/sriov (what is read where); names of virtual functions: systemd.net-naming-scheme.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.operators.objects import Object
from rehearsal.operators.sriov_ids import MELLANOX, vf_device

LINK_DOWN, WRONG_LAYER, CROSSED, SMALL_MTU = "nic-link-down", "nic-wrong-link-layer", "rails-crossed", "nic-mtu-differs"
VF_LIMIT, NEEDS_RESET = "vf-limit", "nic-firmware-needs-reset"
OFF_IN_BIOS, OFF_IN_FIRMWARE = "sriov-off-in-bios", "sriov-off-in-firmware"
FAULTS = (LINK_DOWN, WRONG_LAYER, CROSSED, SMALL_MTU, VF_LIMIT, NEEDS_RESET, OFF_IN_BIOS, OFF_IN_FIRMWARE)
IN_FIRMWARE = {OFF_IN_FIRMWARE: "vfs", WRONG_LAYER: "link"}  # fault -> the firmware parameter in which it sits
ETHERNET, INFINIBAND = "Ethernet", "InfiniBand"
LINK_TYPES = {ETHERNET: "ETH", INFINIBAND: "IB"}
CLASSES = {ETHERNET: "0200", INFINIBAND: "0207"}
FUNCTIONS = 8  # PCI functions of one device
NODE = "node"  # where a PCI address would be: what is kept of the node itself
Memory = dict[str, dict[str, dict[str, Any]]]  # node -> PCI address or NODE -> what is kept
_LOCK = threading.Lock()
_READ: dict[Path, tuple[int, Memory]] = {}  # file -> its time stamp and content: several stand-ins look often, and seldom does one write


def faulty_nics(server: Mapping[str, Any], scenario: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The NICs of a server of the profile, with the faults of the scenario that sit in cables, cards and BIOS."""
    nics = [dict(nic) for nic in server.get("nics") or []]

    def hit(fault: str) -> dict[str, Any] | None:
        return _fault(server, scenario, fault)

    if found := hit(LINK_DOWN):
        for nic in _on_rails(nics, found):
            nic["state"] = "down"
    if found := hit(WRONG_LAYER):
        for nic in _on_rails(nics, found):
            nic["link_layer"] = INFINIBAND if nic["link_layer"] == ETHERNET else ETHERNET
            nic["class"] = CLASSES[nic["link_layer"]]
    if found := hit(CROSSED):
        first, second = (next((nic for nic in nics if nic.get("rail") == rail), None) for rail in found.get("rails", [0, 1]))
        if first is not None and second is not None:
            for key in ("name", "rdma"):
                first[key], second[key] = second.get(key), first.get(key)
    if found := hit(SMALL_MTU):
        for nic in _on_rails(nics, found):
            nic["mtu"] = found.get("mtu", 1500)
    limit = hit(VF_LIMIT)
    for nic in nics:
        if hit(OFF_IN_FIRMWARE):
            nic["sriov_totalvfs"] = 0
        if hit(OFF_IN_BIOS):
            nic["vf_cap"] = 0  # whatever the firmware says, the PCI capability has none
        elif limit is not None:
            nic["vf_cap"] = limit.get("vfs", 4)
    return nics


def _fault(server: Mapping[str, Any], scenario: Mapping[str, Any], fault: str) -> dict[str, Any] | None:
    """The fault's parameters when it has struck this server."""
    found = scenario.get(fault)
    return found if isinstance(found, dict) and found.get("node") == server["name"] else None


def _on_rails(nics: list[dict[str, Any]], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cards at the fault's rails; at rail 0 when it names none."""
    wanted = found.get("rails", [0])
    return [nic for nic in nics if nic.get("rail") is not None and (wanted is None or nic["rail"] in wanted)]


def _struck_firmware(server: Mapping[str, Any], scenario: Mapping[str, Any]) -> dict[str, list[str]]:
    """Fault that sits in the firmware -> PCI addresses of the cards that it has struck."""
    nics = list(server.get("nics") or [])
    struck = {fault: found for fault in IN_FIRMWARE if (found := _fault(server, scenario, fault)) is not None}
    return {fault: [nic["pci"] for nic in (nics if fault == OFF_IN_FIRMWARE else _on_rails(nics, found))] for fault, found in struck.items()}


class Cards:
    """The cards of one cluster with their memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def interfaces(self, server: Mapping[str, Any], scenario: Mapping[str, Any], boot: str) -> list[dict[str, Any]]:
        """NICs of a node now: the profile's rows with what the cards remember, `firmware_vfs`, `eswitch`, `managed`, `groups` and `vfs`."""
        self._strike(server, scenario)
        memory = self._read().get(server["name"], {})
        return [self._now(nic, memory.get(nic["pci"], {}), boot, server["name"]) for nic in faulty_nics(server, scenario)]

    def set_firmware(self, node: str, pci: str, *, vfs: int | None = None, link: str | None = None) -> None:
        """Write firmware parameters; they take effect at the next reboot."""
        change = {key: value for key, value in (("next_vfs", vfs), ("next_link", link)) if value is not None}
        self._change(node, pci, change)

    def booted(self, server: Mapping[str, Any], scenario: Mapping[str, Any], boot: str) -> None:
        """Tell under which boot id a node runs: at a new one firmware and kernel load what was written before."""
        node = self.node(server["name"])
        if node.get("boot") == boot:
            return
        if node:
            fault = scenario.get(NEEDS_RESET)
            kept_powered = isinstance(fault, dict) and fault.get("node") == server["name"]
            for pci, kept in self._read().get(server["name"], {}).items():
                if pci != NODE and (not kept_powered or node.get("reset")):
                    self._change(server["name"], pci, {key: kept[f"next_{key}"] for key in ("vfs", "link") if f"next_{key}" in kept})
        self.remember(server["name"], boot=boot, reset=False, arguments=node.get("next_arguments", []))

    def node(self, name: str) -> dict[str, Any]:
        """What is kept of the node itself: `boot`, `arguments` (of the running kernel), `next_arguments`, `reset`, `rebooting`, `struck` (firmware faults)."""
        return dict(self._read().get(name, {}).get(NODE, {}))

    def remember(self, name: str, **values: Any) -> None:
        """Keep something of the node itself."""
        self._change(name, NODE, values)

    def configure(self, node: str, pci: str, boot: str, **runtime: Any) -> None:
        """Set what a reboot undoes: `num` (virtual functions), `mtu`, `eswitch`, `groups`; `managed` (by the operator) stays."""
        self._change(node, pci, {**runtime, "boot": boot})

    def stamp(self) -> int:
        """Changes whenever anything is kept anew."""
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0

    # ---- inside

    def _strike(self, server: Mapping[str, Any], scenario: Mapping[str, Any]) -> None:
        """A firmware fault that was not there before takes the place of what the cards had in that parameter; a write after it counts again."""
        name, struck = server["name"], _struck_firmware(server, scenario)
        before = self.node(name).get("struck", {})
        if struck == before:
            return
        for fault, addresses in struck.items():
            for pci in set(addresses) - set(before.get(fault, [])):
                if pci in self._read().get(name, {}):
                    self._change(name, pci, {}, drop=(IN_FIRMWARE[fault], f"next_{IN_FIRMWARE[fault]}"))
        self.remember(name, struck=struck)

    def _now(self, nic: dict[str, Any], kept: Mapping[str, Any], boot: str, node: str) -> dict[str, Any]:
        alive = kept.get("boot") == boot
        firmware = kept.get("vfs", nic.get("sriov_totalvfs") or 0)
        most = min(firmware, nic.get("vf_cap", firmware))
        layer = kept.get("link", nic["link_layer"])
        made = {
            **nic,
            "firmware_vfs": firmware,
            "sriov_totalvfs": most,
            "link_layer": layer,
            "class": CLASSES[layer],
            "mtu": max(nic.get("mtu", 1500), kept.get("mtu", 0)) if alive else nic.get("mtu", 1500),
            "eswitch": kept.get("eswitch", "legacy") if alive else "legacy",
            "managed": bool(kept.get("managed")),
            "groups": kept.get("groups", []) if alive else [],
        }
        count = kept.get("num", 0) if alive else 0
        made["sriov_numvfs"] = min(count, most)
        made["vfs"] = [virtual_function(made, index, node) for index in range(min(count, most))]
        return made

    def _read(self) -> Memory:
        """What is kept now. Read only: it is shared."""
        try:
            stamp = self._path.stat().st_mtime_ns
            known = _READ.get(self._path)
            if known is None or known[0] != stamp:
                known = _READ[self._path] = (stamp, json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}
        return known[1]

    def _change(self, node: str, pci: str, change: Mapping[str, Any], drop: tuple[str, ...] = ()) -> None:
        with _LOCK:
            kept = self._read()
            row = kept.get(node, {}).get(pci)
            if row is not None and all(row.get(key) == value for key, value in change.items()) and not any(key in row for key in drop):
                return
            fresh_row = {**{key: value for key, value in (row or {}).items() if key not in drop}, **change}
            kept = {**kept, node: {**kept.get(node, {}), pci: fresh_row}}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(kept, sort_keys=True) + "\n", encoding="utf-8")
            fresh.replace(self._path)
            _READ[self._path] = (self._path.stat().st_mtime_ns, kept)


def virtual_function(nic: Mapping[str, Any], index: int, node: str) -> Object:
    """One virtual function as a NodeState lists it."""
    vendor, device = nic["pci_id"].split(":")
    group: Object = next((item for item in nic.get("groups") or [] if in_range(index, item.get("vfRange", ""))), {})
    driver = "vfio-pci" if group.get("deviceType") == "vfio-pci" else {"ice": "iavf", "i40e": "iavf"}.get(nic["driver"], nic["driver"])
    seed = hashlib.sha256(f"{node}/{nic['pci']}/{index}".encode()).hexdigest()
    made: Object = {
        "pciAddress": vf_address(nic["pci"], index, 1 if vendor == MELLANOX else FUNCTIONS),
        "vendor": vendor,
        "deviceID": vf_device(device),
        "driver": driver,
        "vfID": index,
    }
    if driver != "vfio-pci":
        made["name"] = f"{_base(nic['name'])}v{index}"
        made["mtu"] = group.get("mtu") or 1500
        made["mac"] = ":".join(["02", *(seed[at : at + 2] for at in range(0, 10, 2))])
        if vendor == MELLANOX and (nic["link_layer"] == INFINIBAND or group.get("isRdma")):
            made["guid"] = ":".join(seed[at : at + 4] for at in range(20, 36, 4))
    return made


def vf_address(pci: str, index: int, offset: int) -> str:
    """PCI address of virtual function `index`, `offset` routing ids after its physical function."""
    domain, bus, rest = pci.split(":")
    device, function = rest.split(".")
    number = int(device, 16) * FUNCTIONS + int(function) + offset + index
    bus_number = int(bus, 16) + number // (32 * FUNCTIONS)
    number %= 32 * FUNCTIONS
    return f"{domain}:{bus_number:02x}:{number // FUNCTIONS:02x}.{number % FUNCTIONS}"


def in_range(index: int, text: str) -> bool:
    """True when `index` is in a range like "0-7"."""
    first, _, last = text.partition("-")
    return first.isdigit() and last.isdigit() and int(first) <= index <= int(last)


def _base(name: str) -> str:
    """ens24f0np0 -> ens24f0: a virtual function's name has no port."""
    head, found, tail = name.rpartition("np")
    return head if found and tail.isdigit() else name
