# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: model_cache_objects
short_description: Claim and download Job of a model that all replicas share
version_added: "1.0.0"
description:
  - Renders the PersistentVolumeClaim, the script that checks the downloaded files, and the Job that downloads them with the image of KServe's
    storage initializer. Secrets are referenced, never read.
options:
  _input:
    description: The declaration, as checked by M(llmd.openshift.declare).
    type: dict
    required: true
  image:
    description: Image of KServe's storage initializer, as its ConfigMap C(inferenceservice-config) names it.
    type: str
    required: true
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Declare the model's volume and its download
  llmd.openshift.apply:
    objects: "{{ llmd_declared | llmd.openshift.model_cache_objects(image) }}"
"""

RETURN = r"""
_value:
  description: The objects in the order in which they are needed; empty where the model isn't shared.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._models.known import declared_model
from ansible_collections.llmd.openshift.plugins.module_utils._storage import cache, checksums


def objects(declared: dict[str, Any], image: str) -> list[dict[str, Any]]:
    """With the script's text, and the model's size for the progress line."""
    if not cache.is_shared(declared):
        return []
    model = declared_model(declared, facts().models)
    return cache.objects(declared, image, Path(str(checksums.__file__)).read_text(encoding="utf-8"), model.download_gib or model.weights_gib)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"model_cache_objects": objects}
