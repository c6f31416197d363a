# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts KServe's real LLMInferenceService controller into the cluster, as the RHOAI operator does: definitions, ConfigMap, presets,
webhooks (by URL) and the controller process. The pod of its Deployment is a simulated one; this process does the work.
"""

from __future__ import annotations

import base64
import http.client
from pathlib import Path
from typing import Any

import yaml

from rehearsal.kube import Kube, KubeError
from rehearsal.operators.certificates import Wish, issue
from rehearsal.operators.modules import definitions, install, module, served
from rehearsal.operators.objects import Object, owner_reference
from rehearsal.operators.odh_objects import cluster_objects
from rehearsal.operators.rhoai_presets import config_map, presets, read
from rehearsal.operators.rhoai_release import Release

MODULE = ("github.com/kserve/kserve", "v0.20.0")
PORTS = {"webhook": 9461, "metrics": 8461, "health": 8462}  # loopback of the rehearsal's own network
CONVERTED = ("llminferenceservices.serving.kserve.io", "llminferenceserviceconfigs.serving.kserve.io")
GROUPS = ("serving.kserve.io", "inference.networking.k8s.io", "inference.networking.x-k8s.io", "llm-d.ai")
CHILD = "kserve-llmisvc"


class KServe:
    """The installation of one release in one namespace. Every method may be called again and again."""

    def __init__(self, stand_in: Any, release: Release, namespace: str) -> None:
        self._stand_in = stand_in
        self.release, self.namespace = release, namespace
        self._folder: Path = stand_in.state / "run" / "kserve"
        self._bundle = ""
        self._defined = False
        self._definitions: list[Object] = []
        self._pods: frozenset[str] | None = None
        self.policies_known = False  # whether kind AuthPolicy was there when the controller started
        self._made: tuple[Object, list[Object], list[Object]] | None = None

    def install(self, kube: Kube, owner: Object, pods: frozenset[str]) -> None:
        """Definitions, ConfigMap, webhooks, controller; then the presets, once the controller answers.

        The definitions name the conversion webhook from the start, so that until the controller runs a v1alpha1 object is
        refused: the same short window as after an upgrade to 3.4 (rhoai-llmd.md 7 row 46).
        """
        self._define(kube)
        self._restart_with(kube, pods)
        config, hooks, made = self._objects()
        made = without(made, self._stand_in.scenario.get("presets_missing") or [], self.release.preset_prefix)
        for obj in [*cluster_objects(self.release.minor), config]:
            self._ensure(kube, obj, owner)
        self._run()
        if self.answers():
            for obj in [*hooks, *made]:
                self._ensure(kube, obj, owner)

    def _restart_with(self, kube: Kube, pods: frozenset[str]) -> None:
        """The controller starts anew when all its pods are new ones; what kinds there are it looks up at its start."""
        started = self._pods is None or bool(self._pods and pods and not self._pods & pods)
        if started:
            self._stand_in.children.stop(CHILD)
            self.policies_known = served(kube, "kuadrant.io/v1", "AuthPolicy")
        self._pods = pods or self._pods or pods

    def _define(self, kube: Kube) -> None:
        """The definitions, once; returns when the API server serves them, raises NotFound until then."""
        if self._defined:
            return
        if not self._definitions:
            bundle = self._serving_certificate()
            found = definitions(self._stand_in.settings, "rhods-operator.")
            wanted = [with_conversion(crd, bundle) for crd in found if crd["spec"]["group"] in GROUPS]
            for crd in wanted:
                install(kube, crd)
            self._definitions = wanted  # only now: an API that failed half way is asked again for all of them
        for crd in self._definitions:
            version = next(v["name"] for v in crd["spec"]["versions"] if v["storage"])
            kube.path(f"{crd['spec']['group']}/{version}", crd["spec"]["names"]["kind"])
        self._defined = True
        self._definitions = []  # megabytes

    def _objects(self) -> tuple[Object, list[Object], list[Object]]:
        """ConfigMap, webhooks and presets, read from the module once."""
        if self._made is None:
            root = module(self._stand_in.settings, *MODULE)
            upstream = yaml.safe_load((root / "config/configmap/inferenceservice.yaml").read_text(encoding="utf-8"))
            self._made = (
                config_map(upstream, self.release, self.namespace),
                webhooks(root / "config/webhook/llmisvc/manifests.yaml", self._serving_certificate()),
                presets(read(root / "config/llmisvcconfig"), self.release, self.namespace),
            )
        return self._made

    def remove(self, kube: Kube) -> None:
        """What goes when the component is set to Removed: webhooks and controller; definitions and users' objects stay."""
        self._stand_in.children.stop(CHILD)
        for hook in self._objects()[1]:
            kube.delete(kube.path_of(hook))
        for crd in CONVERTED:
            try:  # nobody converts any more; the stored version stays readable
                kube.patch(kube.path("apiextensions.k8s.io/v1", "CustomResourceDefinition", name=crd),
                           {"spec": {"conversion": {"strategy": "None", "webhook": None}}})
            except KubeError:
                continue

    def answers(self) -> bool:
        """True once the controller says that it is ready."""
        connection = http.client.HTTPConnection("127.0.0.1", PORTS["health"], timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _ensure(self, kube: Kube, obj: Object, owner: Object) -> None:
        meta = {**obj["metadata"], "ownerReferences": [owner_reference(owner)]}
        labels = {**(meta.get("labels") or {}), "platform.opendatahub.io/part-of": "kserve"}
        self._stand_in.ensure(kube, {**obj, "metadata": {**meta, "labels": labels}})

    def _run(self) -> None:
        environment = {
            "POD_NAMESPACE": self.namespace, "TMPDIR": str(self._folder), "KUBECONFIG": self._stand_in.settings.kubeconfig,
            "LLM_INFERENCE_SERVICE_CONFIG_PREFIX": self.release.preset_prefix,
        }
        self._stand_in.children.run(CHILD, [
            self._stand_in.bin["llmisvc"], f"--metrics-addr=127.0.0.1:{PORTS['metrics']}", "--metrics-secure=false",
            f"--health-probe-addr=127.0.0.1:{PORTS['health']}", f"--webhook-port={PORTS['webhook']}", "--leader-elect=false",
        ], environment)

    def _serving_certificate(self) -> str:
        """CA bundle (base64) of the webhook server's certificate, which controller-runtime looks for below TMPDIR."""
        if not self._bundle:
            folder = self._folder / "k8s-webhook-server" / "serving-certs"
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "tls.crt").exists():
                pair = issue(Wish("llmisvc-webhook-server-service", ("127.0.0.1", "localhost"), days=365, is_ca=True))
                (folder / "tls.key").touch(mode=0o600)
                (folder / "tls.key").write_text(pair.key, encoding="utf-8")
                (folder / "tls.crt").write_text(pair.certificate, encoding="utf-8")
            self._bundle = base64.b64encode((folder / "tls.crt").read_bytes()).decode()
        return self._bundle


def without(made: list[Object], missing: list[str], prefix: str) -> list[Object]:
    """The presets but those that a scenario leaves out."""
    names = {prefix + name for name in missing}
    return [obj for obj in made if obj["metadata"]["name"] not in names]


def with_conversion(crd: Object, bundle: str) -> Object:
    """The definition with the controller's conversion webhook, where there is something to convert."""
    if crd["metadata"]["name"] not in CONVERTED:
        return crd
    client = {"url": f"https://127.0.0.1:{PORTS['webhook']}/convert", "caBundle": bundle}
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1", "v1beta1"]}}
    return {**crd, "spec": {**crd["spec"], "conversion": conversion}}


def webhooks(manifests: Path, bundle: str) -> list[Object]:
    """The controller's admission webhooks, pointed at the local process."""
    found = []
    for obj in yaml.safe_load_all(manifests.read_text(encoding="utf-8")):
        if not obj or not obj.get("webhooks"):
            continue
        hooks = []
        for hook in obj["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            hooks.append({**hook, "clientConfig": {"url": f"https://127.0.0.1:{PORTS['webhook']}{path}", "caBundle": bundle}})
        meta = {"name": obj["metadata"]["name"]}
        found.append({"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": meta, "webhooks": hooks})
    return found
