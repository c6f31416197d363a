#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: explain
short_description: Explain a rule of the assessment
version_added: "1.0.0"
description:
  - Prints what a rule (or a known quirk) checks, why, what its failure means, what to do, and the source.
  - It doesn't talk to a cluster. C(docs/rules.md) lists all rules.
options:
  rule:
    description: Id of the rule, as findings and waivers have it.
    type: str
    required: true
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
- name: Explain a rule
  llmd.openshift.explain:
    rule: fabric-rdma
"""

RETURN = r"""
explanation:
  description: The lines that were printed.
  returned: success
  type: list
  elements: str
  sample: ["fabric-rdma", "checks   Each node has an active RDMA port"]
"""
