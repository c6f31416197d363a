# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that bring a bare cluster to a running LLMInferenceService, for tests that need one but not the roles.

Only what the products' documentation asks for; versions are the newest that the cluster's catalogs offer in a channel.
"""

from __future__ import annotations

from typing import Any

SERVICE = {
    "api_version": "serving.kserve.io/v1alpha1",
    "kind": "LLMInferenceService",
    "name": "llmd",
    "namespace": "llmd",
}
# package -> namespace, channel, catalog, own namespace only, packages that come along
OPERATORS: dict[str, tuple[str, str, str, bool, tuple[str, ...]]] = {
    "nfd": ("openshift-nfd", "stable", "redhat-operators", True, ()),
    "gpu-operator-certified": ("nvidia-gpu-operator", "v26.3", "certified-operators", True, ()),
    "rhcl-operator": ("kuadrant-system", "stable", "redhat-operators", False,
                      ("authorino-operator", "limitador-operator", "dns-operator")),
    "rhods-operator": ("redhat-ods-operator", "stable-3.3", "redhat-operators", False, ()),
}  # fmt: skip
_NFD = "sources:\n  pci: {deviceClassWhitelist: ['02', '03', '12', '0108'], deviceLabelFields: [vendor]}\n"
_ON = {"enabled": True}


def head(cluster: Any, package: str, channel: str) -> str:
    """The newest version of a channel."""
    path = f"{{.status.channels[?(@.name=='{channel}')].currentCSV}}"
    return str(
        cluster.kubectl("get", "packagemanifest", package, "-n", "openshift-marketplace", "-o", f"jsonpath={path}")
    )


def obj(api_version: str, kind: str, name: str, namespace: str = "", spec: Any = None, **meta: Any) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    made: dict[str, Any] = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place, **meta}}
    return made if spec is None else {**made, "spec": spec}


def awaited(api_version: str, kind: str, name: str, namespace: str = "", **options: Any) -> dict[str, Any]:
    return {"api_version": api_version, "kind": kind, "name": name, **({"namespace": namespace} if namespace else {}),
            **({"with": options} if options else {})}  # fmt: skip


def apply(*objects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"llmd.openshift.apply": {"objects": list(objects), "wait_crds_seconds": 300, **more}}


def wait(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"llmd.openshift.wait_for": {"objects": list(objects), "timeout_seconds": 900}}


def tasks(cluster: Any) -> list[dict[str, Any]]:
    """The tasks in order."""
    made: list[dict[str, Any]] = []
    wishes, ready = [], []
    for package, (namespace, channel, catalog, own, along) in OPERATORS.items():
        csv = head(cluster, package, channel)
        spec = {"name": package, "channel": channel, "source": catalog, "sourceNamespace": "openshift-marketplace",
                "installPlanApproval": "Manual", "startingCSV": csv}  # fmt: skip
        made += [obj("v1", "Namespace", namespace),
                 obj("operators.coreos.com/v1", "OperatorGroup", namespace, namespace, {"targetNamespaces": [namespace]} if own else {}),
                 obj("operators.coreos.com/v1alpha1", "Subscription", package, namespace, spec)]  # fmt: skip
        wishes.append({"package": package, "namespace": namespace, "csv": csv, "channel": channel, "catalog": catalog,
                       "expected_csvs": [head(cluster, p, "stable") for p in along]})  # fmt: skip
        ready.append(awaited("operators.coreos.com/v1alpha1", "ClusterServiceVersion", csv, namespace))
    return [
        apply(*made),
        {"llmd.openshift.olm_subscription": {"subscriptions": wishes, "until": "approved", "timeout_seconds": 900}},
        apply(*hardware(), *gateway()),
        wait(*ready, awaited("gateway.networking.k8s.io/v1", "GatewayClass", "openshift-default")),
        apply(*platform()),
        wait(*platform_ready()),
        apply(*authorino(), *service(), force_conflicts=["manager", "kuadrant-operator"]),
        wait(SERVICE),
    ]


def hardware() -> list[dict[str, Any]]:
    policy = {"operator": {"defaultRuntime": "crio", "use_ocp_driver_toolkit": True}, "daemonsets": {}, "driver": _ON, "toolkit": _ON,
              "devicePlugin": _ON, "dcgm": _ON, "dcgmExporter": _ON, "gfd": _ON, "migManager": _ON, "nodeStatusExporter": _ON}  # fmt: skip
    features = {"operand": {"servicePort": 12000}, "workerConfig": {"configData": _NFD}}
    return [obj("nfd.openshift.io/v1", "NodeFeatureDiscovery", "nfd-instance", "openshift-nfd", features),
            obj("nvidia.com/v1", "ClusterPolicy", "gpu-cluster-policy", spec=policy)]  # fmt: skip


def gateway() -> list[dict[str, Any]]:
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    return [obj("gateway.networking.k8s.io/v1", "GatewayClass", "openshift-default", spec={"controllerName": "openshift.io/gateway-controller/v1"}),
            obj("gateway.networking.k8s.io/v1", "Gateway", "openshift-ai-inference", "openshift-ingress",
                {"gatewayClassName": "openshift-default", "listeners": [listener]})]  # fmt: skip


def platform() -> list[dict[str, Any]]:
    return [obj("kuadrant.io/v1beta1", "Kuadrant", "kuadrant", "kuadrant-system"),
            obj("dscinitialization.opendatahub.io/v2", "DSCInitialization", "default-dsci",
                spec={"applicationsNamespace": "redhat-ods-applications",
                      "monitoring": {"managementState": "Managed", "namespace": "redhat-ods-monitoring"}}),
            obj("datasciencecluster.opendatahub.io/v2", "DataScienceCluster", "default-dsc",
                spec={"components": {"kserve": {"managementState": "Managed", "rawDeploymentServiceConfig": "Headed"}}})]  # fmt: skip


def platform_ready() -> list[dict[str, Any]]:
    return [awaited("kuadrant.io/v1beta1", "Kuadrant", "kuadrant", "kuadrant-system"),
            awaited("nvidia.com/v1", "ClusterPolicy", "gpu-cluster-policy", nodes={"gpu-0": 8, "gpu-1": 8}),
            awaited("datasciencecluster.opendatahub.io/v2", "DataScienceCluster", "default-dsc", components=["Kserve"]),
            awaited("gateway.networking.k8s.io/v1", "Gateway", "openshift-ai-inference", "openshift-ingress")]  # fmt: skip


def authorino() -> list[dict[str, Any]]:
    tls = {"enabled": True, "certSecretRef": {"name": "authorino-server-cert"}}
    return [obj("v1", "Service", "authorino-authorino-authorization", "kuadrant-system",
                annotations={"service.beta.openshift.io/serving-cert-secret-name": "authorino-server-cert"}),
            obj("operator.authorino.kuadrant.io/v1beta1", "Authorino", "authorino", "kuadrant-system",
                {"clusterWide": True, "listener": {"tls": tls}, "oidcServer": {"tls": {"enabled": False}}})]  # fmt: skip


def service() -> list[dict[str, Any]]:
    limits = {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "1"}
    spec = {"replicas": 2, "model": {"uri": "hf://Qwen/Qwen2.5-7B-Instruct", "name": "Qwen/Qwen2.5-7B-Instruct"},
            "router": {"gateway": {}, "route": {}, "scheduler": {}}, "template": {"containers": [{"name": "main", "resources": {"limits": limits}}]}}  # fmt: skip
    return [obj("v1", "Namespace", "llmd"), obj(SERVICE["api_version"], SERVICE["kind"], "llmd", "llmd", spec)]
