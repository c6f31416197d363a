# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that don't get started: their status says ContainerCreating for ever, only an event says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from .._wait.fields import dig, name_of
from .._wait.pods import unstarted

# A healthy Pod is past its volumes and its network after that long; its events are asked for again that often.
HANG_SECONDS = 15.0


class Warnings(Protocol):
    """The part of :class:`.evidence.Evidence` that is needed."""

    def last_warning(self, kind: str, namespace: str, name: str) -> str: ...


class Hangs:
    """Remembers since when each Pod hangs, and its last warning."""

    def __init__(self, evidence: Warnings, clock: Callable[[], float]) -> None:
        self._evidence, self._clock = evidence, clock
        self._since: dict[str, float] = {}
        self._asked: dict[str, tuple[float, str]] = {}

    def told(self, pods: Iterable[Mapping[str, Any]]) -> str:
        """ "Pod a/b hangs in ContainerCreating: FailedMount: …" for the first that does; empty when none does."""
        for pod in pods:
            reason, name = unstarted(pod), name_of({**pod, "kind": "Pod"})
            if not reason:
                self._since.pop(name, None)
            elif self._clock() - self._since.setdefault(name, self._clock()) >= HANG_SECONDS:
                warning = self._warning(name, pod)
                if warning:
                    return f"{name} hangs in {reason}: {warning}"
        return ""

    def _warning(self, name: str, pod: Mapping[str, Any]) -> str:
        when, text = self._asked.get(name, (float("-inf"), ""))
        if self._clock() - when >= HANG_SECONDS:
            namespace = str(dig(pod, "metadata.namespace") or "")
            text = self._evidence.last_warning("Pod", namespace, str(dig(pod, "metadata.name")))
            self._asked[name] = (self._clock(), text)
        return text
