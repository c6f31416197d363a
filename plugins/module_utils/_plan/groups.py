# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OperatorGroups that are there already. A namespace may have one only: a second one fails everything that is installed there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._assess.look import flag, rows, strings, text
from .decision import ADOPT, REFUSE, UNKNOWN, Decision

Item = Mapping[str, Any]


def with_group(decision: Decision, row: Item, snapshot: Item) -> Decision:
    """The decision with the group that it uses, or refused because of the groups that are there.

    group: name of somebody else's group that fits; empty: ours is made or kept.
    """
    if decision.action in (REFUSE, UNKNOWN):
        return decision
    groups = rows(snapshot, "operator_groups")
    if groups is None:
        remedy = "Grant list on operatorgroups.operators.coreos.com."
        return replace(decision, action=UNKNOWN, why="the OperatorGroups could not be read, and a second one in a namespace does harm", remedy=remedy)
    here = [group for group in groups if text(group, "namespace") == decision.namespace]
    if len(here) > 1:
        listed = ", ".join(sorted(str(text(group, "name")) for group in here))
        why = f"namespace {decision.namespace} has {len(here)} OperatorGroups ({listed}), so that OLM installs nothing there"
        return replace(decision, action=REFUSE, why=why, remedy=f"Delete all but one: oc delete operatorgroup NAME -n {decision.namespace}.")
    if not here or decision.action == ADOPT:
        return decision
    (group,) = here
    if flag(group, "ours"):
        return decision
    if not _fits(group, row["install_mode"], decision.namespace):
        wanted = "every namespace (no targetNamespaces)" if row["install_mode"] == "all" else f"its own namespace (targetNamespaces: [{decision.namespace}])"
        shown = "every namespace" if flag(group, "all_namespaces") else ", ".join(strings(group, "targets")) or "those of a selector"
        why = f"OperatorGroup {decision.namespace}/{text(group, 'name')} is for {shown}, the operator is installed for {wanted}"
        return replace(decision, action=REFUSE, why=why, remedy="Correct that OperatorGroup, or delete it where nothing else needs it.")
    return replace(decision, group=text(group, "name") or "")


def _fits(group: Item, install_mode: str, namespace: str) -> bool:
    return flag(group, "all_namespaces") is True if install_mode == "all" else strings(group, "targets") == [namespace]
