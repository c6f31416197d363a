# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: fabric_objects
short_description: Objects of a designed fabric
version_added: "1.0.0"
description:
  - Renders one part of the network between GPU nodes. C(cards) is what makes the SR-IOV operator tell of the cards, C(devices) gives pods devices,
    C(networks) gives them interfaces and addresses.
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
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Declare the networks of the rails
  llmd.openshift.apply:
    objects: "{{ llmd_plan.fabric | llmd.openshift.fabric_objects('networks') }}"
"""

RETURN = r"""
_value:
  description: The objects; none where the path needs no fabric.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._fabric.objects import objects


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"fabric_objects": objects}
