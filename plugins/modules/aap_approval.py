#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aap_approval
short_description: Put the plans' disruption into a workflow's approval
version_added: "1.0.0"
description:
  - Collects what the workflow's plan job left for each cluster (variables C(llmd_result_*), the controller's artifacts), and writes it as name and text of the
    workflow's approval, which the controller shows to the approver and in notifications.
  - It fails when no cluster could begin, so that nobody is asked to approve nothing.
  - How to reach the controller is said by the environment, as the controller's own credential type sets it.
options:
  workflow:
    description: Name of the workflow job template.
    type: str
    required: true
  organization:
    description: Its organization.
    type: str
    required: true
  collection:
    description: Collection whose module is used.
    type: str
    choices: [ansible.controller, awx.awx]
    default: ansible.controller
attributes:
  check_mode:
    description: The text is printed, the controller isn't asked.
    support: partial
  diff_mode:
    description: The controller's modules show no difference.
    support: none
seealso:
  - module: llmd.openshift.aap_content
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Tell the approver
  llmd.openshift.aap_approval:
    workflow: llm-d inference
    organization: Platform
"""

RETURN = r"""
approval:
  description: What the approver sees.
  returned: when there is something to approve
  type: dict
  contains:
    name:
      description: One line.
      type: str
      returned: always
      sample: "Approve llm-d on cluster-a: driver on 2 nodes"
    text:
      description: What each cluster goes through.
      type: str
      returned: always
      sample: "cluster-a: OpenShift AI 3.3, inference_scheduling; 25 changes, driver on 2 nodes, about 12 min"
"""
