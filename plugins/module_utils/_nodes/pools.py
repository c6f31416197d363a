# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which MachineConfigPool carries the settings, which machines restart for it, and why it can't be done where it can't.

One MachineConfig a pool holds everything, so that the machine-config-operator renders once and a node restarts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._assess.look import dig, flag, names, rows, strings, text
from .settings import Setting, clashing, digest, missing, needed, others
from .unavailable import stuck

OWN_POOL = "llmd-gpu"
AUTO, OWN, EXISTING = "auto", "own", "existing"
US = "llmd-openshift"  # in the pool's annotation, when it was a run of ours that paused it
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """What one pool gets. restarting: the machines that restart; moved: those that get the label of a pool of ours.

    keep: the MachineConfig is there already; resume: its roll-out was stopped half way by a run of ours.
    """

    name: str
    settings: tuple[Setting, ...]
    restarting: tuple[str, ...]
    moved: tuple[str, ...] = ()
    machines: int = 0
    keep: bool = False
    makes_pool: bool = False
    resume: bool = False

    @property
    def rolling(self) -> bool:
        """Whether machines restart for it."""
        return self.resume or bool(self.moved) or not self.keep

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
        return sorted({node for pool in self.pools if pool.rolling for node in pool.restarting})


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
    made, problems = [], []
    for name, members in sorted(_targets(snapshot, declared, nodes).items()):
        pool, wrong = _pool(snapshot, declared, table, vendor, name, members)
        made += [pool] if pool else []
        problems += wrong
    return Machines(tuple(made), tuple(dict.fromkeys(problems)))


def _unknown(snapshot: Row, nodes: list[Row]) -> str:
    if rows(snapshot, "pools") is None:
        return "MachineConfigPools can't be read (a hosted cluster has none: set its machines in NodePool spec.config)"
    if rows(snapshot, "machine_configs") is None:
        return "MachineConfigs can't be read, so it isn't known what the machines have; grant list on machineconfigs"
    homeless = [str(text(node, "name")) for node in nodes if text(node, "pool") is None]
    return f"no MachineConfigPool, or more than one, selects {names(homeless)}" if homeless else ""


def _targets(snapshot: Row, declared: Row, nodes: list[Row]) -> dict[str, list[Row]]:
    """Pool that takes the settings -> the nodes that get them there."""
    groups: dict[str, list[Row]] = {}
    for node in nodes:
        groups.setdefault(str(text(node, "pool")), []).append(node)
    found: dict[str, list[Row]] = {}
    for current, members in groups.items():
        spared = set(_inside(snapshot, current)) - {str(text(node, "name")) for node in members}
        found.setdefault(_target(declared, current, bool(spared)), []).extend(members)
    return found


def _target(declared: Row, current: str, spares: bool) -> str:
    """Nodes of the control plane, and of pools of others, stay where they are."""
    mode = declared.get("machine_pool", AUTO)
    if current != "worker" or mode == EXISTING:
        return current
    return OWN_POOL if mode == OWN or spares else current


def _inside(snapshot: Row, pool: str) -> list[str]:
    return sorted(str(text(node, "name")) for node in rows(snapshot, "nodes") or [] if text(node, "pool") == pool)


def _pool(snapshot: Row, declared: Row, table: list[Row], vendor: str, target: str, members: list[Row]) -> tuple[Pool | None, list[str]]:
    configs = rows(snapshot, "machine_configs") or []
    wanted = needed(table, declared, vendor, members)
    foreign = others(configs, target, config_name(target))
    lacking = missing(wanted, foreign)
    if not lacking:
        return None, []
    row = _row(snapshot, target)
    inside = _inside(snapshot, target)
    moved = sorted(str(text(node, "name")) for node in members if text(node, "pool") != target)
    same = _same(configs, config_name(target), lacking)
    resume = same and _paused_by_us(row)
    pool = Pool(
        target, tuple(lacking), tuple(sorted({*moved, *(_behind(snapshot, row, inside) if same else inside)})), tuple(moved),
        len(inside) + len(moved), keep=same, makes_pool=target == OWN_POOL and row is None, resume=resume,
    )  # fmt: skip
    if not pool.rolling:
        return pool, []
    touched = [target, *sorted({str(text(node, "pool")) for node in members} - {target})]
    problems = [*clashing(wanted, foreign), *(problem for name in touched for problem in _closed(snapshot, name))]
    return pool, [*problems, *stuck(target, _settled(snapshot, [*inside, *moved]))]


def _row(snapshot: Row, pool: str) -> Row | None:
    return next((row for row in rows(snapshot, "pools") or [] if text(row, "name") == pool), None)


def _settled(snapshot: Row, members: Sequence[str]) -> list[Row]:
    """The nodes of these names that aren't on their way to another configuration: the operator itself cordons those that are."""
    wanted = {text(row, "name"): text(row, "config") for row in rows(snapshot, "pools") or []}
    found = [node for node in rows(snapshot, "nodes") or [] if text(node, "name") in members]
    return [node for node in found if text(node, "machine_config") in (None, wanted.get(text(node, "pool")))]


def _paused_by_us(row: Row | None) -> bool:
    return flag(row, "paused") is True and text(row, "paused_by") == US


def _behind(snapshot: Row, row: Row | None, inside: list[str]) -> list[str]:
    """The machines that don't run the pool's configuration yet; all of them where that isn't known."""
    runs = {text(node, "name"): text(node, "machine_config") for node in rows(snapshot, "nodes") or []}
    wanted = text(row, "config")
    return [name for name in inside if wanted is None or runs.get(name) != wanted]


def _closed(snapshot: Row, name: str) -> list[str]:
    """Why nothing may be rolled out on a pool now."""
    pool = _row(snapshot, name)
    if pool is None:
        return []
    if flag(pool, "paused") and not _paused_by_us(pool):
        by = text(pool, "paused_by")
        return [f"MachineConfigPool {name} is paused{f' by {by}' if by else ''}; ask whoever paused it"]
    return [f"MachineConfigPool {name} is degraded: {text(pool, 'message') or 'no message'}"] if flag(pool, "degraded") else []


def _same(configs: list[Row], name: str, settings: list[Setting]) -> bool:
    """Whether our MachineConfig of that name holds exactly these settings."""
    ours = next((row for row in configs if text(row, "name") == name), None)
    if ours is None:
        return False
    files = {setting.path: digest(setting.content) for setting in settings if setting.path}
    arguments = [setting.argument for setting in settings if setting.argument]
    return strings(ours, "kernel_arguments") == arguments and (dig(ours, "files") or {}) == files
