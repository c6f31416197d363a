# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From apiVersion and kind to the URL path of an API resource. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

# Kinds whose path Kubernetes' and OpenShift's API promise keeps stable; asking for them would be a wasted request.
# (apiVersion, kind) -> (plural, namespaced). Source: Kubernetes API reference 1.30+, OpenShift 4.16+ API reference.
FIXED: dict[tuple[str, str], tuple[str, bool]] = {
    ("v1", "Namespace"): ("namespaces", False),
    ("v1", "Node"): ("nodes", False),
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "Secret"): ("secrets", True),
    ("v1", "Service"): ("services", True),
    ("v1", "ServiceAccount"): ("serviceaccounts", True),
    ("v1", "Pod"): ("pods", True),
    ("v1", "Event"): ("events", True),
    ("v1", "PersistentVolumeClaim"): ("persistentvolumeclaims", True),
    ("v1", "PersistentVolume"): ("persistentvolumes", False),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("apps/v1", "DaemonSet"): ("daemonsets", True),
    ("apps/v1", "StatefulSet"): ("statefulsets", True),
    ("apps/v1", "ReplicaSet"): ("replicasets", True),
    ("batch/v1", "Job"): ("jobs", True),
    ("rbac.authorization.k8s.io/v1", "Role"): ("roles", True),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("rolebindings", True),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): ("clusterroles", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("clusterrolebindings", False),
    ("networking.k8s.io/v1", "NetworkPolicy"): ("networkpolicies", True),
    ("storage.k8s.io/v1", "StorageClass"): ("storageclasses", False),
    ("policy/v1", "PodDisruptionBudget"): ("poddisruptionbudgets", True),
    ("coordination.k8s.io/v1", "Lease"): ("leases", True),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): ("customresourcedefinitions", False),
}

# Kinds of the products that we set up, in any version: a CRD's plural and scope never change. Whether the kind is served
# (yet) is told by the answer to the request itself. (group, kind) -> (plural, namespaced). Source: the products' CRDs.
CUSTOM: dict[tuple[str, str], tuple[str, bool]] = {
    ("config.openshift.io", "ClusterOperator"): ("clusteroperators", False),
    ("config.openshift.io", "ClusterVersion"): ("clusterversions", False),
    ("machineconfiguration.openshift.io", "MachineConfigPool"): ("machineconfigpools", False),
    ("operators.coreos.com", "Subscription"): ("subscriptions", True),
    ("operators.coreos.com", "InstallPlan"): ("installplans", True),
    ("operators.coreos.com", "ClusterServiceVersion"): ("clusterserviceversions", True),
    ("operators.coreos.com", "CatalogSource"): ("catalogsources", True),
    ("operators.coreos.com", "OperatorGroup"): ("operatorgroups", True),
    ("packages.operators.coreos.com", "PackageManifest"): ("packagemanifests", True),
    ("nfd.openshift.io", "NodeFeatureDiscovery"): ("nodefeaturediscoveries", True),
    ("nvidia.com", "ClusterPolicy"): ("clusterpolicies", False),
    ("sriovnetwork.openshift.io", "SriovOperatorConfig"): ("sriovoperatorconfigs", True),
    ("sriovnetwork.openshift.io", "SriovNetworkNodeState"): ("sriovnetworknodestates", True),
    ("sriovnetwork.openshift.io", "SriovNetworkNodePolicy"): ("sriovnetworknodepolicies", True),
    ("sriovnetwork.openshift.io", "SriovNetworkPoolConfig"): ("sriovnetworkpoolconfigs", True),
    ("sriovnetwork.openshift.io", "SriovNetwork"): ("sriovnetworks", True),
    ("sriovnetwork.openshift.io", "SriovIBNetwork"): ("sriovibnetworks", True),
    ("k8s.cni.cncf.io", "NetworkAttachmentDefinition"): ("network-attachment-definitions", True),
    ("mellanox.com", "NicClusterPolicy"): ("nicclusterpolicies", False),
    ("mellanox.com", "NicNodePolicy"): ("nicnodepolicies", False),
    ("mellanox.com", "MacvlanNetwork"): ("macvlannetworks", False),
    ("mellanox.com", "IPoIBNetwork"): ("ipoibnetworks", False),
    ("mellanox.com", "HostDeviceNetwork"): ("hostdevicenetworks", False),
    ("lvm.topolvm.io", "LVMCluster"): ("lvmclusters", True),
    ("kuadrant.io", "Kuadrant"): ("kuadrants", True),
    ("kuadrant.io", "AuthPolicy"): ("authpolicies", True),
    ("operator.authorino.kuadrant.io", "Authorino"): ("authorinos", True),
    ("gateway.networking.k8s.io", "GatewayClass"): ("gatewayclasses", False),
    ("gateway.networking.k8s.io", "Gateway"): ("gateways", True),
    ("gateway.networking.k8s.io", "HTTPRoute"): ("httproutes", True),
    ("inference.networking.k8s.io", "InferencePool"): ("inferencepools", True),
    ("inference.networking.x-k8s.io", "InferencePool"): ("inferencepools", True),
    ("datasciencecluster.opendatahub.io", "DataScienceCluster"): ("datascienceclusters", False),
    ("dscinitialization.opendatahub.io", "DSCInitialization"): ("dscinitializations", False),
    ("serving.kserve.io", "LLMInferenceService"): ("llminferenceservices", True),
}


def known(api_version: str, kind: str) -> tuple[str, bool] | None:
    """(plural, namespaced) of a kind that needs no discovery."""
    return FIXED.get((api_version, kind)) or CUSTOM.get((api_version.rpartition("/")[0], kind))


def group_path(api_version: str) -> str:
    """`v1` -> `/api/v1`, `apps/v1` -> `/apis/apps/v1`."""
    return f"/apis/{quote(api_version)}" if "/" in api_version else f"/api/{quote(api_version, safe='')}"


def resources_of(document: dict[str, Any] | None) -> dict[str, tuple[str, bool]]:
    """kind -> (plural, namespaced) of an APIResourceList; subresources left out."""
    found: dict[str, tuple[str, bool]] = {}
    for row in (document or {}).get("resources") or []:
        if isinstance(row, dict) and "/" not in str(row.get("name")):
            found.setdefault(str(row.get("kind")), (str(row.get("name")), bool(row.get("namespaced"))))
    return found


def build(
    api_version: str, plural: str, namespaced: bool, namespace: str | None = None, name: str | None = None
) -> str:
    """The path of a collection, or of one object when `name` is given. Every part is URL-quoted."""
    parts = [group_path(api_version)]
    if namespaced and namespace:
        parts.append(f"namespaces/{quote(namespace, safe='')}")
    parts.append(quote(plural, safe=""))
    if name:
        parts.append(quote(name, safe=""))
    return "/".join(parts)
