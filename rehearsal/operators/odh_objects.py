# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that OpenShift AI adds around an LLMInferenceService: authentication, TLS towards pods, monitoring, SCC. Pure.

Names, labels and contents: rhoai-llmd.md 3.3-3.5 and 4.3 (odh-model-controller internal/controller/resources/template,
red-hat-data-services/kserve pkg/controller/*/llmisvc/{monitoring,router_platform_networking}*.go, config/overlays/odh).
"""

from __future__ import annotations

import hashlib
import re

from rehearsal.gateway.world import GATEWAY_GROUP, Name, Obj, host_of
from rehearsal.operators.objects import owner_reference

AUTH_HOST = "authorino-authorino-authorization.kuadrant-system.svc.cluster.local"
AUDIENCE = "https://kubernetes.default.svc"
MANAGED = {"app.kubernetes.io/managed-by": "odh-model-controller"}
SCC = "openshift-ai-llminferenceservice-scc"
ENABLE_AUTH = "security.opendatahub.io/enable-auth"
LONGEST = 63


def child_name(parent: str, suffix: str) -> str:
    """knative.dev/pkg/kmeta.ChildName: parent+suffix, shortened by a hash when it would be longer than 63 characters."""
    if len(parent) <= LONGEST - len(suffix):
        return parent + suffix
    head = LONGEST - 32
    if head - len(suffix) <= 0:
        digest = hashlib.md5((parent + suffix).encode(), usedforsecurity=False).hexdigest()
        short = f"{parent[:head]}{digest}"
        return re.sub(r"[^a-zA-Z0-9]+$", "", short + suffix[: max(0, LONGEST - len(short))])
    digest = hashlib.md5(parent.encode(), usedforsecurity=False).hexdigest()
    return f"{parent[: head - len(suffix)]}{digest}{suffix}"


def auth_enabled(service: Obj) -> bool:
    """Authentication is on unless the annotation says "false" (odh-model-controller: case and blanks don't count)."""
    return ((service["metadata"].get("annotations") or {}).get(ENABLE_AUTH) or "true").strip().lower() != "false"


def gateway_policy(gateway: Obj, has_publisher_path: bool) -> Obj:
    """AuthPolicy `<gateway>-authn`: a token of this cluster, whose user may `get` the service that the path names."""
    namespace, name = gateway["metadata"]["namespace"], gateway["metadata"]["name"]
    segment = "request.path.split('/')[{}]"
    review = {
        "user": {"expression": "auth.identity.user.username"},
        "authorizationGroups": {"expression": "auth.identity.user.groups"},
        "resourceAttributes": {
            "group": {"value": "serving.kserve.io"}, "resource": {"value": "llminferenceservices"}, "verb": {"value": "get"},
            "namespace": {"expression": segment.format(1)}, "name": {"expression": segment.format(2)},
        },
    }
    rule: Obj = {"kubernetesSubjectAccessReview": review, "priority": 1}
    authorization = {"inference-access": rule}
    if has_publisher_path:
        rule["when"] = [{"predicate": "!request.path.startsWith('/publishers/')"}]
        attributes = {"group": {"value": "serving.opendatahub.io"}, "resource": {"value": "models"}, "verb": {"value": "post"},
                      "namespace": {"expression": segment.format(2)}, "name": {"expression": segment.format(4)}}
        authorization["publisher-access"] = {
            "when": [{"predicate": "request.path.startsWith('/publishers/')"}], "priority": 1,
            "kubernetesSubjectAccessReview": {**review, "resourceAttributes": attributes},
        }
    identity = {"kubernetes-user": {"kubernetesTokenReview": {"audiences": [AUDIENCE]}}}
    return {
        "apiVersion": "kuadrant.io/v1", "kind": "AuthPolicy",
        "metadata": {"name": f"{name}-authn", "namespace": namespace, "ownerReferences": [_gateway_owner(gateway)], "labels": {
            **MANAGED, "app.kubernetes.io/name": "llminferenceservice-auth", "app.kubernetes.io/part-of": "llminferenceservice",
            "app.kubernetes.io/component": "llminferenceservice-policies"}},
        "spec": {"targetRef": _target("Gateway", name), "rules": {"authentication": identity, "authorization": authorization}},
    }


def anonymous_policy(service: Obj) -> Obj:
    """AuthPolicy `<name>-kserve-route-authn`: lets everyone in, for a service whose authentication is off."""
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    route = child_name(name, "-kserve-route")
    return {
        "apiVersion": "kuadrant.io/v1", "kind": "AuthPolicy",
        "metadata": {"name": f"{route}-authn", "namespace": namespace, "labels": dict(MANAGED), "ownerReferences": [_owner(service)]},
        "spec": {"targetRef": _target("HTTPRoute", route), "rules": {"authentication": {"anonymous": {"anonymous": {}}}}},
    }


def envoy_filter(gateway: Obj) -> Obj:
    """EnvoyFilter `<gateway>-authn-ssl`: TLS on the way to Authorino."""
    namespace, name = gateway["metadata"]["namespace"], gateway["metadata"]["name"]
    address = {"socket_address": {"address": AUTH_HOST, "port_value": 50051}}
    trusted = {"filename": "/var/run/secrets/kubernetes.io/serviceaccount/service-ca.crt"}
    cluster = {
        "name": "kuadrant-auth-service", "type": "STRICT_DNS", "connect_timeout": "1s", "lb_policy": "ROUND_ROBIN", "http2_protocol_options": {},
        "load_assignment": {"cluster_name": "kuadrant-auth-service", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": {"validation_context": {"trusted_ca": trusted}}}},
    }
    patch = {"applyTo": "CLUSTER", "match": {"cluster": {"service": AUTH_HOST}}, "patch": {"operation": "ADD", "value": cluster}}
    return {
        "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
        "metadata": {"name": f"{name}-authn-ssl", "namespace": namespace, "labels": dict(MANAGED), "ownerReferences": [_gateway_owner(gateway)]},
        "spec": {"priority": 0, "targetRefs": [_target("Gateway", name)], "configPatches": [patch]},
    }


def destination_rules(service: Obj, shadow: Name | None) -> list[Obj]:
    """TLS towards the workload, the endpoint picker and (once Istio has made it) the pool's shadow Service."""
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    workload = host_of((namespace, child_name(name, "-kserve-workload-svc")))
    picker = host_of((namespace, child_name(name, "-epp-service")))
    found = [_rule(service, "-kserve-workload-svc", workload, workload), _rule(service, "-kserve-scheduler", picker, picker)]
    if shadow is not None:
        found.append(_rule(service, "-kserve-shadow-svc", host_of(shadow), workload))
    return found


def _rule(service: Obj, suffix: str, host: str, sni: str) -> Obj:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "llminferenceservice", "llm-d.ai/managed": "true"}
    tls = {"mode": "SIMPLE", "insecureSkipVerify": True, "sni": sni}
    return {
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": child_name(name, suffix), "namespace": namespace, "labels": labels, "ownerReferences": [_owner(service)]},
        "spec": {"host": host, "trafficPolicy": {"tls": tls}, "exportTo": ["*"]},
    }


def monitoring(namespace: str) -> list[Obj]:
    """What lets the cluster's monitoring scrape a namespace with LLMInferenceServices."""
    account, role = "kserve-metrics-reader-sa", "kserve-metrics-reader-cluster-role"
    token = {"name": account, "key": "token"}
    authorization = {"authorization": {"credentials": {**token, "name": f"{account}-secret"}}}
    endpoint = {"scheme": "https", "tlsConfig": {"insecureSkipVerify": True}, "interval": "30s"}
    part = {"app.kubernetes.io/part-of": "llminferenceservice"}
    scheduler = {**part, "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}
    meta = {"namespace": namespace, "labels": part}
    engine = {"selector": {"matchLabels": {**part, "kserve.io/component": "workload"}},
              "podMetricsEndpoints": [{**endpoint, "path": "/metrics", "targetPort": 8000}]}
    picker = {"selector": {"matchLabels": scheduler}, "endpoints": [{"port": "metrics", "interval": "30s", **authorization}]}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, **meta}},
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {
            "name": f"{account}-secret", **meta, "annotations": {"kubernetes.io/service-account.name": account}}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
         "metadata": {"name": f"kserve-metrics-reader-role-binding-{namespace}", "labels": part},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
         "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "kserve-llm-isvc-vllm-engine", **meta}, "spec": engine},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "kserve-llm-isvc-scheduler", **meta}, "spec": picker},
    ]


def cluster_objects(minor: tuple[int, int]) -> list[Obj]:
    """ClusterRole for metrics, SCC and the ClusterRole that lets a ServiceAccount use it."""
    rules = [{"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "resourceNames": [SCC], "verbs": ["use"]}]
    metrics = [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    scc: Obj = {
        "apiVersion": "security.openshift.io/v1", "kind": "SecurityContextConstraints", "metadata": {"name": SCC},
        "allowHostDirVolumePlugin": False, "allowHostIPC": False, "allowHostNetwork": False, "allowHostPID": False, "allowHostPorts": False,
        "allowPrivilegeEscalation": False, "allowPrivilegedContainer": False, "readOnlyRootFilesystem": False,
        "allowedCapabilities": ["IPC_LOCK", "SYS_RAWIO", "NET_BIND_SERVICE", "NET_RAW"], "requiredDropCapabilities": ["ALL"],
        "defaultAddCapabilities": None, "priority": 10 if minor < (3, 5) else None, "fsGroup": {"type": "MustRunAs"},
        "runAsUser": {"type": "MustRunAsRange"}, "seLinuxContext": {"type": "MustRunAs"}, "supplementalGroups": {"type": "RunAsAny"},
        "seccompProfiles": ["runtime/default"], "users": [], "groups": [],
        "volumes": ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"],
    }
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return [
        {**role, "metadata": {"name": "kserve-metrics-reader-cluster-role"}, "rules": metrics},
        scc,
        {**role, "metadata": {"name": SCC}, "rules": rules},
    ]


def _target(kind: str, name: str) -> Obj:
    return {"group": GATEWAY_GROUP, "kind": kind, "name": name}


def _owner(service: Obj) -> Obj:
    return owner_reference(service)


def _gateway_owner(gateway: Obj) -> Obj:
    return owner_reference({**gateway, "apiVersion": f"{GATEWAY_GROUP}/v1", "kind": "Gateway"})
