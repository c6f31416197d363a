# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KServe notes in a service's status about its presets, and how it reads when the service moves to those of another version. Pure.

Notes are there from RHOAI 3.2 on. KServe stays with them, whatever version the operator has by then; only the preset of routes has no note that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._assess.look import dig, mapping, rows, text

NOTES = "serving.kserve.io/"
PRESET = "config-llm-"
PREFIX_VARIABLE = "LLM_INFERENCE_SERVICE_CONFIG_PREFIX"
# The controller of LLMInferenceServices: of its own from 3.4 on, before that KServe's.
CONTROLLERS = ("llmisvc-controller-manager", "kserve-controller-manager")

Row = Mapping[str, Any]


def prefix(deployments: Iterable[Row]) -> str | None:
    """What the names of this version's presets begin with (`v3-3-6-kserve-`), as the controller was told; None where it isn't to be seen."""
    named = {text(one, "metadata", "name"): one for one in deployments}
    for name in CONTROLLERS:
        for container in rows(named.get(name) or {}, "spec", "template", "spec", "containers") or []:
            for variable in rows(container, "env") or []:
                if dig(variable, "name") == PREFIX_VARIABLE and text(variable, "value"):
                    return text(variable, "value")
    return None


def noted(service: Row) -> dict[str, str]:
    """note -> name of the preset."""
    return {
        key: str(value) for key, value in mapping(service, "status", "annotations").items() if key.startswith(f"{NOTES}{PRESET}")
    }  # fmt: skip


def moved(service: Row, prefix: str) -> dict[str, str]:
    """The notes that differ from what a service made today would get."""
    wanted = {key: f"{prefix}{key.removeprefix(NOTES)}" for key in noted(service)}
    return {key: name for key, name in wanted.items() if noted(service)[key] != name}
