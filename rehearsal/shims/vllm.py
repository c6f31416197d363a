# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the program ``vllm`` inside a pod: reads the command line as that release would, fails where vLLM would fail for
reasons that can be seen from here, pretends to load the model, and becomes llm-d-inference-sim.

What it can see: flags, the model folder, the GPUs that the container asked for, keys of the KV connector. Texts of the errors: vLLM 0.13.0
(vllm/transformers_utils/config.py, vllm/config/parallel.py, vllm/v1/kv_offload/cpu.py, vllm/config/device.py), their deciding line.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from rehearsal.shims.vllm_args import parse_api_server, parse_serve
from rehearsal.shims.vllm_flags import numbers

Obj = dict[str, Any]
SETTINGS = Path("/.rehearsal/vllm.json")
DEFAULT_LENGTH = 32768  # tokens, when neither a flag nor the model's config names a context length
SIMULATOR_BLOCKS = 8192  # KV cache blocks; GPUs hold more, but the simulator keeps each of them in memory
BLOCK_SIZES = (8, 16, 32, 64, 128)  # that the simulator knows
SPEED = ("--time-to-first-token", "20ms", "--inter-token-latency", "2ms")
IMPORT_SECONDS = 3.0
BYTES_SINCE = (0, 14)  # from here on the CPU offload is sized in bytes (vllm pull request 24498)


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
    say(f"vLLM API server version {settings['version']}", "api_server.py:1351")
    model = args.model_tag or args.model or "Qwen/Qwen3-0.6B"  # vLLM's own default model
    wait_for_model(Path(model))
    try:
        length = context_length(args, model)
        check_devices(args, settings["gpus"])
        check_offload(getattr(args, "kv_transfer_config", None), settings["version"])
    except EngineError as error:
        print("Traceback (most recent call last):", file=sys.stderr)
        print(str(error), file=sys.stderr)
        return 1
    load(model, settings["load_seconds"])
    if getattr(args, "headless", False):
        say("Launching 1 data parallel engine(s) in headless mode.", "serve.py:90")
        wait_for_end()
        return 0
    command = [settings["simulator"], *translate(args, model, length)]
    os.execve(command[0], command, environment(dict(os.environ), settings["pod_ip"]))
    return 1  # never reached: execve replaces this program or raises


def say(text: str, where: str) -> None:
    print(f"(APIServer pid={os.getpid()}) INFO {time.strftime('%m-%d %H:%M:%S')} [{where}] {text}", flush=True)


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


def check_offload(config: Any, version: str) -> None:
    """The size key of native CPU offload changed its name between releases."""
    if not isinstance(config, dict) or config.get("kv_connector") != "OffloadingConnector":
        return
    key = "cpu_bytes_to_use" if numbers(version) >= BYTES_SINCE else "num_cpu_blocks"
    if not (config.get("kv_connector_extra_config") or {}).get(key):
        raise EngineError(f"Exception: {key} must be specified in kv_connector_extra_config")


def load(model: str, seconds: float) -> None:
    """What is seen in the log of a GPU that loads weights; the port is closed meanwhile."""
    say(f"Starting to load model {model}...", "gpu_model_runner.py:3563")
    time.sleep(seconds)
    say(f"Loading weights took {seconds:.2f} seconds", "default_loader.py:309")
    say(f"init engine (profile, create kv cache, warmup model) took {seconds:.2f} seconds", "core.py:260")


def wait_for_end() -> None:
    """Process 1 of a container is only ended by signals that it handles."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    while True:
        signal.pause()


def translate(args: argparse.Namespace, model: str, length: int) -> list[str]:
    """The simulator's flags. It has no data parallelism behind one port, and neither GPU nor quantization settings."""
    names = args.served_model_name or [model]
    block = args.block_size if args.block_size in BLOCK_SIZES else 16
    words = ["--model", names[0], "--served-model-name", *names, "--port", str(args.port or 8000),
             "--max-model-len", str(length), "--max-num-seqs", str(args.max_num_seqs or 256), "--block-size", str(block),
             "--force-dummy-tokenizer", *SPEED]
    if args.enable_prefix_caching is not False:
        words += ["--enable-kvcache", "--kv-cache-size", str(SIMULATOR_BLOCKS)]
    if args.seed is not None:
        words += ["--seed", str(args.seed)]
    if args.ssl_certfile and args.ssl_keyfile:
        words += ["--ssl-certfile", args.ssl_certfile, "--ssl-keyfile", args.ssl_keyfile]
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
