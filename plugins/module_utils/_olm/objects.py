# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators to install -> Namespaces, OperatorGroups and Subscriptions (pure rendering).

Approval is always Manual: OLM then installs exactly the plan that `olm_subscription` approves, and never walks on by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]
# Namespaces of the platform that we use and do not describe.
PLATFORM = ("openshift-operators",)


def objects(operators: Iterable[Mapping[str, Any]]) -> list[Object]:
    """Objects of the operators whose decision is `install` or `upgrade`, and of ours that `keep` (so that a re-run mends drift).

    Without those that go by several updates: they are rendered update by update, each with the channel of its own (`hop`).
    """
    wanted = [operator for operator in operators if operator["action"] in ("install", "keep", "upgrade") and not operator.get("hops")]
    made = [item for operator in wanted for item in _of(operator)]
    return list({(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in made}.values())


def _of(operator: Mapping[str, Any]) -> list[Object]:
    if operator["namespace"] in PLATFORM:
        return [_subscription(operator)]
    group = [] if operator.get("group") else [_group(operator)]  # a second one would fail all operators of the namespace
    return [_namespace(operator), *group, _subscription(operator)]


def _namespace(operator: Mapping[str, Any]) -> Object:
    metadata: Object = {"name": operator["namespace"]}
    if operator.get("monitored"):
        metadata["labels"] = {"openshift.io/cluster-monitoring": "true"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _group(operator: Mapping[str, Any]) -> Object:
    spec = {} if operator["install_mode"] == "all" else {"targetNamespaces": [operator["namespace"]]}
    return {
        "apiVersion": "operators.coreos.com/v1",
        "kind": "OperatorGroup",
        "metadata": {"name": operator["package"], "namespace": operator["namespace"]},
        "spec": spec,
    }


def _subscription(operator: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": operator["subscription"], "namespace": operator["namespace"]},
        "spec": {
            "name": operator["package"],
            "channel": operator["channel"],
            "source": operator["catalog"],
            "sourceNamespace": operator["catalog_namespace"],
            "startingCSV": operator["csv"],
            "installPlanApproval": "Manual",
        },
    }
