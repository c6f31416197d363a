# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rails across nodes: the card at the same place of each node, and what is wrong with one that isn't like the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .._assess.look import names
from .cards import NAME_THEM, Card, Look

DOWN = "down"


@dataclass(frozen=True)
class Rail:
    """The cards of one rail, by node."""

    index: int
    cards: dict[str, Card] = field(default_factory=dict)

    @property
    def interfaces(self) -> list[str]:
        return sorted({card.name for card in self.cards.values()})

    @property
    def places(self) -> list[str]:
        return sorted({card.pci for card in self.cards.values()})


def align(looks: list[Look]) -> tuple[list[Rail], list[str]]:
    """(rails, why they can't be made). The position in PCI order is the rail: names and mlx5 numbers differ between nodes."""
    if not looks:
        return [], []
    usual = Counter(len(one.cards) for one in looks).most_common(1)[0][0]
    odd = [one for one in looks if len(one.cards) != usual]
    if odd:
        return [], [_unequal(one, usual, looks) for one in odd[:6]]
    return [Rail(index, {one.node: one.cards[index] for one in looks}) for index in range(usual)], []


def _unequal(one: Look, usual: int, looks: list[Look]) -> str:
    common = Counter(card.pci for other in looks for card in other.cards if len(other.cards) == usual)
    here = {card.pci for card in one.cards}
    absent = [pci for pci, _count in common.most_common(usual) if pci not in here]
    said = f"; at {names(sorted(absent))} it has none" if absent and len(one.cards) < usual else ""
    return (
        f"node {one.node} has {len(one.cards)} rail cards, the others have {usual}{said}. Repair it, leave it out with llmd_node_selector, or {NAME_THEM}."
    )


def layer_of(rails: Iterable[Rail], declared: str | None) -> str | None:
    """The link layer of the fabric: as declared, else that of most cards."""
    seen = Counter(card.layer for rail in rails for card in rail.cards.values() if card.layer)
    return declared or (seen.most_common(1)[0][0] if seen else None)


def troubles(rails: list[Rail], layer: str | None, repaired: bool, by_place: bool) -> list[str]:
    """What is wrong with single cards.

    :param repaired: cards of the other link layer will be set (`llmd_fabric_link_layer` with the SR-IOV operator).
    :param by_place: the rails were named by PCI address, so that the user has looked at odd interface names.
    """
    cards = [(rail.index, card) for rail in rails for card in rail.cards.values()]
    down = [_at(index, card) for index, card in cards if card.state == DOWN]
    found = [f"no link at {names(down)}: check cable, transceiver and switch port."] if down else []
    if not repaired:
        other = [f"{_at(index, card)} is {card.layer}" for index, card in cards if card.layer and card.layer != layer]
        if other:
            found.append(
                f"{names(other)}, the other rails are {layer}. Set the card's LINK_TYPE (mstconfig), or declare llmd_fabric_link_layer: {layer},"
                " and the SR-IOV operator does that with a restart of the node; look at the cable first."
            )
    return found + ([] if by_place else crossed(rails))


def crossed(rails: list[Rail]) -> list[str]:
    """Interface names that sit at another rail on other nodes: cards, slots or cables changed places, or only names did."""
    at: dict[str, set[int]] = {}
    for rail in rails:
        for card in rail.cards.values():
            at.setdefault(card.name, set()).add(rail.index)
    swapped = {word for word, places in at.items() if len(places) > 1}
    usual = {rail.index: Counter(card.name for card in rail.cards.values()).most_common(1)[0][0] for rail in rails}
    wrong: dict[str, list[str]] = {}
    for rail in rails:
        for node, card in rail.cards.items():
            if card.name in swapped and card.name != usual[rail.index]:
                wrong.setdefault(node, []).append(f"rail {rail.index} is {card.where}, elsewhere {usual[rail.index]}")
    return [
        f"node {node}: rails are crossed ({names(said)}). Check the cabling and the slots, or make the names fit the places (udev);"
        f" if it is meant, {NAME_THEM}."
        for node, said in sorted(wrong.items())[:6]
    ]


def near(rails: int, gpus: int | None, index: int) -> list[int] | None:
    """Numbers of the GPUs beside a rail. The API tells no PCIe tree, so the order on the bus stands for it; None where it can't."""
    if not gpus or (gpus % rails and rails % gpus):
        return None
    if gpus >= rails:
        share = gpus // rails
        return list(range(index * share, (index + 1) * share))
    return [index * gpus // rails]


def _at(index: int, card: Card) -> str:
    return f"node {card.node}, rail {index} ({card.where})"
