# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the program ``vllm`` inside a pod: reads the command line as that release would, fails where vLLM would fail for
reasons that can be seen from here, and serves with ``engine/`` in front of llm-d-inference-sim.

What it can see: flags, the model folder, the GPUs that the container asked for, keys of the KV connector. Texts of the errors: vLLM 0.13.0
(vllm/transformers_utils/config.py, vllm/config/parallel.py, vllm/v1/kv_offload/cpu.py, vllm/config/device.py), their deciding line.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from rehearsal.shims.engine import connectors, group, nixl, server
from rehearsal.shims.engine.log import say
from rehearsal.shims.engine.release import Release
from rehearsal.shims.vllm_args import parse_api_server, parse_serve

Obj = dict[str, Any]
SETTINGS = Path("/.rehearsal/vllm.json")
DEFAULT_LENGTH = 32768  # tokens, when neither a flag nor the model's config names a context length
CACHE_TOKENS = 131072  # that the KV cache holds; GPUs hold more, but the simulator keeps each block in memory
BYTES_PER_TOKEN = 57344  # keys and values of one token: 28 layers, 4 heads of 128, two bytes each (Qwen2.5-7B)
BLOCK_SIZES = (8, 16, 32, 64, 128)  # that the simulator knows
SPEED = ("--time-to-first-token", "20ms", "--inter-token-latency", "2ms")
IMPORT_SECONDS = 3.0


class EngineError(Exception):
    """vLLM would end now, with this as the last line of its traceback."""


def main(argv: list[str]) -> int:
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))
    if argv and argv[0] == "api_server":
        args = parse_api_server(settings["flags"], argv[1:])
    else:
        args = parse_serve(settings["flags"], settings["version"], argv)
        if args.subparser != "serve":
            print(f"the rehearsal's vllm knows 'serve' and '--version' only, not '{args.subparser}'", file=sys.stderr)
            return 2
    if unknown := connectors.unknown_keys(args.kv_transfer_config, Release(settings["version"])):
        print(refused_keys(unknown, args.kv_transfer_config), file=sys.stderr)
        return 2
    say(f"vLLM API server version {settings['version']}", "api_server.py:1351")
    model = args.model_tag or args.model or "Qwen/Qwen3-0.6B"  # vLLM's own default model
    wait_for_model(Path(model))
    try:
        job = make_job(args, model, settings)
    except (EngineError, connectors.Refused, group.GroupError) as error:
        print("Traceback (most recent call last):", file=sys.stderr)
        print(str(error), file=sys.stderr)
        return 1
    return server.run(job)


def refused_keys(names: list[str], config: Obj) -> str:
    """argparse's message with pydantic's inside, as vLLM's parser prints it."""
    rows = [f"{name}\n  Unexpected keyword argument [type=unexpected_keyword_argument, input_value={config[name]!r}, "
            f"input_type={type(config[name]).__name__}]" for name in names]
    count = f"{len(names)} validation error{'s' if len(names) > 1 else ''}"
    return "\n".join([f"vllm serve: error: argument --kv-transfer-config: {count} for KVTransferConfig", *rows])


def make_job(args: argparse.Namespace, model: str, settings: Obj) -> server.Job:
    """What is to be served. Raises EngineError, Refused or GroupError with vLLM's own words."""
    length = context_length(args, model)
    check_devices(args, settings["gpus"])
    release = Release(settings["version"])
    layout = group.layout(args)
    block = args.block_size if args.block_size in BLOCK_SIZES else 16
    blocks = args.num_gpu_blocks_override or CACHE_TOKENS // block
    ranks = (args.tensor_parallel_size or 1) * (args.pipeline_parallel_size or 1)
    check_capacity(length, blocks * block)
    plan = connectors.plan(args.kv_transfer_config, getattr(args, "kv_offloading_size", None), getattr(args, "kv_offloading_backend", None),
                           release, block * BYTES_PER_TOKEN, ranks)
    faults = settings.get("faults") or {}
    return server.Job(
        release=release, names=args.served_model_name or [model], root=model, layout=layout, plan=plan, blocks=blocks, block_size=block,
        block_bytes=block * BYTES_PER_TOKEN, command=[settings["simulator"], *translate(args, model, length, block, blocks)],
        env=environment(dict(os.environ), settings["pod_ip"]), port=args.port or 8000, certificate=args.ssl_certfile or "", key=args.ssl_keyfile or "",
        refresh_certificate=bool(args.enable_ssl_refresh),
        caching=args.enable_prefix_caching is not False, token_details=bool(args.enable_prompt_tokens_details),
        log_requests=not args.disable_uvicorn_access_log, tensor_parallel=args.tensor_parallel_size or 1, api_servers=args.api_server_count or 1,
        load_seconds=settings["load_seconds"], transfer_scale=settings.get("transfer_scale", 1.0),
        devices=nixl.devices(),
        all2all=str(getattr(args, "all2all_backend", None) or os.environ.get("VLLM_ALL2ALL_BACKEND") or ""), driver_parameters=settings.get("driver_parameters", ""),
        faults=server.Faults("fails" if faults.get("kv_transfer") == "fails" else "", bool(faults.get("kv_offload_silent")), faults.get("missing_ranks") or []),
        info={"block_size": str(block), "cache_dtype": str(args.kv_cache_dtype or "auto"), "num_gpu_blocks": str(blocks),
              "enable_prefix_caching": str(args.enable_prefix_caching is not False),
              "gpu_memory_utilization": str(args.gpu_memory_utilization or 0.9)},
    )


def wait_for_model(folder: Path, seconds: float = IMPORT_SECONDS) -> None:
    """vLLM needs some seconds before it looks at the model; a container beside it (modelcar) may provide it meanwhile."""
    end = time.monotonic() + seconds
    while folder.is_absolute() and not (folder / "config.json").exists() and time.monotonic() < end:
        time.sleep(0.1)


def context_length(args: argparse.Namespace, model: str) -> int:
    """--max-model-len, else the model's own. A model that is a folder must hold a config.json."""
    derived = DEFAULT_LENGTH
    if model.startswith("/"):
        path = Path(model) / "config.json"
        if not path.is_file():
            raise EngineError(
                f"ValueError: Invalid repository ID or local directory specified: '{model}'. Please verify the following "
                "requirements: Provide a valid Hugging Face repository ID, or a local directory that contains a recognized "
                "configuration file (config.json)")
        derived = int(json.loads(path.read_text(encoding="utf-8")).get("max_position_embeddings", DEFAULT_LENGTH))
    wanted = args.max_model_len
    if wanted is None or wanted == -1:
        return derived
    if wanted > derived and model.startswith("/"):
        raise EngineError(f"ValueError: User-specified max_model_len ({wanted}) is greater than the derived max_model_len "
                          f"(max_position_embeddings={derived} or model_max_length=None in model's config.json).")
    return int(wanted)


def check_devices(args: argparse.Namespace, gpus: int | None) -> None:
    """``gpus``: devices that the container asked for; None for an image that computes on CPUs."""
    if gpus is None:
        return
    if gpus == 0:
        raise EngineError("RuntimeError: Failed to infer device type, please set the environment variable "
                          "`VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging to help debug the issue.")
    size = (args.tensor_parallel_size or 1) * (args.pipeline_parallel_size or 1)
    local = args.data_parallel_size_local or args.data_parallel_size or 1
    if size * local > gpus and args.distributed_executor_backend != "ray":
        raise EngineError(f"ValueError: World size ({size * local}) is larger than the number of available GPUs ({gpus}) in this node.")


def check_capacity(length: int, tokens: int) -> None:
    """One request of the greatest length must fit (vllm/v1/core/kv_cache_utils.py)."""
    if length > tokens:
        raise EngineError(f"ValueError: To serve at least one request with the models's max seq len ({length}), more KV cache is needed than the "
                          f"available {tokens} tokens. Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.")


def translate(args: argparse.Namespace, model: str, length: int, block: int, blocks: int) -> list[str]:
    """The simulator's flags; port and ranks are the engine's matter. It has neither GPU nor quantization settings."""
    names = args.served_model_name or [model]
    words = ["--model", names[0], "--served-model-name", *names, "--max-model-len", str(length), "--max-num-seqs", str(args.max_num_seqs or 256), "--block-size", str(block),
             "--force-dummy-tokenizer", *SPEED]
    if args.enable_prefix_caching is not False:
        words += ["--enable-kvcache", "--kv-cache-size", str(blocks)]
    if args.seed is not None:
        words += ["--seed", str(args.seed)]
    if isinstance(args.kv_events_config, dict) and args.kv_events_config.get("endpoint"):
        words += ["--zmq-endpoint", args.kv_events_config["endpoint"]]
    if args.lora_modules:
        words += ["--lora-modules", *(lora(entry, names[0]) for entry in args.lora_modules)]
    return words


def lora(entry: str, base: str) -> str:
    """vLLM takes ``name=path`` or JSON, the simulator JSON only."""
    if entry.startswith("{"):
        return entry
    name, _, path = entry.partition("=")
    return json.dumps({"name": name, "path": path, "base_model_name": base})


def environment(env: dict[str, str], pod_ip: str) -> dict[str, str]:
    """The simulator wants POD_IP; with POD_NAME it would answer headers that vLLM doesn't have."""
    return {**{k: v for k, v in env.items() if k not in ("POD_NAME", "POD_NAMESPACE")}, "POD_IP": pod_ip}
