# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DaemonSets and Deployments of operands on nodes, each with a ServiceAccount of its own name (pure)."""

from __future__ import annotations

from typing import Any

from rehearsal.operators.objects import Object, owner_reference

Containers = list[tuple[str, str]]  # (container name, image)


def service_account(name: str, namespace: str, owner: Object | None = None) -> Object:
    """A ServiceAccount; pods that name one need it to exist."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta(name, namespace, {}, owner)}


def daemon_set(
    name: str,
    namespace: str,
    image: str,
    owner: Object | None = None,
    *,
    labels: dict[str, str] | None = None,
    pod_labels: dict[str, str] | None = None,
    node_selector: dict[str, str] | None = None,
    tolerations: list[Object] | None = None,
    affinity: Object | None = None,
    init: Containers | None = None,
    container: str | None = None,
    extra: Containers | None = None,
    on_delete: bool = False,
) -> Object:
    """A DaemonSet. `pod_labels` are its selector too; `labels` default to them; `extra` are more containers."""
    pod_labels = pod_labels or {"app": name}
    spec = _pod_spec(name, container or name, image, init, extra)
    spec.update(_given(nodeSelector=node_selector, tolerations=tolerations, affinity=affinity))
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": _meta(name, namespace, labels or pod_labels, owner),
        "spec": {
            "selector": {"matchLabels": pod_labels},
            "updateStrategy": {"type": "OnDelete" if on_delete else "RollingUpdate"},
            "template": {"metadata": {"labels": pod_labels}, "spec": spec},
        },
    }


def operand_deployment(
    name: str, namespace: str, image: str, owner: Object | None = None, *, tolerations: list[Object] | None = None
) -> Object:
    """A Deployment of one pod with the label `app`."""
    labels = {"app": name}
    spec = _pod_spec(name, name, image, None, None)
    spec.update(_given(tolerations=tolerations))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _meta(name, namespace, labels, owner),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _pod_spec(account: str, container: str, image: str, init: Containers | None, extra: Containers | None) -> Object:
    containers = [(container, image), *(extra or [])]
    spec: Object = {
        "serviceAccountName": account,
        "containers": [{"name": name, "image": source} for name, source in containers],
    }
    if init:
        spec["initContainers"] = [{"name": name, "image": source} for name, source in init]
    return spec


def _meta(name: str, namespace: str, labels: dict[str, str], owner: Object | None) -> Object:
    meta: Object = {"name": name, "namespace": namespace}
    if labels:
        meta["labels"] = labels
    if owner is not None:
        meta["ownerReferences"] = [owner_reference(owner)]
    return meta


def _given(**values: Any) -> Object:
    return {key: value for key, value in values.items() if value}
