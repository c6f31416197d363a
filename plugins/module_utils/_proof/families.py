# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of the metrics that are evidence, by generation.

Picker (EPP): gateway-api-inference-extension ``pkg/epp/metrics/metrics.go`` - v0.5.1 and v1.0.0 (OpenShift AI 2.25, 3.0)
count ``inference_model_request_total``; v1.2.1 and v1.4.0 (3.2 to 3.4) ``inference_objective_request_total``;
llm-d-router v0.9 (3.5) also ``llm_d_epp_request_total``. All have ``inference_pool_ready_pods``; the router may call it
``…_ready_endpoints``.
vLLM: ``vllm/v1/metrics/loggers.py``; counters end with ``_total`` on the page.
"""

from __future__ import annotations

PICKER_REQUESTS = ("inference_objective_request_total", "inference_model_request_total", "llm_d_epp_request_total")
PICKER_DECISIONS = (
    "inference_extension_scheduler_e2e_duration_seconds_count",
    "inference_extension_scheduler_attempts_total",
    "llm_d_epp_scheduler_e2e_duration_seconds_count",
)
POOL_READY = (
    "inference_pool_ready_pods",
    "inference_pool_ready_endpoints",
    "llm_d_epp_ready_endpoints",
    "llm_d_epp_pool_ready_endpoints",
)

ENGINE_SUCCESS = "vllm:request_success_total"
CACHE_HITS = ("vllm:prefix_cache_hits_total", "vllm:prefix_cache_hits")
CACHE_QUERIES = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_queries")

# What the client keeps of a page: enough for all of the above, and a little around it for the report.
KEEP = {
    "pickers": ["inference_objective_request_", "inference_model_request_", "inference_pool_", "inference_extension_scheduler_",
                "inference_extension_prefix_indexer_", "inference_extension_info", "llm_d_epp_"],
    "engines": ["vllm:request_success", "vllm:prefix_cache_", "vllm:prompt_tokens", "vllm:generation_tokens",
                "vllm:num_requests_"],
}  # fmt: skip
