#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: apply
short_description: Apply a list of objects to a cluster, each field with one owner
version_added: "1.0.0"
description:
  - Makes or updates a list of Kubernetes objects by server-side apply as field manager C(llmd-openshift).
  - Objects that this module makes get the label C(app.kubernetes.io/managed-by=llmd-openshift).
  - An object that exists already and lacks that label is adopted. Only the declared fields are set, it doesn't get the
    label (so O(state=absent) never deletes it), and fields of other managers make the task fail, unless
    O(force_conflicts) names that manager.
  - The list is ordered by itself (namespaces, CRDs, accounts and roles first; webhooks last).
  - RV(ignore:changed) comes from comparing the object before and after, without the API server's bookkeeping.
  - Where the live object's C(managedFields) prove that an apply would have no effect, none is sent.
  - Check mode is the API server's own dry run. Where even that is impossible, since the kind or the namespace isn't
    there yet, the object is shown as declared, with action V(predicted).
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  objects:
    description:
      - The objects. Each needs C(apiVersion), C(kind) and C(metadata.name).
      - Values of Secrets are never returned or shown; use C(no_log) on the task, since Ansible itself prints arguments
        at high verbosity.
    type: list
    elements: dict
    required: true
  state:
    description:
      - V(present) makes or updates the objects.
      - V(absent) deletes those that carry our label and keeps all others.
    type: str
    choices: [present, absent]
    default: present
  adopt:
    description: Whether an existing object without our label may be changed at all.
    type: bool
    default: true
  force_conflicts:
    description:
      - Field managers whose fields may be taken over when they conflict. On an object that carries our label, what a person changed
        by C(kubectl edit), C(kubectl patch) or in the web console is always set back.
    type: list
    elements: str
    default: []
  wait_crds_seconds:
    description: How long to wait, in all, for CRDs that are about to appear. Not waited for in check mode.
    type: float
    default: 0
  after:
    description:
      - Objects that must be ready before anything is applied, as O(llmd.openshift.wait_for#module:objects).
      - Not waited for in check mode.
    type: list
    elements: dict
    default: []
  after_seconds:
    description: The longest time of that wait, in seconds.
    type: float
    default: 3600
  collect:
    description:
      - Folder on the controller. With it nothing is applied, awaited or asked of the cluster; the list is written there, for
        M(llmd.openshift.drift) and M(llmd.openshift.export).
    type: path
attributes:
  check_mode:
    description: Uses the API server's dry run; see the description for what that can't try.
    support: full
  diff_mode:
    description: Shows what differs of each object; values of Secrets are blanked.
    support: full
"""

EXAMPLES = r"""
- name: Namespace and OperatorGroup for node feature discovery
  llmd.openshift.apply:
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata: {name: openshift-nfd}
      - apiVersion: operators.coreos.com/v1
        kind: OperatorGroup
        metadata: {name: openshift-nfd, namespace: openshift-nfd}
        spec: {targetNamespaces: [openshift-nfd]}

- name: Declare Kuadrant once its operator is there
  llmd.openshift.apply:
    after:
      - {api_version: operators.coreos.com/v1alpha1, kind: ClusterServiceVersion, name: rhcl-operator.v1.4.3, namespace: kuadrant-system}
    objects:
      - apiVersion: kuadrant.io/v1beta1
        kind: Kuadrant
        metadata: {name: kuadrant, namespace: kuadrant-system}

- name: Remove what an earlier run made
  llmd.openshift.apply:
    state: absent
    objects:
      - apiVersion: nvidia.com/v1
        kind: ClusterPolicy
        metadata: {name: gpu-cluster-policy}
"""

RETURN = r"""
objects:
  description: What was done with each object (in check mode, what would be), in the order of doing.
  returned: always
  type: list
  elements: dict
  contains:
    object:
      description: The object as C(Kind namespace/name).
      type: str
      returned: always
    action:
      description: V(created), V(updated), V(unchanged) or V(predicted); V(deleted), V(absent) or V(kept) for O(state=absent).
      type: str
      returned: always
    adopted:
      description: Whether the object existed without our label.
      type: bool
      returned: always
    forced:
      description: Field managers that were overridden.
      type: list
      elements: str
      returned: always
    note:
      description: What else there is to know, for example why a dry run was impossible.
      type: str
      returned: always
  sample:
    - {object: Namespace openshift-nfd, action: created, adopted: false, forced: [], note: null}
    - {object: OperatorGroup openshift-nfd/openshift-nfd, action: predicted, adopted: false, forced: [],
       note: "not tried, since its namespace isn't there yet"}
waited:
  description: Each object of O(after), as M(llmd.openshift.wait_for) returns it.
  returned: when that wait failed
  type: list
  elements: dict
  sample: [{object: ClusterServiceVersion kuadrant-system/rhcl-operator.v1.4.3, state: failed, detail: InstallCheckFailed, seconds: null}]
failure:
  description: The object that ended that wait, the object at fault, the reason and the repair.
  returned: when a state can't heal
  type: dict
  sample: {object: ClusterServiceVersion a/b, culprit: ClusterServiceVersion a/b, reason: InstallCheckFailed, detail: "...", repair: "..."}
timed_out:
  description: Whether the time of that wait ran out.
  returned: when that wait failed
  type: bool
  sample: false
error:
  description: What failed, on which object, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: Conflict, what: An object has fields that belong to another manager, where: ConfigMap a/b,
           why: "'kubectl' owns .data.x", todo: Have that manager give them up, details: {owners: {kubectl: [.data.x]}}}
"""
