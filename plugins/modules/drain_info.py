# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: drain_info
short_description: See what a drain of nodes would meet
version_added: "1.0.0"
description:
  - Lists the pods of the nodes and all PodDisruptionBudgets, and tells which pods can't be evicted now and which would be lost.
  - Pods of DaemonSets and static pods stay, as they do when the machine-config-operator drains.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  nodes:
    description: Names of the nodes.
    type: list
    elements: str
    required: true
  lose_pods:
    description: Whether pods without a controller may be deleted for good. They then don't count for RV(message).
    type: bool
    default: false
attributes:
  check_mode:
    description: Runs the same in check mode.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: See whether the nodes can be drained
  llmd.openshift.drain_info:
    nodes: [gpu-0, gpu-1]
  register: drain

- name: Stop when they can't
  ansible.builtin.assert:
    that: drain.message | length == 0
    fail_msg: "{{ drain.message }}"
"""

RETURN = r"""
blockers:
  description: Pods that can't be evicted now.
  returned: success
  type: list
  elements: dict
  sample:
    - {node: gpu-0, pod: shop/db-0, owner: StatefulSet db, budget: shop/db, why: "1 healthy, 1 wanted: no disruption is allowed"}
lost:
  description: Pods without a controller; a drain deletes them for good.
  returned: success
  type: list
  elements: dict
  sample:
    - {node: gpu-0, pod: default/debug, owner: null, volumes: [scratch]}
message:
  description: What stands against a drain and what to do about it, for people; empty when nothing does.
  returned: success
  type: str
  sample: ""
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: Forbidden, what: The cluster forbids the request, where: GET /api/v1/pods, why: "HTTP 403", todo: Grant it, details: {status: 403}}
"""
