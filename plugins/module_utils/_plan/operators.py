# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each operator that the run needs: install which CSV from where, use the one that is there, or refuse, and why.

Both the assessment (findings) and the plan (steps) come from these decisions, so they can't disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import rows, text
from .._data import versions
from .._data.facts import Facts
from .catalog import decide_install
from .decision import REFUSE, UNKNOWN, Decision, version_row
from .existing import decide_existing
from .groups import with_group

_ORDER = {"nodes": 0, "fabric": 1, "accelerators": 2, "storage": 3, "platform": 4}


def needed(facts: Facts, declared: Mapping[str, Any], release: str, path: str, vendors: list[str]) -> list[str]:
    """Packages that this release and path need on these vendors, in the order of their stages."""
    found = [
        package
        for package, row in facts.operators.items()
        if any(_applies(need, declared, release, path, vendors) for need in row["needed"])
    ]
    return sorted(found, key=lambda package: (_ORDER[facts.operators[package]["stage"]], package))


def _applies(need: Mapping[str, Any], declared: Mapping[str, Any], release: str, path: str, vendors: list[str]) -> bool:
    local = declared.get("model_cache", "lvms") == "lvms" and not declared.get("storage_class")
    shape = "single" if declared.get("wep_nodes") == "single" else "multi"
    return (
        release in need.get("releases", [release])
        and path in need.get("paths", [path])
        and ("vendors" not in need or bool(set(need["vendors"]) & set(vendors)))
        and need.get("auth", declared.get("auth", True)) == declared.get("auth", True)
        and need.get("local_storage", local) == local
        and need.get("nodes", shape) == shape
        and declared.get("fabric_way", "auto") in need.get("fabric", [declared.get("fabric_way", "auto")])
    )


def decide(
    facts: Facts, snapshot: Mapping[str, Any], declared: Mapping[str, Any], release: str, package: str
) -> Decision:
    row = facts.operators[package]
    openshift = versions.parse(text(snapshot, "openshift", "version"))
    version = version_row(row, release, openshift)
    if version is None:
        return _no_row(row, release, openshift)
    operators = rows(snapshot, "operators")
    if operators is None:
        return Decision(
            package, UNKNOWN, "the Subscriptions could not be read", "Grant list on subscriptions.operators.coreos.com."
        )
    present = [item for item in operators if text(item, "package") == package]
    made = decide_existing(present, row, version, declared, snapshot) if present else decide_install(row, version, declared, snapshot)
    return with_group(made, row, snapshot)


def _no_row(row: Mapping[str, Any], release: str, openshift: versions.Version | None) -> Decision:
    package = row["package"]
    if openshift is None and any("openshift" in one for one in row["versions"]):
        return Decision(
            package,
            UNKNOWN,
            "the version for it depends on OpenShift's, which isn't known",
            "Make ClusterVersion readable.",
        )
    why = f"data/operators/{package}.yml has no version for RHOAI {release} on OpenShift {openshift or '(unknown)'}"
    return Decision(package, REFUSE, why, "Choose another release, or look for a newer version of this collection.")


def packages_to_read(facts: Facts) -> list[str]:
    """Every package that a decision may look at, so that the snapshot reads no others."""
    brought = (other["package"] for row in facts.operators.values() for other in row.get("brings", []))
    return sorted({*facts.operators, *brought})
