# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering of MachineConfigs: the merge, its name, and what a change of it does to a node (pure).

Sources: openshift/machine-config-operator pkg/controller/common/helpers.go (MergeMachineConfigs), pkg/controller/render,
pkg/daemon/update.go (calculatePostConfigChangeAction), docs/NodeDisruptionPolicy.md.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rehearsal.operators.objects import Object

IGNITION_VERSIONS = ("2.2.0", "3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.5.0")
REBOOT, DRAIN, NONE = "Reboot", "Drain", "None"

class RenderError(ValueError):
    """A MachineConfig cannot be rendered; the pool is RenderDegraded with this text."""


def merge(configs: list[Object]) -> Object:
    """The spec of the rendered MachineConfig. `configs` in any order: MCO sorts them by name. Raises RenderError."""
    files: dict[str, Object] = {}
    units: dict[str, Object] = {}
    users: list[Object] = []
    spec: Object = {"kernelArguments": [], "extensions": [], "fips": False, "kernelType": "default", "osImageURL": ""}
    for config in sorted(configs, key=lambda item: str(item["metadata"]["name"])):
        part = config.get("spec") or {}
        ignition = part.get("config") or {}
        _check(config["metadata"]["name"], ignition)
        for item in (ignition.get("storage") or {}).get("files") or []:
            files[item["path"]] = copy.deepcopy(item)
        for item in (ignition.get("systemd") or {}).get("units") or []:
            units[item["name"]] = _merged_unit(units.get(item["name"]), item)
        users += (ignition.get("passwd") or {}).get("users") or []
        spec["kernelArguments"] += part.get("kernelArguments") or []
        spec["extensions"] += [item for item in part.get("extensions") or [] if item not in spec["extensions"]]
        spec["fips"] = spec["fips"] or bool(part.get("fips"))
        spec["kernelType"] = part.get("kernelType") or spec["kernelType"]
        spec["osImageURL"] = part.get("osImageURL") or spec["osImageURL"]
    spec["config"] = {
        "ignition": {"version": IGNITION_VERSIONS[-1]},
        "storage": {"files": [files[path] for path in sorted(files)]},
        "systemd": {"units": [units[name] for name in sorted(units)]},
    }
    if users:
        spec["config"]["passwd"] = {"users": users}
    return spec


def rendered_name(pool: str, spec: Object) -> str:
    """`rendered-<pool>-<hash of the content>`."""
    text = json.dumps(spec, sort_keys=True)
    return f"rendered-{pool}-{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}"


def actions(old: Object, new: Object, files: Mapping[str, list[str]], units: Mapping[str, list[str]]) -> list[str]:
    """What a node does to go from one rendered spec to another; empty when the content is the same.

    `files`, `units`: the node disruption policies in force (`mco_checks.action_types`), path or unit -> action types.
    """
    needed: list[str] = []
    for key in ("kernelArguments", "extensions", "fips", "kernelType", "osImageURL"):
        if (old.get(key) or None) != (new.get(key) or None):
            return [REBOOT]
    if _part(old, "passwd") != _part(new, "passwd"):
        needed.append(NONE)  # ssh keys: MCO's default policy for them
    for path in _changed(old, new, "storage", "files", "path"):
        needed += _policy(path, files) or [REBOOT]
    for unit in _changed(old, new, "systemd", "units", "name"):
        needed += units.get(unit) or [REBOOT]
    if REBOOT in needed:
        return [REBOOT]
    return sorted(set(needed))


def generated(pool: str, kind: str, index: int, source: Object) -> Object:
    """The MachineConfig that MCO makes of a KubeletConfig or ContainerRuntimeConfig for a pool."""
    suffix = f"-{index}" if index else ""
    spec = source.get("spec") or {}
    if kind == "KubeletConfig":
        name, path, content = f"99-{pool}-generated-kubelet{suffix}", "/etc/kubernetes/kubelet.conf", spec.get("kubeletConfig")
    else:
        name = f"99-{pool}-generated-containerruntime{suffix}"
        path, content = "/etc/crio/crio.conf.d/01-ctrcfg", spec.get("containerRuntimeConfig")
    text = hashlib.sha256(json.dumps(content or {}, sort_keys=True).encode()).hexdigest()
    return {
        "apiVersion": "machineconfiguration.openshift.io/v1",
        "kind": "MachineConfig",
        "metadata": {"name": name, "labels": {"machineconfiguration.openshift.io/role": pool}},
        "spec": {
            "config": {
                "ignition": {"version": "3.2.0"},
                # The content's hash is enough: only whether it changed matters here.
                "storage": {"files": [{"path": path, "mode": 420, "overwrite": True, "contents": {"source": f"data:,{text}"}}]},
            }
        },
    }


def _check(name: str, ignition: Object) -> None:
    if not ignition:
        return
    version = str((ignition.get("ignition") or {}).get("version") or "")
    if version not in IGNITION_VERSIONS:
        known = ", ".join(item[:-2] for item in IGNITION_VERSIONS)
        raise RenderError(f"parsing Ignition config failed: unknown version. Supported spec versions: {known} (MachineConfig {name})")


def _merged_unit(old: Object | None, new: Object) -> Object:
    if old is None:
        return copy.deepcopy(new)
    dropins = {item["name"]: item for item in [*(old.get("dropins") or []), *(new.get("dropins") or [])]}
    merged = {**old, **copy.deepcopy(new)}
    if dropins:
        merged["dropins"] = [dropins[name] for name in sorted(dropins)]
    return merged


def _part(spec: Object, name: str) -> Any:
    return (spec.get("config") or {}).get(name) or None


def _changed(old: Object, new: Object, section: str, items: str, key: str) -> list[str]:
    before = {item[key]: item for item in (_part(old, section) or {}).get(items) or []}
    after = {item[key]: item for item in (_part(new, section) or {}).get(items) or []}
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _policy(path: str, policies: Mapping[str, list[str]]) -> list[str] | None:
    """The policy of a path: its own, else that of the nearest folder above it."""
    at = path
    while at:
        if at in policies:
            return policies[at]
        at = at.rpartition("/")[0]
    return None
