# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: foreign
short_description: Objects that this collection did not make
version_added: "1.0.0"
description:
  - Keeps the objects that lack the label C(app.kubernetes.io/managed-by=llmd-openshift).
options:
  _input:
    description: Kubernetes objects, for example of a kind in the snapshot. V(none) counts as an empty list.
    type: list
    elements: dict
    required: true
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Is there a ClusterPolicy of somebody else?
  ansible.builtin.debug:
    msg: "{{ llmd_facts.objects.ClusterPolicy | llmd.openshift.foreign | length }}"
"""

RETURN = r"""
_value:
  description: The objects of others.
  type: list
  elements: dict
"""

import json
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._apply import manifests


def foreign(items: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    plain = json.loads(json.dumps(items or []))  # plain types: no lazy or tagged values
    return [item for item in plain if not manifests.is_ours(item)]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"foreign": foreign}
