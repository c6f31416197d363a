#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_window
short_description: Fail outside the maintenance window when nodes would be disturbed
version_added: "1.0.0"
description:
  - Looks at the controller's clock. Inside the window, without a window, and when none of the steps disturbs a node, it succeeds.
author: llmd.openshift contributors (@llmd-openshift)
options:
  window:
    description: Like V(sat,sun 22:00 360) - days (or V(daily)), beginning (UTC) and minutes.
    type: str
  steps:
    description: The C(steps) of M(llmd.openshift.plan).
    type: list
    elements: dict
    required: true
  stages:
    description: Only steps of these stages count. Unset means all.
    type: list
    elements: str
attributes:
  check_mode:
    description: Says in check mode that the window is closed, and succeeds.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: Begin inside the window only
  llmd.openshift.maintenance_window:
    window: sat,sun 22:00 360
    steps: "{{ llmd_plan.steps }}"
    stages: [accelerators]
"""

RETURN = r"""
open:
  description: Whether the window is open now; true without a window.
  returned: always
  type: bool
  sample: true
msg:
  description: What would disturb whom, and when the window opens.
  returned: when it is closed and a step disturbs
  type: str
"""
