# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator that has a Subscription already: use it, or refuse it and say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._assess.look import dig, rows, strings, text
from .._data import versions
from .catalog import wanted_catalog
from .decision import ADOPT, KEEP, REFUSE, UNKNOWN, UPGRADE, Decision, expected_csvs, unacceptable
from .updates import Graph, Route, route

Item = Mapping[str, Any]


def decide_existing(present: list[Item], row: Item, version: Item, declared: Item, snapshot: Item) -> Decision:
    """present: the snapshot's Subscriptions of this package, at least one."""
    package = row["package"]
    where = ", ".join(f"{text(item, 'namespace')}/{text(item, 'subscription')}" for item in present)
    if len(present) > 1:
        why = f"there are {len(present)} Subscriptions: {where}"
        return Decision(package, REFUSE, why, "Remove all but one; two copies of an operator fight over its resources.")
    item = present[0]
    base = _base(item, row)
    ours = dig(item, "ours") is True
    if not ours and not declared.get("adopt_operators", True):
        why = f"{where} is there already and llmd_adopt_operators is false"
        return replace(base, action=REFUSE, why=why, remedy="Set llmd_adopt_operators to true, or remove it.")
    csv = text(item, "installed_csv") or text(item, "current_csv") or (text(item, "starting_csv") if ours else None)
    moved = _moved(base, item, csv, row, version, declared, snapshot) if ours and csv is not None and "updates" in row else None
    if moved is not None:
        return moved
    trouble = _trouble(item, base, csv, version, row["csv_prefix"])
    if csv is None or trouble:
        why, remedy = trouble or ("", "")
        return replace(base, action=REFUSE, why=why, remedy=remedy, csv=csv)
    pending = text(item, "installed_csv") is None
    if ours and not pending and "updates" not in row and declared.get("upgrade_operators", True) and _is_newer(version["csv"], csv, row["csv_prefix"]):
        base = _upgraded(base, item, csv, row, version, snapshot)
        if base.action == UPGRADE:
            return base
    return replace(
        base,
        action=KEEP if ours else ADOPT,
        why=f"{csv} is {'ours' if ours else 'there already'}"
        + (f" ({base.managed_by})" if base.managed_by and not ours else ""),
        csv=csv,
        pending=pending,
        expected_csvs=expected_csvs(csv, row, snapshot, base.catalog) if pending else (csv,),
        warnings=(*base.warnings, *_warnings(base, row, declared)),
    )


def _moved(base: Decision, item: Item, csv: str, row: Item, version: Item, declared: Item, snapshot: Item) -> Decision | None:
    """Ours, to another version by the ways that OLM has; None where it stays, or where something else is wrong with it."""
    prefix = row["csv_prefix"]
    installed = versions.of_csv(text(item, "installed_csv"), prefix)
    wrong = unacceptable(version, prefix, csv)
    if installed is None or text(item, "csv_phase") == "Failed" or not (wrong or _is_newer(version["csv"], csv, prefix)):
        return None
    if not declared.get("upgrade_operators", True):
        remedy = "Set llmd_upgrade_operators to true, or choose the release that it fits."
        return replace(base, action=REFUSE, csv=csv, why=f"{wrong}, and llmd_upgrade_operators is false", remedy=remedy) if wrong else None
    found = route(Graph(row, _offered(base, row["package"], snapshot)), installed, base.channel, version)
    current = text(item, "current_csv")
    if found.hops and found.hops[0].channel == base.channel and current not in (None, csv, found.hops[0].csv):
        remedy = f"Look at the catalog's channel (oc describe packagemanifest {row['package']}); a newer version of this collection may know it."
        found = Route(why=f"OLM's next step is {current}, {found.hops[0].csv} was expected", remedy=remedy)
    if not found.hops:
        told = (*base.warnings, f"{csv} is installed, {version['csv']} is the tested version; {found.why}")
        return replace(base, action=REFUSE, csv=csv, why=found.why, remedy=found.remedy) if wrong else _kept(replace(base, warnings=told), csv, row, declared)
    last = found.hops[-1]
    by = ", then ".join(f"{hop.csv} from channel {hop.channel}" for hop in found.hops)
    # Within a release, one update is approved with the other operators; what leads through several, or to another release, goes step by step.
    small = len(found.hops) == 1 and installed.minor == str(versions.of_csv(last.csv, prefix)).rpartition(".")[0]
    return replace(
        base, action=UPGRADE, csv=last.csv, channel=last.channel, pending=True, installed=csv, hops=() if small else found.hops, expected_csvs=(last.csv,),
        why=f"{csv} is ours, {last.csv} is the tested version" if small else f"{csv} is installed, {last.csv} is wanted: {by}",
        warnings=(*base.warnings, *_warnings(base, row, declared)),
    )  # fmt: skip


def _kept(base: Decision, csv: str, row: Item, declared: Item) -> Decision:
    return replace(base, action=KEEP, why=f"{csv} is ours", csv=csv, expected_csvs=(csv,), warnings=(*base.warnings, *_warnings(base, row, declared)))


def _offered(base: Decision, package: str, snapshot: Item) -> dict[str, list[str]] | None:
    """The catalog's versions by channel, where the snapshot has them: of an operator that is installed it does only when an update waits."""
    for manifest in rows(snapshot, "packages") or []:
        if (text(manifest, "package"), text(manifest, "catalog")) == (package, base.catalog):
            return {text(one, "name") or "": strings(one, "entries") for one in rows(manifest, "channels") or []}
    return None


def _is_newer(wanted: str | None, csv: str, prefix: str) -> bool:
    """Whether the data name a version, and it is newer than the installed one."""
    ours, theirs = versions.of_csv(wanted, prefix) if wanted else None, versions.of_csv(csv, prefix)
    return ours is not None and theirs is not None and ours > theirs


def _upgraded(base: Decision, item: Item, csv: str, row: Item, version: Item, snapshot: Item) -> Decision:
    """To the data's version where OLM's next step is exactly that one; else a warning says what it would be."""
    wanted, step = str(version["csv"]), _next(item, base, row["package"], snapshot)
    if step != wanted:
        told = f"OLM's next step is {step}" if step not in (None, csv) else f"channel {base.channel} doesn't offer it"
        return replace(base, warnings=(f"{csv} is installed, {wanted} is the tested version; {told}",))
    return replace(
        base, action=UPGRADE, why=f"{csv} is ours, {wanted} is the tested version", csv=wanted, pending=True,
        expected_csvs=expected_csvs(wanted, row, snapshot, base.catalog),
    )  # fmt: skip


def _next(item: Item, base: Decision, package: str, snapshot: Item) -> str | None:
    """The version that OLM goes to next: its Subscription says so once a plan waits; before, it is the head of the channel."""
    current = text(item, "current_csv")
    if current not in (None, text(item, "installed_csv")):
        return current
    for manifest in rows(snapshot, "packages") or []:
        if (text(manifest, "package"), text(manifest, "catalog")) == (package, base.catalog):
            return next((text(one, "current_csv") for one in rows(manifest, "channels") or [] if text(one, "name") == base.channel), None)
    return None


def _base(item: Item, row: Item) -> Decision:
    return Decision(
        row["package"],
        UNKNOWN,
        "",
        namespace=text(item, "namespace") or row["namespace"],
        subscription=text(item, "subscription") or row["package"],
        channel=text(item, "channel"),
        catalog=text(item, "catalog") or "",
        catalog_namespace=text(item, "catalog_namespace") or "",
        managed_by=text(item, "managed_by"),
    )


def _trouble(item: Item, base: Decision, csv: str | None, version: Item, prefix: str) -> tuple[str, str] | None:
    """(why it can't be used, what to do)."""
    where = f"{base.subscription} -n {base.namespace}"
    if csv is None:
        state = text(item, "state") or "no state"
        return (
            f"{base.namespace}/{base.subscription} has no ClusterServiceVersion yet ({state})",
            f"See oc describe subscription {where}.",
        )
    wrong = unacceptable(version, prefix, csv)
    if wrong:
        return wrong, "Update or remove that operator, or choose the release that it fits."
    if text(item, "csv_phase") == "Failed":
        todo = f"See oc describe csv {csv} -n {base.namespace}; remove Subscription and CSV to install it anew."
        return f"{csv} is in phase Failed", todo
    return None


def _warnings(base: Decision, row: Item, declared: Item) -> tuple[str, ...]:
    wanted = wanted_catalog(row, declared)[0]
    return (f"it comes from the catalog {base.catalog}, not from {wanted}",) if base.catalog not in ("", wanted) else ()
