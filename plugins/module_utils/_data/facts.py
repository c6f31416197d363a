# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of `data/` that decisions need, as one value that is read once a process and handed to pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import versions
from .errors import DataError
from .files import ROOT, load, load_folder, read

Row = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """matrix and operators by release and package; quirks in the files' order."""

    declaration: Row
    matrix: Mapping[str, Row]
    operators: Mapping[str, Row]
    quirks: tuple[Row, ...]
    traits: Row
    rdma_nics: frozenset[str]
    gpu_models: Mapping[str, str]
    automation: Row
    disruptions: Mapping[str, Row]
    node_settings: tuple[Row, ...] = ()
    fabric: Row = field(default_factory=dict)
    models: tuple[Row, ...] = ()
    thresholds: Row = field(default_factory=dict)

    @property
    def releases(self) -> list[str]:
        """Oldest first."""
        return sorted(self.matrix, key=lambda text: versions.parse(text) or versions.Version((0, 0, 0)))


@lru_cache(maxsize=4)
def facts(root: Path = ROOT) -> Facts:
    """Reads and checks the files. Raises DataError, with file and place."""
    devices = read(root / "accelerators.yml")
    return Facts(
        declaration=load(root / "declaration.yml", "declaration", root),
        matrix=_by("release", load_folder("matrix", "matrix", root), root / "matrix"),
        operators=_by("package", load_folder("operators", "operators", root), root / "operators"),
        quirks=tuple(quirk for file in load_folder("quirks", "quirks", root) for quirk in file["quirks"]),
        traits=load(root / "traits.yml", "traits", root),
        rdma_nics=frozenset(row["id"] for row in devices.get("nics", []) if row.get("rdma")),
        gpu_models={row["id"]: row["model"] for row in devices.get("gpus", [])},
        automation=load(root / "automation.yml", "automation", root),
        disruptions=load(root / "disruptions.yml", "disruptions", root)["changes"],
        node_settings=tuple(load(root / "node_settings.yml", "node_settings", root)["settings"]),
        fabric=load(root / "fabric.yml", "fabric", root),
        thresholds=load(root / "thresholds.yml", "thresholds", root),
        models=tuple(model for file in load_folder("profiles", "profiles", root) for model in file["models"]),
    )


def _by(key: str, rows: list[Row], where: Path) -> dict[str, Row]:
    table: dict[str, Row] = {}
    for row in rows:
        if row[key] in table:
            raise DataError(
                "Data are ambiguous", str(where), f"two files are for {key} {row[key]}", "Remove one of them."
            )
        table[row[key]] = row
    return table
