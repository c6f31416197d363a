# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources the API serves, from aggregated discovery (one small request instead of every CRD's schema)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .values import mapping, name_of, rows, text


@dataclass
class Served:
    """One resource: its group, plural and kind, and the versions in the server's order of preference."""

    group: str
    plural: str
    kind: str
    versions: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As a CRD is named: "llminferenceservices.serving.kserve.io"."""
        return f"{self.plural}.{self.group}"

    def path(self, version: str | None = None) -> str:
        """The path of the collection over all namespaces."""
        return f"/apis/{self.group}/{version or self.versions[0]}/{self.plural}"


def served(discovery: Any) -> dict[str, Served]:
    """plural.group -> resource, of an APIGroupDiscoveryList."""
    found: dict[str, Served] = {}
    for group in rows(discovery, "items"):
        for version in rows(group, "versions"):
            for resource in rows(version, "resources"):
                plural, kind = text(resource, "resource"), text(resource, "responseKind", "kind")
                number = text(version, "version")
                if plural and kind and number:
                    entry = Served(name_of(group), plural, kind)
                    found.setdefault(entry.name, entry).versions.append(number)
    return found


def crds(
    names: Iterable[str] | None, resources: Mapping[str, Served], all_known: bool = True
) -> dict[str, dict[str, Any]] | None:
    """The snapshot's `crds`: those that exist, established when the API serves them. None when unreadable.

    :param all_known: whether `resources` lists all that is served; else nothing can be said of a CRD that it lacks.
    """
    if names is None:
        return None
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(names):
        known = resources.get(name) if all_known else None
        found[name] = {
            "established": known is not None if all_known else None,
            "versions": list(known.versions) if known else [],
        }
    return found


def crd_name(obj: dict[str, Any]) -> str:
    """Name of a CRD from its metadata-only form."""
    return name_of(mapping(obj))
