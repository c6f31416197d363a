# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: drift
short_description: See what differs from the declared state, who changed it, and what repairs it
version_added: "1.0.0"
description:
  - Compares the objects that the roles would apply (collected by O(llmd.openshift.apply#module:collect)) with the live ones, field by field.
  - The live ones come from the snapshot; the few that it doesn't hold are read one by one. Nothing is written.
  - Only declared fields are compared. The managers of a field are those that the API server notes (C(managedFields)).
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  gathered:
    description: Folder with the collected calls; it is removed.
    type: path
  applied:
    description: The C(applied) of the snapshot.
    type: list
    elements: dict
    default: []
  unknown:
    description: Why nothing can be compared. The result then is a finding that says so.
    type: str
attributes:
  check_mode:
    description: Runs the same in check mode.
    support: full
  diff_mode:
    description: RV(objects) has all there is to show.
    support: none
"""

EXAMPLES = r"""
- name: See what differs
  llmd.openshift.drift:
    gathered: reports/gpu1/.gathered
    applied: "{{ llmd_facts.applied }}"
  register: seen
"""

RETURN = r"""
objects:
  description: Each declared object - C(state) is same, differs, missing or unknown; C(repaired_by) is a stage, or the tool that looks after the object.
  returned: success
  type: list
  elements: dict
  sample:
    - object: Subscription openshift-nfd/nfd
      state: differs
      stage: operators
      repaired_by: operators
      fields: [{path: spec.channel, declared: stable, live: "4.19", managers: [kubectl-edit]}]
findings:
  description: The same as findings of an assessment.
  returned: success
  type: list
  elements: dict
  sample: []
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: Unreachable, what: The cluster doesn't answer, where: GET /api, why: refused, todo: Check the network, details: {}}
"""
