# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the last lines of a crashed container mean: words of GPU drivers and of downloads -> the cause and what to do about it.

Sources: reports at NVIDIA/gpu-operator (issues 990, 2433, 2509), modprobe's own words, NVIDIA's kernel module (NVRM).
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import one_line


@dataclass(frozen=True)
class Cause:
    """The line of the log that tells most, and, where its words are known, what to do."""

    line: str
    meaning: str = ""
    repair: str = ""


# The first that fits counts: the more special words come first.
_KNOWN = (
    (
        "nouveau",
        "the kernel's own driver nouveau holds the GPUs",
        "Keep it out by llmd_kernel_arguments: [rd.driver.blacklist=nouveau, modprobe.blacklist=nouveau], which restarts the machines.",
    ),
    (
        "Key was rejected by service",
        "Secure Boot refuses the module, which isn't signed with a key of the machine",
        "Switch Secure Boot off in the machine's firmware, or enroll a key and use a signed (precompiled) driver.",
    ),
    (
        "kernel module was not created",
        "the driver doesn't build for this kernel",
        "Choose a version that does (llmd_gpu_driver_version), as the vendor's platform support says for this OpenShift.",
    ),
    (
        "driver is in use",
        "something on the node uses the GPUs, so the old driver can't be unloaded",
        "Stop the GPU pods of that node, or restart it.",
    ),
    (
        "No such device",
        "the module finds no GPU that it could drive",
        "Look at the kernel's log of that node (NVRM, Xid, nouveau, pass-through to vfio-pci).",
    ),
    (
        "No space left on device",
        "the volume is full",
        "Give it more room: declare a larger llmd_model_cache_gib where it holds models (the StorageClass must allow expansion), or remove what it holds.",
    ),
)


def cause(log: str) -> Cause | None:
    """What a log says; None when it is empty."""
    lines = [line for line in log.splitlines() if line.strip()]
    if not lines:
        return None
    for words, meaning, repair in _KNOWN:
        found = next((line for line in reversed(lines) if words in line), None)
        if found:
            return Cause(one_line(found, 300), meaning, repair)
    return Cause(one_line(lines[-1], 300))
