# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: olm_wishes
short_description: What olm_subscription needs to know of planned operators
version_added: "1.0.0"
description:
  - Turns the operators of a plan into the O(llmd.openshift.olm_subscription#module:subscriptions) of M(llmd.openshift.olm_subscription).
options:
  _input:
    description: The C(operators) of M(llmd.openshift.plan).
    type: list
    elements: dict
    required: true
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Approve the expected InstallPlans
  llmd.openshift.olm_subscription:
    subscriptions: "{{ llmd_plan.operators | llmd.openshift.olm_wishes }}"
"""

RETURN = r"""
_value:
  description: One entry an operator.
  type: list
  elements: dict
"""

from typing import Any

KEYS = ("package", "namespace", "csv", "channel", "catalog", "catalog_namespace")


def olm_wishes(operators: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    return [
        {
            **{key: operator[key] for key in KEYS if operator.get(key)},
            "name": operator["subscription"],
            "expected_csvs": [csv for csv in operator["expected_csvs"] if csv != operator["csv"]],
            **({"adopt": False} if operator["action"] == "upgrade" else {}),
        }
        for operator in operators
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"olm_wishes": olm_wishes}
