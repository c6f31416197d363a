# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the cluster image registry operator, as far as builds of kernel modules need it. A part of the platform.

On bare metal the registry is `Removed` until someone gives it storage and sets it `Managed` (OpenShift's "Registry" documentation,
"Configuring the registry for bare metal"); elsewhere it runs from the start. Sources: openshift/api imageregistry/v1,
openshift/cluster-image-registry-operator pkg/operator (conditions, words). Not played: what storage it is, routes, pruning.
"""

from __future__ import annotations

from rehearsal.operators.runtime import Kube, Object, StandIn, condition
from rehearsal.operators.workloads import available, deployment

CONFIG = ("imageregistry.operator.openshift.io/v1", "Config")
NAMESPACE, NAME = "openshift-image-registry", "image-registry"
HOST = f"{NAME}.{NAMESPACE}.svc:5000"
BARE = ("BareMetal", "None")
NO_STORAGE = "Unable to apply resources: storage backend not configured"


def is_available(config: Object | None) -> bool:
    """True when images can be pushed to the cluster's own registry and pulled from it."""
    conditions = ((config or {}).get("status") or {}).get("conditions") or []
    managed = ((config or {}).get("spec") or {}).get("managementState") == "Managed"
    return managed and any(item["type"] == "Available" and item["status"] == "True" for item in conditions)


class ImageRegistry(StandIn):
    """Config `cluster` → Deployment `image-registry` → conditions."""

    name = "cluster-image-registry-operator"
    watches = [CONFIG, ("apps/v1", "Deployment")]

    def start(self, kube: Kube) -> None:
        """The configuration that a fresh cluster has."""
        if kube.get(kube.path(*CONFIG, None, "cluster")) is not None:
            return
        bare = (self.profile.get("platform") or {}).get("type") in BARE
        spec: Object = {"managementState": "Removed" if bare else "Managed", "replicas": 1, "logLevel": "Normal", "operatorLogLevel": "Normal"}
        if not bare:
            spec["storage"] = {"emptyDir": {}}
        kube.create(kube.path(*CONFIG), {"apiVersion": CONFIG[0], "kind": CONFIG[1], "metadata": {"name": "cluster"}, "spec": spec})

    def route(self, event: str, obj: Object) -> list[Object]:
        """The configuration, and the registry's own Deployment."""
        if obj["kind"] == "Config":
            return [obj]
        mine = (obj["metadata"].get("namespace"), obj["metadata"]["name"]) == (NAMESPACE, NAME)
        return self.objects(*CONFIG) if mine else []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """Managed with storage runs; Managed without is degraded; Removed is available, as an operator that has nothing to do."""
        if obj["kind"] != "Config":
            return None
        spec = obj.get("spec") or {}
        state = spec.get("managementState") or "Managed"
        status = {"observedGeneration": obj["metadata"].get("generation", 1), "storageManaged": False, "storage": spec.get("storage") or {}}
        if state == "Removed":
            kube.delete(kube.path("apps/v1", "Deployment", NAMESPACE, NAME), propagation="Background")
            self.set_status(kube, obj, {**status, "readyReplicas": 0}, told(True, False, False, "Removed", "The registry is removed"))
            return None
        if not spec.get("storage"):
            conditions = told(False, True, True, "StorageNotConfigured", NO_STORAGE)
            self.set_status(kube, obj, {**status, "readyReplicas": 0}, conditions)
            return None
        labels = {"docker-registry": "default"}
        self.ensure(kube, deployment(NAME, NAMESPACE, "quay.io/openshift/origin-docker-registry:latest", labels, container="registry"))
        ready = available(self.find("apps/v1", "Deployment", NAME, NAMESPACE))
        reason, message = ("Ready", "The registry is ready") if ready else ("NoReplicasAvailable", "The deployment does not have available replicas")
        self.set_status(kube, obj, {**status, "readyReplicas": int(ready)}, told(ready, not ready, False, reason, message))
        return None


def told(available_: bool, progressing: bool, degraded: bool, reason: str, message: str) -> list[Object]:
    """The operator's conditions."""
    return [
        condition("Available", available_, reason, message),
        condition("Progressing", progressing, reason, message),
        condition("Degraded", degraded, reason if degraded else "", message if degraded else ""),
        condition("Removed", reason == "Removed", reason if reason == "Removed" else "", ""),
    ]
