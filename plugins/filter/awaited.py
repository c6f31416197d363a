# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: awaited
short_description: Objects of one kind, as wait_for wants them
version_added: "1.0.0"
description:
  - Turns names into the O(llmd.openshift.wait_for#module:objects) of M(llmd.openshift.wait_for).
options:
  _input:
    description: Names of the objects.
    type: list
    elements: str
    required: true
  api_version:
    description: API version of the kind.
    type: str
    required: true
  kind:
    description: Kind of the objects.
    type: str
    required: true
  namespace:
    description: Their namespace.
    type: str
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Wait for the pools
  llmd.openshift.wait_for:
    objects: "{{ ['worker'] | llmd.openshift.awaited('machineconfiguration.openshift.io/v1', 'MachineConfigPool') }}"
"""

RETURN = r"""
_value:
  description: One entry an object.
  type: list
  elements: dict
"""

from typing import Any


def awaited(names: list[str], api_version: str, kind: str, namespace: str | None = None) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    place = {"namespace": namespace} if namespace else {}
    return [{"api_version": api_version, "kind": kind, "name": name, **place} for name in names]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"awaited": awaited}
