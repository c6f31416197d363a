# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which KV connectors a command line asks for, and what vLLM refuses about it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.shims.engine.release import Release

Obj = dict[str, Any]
ROLES = ("kv_producer", "kv_both", "kv_consumer")
LISTED_ROLES = "typing.Literal['kv_producer', 'kv_both'], typing.Literal['kv_consumer', 'kv_both']"
KEYS = ("kv_connector", "engine_id", "kv_buffer_device", "kv_buffer_size", "kv_role", "kv_rank", "kv_parallel_size", "kv_ip", "kv_port",
        "kv_connector_extra_config", "kv_connector_module_path", "enable_permute_local_kv")
GIB = 1 << 30
NIXL = ("NixlConnector", "NixlPullConnector")


class Refused(Exception):
    """The engine would end with this as the last line of its traceback."""


@dataclass
class Plan:
    """``blocks``: size of the CPU's part, in KV blocks; 0: no offload."""

    nixl: bool = False
    producer: bool = False
    consumer: bool = False
    engine_id: str = ""
    policy: str = "recompute"
    blocks: int = 0
    names: list[str] = field(default_factory=list)


def plan(config: Any, offload_gib: float | None, offload_backend: str | None, release: Release, block_bytes: int, ranks: int = 1) -> Plan:
    """``config``: the value of --kv-transfer-config; ``ranks``: tensor times pipeline parallel size. Raises Refused."""
    config = with_offloading(config, offload_gib, offload_backend, release, ranks)
    found = Plan(policy=release.failure_policy)
    if isinstance(config, dict) and config:
        _read(config, found, release, block_bytes)
    return found


def with_offloading(config: Any, gib: float | None, backend: str | None, release: Release, ranks: int) -> Any:
    """What --kv-offloading-size and --kv-offloading-backend make of the configuration."""
    if release.offload_backend_is_enough:
        if gib is None:
            return config
        backend = backend or "native"
    elif backend is None:
        return config
    elif gib is None:
        raise Refused("ValueError: You must set kv_offloading_size when kv_offloading_backend is set.")
    config = dict(config or {})
    extra = dict(config.get("kv_connector_extra_config") or {})
    if backend != "native":
        return {**config, "kv_connector": "LMCacheConnectorV1", "kv_role": "kv_both"}
    if release.offload_backend_is_enough:
        extra["cpu_bytes_to_use"] = gib * GIB
    else:  # 0.11 to 0.13: the number of blocks stays 0, and the connector refuses that
        extra.update(kv_bytes_per_rank=gib * GIB / ranks, num_cpu_blocks=0)
    return {**config, "kv_connector": "OffloadingConnector", "kv_role": "kv_both", "kv_connector_extra_config": extra}


def unknown_keys(config: Any, release: Release) -> list[str]:
    known = (*KEYS, "kv_load_failure_policy") if release.failure_policy_key else KEYS
    return [key for key in config if key not in known] if isinstance(config, dict) else []


def _read(config: Mapping[str, Any], found: Plan, release: Release, block_bytes: int) -> None:
    name, role = config.get("kv_connector"), config.get("kv_role")
    if role is not None and role not in ROLES:
        raise Refused(f"ValueError: Unsupported kv_role: {role}. Supported roles are ({LISTED_ROLES})")
    if name is not None and role is None:
        raise Refused(f"ValueError: Please specify kv_role when kv_connector is set, supported roles are ({LISTED_ROLES})")
    if name is None:
        return
    if not release.connector(str(name)) and not config.get("kv_connector_module_path"):
        raise Refused(f"ValueError: Unsupported connector type: {name}")
    found.names.append(str(name))
    extra = config.get("kv_connector_extra_config") or {}
    found.policy = str(config.get("kv_load_failure_policy") or found.policy)
    if name == "MultiConnector":
        for child in extra.get("connectors") or []:
            _read({"kv_role": role, **child}, found, release, block_bytes)
    elif name in NIXL:
        found.nixl, found.engine_id = True, str(config.get("engine_id") or "")
        found.producer, found.consumer = role != "kv_consumer", role != "kv_producer"
    elif name == "OffloadingConnector":
        found.blocks = _cpu_blocks(extra, release, block_bytes)


def _cpu_blocks(extra: Mapping[str, Any], release: Release, block_bytes: int) -> int:
    key = release.offload_size_key
    if not extra.get(key):
        raise Refused(f"Exception: {key} must be specified in kv_connector_extra_config")
    return int(extra[key]) // (block_bytes if key == "cpu_bytes_to_use" else 1)
