# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which NVMe drives LVM Storage gets. A drive with anything on it is never chosen, and neither is one that nobody has looked at.

Three ways, by what is known:
* drives are declared (llmd_nvme_paths): these and no others; one that is known to hold something, or to be too small, stops the run;
* somebody has looked at the drives of every node (Local Storage Operator): the empty ones that are large enough, by their by-id names;
* nobody has looked: no list, and LVM Storage's own filter (openshift/lvm-operator filter/filter.go) leaves out what holds anything.
  With a declared least size that isn't enough, since this filter knows no sizes.

A volume group that is ours already keeps its nodes and drives: LVM Storage changes neither, but takes further drives of a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._assess.look import dig, flag, names, number, rows, strings, text
from .._assess.nodes import Node, name

GIB = 2**30
BY_ID = "/dev/disk/by-id/"
OURS = "volume group nvme"  # the device class that role storage makes


@dataclass(frozen=True)
class Drives:
    """nodes, paths: for the device class (no paths: every unused drive); chosen: node -> drives; refused: node -> drive and why not."""

    nodes: tuple[str, ...]
    paths: tuple[str, ...]
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    known: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"nodes": list(self.nodes), "paths": list(self.paths)}


def drives(nodes: Sequence[Node], declared: Mapping[str, Any], present: Mapping[str, Any] | None = None) -> Drives:
    """The drives for these nodes. `present`: our own LVMCluster, if it is there."""
    paths, least = strings(declared, "nvme_paths"), (number(declared, "nvme_min_gib") or 0) * GIB
    looked = {name(node): (rows(node, "nvme", "devices") or []) for node in nodes}
    fit = {node: [one for one in devices if _against(one, least) is None] for node, devices in looked.items()}
    refused = {
        node: tuple(f"{text(one, 'name')}: {why}" for one in devices if (why := _against(one, least)) is not None)
        for node, devices in looked.items()
    }
    known = bool(nodes) and all(_looked_at(devices) for devices in looked.values())
    problems = [*_declared_problems(looked, paths, least), *(_size_problems(looked, least) if not known else [])]
    if known and not paths:
        problems += [_nothing_left(node, refused[node], least) for node in looked if not fit[node]]
    chosen = {node: tuple(str(text(one, "by_id")) for one in devices) for node, devices in fit.items()} if known else {}
    wanted = paths or sorted({path for node in chosen.values() for path in node})
    return _kept(Drives(tuple(sorted(looked)), tuple(wanted), chosen, refused, tuple(problems), (), known), paths, present)


def _against(drive: Mapping[str, Any], least: float) -> str | None:
    """Why a drive isn't chosen; None where it is. One in our own volume group stays chosen."""
    used, why, size = flag(drive, "in_use"), text(drive, "why"), number(drive, "size_bytes")
    if used is not False and why != OURS:
        return (why or "it is in use") if used else "nobody has looked whether it is empty"
    if least and size is None:
        return "its size isn't known"
    if least and size is not None and size < least:
        return f"{size / GIB:.4g} GiB, less than llmd_nvme_min_gib"
    if not (text(drive, "by_id") or "").startswith(BY_ID):
        return "it has no name under /dev/disk/by-id, which alone stays the same when the machine restarts"
    return None


def _looked_at(devices: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the Local Storage Operator has looked at the node: nothing else gives names under by-id. A drive that it left out is refused."""
    return any(text(one, "by_id") for one in devices)


def _declared_problems(looked: Mapping[str, Sequence[Mapping[str, Any]]], paths: Sequence[str], least: float) -> list[str]:
    found = []
    for node, devices in looked.items():
        for one in devices:
            path, why = text(one, "by_id"), _against(one, least)
            if path in paths and why is not None:
                found.append(f"llmd_nvme_paths names {path}, which is {text(one, 'name')} of node {node}: {why}")
    return found


def _size_problems(looked: Mapping[str, Sequence[Mapping[str, Any]]], least: float) -> list[str]:
    blind = [node for node, devices in looked.items() if not devices or any(number(one, "size_bytes") is None for one in devices)]
    if not least or not blind:
        return []
    return [f"the sizes of the NVMe drives of {names(blind)} aren't known, so llmd_nvme_min_gib can't be kept"]


def _nothing_left(node: str, refused: Sequence[str], least: float) -> str:
    size = f" of at least {least / GIB:g} GiB" if least else ""
    return f"node {node} has no empty NVMe drive{size} ({names(list(refused), 4) or 'it has none at all'})"


def _kept(wished: Drives, declared: Sequence[str], present: Mapping[str, Any] | None) -> Drives:
    """What our LVMCluster has already wins: its nodes and drives can't be taken away, and a list can't be added to a class without one."""
    device = next(iter(rows(present, "spec", "storage", "deviceClasses") or []), None) if present else None
    if device is None:
        return wished
    terms = rows(device, "nodeSelector", "nodeSelectorTerms") or []
    nodes = sorted({value for term in terms for one in rows(term, "matchExpressions") or [] for value in strings(one, "values")})
    has = strings(dig(device, "deviceSelector"), "optionalPaths")
    problems, paths = list(wished.problems), has
    if has and declared:
        paths = [*has, *(path for path in declared if path not in has)]
    elif declared and not has:
        problems.append("LVM Storage was set up for every unused drive, and a list (llmd_nvme_paths) can't be added to it any more")
    left_out = tuple(sorted(set(wished.nodes) - set(nodes))) if nodes else ()
    return Drives(tuple(nodes) or wished.nodes, tuple(paths), wished.chosen, wished.refused, tuple(problems), left_out, wished.known)
