# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mirror_list
short_description: Write what a mirror registry must hold for one path, vendor and release
version_added: "1.0.0"
description:
  - Turns a plan into an C(ImageSetConfiguration) of oc-mirror v2 with exactly the operators' versions that the plan installs, what OLM brings along,
    and what OpenShift itself installs for the gateway.
  - Lists their images by digest, as far as the API shows them (installed versions, and heads of channels).
  - What isn't known or can't be mirrored is in RV(notes), and as comments in the file.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  plan:
    description: The plan, as returned by M(llmd.openshift.plan).
    type: dict
    required: true
  snapshot:
    description: The snapshot, as returned by M(llmd.openshift.cluster_snapshot).
    type: dict
    required: true
  declared:
    description: The declaration, as returned by M(llmd.openshift.declare).
    type: dict
    required: true
  dir:
    description: Folder on the controller for C(imageset-config.yaml) and C(images.txt).
    type: path
    required: true
attributes:
  check_mode:
    description: Writes nothing and says whether the files would change.
    support: full
  diff_mode:
    description: The files are there to be compared.
    support: none
"""

EXAMPLES = r"""
- name: Write the mirror list
  llmd.openshift.mirror_list:
    plan: "{{ llmd_plan }}"
    snapshot: "{{ llmd_facts }}"
    declared: "{{ llmd_declared }}"
    dir: reports/gpu1/mirror
"""

RETURN = r"""
image_set:
  description: The ImageSetConfiguration.
  returned: success
  type: dict
  sample: {apiVersion: mirror.openshift.io/v2alpha1, kind: ImageSetConfiguration, mirror: {operators: []}}
images:
  description: Images by digest, as far as they are known.
  returned: success
  type: list
  elements: str
  sample: ["registry.redhat.io/rhoai/odh-rhel9-operator@sha256:0000000000000000000000000000000000000000000000000000000000000000"]
notes:
  description: What isn't known, or can't be mirrored.
  returned: success
  type: list
  elements: str
  sample: []
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: Unreachable, what: The cluster doesn't answer, where: GET /api, why: refused, todo: Check the network, details: {}}
"""
