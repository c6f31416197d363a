# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVSHMEM under DeepEP between pods, where the GPU itself rings the network card's doorbell (transport IBGDA; pure).

The card's registers must be mapped into the GPU. For a process that isn't root the driver does so only when it was loaded with PeerMappingOverride=1.
Lines: deepseek-ai/DeepEP issues 163 and 139; the need: NVIDIA/nvshmem issue 23 (for the GPU as handler, still with 3.4.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PERMITTED = re.compile(r"^\s*NVreg_RegistryDwords=\"?[^\"]*\bPeerMappingOverride=1;", re.MULTILINE)
LAST = "src/host/transport/transport.cpp:nvshmemi_transport_init:275: init failed for transport: IBGDA"


def by_gpu(env: Mapping[str, str]) -> bool:
    """Whether the GPU is told to post to the card itself."""
    return env.get("NVSHMEM_REMOTE_TRANSPORT") == "ibgda" and env.get("NVSHMEM_IBGDA_NIC_HANDLER") == "gpu"


def refusal(env: Mapping[str, str], backend: str, devices: list[str], parameters: str) -> list[str]:
    """What NVSHMEM says before it gives up; empty when it can start. ``parameters``: those that the node's NVIDIA driver was loaded with."""
    if not backend.startswith("deepep") or not by_gpu(env) or PERMITTED.search(parameters):
        return []
    lines = []
    for device in devices:
        lines += [
            "WARN: cudaHostRegister with IoMemory failed with error=800. We may need to use a fallback path.",
            "WARN: ibgda_nic_mem_gpu_map failed. We may need to use the CPU fallback path.",
            "WARN: ibgda_alloc_and_map_qp_uar with GPU as handler failed. We may need to enter the CPU fallback path.",
            f"WARN: GPU cannot map UAR of device {device.partition(':')[0]}. Skipping...",
        ]
    return [*lines, LAST]
