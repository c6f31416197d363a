# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: olm_objects
short_description: Namespaces, OperatorGroups and Subscriptions of planned operators
version_added: "1.0.0"
description:
  - Renders the operators of a plan whose action is C(install) or C(keep) into the objects that OLM needs, with Manual approval.
  - The same input gives the same output. No cluster is read.
options:
  _input:
    description: RV(llmd.openshift.plan#module:plan.operators) of M(llmd.openshift.plan).
    type: list
    elements: dict
    required: true
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Declare the operators
  llmd.openshift.apply:
    objects: "{{ llmd_plan.operators | llmd.openshift.olm_objects }}"
"""

RETURN = r"""
_value:
  description: Kubernetes objects.
  type: list
  elements: dict
"""

import json
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.llmd.openshift.plugins.module_utils._olm import objects


def olm_objects(operators: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    try:
        return objects.objects(json.loads(json.dumps(operators)))  # plain types: no lazy or tagged values
    except KeyError as error:
        raise AnsibleFilterError(
            f"olm_objects: an operator lacks {error}; give the list that llmd.openshift.plan returns."
        ) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"olm_objects": olm_objects}
