# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as OpenShift, OLM and the products write them, made comparable.

Handles "4.20.4", "4.20.0-rc.3", "v25.10.1", "4.20.0-202511120843" (a build date behind the dash, as OLM bundles have it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

_SHAPE = re.compile(r"^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:[-+](.+))?$")
_BUILD_DATE = re.compile(r"^\d{8,14}(?:[-.].*)?$")


@total_ordering
@dataclass(frozen=True)
class Version:
    """major.minor.patch, then the tail: a build (sorts after) or a pre-release (sorts before the plain version)."""

    release: tuple[int, int, int]
    tail: str = ""

    @property
    def minor(self) -> str:
        """Like "4.20"."""
        return f"{self.release[0]}.{self.release[1]}"

    @property
    def prerelease(self) -> bool:
        """True for release candidates, nightlies and the like; false for a bundle's build date."""
        return bool(self.tail) and not _BUILD_DATE.match(self.tail)

    def _key(self) -> tuple[tuple[int, int, int], int, tuple[tuple[int, int, str], ...]]:
        rank = 0 if self.prerelease else (2 if self.tail else 1)
        parts = tuple(
            (0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in re.split(r"[.\-+]", self.tail)
        )
        return self.release, rank, parts

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.release) + (f"-{self.tail}" if self.tail else "")


def parse(text: object) -> Version | None:
    """The version in `text`, or None where it isn't one. Never raises: versions come from clusters."""
    if not isinstance(text, str) or len(text) > 128:
        return None
    match = _SHAPE.match(text.strip())
    if not match or not match.group(1).isascii():
        return None
    numbers = tuple(int(part or 0) for part in match.group(1, 2, 3))
    return Version((numbers[0], numbers[1], numbers[2]), match.group(4) or "")


def of_csv(name: object, prefix: str) -> Version | None:
    """The version in a ClusterServiceVersion's name ("gpu-operator-certified.v25.10.1"), given the part before it."""
    if not isinstance(name, str) or not name.startswith(f"{prefix}."):
        return None
    return parse(name[len(prefix) + 1 :])


def within(version: Version, at_least: str | None, below: str | None) -> bool:
    """at_least <= version < below; a bound that isn't given doesn't bind."""
    low, high = parse(at_least), parse(below)
    return (low is None or version >= low) and (high is None or version < high)
