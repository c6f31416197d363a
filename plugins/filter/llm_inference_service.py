# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: llm_inference_service
short_description: The objects that serve a model with llm-d, in the dialect of a RHOAI release
version_added: "1.0.0"
description:
  - Renders the declaration into a list of Kubernetes objects - C(LLMInferenceService) for the declared path, the C(NetworkPolicy) around it and, for
    model credentials and RDMA, a C(ServiceAccount) and the C(RoleBinding) that lets it use OpenShift AI's SCC.
  - What the release can't express is refused, with the releases that can.
  - The same input gives the same output. No cluster is read.
options:
  _input:
    description: The declaration, as made by M(llmd.openshift.declare).
    type: dict
    required: true
  storage_class:
    description: StorageClass on local NVMe for the downloaded model. Without it the model lies on the node's root disk.
    type: str
  gpu_resource:
    description: Extended resource of the accelerator.
    type: str
    default: nvidia.com/gpu
  fabric:
    description: The fabric between the nodes, as the plan and the role fabric give it; its C(pod) goes into the model servers.
    type: dict
  presets:
    description: The cluster's LLMInferenceServiceConfigs. Needed for C(amd.com/gpu), whose preset brings another image, and for precise prefix routing.
    type: list
    elements: dict
  images:
    description: Images that the operator lists. Needed for C(amd.com/gpu) on releases without a preset for it.
    type: list
    elements: str
  nodes:
    description: Nodes of the snapshot that would serve. Sizes that aren't declared follow from their GPUs and memory.
    type: list
    elements: dict
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Apply the service
  llmd.openshift.apply:
    objects: "{{ llmd_declared | llmd.openshift.llm_inference_service(storage_class='lvms-nvme') }}"
"""

RETURN = r"""
_value:
  description: Kubernetes objects in the order in which they are needed.
  type: list
  elements: dict
"""

import json
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._serving import build, dialects, render, wish


def llm_inference_service(
    declared: dict[str, Any],
    storage_class: str | None = None,
    gpu_resource: str = "nvidia.com/gpu",
    fabric: dict[str, Any] | None = None,
    presets: list[dict[str, Any]] | None = None,
    images: list[str] | None = None,
    nodes: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    given = (declared, fabric or {}, presets or [], images or [], nodes or [])
    plain, rails, found, listed, serving = json.loads(json.dumps(given))  # no lazy or tagged values of the templating engine
    try:
        wanted = build.wish(
            plain, str(gpu_resource), facts().models, storage_class=storage_class, fabric=rails, presets=found, images=listed, nodes=serving
        )
        return render.objects(wanted)
    except (dialects.UnknownRelease, wish.Refused, DataError) as error:
        raise AnsibleFilterError(f"llm_inference_service: {error}") from error
    except KeyError as error:
        raise AnsibleFilterError(
            f"llm_inference_service: the declaration lacks {error}; it must be the one that llmd.openshift.declare returns."
        ) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"llm_inference_service": llm_inference_service}
