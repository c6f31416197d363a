# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of vLLM: what a path sets, what the user adds, and how they get through the preset's shell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from typing import Any

from .wish import Refused

VARIABLE = "VLLM_ADDITIONAL_ARGS"
# Flags that come from an option, or from the preset; a second one would win silently.
_OURS = {
    "tensor-parallel-size": "llmd_gpus_per_replica", "tp": "llmd_gpus_per_replica", "served-model-name": "llmd_model_name",
    "port": "OpenShift AI's preset", "ssl-certfile": "OpenShift AI's preset", "ssl-keyfile": "OpenShift AI's preset",
    "kv-transfer-config": "llmd_path", "kv-events-config": "llmd_prefix_routing", "kv-offloading-size": "llmd_kv_offload_gib",
    "kv-offloading-backend": "llmd_path", "enable-expert-parallel": "llmd_path", "ep": "llmd_path", "all2all-backend": "llmd_all2all_backend",
    "data-parallel-size": "llmd_group_nodes and llmd_group_gpus_per_node", "dp": "llmd_group_nodes and llmd_group_gpus_per_node",
    "data-parallel-size-local": "llmd_group_gpus_per_node", "dpl": "llmd_group_gpus_per_node",
}  # fmt: skip


def environment(arguments: Iterable[str]) -> list[dict[str, str]]:
    """The variable that the preset's script evaluates once in its shell, so each argument is quoted for one evaluation."""
    words = list(arguments)
    return [{"name": VARIABLE, "value": shlex.join(words)}] if words else []


def connector(name: str, **more: Any) -> list[str]:
    """--kv-transfer-config of a KV connector that both reads and writes."""
    return ["--kv-transfer-config", json.dumps({"kv_connector": name, "kv_role": "kv_both", **more}, separators=(",", ":"))]


def checked(arguments: Iterable[str], option: str) -> list[str]:
    """The user's arguments. Raises Refused for one that an option stands for."""
    words = [str(word) for word in arguments]
    for word in words:
        flag = word.partition("=")[0].lstrip("-").replace("_", "-").split(".")[0]
        if word.startswith("-") and flag in _OURS:
            raise Refused(f"{option}: {word} can't be given here, since {_OURS[flag]} sets it. Remove it from {option}.")
    return words


def value_of(arguments: Iterable[str], flag: str) -> str | None:
    """What the arguments say of a flag, the last one counting: `--flag=value` or `--flag value`."""
    found = None
    words = [str(word) for word in arguments]
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") == flag:
            found = value if equals else (words[position + 1] if position + 1 < len(words) else None)
    return found
