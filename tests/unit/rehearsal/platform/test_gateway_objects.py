# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployment and Service of a gateway, and the platform's own Service Mesh."""

from __future__ import annotations

import logging
from pathlib import Path

import yaml

from rehearsal.gateway import infrastructure
from rehearsal.operators import ingress, kserve, lws
from tests.unit.rehearsal.platform.mesh import make_gateway


def by_kind(gateway, options=None) -> dict:
    return {item["kind"]: item for item in infrastructure.objects(gateway, "proxy:1", options)}


def test_names_labels_and_ports() -> None:
    found = by_kind(make_gateway())
    assert {item["metadata"]["name"] for item in found.values()} == {"g-openshift-default"}
    pod = found["Deployment"]["spec"]["template"]
    assert pod["metadata"]["labels"]["gateway.networking.k8s.io/gateway-name"] == "g"
    assert pod["spec"]["containers"][0]["readinessProbe"]["httpGet"]["port"] == 15021
    assert (found["Service"]["spec"]["type"], [p["port"] for p in found["Service"]["spec"]["ports"]]) == ("LoadBalancer", [15021, 80])


def test_the_service_type_annotation() -> None:
    gateway = make_gateway()
    gateway["metadata"]["annotations"] = {"networking.istio.io/service-type": "ClusterIP"}
    assert by_kind(gateway)["Service"]["spec"]["type"] == "ClusterIP"


def test_parameters_are_merged_by_name() -> None:
    options = {
        "deployment": "spec: {template: {spec: {containers: [{name: istio-proxy, resources: {limits: {memory: 2Gi}}}]}}}",
        "service": "spec: {type: ClusterIP}",
    }
    found = by_kind(make_gateway(), options)
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert container["image"] == "proxy:1"
    assert found["Service"]["spec"]["type"] == "ClusterIP"
    assert found["Service"]["spec"]["ports"]


def test_the_platforms_subscription_is_pinned_and_manual() -> None:
    spec = ingress.subscription({"channel": "stable", "csv": "servicemeshoperator3.v3.3.1"})["spec"]
    assert (spec["startingCSV"], spec["installPlanApproval"]) == ("servicemeshoperator3.v3.3.1", "Manual")


class Recorder:
    """Just enough of a Kube for the approval."""

    def __init__(self) -> None:
        self.patched: list = []

    def path_of(self, obj):
        return obj["metadata"]["name"]

    def patch(self, path, body):
        self.patched.append((path, body))


class Plans(ingress.IngressOperator):
    """The operator with InstallPlans given by hand."""

    def __init__(self, plans) -> None:
        self.plans = plans
        self.log = logging.getLogger("test")

    def objects(self, *_args):
        return self.plans


def plan(name: str, csv: str, phase: str, approved: bool = False) -> dict:
    return {"metadata": {"name": name}, "spec": {"clusterServiceVersionNames": [csv], "approved": approved}, "status": {"phase": phase}}


def test_only_its_own_plan_is_approved_and_not_too_early() -> None:
    kube = Recorder()
    operator = Plans([
        plan("planning", "mesh.v1", "Planning"), plan("other", "foreign.v1", "RequiresApproval"),
        plan("newer", "mesh.v2", "RequiresApproval"), plan("mine", "mesh.v1", "RequiresApproval"), plan("done", "mesh.v1", "Complete", True),
    ])
    operator._approve(kube, "mesh.v1")
    assert kube.patched == [("mine", {"spec": {"approved": True}})]


def test_webhooks_point_at_this_machine(tmp_path: Path) -> None:
    service = {"service": {"name": "s", "namespace": "n", "path": "/validate"}}
    text = yaml.safe_dump({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                           "metadata": {"name": "x"}, "webhooks": [{"name": "w", "clientConfig": service}]})
    (tmp_path / "w.yaml").write_text(text)
    for module in (kserve, lws):
        (found,) = module.webhooks(tmp_path / "w.yaml", "Qg==")
        assert found["webhooks"][0]["clientConfig"] == {"url": f"https://127.0.0.1:{module.PORTS['webhook']}/validate", "caBundle": "Qg=="}


def test_only_what_has_two_versions_is_converted() -> None:
    crd = {"metadata": {"name": "llminferenceservices.serving.kserve.io"}, "spec": {"group": "serving.kserve.io"}}
    assert kserve.with_conversion(crd, "Qg==")["spec"]["conversion"]["strategy"] == "Webhook"
    other = {"metadata": {"name": "inferencepools.inference.networking.k8s.io"}, "spec": {}}
    assert kserve.with_conversion(other, "Qg==") == other
