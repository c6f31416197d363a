# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: machine_objects
short_description: MachineConfigs and pools of a plan
version_added: "1.0.0"
description:
  - Renders one MachineConfig for each pool of the plan, with all settings in it, and the MachineConfigPool where it is ours.
options:
  _input:
    description: The C(context.machine_pools) of M(llmd.openshift.plan).
    type: list
    elements: dict
    required: true
  max_unavailable:
    description: How many machines of our own pool restart at once.
    type: int
    default: 1
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Declare the settings of the machines
  llmd.openshift.apply:
    objects: "{{ llmd_plan.context.machine_pools | llmd.openshift.machine_objects }}"
"""

RETURN = r"""
_value:
  description: The objects, pools before their MachineConfigs.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._nodes import render


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"machine_objects": render.objects}
