# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: object_info
short_description: Read objects of a cluster
version_added: "1.0.0"
description:
  - Reads one object by its name, or those of a namespace or the whole cluster.
  - It does what M(kubernetes.core.k8s_info) does for a single read, in the controller's own process - without the seconds in which a module starts and asks for
    every API that the cluster serves.
  - Objects that aren't there, and kinds that aren't served, are an empty list.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  api_version:
    description: API version of the kind.
    type: str
    default: v1
  kind:
    description: The kind.
    type: str
    required: true
  name:
    description: Name of the only object.
    type: str
  namespace:
    description: Its namespace. Without it objects of all namespaces are listed.
    type: str
  label_selector:
    description: Labels of the objects, as in C(oc get -l).
    type: str
attributes:
  check_mode:
    description: Runs the same in check mode.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: See since when KServe's controller runs
  llmd.openshift.object_info:
    kind: Pod
    namespace: redhat-ods-applications
    label_selector: control-plane in (kserve-controller-manager, llmisvc-controller-manager)
  register: controllers
"""

RETURN = r"""
resources:
  description: The objects.
  returned: success
  type: list
  elements: dict
  sample: [{apiVersion: v1, kind: Pod, metadata: {name: llmisvc-controller-manager-7d9c, namespace: redhat-ods-applications}}]
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: Forbidden, what: The cluster forbids the request, where: GET /api/v1/pods, why: "HTTP 403", todo: Grant it, details: {status: 403}}
"""
