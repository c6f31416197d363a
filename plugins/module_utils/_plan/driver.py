# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NVIDIA's driver is loaded with for traffic between nodes: GDRCopy, and parameters of its kernel module. Once there, both stay: taking one off would
load the driver again.

Where experts are spread over nodes, the GPU itself posts to the network card (DeepEP, NVSHMEM's IBGDA).

The driver maps the card's registers into the GPU for a process that isn't root only when it was loaded with PeerMappingOverride. Sources: OpenShift AI 3.3
"Enabling RoCE for distributed inference"; NVIDIA/nvshmem issue 23; the ConfigMap's form: GPU Operator "Customizing NVIDIA GPU Driver Parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._apply.manifests import is_ours
from .._assess.look import dig, text

CONFIG = "llmd-kernel-module-params"


def parameters(vendor: str, declared: Mapping[str, Any], fabric: Mapping[str, Any], policies: list[Mapping[str, Any]]) -> str:
    """The ConfigMap that our ClusterPolicy has to name; "" for the driver's defaults."""
    if vendor != "nvidia":
        return ""
    wanted = declared.get("path") == "wide_expert_parallelism" and bool(fabric.get("needed"))
    return CONFIG if wanted or any(is_ours(one) and named(one) == CONFIG for one in policies) else ""


def named(policy: Mapping[str, Any]) -> str | None:
    """The ConfigMap that a ClusterPolicy names."""
    return text(policy, "spec", "driver", "kernelModuleConfig", "name")


def gdrcopy(vendor: str, fabric: Mapping[str, Any], policies: list[Mapping[str, Any]]) -> bool:
    """Whether the driver brings GDRCopy: where GPUs of several nodes exchange data over RDMA."""
    return vendor == "nvidia" and (bool(fabric["needed"]) or any(is_ours(one) and has_gdrcopy(one) for one in policies))


def has_gdrcopy(policy: Mapping[str, Any]) -> bool:
    """Whether a ClusterPolicy asks for it."""
    return dig(policy, "spec", "gdrcopy", "enabled") is True
