# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lists to watch for a set of awaited objects: one watch for many objects of a kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._wait.targets import Target

# CustomResourceDefinitions are large and come in hundreds: they are watched one by one.
_HEAVY = ("CustomResourceDefinition",)
_ALONE = 2


@dataclass(frozen=True)
class Source:
    """A collection, one object of it (``name``), or a part of it (``label_selector``)."""

    api_version: str
    kind: str
    namespace: str = ""
    name: str = ""
    label_selector: str = ""

    @property
    def field_selector(self) -> str | None:
        """The selector that leaves one object."""
        return f"metadata.name={self.name}" if self.name else None


def plan(targets: Iterable[Target]) -> dict[Target, Source]:
    """The source of each target; objects of one kind and namespace share a source when there are more than two."""
    all_targets = list(targets)
    crowd: dict[tuple[str, str, str], int] = {}
    for target in all_targets:
        if target.name:
            crowd[_place(target)] = crowd.get(_place(target), 0) + 1
    return {t: _source(t, crowd.get(_place(t), 0)) for t in all_targets}


def _place(target: Target) -> tuple[str, str, str]:
    return target.api_version, target.kind, target.namespace


def _source(target: Target, crowd: int) -> Source:
    if target.label_selector:
        return Source(*_place(target), label_selector=target.label_selector)
    if crowd > _ALONE and target.kind not in _HEAVY:
        return Source(*_place(target))
    return Source(*_place(target), name=target.name)


def pick(target: Target, objects: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The objects of a source that a target is about; the keys are ``namespace/name``."""
    if target.label_selector:
        return list(objects.values())
    found = objects.get(f"{target.namespace}/{target.name}")
    return [found] if found is not None else []
