# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual functions of the rails' cards (SR-IOV): how many, and which nodes drain or restart for it.

A card of NVIDIA has as many as its firmware says; another number means new firmware settings, and those load at a restart only. Asking for
what a card has already disturbs nobody (sriov-network-operator pkg/plugins/mellanox, pkg/plugins/generic).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .._assess.look import names
from .cards import Card
from .rails import Rail

NVIDIA = "15b3"


@dataclass(frozen=True)
class Functions:
    """count: of each card; restart, drain: nodes."""

    count: int = 0
    restart: tuple[str, ...] = ()
    drain: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def functions(rails: list[Rail], declared: int | None, pods: int, most: int, layer: str | None, mtu: int | None) -> Functions:
    """What the cards get.

    :param declared: `llmd_fabric_vfs`.
    :param pods: model servers that a node has room for; each takes one function of a rail.
    """
    cards = [card for rail in rails for card in rail.cards.values()]
    totals = Counter(card.vfs for card in cards)
    wrong = _undecided(cards, totals) if declared is None else _impossible(cards, declared, most)
    if wrong:
        return Functions(problems=tuple(wrong))
    count = declared or next(iter(totals))
    if count < pods:
        todo = f"Declare llmd_fabric_vfs: {pods} (the nodes restart), or larger model servers (llmd_gpus_per_replica)."
        return Functions(count, problems=(f"a node has room for {pods} model servers, but a card gives {count} virtual functions. {todo}",))
    uneven = len({total for total in totals if total}) > 1
    restart = {card.node for card in cards if _restarts(card, count, layer, uneven)}
    drain = {card.node for card in cards if _drains(card, count, mtu)} - restart
    return Functions(count, tuple(sorted(restart)), tuple(sorted(drain)))


def _undecided(cards: list[Card], totals: Counter[int]) -> list[str]:
    """Why the cards' own number can't be taken."""
    usual = max(totals, key=lambda total: (total > 0, totals[total]))
    if not usual:
        return [f"the rail cards have no virtual functions to give. {_SWITCH_ON.format(count=8)}"]
    without = sorted({card.node for card in cards if not card.vfs})
    if without:
        return [f"node {names(without)}: rail cards without virtual functions to give, others have {usual}. {_SWITCH_ON.format(count=usual)}"]
    other = sorted({f"{card.node} has {card.vfs}" for card in cards if card.vfs != usual})
    if other:
        return [
            f"the rail cards have {usual} virtual functions, but {names(other)} (limited by the BIOS, or set so in the firmware). Make them alike, or"
            f" declare llmd_fabric_vfs: {min(totals)}, with which the SR-IOV operator sets the firmware and restarts the nodes."
        ]
    return []


_SWITCH_ON = (
    "SR-IOV is off in the BIOS or in the card's firmware: switch it on in the BIOS, then declare llmd_fabric_vfs: {count}, with which the SR-IOV operator"
    " sets the firmware and restarts the node; or declare llmd_fabric_way: nvidia-network-operator, which needs none."
)


def _impossible(cards: list[Card], declared: int, most: int) -> list[str]:
    """Only NVIDIA's cards get another number from the operator."""
    limits = {(card.node, card.vfs if card.vendor != NVIDIA else most) for card in cards}
    over = [f"node {node} can have {limit} at most" for node, limit in sorted(limits) if limit < declared]
    return [f"llmd_fabric_vfs is {declared}, but a card of {names(over)}. Declare fewer, or switch SR-IOV on (BIOS, firmware)."] if over else []


def _restarts(card: Card, count: int, layer: str | None, uneven: bool) -> bool:
    """Where a BIOS limits the cards of some nodes, the firmware's number shows nowhere: then all are expected to restart."""
    if card.vendor != NVIDIA:
        return False
    return card.vfs != count or uneven or (card.layer is not None and layer is not None and card.layer != layer)


def _drains(card: Card, count: int, mtu: int | None) -> bool:
    """Functions that are there and change; the first ones of a card take nothing from anybody."""
    return card.made > 0 and (card.made != count or bool(mtu and card.mtu and mtu > card.mtu))
