# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""data/quirks/: known-bad pairs of versions and traps, each with its detection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._data import versions
from .look import dig, rows, text
from .model import UNKNOWN, Case, Finding
from .nodes import models
from .rules_catalogs import disconnected_signs


def quirks(case: Case) -> list[Finding]:
    """A finding for each quirk that is there; for one that can't be looked for, an unknown if it would stop a run."""
    found = []
    for quirk in case.facts.quirks:
        hit, observed = _detect(case, quirk["when"])
        if hit or (hit is None and quirk["blocking"]):
            found.append(case.finding(
                quirk["id"], quirk["status"] if hit else UNKNOWN, quirk["title"], observed if hit else "can't be looked for: " + observed,
                f"not there: {quirk['effect']}", quirk["remedy"], blocking=quirk["blocking"], source=quirk["source"],
            ))  # fmt: skip
    return found


def _detect(case: Case, when: Mapping[str, Any]) -> tuple[bool | None, str]:
    """(there, not there or unknown; what was seen). All parts must hold, so one that doesn't settles it."""
    checks = [_CHECKS[key](case, when[key]) for key in when]
    if any(hit is False for hit, _said in checks):
        return False, ""
    unclear = [said for hit, said in checks if hit is None]
    return (None, "; ".join(unclear)) if unclear else (True, "; ".join(said for _hit, said in checks if said))


def _operator(case: Case, wanted: Mapping[str, Any]) -> tuple[bool | None, str]:
    operators, csvs = rows(case.snapshot, "operators"), rows(case.snapshot, "csvs")
    if operators is None or csvs is None:
        return None, "the operators could not be read"
    prefix = wanted.get("csv_prefix", wanted["package"])
    subscribed = [
        item
        for item in operators
        if text(item, "package") == wanted["package"]
        and wanted.get("namespace") in (None, text(item, "namespace"))
        and wanted.get("approval") in (None, text(item, "approval"))
    ]
    if not subscribed and ("namespace" in wanted or "approval" in wanted):
        return False, ""
    named = {text(item, "installed_csv") or text(item, "current_csv") for item in subscribed}
    named |= {text(item, "name") for item in csvs if versions.of_csv(text(item, "name"), prefix)}
    for csv in sorted(name for name in named if name):
        version = versions.of_csv(csv, prefix)
        if version is None and ("at_least" in wanted or "below" in wanted):
            continue
        if version is None or versions.within(
            versions.Version(version.release), wanted.get("at_least"), wanted.get("below")
        ):
            return True, csv
    bare = bool(subscribed) and not named - {None} and "at_least" not in wanted and "below" not in wanted
    return bare, f"a Subscription of {wanted['package']}" if bare else ""


def _nics(case: Case, wanted: list[str]) -> tuple[bool | None, str]:
    """One of these cards is in a candidate."""
    cards = [rows(kind.node, "nics") for kind in case.candidates.kinds]
    hits = sorted({text(nic, "pci_id") or "" for nics in cards for nic in nics or []} & set(wanted))
    if hits:
        return True, ", ".join(hits)
    return (None, "the network cards aren't known") if None in cards else (False, "")


def _disconnected(case: Case, wanted: bool) -> tuple[bool | None, str]:
    signs = disconnected_signs(case)
    return (None if signs is None else bool(signs) == wanted), "; ".join(signs or [])


def _crd(case: Case, wanted: str) -> tuple[bool | None, str]:
    crds = dig(case.snapshot, "crds")
    if not isinstance(crds, Mapping):
        return None, "the CustomResourceDefinitions could not be read"
    return bool(crds.get(wanted)), wanted


def _openshift(case: Case, wanted: Mapping[str, Any]) -> tuple[bool | None, str]:
    version = versions.parse(text(case.snapshot, "openshift", "version"))
    if version is None:
        return None, "OpenShift's version isn't known"
    return versions.within(version, wanted.get("at_least"), wanted.get("below")), f"OpenShift {version}"


def _accelerators(case: Case, wanted: list[str]) -> tuple[bool | None, str]:
    seen = [models(kind.node, case.facts.gpu_models) for kind in case.candidates.kinds]
    hits = sorted({model for group in seen if group for model in group} & set(wanted))
    if hits:
        return True, ", ".join(hits)
    return (None, "a GPU isn't known") if None in seen else (False, "")


_CHECKS: dict[str, Any] = {
    "releases": lambda case, wanted: (case.release in wanted, f"RHOAI {case.release}"),
    "paths": lambda case, wanted: (case.path in wanted, ""),
    "auth": lambda case, wanted: (case.declared.get("auth", True) == wanted, ""),
    "openshift": _openshift,
    "operator": _operator,
    "crd": _crd,
    "nics": _nics,
    "disconnected": _disconnected,
    "model_scheme": lambda case, wanted: (str(case.declared.get("model_uri") or "").partition("://")[0] in wanted, ""),
    "accelerators": _accelerators,
}
