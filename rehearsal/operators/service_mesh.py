# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the Service Mesh 3 operator (Sail): an Istio control plane becomes an istiod Deployment.

Status fields and condition types: sail-operator api/v1/istio_types.go (Reconciled, Ready, DependenciesHealthy; state Healthy or Reconciling ...).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rehearsal.operators.ingress import istiod_deployment
from rehearsal.operators.runtime import Key, Kube, Object, StandIn, condition
from rehearsal.operators.workloads import available, related_image, service


class SailOperator(StandIn):
    """Istio -> Deployment and Service istiod-<name>, status.state Healthy when the Deployment is available."""

    csv_prefix = "servicemeshoperator3."
    name = "sail-operator"
    watches: ClassVar = [("sailoperator.io/v1", "Istio"), ("apps/v1", "Deployment")]
    delays: ClassVar = {"istiod-ready": 3.0}

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        return [obj] if obj["kind"] == "Istio" else self.owners(obj, "Istio")

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        name, namespace = obj["metadata"]["name"], obj["spec"]["namespace"]
        left = self.remaining("istiod-ready", obj)
        if left:
            self._report(kube, obj, False, "IstiodNotReady", f"not all istiod-{name} pods are ready")
            return left
        image = related_image(self.csv, "openshift-service-mesh/istio-pilot-rhel9")
        wanted = istiod_deployment(name, namespace, image, {"managed-by": "sail-operator"}, obj)
        self.ensure(kube, wanted)
        self.ensure(kube, service(f"istiod-{name}", namespace, {"app": "istiod", "istio.io/rev": name},
                                  {"grpc-xds": 15010, "https-dns": 15012, "https-webhook": 443}, obj))
        ready = available(self.find("apps/v1", "Deployment", f"istiod-{name}", namespace))
        self._report(kube, obj, ready, "" if ready else "IstiodNotReady", "" if ready else f"not all istiod-{name} pods are ready")
        return None

    def _report(self, kube: Kube, obj: Object, ready: bool, reason: str, message: str) -> None:
        name = obj["metadata"]["name"]
        conditions = [condition("Reconciled", True), condition("Ready", ready, reason, message)]
        revisions = {"total": 1, "ready": int(ready), "inUse": 1}
        status = {"observedGeneration": obj["metadata"]["generation"], "state": "Healthy" if ready else reason,
                  "activeRevisionName": name, "revisions": revisions}
        self.set_status(kube, obj, status, conditions)
