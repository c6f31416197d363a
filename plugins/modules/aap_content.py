#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aap_content
short_description: Job templates, workflow and the rest in Automation Platform
version_added: "1.0.0"
description:
  - Applies credential type, execution environment, projects, inventory, notification texts, job templates with their surveys, the workflow with its approval,
    and schedules, as C(data/aap.yml) has them, by the controller modules of C(ansible.controller) or C(awx.awx).
  - Surveys are made from C(data/declaration.yml); a question that is left empty leaves the inventory's value.
  - How to reach the controller is said by the environment (C(CONTROLLER_HOST), C(CONTROLLER_OAUTH_TOKEN), C(CONTROLLER_VERIFY_SSL) and so on).
  - Secrets are named, never given. Credentials are made by hand or by another play, of the type that this one makes.
options:
  state:
    description: Whether the objects are there. V(absent) removes them in reverse order; the credential type stays an error while credentials use it.
    type: str
    choices: [present, absent]
    default: present
  collection:
    description: Collection whose modules are used; both have the same.
    type: str
    choices: [ansible.controller, awx.awx]
    default: ansible.controller
  organization:
    description: Existing organization.
    type: str
    required: true
  prefix:
    description: First word of all names.
    type: str
    default: llm-d
  project_url:
    description: Git repository with this collection.
    type: str
    required: true
  project_branch:
    description: Branch, tag or commit of it.
    type: str
    default: ""
  project_credential:
    description: Existing source control credential for the repositories.
    type: str
  inventory_url:
    description: Git repository with the inventory. Unset takes the project's.
    type: str
  inventory_path:
    description: Path of the inventory in its repository.
    type: str
    required: true
  execution_environment:
    description: Image of the execution environment.
    type: str
    required: true
  registry_credential:
    description: Existing credential of the image's registry.
    type: str
  cluster_credentials:
    description: Existing credentials that the job templates use for the clusters. None where hosts bring their own.
    type: list
    elements: str
    default: []
  controller_credential:
    description: Existing credential for the controller itself, by which the workflow writes the plan's disruption into its approval.
    type: str
    required: true
  notification:
    description: Where notifications go; unset makes none.
    type: dict
    suboptions:
      type:
        description: Type of the notification, as the controller calls it.
        type: str
        required: true
      configuration:
        description: Its configuration, as the controller wants it for that type.
        type: dict
        required: true
  slices:
    description: Jobs into which assess, plan and verify are split over the clusters.
    type: int
    default: 1
  approval_minutes:
    description: Minutes after which an approval that nobody decided counts as denied. 0 waits for ever.
    type: int
    default: 0
  schedules:
    description: Whether assess and verify run every night.
    type: bool
    default: true
  timezone:
    description: Time zone of the schedules.
    type: str
    default: UTC
attributes:
  check_mode:
    description: The objects are built and listed, but the controller isn't asked, so what would change isn't known.
    support: partial
  diff_mode:
    description: The controller's modules show no difference.
    support: none
seealso:
  - module: llmd.openshift.aap_approval
  - module: llmd.openshift.aap_summary
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Apply the content
  llmd.openshift.aap_content:
    organization: Platform
    project_url: https://git.example.com/platform/llmd.openshift.git
    inventory_url: https://git.example.com/platform/clusters.git
    inventory_path: production/hosts.yml
    execution_environment: registry.example.com/llmd/openshift_ee:1.0
    cluster_credentials: [llm-d clusters]
    controller_credential: llm-d controller
"""

RETURN = r"""
objects:
  description: The objects, in the order in which they are applied.
  returned: always
  type: list
  elements: str
  sample: [credential_type llm-d cluster, execution_environment llm-d, project llm-d]
changed_objects:
  description: Those of them that changed.
  returned: always
  type: list
  elements: str
  sample: [job_template llm-d plan]
"""
