# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue of keys with due times: a key waits at most once, and is never handed out twice at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys to work on, soonest first. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[K, float] = {}
        self._busy: set[K] = set()
        self._changed = threading.Condition()
        self._closed = False

    def add(self, key: K, after: float = 0.0) -> None:
        """Hand out `key` in `after` seconds, or sooner when it is already due sooner."""
        with self._changed:
            due = self._clock() + max(0.0, after)
            if key not in self._due or due < self._due[key]:
                self._due[key] = due
                self._changed.notify_all()

    def take(self) -> K | None:
        """Wait for the next due key; None once the queue is closed. `done(key)` must follow."""
        with self._changed:
            while not self._closed:
                ready = [(due, key) for key, due in self._due.items() if key not in self._busy]
                if ready:
                    due, key = min(ready, key=lambda pair: pair[0])
                    wait = due - self._clock()
                    if wait <= 0:
                        del self._due[key]
                        self._busy.add(key)
                        return key
                    self._changed.wait(wait)
                else:
                    self._changed.wait()
            return None

    def done(self, key: K) -> None:
        """The work on `key` has ended; it may be handed out again."""
        with self._changed:
            self._busy.discard(key)
            self._changed.notify_all()

    def close(self) -> None:
        """End every waiting `take`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
