# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: fabric_awaited
short_description: What is awaited of a designed fabric, as wait_for wants it
version_added: "1.0.0"
description:
  - One part of the network between GPU nodes, see P(llmd.openshift.fabric_objects#filter).
options:
  _input:
    description: The C(fabric) of M(llmd.openshift.plan).
    type: dict
    required: true
  part:
    description: Which part.
    type: str
    choices: [cards, devices, networks]
    required: true
  patience_seconds:
    description: Longest standstill of one node.
    type: int
    default: 900
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Wait until every node gives its devices
  llmd.openshift.wait_for:
    objects: "{{ llmd_plan.fabric | llmd.openshift.fabric_awaited('devices') }}"
"""

RETURN = r"""
_value:
  description: One entry an object, for O(llmd.openshift.wait_for#module:objects).
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._fabric.objects import awaited


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"fabric_awaited": awaited}
