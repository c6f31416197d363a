# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided about one operator, and which versions of it are acceptable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._assess.look import dig, rows, text
from .._data import versions
from .updates import Hop

INSTALL, ADOPT, KEEP, UPGRADE, REFUSE, UNKNOWN = "install", "adopt", "keep", "upgrade", "refuse", "unknown"


@dataclass(frozen=True)
class Decision:
    """action: install (make the Subscription) | keep (ours already) | upgrade (ours, to the version of the data) |
    adopt (someone else's, used as it is) | refuse (why says what is wrong) | unknown (not enough could be read).

    group: somebody else's OperatorGroup that is used; empty: ours. expected_csvs: the only CSVs that an InstallPlan may hold for it to be
    approved; pending: not installed yet. installed, hops: of an upgrade whose way is known, each update that it takes.
    """

    package: str
    action: str
    why: str
    remedy: str = ""
    namespace: str = ""
    channel: str | None = None
    csv: str | None = None
    catalog: str = ""
    catalog_namespace: str = ""
    subscription: str = ""
    managed_by: str | None = None
    expected_csvs: tuple[str, ...] = ()
    pending: bool = False
    group: str = ""
    warnings: tuple[str, ...] = field(default=())
    installed: str = ""
    hops: tuple[Hop, ...] = ()

    @property
    def releases(self) -> tuple[str, str] | None:
        """(from, to) where an update goes to another minor version, such as ("3.2", "3.3")."""
        before, after = (versions.parse((csv or "").partition(".")[2]) for csv in (self.installed, self.csv))
        return (before.minor, after.minor) if before and after and self.hops and before.minor != after.minor else None


def version_row(row: Mapping[str, Any], release: str, openshift: versions.Version | None) -> Mapping[str, Any] | None:
    """The row of data/operators/<package>.yml for a release on a version of OpenShift."""
    minor = openshift.minor if openshift else None
    for version in row["versions"]:
        fits_openshift = "openshift" not in version or minor in version["openshift"]
        if release in version.get("releases", [release]) and fits_openshift:
            return version
    return None


def bounds(version_facts: Mapping[str, Any]) -> str:
    """Like "3.3.0 up to but not 3.4.0"."""
    low, high = version_facts.get("at_least"), version_facts.get("below")
    return " ".join(part for part in (f"from {low}" if low else "", f"below {high}" if high else "") if part) or "any"


def unacceptable(version_facts: Mapping[str, Any], prefix: str, csv: str) -> str | None:
    """Why this CSV isn't acceptable; None when it is."""
    version = versions.of_csv(csv, prefix)
    if version is None:
        return f"the version of {csv} can't be read"
    for avoid in version_facts.get("avoid", []):
        if versions.parse(avoid["version"]) == versions.Version(version.release):
            return f"{csv} is faulty: {avoid['why']} ({avoid['source']})"
    if not versions.within(version, version_facts.get("at_least"), version_facts.get("below")):
        return f"{csv} doesn't fit; what fits is {bounds(version_facts)}"
    return None


def expected_csvs(csv: str, row: Mapping[str, Any], snapshot: Mapping[str, Any], catalog: str) -> tuple[str, ...]:
    """The CSV and those that OLM brings along: the heads of the default channels of its dependencies, unless they are there."""
    installed = {text(item, "name") for item in rows(snapshot, "csvs") or []}
    heads = [_head(snapshot, other["package"], catalog) for other in row.get("brings", [])]
    return (csv, *[head for head in heads if head and head not in installed])


def _head(snapshot: Mapping[str, Any], package: str, catalog: str) -> str | None:
    for manifest in rows(snapshot, "packages") or []:
        if (text(manifest, "package"), text(manifest, "catalog")) == (package, catalog):
            for channel in rows(manifest, "channels") or []:
                if dig(channel, "name") == dig(manifest, "default_channel"):
                    return text(channel, "current_csv")
    return None
