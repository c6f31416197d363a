# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of the metrics that are evidence, by generation: which of them a page has is found out from the page.

Picker (EPP): gateway-api-inference-extension ``pkg/epp/metrics/metrics.go`` - v0.5.1 and v1.0.0 (OpenShift AI 2.25, 3.0)
count ``inference_model_request_total``; v1.2.1 and v1.4.0 (3.2 to 3.4) ``inference_objective_request_total``;
llm-d-router v0.9 (3.5) also ``llm_d_epp_request_total``. All have ``inference_pool_ready_pods``; the router may call it
``…_ready_endpoints``. Decisions between prefill and decode: llm-d-inference-scheduler ``pkg/metrics/metrics.go`` (from 0.4, so not
in 2.25 and 3.0; the newer name from 0.7), llm-d-router ``…/profilehandler/disagg/metrics.go``.
vLLM: ``vllm/v1/metrics/loggers.py``, ``…/kv_connector/v1/nixl_connector.py``, ``…/offloading*``; counters end with ``_total`` on the page.
Series of connectors exist from 0.11 on, those of the CPU offload from 0.14 to 0.18 on.
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
SPLIT_DECISIONS = (
    "llm_d_inference_scheduler_disagg_decision_total",
    "llm_d_inference_scheduler_pd_decision_total",
    "llm_d_epp_disagg_decision_total",
    "llm_d_epp_pd_decision_total",
)
SPLIT = "prefill-decode"  # value of the label decision_type

ENGINE_SUCCESS = "vllm:request_success_total"
PROMPT_TOKENS = "vllm:prompt_tokens_total"
GENERATED_TOKENS = "vllm:generation_tokens_total"
CACHE_HITS = ("vllm:prefix_cache_hits_total", "vllm:prefix_cache_hits")
CACHE_QUERIES = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_queries")
OUTSIDE_HITS = ("vllm:external_prefix_cache_hits_total", "vllm:external_prefix_cache_hits")
OUTSIDE_QUERIES = ("vllm:external_prefix_cache_queries_total", "vllm:external_prefix_cache_queries")
TOKENS_BY_SOURCE = "vllm:prompt_tokens_by_source_total"
NIXL_BYTES = "vllm:nixl_bytes_transferred_sum"
NIXL_TRANSFERS = "vllm:nixl_bytes_transferred_count"
NIXL_SECONDS = "vllm:nixl_xfer_time_seconds_sum"
NIXL_FAILURES = (
    "vllm:nixl_num_failed_transfers_total",
    "vllm:nixl_num_failed_notifications_total",
    "vllm:nixl_num_kv_expired_reqs_total",
)
OFFLOADED = "vllm:kv_offload_total_bytes_total"  # label transfer_type, whose case differs by version
STORED, LOADED = "gpu_to_cpu", "cpu_to_gpu"

# What the client keeps of a page: enough for all of the above, and a little around it for the report.
KEEP_PICKER = ["inference_objective_request_total", "inference_model_request_total", "inference_pool_", "inference_extension_scheduler_",
               "inference_extension_prefix_indexer_", "inference_extension_info", "llm_d_inference_scheduler_", "llm_d_epp_request_total",
               "llm_d_epp_scheduler_", "llm_d_epp_pool_", "llm_d_epp_ready_", "llm_d_epp_disagg_", "llm_d_epp_pd_"]  # fmt: skip
_REQUESTS = ["vllm:request_success", "vllm:prompt_tokens", "vllm:generation_tokens", "vllm:prefix_cache_"]
_OUTSIDE = ["vllm:external_prefix_cache_"]
KEEP_SPLIT = [*_OUTSIDE, "vllm:nixl_bytes_transferred", "vllm:nixl_xfer_time", "vllm:nixl_num_failed", "vllm:nixl_num_kv"]
KEEP_ENGINE = {
    "inference_scheduling": [*_REQUESTS, "vllm:num_requests_"],
    "pd_disaggregation": _REQUESTS,
    "kv_cache_offload": [*_REQUESTS, *_OUTSIDE, "vllm:kv_offload_", "vllm:cache_config_info"],
    "wide_expert_parallelism": _REQUESTS,
}
