#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: olm_subscription
short_description: Approve exactly the expected InstallPlans and wait until the operators have succeeded
version_added: "1.0.0"
description:
  - Brings operators whose Subscriptions exist (they are made by M(llmd.openshift.apply)) to a succeeded CSV of the wanted version.
  - An InstallPlan is approved only when every CSV in it is expected by the operators of its namespace, and it brings a wanted one. A newer
    or another plan is never approved.
  - A healthy installation of another version is reported as adopted and left alone, unless O(subscriptions[].adopt=false).
  - OLM's failure states end the task at once, with reason and repair. Examples are failed resolution, failed unpacking of a bundle, a failed
    plan or CSV, no or several OperatorGroups, a missing catalog, package, channel or version, and a plan that would install something else.
  - Shows a line when an operator's state changes, and one each half minute otherwise.
options:
  subscriptions:
    description: The wanted operators. With an empty list there is nothing to do.
    type: list
    elements: dict
    required: true
    suboptions:
      package:
        description: Name of the package in the catalog.
        type: str
        required: true
      namespace:
        description: Namespace of the Subscription.
        type: str
        required: true
      csv:
        description: Exact name of the wanted ClusterServiceVersion.
        type: str
        required: true
      name:
        description: Name of the Subscription; the package's name when not given.
        type: str
      channel:
        description: Channel that holds the version; only used to explain why a version can't be had.
        type: str
      catalog:
        description: Name of the CatalogSource; only used to explain why a version can't be had.
        type: str
      catalog_namespace:
        description: Namespace of the CatalogSource.
        type: str
        default: openshift-marketplace
      expected_csvs:
        description: Further CSVs that may come along (dependencies).
        type: list
        elements: str
        default: []
      adopt:
        description: Take a healthy installation of another version as it is.
        type: bool
        default: true
  until:
    description:
      - V(succeeded) waits for the CSVs.
      - V(approved) ends as soon as each InstallPlan is approved and its CSV has appeared; what needs an operator waits for its CSV with
        M(llmd.openshift.wait_for), so that operators install side by side with other work.
    type: str
    choices: [succeeded, approved]
    default: succeeded
  timeout_seconds:
    description: The longest time for all operators together, in seconds.
    type: float
    default: 3600
  look:
    description: Whether check mode reads how the operators stand. Without it the cluster isn't asked.
    type: bool
    default: true
extends_documentation_fragment:
  - llmd.openshift.cluster
attributes:
  check_mode:
    description: Approves nothing, waits for nothing and says what it would approve.
    support: full
  diff_mode:
    description: The only change is the approval, which RV(approved) names.
    support: none
seealso:
  - module: llmd.openshift.apply
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Install the GPU operator in exactly this version
  llmd.openshift.olm_subscription:
    timeout_seconds: 1800
    subscriptions:
      - package: gpu-operator-certified
        namespace: nvidia-gpu-operator
        channel: v25.10
        catalog: certified-operators
        csv: gpu-operator-certified.v25.10.1

- name: Connectivity Link comes with three more operators
  llmd.openshift.olm_subscription:
    subscriptions:
      - package: rhcl-operator
        namespace: kuadrant-system
        csv: rhcl-operator.v1.3.2
        expected_csvs: [authorino-operator.v1.3.0, limitador-operator.v1.3.0, dns-operator.v1.3.0]
"""

RETURN = r"""
operators:
  description: Each wanted operator.
  returned: always
  type: list
  elements: dict
  sample:
    - package: gpu-operator-certified
      namespace: nvidia-gpu-operator
      subscription: gpu-operator-certified
      csv: gpu-operator-certified.v25.10.1
      installed_csv: gpu-operator-certified.v25.10.1
      install_plan: ""
      adopted: false
      state: Succeeded
      detail: ""
      repair: ""
      seconds: 41.3
approved:
  description: InstallPlans (C(namespace/name)) that were approved.
  returned: always
  type: list
  elements: str
  sample: [nvidia-gpu-operator/install-x7k2p]
would_approve:
  description: InstallPlans that would be approved.
  returned: in check mode
  type: list
  elements: str
  sample: []
failure:
  description: The Subscription that ended the wait, the object at fault, the reason and the repair.
  returned: when an operator can't get there
  type: dict
  sample: {object: Subscription openshift-nfd/nfd, culprit: Subscription openshift-nfd/nfd, reason: BundleUnpackFailed, detail: "...", repair: "..."}
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
