#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: plan
short_description: Compute what a run would change and whom it would disturb
version_added: "1.0.0"
description:
  - Names every object that a run would create, update, approve or keep, in the order of the stages, and which nodes are disturbed, how and how long.
  - Decides for every operator whether it is installed (which exact ClusterServiceVersion, from which channel and catalog), used as it is, or refused.
  - It doesn't talk to a cluster, and it doesn't fail when a disruption isn't permitted. RV(plan.allowed) and RV(plan.message) say so.
options:
  snapshot:
    description: What M(llmd.openshift.cluster_snapshot) returned.
    type: dict
    required: true
  declared:
    description: What M(llmd.openshift.declare) returned. Its C(allow_disruption) lists what a run may do to nodes.
    type: dict
    required: true
  assessment:
    description: What M(llmd.openshift.assess) returned. Accepted so that a play reads in order; the plan follows from the other two.
    type: dict
  output_dir:
    description:
      - Folder of the reports. The plan is kept there as C(HOST/plan.json), in check mode too, for a later run that does exactly this plan
        (C(llmd_approved_plan)). With C(llmd_redact_names) it isn't, since it holds the nodes' names.
    type: path
attributes:
  check_mode:
    description: Nothing is changed, in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: llmd.openshift.assess
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Plan
  llmd.openshift.plan:
    snapshot: "{{ llmd_facts }}"
    declared: "{{ llmd_declared }}"
  register: planned

- name: Stop when more is disturbed than is permitted
  ansible.builtin.fail:
    msg: "{{ planned.plan.message }}"
  when: not planned.plan.allowed
"""

RETURN = r"""
plan:
  description: The plan.
  returned: success
  type: dict
  contains:
    steps:
      description: Steps in order, each with C(id), C(stage), C(title), C(changes) (C(object), C(action) and C(why)) and C(disruption).
      type: list
      elements: dict
      returned: always
    disruption:
      description: The sum of all steps, with C(kinds), C(nodes), C(minutes) and C(why).
      type: dict
      returned: always
    allowed:
      description: Whether C(allow_disruption) permits all of it, and it holds nothing that the approved plan lacks.
      type: bool
      returned: always
    missing:
      description: Kinds of disruption that aren't permitted.
      type: list
      elements: str
      returned: always
    message:
      description: What is disturbed without permission, and what to declare. Empty when all is permitted.
      type: str
      returned: always
    approval:
      description: What of the plan somebody approves, with its C(digest). C(llmd_approved_steps) takes it.
      type: dict
      returned: always
    differences:
      description: What goes beyond the approved plan (C(declared.approved_plan) or C(declared.approved_steps)). The plan is then not allowed.
      type: list
      elements: str
      returned: always
    counts:
      description: Number of changes by action.
      type: dict
      returned: always
      sample: {create: 20, update: 0, approve: 6, keep: 0}
    complete:
      description: False while the GPUs aren't known. The plan then rests on C(assumptions).
      type: bool
      returned: always
    assumptions:
      description: What the plan assumes because it isn't known.
      type: list
      elements: str
      returned: always
    operators:
      description: One decision per operator, with everything that its Namespace, OperatorGroup and Subscription need.
      type: list
      elements: dict
      returned: always
    context:
      description: Vendor, GPU resource, GPU nodes, serving nodes, whether local storage is made, and the packages.
      type: dict
      returned: always
"""
