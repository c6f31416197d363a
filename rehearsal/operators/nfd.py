# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the Node Feature Discovery operator and its operands.

Sources: openshift/cluster-nfd-operator internal/controllers/nodefeaturediscovery_reconciler.go, internal/status/status.go,
internal/{daemonset,deployment}/*.go; kubernetes-sigs/node-feature-discovery pkg/{nfd-worker,nfd-master} (hardware.md §1.2, §2.3).
Rules are in `nfd_rules.py`. Not played: NodeFeatureGroup, the topology updater (the operator switches it off itself), taints.
"""

from __future__ import annotations

import re
from typing import Any

from rehearsal.operators import nfd_rules
from rehearsal.operators.broken_hardware import server_of
from rehearsal.operators.nfd_features import BadConfig, features, labels, parse_config
from rehearsal.operators.objects import boot_id
from rehearsal.operators.operands import daemon_set, operand_deployment, service_account
from rehearsal.operators.pod_status import is_ready, pod_crashing, same_pod_state
from rehearsal.operators.runtime import Kube, NotFound, Object, StandIn, condition, labels_of, now, owner_reference
from rehearsal.operators.sriov_nics import Cards

CR = ("nfd.openshift.io/v1", "NodeFeatureDiscovery")
NODE_FEATURE = ("nfd.k8s-sigs.io/v1alpha1", "NodeFeature")
RULE = ("nfd.k8s-sigs.io/v1alpha1", "NodeFeatureRule")
FINALIZER = "nfd-finalizer"
NODE_NAME_LABEL = "nfd.node.kubernetes.io/node-name"
OWNED_LABELS = "nfd.node.kubernetes.io/feature-labels"
OWNED_NOTES = "nfd.node.kubernetes.io/feature-annotations"
SCAN_SECONDS = 60.0
FALSE_REASON = "ConditionNotBeingMetCurrently"
MASTER_TOLERATIONS = [
    {"key": f"node-role.kubernetes.io/{role}", "operator": "Equal", "effect": "NoSchedule"} for role in ("master", "control-plane")
]
# Every worker, and every node that isn't a master: so a compact cluster's masters too.
WORKER_AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "node-role.kubernetes.io/master", "operator": "DoesNotExist"}]},
                {"matchExpressions": [{"key": "node-role.kubernetes.io/worker", "operator": "Exists"}]},
            ]
        }
    }
}


class Nfd(StandIn):
    """NodeFeatureDiscovery → operands → NodeFeature of each node where a worker pod is ready → labels of the node."""

    csv_prefix = "nfd."
    name = "nfd-operator"
    watches = [CR, NODE_FEATURE, RULE, ("apps/v1", "DaemonSet"), ("apps/v1", "Deployment"), ("v1", "Pod"), ("v1", "Node")]
    delays = {"nfd-scan": 2.0}

    def route(self, event: str, obj: Object) -> list[Object]:
        """The CR and rules wake the worker pods; operands wake the CR; worker pods themselves."""
        if obj["kind"] == "NodeFeatureRule":
            return [pod for cr in self.objects(*CR) for pod in self._workers(cr["metadata"]["namespace"])]
        if obj["kind"] == "NodeFeatureDiscovery":
            return [obj, *self._workers(obj["metadata"]["namespace"])]
        if obj["kind"] == "Pod":
            return [obj] if labels_of(obj).get("app") == "nfd-worker" else []
        if obj["kind"] in ("DaemonSet", "Deployment"):
            return self.owners(obj, "NodeFeatureDiscovery")
        return []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """The operator's part for the CR, the worker's and the master's part for a worker pod."""
        if obj["kind"] == "Pod":
            return self._scan(kube, obj)
        if obj["kind"] == "NodeFeatureDiscovery" and self.in_scope(obj):
            return self._operate(kube, obj)
        return None

    # ---- the operator

    def _operate(self, kube: Kube, cr: Object) -> float | None:
        meta = cr["metadata"]
        path = kube.path(*CR, meta["namespace"], meta["name"])
        finalizers = meta.get("finalizers") or []
        if meta.get("deletionTimestamp"):
            self._finalize(kube, cr)
            if FINALIZER in finalizers:
                kube.patch(path, {"metadata": {"finalizers": [item for item in finalizers if item != FINALIZER]}})
            return None
        if FINALIZER not in finalizers:
            kube.patch(path, {"metadata": {"finalizers": [*finalizers, FINALIZER]}})
            return None
        for obj in self._operands(cr):
            self.ensure(kube, obj)
        self.set_status(kube, cr, {}, status_conditions(*self._live(cr)))
        return None

    def _operands(self, cr: Object) -> list[Object]:
        namespace, spec = cr["metadata"]["namespace"], cr.get("spec") or {}
        operand = spec.get("operand") or {}
        image = operand.get("image") or self._default_image()
        accounts = [service_account(name, namespace, cr) for name in ("nfd-master", "nfd-worker", "nfd-gc")]
        config = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "nfd-worker", "namespace": namespace, "ownerReferences": [owner_reference(cr)]},
            "data": {"nfd-worker-conf": config_text(cr)},
        }
        worker = daemon_set(
            "nfd-worker",
            namespace,
            image,
            cr,
            labels={"app": "nfd"},
            tolerations=[{"operator": "Exists", "effect": "NoSchedule"}, *(operand.get("workerTolerations") or [])],
            affinity=WORKER_AFFINITY,
        )
        master = operand_deployment(
            "nfd-master", namespace, image, cr, tolerations=[*MASTER_TOLERATIONS, *(operand.get("masterTolerations") or [])]
        )
        return [*accounts, master, config, worker, operand_deployment("nfd-gc", namespace, image, cr)]

    def _default_image(self) -> str:
        """The operand image that the CSV gives to the operator."""
        for image in ((self.csv or {}).get("spec") or {}).get("relatedImages") or []:
            if "operator" not in image["image"]:
                return str(image["image"])
        return "registry.redhat.io/openshift4/ose-node-feature-discovery-rhel9:latest"

    def _live(self, cr: Object) -> tuple[Object | None, Object | None, Object | None]:
        namespace = cr["metadata"]["namespace"]
        return (
            self.find("apps/v1", "DaemonSet", "nfd-worker", namespace),
            self.find("apps/v1", "Deployment", "nfd-master", namespace),
            self.find("apps/v1", "Deployment", "nfd-gc", namespace),
        )

    def _finalize(self, kube: Kube, cr: Object) -> None:
        namespace = cr["metadata"]["namespace"]
        for api_version, kind, name in (
            ("apps/v1", "DaemonSet", "nfd-worker"),
            ("v1", "ConfigMap", "nfd-worker"),
            ("apps/v1", "Deployment", "nfd-master"),
            ("apps/v1", "Deployment", "nfd-gc"),
        ):
            kube.delete(kube.path(api_version, kind, namespace, name), propagation="Background")
        if (cr.get("spec") or {}).get("prunerOnDelete"):
            for node in self.objects("v1", "Node"):
                self._label(kube, node, {})

    # ---- the worker and the master

    def _workers(self, namespace: str) -> list[Object]:
        return [pod for pod in self.objects("v1", "Pod", namespace) if labels_of(pod).get("app") == "nfd-worker"]

    def _scan(self, kube: Kube, pod: Object) -> float | None:
        cr = self._cr_of(pod)
        node = self.find("v1", "Node", pod["spec"].get("nodeName") or "")
        if cr is None or node is None or not self.in_scope(cr) or pod["metadata"].get("deletionTimestamp"):
            return None
        try:
            config = parse_config(config_text(cr))
        except BadConfig as error:
            self._crash(kube, pod, error)
            return None
        if not is_ready(pod):
            return None
        left = self.remaining("nfd-scan", pod)
        if left:
            return left
        server = server_of(self, node["metadata"]["name"])
        if server is None:
            self.log.warning("node %s is not in the profile: it has no hardware to find", node["metadata"]["name"])
            return None
        boot = boot_id(node)
        nics = Cards(self.state / "run" / "nics.json").interfaces(server, self.scenario, boot)
        found = features({**server, "nics": nics}, self.openshift, node.get("status", {}).get("nodeInfo", {}).get("kernelVersion"))
        made = labels(found, config)
        self.ensure(kube, self._node_feature(pod, found, made))
        ruled, notes = self._by_rules(found)
        self._label(kube, node, allowed({**made, **ruled}, (cr.get("spec") or {}).get("labelWhiteList")), notes)
        return scan_interval(config) / self.settings.speed

    def _by_rules(self, found: Object) -> tuple[dict[str, str], dict[str, str]]:
        """Labels and annotations that the master makes by all NodeFeatureRules, in the order of their names."""
        rules = [rule for item in self.objects(*RULE) for rule in (item.get("spec") or {}).get("rules") or []]
        made, notes, faults = nfd_rules.evaluate(rules, found)
        for fault in faults:
            self.log.info("%s", fault)
        return made, notes

    def _cr_of(self, pod: Object) -> Object | None:
        crs = self.objects(*CR, pod["metadata"]["namespace"])
        return next((cr for cr in crs if not cr["metadata"].get("deletionTimestamp")), None)

    def _node_feature(self, pod: Object, found: Object, made: dict[str, str]) -> Object:
        node = pod["spec"]["nodeName"]
        return {
            "apiVersion": NODE_FEATURE[0],
            "kind": NODE_FEATURE[1],
            "metadata": {
                "name": node,
                "namespace": pod["metadata"]["namespace"],
                "labels": {NODE_NAME_LABEL: node},
                "annotations": {"nfd.node.kubernetes.io/worker.version": "v0.17.3"},
                "ownerReferences": pod["metadata"].get("ownerReferences", []),
            },
            "spec": {"features": found, "labels": made},
        }

    def _label(self, kube: Kube, node: Object, made: dict[str, str], notes: dict[str, str] | None = None) -> None:
        """Give a node exactly these labels and annotations of NFD; those that NFD gave before and no longer gives go."""
        patch = label_patch(node, made, notes)
        if patch:
            try:
                kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"metadata": patch})
            except NotFound:
                self.log.info("node %s has gone", node["metadata"]["name"])

    def _crash(self, kube: Kube, pod: Object, error: BadConfig) -> None:
        status = pod_crashing(pod, now(), 4, 1, "1m20s")
        if not same_pod_state(pod.get("status"), status):
            self.log.warning("worker of %s: %s", pod["spec"].get("nodeName"), error)
            self.set_status(kube, pod, status)
            self.event(pod, "Warning", "BackOff", f"Back-off restarting failed container nfd-worker in pod {pod['metadata']['name']}")


def config_text(cr: Object) -> str:
    """The worker configuration that the CR gives; empty means NFD's own defaults."""
    return str(((cr.get("spec") or {}).get("workerConfig") or {}).get("configData") or "")


def scan_interval(config: dict[str, Any]) -> float:
    """Seconds between two scans (`core.sleepInterval`, Go notation); 60 s when absent or unreadable."""
    text = str((config.get("core") or {}).get("sleepInterval") or "")
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    seconds = sum(float(number) * units[unit] for number, unit in parts)
    return max(seconds, 1.0) if seconds else SCAN_SECONDS


def allowed(made: dict[str, str], white: str | None) -> dict[str, str]:
    """Labels that the master's white list (a regular expression on the name without its prefix) lets through."""
    return {key: value for key, value in made.items() if not white or re.search(white, key.split("/", 1)[1])}


def label_patch(node: Object, made: dict[str, str], noted: dict[str, str] | None = None) -> Object:
    """Merge patch of a node's metadata that brings NFD's labels and annotations to these; empty when nothing is to do."""
    notes = node["metadata"].get("annotations") or {}
    labels, owned_labels = _owned(labels_of(node), notes.get(OWNED_LABELS), made)
    annotations, owned_notes = _owned(notes, notes.get(OWNED_NOTES), noted or {})
    for key, names in ((OWNED_LABELS, owned_labels), (OWNED_NOTES, owned_notes)):
        if (notes.get(key) or "") != names:
            annotations[key] = names or None
    if not labels and not annotations:
        return {}
    return {**({"labels": labels} if labels else {}), **({"annotations": annotations} if annotations else {})}


def _owned(have: dict[str, str], before: str | None, made: dict[str, str]) -> tuple[dict[str, str | None], str]:
    """(changes, the list of names that NFD keeps of what is its own; its own prefix is left out there)."""
    mine = [nfd_rules.prefixed(name) for name in (before or "").split(",") if name]
    changes: dict[str, str | None] = {key: value for key, value in made.items() if have.get(key) != value}
    changes.update({key: None for key in mine if key in have and key not in made})
    return changes, ",".join(key.removeprefix(nfd_rules.PREFIX) for key in sorted(made))


def status_conditions(worker: Object | None, master: Object | None, gc: Object | None) -> list[Object]:
    """Conditions of the CR, in the operator's order and words. It looks at the worker first and stops at the first trouble."""
    for trouble in (_worker_trouble(worker), _deployment_trouble(master, "NFDMasterDeployment", "nfd-master"),
                    _deployment_trouble(gc, "NFDGC", "nfd-gc")):
        if trouble:
            kind, reason, message = trouble
            return [
                condition("Available", False, FALSE_REASON),
                condition("Upgradeable", False, FALSE_REASON),
                condition("Progressing", kind == "Progressing", reason if kind == "Progressing" else FALSE_REASON,
                          message if kind == "Progressing" else ""),
                condition("Degraded", kind == "Degraded", reason if kind == "Degraded" else FALSE_REASON,
                          message if kind == "Degraded" else ""),
            ]
    return [
        condition("Available", True, "AllInstanceComponentsAreDeployedSuccessfuly"),
        condition("Upgradeable", True, "CanBeUpgraded"),
        condition("Progressing", False, FALSE_REASON),
        condition("Degraded", False, FALSE_REASON),
    ]


def _worker_trouble(worker: Object | None) -> tuple[str, str, str] | None:
    if worker is None:
        return "Degraded", "FailedGettingNFDWorkerDaemonSet", 'DaemonSet.apps "nfd-worker" not found'
    status = worker.get("status") or {}
    wanted = int(status.get("desiredNumberScheduled") or 0)
    if wanted == 0:
        return "Degraded", "NFDWorkerDaemonSetDegraded", "number of desired nodes for scheduling is 0"
    if not int(status.get("currentNumberScheduled") or 0):
        return "Degraded", "NFDWorkerDaemonSetDegraded", "0 nodes have pods scheduled"
    if int(status.get("numberReady") or 0) != wanted:
        return "Progressing", "NFDWorkerDaemonSetProgressing", "ds is progressing"
    return None


def _deployment_trouble(workload: Object | None, reason: str, name: str) -> tuple[str, str, str] | None:
    if workload is None:
        failed = "FailedGettingNFDGCDeployment" if reason == "NFDGC" else f"FailedGetting{reason}"
        return "Degraded", failed, f'Deployment.apps "{name}" not found'
    if not int((workload.get("status") or {}).get("availableReplicas") or 0):
        return "Degraded", f"{reason}Degraded", "number of available pods is 0"
    return None
