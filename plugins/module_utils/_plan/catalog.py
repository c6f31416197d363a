# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator that isn't there: which CSV to install, from which channel of which catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._assess.look import dig, rows, text
from .._data import versions
from .decision import INSTALL, REFUSE, UNKNOWN, Decision, bounds, expected_csvs, unacceptable
from .elsewhere import UNREAD, by_helm, orphan

Item = Mapping[str, Any]


def wanted_catalog(row: Item, declared: Item) -> tuple[str, str]:
    """(CatalogSource, its namespace): the declared one ("name" or "namespace/name"), else that of the data."""
    given = str(dig(declared, "operator_catalogs", row["package"]) or "")
    namespace, _slash, name = given.rpartition("/")
    return (name, namespace or row["catalog_namespace"]) if name else (row["catalog"], row["catalog_namespace"])


def decide_install(row: Item, version: Item, declared: Item, snapshot: Item) -> Decision:
    package = row["package"]
    catalog, where = wanted_catalog(row, declared)
    base = Decision(
        package, UNKNOWN, "", namespace=row["namespace"], catalog=catalog, catalog_namespace=where, subscription=package, pending=True
    )  # fmt: skip
    trouble = by_helm(row, snapshot) or orphan(row, snapshot) or _catalog_trouble(snapshot, catalog, where)
    if trouble:
        return replace(base, action=REFUSE, why=trouble[0], remedy=trouble[1])
    packages = rows(snapshot, "packages")
    if packages is None:
        remedy = "Grant get and list on packagemanifests.packages.operators.coreos.com."
        return replace(base, why="the catalogs' packages could not be read", remedy=remedy)
    offered = [one for one in packages if text(one, "package") == package]
    here = [
        one for one in offered if (text(one, "catalog"), text(one, "catalog_namespace") or where) == (catalog, where)
    ]
    if not here:
        others = sorted({text(one, "catalog") or "?" for one in offered})
        why = f"catalog {where}/{catalog} has no package {package}" + (
            f"; {', '.join(others)} has it" if others else ""
        )
        remedy = f"Mirror the package into that catalog, or name another by llmd_operator_catalogs: {{{package}: <CatalogSource>}}."
        return replace(base, action=REFUSE, why=why, remedy=remedy)
    return _from_manifest(here[0], row, version, declared, snapshot, base)


def _catalog_trouble(snapshot: Item, catalog: str, namespace: str) -> tuple[str, str] | None:
    catalogs = rows(snapshot, "catalogs")
    if catalogs is None:
        return None
    found = [one for one in catalogs if (text(one, "name"), text(one, "namespace")) == (catalog, namespace)]
    if not found:
        known = ", ".join(sorted(text(one, "name") or "?" for one in catalogs)) or "none"
        return (
            f"there is no CatalogSource {namespace}/{catalog}",
            f"Known are {known}. Create it, or name another by llmd_operator_catalogs.",
        )
    state = text(found[0], "state")
    if state not in (None, "READY"):
        return (
            f"CatalogSource {namespace}/{catalog} is {state}, not READY",
            f"See oc describe catalogsource {catalog} -n {namespace} and its pod.",
        )
    return None


def _from_manifest(
    manifest: Item, row: Item, version: Item, declared: Item, snapshot: Item, base: Decision
) -> Decision:
    channels = {text(channel, "name"): channel for channel in rows(manifest, "channels") or []}
    given = dig(declared, "operator_channels", row["package"])
    wanted = [str(given)] if given else version["channels"]
    channel = next((name for name in wanted if name in channels), None)
    if channel is None:
        known = ", ".join(sorted(str(name) for name in channels if name)) or "none"
        why = f"the package has no channel {' or '.join(wanted)} in {base.catalog}"
        return replace(
            base,
            action=REFUSE,
            why=why,
            remedy=f"Its channels are {known}. Mirror the right one, or set llmd_operator_channels.",
        )
    csv, warnings = _choose(channels[channel], row, version)
    if row.get("helm_apps") and rows(snapshot, "helm") is None:
        warnings = (*warnings, UNREAD)
    if csv is None:
        offered = ", ".join(_entries(channels[channel])[:8]) or "none"
        why = f"channel {channel} of {base.catalog} has no version that fits ({bounds(version)})"
        return replace(
            base,
            action=REFUSE,
            why=why,
            remedy=f"It offers {offered}. Mirror one that fits, or set llmd_operator_channels.",
            channel=channel,
        )
    return replace(
        base, action=INSTALL, why=f"{csv} from channel {channel}", channel=channel, csv=csv, warnings=warnings,
        expected_csvs=expected_csvs(csv, row, snapshot, base.catalog),
    )  # fmt: skip


def _entries(channel: Item) -> list[str]:
    entries = dig(channel, "entries")
    listed = [str(entry) for entry in entries if isinstance(entry, str)] if isinstance(entries, (list, tuple)) else []
    head = text(channel, "current_csv")
    return listed if head in listed or head is None else [head, *listed]


def _choose(channel: Item, row: Item, version: Item) -> tuple[str | None, tuple[str, ...]]:
    """The exact CSV of the data where the channel has it, else the newest that fits, with a warning that it isn't the exact one."""
    entries = _entries(channel)
    exact = version["csv"]
    if exact in entries:
        return exact, ()
    prefix = row["csv_prefix"]
    fitting = [entry for entry in entries if unacceptable(version, prefix, entry) is None]
    if not fitting:
        return None, ()
    newest = max(fitting, key=lambda entry: versions.of_csv(entry, prefix) or versions.Version((0, 0, 0)))
    return newest, ((f"the channel lacks {exact}; {newest} is the newest that fits",) if exact else ())
