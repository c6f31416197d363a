# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom objects that decide (DataScienceCluster, ClusterPolicy …), trimmed: no bookkeeping, no literal secrets."""

from __future__ import annotations

from typing import Any

from .values import mapping, name_of, namespace_of, text

# What the snapshot reads of custom objects: kind -> plural.group.
KINDS = {
    "DataScienceCluster": "datascienceclusters.datasciencecluster.opendatahub.io",
    "DSCInitialization": "dscinitializations.dscinitialization.opendatahub.io",
    "ClusterPolicy": "clusterpolicies.nvidia.com",
    "DeviceConfig": "deviceconfigs.amd.com",
    "NodeFeatureDiscovery": "nodefeaturediscoveries.nfd.openshift.io",
    "LVMCluster": "lvmclusters.lvm.topolvm.io",
    "Kuadrant": "kuadrants.kuadrant.io",
    "LLMInferenceService": "llminferenceservices.serving.kserve.io",
    "NetworkAttachmentDefinition": "network-attachment-definitions.k8s.cni.cncf.io",
    "SriovOperatorConfig": "sriovoperatorconfigs.sriovnetwork.openshift.io",
    "SriovNetworkNodePolicy": "sriovnetworknodepolicies.sriovnetwork.openshift.io",
    "SriovNetworkPoolConfig": "sriovnetworkpoolconfigs.sriovnetwork.openshift.io",
    "SriovNetwork": "sriovnetworks.sriovnetwork.openshift.io",
    "SriovIBNetwork": "sriovibnetworks.sriovnetwork.openshift.io",
    "NicClusterPolicy": "nicclusterpolicies.mellanox.com",
    "NicNodePolicy": "nicnodepolicies.mellanox.com",
    "MacvlanNetwork": "macvlannetworks.mellanox.com",
    "IPoIBNetwork": "ipoibnetworks.mellanox.com",
    "HostDeviceNetwork": "hostdevicenetworks.mellanox.com",
}
DROPPED_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)
HIDDEN = "(not read)"
# Whose annotations are read: the products' and the GitOps tools'. Others are a team's own notes, and what stands there is nobody's to store.
_READ = (
    "openshift.io", "opendatahub.io", "kserve.io", "kubernetes.io", "k8s.io", "cncf.io", "argoproj.io", "fluxcd.io", "helm.sh", "open-cluster-management.io",
    "operatorframework.io", "coreos.com", "nvidia.com", "mellanox.com", "amd.com", "kuadrant.io", "istio.io",
)  # fmt: skip


def trim(obj: dict[str, Any]) -> dict[str, Any]:
    """The object's identity, spec and status. Literal environment values and a team's own annotations are hidden: people put tokens there."""
    annotations = mapping(obj, "metadata", "annotations")
    return {
        "apiVersion": text(obj, "apiVersion"),
        "kind": text(obj, "kind"),
        "metadata": {
            "name": name_of(obj),
            "namespace": namespace_of(obj) or None,
            "labels": mapping(obj, "metadata", "labels"),
            "annotations": {key: value if _is_read(key) else HIDDEN for key, value in annotations.items() if key not in DROPPED_ANNOTATIONS},
            "generation": mapping(obj, "metadata").get("generation"),
            "deleting": text(obj, "metadata", "deletionTimestamp") is not None,
        },
        "spec": _without_values(obj.get("spec")),
        "status": obj.get("status") if isinstance(obj.get("status"), dict) else None,
    }


def _is_read(annotation: str) -> bool:
    domain = annotation.partition("/")[0]
    return annotation.startswith("olm.") or any(domain == known or domain.endswith(f".{known}") for known in _READ)


def _without_values(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_values(item) for item in value]
    if not isinstance(value, dict):
        return value
    copied = {key: _without_values(item) for key, item in value.items()}
    if isinstance(copied.get("env"), list):
        copied["env"] = [
            {**row, "value": HIDDEN} if isinstance(row, dict) and "value" in row else row for row in copied["env"]
        ]
    return copied
