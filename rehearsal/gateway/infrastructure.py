# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployment, Service and ServiceAccount that Istio makes for a Gateway, with the overrides that a user may give.

Names, labels, ports and probes: Istio's "automated deployment" of Gateway API (istio.io, Kubernetes Gateway API task), and the
kube-gateway template of Istio 1.26.
"""

from __future__ import annotations

import copy
from typing import Any

import yaml

from rehearsal.gateway.world import Obj, name_of
from rehearsal.operators.objects import matches, owner_reference

NAME_LABEL = "gateway.networking.k8s.io/gateway-name"
CLASS_LABEL = "gateway.networking.k8s.io/gateway-class-name"
SERVICE_TYPE = "networking.istio.io/service-type"  # annotation of a Gateway: ClusterIP, NodePort or LoadBalancer
STATUS_PORT = 15021
LIST_KEYS = {"containers": "name", "initContainers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath", "ports": "port"}


def child_name(gateway: Obj) -> str:
    """`<gateway>-<class>`."""
    return f"{gateway['metadata']['name']}-{gateway['spec']['gatewayClassName']}"


def objects(gateway: Obj, image: str, options: Obj | None) -> list[Obj]:
    """ServiceAccount, Deployment and Service. `options`: data of the ConfigMap that infrastructure.parametersRef names."""
    made = [_service_account(gateway), _deployment(gateway, image), _service(gateway)]
    result = []
    for obj in made:
        key = {"ServiceAccount": "serviceAccount"}.get(obj["kind"], obj["kind"].lower())
        override = yaml.safe_load((options or {}).get(key) or "") or {}
        result.append(strategic(obj, override))
    return result


def _meta(gateway: Obj) -> Obj:
    infrastructure = gateway["spec"].get("infrastructure") or {}
    name, class_name = gateway["metadata"]["name"], gateway["spec"]["gatewayClassName"]
    own = {NAME_LABEL: name, CLASS_LABEL: class_name, "gateway.istio.io/managed": "openshift.io-gateway-controller-v1"}
    meta: Obj = {
        "name": child_name(gateway),
        "namespace": name_of(gateway)[0],
        "labels": {**(infrastructure.get("labels") or {}), **own},
        "ownerReferences": [owner_reference({**gateway, "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "Gateway"})],
    }
    if infrastructure.get("annotations"):
        meta["annotations"] = infrastructure["annotations"]
    return meta


def _service_account(gateway: Obj) -> Obj:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta(gateway)}


def _service(gateway: Obj) -> Obj:
    kind = (gateway["metadata"].get("annotations") or {}).get(SERVICE_TYPE, "LoadBalancer")
    ports = [{"name": "status-port", "port": STATUS_PORT, "protocol": "TCP", "targetPort": STATUS_PORT, "appProtocol": "tcp"}]
    seen = {STATUS_PORT}
    for listener in gateway["spec"].get("listeners") or []:
        port = listener["port"]
        if port not in seen:
            seen.add(port)
            ports.append({"name": listener["name"], "port": port, "protocol": "TCP", "targetPort": port,
                          "appProtocol": listener["protocol"].lower()})
    spec = {"type": kind, "selector": {NAME_LABEL: gateway["metadata"]["name"]}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _meta(gateway), "spec": spec}


def _deployment(gateway: Obj, image: str) -> Obj:
    meta = _meta(gateway)
    name = gateway["metadata"]["name"]
    labels = {**meta["labels"], "service.istio.io/canonical-name": child_name(gateway), "sidecar.istio.io/inject": "false"}
    template = {"metadata": {"labels": labels, "annotations": {"istio.io/rev": "openshift-gateway"}}, "spec": {
        "serviceAccountName": child_name(gateway),
        "terminationGracePeriodSeconds": 30,
        "containers": [_proxy(gateway, image)],
        "volumes": [{"name": "workload-socket", "emptyDir": {}}, {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
                    {"name": "istio-data", "emptyDir": {}}],
    }}
    spec = {"selector": {"matchLabels": {NAME_LABEL: name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def _proxy(gateway: Obj, image: str) -> Obj:
    probe = {"httpGet": {"path": "/healthz/ready", "port": STATUS_PORT, "scheme": "HTTP"}}
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    pod_name = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    return {
        "name": "istio-proxy",
        "image": image,
        "args": ["proxy", "router", "--domain", "$(POD_NAMESPACE).svc.cluster.local", "--proxyLogLevel", "warning"],
        "ports": [{"containerPort": 15020, "name": "metrics", "protocol": "TCP"},
                  {"containerPort": STATUS_PORT, "name": "status-port", "protocol": "TCP"},
                  {"containerPort": 15090, "name": "http-envoy-prom", "protocol": "TCP"}],
        "env": [{"name": "POD_NAME", "valueFrom": pod_name}, {"name": "POD_NAMESPACE", "valueFrom": field},
                {"name": "ISTIO_META_WORKLOAD_NAME", "value": child_name(gateway)}],
        "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "readinessProbe": {**probe, "failureThreshold": 4, "periodSeconds": 15, "timeoutSeconds": 1, "successThreshold": 1},
        "startupProbe": {**probe, "failureThreshold": 30, "initialDelaySeconds": 1, "periodSeconds": 1, "timeoutSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "privileged": False,
                            "readOnlyRootFilesystem": True, "runAsNonRoot": True},
        "volumeMounts": [{"name": "workload-socket", "mountPath": "/var/run/secrets/workload-spiffe-uds"},
                         {"name": "istio-data", "mountPath": "/var/lib/istio/data"}, {"name": "istio-envoy", "mountPath": "/etc/istio/proxy"}],
    }


def strategic(base: Any, patch: Any, key: str = "") -> Any:
    """A small strategic merge: maps are merged, lists of named items by their name, other lists replaced."""
    if isinstance(base, dict) and isinstance(patch, dict):
        result = copy.deepcopy(base)
        for name, value in patch.items():
            if value is None:
                result.pop(name, None)
            else:
                result[name] = strategic(result.get(name), value, name)
        return result
    if isinstance(base, list) and isinstance(patch, list) and key in LIST_KEYS:
        return _merge_lists(base, patch, LIST_KEYS[key])
    return copy.deepcopy(patch)


def _merge_lists(base: list[Any], patch: list[Any], by: str) -> list[Any]:
    result = copy.deepcopy(base)
    for item in patch:
        for index, have in enumerate(result):
            if have.get(by) == item.get(by):
                result[index] = strategic(have, item)
                break
        else:
            result.append(copy.deepcopy(item))
    return result


def gateway_pods(gateway: Obj, pods: list[Obj]) -> list[Obj]:
    """The pods of a gateway."""
    wanted = {"matchLabels": {NAME_LABEL: gateway["metadata"]["name"]}}
    namespace = name_of(gateway)[0]
    return [pod for pod in pods if pod["metadata"]["namespace"] == namespace and matches(wanted, pod["metadata"].get("labels") or {})]
