# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: export
short_description: Write what would be applied as manifests for Argo CD or kubectl
version_added: "1.0.0"
description:
  - Takes the calls of M(llmd.openshift.apply) that were collected (O(llmd.openshift.apply#module:collect)) and writes one file a wave, with
    Argo CD's sync waves, and a README with the order, the InstallPlans to approve and what isn't in the files.
  - The objects carry no label of ours. Secrets are left out and named.
  - The same input gives the same bytes. Files of an earlier export that aren't needed any more are removed, others are never touched.
author: llmd.openshift contributors (@llmd-openshift)
options:
  dir:
    description: Folder on the controller. It must be empty, absent or hold an earlier export.
    type: path
    required: true
  gathered:
    description: Folder with the collected calls. Without it the module only checks that O(dir) may be written.
    type: path
  plan:
    description: The plan, as returned by M(llmd.openshift.plan).
    type: dict
    default: {}
  declared:
    description: The declaration, as returned by M(llmd.openshift.declare).
    type: dict
    default: {}
  snapshot:
    description: The snapshot, as returned by M(llmd.openshift.cluster_snapshot).
    type: dict
    default: {}
attributes:
  check_mode:
    description: Says which files would be written.
    support: full
  diff_mode:
    description: The files are there to be compared.
    support: none
"""

EXAMPLES = r"""
- name: Write the manifests
  llmd.openshift.export:
    dir: gitops/gpu1
    gathered: reports/gpu1/.gathered
    plan: "{{ llmd_plan }}"
    declared: "{{ llmd_declared }}"
"""

RETURN = r"""
dir:
  description: Where the export is.
  returned: success
  type: str
  sample: gitops/gpu1
files:
  description: All files of the export.
  returned: with O(gathered)
  type: list
  elements: str
  sample: [00-operators-namespace.yaml, README.md]
written:
  description: Files that differed from what was there.
  returned: with O(gathered)
  type: list
  elements: str
  sample: [README.md]
"""
