#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aap_summary
short_description: One table of what a workflow's jobs found
version_added: "1.0.0"
description:
  - Prints one line for each cluster from what the workflow's jobs left (variables C(llmd_result_*), the controller's artifacts). Talks to nobody.
options: {}
attributes:
  check_mode:
    description: Nothing is changed, in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: llmd.openshift.report
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Sum up
  llmd.openshift.aap_summary:
"""

RETURN = r"""
summary:
  description: The lines that were printed.
  returned: success
  type: list
  elements: str
  sample: ["cluster-a  proven      OpenShift AI 3.3, inference_scheduling supported, proof proven"]
"""
