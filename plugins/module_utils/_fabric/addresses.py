# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets of the rails: cut from one declared range or as declared, large enough, and apart from every network that is there already."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._assess.look import names, strings
from .._data.facts import Facts

try:
    import netaddr
except ImportError:  # told by `layout`
    netaddr = None

RESERVED = 3  # of each subnet: network, the switch's address, broadcast


@dataclass(frozen=True)
class Layout:
    """One subnet a rail."""

    subnets: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def layout(declared: Mapping[str, Any], rails: int, hosts: int, taken: list[tuple[str, str]], facts: Facts) -> Layout:
    """The rails' subnets, or why there are none.

    :param hosts: addresses that each rail must have room for.
    :param taken: (words, network) of what is there already.
    """
    if netaddr is None:
        return Layout(problems=("the Python package netaddr isn't installed on the controller; install it.",))
    listed, whole = strings(declared, "rail_subnets"), declared.get("rail_range")
    if not listed and not whole:
        return Layout(problems=(_undeclared(rails, hosts),))
    if listed:
        made = [netaddr.IPNetwork(one) for one in listed]
        wrong = [] if len(made) == rails else [f"llmd_rail_subnets has {len(made)} subnets for {rails} rails; one a rail is needed."]
    else:
        made, wrong = cut(netaddr.IPNetwork(str(whole)), rails, hosts, facts)
    problems = wrong or [*_small(made, hosts), *_apart(made, taken)]
    return Layout(tuple(str(net) for net in made), tuple(problems))


def cut(whole: Any, rails: int, hosts: int, facts: Facts) -> tuple[list[Any], list[str]]:
    """Equal parts of a range, as large as they get: how many nodes there are doesn't matter, so that a node more moves no address."""
    largest = facts.fabric["largest_subnet"][f"ipv{whole.version}"]
    prefix = max(whole.prefixlen + _bits(rails), largest)
    width = 32 if whole.version == 4 else 128
    if prefix > width or 2 ** (width - prefix) - RESERVED < hosts:
        room = 2 ** (width - prefix) - RESERVED if prefix <= width else 0
        need = prefix_for(rails, hosts, whole.version)
        return [], [
            f"llmd_rail_range {whole} is too small: each of {rails} rails would have {max(room, 0)} addresses, {hosts} are needed. Declare a /{need} or larger."
        ]
    return list(whole.subnet(prefix, count=rails)), []


def prefix_for(rails: int, hosts: int, version: int) -> int:
    """The longest prefix of a range that holds the rails."""
    width = 32 if version == 4 else 128
    return width - _bits(hosts + RESERVED) - _bits(rails)


def _bits(count: int) -> int:
    return max(0, math.ceil(math.log2(count))) if count > 0 else 0


def _undeclared(rails: int, hosts: int) -> str:
    need = prefix_for(rails, hosts, 4)
    return (
        f"the rails' addresses aren't declared: {rails} rails with {hosts} addresses each need a range of /{need} or larger that nobody else uses;"
        f" ask the network team, then declare llmd_rail_range (like 10.90.0.0/{min(need, 16)})."
    )


def _small(made: list[Any], hosts: int) -> list[str]:
    small = [f"{net} has {max(net.size - RESERVED, 0)}" for net in made if net.size - RESERVED < hosts]
    version = made[0].version if made else 4
    need = prefix_for(1, hosts, version)
    said = f"the subnets of llmd_rail_subnets are too small: {names(small)} addresses, {hosts} are needed. Declare subnets of /{need} or larger."
    return [said] if small else []


def _apart(made: list[Any], taken: list[tuple[str, str]]) -> list[str]:
    found = []
    for index, net in enumerate(made):
        same = [other for other in made[index + 1 :] if _meet(net, other)]
        found += [f"the rails' subnets {net} and {other} overlap; declare others." for other in same]
        for words, text in taken:
            if _meet(net, netaddr.IPNetwork(text)):
                found.append(f"the rails' subnet {net} overlaps with {words} {text}; declare another range.")
    return found


def _meet(one: Any, other: Any) -> bool:
    return one.version == other.version and (one in other or other in one)
