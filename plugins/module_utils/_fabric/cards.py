# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network cards of a node are its rails: the fast RDMA cards beside the GPUs; never the node's own network, storage or management."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._assess.look import dig, flag, mapping, names, number, rows, strings, text
from .._assess.nodes import is_rdma_card, name, usable_gpus
from .._data.facts import Facts

Row = Mapping[str, Any]
NAME_THEM = "name the rails in llmd_fabric_nics, by PCI address"


@dataclass(frozen=True)
class Card:
    """One port: vfs are the virtual functions that it can have, made those that it has."""

    node: str
    name: str
    pci: str
    pci_id: str
    layer: str | None
    speed: int | None
    state: str | None
    mtu: int | None
    vfs: int
    made: int
    uplink: bool | None

    @property
    def where(self) -> str:
        return f"{self.name} at {self.pci}"

    @property
    def vendor(self) -> str:
        return self.pci_id.partition(":")[0]

    @property
    def device(self) -> str:
        return self.pci_id.partition(":")[2]


@dataclass(frozen=True)
class Look:
    """One node: its rails in PCI order.

    problem: why it can't have any (without the node's name); known is false where its cards aren't told closely enough yet.
    """

    node: str
    cards: tuple[Card, ...] = ()
    gpus: int | None = None
    known: bool = True
    problem: str = ""


def look(node: Row, asked: list[str], facts: Facts) -> Look:
    """What is known of a node's rails.

    :param asked: `llmd_fabric_nics`: names, PCI addresses or ids; empty chooses by what the cards are.
    """
    who, found, gpus = name(node), _cards(node), _whole(usable_gpus(node))
    if not found:
        return _blind(node, who, gpus, facts)
    if asked:
        return _asked(who, found, asked, gpus)
    fast = [card for card in found if _is_fast(card, facts)]
    if not fast:
        return _blind(node, who, gpus, facts)
    kinds: dict[str, list[Card]] = {}
    for card in fast:
        kinds.setdefault(card.pci_id, []).append(card)
    return _judge(who, max(kinds.values(), key=_rank), gpus)


def _rank(cards: list[Card]) -> tuple[int, int]:
    """The fastest kind, then the one with the most cards. Where no port of a kind has a link, its speed isn't known: that must show, not hide."""
    return max((card.speed or 0 for card in cards), default=0) or 10**9, len(cards)


def _judge(who: str, cards: list[Card], gpus: int | None) -> Look:
    free = [card for card in cards if card.uplink is not True]
    if not free:
        taken = names([card.where for card in cards])
        why = f"its own network goes over {taken}, its only fast RDMA {'card' if len(cards) == 1 else 'cards'}"
        return Look(who, gpus=gpus, problem=f"{why}; a rail there would cut the node off. Give the fabric cards of its own.")
    if any(card.uplink is None for card in free):
        why = "which card carries the node's own network isn't known (no annotation k8s.ovn.org/l3-gateway-config)"
        return Look(who, gpus=gpus, problem=f"{why}; {NAME_THEM}.")
    if gpus and len(free) % gpus and gpus % len(free):
        why = f"{len(free)} cards of one kind ({names([card.where for card in free], 10)}) don't go with {gpus} GPUs"
        return Look(who, gpus=gpus, problem=f"{why}: one is missing, or one is for something else. Repair it, or {NAME_THEM}.")
    return Look(who, _ordered(free), gpus)


def _asked(who: str, found: list[Card], asked: list[str], gpus: int | None) -> Look:
    chosen = [card for card in found if {card.name, card.pci, card.pci_id} & set(asked)]
    own = [card.where for card in chosen if card.uplink]
    if own:
        why = f"llmd_fabric_nics names {names(own)}, which carries the node's own network"
        return Look(who, gpus=gpus, problem=f"{why}; a rail there would cut the node off. Take it out of the list.")
    if not chosen:
        there = names([card.where for card in found], 10)
        why = f"none of the cards that llmd_fabric_nics names ({names(asked, 10)}) is there"
        return Look(who, gpus=gpus, problem=f"{why}; there are {there}. Correct the list, or leave the node out with llmd_node_selector.")
    return Look(who, _ordered(chosen), gpus)


def _ordered(cards: list[Card]) -> tuple[Card, ...]:
    return tuple(sorted(cards, key=lambda card: card.pci))


def _blind(node: Row, who: str, gpus: int | None, facts: Facts) -> Look:
    """Without the SR-IOV operator's list only ids are known: enough to say no, not enough for a design."""
    listed = rows(node, "nics")
    if listed is None:
        return Look(who, gpus=gpus, known=False)
    able = [row for row in listed if is_rdma_card(row, facts.rdma_nics) and not _is_slow(text(row, "pci_id"), facts)]
    others = {row["id"]: row for row in facts.fabric["other_cards"]}
    foreign = [others[pci_id] for row in able if (pci_id := text(row, "pci_id")) in others]
    if able and len(foreign) == len(able):
        kinds = sorted({f"{row['name']} ({row['id']}), for which there is {row['maker']}" for row in foreign})
        why = f"Red Hat's SR-IOV operator and NVIDIA's network operator don't drive {'; '.join(kinds)}"
        todo = "Set that up by hand and say so with llmd_fabric_way: existing."
        return Look(who, gpus=gpus, problem=f"{why}. {todo}")
    if able or any(text(row, "pci_id") is None for row in listed):
        return Look(who, gpus=gpus, known=False)
    return Look(who, gpus=gpus, problem="no card that can do RDMA at 100 Gb/s or more. Leave the node out with llmd_node_selector.")


def _is_slow(pci_id: str | None, facts: Facts) -> bool:
    return bool(dig(facts.traits, "slow_nics", pci_id or ""))


def _is_fast(card: Card, facts: Facts) -> bool:
    if not is_rdma_card({"pci_id": card.pci_id, "link_layer": card.layer}, facts.rdma_nics) or _is_slow(card.pci_id, facts):
        return False
    return card.speed is None or card.speed >= facts.traits["fabric_gbit"]["at_least"] * 1000


def _cards(node: Row) -> list[Card]:
    """The cards that the SR-IOV operator has told of: those with a place."""
    who = name(node)
    return [
        Card(
            who, str(row["name"]), str(row["pci"]), str(row["pci_id"]), text(row, "link_layer"), _whole(number(row, "speed_mbps")), text(row, "state"),
            _whole(number(row, "mtu")), _whole(number(row, "sriov_totalvfs")) or 0, _whole(number(row, "sriov_numvfs")) or 0, flag(row, "uplink"),
        )
        for row in rows(node, "nics") or []
        if text(row, "pci") and text(row, "name") and text(row, "pci_id")
    ]  # fmt: skip


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def mentioned(asked: list[str], looks: list[Look]) -> list[str]:
    """Entries of `llmd_fabric_nics` that fit no card of any node."""
    seen = {word for one in looks for card in one.cards for word in (card.name, card.pci, card.pci_id)}
    return [entry for entry in asked if entry not in seen]


def labels(node: Row) -> dict[str, str]:
    """A node's labels as text."""
    return {str(key): str(value) for key, value in mapping(node, "labels").items()}


def declared_cards(declared: Row) -> list[str]:
    return [entry.lower() if ":" in entry else entry for entry in strings(declared, "fabric_nics")]
