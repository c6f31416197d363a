# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node labels of the NVIDIA GPU operator: what makes a GPU node, what the operator and GPU feature discovery set (pure).

Sources: NVIDIA/gpu-operator controllers/state_manager.go; NVIDIA/k8s-device-plugin internal/lm/*.go (hardware.md §1.3);
`gpu.deploy.nvsm=""` as seen on OpenShift nodes in field reports. Not played: MIG geometries, time-slicing, MPS, vGPU.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rehearsal.operators.objects import Object, labels_of

NFD_PREFIX = "feature.node.kubernetes.io/"
GPU_PCI_LABELS = tuple(f"{NFD_PREFIX}pci-{name}.present" for name in ("10de", "0302_10de", "0300_10de"))
MELLANOX_PCI_LABELS = tuple(f"{NFD_PREFIX}pci-{name}.present" for name in ("15b3", "0200_15b3", "0207_15b3"))
OSTREE_LABEL = f"{NFD_PREFIX}system-os_release.OSTREE_VERSION"
PRESENT = "nvidia.com/gpu.present"
DEPLOY = "nvidia.com/gpu.deploy."
UPGRADE_STATE = "nvidia.com/gpu-driver-upgrade-state"
UPGRADE_ENABLED = "nvidia.com/gpu-driver-upgrade-enabled"
OFED_WAIT = "network.nvidia.com/operator.mofed.wait"
COMPONENTS = (
    "driver",
    "gpu-feature-discovery",
    "container-toolkit",
    "device-plugin",
    "dcgm",
    "dcgm-exporter",
    "node-status-exporter",
    "operator-validator",
)
# CUDA that a driver branch brings (NVIDIA's CUDA release notes, table of driver versions); used for cuda.runtime-version.
CUDA_OF_DRIVER = {"535": "12.2", "550": "12.4", "565": "12.7", "570": "12.8", "575": "12.9", "580": "13.0", "595": "13.2"}


def has_nfd_labels(nodes: list[Object]) -> bool:
    """True when NFD has labelled any node."""
    return any(key.startswith(NFD_PREFIX) for node in nodes for key in labels_of(node))


def is_gpu_node(node: Object) -> bool:
    """True when NFD found an NVIDIA device of a graphics class on the node: the operator knows no other way."""
    return any(labels_of(node).get(key) == "true" for key in GPU_PCI_LABELS)


def operator_labels(node: Object, policy: Mapping[str, Any]) -> dict[str, str | None]:
    """Changes of a node's labels that the operator makes; None removes one. Empty when all is as it should be."""
    have = labels_of(node)
    if not is_gpu_node(node):
        return {key: None for key in have if key == PRESENT or key.startswith(DEPLOY)}
    wanted: dict[str, str] = {PRESENT: "true"}
    if have.get(f"{DEPLOY}operands") != "false":
        wanted |= {f"{DEPLOY}{name}": have.get(f"{DEPLOY}{name}", "true") for name in COMPONENTS}
        wanted[f"{DEPLOY}nvsm"] = ""
        if have.get("nvidia.com/mig.capable") == "true" and _enabled(policy, "migManager", True):
            wanted[f"{DEPLOY}mig-manager"] = "true"
            if "nvidia.com/mig.config" not in have:
                default = ((policy.get("migManager") or {}).get("config") or {}).get("default") or "all-disabled"
                wanted["nvidia.com/mig.config"] = default
    changes: dict[str, str | None] = {key: value for key, value in wanted.items() if have.get(key) != value}
    if have.get(f"{DEPLOY}operands") == "false":
        changes |= {f"{DEPLOY}{name}": None for name in (*COMPONENTS, "mig-manager", "nvsm") if f"{DEPLOY}{name}" in have}
    return changes


def healthy_gpus(server: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """NVIDIA GPUs of a profile's node that the driver can use."""
    return [gpu for gpu in server.get("gpus") or [] if gpu["vendor"] == "nvidia" and gpu.get("health", "ok") == "ok"]


def product_label(name: str) -> str:
    """NVML's device name as a label value: odd characters go, blanks become dashes."""
    return re.sub(r"[^A-Za-z0-9\-_. ]", "", name).strip().replace(" ", "-")


def discovery_labels(server: Mapping[str, Any], driver: str, mig_strategy: str) -> dict[str, str]:
    """Labels of GPU feature discovery for a node whose driver runs; without a usable GPU only those of the machine."""
    gpus = healthy_gpus(server)
    machine = re.sub(r"[^A-Za-z0-9\-_. ]", "", server["system"]["product"]).strip().replace(" ", "-")
    if not gpus:
        return {"nvidia.com/gpu.machine": machine}
    # With several models one wins; GFD only logs a warning.
    gpu = gpus[0]
    major, _, rest = gpu["compute"].partition(".")
    made = {
        "nvidia.com/gpu.machine": machine,
        "nvidia.com/gpu.product": product_label(gpu["product"]),
        "nvidia.com/gpu.count": str(len(gpus)),
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.memory": str(gpu["memory_mib"]),
        "nvidia.com/gpu.family": gpu["family"],
        "nvidia.com/gpu.compute.major": major,
        "nvidia.com/gpu.compute.minor": rest or "0",
        "nvidia.com/gpu.mode": "compute",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/mig.capable": "true" if gpu.get("mig_capable") else "false",
        "nvidia.com/mig.strategy": mig_strategy,
        "nvidia.com/mps.capable": "false",
        "nvidia.com/vgpu.present": "false",
    }
    if gpu.get("clique"):
        made["nvidia.com/gpu.clique"] = gpu["clique"]
    return made | _cuda_labels(driver)


def _cuda_labels(driver: str) -> dict[str, str]:
    parts = driver.split(".")
    made = {"nvidia.com/cuda.driver-version.full": driver}
    for name, old, value in zip(("major", "minor", "revision"), ("major", "minor", "rev"), [*parts, "", ""][:3], strict=True):
        made[f"nvidia.com/cuda.driver-version.{name}"] = value
        made[f"nvidia.com/cuda.driver.{old}"] = value
    cuda = CUDA_OF_DRIVER.get(parts[0])
    if cuda:
        made["nvidia.com/cuda.runtime-version.full"] = cuda
        for name, value in zip(("major", "minor"), cuda.split("."), strict=True):
            made[f"nvidia.com/cuda.runtime-version.{name}"] = value
            made[f"nvidia.com/cuda.runtime.{name}"] = value
    return made


def _enabled(policy: Mapping[str, Any], component: str, default: bool) -> bool:
    value = (policy.get(component) or {}).get("enabled")
    return default if value is None else bool(value)
