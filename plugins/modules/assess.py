#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: assess
short_description: Judge a cluster against the llm-d support matrix
version_added: "1.0.0"
description:
  - Applies all rules to a snapshot and returns a verdict for every llm-d path on every release, with findings, for the declared release and path
    also with the nearest yes (the smallest set of changes that would turn a no into a yes).
  - The verdict is V(supported), V(conditional) (Technology or Developer Preview, or waived), V(unsupported) or V(unknown). A deciding fact that isn't
    known makes it V(unknown), never a pass; confirming facts that aren't known are listed as unverified.
  - It doesn't talk to a cluster, and it doesn't fail when the answer is no. RV(assessment.gate) says whether a run may go on.
options:
  snapshot:
    description: What M(llmd.openshift.cluster_snapshot) returned.
    type: dict
    required: true
  declared:
    description: What M(llmd.openshift.declare) returned.
    type: dict
    required: true
  discovered:
    description:
      - Whether Node Feature Discovery has already run. Then hardware that isn't known stays unknown, and the gate is V(stop) and no longer V(discover).
    type: bool
    default: false
  validation_report:
    description: JSON of Red Hat's validator (rhaii-cluster-validation). What it found becomes findings that decide nothing.
    type: str
attributes:
  check_mode:
    description: Nothing is changed, in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: llmd.openshift.plan
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Judge the cluster
  llmd.openshift.assess:
    snapshot: "{{ llmd_facts }}"
    declared: "{{ llmd_declared }}"
  register: judged

- name: Stop before any write
  ansible.builtin.fail:
    msg: "{{ judged.assessment.gate_message }}"
  when: judged.assessment.gate == 'stop'
"""

RETURN = r"""
assessment:
  description: The assessment.
  returned: success
  type: dict
  contains:
    findings:
      description:
        - One entry per rule and subject, of the declared release. C(path) and C(release) are null where it holds for all of them.
        - C(deciding) ones make the verdict, C(blocking) ones stop a run while they fail.
      type: list
      elements: dict
      returned: always
    verdicts:
      description: One entry per release and path, with C(verdict), C(tier), C(reasons), C(finding_ids), C(unverified), C(nearest_yes) and C(override).
      type: list
      elements: dict
      returned: always
    chosen:
      description: The verdict of the declared release and path.
      type: dict
      returned: always
    release:
      description: The declared release, its components, and the API endpoints that it supports.
      type: dict
      returned: always
    best_release:
      description: The newest release on which the declared path is supported, else the newest on which it is conditional.
      type: str
      returned: when there is one
    gate:
      description: V(go), V(discover) (only the hardware isn't known - run Node Feature Discovery, then assess again) or V(stop).
      type: str
      returned: always
    gate_message:
      description: Why, in one message.
      type: str
      returned: always
    candidates:
      description: The nodes that would serve, those that might, and the vendors of their GPUs.
      type: dict
      returned: always
"""
