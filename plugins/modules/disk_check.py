#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: disk_check
short_description: Measure how fast the drives of the model cache read
version_added: "1.0.0"
description:
  - Runs one short-lived Pod a node, with a volume of the StorageClass that goes with the Pod, and reads sequentially with C(fio) past the page cache.
  - Judges only against O(read_mib), since there is no public number that a drive must reach. Without it, or where nothing could be measured, the result
    is V(unknown).
  - Everything that is made is deleted again. Hence the task reports no change. In check mode nothing is made.
options:
  namespace:
    description: Namespace of the Pods.
    type: str
    required: true
  image:
    description: Image by digest with C(fio). Without one nothing is asked of the cluster.
    type: str
  storage_class:
    description: StorageClass of the volumes.
    type: str
    required: true
  nodes:
    description: Nodes to measure.
    type: list
    elements: str
    required: true
  read_mib:
    description: Least MiB/s of sequential reads.
    type: float
  tolerations:
    description: Tolerations of the Pods.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - llmd.openshift.cluster
attributes:
  check_mode:
    description: Makes and measures nothing.
    support: full
  diff_mode:
    description: Nothing stays changed.
    support: none
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Measure the drives
  llmd.openshift.disk_check:
    namespace: llmd
    image: registry.example.com/fio@sha256:0000000000000000000000000000000000000000000000000000000000000000
    storage_class: lvms-nvme
    nodes: [gpu-0, gpu-1]
    read_mib: 5000
  register: drives
"""

RETURN = r"""
check:
  description: Status (pass, fail or unknown), findings, and MiB/s by node.
  returned: always
  type: dict
  sample: {status: pass, findings: [{id: drive-read-rate, status: pass}], numbers: {gpu-0: 6800}}
msg:
  description: What was measured, and what to do.
  returned: always
  type: str
  sample: "pass: gpu-0 reads 6800 MiB/s."
error:
  description: Structured error when the cluster refused or didn't answer.
  returned: when the API refused or didn't answer
  type: dict
  sample: {kind: Forbidden, what: "...", where: "...", why: "...", todo: "..."}
"""
