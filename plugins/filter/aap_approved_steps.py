# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: aap_approved_steps
short_description: What a workflow's approver has approved for a cluster
version_added: "1.0.0"
description:
  - Finds the plan of one cluster among the results that earlier jobs of a workflow handed on (variables C(llmd_result_*)), as value for C(llmd_approved_steps).
  - Without any result the answer is an empty text, as for an option that isn't declared. With results, but no plan of this cluster among them, it is an empty
    mapping, which the declaration refuses - what wasn't approved isn't done.
options:
  _input:
    description: The results.
    type: list
    elements: dict
    required: true
  host:
    description: Inventory host, which is the cluster.
    type: str
    required: true
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: What was approved
  ansible.builtin.debug:
    msg: "{{ query('ansible.builtin.vars', *query('ansible.builtin.varnames', '^llmd_result_')) | llmd.openshift.aap_approved_steps(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The approved steps, an empty mapping, or an empty text.
  type: raw
"""

import json
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._aap.results import approved_steps


def aap_approved_steps(items: list[Any], host: str) -> dict[str, Any] | str:
    """See DOCUMENTATION."""
    return approved_steps(json.loads(json.dumps(items)), str(host))  # plain types: no lazy or tagged values


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"aap_approved_steps": aap_approved_steps}
