# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting longer after each failure: the kubelet's crash-loop and image-pull back-off (pure; the clock is handed in).

Numbers: 10 s doubling to 300 s, forgotten after 10 minutes of running (kubernetes.io, "Pod Lifecycle", restart policy).
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 10.0
LONGEST = 300.0
FORGET = 600.0


@dataclass
class BackOff:
    following: float = 0.0  # length of the next wait
    wait: float = 0.0  # length of the wait under way, for the message ``back-off 20s restarting …``
    until: float = 0.0

    def failed(self, now: float, ran: float) -> None:
        """A container ended after ``ran`` seconds. The first restart is immediate, as the kubelet's is."""
        if ran >= FORGET:
            self.following = 0.0
        self.wait, self.until = self.following, now + self.following
        self.following = min(max(self.following * 2, FIRST), LONGEST)

    def remaining(self, now: float) -> float:
        return max(0.0, self.until - now)


@dataclass
class PullBackOff:
    """Image pulls wait after the very first failure."""

    seconds: float = 0.0
    until: float = 0.0

    def failed(self, now: float) -> None:
        self.seconds = min(max(self.seconds * 2, FIRST), LONGEST)
        self.until = now + self.seconds
