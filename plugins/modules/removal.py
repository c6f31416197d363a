# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: removal
short_description: See what of ours can be removed from a cluster, and remove it step by step
version_added: "1.0.0"
description:
  - Looks for the objects that this collection made, and decides for each whether it goes or stays, and why.
  - Only an object with our label that our field manager applied is a candidate; one that an owner or Argo CD looks after is not.
  - What somebody else still needs stays, and so does an operator whose objects are still there. Order and dependencies are in C(data/removal.yml).
  - With O(step) it reads again, removes what that step may remove then, and waits until it is gone. Each deletion names the object's uid.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  step:
    description: Id of the step to remove. Without it nothing is removed, and RV(plan) and RV(steps) say what would be.
    type: str
  data:
    description: Remove our PersistentVolumeClaims too, and the models on them.
    type: bool
    default: false
  operators:
    description: Uninstall the operators that we installed.
    type: bool
    default: false
  allow_disruption:
    description: Disturbances of nodes that are permitted. What would need another one stays.
    type: list
    elements: str
    default: []
  after:
    description: Objects that go by themselves with those of earlier steps and must be gone before the step begins, the C(after) of RV(steps).
    type: list
    elements: dict
    default: []
  timeout_seconds:
    description: Longest wait for one group of objects to be gone.
    type: float
    default: 3600.0
attributes:
  check_mode:
    description: Removes nothing and says what would be removed.
    support: full
  diff_mode:
    description: The plan has all there is to show.
    support: none
"""

EXAMPLES = r"""
- name: See what would go
  llmd.openshift.removal:
    allow_disruption: [driver]
  register: removal

- name: Stop the inference service
  llmd.openshift.removal:
    step: service
"""

RETURN = r"""
plan:
  description: What goes and what stays, in the shape of RV(llmd.openshift.plan#module:plan).
  returned: without O(step)
  type: dict
  sample:
    steps:
      - id: service
        stage: serving
        title: Stop the inference service
        changes: [{object: LLMInferenceService llmd/llmd, action: delete}]
        disruption: {kinds: [], nodes: [], minutes: 0, why: ""}
    counts: {delete: 1, update: 0, keep: 0}
    message: 1 object to remove, 0 stay.
steps:
  description: The steps that remove something, in their order.
  returned: without O(step)
  type: list
  elements: dict
  sample: [{id: service, title: Stop the inference service, after: [], restarting: []}]
removed:
  description: What was removed, or would be in check mode.
  returned: with O(step)
  type: list
  elements: str
  sample: [LLMInferenceService llmd/llmd]
kept:
  description: What stays, and why.
  returned: with O(step)
  type: list
  elements: dict
  sample: [{object: LVMCluster openshift-lvm-storage/llmd, why: PersistentVolume pvc-1 needs it}]
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: Forbidden, what: The cluster forbids the request, where: LLMInferenceService llmd/llmd, why: "HTTP 403", todo: Grant it, details: {}}
"""
