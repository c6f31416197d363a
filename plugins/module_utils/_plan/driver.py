# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of NVIDIA's kernel module: where experts are spread over nodes, the GPU itself posts to the network card (DeepEP, NVSHMEM's IBGDA).

The driver maps the card's registers into the GPU for a process that isn't root only when it was loaded with PeerMappingOverride. Sources: OpenShift AI 3.3
"Enabling RoCE for distributed inference"; NVIDIA/nvshmem issue 23; the ConfigMap's form: GPU Operator "Customizing NVIDIA GPU Driver Parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._apply.manifests import is_ours
from .._assess.look import text

CONFIG = "llmd-kernel-module-params"


def parameters(vendor: str, declared: Mapping[str, Any], fabric: Mapping[str, Any], policies: list[Mapping[str, Any]]) -> str:
    """The ConfigMap that our ClusterPolicy has to name; "" for the driver's defaults. Once set it stays: taking it off would load the driver again."""
    if vendor != "nvidia":
        return ""
    wanted = declared.get("path") == "wide_expert_parallelism" and bool(fabric.get("needed"))
    return CONFIG if wanted or any(is_ours(one) and named(one) == CONFIG for one in policies) else ""


def named(policy: Mapping[str, Any]) -> str | None:
    """The ConfigMap that a ClusterPolicy names."""
    return text(policy, "spec", "driver", "kernelModuleConfig", "name")
