# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that don't get started: their status says ContainerCreating for ever, or nothing at all, and only an event says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from .._wait.fields import dig, name_of
from .._wait.pods import claims, unplaced, unstarted

# A healthy Pod is past its volumes and its network after that long; its events are asked for again that often.
HANG_SECONDS = 15.0


class Warnings(Protocol):
    """The part of :class:`.evidence.Evidence` that is needed."""

    def last_warning(self, kind: str, namespace: str, name: str) -> str: ...

    def pending_claim(self, namespace: str, names: list[str]) -> str: ...


class Hangs:
    """Remembers since when each Pod hangs, and its last warning."""

    def __init__(self, evidence: Warnings, clock: Callable[[], float]) -> None:
        self._evidence, self._clock = evidence, clock
        self._since: dict[str, float] = {}
        self._asked: dict[str, tuple[float, str]] = {}

    def told(self, pods: Iterable[Mapping[str, Any]]) -> str:
        """ "Pod a/b hangs in ContainerCreating: FailedMount: …" for the first that does; empty when none does.

        A Pod that the scheduler holds until its volume is made has neither a node nor a condition; its claim tells.
        """
        for pod in pods:
            held = unplaced(pod)
            reason, name = held or unstarted(pod), name_of({**pod, "kind": "Pod"})
            if not reason:
                self._since.pop(name, None)
            elif self._clock() - self._since.setdefault(name, self._clock()) >= HANG_SECONDS:
                warning = self._claim(name, pod) if held else self._warning(name, pod)
                if warning:
                    return f"{name} hangs in {reason}: {warning}"
        return ""

    def _claim(self, name: str, pod: Mapping[str, Any]) -> str:
        when, text = self._asked.get(name, (float("-inf"), ""))
        if self._clock() - when >= HANG_SECONDS:
            text = self._evidence.pending_claim(str(dig(pod, "metadata.namespace") or ""), claims(pod))
            self._asked[name] = (self._clock(), text)
        return text

    def _warning(self, name: str, pod: Mapping[str, Any]) -> str:
        when, text = self._asked.get(name, (float("-inf"), ""))
        if self._clock() - when >= HANG_SECONDS:
            namespace = str(dig(pod, "metadata.namespace") or "")
            text = self._evidence.last_warning("Pod", namespace, str(dig(pod, "metadata.name")))
            self._asked[name] = (self._clock(), text)
        return text
