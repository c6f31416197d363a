# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that AMD's node labeller gives to a node whose driver runs (pure).

Source: ROCm/k8s-device-plugin@ed764684 cmd/k8s-node-labeller/main.go (keys, forms); which flags the operator passes: ROCm/gpu-operator
@6df13c17 internal/nodelabeller/nodelabeller.go. Not played: firmware, partition labels, driver-src-version (no flag of the operator's).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

OWN, BETA = "amd.com/gpu.", "beta.amd.com/gpu."
SIMD_PER_CU = 4
KINDS = ("vram", "cu-count", "simd-count", "device-id", "family", "product-name", "driver-version")


def usable_gpus(server: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """AMD GPUs of a profile's node that a driver can use."""
    return [gpu for gpu in server.get("gpus") or [] if gpu["vendor"] == "amd" and gpu.get("health", "ok") == "ok"]


def node_labels(server: Mapping[str, Any], driver: str) -> dict[str, str]:
    """All labels of the labeller; of a kind with two values on one node only the counters are there."""
    gpus = usable_gpus(server)
    made: dict[str, str] = {}
    for kind in ("vram", "cu-count", "simd-count", "device-id", "family", "product-name"):
        made |= counted(kind, Counter(_value(kind, gpu) for gpu in gpus))
    if gpus:
        made[f"{OWN}driver-version"] = driver
    return made


def counted(kind: str, counts: Mapping[str, int]) -> dict[str, str]:
    """Labels of one kind: the value itself when there is but one; counters always under beta.amd.com."""
    made: dict[str, str] = {f"{BETA}{kind}.{value}": str(count) for value, count in counts.items()}
    if len(counts) == 1:
        value = next(iter(counts))
        return {**made, f"{BETA}{kind}": value, f"{OWN}{kind}": value}
    return {**made, **{f"{OWN}{kind}.{value}": str(count) for value, count in counts.items()}}


def is_own(key: str) -> bool:
    """True for a label of the labeller."""
    return key.startswith((OWN, BETA))


def _value(kind: str, gpu: Mapping[str, Any]) -> str:
    if kind == "vram":
        return f"{round(gpu['memory_mib'] / 1024)}G"
    if kind == "cu-count":
        return str(gpu["multiprocessors"])
    if kind == "simd-count":
        return str(gpu["multiprocessors"] * SIMD_PER_CU)
    if kind == "device-id":
        return str(gpu["pci_id"]).split(":")[1]
    if kind == "family":
        return str(gpu["family"])
    return str(gpu["product"]).strip().replace(" ", "_").replace("(", "").replace(")", "")
