# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that teardown looks at, cut down to what decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Item:
    """One object. owners: uids up its chain of owners; spec: what users name ours by; against: why it isn't ours, if so."""

    resource: str
    api_version: str
    kind: str
    name: str
    uid: str
    namespace: str = ""
    owners: tuple[str, ...] = ()
    against: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)

    @property
    def label(self) -> str:
        """ "Kind namespace/name"."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def as_target(self) -> dict[str, Any]:
        """As `wait_for` wants an object whose end is awaited."""
        place = {"namespace": self.namespace} if self.namespace else {}
        return {"api_version": self.api_version, "kind": self.kind, "name": self.name, **place, "until": "absent"}


@dataclass(frozen=True)
class Machine:
    """A node: its MachineConfigPool (by the configuration that it runs), its role labels, its extended resources."""

    name: str
    pool: str = ""
    labels: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a reading found. ours: by resource, candidates and what only looks like one; users: what may need ours, by resource;
    pods: running pods with extended resources; contents: by namespace; unread: resources that may not be listed."""

    ours: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    users: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    pods: tuple[Item, ...] = ()
    contents: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    machines: tuple[Machine, ...] = ()
    csvs: tuple[Item, ...] = ()
    subscriptions: tuple[Item, ...] = ()
    unread: frozenset[str] = frozenset()


def values(data: Any, at: tuple[str, ...]) -> list[Any]:
    """The values below keys; each entry of a list on the way is followed."""
    if isinstance(data, list):
        return [value for entry in data for value in values(entry, at)]
    if not at:
        return [data]
    return values(data[at[0]], at[1:]) if isinstance(data, Mapping) and at[0] in data else []
