# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of a mirror list: exactly the versions that a plan installs, with what OLM and OpenShift bring along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._assess.look import rows, text
from .._data import versions
from .._data.facts import Facts
from .._plan.decision import version_row

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Package:
    """One package out of one catalog. csv: the exact version; without it low and high bound the versions, both included where given."""

    name: str
    catalog: str
    catalog_namespace: str
    channel: str
    csv: str = ""
    version: str = ""
    low: str = ""
    note: str = ""
    namespace: str = ""


def packages(plan: Item, snapshot: Item, facts: Facts, table: Item, release: str) -> list[Package]:
    """:param plan: contract 3.5. :param table: data/mirror.yml."""
    found: dict[str, Package] = {}
    for operator in plan["operators"]:
        row = facts.operators[operator["package"]]
        own = _planned(operator, row, snapshot, release)
        found.setdefault(own.name, own)
        for other in row.get("brings", []):
            found.setdefault(other["package"], _brought(other, operator, own, snapshot))
    for row in table["platform_packages"]:
        found.setdefault(row["package"], _of_platform(row, snapshot))
    return sorted(found.values(), key=lambda one: (one.catalog, one.name))


def _planned(operator: Item, row: Item, snapshot: Item, release: str) -> Package:
    catalog, place = operator["catalog"] or row["catalog"], operator["catalog_namespace"] or row["catalog_namespace"]
    if operator["csv"] and operator["channel"]:
        version = _version(operator["csv"], row["csv_prefix"])
        return Package(row["package"], catalog, place, operator["channel"], operator["csv"], version, namespace=operator["namespace"])
    wanted = version_row(row, release, versions.parse(text(snapshot, "openshift", "version"))) or row["versions"][0]
    csv = wanted["csv"] or ""
    note = "" if csv else "the cluster's catalog lacks it, so its newest fitting version isn't known"
    return Package(
        row["package"], catalog, place, wanted["channels"][0], csv, _version(csv, row["csv_prefix"]), wanted.get("at_least", ""), note,
        operator["namespace"],
    )  # fmt: skip


def _brought(other: Item, operator: Item, parent: Package, snapshot: Item) -> Package:
    """A dependency: the version that is expected or there, out of the channel by which OLM takes it."""
    prefix = other["csv_prefix"]
    names = [*operator["expected_csvs"], *(str(text(row, "name")) for row in rows(snapshot, "csvs") or [])]
    csv = next((name for name in names if versions.of_csv(name, prefix) is not None), "")
    manifest = next((row for row in rows(snapshot, "packages") or [] if text(row, "package") == other["package"]), {})
    there = next((row for row in rows(snapshot, "operators") or [] if text(row, "package") == other["package"]), {})
    channel = text(there, "channel") or text(manifest, "default_channel") or parent.channel
    note = "" if csv else "its version isn't known until its package is in the catalog"
    return Package(other["package"], parent.catalog, parent.catalog_namespace, channel, csv, _version(csv, prefix), note=note, namespace=operator["namespace"])


def _of_platform(row: Item, snapshot: Item) -> Package:
    there = next((one for one in rows(snapshot, "operators") or [] if text(one, "package") == row["package"]), {})
    csv = text(there, "installed_csv") or ""
    note = row["why"] if csv else f"{row['why']}, in the version that OpenShift pins"
    return Package(
        row["package"], row["catalog"], "openshift-marketplace", text(there, "channel") or row["channels"][0], csv, _version(csv, row["csv_prefix"]), note=note,
        namespace=text(there, "namespace") or "",
    )  # fmt: skip


def _version(csv: str, prefix: str) -> str:
    """ "nfd.4.20.0-2026" -> "4.20.0-2026", "rhcl-operator.v1.4.3" -> "1.4.3"."""
    return csv.removeprefix(f"{prefix}.").removeprefix("v")


def by_catalog(found: Iterable[Package]) -> dict[str, list[Package]]:
    groups: dict[str, list[Package]] = {}
    for one in found:
        groups.setdefault(one.catalog, []).append(one)
    return groups
