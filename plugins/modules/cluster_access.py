#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_access
short_description: Prove which cluster this is, that the rights suffice, and lock it
version_added: "1.0.0"
description:
  - Compares the cluster that the connection options lead to with the declared identity, and refuses any other.
  - Refuses as well when a C(K8S_AUTH_*) variable of the environment would lead kubernetes.core's modules elsewhere.
  - Checks the rights that the stages of the run need, and prints what is missing as a ready ClusterRole.
  - Takes, renews and frees the cluster's lock, a Lease, so that two runs can't change one cluster at once.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  state:
    description:
      - V(guarded) checks identity and rights; changes nothing.
      - V(locked) checks as V(guarded) does and takes the lock, or renews it when the run has it already. In check mode
        it only looks.
      - V(unlocked) frees the lock if this run holds it.
    type: str
    choices: [guarded, locked, unlocked]
    default: guarded
  cluster_id:
    description: Declared cluster id (C(spec.clusterID) of the ClusterVersion).
    type: str
  api_url:
    description: Declared API URL (C(status.apiServerURL) of the Infrastructure).
    type: str
  stages:
    description: Stages of the run, as in C(data/rbac.yml), whose rights are checked.
    type: list
    elements: str
    default: []
  namespaces:
    description:
      - Real names of the namespaces that the rights call C(@name).
      - C(service) is filled in from C(llmd_declared.namespace) when it isn't given; so is C(model_credentials_secret), a name of a Secret.
    type: dict
    default: {}
  rbac:
    description: The rights of each stage, as in the collection's C(data/rbac.yml), from which they are filled in.
    type: dict
  holder:
    description:
      - Name of the run that holds the lock.
      - Filled in with user, host and process id of ansible-playbook, which are the same in all tasks of a run.
    type: str
  process:
    description:
      - Process id and start time of the run (C(pid:start)), so that a dead run's lock is free at once on the same machine.
      - Filled in. When that process has ended meanwhile, the lock isn't taken.
    type: str
  takeover:
    description: Take the lock away from another run.
    type: bool
    default: false
  lease_seconds:
    description:
      - How long the lock is held without renewal.
      - The default is OpenShift's own figure for leases, which survives a minute without API.
    type: int
    default: 137
attributes:
  check_mode:
    description: Checks everything, takes and frees no lock.
    support: full
  diff_mode:
    description: The lock is the run's own bookkeeping; there is no difference to show.
    support: none
notes:
  - Taking and freeing the lock isn't reported as a change, since it belongs to the run and not to the cluster's desired
    state. Making its namespace is a change.
"""

EXAMPLES = r"""
- name: Is this the right cluster, and may we install operators on it?
  llmd.openshift.cluster_access:
    kubeconfig: "{{ llmd_kubeconfig }}"
    cluster_id: 8bc3c2f7-4d0e-4b6c-9d5b-0a3f5b1c7e11
    stages: [discover, operators]

- name: Take the lock
  llmd.openshift.cluster_access:
    kubeconfig: "{{ llmd_kubeconfig }}"
    cluster_id: 8bc3c2f7-4d0e-4b6c-9d5b-0a3f5b1c7e11
    state: locked
  register: access_lock

- name: Free it
  llmd.openshift.cluster_access:
    kubeconfig: "{{ llmd_kubeconfig }}"
    state: unlocked
    holder: "{{ access_lock.lock.holder }}"
"""

RETURN = r"""
cluster:
  description: The cluster as it describes itself, and the URL that was used.
  returned: success, unless O(state=unlocked)
  type: dict
  sample: {id: 8bc3c2f7-4d0e-4b6c-9d5b-0a3f5b1c7e11, api_url: "https://api.one.example.com:6443", name: one-x7k2p,
           connected_to: "https://api.one.example.com:6443"}
user:
  description: The name under which the cluster knows us; V(null) when it doesn't tell.
  returned: success, unless O(state=unlocked)
  type: str
  sample: system:serviceaccount:automation:llmd
rights:
  description: How many rights were checked, and those that are missing.
  returned: when O(stages) is given
  type: dict
  sample: {checked: 61, missing: ["patch installplans.operators.coreos.com"]}
cluster_role:
  description: Objects (YAML) that grant exactly what is missing.
  returned: when rights are missing
  type: str
  sample: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n..."
lock:
  description:
    - What was done with the lock. In check mode, what would be.
    - C(action) is V(acquired), V(renewed), V(taken_over), V(released) or V(none).
  returned: unless O(state=guarded)
  type: dict
  sample: {action: acquired, holder: "me@host:4711", previous: null, expires: "2026-11-24T10:02:17.000000Z"}
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: WrongCluster, what: This is another cluster than the inventory names, where: "https://127.0.0.1:6443",
           why: "the inventory declares the cluster id a, the cluster says b", todo: Correct the connection options,
           details: {declared: a, found: b}}
"""
