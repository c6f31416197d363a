#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: inference_probe
short_description: Measure an LLMInferenceService from inside the cluster
version_added: "1.0.0"
description:
  - Runs a short-lived Pod in the service's namespace that sends requests and reads the metrics of the endpoint picker and of each vLLM Pod
    before, between and after them. It judges nothing; M(llmd.openshift.prove) does.
  - Requests are the list of models, chat and text completions, plain and streamed, wrong ones, calls that must be refused on every route, and
    requests whose Pods are known from their counters.
  - For V(kv_cache_offload) the GPU's KV cache of each Pod is filled with other prompts, by as many tokens as it holds and a third more, and the
    first ones are asked again. For V(wide_expert_parallelism) each data-parallel rank is asked by name. Both go to the Pods themselves.
  - The logs of the Pods that answer are read for the transport of KV blocks and known troubles; only such lines are returned.
  - The call with a valid token that lacks the right is made only where this task may make tokens and Secrets; else it is left out.
  - The Pod has an account of its own with the right to use this one service and to read C(/metrics), runs under the SCC C(restricted-v2)
    and writes nothing.
  - Everything that is made is deleted again, also after a failure. What an interrupted run left behind is deleted first. Hence the task
    reports no change.
  - In check mode nothing is made and nothing is measured.
options:
  namespace:
    description: Namespace of the service.
    type: str
    required: true
  name:
    description: Name of the LLMInferenceService.
    type: str
    required: true
  api_version:
    description: API version of the LLMInferenceService.
    type: str
    default: serving.kserve.io/v1alpha1
  path:
    description: The llm-d path whose evidence is measured.
    type: str
    choices: [inference_scheduling, pd_disaggregation, kv_cache_offload, wide_expert_parallelism]
    default: inference_scheduling
  image:
    description: Image with C(python3) (3.9 or later), by digest; OpenShift's C(openshift/tools) has it.
    type: str
    required: true
  requests:
    description: Number of requests in prefix groups (10 or more).
    type: int
    default: 24
  url:
    description: Base URL of the service, when the one in its status isn't to be used.
    type: str
  validate_gateway_certs:
    description: Whether the Pod checks the gateway's certificate.
    type: bool
    default: true
  gateway_ca_cert:
    description: PEM text of the gateway's CA, besides the cluster's and the system's CAs.
    type: str
  timeout_seconds:
    description: The longest time for the measurement, in seconds, the Pod's start included.
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
seealso:
  - module: llmd.openshift.prove
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Measure the service
  llmd.openshift.inference_probe:
    namespace: llmd
    name: llmd
    image: quay.io/openshift/tools@sha256:0f3d0ff6c6c5e2e5f4c0d9c0d6f1b0a9e8d7c6b5a493827160f5e4d3c2b1a098
    requests: 24
  register: probe
"""

RETURN = r"""
measurements:
  description: Raw measurements, for M(llmd.openshift.prove).
  returned: when measured
  type: dict
  sample:
    service: LLMInferenceService llmd/llmd
    model: llama
    replicas: 2
    auth: true
    condition: {type: Ready, status: "True"}
    endpoints: {url: "https://inference.example.com/llmd/llmd"}
    engines: [{name: llmd-kserve-7d9f-abcde, ready: true, ready_before: true, restarts: 0, restarts_before: 0, trouble: ""}]
    pickers: [{name: llmd-kserve-router-scheduler-5c-xyz, ready: true, ready_before: true, restarts: 0, restarts_before: 0, trouble: ""}]
    members: []
    logs: {}
    document: {format: 1}
msg:
  description: What would be measured, or why nothing could be.
  returned: in check mode and on failure
  type: str
  sample: "check mode: would send 24 requests to LLMInferenceService llmd/llmd"
failure:
  description: The object that stood in the way, the reason and the repair.
  returned: when the client's Pod can't run
  type: dict
  sample: {object: Pod llmd/llmd-probe-1a2b3c, reason: ImagePullBackOff, detail: "...", repair: "..."}
error:
  description: Structured error when the cluster refused or didn't answer.
  returned: when the API refused or didn't answer
  type: dict
  sample: {kind: Forbidden, what: "...", where: "...", why: "...", todo: "..."}
"""
