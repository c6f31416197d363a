# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the Leader Worker Set operator: it starts the real LeaderWorkerSet controller.

LeaderWorkerSetOperator `cluster` -> Degraded/MissingDependency without cert-manager's API; else the CRD, the webhooks (by URL) and
the controller (openshift/lws-operator pkg/operator/target_config_reconciler.go; rehearsal-recipe.md 6).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import yaml

from rehearsal.kube import Kube
from rehearsal.operators.certificates import Wish, issue
from rehearsal.operators.modules import definitions, install, module, served
from rehearsal.operators.runtime import Key, Object, StandIn, condition, find_condition
from rehearsal.operators.workloads import available, deployment, related_image

API = "operator.openshift.io/v1"
NAMESPACE = "openshift-lws-operator"
MODULE = ("sigs.k8s.io/lws", "v0.8.0")
PORTS = {"webhook": 9451, "metrics": 8451, "health": 8452}  # loopback of the rehearsal's own network
LOOK = 2.0  # seconds between looks for cert-manager's API, and for its certificate
SECRET = "webhook-server-cert"


class LwsOperator(StandIn):
    """LeaderWorkerSetOperator `cluster` -> conditions, Deployment lws-controller-manager, the real controller."""

    csv_prefix = "leader-worker-set."
    name = "lws-operator"
    watches: ClassVar = [(API, "LeaderWorkerSetOperator"), ("apps/v1", "Deployment")]
    delays: ClassVar = {"lws-ready": 2.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._certificate: tuple[str, Path] | None = None

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] == "LeaderWorkerSetOperator":
            return [obj]
        mine = (obj["metadata"].get("namespace"), obj["metadata"]["name"]) == (NAMESPACE, "lws-controller-manager")
        return self.objects(API, "LeaderWorkerSetOperator") if mine else []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        if obj["metadata"]["name"] != "cluster":
            return None
        if obj["spec"].get("managementState", "Managed") != "Managed":
            return None
        if not served(kube, "cert-manager.io/v1", "Certificate"):
            text = "please make sure that cert-manager is installed on your cluster"
            self._report(kube, obj, False, "MissingDependency", text)
            return LOOK
        left = self.remaining("lws-ready", obj)
        if left:
            self._report(kube, obj, False, "", "")
            return left
        if not self._certified(kube):
            self._report(kube, obj, False, "", "")
            return LOOK
        self._install(kube)
        ready = available(self.find("apps/v1", "Deployment", "lws-controller-manager", NAMESPACE))
        self._report(kube, obj, ready, "", "")
        return None

    def deleted(self, kube: Kube, obj: Object) -> None:
        if obj["kind"] == "LeaderWorkerSetOperator":
            self.children.stop("lws")

    def _report(self, kube: Kube, obj: Object, ready: bool, problem: str, text: str) -> None:
        conditions = [
            condition("Available", ready, "AsExpected" if ready else (problem or "Deploying"), text),
            condition("Progressing", not ready and not problem, "AsExpected" if ready or problem else "Deploying", ""),
            condition("Degraded", bool(problem), problem or "AsExpected", text),
        ]
        status = {"observedGeneration": obj["metadata"].get("generation", 1), "readyReplicas": 2 if ready else 0}
        degraded = find_condition(obj, "Degraded") or {}
        self.set_status(kube, obj, status, conditions)
        if problem and degraded.get("status") != "True":
            self.event(obj, "Warning", problem, text)

    def _certified(self, kube: Kube) -> bool:
        """The operator asks cert-manager for the webhooks' certificate, and goes no further without it."""
        for issuing in certificate_objects():
            self.ensure(kube, issuing)
        return kube.get(kube.path("v1", "Secret", NAMESPACE, SECRET)) is not None

    def _install(self, kube: Kube) -> None:
        for crd in definitions(self.settings, "leader-worker-set."):
            if crd["spec"]["group"] == "leaderworkerset.x-k8s.io":
                install(kube, crd)
        image = related_image(self.csv, "leader-worker-set/lws-rhel9@") if self.csv else ""
        labels = {"control-plane": "controller-manager", "app.kubernetes.io/name": "lws"}
        self.ensure(kube, deployment("lws-controller-manager", NAMESPACE, image, labels, replicas=2))
        bundle, folder = self._serving_certificate()
        for webhook in webhooks(module(self.settings, *MODULE) / "config/webhook/manifests.yaml", bundle):
            self.ensure(kube, webhook)
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(controller_config(folder)), encoding="utf-8")
        self.children.run("lws", [self.bin["lws"], "--config", str(config), "--kubeconfig", self.settings.kubeconfig])

    def _serving_certificate(self) -> tuple[str, Path]:
        """CA bundle (base64) and folder of the webhook server's certificate, made once."""
        if self._certificate is None:
            folder = self.state / "run" / "lws"
            folder.mkdir(parents=True, exist_ok=True)
            pair = issue(Wish("lws-webhook-service", ("127.0.0.1", "lws-webhook-service.openshift-lws-operator.svc"), days=365, is_ca=True))
            (folder / "tls.crt").write_text(pair.certificate, encoding="utf-8")
            (folder / "tls.key").touch(mode=0o600)
            (folder / "tls.key").write_text(pair.key, encoding="utf-8")
            self._certificate = base64.b64encode(pair.certificate.encode()).decode(), folder
        return self._certificate


def certificate_objects() -> list[Object]:
    """Issuer and Certificate as the operator makes them. (The certificate that is served here is another: its name is 127.0.0.1.)"""
    host = f"lws-webhook-service.{NAMESPACE}.svc"
    spec = {"dnsNames": [host, f"{host}.cluster.local"], "issuerRef": {"kind": "Issuer", "name": "selfsigned-issuer"}, "secretName": SECRET}
    head = {"apiVersion": "cert-manager.io/v1"}
    return [
        {**head, "kind": "Issuer", "metadata": {"name": "selfsigned-issuer", "namespace": NAMESPACE}, "spec": {"selfSigned": {}}},
        {**head, "kind": "Certificate", "metadata": {"name": "lws-serving-cert", "namespace": NAMESPACE}, "spec": spec},
    ]


def controller_config(folder: Path) -> Object:
    """The controller's configuration file: no leader election, certificates from `folder`, loopback only."""
    return {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1", "kind": "Configuration",
        "leaderElection": {"leaderElect": False},
        "webhook": {"port": PORTS["webhook"], "certDir": str(folder), "host": "127.0.0.1"},
        "metrics": {"bindAddress": f"127.0.0.1:{PORTS['metrics']}"},
        "health": {"healthProbeBindAddress": f"127.0.0.1:{PORTS['health']}"},
        "internalCertManagement": {"enable": False},
    }


def webhooks(manifests: Path, bundle: str) -> list[Object]:
    """The controller's webhook configurations, pointed at the local server."""
    found = []
    for obj in yaml.safe_load_all(manifests.read_text(encoding="utf-8")):
        if not obj:
            continue
        meta = {"name": "lws-" + obj["metadata"]["name"]}
        hooks = []
        for hook in obj["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            hooks.append({**hook, "clientConfig": {"url": f"https://127.0.0.1:{PORTS['webhook']}{path}", "caBundle": bundle}})
        found.append({"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": meta, "webhooks": hooks})
    return found
