# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that many operators make: a plain Deployment of one container, its ServiceAccount, a Service."""

from __future__ import annotations

from typing import Any

from rehearsal.operators.objects import Object, is_true, owner_reference


def deployment(
    name: str, namespace: str, image: str, labels: dict[str, str], *, replicas: int = 1, owner: Object | None = None,
    args: list[str] | None = None, env: dict[str, str] | None = None, annotations: dict[str, str] | None = None,
    container: str = "manager",
) -> Object:
    """A Deployment whose pods carry `labels`; its pods are simulated, so that it becomes Available by itself."""
    meta: Object = {"name": name, "namespace": namespace, "labels": labels}
    if owner is not None:
        meta["ownerReferences"] = [owner_reference(owner)]
    one: Object = {"name": container, "image": image}
    if args:
        one["args"] = args
    if env:
        one["env"] = [{"name": key, "value": value} for key, value in env.items()]
    template: Object = {"metadata": {"labels": labels}, "spec": {"containers": [one], "tolerations": []}}
    if annotations:
        template["metadata"]["annotations"] = annotations
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def service(name: str, namespace: str, selector: dict[str, str], ports: dict[str, int], owner: Object | None = None, **meta: Any) -> Object:
    """A ClusterIP Service; `ports`: name -> number."""
    metadata: Object = {"name": name, "namespace": namespace, **meta}
    if owner is not None:
        metadata["ownerReferences"] = [owner_reference(owner)]
    listed = [{"name": key, "port": port, "protocol": "TCP", "targetPort": port} for key, port in ports.items()]
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": selector, "ports": listed}}


def namespace_object(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Object:
    """A Namespace."""
    meta: Object = {"name": name}
    if labels:
        meta["labels"] = labels
    if annotations:
        meta["annotations"] = annotations
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


def available(deployment: Object | None) -> bool:
    """True when a Deployment's present generation is Available."""
    if deployment is None:
        return False
    observed = (deployment.get("status") or {}).get("observedGeneration") or 0
    return observed >= deployment["metadata"].get("generation", 1) and is_true(deployment, "Available")


def related_image(csv: Object | None, part: str) -> str:
    """The image of a CSV whose name contains `part`; a plain name under registry.redhat.io when the CSV has none."""
    for item in ((csv or {}).get("spec") or {}).get("relatedImages") or []:
        if part in item["image"]:
            return str(item["image"])
    return f"registry.redhat.io/{part}:latest"
