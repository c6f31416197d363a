#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: service_presets
short_description: The presets of the installed version of OpenShift AI, and a service's move to them
version_added: "1.0.0"
description:
  - Presets (LLMInferenceServiceConfig) of earlier versions stay when OpenShift AI is upgraded, so several are there of each kind. Those of the installed
    version are told by the prefix that KServe's controller was given.
  - From RHOAI 3.2 on KServe notes in a service's status which presets it was made with, and stays with them. With O(move) these notes become
    those of a service that is made today, which lets KServe replace the model servers and the endpoint picker, one pod after the other.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  api_version:
    description: API version of LLMInferenceService in the release.
    type: str
    required: true
  name:
    description: Name of the LLMInferenceService.
    type: str
    required: true
  namespace:
    description: Namespace of the LLMInferenceService.
    type: str
    required: true
  applications_namespace:
    description: Namespace of OpenShift AI's applications, where the presets are.
    type: str
    default: redhat-ods-applications
  move:
    description: Whether the service moves to the presets of the installed version. One that isn't there has nothing to move.
    type: bool
    default: false
  settle_seconds:
    description: How long to wait for KServe's first change of the workloads. Presets that are the same change nothing.
    type: float
    default: 60
attributes:
  check_mode:
    description: Says what would move.
    support: full
  diff_mode:
    description: The notes that change are in RV(moved).
    support: none
"""

EXAMPLES = r"""
- name: Move the service to the presets of the installed version
  llmd.openshift.service_presets:
    api_version: serving.kserve.io/v1alpha1
    name: llmd
    namespace: llmd
    move: true
"""

RETURN = r"""
prefix:
  description: What the names of the installed version's presets begin with.
  returned: success
  type: str
  sample: v3-3-6-kserve-
presets:
  description: The presets of the installed version.
  returned: success
  type: list
  elements: dict
moved:
  description: Notes that changed, and the presets that they name now.
  returned: success
  type: dict
rolled:
  description: Workloads that KServe changed after that.
  returned: success
  type: list
  elements: str
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
"""
