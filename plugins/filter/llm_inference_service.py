# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: llm_inference_service
short_description: The objects that serve a model with llm-d, in the dialect of a RHOAI release
version_added: "1.0.0"
description:
  - Renders the declaration into a list of Kubernetes objects - C(LLMInferenceService), the C(NetworkPolicy) around it and, when model credentials
    are declared, a C(ServiceAccount) that names their Secret.
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
  presets:
    description: Names of the cluster's LLMInferenceServiceConfigs. Needed for C(amd.com/gpu), whose preset brings another image.
    type: list
    elements: str
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
from ansible_collections.llmd.openshift.plugins.module_utils._serving import dialects, render


def llm_inference_service(
    declared: dict[str, Any],
    storage_class: str | None = None,
    gpu_resource: str = "nvidia.com/gpu",
    presets: list[str] | None = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    plain = json.loads(json.dumps(declared))  # no lazy or tagged values of the templating engine
    try:
        dialect = dialects.of_release(str(plain["release"]))
        return render.objects(plain, dialect, storage_class or None, gpu_resource, [str(name) for name in presets or []])
    except (dialects.UnknownRelease, render.NoPreset, DataError) as error:
        raise AnsibleFilterError(f"llm_inference_service: {error}") from error
    except KeyError as error:
        raise AnsibleFilterError(
            f"llm_inference_service: the declaration lacks {error}; it must be the one that llmd.openshift.declare returns."
        ) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"llm_inference_service": llm_inference_service}
