# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: diagnose
short_description: Find the likely cause of a path that fails or is slow
version_added: "1.0.0"
description:
  - Reads the objects, Pods, warning events and last log lines on the way from client to GPU, and names the likely cause with its evidence and the repair.
  - The failure modes are rows of C(data/diagnosis.yml). What lies deeper on the way explains what lies above it.
  - Never reads Secrets. What it returns or keeps is blanked first.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  namespace:
    description: Namespace of the service.
    type: str
    required: true
  name:
    description: Name of the LLMInferenceService.
    type: str
    required: true
  declared:
    description: The declaration, whose node selector says which nodes matter.
    type: dict
    default: {}
  snapshot:
    description: Facts of the cluster, from M(llmd.openshift.cluster_snapshot).
    type: dict
    required: true
  proof:
    description: Proof of the path, from M(llmd.openshift.prove), where the service could be measured.
    type: dict
    default: {}
  bundle:
    description: File on the controller for the support bundle, a C(.tar.gz). Not written in check mode.
    type: path
attributes:
  check_mode:
    description: Reads the same in check mode; no bundle is written.
    support: full
  diff_mode:
    description: Never changes the cluster, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Find the likely cause
  llmd.openshift.diagnose:
    namespace: llmd
    name: llmd
    declared: "{{ llmd_declared }}"
    snapshot: "{{ llmd_facts }}"
    bundle: bundles/gpu1.tar.gz
  register: found

- name: Show it
  ansible.builtin.debug:
    msg: "{{ found.msg }}"
"""

RETURN = r"""
diagnosis:
  description: C(status) (V(fine), V(found), V(unrecognised), V(unknown)), C(cause), C(also), C(hops) from the client down, C(unreadable).
  returned: success
  type: dict
  sample:
    status: found
    cause:
      id: picker-down
      hop: picker
      cause: The endpoint picker doesn't run. The pool fails open, so inference still answers, but nobody schedules.
      evidence: ["container main of Pod llmd/llmd-kserve-router-scheduler-6d9f: CrashLoopBackOff"]
      repair: Read the picker's log (Deployment …-kserve-router-scheduler); it says why.
      source: rhoai-llmd 7 row 51
msg:
  description: The diagnosis in one message.
  returned: success
  type: str
  sample: "LLMInferenceService llmd/llmd: the likely cause is …"
summary:
  description: Lines for the terminal, the way first, then the cause.
  returned: success
  type: list
  elements: str
  sample: ["  ok      Gateway", "  BROKEN  Endpoint picker and pool: …"]
bundle:
  description: The bundle that was written.
  returned: when asked for, not in check mode
  type: str
  sample: bundles/gpu1.tar.gz
manifest:
  description: What is in the bundle, and how many values were blanked.
  returned: when a bundle was written
  type: dict
  sample: {format: 1, blanked: 3, files: {diagnosis.json: 5120}, never_read: [Secrets]}
"""
