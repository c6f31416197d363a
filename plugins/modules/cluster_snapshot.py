#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_snapshot
short_description: Read all facts of a cluster that decide about llm-d
version_added: "1.0.0"
description:
  - Reads one OpenShift cluster in a handful of paged lists and returns normalised, small facts.
  - Never changes anything, so it does the same in check mode.
  - What can't be read is V(null) and listed in C(unreadable) of it. V(null) means unknown, never "all is well".
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  packages:
    description:
      - OLM packages to look up in the cluster's catalogs.
      - Only these are read, since the whole list is tens of megabytes.
    type: list
    elements: str
    default: []
  image_streams:
    description: ImageStreams (C(namespace/name)) whose C(latest) image is resolved to its digest.
    type: list
    elements: str
    default: [openshift/tools]
  labels:
    description: Keys of node labels to keep beside those of hardware and place, for a node selector that names them.
    type: list
    elements: str
    default: []
  accelerators:
    description:
      - Table of PCI ids and product names, as in the collection's C(data/accelerators.yml).
      - Filled in from that file when it isn't given.
    type: dict
attributes:
  check_mode:
    description: Runs the same in check mode.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Read the cluster
  llmd.openshift.cluster_snapshot:
    kubeconfig: "{{ llmd_kubeconfig }}"
    packages: [nfd, gpu-operator-certified, rhods-operator]
  register: reading

- name: Show the GPU nodes
  ansible.builtin.debug:
    msg: "{{ reading.snapshot.nodes | selectattr('accelerators.count', 'gt', 0) | map(attribute='name') }}"
"""

RETURN = r"""
snapshot:
  description: The facts, in the shape of the collection's C(data/schema/snapshot.json).
  returned: success
  type: dict
  sample:
    schema: 1
    read_at: "2026-11-24T10:00:00Z"
    cluster: {id: 8bc3c2f7-4d0e-4b6c-9d5b-0a3f5b1c7e11, api_url: "https://api.one.example.com:6443", name: one-x7k2p}
    openshift: {version: 4.20.4, channel: stable-4.20, upgrading: false, history: [], conditions: {}}
    kubernetes: {version: v1.33.5}
    nodes:
      - name: gpu-0
        roles: [worker]
        pool: worker
        ready: true
        schedulable: true
        accelerators:
          {vendor: nvidia, model: H200, product: NVIDIA-H200, count: 8, memory_mib: 143771, mig: null, health: null,
           pci_ids: ["10de:2335"], source: gfd}
    crds: {llminferenceservices.serving.kserve.io: {established: true, versions: [v1alpha1]}}
    unreadable: [{what: nodefeatures.nfd.k8s-sigs.io, why: absent}]
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: Unauthorized, what: The cluster doesn't accept the credentials, where: GET /apis, why: "HTTP 401",
           todo: Log in again, details: {status: 401}}
"""
