# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache of KV blocks: keeps the hashes of the last used ones (pure)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable


class BlockCache:
    """Least recently used blocks go first. ``capacity``: blocks."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.evicted = 0  # blocks that had to go since the start
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def __contains__(self, block: int) -> bool:
        return block in self._blocks

    def prefix(self, hashes: list[int]) -> int:
        """How many of the first blocks are there without a gap; they count as used now."""
        count = 0
        for block in hashes:
            if block not in self._blocks:
                break
            self._blocks.move_to_end(block)
            count += 1
        return count

    def add(self, hashes: Iterable[int]) -> int:
        """Puts blocks in; returns how many are new. A prefix is dropped from its end, as vLLM frees blocks in reverse order."""
        new = 0
        for block in reversed(list(hashes)):
            new += block not in self._blocks
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while len(self._blocks) > self.capacity:
            self._blocks.popitem(last=False)
            self.evicted += 1
        return new
