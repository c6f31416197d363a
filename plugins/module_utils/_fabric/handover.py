# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sheet for the network team: what their side must be like, since no API shows a switch."""

from __future__ import annotations

from typing import Any

from .._assess.look import names
from .._data.facts import Facts


def handover(rails: list[dict[str, Any]], layer: str | None, mtu: int | None, vlan: int, dscp: int, facts: Facts) -> list[str]:
    """One line a thing."""
    return _infiniband(rails, mtu) if layer == "InfiniBand" else _ethernet(rails, mtu, vlan, dscp, facts)


def _ports(rails: list[dict[str, Any]]) -> list[str]:
    found = []
    for rail in rails:
        ports = names([f"{node} {nic['name']}" for node, nic in rail["nics"].items()], 8)
        found.append(f"Rail {rail['index']}: {len(rail['nics'])} ports in one layer-2 network{_subnet(rail)}, apart from the other rails ({ports}).")
    return found


def _subnet(rail: dict[str, Any]) -> str:
    return f", addresses {rail['subnet']}" if rail["subnet"] else ""


def _ethernet(rails: list[dict[str, Any]], mtu: int | None, vlan: int, dscp: int, facts: Facts) -> list[str]:
    rules = facts.fabric["lossless"]
    return [
        *_ports(rails),
        f"MTU: the hosts send up to {mtu} bytes, so {mtu or 0} or more (with headers) on every port and link between; {rules['mtu']} is the usual choice.",
        f"VLAN: tagged {vlan}." if vlan else "VLAN: untagged.",
        f"DSCP: trusted on every port. RoCE comes with DSCP {dscp} and belongs into priority {rules['priority']};"
        f" congestion notifications (CNP) with DSCP {rules['cnp_dscp']}, priority {rules['cnp_priority']}, strict.",
        f"PFC: on for priority {rules['priority']} only, on every port and link between switches; global pause off; a watchdog for PFC storms on.",
        f"ECN: marking (WRED) on the queue of priority {rules['priority']}; buffer headroom for PFC by cable length.",
        "DCBX: off, or not willing to override the hosts' settings.",
        "Hosts: trust DSCP and the same PFC priority on the rail cards; NVIDIA's NIC configuration operator or mlnx_qos set it, this collection doesn't.",
        "The first address of each subnet is left free for the switch.",
    ]


def _infiniband(rails: list[dict[str, Any]], mtu: int | None) -> list[str]:
    return [
        *[line.replace("in one layer-2 network", "in one subnet of the subnet manager") for line in _ports(rails)],
        f"Subnet manager: running, with virtualization enabled (virt_enabled 2 in opensm), so that virtual functions get addresses; MTU {mtu or 4092}.",
        "Partitions: the ports and their virtual functions are full members of the default partition (0x7fff); another key needs ib-kubernetes with UFM.",
        "InfiniBand has no PFC, ECN or VLAN; pods need no IP address on it.",
    ]
