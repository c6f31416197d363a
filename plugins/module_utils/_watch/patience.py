# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every wait shares: its deadline, an API that doesn't answer for a while, troubles that are final."""

from __future__ import annotations

from collections.abc import Callable

from .._wait.tracker import span
from .follow import Seen, Trouble, is_cluster_error


class Final(Exception):
    """A source that can't be read, and trying again makes no sense. The text is for people; ``error`` is its cause."""

    def __init__(self, trouble: Trouble) -> None:
        error = trouble.error
        text = f"Watching {trouble.source.kind} failed: {type(error).__name__}: {error}. This is a fault of the collection: please report it."
        super().__init__(str(error) if is_cluster_error(error) else text)
        self.error = error


class Patience:
    """Keeps account of time and outages; ``show`` gets a line when an outage begins and when it ends."""

    def __init__(self, seconds: float, show: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._show, self._clock = show, clock
        self.start = clock()
        self.deadline = self.start + seconds
        self._outage: tuple[float, Exception] | None = None

    @property
    def out(self) -> bool:
        """Whether the API doesn't answer at the moment."""
        return self._outage is not None

    @property
    def over(self) -> bool:
        """Whether time is up."""
        return self._clock() >= self.deadline

    def take(self, event: Seen | Trouble) -> Seen | None:
        """What was seen; None for a trouble that may pass. :raises Final:"""
        if isinstance(event, Trouble):
            self._trouble(event)
            return None
        if self._outage:
            self._show(f"the API answers again after {span(self._clock() - self._outage[0])}")
        self._outage = None
        return event

    def _trouble(self, event: Trouble) -> None:
        if event.final:
            raise Final(event)
        if self._outage is None:
            self._outage = (self._clock(), event.error)
            self._show(f"the API doesn't answer, waiting on: {event.error}")

    def late(self, text: str, hint: str) -> str:
        """The message of a wait whose time is up: what is late, an outage if there is one, what to do."""
        if self._outage:
            text += f". The API hasn't answered for {span(self._clock() - self._outage[0])}: {self._outage[1]}"
        return f"{text}. {hint}"
