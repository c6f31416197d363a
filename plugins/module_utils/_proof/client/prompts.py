# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts that repeat exactly, and share a beginning only where they are to."""

from __future__ import annotations

import random

_WORDS = (
    "amber anchor basin birch bridge cabin candle canyon cedar circle clover copper coral crystal delta desert ember "
    "falcon field forest garden glacier granite harbor hazel island ivory jasmine juniper kernel lagoon lantern ledger "
    "linen marble meadow mirror nickel ocean olive orchard paper pebble pepper pine planet prairie quartz quill raven "
    "ribbon river saddle saffron signal silver spruce stone summit thicket timber tulip valley velvet violet walnut "
    "water willow winter yarrow zephyr"
)


def prompt(seed: str, words: int, place: int = 0) -> str:
    """A text that only requests with the same seed begin with; ``place`` makes its end differ."""
    chance, known = random.Random(seed), _WORDS.split()
    text = " ".join(chance.choice(known) for _word in range(words))
    return f"{text}. Question {place}: what comes next?"
