# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of istiod as OpenShift's Gateway API controller: Gateways and HTTPRoutes become a real Envoy's configuration.

It works while an istiod Deployment of the ingress operator is available. For each Gateway of our classes it makes the
Deployment and Service of the gateway (a real Envoy, run by the process kubelet), writes Envoy's files to
`<state>/run/gateway/<namespace>/<gateway>/`, stands in for the load balancer that gives the Service its address, and
reports on Gateways, HTTPRoutes and InferencePools as Istio does. All decisions are in `rehearsal.gateway`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import yaml

from rehearsal.gateway import infrastructure, status
from rehearsal.gateway.attach import Attachment, attachments
from rehearsal.gateway.backends import picker_problem
from rehearsal.gateway.clusters import shadow_name
from rehearsal.gateway.envoy import Files, render
from rehearsal.gateway.world import CONTROLLER, POOL_GROUP, Authorino, Name, Obj, World, is_ready, name_of
from rehearsal.kube import Kube
from rehearsal.operators.authorino import ADDRESS, PORT, authorisation_service
from rehearsal.operators.ingress import INGRESS_NAMESPACE, ISTIO
from rehearsal.operators.modules import served
from rehearsal.operators.runtime import Key, Object, StandIn, condition, now, owner_reference
from rehearsal.operators.workloads import available, related_image

GATEWAY_API = "gateway.networking.k8s.io/v1"
GRANT_API = "gateway.networking.k8s.io/v1beta1"
POOL_API = f"{POOL_GROUP}/v1"
ISTIO_API = "networking.istio.io/v1"
FILTER_API = "networking.istio.io/v1alpha3"
KUADRANT_API = "kuadrant.io/v1"
AUTHORINO_API = "operator.authorino.kuadrant.io/v1beta1"
SETTLE = 0.15  # seconds in which changes are gathered before the configuration is written anew
FAULT_LOOK = 3.0  # seconds between looks whether the fault gateway-no-address has been repaired


class Istiod(StandIn):
    """One reconcile is one pass over the whole mesh; the GatewayClass is merely the key that asks for it."""

    name = "istiod"
    watches: ClassVar = [
        (GATEWAY_API, "GatewayClass"), (GATEWAY_API, "Gateway"), (GATEWAY_API, "HTTPRoute"), (GRANT_API, "ReferenceGrant"),
        (POOL_API, "InferencePool"), ("v1", "Service"), ("discovery.k8s.io/v1", "EndpointSlice"), ("v1", "Pod"), ("v1", "Namespace"),
        ("apps/v1", "Deployment"), (ISTIO_API, "DestinationRule"), (FILTER_API, "EnvoyFilter"), (KUADRANT_API, "AuthPolicy"),
        (AUTHORINO_API, "Authorino"),
    ]
    delays: ClassVar = {"gateway-address": 2.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._written: dict[Path, str] = {}

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        if obj["kind"] == "Deployment" and obj["metadata"].get("namespace") != INGRESS_NAMESPACE and not _gateway_owned(obj):
            return []
        for one in self._classes():
            self.enqueue(one, SETTLE)
        return []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        if obj["kind"] != "GatewayClass" or not self._running():
            return None
        classes = self._classes()
        for one in classes:
            self.set_status(kube, one, {}, [_accepted(one)])
        world = self._world(kube, {one["metadata"]["name"] for one in classes})
        attached = {name_of(gateway): _attached(gateway, world) for gateway in world.gateways}
        waits = [self._gateway(kube, gateway, attached[name_of(gateway)], world) for gateway in world.gateways]
        for route in self.objects(GATEWAY_API, "HTTPRoute"):
            self._report_route(kube, route, world)
        for pool in world.pools:
            self._report_pool(kube, pool, world)
        self._remove_old({name_of(gateway) for gateway in world.gateways})
        self._write_target(world, attached)
        return min((wait for wait in waits if wait), default=None)

    # ---- what there is

    def _classes(self) -> list[Object]:
        return [one for one in self.objects(GATEWAY_API, "GatewayClass") if one["spec"]["controllerName"] == CONTROLLER]

    def _running(self) -> bool:
        return available(self.find("apps/v1", "Deployment", f"istiod-{ISTIO}", INGRESS_NAMESPACE))

    def _world(self, kube: Kube, classes: set[str]) -> World:
        gateways = [g for g in self.objects(GATEWAY_API, "Gateway") if g["spec"]["gatewayClassName"] in classes]
        gateways = [g for g in gateways if not g["metadata"].get("deletionTimestamp")]
        return World(
            gateways=gateways,
            routes=[r for r in self.objects(GATEWAY_API, "HTTPRoute") if not r["metadata"].get("deletionTimestamp")],
            namespaces=self.objects("v1", "Namespace"),
            services=self.objects("v1", "Service"),
            slices=self.objects("discovery.k8s.io/v1", "EndpointSlice"),
            pools=self.objects(POOL_API, "InferencePool"),
            pods=self.objects("v1", "Pod"),
            grants=self.objects(GRANT_API, "ReferenceGrant"),
            destination_rules=self.objects(ISTIO_API, "DestinationRule"),
            auth_policies=self.objects(KUADRANT_API, "AuthPolicy"),
            envoy_filters=self.objects(FILTER_API, "EnvoyFilter"),
            secrets=_certificates(kube, gateways),
            pool_kind_served=served(kube, POOL_API, "InferencePool"),
            authorino=self._authorino(),
        )

    def _authorino(self) -> Authorino | None:
        """The authorisation service of the one Authorino; no address while none of its pods is ready."""
        for one in self.objects(AUTHORINO_API, "Authorino"):
            namespace, service = name_of(one)[0], authorisation_service(one)
            pods = self.objects("v1", "Pod", namespace)
            ready = any(is_ready(p) and (p["metadata"].get("labels") or {}).get("authorino-resource") == name_of(one)[1] for p in pods)
            tls = bool(((one["spec"].get("listener") or {}).get("tls") or {}).get("enabled", True))
            return Authorino(ADDRESS if ready else None, PORT, tls, f"{service}.{namespace}.svc.cluster.local")
        return None

    # ---- one gateway

    def _gateway(self, kube: Kube, gateway: Obj, attached: list[Attachment], world: World) -> float | None:
        namespace, name = name_of(gateway)
        folder = self.state / "run" / "gateway" / namespace / name
        self._write(folder, render(gateway, attached, world, str(folder)))
        for obj in infrastructure.objects(gateway, self._image(), _options(kube, gateway)):
            self.ensure(kube, obj)
        service = self.find("v1", "Service", infrastructure.child_name(gateway), namespace)
        again = self._load_balance(kube, gateway, service, world)
        listeners = status.listener_statuses(gateway, attached, world, now())
        wanted = {"addresses": status.addresses(service), "listeners": listeners}
        self.set_status(kube, gateway, wanted, status.gateway_conditions(gateway, service))
        return again

    def _image(self) -> str:
        csvs = self.objects("operators.coreos.com/v1alpha1", "ClusterServiceVersion", "openshift-operators")
        mesh = [csv for csv in csvs if csv["metadata"]["name"].startswith("servicemeshoperator3.")]
        return related_image(mesh[0] if mesh else None, "openshift-service-mesh/istio-proxyv2-rhel9")

    def _load_balance(self, kube: Kube, gateway: Obj, service: Obj | None, world: World) -> float | None:
        """The load balancer's part: the Service gets the address of the gateway's (ready) pod, after a while."""
        if service is None or service["spec"].get("type") != "LoadBalancer":
            return None
        have = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        if self.fault("gateway-no-address") is not None:
            if have:
                kube.apply_status(service, {"loadBalancer": {"ingress": None}}, manager="cloud-provider")
            return FAULT_LOOK
        ready = [pod for pod in infrastructure.gateway_pods(gateway, world.pods) if is_ready(pod)]
        addresses = sorted(pod["status"]["podIP"] for pod in ready)
        if not addresses or (have and have[0].get("ip") in addresses):
            return None
        left = self.remaining("gateway-address", service) if not have else 0
        if left:
            return left
        kube.apply_status(service, {"loadBalancer": {"ingress": [{"ip": addresses[0]}]}}, manager="cloud-provider")
        return None

    # ---- reports

    def _report_route(self, kube: Kube, route: Obj, world: World) -> None:
        parents = status.route_parents(route, world, now())
        if parents or (route.get("status") or {}).get("parents"):
            self.set_status(kube, route, {"parents": parents})

    def _report_pool(self, kube: Kube, pool: Obj, world: World) -> None:
        parents = status.pool_parents(pool, world, now())
        if parents:
            self.ensure(kube, shadow_service(pool))
        if parents != ((pool.get("status") or {}).get("parents") or []):
            self.set_status(kube, pool, {"parents": parents})
        problem = picker_problem(pool, world)
        if parents and problem:
            self.log.info("InferencePool %s/%s: %s", *name_of(pool), problem)

    # ---- files

    def _write(self, folder: Path, files: Files) -> None:
        # Envoy reads a file when another is moved onto it; clusters first, because routes refer to them.
        for name, content in (("cds", files.cds), *files.rds.items(), ("lds", files.lds)):
            path, text = folder / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False)
            if self._written.get(path) != text or not path.exists():
                replace(path, text)
                self._written[path] = text

    def _remove_old(self, names: set[Name]) -> None:
        root = self.state / "run" / "gateway"
        for folder in root.glob("*/*"):
            if (folder.parent.name, folder.name) not in names:
                shutil.rmtree(folder, ignore_errors=True)
                self._written = {path: text for path, text in self._written.items() if path.parent != folder}

    def _write_target(self, world: World, attached: dict[Name, list[Attachment]]) -> None:
        """Tell the keeper's relay which gateway to show to the host: the one with most routes, of equals the oldest."""
        path = self.state / "run" / "gateway-target"
        targets = [(gateway, target) for gateway in world.gateways if (target := self._target(gateway))]
        if not targets:
            path.unlink(missing_ok=True)
            return
        targets.sort(key=lambda pair: (-len(attached[name_of(pair[0])]), pair[0]["metadata"]["creationTimestamp"], name_of(pair[0])))
        if not path.exists() or path.read_text(encoding="utf-8") != targets[0][1]:
            replace(path, targets[0][1])

    def _target(self, gateway: Obj) -> str | None:
        service = self.find("v1", "Service", infrastructure.child_name(gateway), name_of(gateway)[0])
        ips = [item["value"] for item in status.addresses(service) if item["type"] == "IPAddress"]
        ports = [x["port"] for p in ("HTTP", "HTTPS") for x in gateway["spec"].get("listeners") or [] if x["protocol"] == p]
        return f"{ips[0]}:{ports[0]}" if ips and ports else None


def _attached(gateway: Obj, world: World) -> list[Attachment]:
    judged = [item for route in world.routes for item in attachments(route, world)]
    return [item for item in judged if item.gateway is gateway and not item.reason]


def _gateway_owned(obj: Object) -> bool:
    return infrastructure.NAME_LABEL in (obj["metadata"].get("labels") or {})


def _accepted(gateway_class: Object) -> Object:
    generation = gateway_class["metadata"].get("generation", 1)
    return condition("Accepted", True, "Accepted", "Handled by Istio controller", observedGeneration=generation)


def _certificates(kube: Kube, gateways: list[Obj]) -> dict[Name, Obj]:
    found: dict[Name, Obj] = {}
    for gateway in gateways:
        for listener in gateway["spec"].get("listeners") or []:
            for ref in (listener.get("tls") or {}).get("certificateRefs") or []:
                name = (ref.get("namespace") or name_of(gateway)[0], ref["name"])
                secret = kube.get(kube.path("v1", "Secret", *name))
                if secret is not None:
                    found[name] = secret
    return found


def _options(kube: Kube, gateway: Obj) -> Obj | None:
    """Data of the ConfigMap that infrastructure.parametersRef names, or None."""
    ref = (gateway["spec"].get("infrastructure") or {}).get("parametersRef")
    if not ref or ref.get("kind") != "ConfigMap":
        return None
    found = kube.get(kube.path("v1", "ConfigMap", name_of(gateway)[0], ref["name"]))
    return (found or {}).get("data")


def shadow_service(pool: Obj) -> Obj:
    """The headless Service that Istio makes for a pool, named and labelled as KServe looks for it."""
    namespace, name = name_of(pool)
    ports = [{"name": f"port-{i}", "port": 54321 + i, "protocol": "TCP", "targetPort": item["number"]}
             for i, item in enumerate(pool["spec"].get("targetPorts") or [])]
    ref = pool["spec"]["endpointPickerRef"]
    labels = {"istio.io/inferencepool-name": name, "istio.io/inferencepool-extension-service": ref["name"],
              "istio.io/inferencepool-extension-port": str((ref.get("port") or {}).get("number") or 9002),
              "istio.io/inferencepool-extension-failure-mode": ref.get("failureMode") or "FailClose"}
    owner = owner_reference({**pool, "apiVersion": POOL_API, "kind": "InferencePool"})
    meta = {"name": shadow_name(name), "namespace": namespace, "labels": labels, "ownerReferences": [owner]}
    spec = {"selector": (pool["spec"].get("selector") or {}).get("matchLabels") or {}, "ports": ports, "clusterIP": "None"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
