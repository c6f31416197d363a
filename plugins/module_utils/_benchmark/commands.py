# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ready commands of the tools that measure a served model under load. The proof sends a few requests; load is the tools' matter.

Spelling: guidellm 0.7 README.md and docs/guides (``guidellm run``), inference-perf 0.6 README.md and docs/cli_flags.md. Both read the token from the
environment, so that it is in no file; ``oc whoami -t`` fits whoever has the right get on the LLMInferenceService.
"""

from __future__ import annotations

import shlex

TOKEN = "export TOKEN=$(oc whoami -t)"
# Tokens of prompt and answer with which a path shows what it is for.
SHAPES = {
    "inference_scheduling": (512, 128),
    "pd_disaggregation": (4096, 256),
    "kv_cache_offload": (8192, 128),
    "wide_expert_parallelism": (1024, 512),
}


def ready(path: str, url: str, model: str, auth: bool) -> dict[str, str]:
    """Tool -> command line; ``token`` is to be run first where the service asks for one."""
    prompt, answer = SHAPES[path]
    key = ',api_key="$TOKEN"' if auth else ""
    guidellm = [
        f"guidellm run --backend kind=openai_http,target={shlex.quote(url)},model={shlex.quote(model)}{key}",
        "--profile kind=sweep --constraint kind=max_duration,seconds=60",
        f"--data kind=synthetic_text,prompt_tokens={prompt},output_tokens={answer}",
        "--output kind=json,path=benchmarks.json",
    ]
    inference_perf = [
        f"inference-perf --server.type vllm --server.base_url {shlex.quote(url)} --server.model_name {shlex.quote(model)}",
        *(['--server.api_key "$TOKEN"'] if auth else []),
        f"--tokenizer.pretrained_model_name_or_path {shlex.quote(model)} --data.type random",
        *(f"--data.{part}_distribution.mean {size} --data.{part}_distribution.min {size // 2} --data.{part}_distribution.max {size * 2}"
          for part, size in (("input", prompt), ("output", answer))),
        "--load.type constant --load.stages '[{\"rate\": 2, \"duration\": 60}]' --api.type completion --api.streaming true",
    ]  # fmt: skip
    return {**({"token": TOKEN} if auth else {}), "guidellm": " ".join(guidellm), "inference-perf": " ".join(inference_perf)}
