# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: dialect
short_description: How a RHOAI release wants its objects to be written
version_added: "1.0.0"
description:
  - Looks the release up in C(data/dialects/).
options:
  _input:
    description: RHOAI release, for example V(3.3).
    type: str
    required: true
author:
  - llmd.openshift contributors
"""

EXAMPLES = r"""
- name: Which API version does the DataScienceCluster have?
  ansible.builtin.debug:
    msg: "{{ ('3.3' | llmd.openshift.dialect).dsc_api_version }}"
"""

RETURN = r"""
_value:
  description: The row of the release, with C(api_version), C(dsc_api_version), C(dsci_api_version), what its vLLM understands, and C(source).
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._serving import dialects


def dialect(release: str) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return dialects.of_release(str(release))
    except (dialects.UnknownRelease, DataError) as error:
        raise AnsibleFilterError(f"dialect: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"dialect": dialect}
