# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for additional interfaces: whereabouts, host-local, static and none (pure).

Sources: k8snetworkplumbingwg/whereabouts pkg/{allocate,storage/kubernetes,iphelpers} (name of a pool, order of addresses, texts);
containernetworking/plugins ipam/{host-local,static}. host-local counts on each node alone: two nodes give the same address twice
(hardware.md F45), as the product does. Not played: node slices of whereabouts, DHCP (nobody answers).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network


class NoAddress(ValueError):
    """No address can be given; the text is the plugin's."""


def address(text: str) -> Address:
    """An address from text; raises ValueError."""
    return ipaddress.ip_address(text.partition("/")[0])


def ranges(ipam: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ranges of a whereabouts configuration: `range`, or the elements of `ipRanges`."""
    rows: list[dict[str, Any]] = []
    if ipam.get("range"):
        rows.append({key: ipam[key] for key in ("range", "range_start", "range_end", "exclude") if ipam.get(key)})
    rows += [dict(row) for row in ipam.get("ipRanges") or []]
    if not rows:
        raise NoAddress("no range provided: missing IPRange in config")
    return rows


def subnet(row: Mapping[str, Any]) -> Subnet:
    """Network of a range. Raises NoAddress."""
    text = str(row.get("range") or "")
    text = text.rpartition("-")[2].strip() if "-" in text and "/" in text else text
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise NoAddress(f"invalid CIDR {row.get('range')}: invalid CIDR address: {row.get('range')}") from error


def pool_name(row: Mapping[str, Any], network_name: str = "") -> str:
    """Name of the IPPool object of a range."""
    plain = str(subnet(row)).replace(":", "-").replace("/", "-")
    return f"{network_name}-{plain}" if network_name else plain


def bounds(row: Mapping[str, Any]) -> tuple[Address, Address]:
    """First and last address that a range may give."""
    net = subnet(row)
    wide = net.num_addresses > 2
    first = net.network_address + (1 if wide else 0)
    last = net.broadcast_address - (1 if wide and net.version == 4 else 0)
    text = str(row.get("range") or "")
    start = row.get("range_start") or (text.partition("-")[0] if "-" in text and "/" in text else None)
    try:
        low = max(first, ipaddress.ip_address(str(start))) if start else first
        high = min(last, ipaddress.ip_address(str(row["range_end"]))) if row.get("range_end") else last
    except ValueError as error:
        raise NoAddress(str(error)) from error
    return low, high


def offset(address: Address, row: Mapping[str, Any]) -> str:
    """Index of an address in its pool's `allocations`."""
    return str(int(address) - int(subnet(row).network_address))


def at(index: str, row: Mapping[str, Any]) -> Address:
    """The address of an index of `allocations`."""
    return subnet(row).network_address + int(index)


def with_prefix(given: Address, row: Mapping[str, Any]) -> str:
    """An address with the length of its network's prefix."""
    return f"{given}/{subnet(row).prefixlen}"


def lowest(row: Mapping[str, Any], taken: Iterable[Address]) -> Address:
    """The first free address of a range. Raises NoAddress when it is used up."""
    used = {int(address) for address in taken}
    low, high = bounds(row)
    excluded = [ipaddress.ip_network(str(item), strict=False) for item in row.get("exclude") or []]
    number = int(low)
    while number <= int(high):
        address = ipaddress.ip_address(number) if low.version == 4 else ipaddress.IPv6Address(number)
        inside = next((net for net in excluded if address in net), None)
        if inside is not None:
            number = int(inside.broadcast_address) + 1
            continue
        if number not in used:
            return address
        number += 1
    shown = " ".join(str(item) for item in row.get("exclude") or [])
    raise NoAddress(f"Could not allocate IP in range: ip: {low} / - {high} / range: {subnet(row)} / excludeRanges: [{shown}]")


def static(ipam: Mapping[str, Any], asked: Iterable[str] = ()) -> list[str]:
    """Addresses (with prefix) of the static plugin: those of the annotation (`ips`) before those of the configuration. Raises NoAddress."""
    rows = [str(item) for item in asked] or [str(row.get("address") or "") for row in ipam.get("addresses") or []]
    if not rows:
        raise NoAddress("static: no addresses")
    try:
        return [str(ipaddress.ip_interface(text)) for text in rows]
    except ValueError as error:
        raise NoAddress(f"the 'address' field is expected to be in CIDR notation, got: '{rows[0]}': {error}") from error


def host_local_rows(ipam: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ranges of host-local in whereabouts' words; its gateway (the first address by default) is never given. Raises NoAddress."""
    sets = [part[0] for part in ipam.get("ranges") or [] if part] or [dict(ipam)]
    rows = []
    for part in sets:
        row = {"range": part.get("subnet"), "range_start": part.get("rangeStart"), "range_end": part.get("rangeEnd")}
        net = subnet(row)
        gateway = part.get("gateway") or str(net.network_address + 1)
        rows.append({**{key: value for key, value in row.items() if value}, "exclude": [gateway]})
    return rows
