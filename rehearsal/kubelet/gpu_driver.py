# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the NVIDIA driver of a node was loaded with: the parameter files that its container was given below /drivers."""

from __future__ import annotations

from typing import Any

from rehearsal.kube import Kube, KubeError

Obj = dict[str, Any]
SELECTOR = "app.kubernetes.io/component=nvidia-driver"
FILE = "nvidia.conf"


def parameters(kube: Kube, node: str) -> str:
    """The lines of nvidia.conf; empty without a driver, or for one with its defaults."""
    try:
        for pod in kube.list("/api/v1/pods", label_selector=SELECTOR, field_selector=f"spec.nodeName={node}"):
            for name in _config_maps(pod):
                found = kube.get(kube.path("v1", "ConfigMap", pod["metadata"]["namespace"], name)) or {}
                return str((found.get("data") or {}).get(FILE) or "")
    except KubeError:
        pass
    return ""


def _config_maps(pod: Obj) -> list[str]:
    """ConfigMaps of which something is mounted as the driver's parameter file."""
    mounted = {
        mount["name"]
        for container in pod["spec"]["containers"]
        for mount in container.get("volumeMounts") or []
        if mount["mountPath"] == f"/drivers/{FILE}"
    }
    return [volume["configMap"]["name"] for volume in pod["spec"].get("volumes") or [] if volume["name"] in mounted and volume.get("configMap")]
