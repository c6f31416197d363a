# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift's own ClusterRoles that people and programs ask for, with their default bindings."""

from __future__ import annotations

from rehearsal.seeds.common import Object, make

API = "rbac.authorization.k8s.io/v1"
READ = ["get", "list", "watch"]


def objects() -> list[Object]:
    """cluster-reader, self-provisioner, basic-user, cluster-status and their bindings."""
    return [
        make(API, "ClusterRole", "cluster-reader", rules=[
            {"apiGroups": [""], "resources": [
                "bindings", "componentstatuses", "configmaps", "endpoints", "events", "limitranges", "namespaces", "namespaces/status", "nodes",
                "persistentvolumeclaims", "persistentvolumes", "pods", "pods/log", "pods/status", "podtemplates", "replicationcontrollers",
                "resourcequotas", "serviceaccounts", "services"], "verbs": READ},
            {"apiGroups": [
                "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps", "autoscaling", "batch", "config.openshift.io",
                "console.openshift.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "gateway.networking.k8s.io", "image.openshift.io",
                "machineconfiguration.openshift.io", "networking.k8s.io", "operator.openshift.io", "operators.coreos.com",
                "packages.operators.coreos.com", "policy", "project.openshift.io", "rbac.authorization.k8s.io", "route.openshift.io",
                "scheduling.k8s.io", "security.openshift.io", "storage.k8s.io"], "resources": ["*"], "verbs": READ},
            {"nonResourceURLs": ["*"], "verbs": ["get"]},
        ]),
        make(API, "ClusterRole", "self-provisioner", rules=[
            {"apiGroups": ["", "project.openshift.io"], "resources": ["projectrequests"], "verbs": ["create"]}]),
        make(API, "ClusterRole", "basic-user", rules=[
            {"apiGroups": ["", "project.openshift.io"], "resources": ["projects"], "verbs": ["list", "watch"]},
            {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["list"]},
            {"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"]}]),
        make(API, "ClusterRole", "cluster-status", rules=[
            {"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version"], "verbs": ["get"]}]),
        _binding("basic-users", "basic-user", "system:authenticated"),
        _binding("self-provisioners", "self-provisioner", "system:authenticated:oauth"),
        _binding("cluster-status-binding", "cluster-status", "system:authenticated"),
        _binding("cluster-readers", "cluster-reader", "system:cluster-readers"),
        _binding("cluster-admins", "cluster-admin", "system:cluster-admins"),
        _binding("system:openshift:scc:restricted-v2", "system:openshift:scc:restricted-v2", "system:authenticated"),
    ]  # fmt: skip


def _binding(name: str, role: str, group: str) -> Object:
    return make(
        API, "ClusterRoleBinding", name,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    )  # fmt: skip
