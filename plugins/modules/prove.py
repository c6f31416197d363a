#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: prove
short_description: Judge whether measurements prove that an llm-d path works
version_added: "1.0.0"
description:
  - Turns what M(llmd.openshift.inference_probe) measured into a proof with findings and numbers.
  - For every path the service must answer as the API promises (both completions, streams, usage, errors, refusals on every route), the endpoint
    picker must be alive, its counters must have risen by our requests, and all Pods must be in its pool.
  - For V(inference_scheduling) requests that repeat a prefix must have gone to the Pod that has it (more often than chance allows), and new
    prefixes must have spread.
  - For V(pd_disaggregation) each request must have been decided and counted as prefill and decode, prefill Pods must have made nothing but the
    prompts' KV blocks, decode Pods must have got them, with bytes, without a failed transfer, and over RDMA.
  - For V(kv_cache_offload) KV blocks must have been copied to the CPU, our own requests must have pushed them out of the GPU, and they must have
    come back when their prompt came again.
  - For V(wide_expert_parallelism) each group must be whole, all its ranks must have joined, and each of them must have answered.
  - An InferencePool fails open, and vLLM computes again what it can't get, so good answers prove nothing. Evidence that couldn't be read makes the
    proof V(unknown).
  - The proof also has ready commands of GuideLLM and inference-perf for this service, and the result of one of them when its file is given.
  - The task doesn't fail when the proof does. The role that called it decides, with RV(msg) as the reason.
options:
  path:
    description: The llm-d path.
    type: str
    choices: [inference_scheduling, pd_disaggregation, kv_cache_offload, wide_expert_parallelism]
    required: true
  measurements:
    description: The C(measurements) that M(llmd.openshift.inference_probe) returned.
    type: dict
    required: true
  benchmark_results:
    description:
      - JSON file on the controller that GuideLLM (C(benchmarks.json)) or inference-perf (C(summary_lifecycle_metrics.json)) wrote.
      - It goes into the proof as evidence that others made, with its digest; it doesn't change the verdict.
    type: str
attributes:
  check_mode:
    description: Nothing is changed, in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: llmd.openshift.inference_probe
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Measure
  llmd.openshift.inference_probe:
    namespace: llmd
    name: llmd
    image: quay.io/openshift/tools@sha256:0f3d0ff6c6c5e2e5f4c0d9c0d6f1b0a9e8d7c6b5a493827160f5e4d3c2b1a098
  register: probe

- name: Judge
  llmd.openshift.prove:
    path: inference_scheduling
    measurements: "{{ probe.measurements }}"
  register: judged

- name: Stop without proof
  ansible.builtin.fail:
    msg: "{{ judged.msg }}"
  when: judged.proof.status != 'proven'
"""

RETURN = r"""
proof:
  description: The proof. The role verify keeps it as fact C(llmd_proof).
  returned: always
  type: dict
  contains:
    path:
      description: The llm-d path.
      type: str
      returned: always
    status:
      description: V(proven), V(failed) or V(unknown).
      type: str
      returned: always
    checks:
      description: Findings with C(id), C(status), C(deciding), C(subject), C(observed), C(expected), C(remedy) and C(source).
      type: list
      elements: dict
      returned: always
    numbers:
      description: Figures such as latencies (milliseconds), shares and counters; null where they couldn't be read.
      type: dict
      returned: always
    requests:
      description: Each request with C(name), C(status), C(ms), C(first_ms) and C(pod).
      type: list
      elements: dict
      returned: always
    endpoints:
      description: The URLs.
      type: dict
      returned: always
    outside:
      description: APIs that no release promises; they aren't proven.
      type: list
      elements: str
      returned: always
    benchmark:
      description: Ready C(commands) by tool, and the C(result) of the file given (or null).
      type: dict
      returned: always
  sample:
    path: inference_scheduling
    status: proven
    checks:
      - id: proof-picker-counted
        status: pass
        deciding: true
        subject: LLMInferenceService llmd/llmd
        observed: inference_objective_request_total rose by 28 for our 28 requests
        expected: the picker's request counter rises by our 28 requests or more
        remedy: ""
        source: gateway-api-inference-extension pkg/epp/metrics; vLLM vllm/v1/metrics
    numbers: {replicas: 2, requests_answered: 28, latency_ms_p50: 61.2}
    requests: [{name: chat, status: 200, ms: 58.3, first_ms: null, pod: null}]
    endpoints: {url: "https://inference.example.com/llmd/llmd"}
msg:
  description: The proof in words.
  returned: always
  type: str
  sample: "inference_scheduling is proven: 14 checks; 28 requests answered, 12 of 12 repeated prefixes on the same Pod, 2 Pods in the picker's pool."
"""
