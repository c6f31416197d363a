#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: declare
short_description: Check what is declared for a cluster
version_added: "1.0.0"
description:
  - Checks all variables of the host that begin with C(llmd_) against their specification (C(data/declaration.yml)), before anything is read
    from a cluster. All errors are reported at once, with the nearest right word for a typo.
  - A variable that begins with C(llmd_) and isn't an option is an error.
  - Values from C(-e), surveys and inventories are turned into the type of their option. Defaults are filled in.
  - Secrets (C(llmd_token)) are checked and then left out of the result.
options:
  stages:
    description:
      - Stages that this run goes through. They decide which options must be given, for example C(llmd_model_uri) for C(serving).
      - Without it, the variable C(llmd_stages) counts, else all stages.
    type: list
    elements: str
attributes:
  check_mode:
    description: Nothing is changed, in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: llmd.openshift.cluster_access
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Check the declaration
  llmd.openshift.declare:
  register: declaration

- name: Keep it
  ansible.builtin.set_fact:
    llmd_declared: "{{ declaration.declared }}"
"""

RETURN = r"""
declared:
  description: Each option's value, by its name without C(llmd_). No secrets.
  returned: success
  type: dict
  sample: {release: "3.3", path: inference_scheduling, replicas: 2}
packages:
  description: The OLM packages that decisions look at, for M(llmd.openshift.cluster_snapshot).
  returned: success
  type: list
  elements: str
  sample: [nfd, rhods-operator]
errors:
  description: Every error, one an element.
  returned: failure
  type: list
  elements: str
  sample: ["llmd_relase: no such option. Did you mean llmd_release?"]
"""
