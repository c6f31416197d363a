# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators: a Subscription goes with its ClusterServiceVersion, and with what OLM installed only because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import Item

if TYPE_CHECKING:
    from .decide import State


def needed(state: State, subscription: Item) -> str:
    """Whose objects still need the operator; also why that can't be known."""
    package = str(subscription.data.get("package"))
    served = state.table.operators.get(package)
    if served is None:
        return f"data/removal.yml doesn't say what {package} serves, so nobody can tell who needs it"
    blind = [name for name in served if name in state.found.unread]
    if blind:
        return f"whether somebody needs it isn't known: {', '.join(blind)} may not be listed"
    holders = [one.label for name in served for one in state.found.users.get(name, ()) if not state.goes(one)]
    return f"{', '.join(holders[:3])}{f' and {len(holders) - 3} more' if len(holders) > 3 else ''} would be without an operator" if holders else ""


def with_company(state: State, subscription: Item) -> list[Item]:
    """The Subscription, then its CSV, then those that OLM made for its dependencies and nobody else needs."""
    brought = [one for one in state.found.subscriptions if _brought_by(state, subscription, one) and not needed(state, one)]
    return [item for one in (subscription, *brought) for item in (one, *_csv(state, one))]


def _csv(state: State, subscription: Item) -> list[Item]:
    wanted = (subscription.namespace, subscription.data.get("csv"))
    return [csv for csv in state.found.csvs if (csv.namespace, csv.name) == wanted]


def _brought_by(state: State, subscription: Item, other: Item) -> bool:
    """OLM names the Subscription of a dependency after package, channel, catalog and the catalog's namespace."""
    data = other.data
    made = "-".join(str(data.get(key)) for key in ("package", "channel", "catalog", "catalog_namespace"))
    brought = state.wishes.brings.get(str(subscription.data.get("package")), ())
    return other.namespace == subscription.namespace and data.get("package") in brought and other.name == made
