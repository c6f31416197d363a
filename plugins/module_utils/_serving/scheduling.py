# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Path inference_scheduling: equal model servers, and a picker that knows their load and what their caches hold.

The default picker guesses a server's cache from what it sent there. The precise one hears from vLLM which blocks are cached: both must cut and hash
prompts alike (reference rhoai-llmd 5.1).
"""

from __future__ import annotations

import json

from . import adapters
from .arguments import checked
from .pods import field_of, template, variables
from .shape import Pool
from .wish import Row, Wish

BLOCK_TOKENS, HASH_SEED, EVENTS_PORT = 64, "42", 5557


def workload(wish: Wish, pool: Pool, image: str | None = None) -> Row:
    """replicas and template of the service."""
    own = [*tensor_arguments(wish), *adapters.arguments(wish)]
    env: list[Row] = []
    if precise(wish):
        own += _event_arguments(wish)
        env = [field_of("POD_IP", "status.podIP"), *variables({"PYTHONHASHSEED": HASH_SEED})]
    arguments = [*own, *checked(wish.declared.get("vllm_args") or [], "llmd_vllm_args")]
    # A variable must stand before those that name it.
    made = template(wish, pool, arguments, adapters.environment(wish), image=image)
    if env:
        main = made["containers"][0]
        main["env"] = [*env, *main.get("env", [])]
    return {"replicas": pool.replicas, "template": made}


def tensor_arguments(wish: Wish) -> list[str]:
    """Single-node presets don't render parallelism.tensor up to 3.4, so the flag is set here."""
    return [f"--tensor-parallel-size={wish.tensor}"] if wish.tensor > 1 else []


def precise(wish: Wish) -> bool:
    return wish.declared.get("prefix_routing") == "precise"


def _event_arguments(wish: Wish) -> list[str]:
    """Events go to the picker's Service; $(POD_IP) is filled in by the kubelet, and is how the picker knows whose cache it is."""
    events = {
        "enable_kv_cache_events": True, "publisher": "zmq", "endpoint": f"tcp://{wish.name}-epp-service:{EVENTS_PORT}",
        "topic": f"kv@$(POD_IP){_port(wish)}@{wish.declared['model_name']}",
    }  # fmt: skip
    return [
        "--enable-prefix-caching", "--prefix-caching-hash-algo=sha256_cbor", f"--block-size={BLOCK_TOKENS}",
        "--kv-events-config", json.dumps(events, separators=(",", ":")),
    ]  # fmt: skip


def _port(wish: Wish) -> str:
    """From 3.4 on the picker calls its endpoints by address and port."""
    return ":8000" if wish.dialect["picker"]["precise"] == "plugin" else ""
