# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declared model: its size and shape from what was declared, from its profile in data/profiles, or from its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import weights
from .shape import NoShape, Shape, from_config

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """weights_gib: None where nothing tells it; certain: it may stop a run; origin: how it is known, for people; profile: its row, if any."""

    name: str
    weights_gib: float | None
    certain: bool
    origin: str
    shape: Shape | None = None
    dtype: str | None = None
    profile: Row | None = None
    download_gib: float | None = None


def declared_model(declared: Mapping[str, Any], profiles: Sequence[Row]) -> Model:
    """Of several sources the one nearest to the user counts: llmd_model_weights_gib, llmd_model_config, the profile, the name."""
    name = repository(declared)
    profile, variant = _listed(name, profiles)
    shape, dtype = _shape(declared.get("model_config"), profile, variant)
    stated = declared.get("model_weights_gib")
    if isinstance(stated, (int, float)) and stated > 0:
        return Model(name, float(stated), True, "declared", shape, dtype, profile)
    if declared.get("model_config") and shape and dtype:
        return Model(name, weights.gib(shape, dtype), True, "by its config.json", shape, dtype, profile)
    if variant:
        return Model(name, float(variant["gib"]), True, "by its profile", shape, dtype, profile, variant.get("download_gib"))
    return Model(name, weights.gib_by_name(name), False, "by its name", shape, dtype, profile)


def repository(declared: Mapping[str, Any]) -> str:
    """org/model of an hf:// URI, which says more than the name that clients use; else that name, else the URI."""
    uri = str(declared.get("model_uri") or "")
    if uri.startswith("hf://"):
        return uri.removeprefix("hf://").partition(":")[0]
    return str(declared.get("model_name") or uri)


def _listed(name: str, profiles: Sequence[Row]) -> tuple[Row | None, Row | None]:
    """(profile, variant) whose repositories have that name, in whatever case it is written."""
    wanted = name.lower()
    for profile in profiles:
        for variant in profile["weights"]:
            if wanted in [entry.lower() for entry in variant["repositories"]]:
                return profile, variant
    return None, None


def _shape(config: Any, profile: Row | None, variant: Row | None) -> tuple[Shape | None, str | None]:
    """(shape, number format); a config.json that can't be read was refused with the declaration, and tells nothing here."""
    if isinstance(config, Mapping) and config:
        try:
            return from_config(config), weights.dtype_of(config)
        except NoShape:
            return None, None
    if profile and variant:
        return from_config(profile["config"]), str(variant["dtype"])
    return None, None
