#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: wait_for
short_description: Wait for a list of cluster objects, with live progress
version_added: "1.0.0"
description:
  - Watches any number of objects until all fulfil their conditions at the same time.
  - Shows a line when an object changes, and one each half minute otherwise, with the slowest object and its state.
  - Ends at once, with object, reason and repair, on a state that doesn't heal by itself, such as a failed CSV, a degraded
    MachineConfigPool, a Pod that no node takes, C(ImagePullBackOff), or a crash loop behind an awaited object. States that products
    are known to leave alone have a short grace.
  - Lives through dropped watches, throttling, API outages and kinds whose CRD isn't there yet, until O(timeout_seconds).
  - In check mode nothing is awaited; the objects are read once.
options:
  objects:
    description: The awaited objects. With an empty list there is nothing to wait for.
    type: list
    elements: dict
    required: true
    suboptions:
      api_version:
        description: API version of the kind.
        type: str
        required: true
      kind:
        description: Kind of the object.
        type: str
        required: true
      name:
        description: Name of the object. Exactly one of O(objects[].name) and O(objects[].label_selector) is needed.
        type: str
      label_selector:
        description: All objects with these labels are awaited; at least C(minimum) of them (in O(objects[].with), default 1).
        type: str
      namespace:
        description: Namespace of the object.
        type: str
      until:
        description:
          - The condition. V(ready) is each kind's own meaning of being ready; kinds without one need another condition.
          - For every kind V(exists), V(absent), V(condition) (C(type), C(status), C(reason), C(fail_reasons)), V(field) (C(path) and one of
            C(equals), C(in), C(at_least); C(fail_in)), V(labels) (C(labels)).
          - For Node V(allocatable) (C(resource) and one of C(equals), C(at_least)); for Pod V(completed).
          - V(ready) is known for Pod, Deployment, DaemonSet, StatefulSet, Job, PersistentVolumeClaim, Node, CustomResourceDefinition,
            MachineConfigPool, ClusterOperator, ClusterServiceVersion, Subscription, InstallPlan, CatalogSource, NodeFeatureDiscovery,
            ClusterPolicy, LVMCluster, DataScienceCluster, DSCInitialization, Kuadrant, LeaderWorkerSetOperator, CertManager, GatewayClass,
            Gateway, HTTPRoute, InferencePool, AuthPolicy and LLMInferenceService.
        type: str
        default: ready
      with:
        description:
          - Options of the condition.
          - ClusterPolicy takes C(nodes) (node name to number of GPUs) and C(resource); each node's allocatable number is awaited too.
          - NodeFeatureDiscovery takes C(nodes) (a list) and C(labels); each node's labels are awaited too (by default
            C(feature.node.kubernetes.io/kernel-version.full) with any value, which every described node has).
          - Gateway takes C(address_grace_seconds), the time that a load balancer may take (180).
        type: dict
  timeout_seconds:
    description: The longest time for all objects together, in seconds. With V(0) the objects are read once and must be ready.
    type: float
    default: 3600
  collect:
    description: Folder on the controller. With it nothing is awaited or asked of the cluster; the list is written there, for M(llmd.openshift.export).
    type: path
extends_documentation_fragment:
  - llmd.openshift.cluster
attributes:
  check_mode:
    description: Reads the objects once and says what would be awaited.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Wait until all GPUs can be allocated
  llmd.openshift.wait_for:
    timeout_seconds: 3600
    objects:
      - api_version: nvidia.com/v1
        kind: ClusterPolicy
        name: gpu-cluster-policy
        with:
          nodes: {gpu-0: 8, gpu-1: 8}

- name: Wait for the model's claim and a CRD
  llmd.openshift.wait_for:
    objects:
      - api_version: v1
        kind: PersistentVolumeClaim
        name: model
        namespace: llmd
      - api_version: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        name: llminferenceservices.serving.kserve.io
        until: established
        with: {version: v1alpha1}
"""

RETURN = r"""
waited:
  description: Each awaited object.
  returned: always
  type: list
  elements: dict
  sample: [{object: ClusterPolicy gpu-cluster-policy, state: ready, detail: Reconciled, seconds: 612.4}]
  contains:
    object:
      description: Kind, namespace and name; with the condition when it isn't V(ready).
      type: str
      returned: always
    state:
      description: Short word for its state.
      type: str
      returned: always
    detail:
      description: More about its state.
      type: str
      returned: always
    seconds:
      description: Seconds until it was ready; null when it isn't.
      type: float
      returned: always
would_wait_for:
  description: The objects that aren't ready yet.
  returned: in check mode
  type: list
  elements: str
  sample: [ClusterPolicy gpu-cluster-policy]
failure:
  description: The object that ended the wait, the object at fault, the reason and the repair.
  returned: when a state can't heal
  type: dict
  sample:
    object: LLMInferenceService llmd/llmd
    culprit: Pod llmd/llmd-kserve-6c9
    reason: Unschedulable
    detail: "no node takes Pod llmd/llmd-kserve-6c9: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu."
    repair: Free or add the resource that the scheduler names, or correct node selector and tolerations.
timed_out:
  description: Whether time ran out.
  returned: on failure
  type: bool
  sample: false
error:
  description: Structured error when the cluster couldn't be read.
  returned: when the API refused or didn't answer
  type: dict
  sample: {kind: Forbidden, what: "...", where: "...", why: "...", todo: "..."}
"""
