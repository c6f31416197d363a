# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator that runs without a Subscription: installed by Helm, or left over when its Subscription was deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import rows, strings, text
from .._data import versions

Item = Mapping[str, Any]
UNREAD = "whether Helm runs it already isn't known (Deployments could not be read)"


def by_helm(row: Item, snapshot: Item) -> tuple[str, str] | None:
    """(why it isn't installed a second time, what to do)."""
    charts = strings(row, "helm_apps")
    found = next((one for one in rows(snapshot, "helm") or [] if text(one, "app") in charts), None)
    if found is None:
        return None
    where = f"{text(found, 'namespace')}/{text(found, 'name')}"
    return (
        f"Helm runs it already: Deployment {where} (chart {text(found, 'chart') or 'without a label'}); two copies of an operator fight over its objects",
        f"Uninstall the release (helm list -n {text(found, 'namespace')}), or ask its owner; its custom objects stay.",
    )


def orphan(row: Item, snapshot: Item) -> tuple[str, str] | None:
    """A ClusterServiceVersion without a Subscription: OLM then satisfies no new Subscription that would bring the same APIs."""
    for csv in rows(snapshot, "csvs") or []:
        name = text(csv, "name") or ""
        if name.startswith(f"{row['csv_prefix']}.") and versions.of_csv(name, row["csv_prefix"]) is not None:
            where = text(csv, "namespace")
            return (
                f"ClusterServiceVersion {where}/{name} is there without a Subscription, so that OLM resolves no new one",
                f"Somebody deleted its Subscription: delete the ClusterServiceVersion too (oc delete csv {name} -n {where}; custom objects stay).",
            )
    return None
