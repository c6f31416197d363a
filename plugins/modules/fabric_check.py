#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: fabric_check
short_description: Measure bandwidth and latency of the rails between GPU nodes
version_added: "1.0.0"
description:
  - Runs one short-lived Pod a node with the networks and devices that a model server gets, in a ring. Each Pod measures every rail to the next
    node with C(ib_write_bw) and C(ib_read_lat), so N nodes need N Pods and as long as two do.
  - The results are held against C(data/thresholds.yml) for the path, or against O(pass_gbit) and O(warn_gbit). A rail whose Pod has no RDMA device
    or no active port is a failure, since traffic would fall back to TCP.
  - Whatever keeps it from measuring (no image, no free device, an image that can't be pulled) makes the result V(unknown), never a pass.
  - Everything that is made is deleted again, also after a failure. Hence the task reports no change. In check mode nothing is made.
options:
  namespace:
    description: Namespace of the service, where the rails' NetworkAttachmentDefinitions are.
    type: str
    required: true
  image:
    description: Image by digest with C(sh), coreutils, C(ib_write_bw) and C(ib_read_lat). Without one nothing is asked of the cluster.
    type: str
  path:
    description: llm-d path, which decides the bounds.
    type: str
    required: true
  fabric:
    description: The fabric's design (C(llmd_fabric)).
    type: dict
    required: true
  snapshot:
    description: The cluster's snapshot, for the cards' line rates.
    type: dict
    default: {}
  pass_gbit:
    description: Least Gbit/s that is good, instead of the one of the path.
    type: float
  warn_gbit:
    description: Gbit/s below which the check fails, instead of the one of the path.
    type: float
  tolerations:
    description: Tolerations of the Pods.
    type: list
    elements: dict
    default: []
  timeout_seconds:
    description: Longest time of the measurement in seconds, the Pods' start included.
    type: int
    default: 600
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
- name: Measure the rails
  llmd.openshift.fabric_check:
    namespace: llmd
    image: registry.example.com/perftest@sha256:0000000000000000000000000000000000000000000000000000000000000000
    path: pd_disaggregation
    fabric: "{{ llmd_fabric }}"
    snapshot: "{{ llmd_facts }}"
  register: fabric
"""

RETURN = r"""
check:
  description: Status (pass, warn, fail or unknown), findings, the matrix of rails and pairs of nodes, numbers. Empty for paths without a fabric.
  returned: always
  type: dict
  sample:
    status: pass
    findings: [{id: fabric-bandwidth, status: pass, subject: 16 links, observed: 389 to 391 Gbit/s}]
    matrix: {columns: [gpu-0 to gpu-1], rows: [{rail: 0, cells: [{gbit: 389.3, usec: 2.6, status: pass, why: ""}]}]}
    numbers: {links: 16, least_gbit: 389.1, median_gbit: 390.2}
msg:
  description: What is wrong and what to do, or what was measured.
  returned: always
  type: str
  sample: "pass: 389 to 391 Gbit/s"
error:
  description: Structured error when the cluster refused or didn't answer.
  returned: when the API refused or didn't answer
  type: dict
  sample: {kind: Forbidden, what: "...", where: "...", why: "...", todo: "..."}
"""
