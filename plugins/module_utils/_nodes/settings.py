# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings the machines of a pool need, from data and declaration, less what other MachineConfigs set already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._assess.look import mapping, rows, strings, text

CPU_VENDOR = "feature.node.kubernetes.io/cpu-model.vendor_id"
DECLARED = "declared"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """One kernel argument, or one file with its whole text; why says what needs it."""

    why: str
    argument: str = ""
    path: str = ""
    content: str = ""

    @property
    def label(self) -> str:
        return self.argument or self.path


def needed(table: Iterable[Row], declared: Row, vendor: str, nodes: list[Row]) -> list[Setting]:
    """The settings for these nodes, each once, in the data's order; the user's own kernel arguments and hugepages last."""
    path = str(declared.get("path") or "")
    found: dict[str, Setting] = {}
    for row in table:
        if not _applies(row, path, vendor, nodes):
            continue
        for argument in strings(row, "kernel_arguments"):
            found.setdefault(argument, Setting(str(row["why"]), argument=argument))
        if row.get("file"):
            file = row["file"]
            found.setdefault(file["path"], Setting(str(row["why"]), path=file["path"], content=file["text"]))
    for argument in _asked(declared):
        found.setdefault(argument, Setting("declared", argument=argument))
    return list(found.values())


def _applies(row: Row, path: str, vendor: str, nodes: list[Row]) -> bool:
    cpus = {_cpu(node) for node in nodes}
    return (
        vendor in row.get("vendors", [vendor])
        and path in row.get("paths", [path])
        and ("cpus" not in row or bool(cpus & set(row["cpus"])))
    )


def _cpu(node: Row) -> str | None:
    return mapping(node, "labels").get(CPU_VENDOR)


def _asked(declared: Row) -> list[str]:
    pages = declared.get("hugepages_1gib")
    huge = ["default_hugepagesz=1G", "hugepagesz=1G", f"hugepages={pages}"] if pages else []
    return [*strings(declared, "kernel_arguments"), *huge]


def missing(wanted: list[Setting], configs: list[Row]) -> list[Setting]:
    """The settings that no MachineConfig of others on this pool makes. A file of another text counts as missing.

    :param configs: snapshot rows `machine_configs` that feed the pool, ours left out.
    """
    arguments = {argument for config in configs for argument in strings(config, "kernel_arguments")}
    files = {path: text(config, "files", path) for config in configs for path in mapping(config, "files")}
    return [
        setting
        for setting in wanted
        if (setting.argument not in arguments if setting.argument else files.get(setting.path) != digest(setting.content))
    ]


def clashing(wanted: list[Setting], configs: list[Row]) -> list[str]:
    """Kernel arguments of others that say the opposite of ours ("iommu=off" against "iommu=pt"): named, never overridden."""
    ours = {setting.argument.partition("=")[0]: setting.argument for setting in wanted if "=" in setting.argument}
    return [
        f"{config.get('name')} sets {argument}, {ours[key]} is wanted"
        for config in configs
        for argument in strings(config, "kernel_arguments")
        if (key := argument.partition("=")[0]) in ours and argument != ours[key] and key not in _REPEATED
    ]


_REPEATED = ("hugepagesz", "hugepages", "module_blacklist", "pci", "console")  # may be given several times


def digest(content: str) -> str:
    """SHA-256 of a file's text, as the snapshot has it."""
    return hashlib.sha256(content.encode()).hexdigest()


def others(configs: list[Row] | None, pool: str, own: str) -> list[Row]:
    """The MachineConfigs of others that feed a pool; a custom pool takes the worker's too."""
    roles = {pool} if pool in ("master", "worker") else {pool, "worker"}
    return [row for row in rows(configs) or [] if text(row, "role") in roles and text(row, "name") != own]
