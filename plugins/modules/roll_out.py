#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: roll_out
short_description: Hold MachineConfigPools back, and let them go
version_added: "1.0.0"
description:
  - With O(state=held) it pauses the pools, so that no machine restarts while their MachineConfigs and members are changed. An annotation
    says who paused them. A pool that somebody else has paused is an error.
  - With O(state=released) it waits until the pools have taken up the changes, lets them go, and waits until every machine runs with its settings.
  - At a limit (O(stop_after), the end of O(window)) it pauses the pools again, waits for the machines that have begun, and fails with what is
    done and what is left. The next run goes on from there.
  - A degraded pool, or a machine that doesn't come back from its restart, ends the wait; the pools are then paused, so that no other machine follows.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  pools:
    description: The C(context.machine_pools) of M(llmd.openshift.plan) that roll.
    type: list
    elements: dict
    required: true
  machines:
    description: Names of the nodes that restart, the C(context.restarting) of the plan.
    type: list
    elements: str
    required: true
  state:
    description: V(held) before the changes, V(released) after them.
    type: str
    choices: [held, released]
    required: true
  stop_after:
    description: How many machines may restart in this run. Unset means all.
    type: int
  window:
    description: Maintenance window like V(sat,sun 22:00 360) - days, beginning (UTC) and minutes. Outside it no machine begins.
    type: str
  away_minutes:
    description: How long a machine may be away for its restart.
    type: float
    default: 30
  timeout_seconds:
    description: Longest time of the wait.
    type: float
    default: 3600
attributes:
  check_mode:
    description: Says whether pools would be paused; changes nothing.
    support: full
  diff_mode:
    description: Pausing has no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Hold the pools back
  llmd.openshift.roll_out:
    pools: "{{ llmd_plan.context.machine_pools }}"
    machines: "{{ llmd_plan.context.restarting }}"
    state: held

- name: Let them go, two machines in this run
  llmd.openshift.roll_out:
    pools: "{{ llmd_plan.context.machine_pools }}"
    machines: "{{ llmd_plan.context.restarting }}"
    state: released
    stop_after: 2
"""

RETURN = r"""
held:
  description: Pools that were paused by this task.
  returned: success, with O(state=held)
  type: list
  elements: str
  sample: [worker]
waited:
  description: Each pool's state.
  returned: success, with O(state=released)
  type: list
  elements: dict
stopped:
  description: Whether it ended at a limit.
  returned: failure, when a limit was reached
  type: bool
  sample: true
failure:
  description: The object at fault, with reason and repair.
  returned: failure, when a pool or machine is at fault
  type: dict
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
"""
