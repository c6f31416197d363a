# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Path kv_cache_offload: KV blocks that the GPU drops stay in the host's memory, pinned, and come back when their prompt does.

Sources: reference rhoai-llmd 1.2 and 5.3 (which setting in which vLLM), 7 row 28 (the wrong one ends the server at its start).
`--kv-offloading-size` isn't used: with vLLM 0.11 to 0.13 it asks for no blocks at all and the server ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._assess.look import number
from .._data.quantity import parse
from .arguments import checked, connector, value_of
from .dialects import releases_with
from .pods import template
from .quantities import GIB, plus, written
from .scheduling import tensor_arguments
from .shape import Pool
from .wish import Refused, Row, Wish

BLOCK_TOKENS = 16  # vLLM's default of --block-size
SHARE = 0.5  # of the memory that a GPU's NUMA node has for it; the rest is for the operating system, other pods and the page cache


def workload(wish: Wish, pool: Pool, image: str | None = None) -> Row:
    """replicas and template of the service; `pool` is a roomy one."""
    able(wish.dialect)
    user = checked(wish.declared.get("vllm_args") or [], "llmd_vllm_args")
    arguments = [*tensor_arguments(wish), *connector("OffloadingConnector", kv_connector_extra_config=_extra(wish, user)), *user]
    return {"replicas": pool.replicas, "template": template(wish, pool, arguments, image=image)}


def roomy(wish: Wish, pool: Pool) -> Pool:
    """The pod with memory for the cache beside the server's own: pinned memory counts against the pod's limit."""
    return replace(pool, memory=plus(pool.memory, size(wish) * GIB))


def able(dialect: Mapping[str, Any]) -> None:
    """Raises Refused where the release's vLLM has no way to offload."""
    if dialect["offload"] is None:
        raise Refused(
            f"kv_cache_offload: RHOAI {dialect['release']} can't do it, since its vLLM {dialect['vllm']} has no connector that offloads KV cache to"
            f" host memory. Choose llmd_release {releases_with(lambda row: row['offload'])}."
        )


def size(wish: Wish) -> float:
    """GiB of host memory for one server's cache: as declared, else a share of what the nodes have for its GPUs."""
    given = number(wish.declared, "kv_offload_gib")
    if given:
        return float(given)
    rooms = [room for node in wish.nodes if (room := _room(node, wish.tensor)) is not None]
    own = parse(str(wish.declared["memory_per_replica"])) or 0.0
    usable = min(rooms) * SHARE - own if rooms else 0.0
    if usable < GIB:
        raise Refused(
            "kv_cache_offload: how much host memory a model server may take can't be told from the nodes"
            f" ({written(min(rooms))} a server, of which {own / GIB:g} GiB are its own)." if rooms else
            "kv_cache_offload: the memory of the nodes isn't known, so the size of the offloaded cache can't be chosen. Declare llmd_kv_offload_gib."
        )  # fmt: skip
    return float(usable // GIB)


def _room(node: Mapping[str, Any], gpus: int) -> float | None:
    """Bytes of the node's memory for that many GPUs: what their part of it has, whatever the number of NUMA nodes."""
    memory, count = number(node, "memory_bytes"), number(node, "accelerators", "count")
    return memory / count * gpus if memory and count else None


def _extra(wish: Wish, user: list[str]) -> Row:
    gib = size(wish)
    if wish.dialect["offload"] == "bytes":
        return {"cpu_bytes_to_use": int(gib * GIB)}
    if wish.model is None:
        raise Refused(
            f"kv_cache_offload: RHOAI {wish.release} wants the size of the cache in KV blocks, and how many bytes a block of {wish.declared['model_name']}"
            " takes isn't known. Declare its config.json as llmd_model_config."
        )
    tokens = int(value_of(user, "--block-size") or BLOCK_TOKENS)
    a_block = wish.model.kv_bytes(tokens, tensor=wish.tensor) * wish.tensor  # each GPU's process keeps its own part
    return {"num_cpu_blocks": int(gib * GIB // a_block)}
