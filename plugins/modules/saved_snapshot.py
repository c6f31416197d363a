#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: saved_snapshot
short_description: Read the facts of a cluster from a must-gather or a saved snapshot
version_added: "1.0.0"
description:
  - Returns the same facts as M(llmd.openshift.cluster_snapshot) does, from files of the controller. No cluster is asked.
  - A must-gather is what C(oc adm must-gather) writes, with the folders of one or several images, as a folder, C(.tar) or C(.tar.gz). Nothing is
    unpacked to disk, and links are not followed.
  - What was not gathered, or is broken, is V(null) and listed in C(unreadable) with the reason. V(null) means unknown, never "not installed".
options:
  must_gather:
    description: Folder or archive of a must-gather. One of O(must_gather) and O(file) must be given.
    type: path
  file:
    description: A C(snapshot.json) (or C(.json.gz)) that an earlier run saved.
    type: path
  cluster_id:
    description: Declared cluster id. The task fails when the files are another cluster's.
    type: str
  api_url:
    description: Declared API URL. The task fails when the files are another cluster's.
    type: str
  packages:
    description: OLM packages to look up. A must-gather holds no catalogs, so they are unknown there.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Keys of node labels to keep beside those of hardware and place, for a node selector that names them.
      - A saved snapshot has what was kept when it was read.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Nothing is changed, in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: llmd.openshift.cluster_snapshot
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Read a must-gather
  llmd.openshift.saved_snapshot:
    must_gather: must-gather.local.5219021583047861236
  register: reading

- name: Read an earlier run's snapshot
  llmd.openshift.saved_snapshot:
    file: reports/cluster-a/snapshot.json
    cluster_id: 2f6a1f5e-6a57-4a0c-9c3e-0b8d3a0d8f10
  register: reading
"""

RETURN = r"""
snapshot:
  description: The facts, in the shape of the collection's C(data/schema/snapshot.json).
  returned: success
  type: dict
  sample:
    schema: 1
    openshift: {version: 4.20.4}
    unreadable: [{what: clusterpolicies.nvidia.com, why: not in the must-gather}]
"""
