#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: placement
short_description: See whether all model servers find a place, and whether an older service must go first
version_added: "1.0.0"
description:
  - Compares what the pods of a service ask for with what is free on the nodes. The service's own pods don't count, since an update replaces them.
  - Fails where not all of them fit at once, so that half a group never holds GPUs for nothing. Prefill and decode servers are put on different nodes,
    and so are the pods of a group.
  - Tells when the live service can't become the wanted one by an update, and what has to be removed first.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  declared:
    description: The declaration, as made by M(llmd.openshift.declare).
    type: dict
    required: true
  objects:
    description: The objects of the service, as made by P(llmd.openshift.llm_inference_service#filter).
    type: list
    elements: dict
    required: true
  gpu_resource:
    description: Extended resource of the accelerator.
    type: str
    required: true
  nodes:
    description: Nodes of the snapshot.
    type: list
    elements: dict
    required: true
  serving_nodes:
    description: Names of the nodes that may serve.
    type: list
    elements: str
    required: true
  moves:
    description:
      - Whether the service goes to the presets of another version of OpenShift AI, so that its pods are replaced though nothing else changed.
      - Fails where no new pod finds room beside the old ones; the service isn't removed for that.
    type: bool
    default: false
  look:
    description: Whether check mode looks at the cluster. Without it nothing is asked, and nothing has to go first.
    type: bool
    default: true
attributes:
  check_mode:
    description: Runs the same in check mode, but says nothing of nodes whose GPUs aren't offered yet.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: See whether all pods find a place
  llmd.openshift.placement:
    declared: "{{ llmd_declared }}"
    objects: "{{ serving_objects }}"
    gpu_resource: nvidia.com/gpu
    nodes: "{{ llmd_facts.nodes }}"
    serving_nodes: [gpu-0, gpu-1]
  register: placement
"""

RETURN = r"""
recreate:
  description: Why the live service has to go first; empty where an update will do.
  returned: success
  type: str
  sample: "a group's number of pods can't be changed: it is 1, 2 is wanted"
remove:
  description: What has to be removed first - the service, and objects around it that the wanted one doesn't need.
  returned: success
  type: list
  elements: dict
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample:
    kind: ClusterError
    what: The model servers don't all find a place, so none was started
    where: LLMInferenceService llmd/llmd
    why: "..."
    todo: "..."
"""
