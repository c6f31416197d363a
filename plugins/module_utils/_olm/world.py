# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decision about operators looks at: the wishes, and the OLM objects of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._wait.fields import dig

Obj = Mapping[str, Any]


@dataclass(frozen=True)
class Wish:
    """One operator that has to be there.

    ``csv`` is the exact version, ``expected`` every CSV that may come along with it (dependencies). ``adopt``: a
    healthy installation of another version is taken as it is.
    """

    package: str
    namespace: str
    csv: str
    channel: str = ""
    catalog: str = ""
    catalog_namespace: str = "openshift-marketplace"
    expected: frozenset[str] = frozenset()
    adopt: bool = True
    name: str = ""

    @property
    def key(self) -> str:
        """How the wish is shown."""
        return f"Subscription {self.namespace}/{self.name or self.package}"


@dataclass
class World:
    """OLM objects by kind; ``packages`` maps (catalog namespace, catalog, package) to a PackageManifest or None.

    A package that was never asked for has no entry; None means that the cluster answered without it.
    """

    subscriptions: list[Obj] = field(default_factory=list)
    plans: list[Obj] = field(default_factory=list)
    csvs: list[Obj] = field(default_factory=list)
    catalogs: list[Obj] = field(default_factory=list)
    groups: list[Obj] = field(default_factory=list)
    packages: dict[tuple[str, str, str], Obj | None] = field(default_factory=dict)

    def subscription(self, wish: Wish) -> Obj | None:
        """The Subscription of a wish: by its name, else the one of that package in the namespace."""
        own = [s for s in self.subscriptions if dig(s, "metadata.namespace") == wish.namespace]
        by_name = [s for s in own if dig(s, "metadata.name") == (wish.name or wish.package)]
        return next(iter(by_name or [s for s in own if dig(s, "spec.name") == wish.package]), None)

    def others(self, wish: Wish, chosen: Obj) -> list[Obj]:
        """Further Subscriptions of the same package anywhere."""
        return [
            s
            for s in self.subscriptions
            if dig(s, "spec.name") == wish.package and dig(s, "metadata.uid") != dig(chosen, "metadata.uid")
        ]

    def csv(self, namespace: str, name: str) -> Obj | None:
        """The CSV of that name in its own namespace (copies elsewhere don't count)."""
        return next(
            (
                c
                for c in self.csvs
                if dig(c, "metadata.name") == name and dig(c, "metadata.namespace") == namespace and not is_copy(c)
            ),
            None,
        )

    def homes(self, name: str) -> list[str]:
        """The namespaces in which a CSV of that name really is."""
        return sorted(str(dig(c, "metadata.namespace")) for c in self.csvs if dig(c, "metadata.name") == name and not is_copy(c))

    def plans_of(self, namespace: str) -> list[Obj]:
        """InstallPlans of a namespace, newest first."""
        own = [p for p in self.plans if dig(p, "metadata.namespace") == namespace]
        return sorted(
            own,
            key=lambda p: (str(dig(p, "metadata.creationTimestamp")), int(dig(p, "spec.generation") or 0)),
            reverse=True,
        )

    def catalog(self, wish: Wish) -> Obj | None:
        """The CatalogSource that a wish names."""
        return next(
            (
                c
                for c in self.catalogs
                if dig(c, "metadata.name") == wish.catalog and dig(c, "metadata.namespace") == wish.catalog_namespace
            ),
            None,
        )


def is_copy(obj: Obj) -> bool:
    """Whether a CSV is OLM's copy of one in another namespace."""
    labels = dig(obj, "metadata.labels") or {}
    return dig(obj, "status.reason") == "Copied" or bool(labels.get("olm.copiedFrom"))
