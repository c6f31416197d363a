# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MIG: which layouts there are for a GPU, and what a node with a layout offers under each strategy (pure).

Sources: NVIDIA/gpu-operator@a22dbf671 assets/state-mig-manager/0400_configmap.yaml (names, counts, PCI ids), NVIDIA/k8s-device-plugin
internal/lm/{mig-strategy,resource}.go, docs (resource names, labels, `-MIG-INVALID`); hardware.md §1.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GPU = "nvidia.com/gpu"
OFF, EMPTY, BALANCED = "all-disabled", "all-enabled", "all-balanced"
Layout = dict[str, int]  # profile -> instances on one GPU; {} = MIG on, nothing cut
# PCI device -> profile -> how many of it one GPU takes.
PROFILES: dict[str, Layout] = {
    "20b2": {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1},
    "2330": {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1},
    "2335": {"1g.18gb": 7, "1g.35gb": 4, "2g.35gb": 3, "3g.71gb": 2, "4g.71gb": 1, "7g.141gb": 1},
    "2901": {"1g.23gb": 7, "1g.45gb": 4, "2g.45gb": 3, "3g.90gb": 2, "4g.90gb": 1, "7g.180gb": 1},
    "2941": {"1g.23gb": 7, "1g.47gb": 4, "2g.47gb": 3, "3g.93gb": 2, "4g.93gb": 1, "7g.186gb": 1},
}
BALANCE: dict[str, Layout] = {
    "20b2": {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1},
    "2330": {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1},
    "2335": {"1g.18gb": 2, "2g.35gb": 1, "3g.71gb": 1},
    "2901": {"1g.23gb": 2, "2g.45gb": 1, "3g.90gb": 1},
    "2941": {"1g.23gb": 2, "2g.47gb": 1, "3g.93gb": 1},
}


class NoSuchLayout(ValueError):
    """The selected configuration does not exist, or not for this GPU."""


def layout(name: str, gpu: Mapping[str, Any]) -> Layout | None:
    """The layout of one GPU under a configuration; None = MIG off. Raises NoSuchLayout."""
    device = str(gpu["pci_id"]).split(":")[1]
    if name == OFF:
        return None
    if name == EMPTY and gpu.get("mig_capable"):
        return {}
    if name == BALANCED and device in BALANCE:
        return dict(BALANCE[device])
    profile = name.removeprefix("all-")
    if name.startswith("all-") and profile in PROFILES.get(device, {}):
        return {profile: PROFILES[device][profile]}
    raise NoSuchLayout(f"selected mig-config '{name}' not present or not valid for device 0x{device.upper()}10DE")


def resources(layouts: list[Layout | None], strategy: str) -> dict[str, int]:
    """Allocatable resources of a node whose GPUs have these layouts."""
    whole = sum(1 for item in layouts if item is None)
    if strategy == "none" or whole == len(layouts):
        return {GPU: len(layouts)}
    if strategy == "single":
        return {GPU: 0 if is_invalid(layouts) else sum(sum((item or {}).values()) for item in layouts)}
    found: dict[str, int] = {GPU: whole}
    for item in layouts:
        for profile, count in (item or {}).items():
            found[f"nvidia.com/mig-{profile}"] = found.get(f"nvidia.com/mig-{profile}", 0) + count
    return found


def is_invalid(layouts: list[Layout | None]) -> bool:
    """True when strategy `single` cannot name the node's devices: some with MIG, some without; several profiles; or nothing cut."""
    if all(item is None for item in layouts):
        return False
    profiles = {profile for item in layouts for profile in (item or {})}
    return any(item is None for item in layouts) or len(profiles) != 1 or any(not item for item in layouts)


def labels(base: Mapping[str, str], layouts: list[Layout | None], strategy: str) -> dict[str, str]:
    """What MIG changes in the labels of GPU feature discovery."""
    product = base.get("nvidia.com/gpu.product", "")
    if strategy == "none" or all(item is None for item in layouts) or not layouts:
        return {}
    if strategy == "single":
        if is_invalid(layouts):
            zero = dict.fromkeys(("nvidia.com/gpu.count", "nvidia.com/gpu.replicas", "nvidia.com/gpu.memory"), "0")
            return {"nvidia.com/gpu.product": f"{product}-MIG-INVALID", **zero}
        profile = next(iter(layouts[0] or {}))
        total = str(resources(layouts, strategy)[GPU])
        return {"nvidia.com/gpu.product": f"{product}-MIG-{profile}", "nvidia.com/gpu.count": total, "nvidia.com/gpu.memory": memory(profile)}
    made: dict[str, str] = {"nvidia.com/gpu.count": str(sum(1 for item in layouts if item is None))}
    for name, count in resources(layouts, strategy).items():
        if name != GPU:
            profile = name.removeprefix("nvidia.com/mig-")
            made |= {f"{name}.count": str(count), f"{name}.product": f"{product}-MIG-{profile}", f"{name}.replicas": "1",
                     f"{name}.memory": memory(profile), f"{name}.strategy": "mixed"}  # fmt: skip
    return made


def memory(profile: str) -> str:
    """MiB of an instance, from its name (the driver tells a little less)."""
    return str(int(profile.split(".")[1].split("gb")[0]) * 1024)
