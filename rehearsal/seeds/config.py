# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The singletons of config.openshift.io and operator.openshift.io, and what the installer leaves in kube-system."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rehearsal.sandbox import SERVICE_CIDR
from rehearsal.seeds.common import DOMAIN, MACHINE_NETWORK, Object, condition, make, stamp

CONFIG = "config.openshift.io/v1"
INFRASTRUCTURE_NAME = "rehearsal-x7k2p"
# The sandbox's own networks: what these objects say is what is really routed there (rehearsal/README.md).
CLUSTER_NETWORK = {"cidr": "10.244.0.0/15", "hostPrefix": 23}
SERVICE_NETWORK = SERVICE_CIDR
MTU = 1400


def objects(profile: Mapping[str, Any], openshift: Mapping[str, Any], moment: datetime) -> list[Object]:
    """All cluster-wide configuration of a fresh cluster, mostly empty specs."""
    return [
        _infrastructure(profile["platform"]),
        _network(),
        make(CONFIG, "Proxy", "cluster", spec={"trustedCA": {"name": ""}}, status={}),
        make(CONFIG, "APIServer", "cluster", spec={"audit": {"profile": "Default"}}),
        make(CONFIG, "Authentication", "cluster", spec={"type": "", "oauthMetadata": {"name": ""}, "serviceAccountIssuer": ""}),
        make(CONFIG, "DNS", "cluster", spec={"baseDomain": DOMAIN}, status={}),
        make(CONFIG, "FeatureGate", "cluster", spec={}, status={"featureGates": [{"version": openshift["version"], "enabled": [], "disabled": []}]}),
        make(CONFIG, "Image", "cluster", spec={}, status={"internalRegistryHostname": "image-registry.openshift-image-registry.svc:5000"}),
        make(CONFIG, "Ingress", "cluster", spec={"domain": f"apps.{DOMAIN}", "loadBalancer": {"platform": {"type": ""}}}),
        make(CONFIG, "Node", "cluster", spec={}),
        make(CONFIG, "OAuth", "cluster", spec={}),
        make(CONFIG, "OperatorHub", "cluster", spec={}, status={"sources": [
            {"name": name, "status": "Success", "disabled": False} for name in ("redhat-operators", "certified-operators")]}),
        make(CONFIG, "Project", "cluster", spec={"projectRequestMessage": ""}),
        make(CONFIG, "Scheduler", "cluster", spec={"mastersSchedulable": _masters_schedulable(profile), "policy": {"name": ""}}),
        _ingress_controller(profile, moment),
        _network_operator(),
        _install_config(profile),
        _pull_secret(),
    ]  # fmt: skip


def _masters_schedulable(profile: Mapping[str, Any]) -> bool:
    return any({"control-plane", "worker"} <= set(node["roles"]) for node in profile["nodes"])


def _infrastructure(platform: Mapping[str, Any]) -> Object:
    kind = platform["type"]
    status: Object = {
        "apiServerURL": f"https://api.{DOMAIN}:6443",
        "apiServerInternalURI": f"https://api-int.{DOMAIN}:6443",
        "controlPlaneTopology": platform["control_plane_topology"],
        "infrastructureTopology": platform["infrastructure_topology"],
        "infrastructureName": INFRASTRUCTURE_NAME,
        "cpuPartitioning": "None",
        "etcdDiscoveryDomain": "",
        "platform": kind,
        "platformStatus": {"type": kind},
    }
    if kind == "BareMetal":
        status["platformStatus"]["baremetal"] = {
            "apiServerInternalIP": "198.18.0.5", "apiServerInternalIPs": ["198.18.0.5"],
            "ingressIP": "198.18.0.6", "ingressIPs": ["198.18.0.6"],
            "loadBalancer": {"type": "OpenShiftManagedDefault"}, "machineNetworks": [MACHINE_NETWORK],
        }  # fmt: skip
    return make(
        CONFIG,
        "Infrastructure",
        "cluster",
        spec={"cloudConfig": {"name": ""}, "platformSpec": {"type": kind}},
        status=status,
    )


def _network() -> Object:
    spec = {
        "clusterNetwork": [CLUSTER_NETWORK],
        "externalIP": {"policy": {}},
        "networkType": "OVNKubernetes",
        "serviceNetwork": [SERVICE_NETWORK],
    }
    status = {
        "clusterNetwork": [CLUSTER_NETWORK],
        "clusterNetworkMTU": MTU,
        "networkType": "OVNKubernetes",
        "serviceNetwork": [SERVICE_NETWORK],
    }
    return make(CONFIG, "Network", "cluster", spec=spec, status=status)


def _network_operator() -> Object:
    spec = {
        "clusterNetwork": [CLUSTER_NETWORK],
        "defaultNetwork": {"type": "OVNKubernetes", "ovnKubernetesConfig": {"mtu": MTU, "genevePort": 6081}},
        "serviceNetwork": [SERVICE_NETWORK],
        "managementState": "Managed",
        "logLevel": "Normal",
        "operatorLogLevel": "Normal",
        "disableNetworkDiagnostics": False,
    }
    return make("operator.openshift.io/v1", "Network", "cluster", spec=spec)


def _ingress_controller(profile: Mapping[str, Any], moment: datetime) -> Object:
    replicas = 1 if profile["platform"]["infrastructure_topology"] == "SingleReplica" else 2
    cloud = profile["platform"]["type"] in ("AWS", "IBMCloud")
    kind = "LoadBalancerService" if cloud else "HostNetwork"
    strategy: Object = {"type": kind}
    if cloud:
        strategy["loadBalancer"] = {"scope": "External", "dnsManagementPolicy": "Managed"}
    spec = {
        "replicas": replicas,
        "httpCompression": {},
        "httpErrorCodePages": {"name": ""},
        "tuningOptions": {"reloadInterval": "0s"},
    }
    status = {
        "availableReplicas": replicas,
        "domain": f"apps.{DOMAIN}",
        "endpointPublishingStrategy": strategy,
        "observedGeneration": 1,
        "selector": "ingresscontroller.operator.openshift.io/deployment-ingresscontroller=default",
        "conditions": [
            condition(kind, kind == "Available", stamp(moment, 299))
            for kind in ("Available", "Progressing", "Degraded")
        ],
    }
    return make(
        "operator.openshift.io/v1",
        "IngressController",
        "default",
        "openshift-ingress-operator",
        spec=spec,
        status=status,
    )


def _install_config(profile: Mapping[str, Any]) -> Object:
    nodes = profile["nodes"]
    masters = sum("control-plane" in node["roles"] for node in nodes)
    document = {
        "apiVersion": "v1",
        "baseDomain": DOMAIN,
        "metadata": {"name": "rehearsal"},
        "controlPlane": {"name": "master", "replicas": masters},
        "compute": [{"name": "worker", "replicas": len(nodes) - masters}],
        "networking": {
            "clusterNetwork": [CLUSTER_NETWORK], "machineNetwork": [{"cidr": MACHINE_NETWORK}],
            "networkType": "OVNKubernetes", "serviceNetwork": [SERVICE_NETWORK],
        },
        "platform": {profile["platform"]["type"].lower(): {}},
    }  # fmt: skip
    return make("v1", "ConfigMap", "cluster-config-v1", "kube-system", data={"install-config": json.dumps(document)})


def _pull_secret() -> Object:
    # "rehearsal:none": shaped like a pull secret, opens nothing.
    auths = {
        registry: {"auth": "cmVoZWFyc2FsOm5vbmU="}
        for registry in ("quay.io", "registry.connect.redhat.com", "registry.redhat.io")
    }
    content = {".dockerconfigjson": json.dumps({"auths": auths})}
    return make(
        "v1", "Secret", "pull-secret", "openshift-config", type="kubernetes.io/dockerconfigjson", stringData=content
    )
