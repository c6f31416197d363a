# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an NVIDIA driver container ends, and what its log says then (pure).

Sources: words of modprobe and of NVIDIA's kernel module and installer as seen in public reports (NVIDIA/gpu-operator issues 990, 2433,
2509; hardware.md F1-F12). The lines around them are shortened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NEVER_READY, CRASH_LOOP = "gpu-driver-never-ready", "driver-crash-loop"
BUILT = ("Building NVIDIA driver package nvidia-modules...", "Loading NVIDIA driver kernel modules...", "+ modprobe nvidia")
REASONS: dict[str, tuple[str, ...]] = {
    "no-device": (*BUILT, "modprobe: ERROR: could not insert 'nvidia': No such device"),
    "nouveau": (
        *BUILT,
        "modprobe: ERROR: could not insert 'nvidia': No such device",
        "NVRM: The NVIDIA probe routine was not called for 8 device(s).",
        "NVRM: This can occur when a driver such as: nouveau, rivafb, nvidiafb or rivatv was loaded and obtained ownership of the NVIDIA device(s).",
    ),
    "secure-boot": (*BUILT, "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service"),
    "build": (
        "Building NVIDIA driver package nvidia-modules...",
        "ERROR: An error occurred while performing the step: \"Building kernel modules\". See /var/log/nvidia-installer.log for details.",
        "ERROR: The nvidia kernel module was not created.",
    ),
    "in-use": (
        "Current value of 'nodeSelector' labels: driver manager",
        "Could not unload NVIDIA driver kernel modules, driver is in use",
        "Failed to uninstall nvidia driver components",
    ),
}  # fmt: skip
INIT = ("in-use",)  # these end in the init container k8s-driver-manager


def fault_on(node: str, never_ready: Mapping[str, Any] | None, crash_loop: Mapping[str, Any] | None) -> str | None:
    """Key of the reason that a scenario gives for a node, or None."""
    if never_ready is not None and never_ready.get("node") == node:
        return "no-device"
    if crash_loop is not None and crash_loop.get("node") == node:
        return str(crash_loop.get("why") or "no-device")
    return None
