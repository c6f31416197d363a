# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces that every OpenShift has, with the labels of the real ones that something looks at."""

from __future__ import annotations

from rehearsal.seeds.common import Object, make

# True: cluster monitoring scrapes it (label openshift.io/cluster-monitoring).
NAMESPACES = {
    "openshift": False,
    "openshift-apiserver": True,
    "openshift-authentication": True,
    "openshift-cluster-version": True,
    "openshift-config": False,
    "openshift-config-managed": False,
    "openshift-console": True,
    "openshift-controller-manager": True,
    "openshift-dns": True,
    "openshift-etcd": True,
    "openshift-image-registry": True,
    "openshift-ingress": True,
    "openshift-ingress-operator": True,
    "openshift-kube-apiserver": True,
    "openshift-machine-api": True,
    "openshift-machine-config-operator": True,
    "openshift-marketplace": True,
    "openshift-monitoring": True,
    "openshift-multus": True,
    "openshift-network-operator": True,
    "openshift-operator-lifecycle-manager": True,
    "openshift-operators": False,
    "openshift-ovn-kubernetes": True,
    "openshift-service-ca": True,
    "openshift-user-workload-monitoring": True,
}


def objects() -> list[Object]:
    """The namespaces; platform ones admit privileged pods."""
    found = []
    for name, monitored in NAMESPACES.items():
        labels = {"kubernetes.io/metadata.name": name, "pod-security.kubernetes.io/enforce": "privileged"}
        if monitored:
            labels["openshift.io/cluster-monitoring"] = "true"
        if name in ("openshift", "openshift-config", "openshift-operators"):
            labels["pod-security.kubernetes.io/enforce"] = "restricted" if name == "openshift" else "privileged"
        found.append(make("v1", "Namespace", name, labels=labels, annotations={"openshift.io/node-selector": ""}))
    return found
