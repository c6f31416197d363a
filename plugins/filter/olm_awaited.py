# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: olm_awaited
short_description: The ClusterServiceVersions of planned operators, as wait_for wants them
version_added: "1.0.0"
description:
  - Picks packages out of a plan; a package that the plan does not need is left out.
options:
  _input:
    description: The C(operators) of M(llmd.openshift.plan).
    type: list
    elements: dict
    required: true
  packages:
    description: Packages whose CSV is awaited.
    type: list
    elements: str
    required: true
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Wait for the GPU operator
  llmd.openshift.wait_for:
    objects: "{{ llmd_plan.operators | llmd.openshift.olm_awaited(['gpu-operator-certified']) }}"
"""

RETURN = r"""
_value:
  description: One entry an operator, for O(llmd.openshift.wait_for#module:objects).
  type: list
  elements: dict
"""

from typing import Any


def olm_awaited(operators: list[dict[str, Any]], packages: list[str]) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    return [
        {
            "api_version": "operators.coreos.com/v1alpha1",
            "kind": "ClusterServiceVersion",
            "name": operator["csv"],
            "namespace": operator["namespace"],
        }
        for operator in operators
        if operator["package"] in packages
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"olm_awaited": olm_awaited}
