# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a long job in a Pod says of itself: the last line of the log of the container that tells its progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from .._wait.fields import dig

# A log is read that often; progress of a download of hours needs no more.
READ_SECONDS = 20.0


class Lines(Protocol):
    """The part of :class:`.evidence.Evidence` that is needed."""

    def last_line(self, namespace: str, pod: str, container: str) -> str: ...


class Progress:
    """Remembers what was last said, so that a look between two readings costs nothing."""

    def __init__(self, evidence: Lines, clock: Callable[[], float]) -> None:
        self._evidence, self._clock = evidence, clock
        self._said: dict[str, tuple[float, str]] = {}

    def told(self, container: str, pods: Iterable[Mapping[str, Any]]) -> str:
        """The last line of the first running Pod; empty where there is none, or it says nothing."""
        pod = next((one for one in pods if dig(one, "status.phase") in ("Pending", "Running")), None)
        if not container or pod is None:
            return ""
        name, namespace = str(dig(pod, "metadata.name")), str(dig(pod, "metadata.namespace"))
        when, text = self._said.get(name, (float("-inf"), ""))
        if self._clock() - when >= READ_SECONDS:
            text = self._evidence.last_line(namespace, name, container)
            self._said[name] = (self._clock(), text)
        return text
