# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which MachineConfigPool carries the settings, which machines restart for it, and why it can't be done where it can't.

One MachineConfig a pool holds everything, so that the machine-config-operator renders once and a node restarts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._assess.look import dig, flag, names, rows, strings, text
from .settings import Setting, clashing, digest, missing, needed, others

OWN_POOL = "llmd-gpu"
AUTO, OWN, EXISTING = "auto", "own", "existing"
BUILT_IN = ("master", "worker")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """What one pool gets. restarting: the machines that restart; moved: those that get the label of a pool of ours."""

    name: str
    settings: tuple[Setting, ...]
    restarting: tuple[str, ...]
    moved: tuple[str, ...] = ()
    machines: int = 0
    keep: bool = False
    makes_pool: bool = False

    @property
    def config(self) -> str:
        return config_name(self.name)


@dataclass(frozen=True)
class Machines:
    """The pools, and the problems that forbid all of them."""

    pools: tuple[Pool, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def restarting(self) -> list[str]:
        return sorted({node for pool in self.pools if not pool.keep for node in pool.restarting})


def config_name(pool: str) -> str:
    return f"99-llmd-{pool}"


def machines(snapshot: Row, declared: Row, table: list[Row], vendor: str, nodes: list[Row]) -> Machines:
    """What the machines of these nodes need.

    :param nodes: snapshot rows of the nodes that serve, or get a driver.
    """
    wanted = needed(table, declared, vendor, nodes)
    if not wanted or not nodes:
        return Machines()
    problem = _unknown(snapshot, nodes)
    if problem:
        return Machines(problems=(problem,))
    groups: dict[str, list[Row]] = {}
    for node in nodes:
        groups.setdefault(str(text(node, "pool")), []).append(node)
    made, problems = [], []
    for name, members in sorted(groups.items()):
        pool, wrong = _pool(snapshot, declared, table, vendor, name, members)
        made += [pool] if pool else []
        problems += wrong
    return Machines(tuple(made), tuple(problems))


def _unknown(snapshot: Row, nodes: list[Row]) -> str:
    if rows(snapshot, "pools") is None:
        return "MachineConfigPools can't be read (a hosted cluster has none: set its machines in NodePool spec.config)"
    if rows(snapshot, "machine_configs") is None:
        return "MachineConfigs can't be read, so it isn't known what the machines have; grant list on machineconfigs"
    homeless = [str(text(node, "name")) for node in nodes if text(node, "pool") is None]
    return f"no MachineConfigPool, or more than one, selects {names(homeless)}" if homeless else ""


def _pool(snapshot: Row, declared: Row, table: list[Row], vendor: str, current: str, members: list[Row]) -> tuple[Pool | None, list[str]]:
    configs = rows(snapshot, "machine_configs") or []
    wanted = needed(table, declared, vendor, members)
    inside = sorted(str(text(n, "name")) for n in rows(snapshot, "nodes") or [] if text(n, "pool") == current)
    chosen = sorted(str(text(node, "name")) for node in members)
    target = _target(declared, current, inside, chosen)
    foreign = others(configs, target, config_name(target))
    lacking = missing(wanted, foreign)
    if not lacking:
        return None, []
    moved = tuple(chosen) if target != current else ()
    restarting = moved or tuple(inside)
    keep = not moved and _same(configs, config_name(target), lacking)
    pool = Pool(
        target, tuple(lacking), restarting, moved, len(restarting), keep,
        makes_pool=target == OWN_POOL and OWN_POOL not in [text(row, "name") for row in rows(snapshot, "pools") or []],
    )  # fmt: skip
    problems = [] if keep else [*clashing(wanted, foreign), *_closed(snapshot, target), *_closed(snapshot, current)]
    return pool, list(dict.fromkeys(problems))


def _target(declared: Row, current: str, inside: list[str], chosen: list[str]) -> str:
    """The pool that takes the settings. Nodes of the control plane, and of pools of others, stay where they are."""
    mode = declared.get("machine_pool", AUTO)
    if current != "worker" or mode == EXISTING:
        return current
    return OWN_POOL if mode == OWN or set(inside) - set(chosen) else current


def _closed(snapshot: Row, name: str) -> list[str]:
    """Why nothing may be rolled out on a pool now."""
    pool = next((row for row in rows(snapshot, "pools") or [] if text(row, "name") == name), None)
    if pool is None:
        return []
    if flag(pool, "paused"):
        return [f"MachineConfigPool {name} is paused; ask whoever paused it"]
    return [f"MachineConfigPool {name} is degraded: {text(pool, 'message') or 'no message'}"] if flag(pool, "degraded") else []


def _same(configs: list[Row], name: str, settings: list[Setting]) -> bool:
    """Whether our MachineConfig of that name holds exactly these settings."""
    ours = next((row for row in configs if text(row, "name") == name), None)
    if ours is None:
        return False
    files = {setting.path: digest(setting.content) for setting in settings if setting.path}
    arguments = [setting.argument for setting in settings if setting.argument]
    return strings(ours, "kernel_arguments") == arguments and (dig(ours, "files") or {}) == files
