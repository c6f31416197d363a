# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ClusterPolicy or DeviceConfig of somebody else is used as it is, so its values must let GPUs appear, and RDMA reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._apply.manifests import is_ours
from .look import dig, number, rows, text
from .model import FAIL, PASS, WARN, Case, Finding

Object = Mapping[str, Any]
SOURCE = "NVIDIA/gpu-operator@a22dbf671f api/nvidia/v1; ROCm/gpu-operator@6df13c1788 api/v1alpha1"
RDMA_PATHS = ("pd_disaggregation", "wide_expert_parallelism")


def foreign_policy(case: Case) -> list[Finding]:
    """One finding for each value that stands in the way; a pass names the policy."""
    found = []
    for kind, vendor, judge in (("ClusterPolicy", "nvidia", _nvidia), ("DeviceConfig", "amd", _amd)):
        foreign = [one for one in rows(case.snapshot, "objects", kind) or [] if not is_ours(one)]
        if vendor in case.candidates.vendors and len(foreign) == 1:
            found += _told(case, f"{kind} {text(foreign[0], 'metadata', 'name')}", judge(case, foreign[0]))
    return found


def _told(case: Case, subject: str, wrong: list[tuple[str, str, str]]) -> list[Finding]:
    expected = "values that let GPUs appear, and RDMA reach them where the path needs it"
    if not wrong:
        return [case.finding("gpu-policy", PASS, subject, "somebody else's, with values that fit", expected, "Nothing.", source=SOURCE)]
    remedy = "It isn't ours, so it is left alone: ask its owner to set {}."
    return [
        case.finding("gpu-policy", status, subject, observed, expected, remedy.format(value), blocking=status == FAIL, source=SOURCE)
        for status, observed, value in wrong
    ]


def _nvidia(case: Case, policy: Object) -> list[tuple[str, str, str]]:
    wrong = [
        (FAIL, f"{part}.enabled is false, and no node has GPUs to give", f"spec.{part}.enabled to true")
        for part in ("driver", "toolkit")
        if _off(policy, part) and not _gpus(case)
    ]
    if _off(policy, "devicePlugin"):
        wrong.append((FAIL, "devicePlugin.enabled is false, so that no GPU is ever allocatable", "spec.devicePlugin.enabled to true"))
    workload = text(policy, "spec", "sandboxWorkloads", "defaultWorkload")
    if dig(policy, "spec", "sandboxWorkloads", "enabled") is True and workload not in (None, "container"):
        wrong.append((FAIL, f"sandboxWorkloads gives GPUs to virtual machines ({workload})", "spec.sandboxWorkloads.defaultWorkload to container"))
    if case.path not in RDMA_PATHS:
        return wrong
    if text(policy, "spec", "driver", "kernelModuleType") == "proprietary" and dig(policy, "spec", "driver", "rdma", "enabled") is not True:
        told = "driver.kernelModuleType is proprietary without driver.rdma: network cards can't read the GPUs' memory"
        wrong.append((FAIL, told, "spec.driver.kernelModuleType to open (DMA-BUF), or spec.driver.rdma.enabled to true"))
    if dig(policy, "spec", "gdrcopy", "enabled") is not True:
        wrong.append((WARN, "gdrcopy isn't enabled: small transfers between GPUs are slower", "spec.gdrcopy.enabled to true"))
    if case.path == "wide_expert_parallelism" and not text(policy, "spec", "driver", "kernelModuleConfig", "name"):
        told = "driver.kernelModuleConfig names nothing: without PeerMappingOverride=1 the GPUs can't post to the network cards, and DeepEP doesn't start"
        wrong.append((WARN, told, "spec.driver.kernelModuleConfig.name to a ConfigMap whose nvidia.conf has NVreg_RegistryDwords=\"PeerMappingOverride=1;\""))
    return wrong


def _amd(case: Case, config: Object) -> list[tuple[str, str, str]]:
    if dig(config, "spec", "driver", "enable") is False and not _gpus(case):
        return [(FAIL, "driver.enable is false, and no node has GPUs to give", "spec.driver.enable to true")]
    return []


def _off(policy: Object, part: str) -> bool:
    return dig(policy, "spec", part, "enabled") is False


def _gpus(case: Case) -> bool:
    """Whether a driver of the host gives GPUs already."""
    return any(number(node, "allocatable", f"{text(node, 'accelerators', 'vendor')}.com/gpu") for node in case.candidates.gpu)
