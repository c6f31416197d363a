# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short-lived objects of one measurement: accounts, rights, script and Pod. All have one name and our labels."""

from __future__ import annotations

import json
from typing import Any

LABELS = {"app.kubernetes.io/managed-by": "llmd-openshift", "app.kubernetes.io/name": "llmd-probe",
          "app.kubernetes.io/component": "proof"}  # fmt: skip
SELECTOR = "app.kubernetes.io/managed-by=llmd-openshift,app.kubernetes.io/name=llmd-probe"
# On cluster-wide objects: the namespace that they were made for.
NAMESPACE_ANNOTATION = "llmd.openshift.io/probe-namespace"
RBAC = "rbac.authorization.k8s.io"


def _wide(name: str, namespace: str) -> dict[str, Any]:
    """Metadata of a cluster-wide object, which remembers the namespace it was made for."""
    return {"name": name, "labels": dict(LABELS), "annotations": {NAMESPACE_ANNOTATION: namespace}}


def _meta(name: str, namespace: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "namespace": namespace, "labels": dict(LABELS)}
    if owner:
        meta["ownerReferences"] = [owner]
    return meta


def owner_of(account: dict[str, Any]) -> dict[str, Any]:
    """The account as owner: should we die, deleting it takes the rest along."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "name": account["metadata"]["name"],
        "uid": account["metadata"]["uid"],
    }


def account(name: str, namespace: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    """The identity of the requests (or, with ``owner``, the one that has no right)."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta(name, namespace, owner)}


def role(name: str, namespace: str, service: str, owner: dict[str, Any]) -> dict[str, Any]:
    """The one right that inference asks for: get of this one LLMInferenceService."""
    rule = {
        "apiGroups": ["serving.kserve.io"],
        "resources": ["llminferenceservices"],
        "resourceNames": [service],
        "verbs": ["get"],
    }
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": _meta(name, namespace, owner), "rules": [rule]}


def role_binding(name: str, namespace: str, owner: dict[str, Any]) -> dict[str, Any]:
    """Gives the account its role."""
    return {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": _meta(name, namespace, owner),
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name}, "subjects": [_subject(name, namespace)]}  # fmt: skip


def cluster_role(name: str, namespace: str) -> dict[str, Any]:
    """The right to read the picker's /metrics, which asks for a cluster-wide one."""
    rule = {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": _wide(name, namespace), "rules": [rule]}


def cluster_role_binding(name: str, namespace: str) -> dict[str, Any]:
    """Gives the account that right."""
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": _wide(name, namespace),
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}, "subjects": [_subject(name, namespace)]}  # fmt: skip


def _subject(name: str, namespace: str) -> dict[str, Any]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def config(
    name: str, namespace: str, script: dict[str, str], plan: dict[str, Any], ca: str, owner: dict[str, Any]
) -> dict[str, Any]:
    """The client's files, orders and, when given, the gateway's CA."""
    data = {**script, "plan.json": json.dumps(plan, sort_keys=True)}
    if ca:
        data["gateway-ca.crt"] = ca
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _meta(name, namespace, owner), "data": data}


def denied_token(name: str, namespace: str, token: str, owner: dict[str, Any]) -> dict[str, Any]:
    """A ten-minute token of the account without rights."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _meta(name, namespace, owner), "type": "Opaque",
            "stringData": {"token": token}}  # fmt: skip


def pod(
    name: str, namespace: str, image: str, seconds: int, denied: bool, owner: dict[str, Any], config_map: dict[str, Any]
) -> dict[str, Any]:
    """The client's Pod: no privilege, no write, a deadline. It runs under the SCC restricted-v2.

    The annotation keeps OpenShift from choosing another SCC when the Pod's maker could use a stronger one.

    :param config_map: whose Python files are mounted as the package ``client``, all others as they are.
    """
    keys = [{"key": key, "path": f"client/{key}" if key.endswith(".py") else key} for key in sorted(config_map["data"])]
    volumes: list[dict[str, Any]] = [{"name": "proof", "configMap": {"name": name, "items": keys}}]
    mounts = [{"name": "proof", "mountPath": "/proof", "readOnly": True}]
    if denied:
        volumes.append({"name": "denied", "secret": {"secretName": name}})
        mounts.append({"name": "denied", "mountPath": "/denied", "readOnly": True})
    meta = _meta(name, namespace, owner)
    meta["annotations"] = {"openshift.io/required-scc": "restricted-v2"}
    container = {
        "name": "client",
        "image": image,
        "command": ["python3", "-m", "client"],
        "env": [
            {"name": "LLMD_PLAN", "value": "/proof/plan.json"},
            {"name": "PYTHONPATH", "value": "/proof"},
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": mounts,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    spec = {
        "serviceAccountName": name,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": seconds,
        "terminationGracePeriodSeconds": 5,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": volumes,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
