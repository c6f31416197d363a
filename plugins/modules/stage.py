#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stage
short_description: Write the journal of a run
version_added: "1.0.0"
description:
  - Appends one event to C(<output_dir>/<inventory_hostname>/journal.jsonl) on the controller, so that the report can show a timeline,
    and so that a run that was killed can be told from one that ended.
  - The last 20 runs are kept. Nothing is written to the cluster, and the task never reports a change.
options:
  name:
    description: Name of the stage. Without it, O(state=failed) marks the stage that is open.
    type: str
  state:
    description: What happened. V(begin) of a stage also ends the one before it, if that is open.
    type: str
    choices: [begin, end, failed]
    required: true
  first:
    description: The stage is the first of a new run.
    type: bool
    default: false
  message:
    description: Why the stage failed, for O(state=failed).
    type: str
    default: ""
  task:
    description: Name of the task that failed, for O(state=failed).
    type: str
    default: ""
  error:
    description: Structured error of the module that failed, for O(state=failed).
    type: dict
    default: {}
  output_dir:
    description: Folder of the reports; relative to the folder that the play was started in.
    type: path
    default: reports
attributes:
  check_mode:
    description: The journal is written in check mode too, it is a file of the controller.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Begin operators
  llmd.openshift.stage:
    name: operators
    state: begin
"""

RETURN = r"""
stage:
  description: The stage that the event belongs to.
  returned: always
  type: str
  sample: operators
run:
  description: Identity of the run.
  returned: always
  type: str
  sample: 1f6c1d0b9a2e
failure:
  description: The failure as the report takes it.
  returned: when O(state=failed)
  type: dict
  sample: {stage: operators, task: Approve, message: "...", error: {}}
"""
