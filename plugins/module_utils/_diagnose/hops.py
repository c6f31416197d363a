# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops of a request, in the order in which each rests on the next: client … GPU … node.

Pure. A hop's objects are judged by the same functions as in waits; what causes the trouble of another hop lies deeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._proof import pods


@dataclass(frozen=True)
class Hop:
    """One station. kinds: objects that tell its state; groups: Pods that do."""

    name: str
    title: str
    kinds: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


# From the client down. Causes are looked for from the end.
HOPS = (
    Hop("client", "Requests of the proof"),
    Hop("gateway", "Gateway", ("GatewayClass", "Gateway"), ("gateway",)),
    Hop("route", "Route", ("HTTPRoute",)),
    Hop("auth", "Authorization", ("Kuadrant", "AuthPolicy"), ("auth",)),
    Hop("picker", "Endpoint picker and pool", ("InferencePool",), ("picker",)),
    Hop("service", "Inference service", ("LLMInferenceService",), ("controller",)),
    Hop("pods", "Model servers", (), ("engine", "prefill", "worker")),
    Hop("transfer", "KV cache and expert traffic"),
    Hop("model", "Model and volumes", ("PersistentVolumeClaim", "LVMCluster"), ("storage",)),
    Hop("platform", "OpenShift AI and its parts", ("DataScienceCluster", "DSCInitialization", "LeaderWorkerSetOperator")),
    Hop("fabric", "Fabric", ("NicClusterPolicy",), ("fabric",)),
    Hop("accelerator", "GPUs and driver", ("ClusterPolicy", "DeviceConfig"), ("driver",)),
    Hop("operator", "Operators", ("Subscription", "ClusterServiceVersion", "CatalogSource")),
    Hop("node", "Nodes", ("MachineConfigPool", "Node")),
    Hop("cluster", "Cluster", ("ClusterOperator",)),
)
ORDER = {hop.name: place for place, hop in enumerate(HOPS)}


@dataclass(frozen=True)
class Source:
    """Objects that are read: resource as a CRD is named, and where they lie (None: everywhere, "@service": the service's namespace)."""

    kind: str
    resource: str
    namespace: str | None = None


SOURCES = (
    Source("LLMInferenceService", "llminferenceservices.serving.kserve.io", "@service"),
    Source("HTTPRoute", "httproutes.gateway.networking.k8s.io", "@service"),
    Source("InferencePool", "inferencepools.inference.networking.k8s.io", "@service"),
    Source("AuthPolicy", "authpolicies.kuadrant.io"),
    Source("LeaderWorkerSet", "leaderworkersets.leaderworkerset.x-k8s.io", "@service"),
    Source("NetworkAttachmentDefinition", "network-attachment-definitions.k8s.cni.cncf.io", "@service"),
    Source("GatewayClass", "gatewayclasses.gateway.networking.k8s.io"),
    Source("Gateway", "gateways.gateway.networking.k8s.io", "openshift-ingress"),
    Source("Kuadrant", "kuadrants.kuadrant.io"),
    Source("DataScienceCluster", "datascienceclusters.datasciencecluster.opendatahub.io"),
    Source("DSCInitialization", "dscinitializations.dscinitialization.opendatahub.io"),
    Source("LeaderWorkerSetOperator", "leaderworkersetoperators.operator.openshift.io"),
    Source("ClusterPolicy", "clusterpolicies.nvidia.com"),
    Source("DeviceConfig", "deviceconfigs.amd.com"),
    Source("NicClusterPolicy", "nicclusterpolicies.mellanox.com"),
    Source("SriovNetworkNodeState", "sriovnetworknodestates.sriovnetwork.openshift.io"),
    Source("LVMCluster", "lvmclusters.lvm.topolvm.io"),
    Source("MachineConfigPool", "machineconfigpools.machineconfiguration.openshift.io"),
    Source("Subscription", "subscriptions.operators.coreos.com"),
    Source("InstallPlan", "installplans.operators.coreos.com"),
    Source("ClusterServiceVersion", "clusterserviceversions.operators.coreos.com"),
    Source("CatalogSource", "catalogsources.operators.coreos.com"),
    Source("ClusterOperator", "clusteroperators.config.openshift.io"),
)
CORE = (("Node", "nodes", False), ("PersistentVolumeClaim", "persistentvolumeclaims", True))

# Pods beside the service's own: group -> the packages in whose namespaces they run. openshift-ingress has the gateway's.
OPERATOR_GROUPS = {
    "auth": ("rhcl-operator",),
    "driver": ("gpu-operator-certified", "amd-gpu-operator", "kernel-module-management"),
    "fabric": ("sriov-network-operator", "nvidia-network-operator"),
    "storage": ("lvms-operator",),
}
GATEWAY_NAMESPACE = "openshift-ingress"
CONTROLLER_NAMESPACE = "redhat-ods-applications"


def group_of_service_pod(pod: Mapping[str, Any]) -> str:
    """picker, prefill, worker or engine; of a group of Pods the first one leads."""
    if pods.has(pod, pods.PICKER_LABELS):
        return "picker"
    if pods.role(pod) == "prefill":
        return "prefill"
    return "worker" if (pods.place(pod) or {}).get("index") else "engine"
