# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of OpenShift's ingress operator, as far as it serves Gateway API: a GatewayClass brings Istio.

Up to the z-streams with GatewayAPIWithoutOLM the operator makes the Subscription `servicemeshoperator3` (pinned, Manual),
approves exactly that version's InstallPlan by itself, and makes the Istio control plane `openshift-gateway`; later ones
run Istio from an embedded library, without a Subscription (rhoai-llmd.md 2.2; cluster-ingress-operator
pkg/operator/controller/gatewayclass). openshift/<version>.yaml says which: its key `service_mesh`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rehearsal.gateway.world import CONTROLLER
from rehearsal.operators.runtime import Key, Kube, NotFound, Object, StandIn
from rehearsal.operators.workloads import deployment

ISTIO = "openshift-gateway"
INGRESS_NAMESPACE = "openshift-ingress"
MESH_NAMESPACE = "openshift-operators"
MESH = "servicemeshoperator3"
OLM = "operators.coreos.com/v1alpha1"


class IngressOperator(StandIn):
    """GatewayClass with our controller -> Subscription, approval, Istio CR (or istiod itself)."""

    name = "ingress-operator"
    watches: ClassVar = [
        ("gateway.networking.k8s.io/v1", "GatewayClass"), (OLM, "Subscription"), (OLM, "InstallPlan"),
        (OLM, "ClusterServiceVersion"), ("sailoperator.io/v1", "Istio"),
    ]

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] == "GatewayClass":
            return [obj]
        if obj["kind"] == "Istio" or obj["metadata"].get("namespace") == MESH_NAMESPACE:
            return self.objects("gateway.networking.k8s.io/v1", "GatewayClass")
        return []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        if obj["kind"] != "GatewayClass" or obj["spec"]["controllerName"] != CONTROLLER:
            return None
        mesh = self.openshift.get("service_mesh")
        if not mesh:
            self.ensure(kube, istiod_deployment(ISTIO, INGRESS_NAMESPACE, "", {"managed-by": "sail-library"}))
            return None
        self.ensure(kube, subscription(mesh))
        self._approve(kube, mesh["csv"])
        try:
            self.ensure(kube, istio(mesh["istio"]))
        except NotFound:
            return 2.0  # the operator that serves kind Istio isn't there yet
        return None

    def _approve(self, kube: Kube, csv: str) -> None:
        for plan in self.objects(OLM, "InstallPlan", MESH_NAMESPACE):
            names = plan["spec"].get("clusterServiceVersionNames") or []
            # Not before OLM has written the plan's steps: its own update of the plan would fail, and it would make another one.
            waiting = (plan.get("status") or {}).get("phase") == "RequiresApproval"
            if csv in names and waiting and not plan["spec"].get("approved"):
                kube.patch(kube.path_of(plan), {"spec": {"approved": True}})
                self.log.info("approved InstallPlan %s of %s", plan["metadata"]["name"], csv)


def subscription(mesh: Object) -> Object:
    """The platform's own Subscription for Service Mesh 3."""
    return {
        "apiVersion": OLM, "kind": "Subscription", "metadata": {"name": MESH, "namespace": MESH_NAMESPACE},
        "spec": {
            "channel": mesh["channel"], "installPlanApproval": "Manual", "name": MESH, "source": "redhat-operators",
            "sourceNamespace": "openshift-marketplace", "startingCSV": mesh["csv"],
        },
    }


def istio(version: str) -> Object:
    """The control plane CR that the ingress operator keeps."""
    env = {
        "PILOT_ENABLE_GATEWAY_API": "true", "PILOT_ENABLE_ALPHA_GATEWAY_API": "false", "PILOT_ENABLE_GATEWAY_API_STATUS": "true",
        "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "true", "PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER": "false",
        "PILOT_GATEWAY_API_CONTROLLER_NAME": CONTROLLER, "PILOT_GATEWAY_API_DEFAULT_GATEWAYCLASS_NAME": "openshift-default",
        "PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API": "false", "ENABLE_GATEWAY_API_INFERENCE_EXTENSION": "true",
    }
    spec = {"namespace": INGRESS_NAMESPACE, "version": version, "updateStrategy": {"type": "InPlace"}, "values": {"pilot": {"env": env}}}
    return {"apiVersion": "sailoperator.io/v1", "kind": "Istio", "metadata": {"name": ISTIO}, "spec": spec}


def istiod_deployment(revision: str, namespace: str, image: str, extra: dict[str, str], owner: Object | None = None) -> Object:
    """Deployment `istiod-<revision>`."""
    labels = {"app": "istiod", "istio": "pilot", "istio.io/rev": revision, **extra}
    image = image or "registry.redhat.io/openshift-service-mesh/istio-pilot-rhel9:latest"
    return deployment(f"istiod-{revision}", namespace, image, labels, owner=owner, args=["discovery"], container="discovery")
