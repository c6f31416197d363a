# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the AMD GPU operator and its operands: DeviceConfig → KMM Module → driver → device plugin, labels, metrics exporter.

Source: ROCm/gpu-operator@6df13c17 internal/controllers/{device_config_reconciler,upgrademgr}.go, internal/conditions/deviceconfig.go
(reasons, messages). `Ready` only says that the operator has no error: whether a driver runs is told by the numbers.
On OpenShift `driver.blacklist` does nothing (docs/drivers/installation.md): see `kmm_host.py` for what an inbox driver does.
Not played: DRA driver, config manager, test runner, remediation, pass-through drivers, image signing.
"""

from __future__ import annotations

from typing import Any

from rehearsal.operators import amd_labels, amd_objects, pod_pull
from rehearsal.operators.broken_hardware import server_of
from rehearsal.operators.kmm_host import inbox_loaded
from rehearsal.operators.kmm_objects import API as KMM_API
from rehearsal.operators.kmm_objects import find_entry, version_labels
from rehearsal.operators.mco_pool import CURRENT, note
from rehearsal.operators.objects import boot_id
from rehearsal.operators.operands import service_account
from rehearsal.operators.pod_status import is_ready, pod_initializing, pod_running
from rehearsal.operators.runtime import (
    Kube,
    KubeError,
    NotFound,
    Object,
    StandIn,
    condition,
    is_true,
    labels_of,
    merge_conditions,
    now,
)

CONFIG = (amd_objects.API, "DeviceConfig")
MODULE, NODE_CONFIG = (KMM_API, "Module"), (KMM_API, "NodeModulesConfig")
MACHINE_CONFIG = ("machineconfiguration.openshift.io/v1", "MachineConfig")
GPU = "amd.com/gpu"
INBOX_VERSION = "inbox"
RETRY_SECONDS = 5.0
INSTALLING, INSTALLED = "Install-In-Progress", "Install-Complete"
UPGRADING, UPGRADED = "Upgrade-In-Progress", "Upgrade-Complete"


class AmdGpu(StandIn):
    """DeviceConfigs, and what their operands do on each node."""

    csv_prefix = "amd-gpu-operator."
    name = "amd-gpu-operator"
    watches = [CONFIG, MODULE, NODE_CONFIG, MACHINE_CONFIG, ("apps/v1", "DaemonSet"), ("v1", "Pod"), ("v1", "Node")]
    delays = {"amd-plugin": 1.0, "amd-labeller": 1.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[str, Any] = {}

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> list[Object]:
        """Everything below a DeviceConfig wakes it; a node wakes its own operand pods, too."""
        if obj["kind"] == "DeviceConfig":
            return self.objects(*CONFIG)
        if obj["kind"] in ("Module", "DaemonSet"):
            return self.owners(obj, "DeviceConfig")
        if obj["kind"] == "NodeModulesConfig":
            return [*self.objects(*CONFIG), *self._around(obj["metadata"]["name"])]
        if obj["kind"] == "Pod":
            node = (obj.get("spec") or {}).get("nodeName") or ""
            return self._around(node) if "daemonset-name" in labels_of(obj) and node else []
        if obj["kind"] == "Node":
            seen = (labels_of(obj), obj.get("spec"), boot_id(obj), is_true(obj, "Ready"))
            if self._seen.get(obj["metadata"]["name"]) == seen and event != "DELETED":
                return []
            self._seen[obj["metadata"]["name"]] = seen
            return [*self.objects(*CONFIG), *self._around(obj["metadata"]["name"])]
        return []

    def _around(self, name: str) -> list[Object]:
        """A node and the operand pods on it."""
        node = self.find("v1", "Node", name)
        return [*self._pods(name), *([node] if node else [])]

    def _pods(self, node: str) -> list[Object]:
        return [pod for pod in self.pods_on(node) if self._role(pod) and not pod["metadata"].get("deletionTimestamp")]

    def _role(self, pod: Object) -> str:
        """`-device-plugin`, `-node-labeller` or `-metrics-exporter`; "" for any other pod."""
        names = [ref["name"] for ref in pod["metadata"].get("ownerReferences") or [] if ref["kind"] == "DaemonSet"]
        known = (amd_objects.PLUGIN, amd_objects.LABELLER, amd_objects.EXPORTER)
        owner = names[0] if names and "daemonset-name" in labels_of(pod) else ""
        return next((suffix for suffix in known if owner.endswith(suffix)), "")

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """By kind."""
        if obj["kind"] == "DeviceConfig" and self.in_scope(obj):
            return self._finalize(kube, obj) if obj["metadata"].get("deletionTimestamp") else self._drive(kube, obj)
        if obj["kind"] == "Pod":
            return self._operand(kube, obj)
        if obj["kind"] == "Node":
            self._serve(kube, obj)
        return None

    # ---- the operator

    def _drive(self, kube: Kube, config: Object) -> float | None:
        nodes = amd_objects.selected(config, self.objects("v1", "Node"))
        other = self._rival(config, nodes)
        faults = amd_objects.faults(config["spec"], self._missing(kube, config))
        if other or faults:
            why = f"Validation failed: {other or '[' + ' '.join(faults) + ']'}"
            self._conditions(kube, config, {}, [
                condition("Error", True, "ValidationError", why),
                condition("Ready", False, "OperatorReady"),
            ])  # fmt: skip
            return RETRY_SECONDS
        if not nodes:
            selector = ",".join(f"{key}={value}" for key, value in sorted((config["spec"].get("selector") or {}).items()))
            why = f"no nodes found matching selector {selector}; verify node labels or check that NFD has labeled the GPU nodes"
            self._conditions(kube, config, {}, [
                condition("Error", True, "NoMatchingNodes", why), condition("Ready", False, "NoMatchingNodes", why),
            ])  # fmt: skip
            return None
        meta = config["metadata"]
        if amd_objects.FINALIZER not in (meta.get("finalizers") or []):
            kube.patch(kube.path_of(config), {"metadata": {"finalizers": [*(meta.get("finalizers") or []), amd_objects.FINALIZER]}})
            return None
        again = self._install(kube, config, nodes)
        self._operate(kube, config)
        self._tell(kube, config, nodes)
        return again

    def _rival(self, config: Object, nodes: list[Object]) -> str:
        """The text of a conflict with an older DeviceConfig about a node, or ""."""
        older = [
            item
            for item in self.objects(*CONFIG)
            if item["metadata"]["uid"] != config["metadata"]["uid"] and _age(item) < _age(config) and self.in_scope(item)
        ]
        for item in older:
            theirs = [node["metadata"]["name"] for node in amd_objects.selected(item, self.objects("v1", "Node"))]
            for node in nodes:
                if node["metadata"]["name"] in theirs:
                    title = [f"{obj['metadata']['namespace']}/{obj['metadata']['name']}" for obj in (item, config)]
                    return f"node {node['metadata']['name']} already assigned to DeviceConfig {title[0]}, cannot re-assign to {title[1]}"
        return ""

    def _missing(self, kube: Kube, config: Object) -> list[str]:
        """Objects that the configuration names and that are not there."""
        namespace, spec, found = config["metadata"]["namespace"], config["spec"], []
        secret = ((spec.get("driver") or {}).get("imageRegistrySecret") or {}).get("name")
        if amd_objects.installs_driver(spec) and secret and kube.get(kube.path("v1", "Secret", namespace, secret)) is None:
            found.append(f'driver ImageRegistrySecret: Secret "{secret}" not found')
        exporter = spec.get("metricsExporter") or {}
        name = (exporter.get("config") or {}).get("name")
        if exporter.get("enable") and name and kube.get(kube.path("v1", "ConfigMap", namespace, name)) is None:
            found.append(f'metricsExporter ConfigMap: configmaps "{name}" not found')
        return found

    def _install(self, kube: Kube, config: Object, nodes: list[Object]) -> float | None:
        """The driver by KMM, and the version label that each node waits for."""
        for account in amd_objects.ACCOUNTS:
            self.ensure(kube, service_account(f"amd-gpu-operator-{account}", config["metadata"]["namespace"]))
        if not amd_objects.installs_driver(config["spec"]):
            kube.delete(kube.path(*MODULE, config["metadata"]["namespace"], config["metadata"]["name"]))
            return None
        for name in sorted({amd_objects.os_name(node) for node in nodes}):
            self.ensure(kube, amd_objects.build_config(config, name))
        try:
            self.ensure(kube, amd_objects.module(config, nodes))
        except KubeError as error:
            # Without KMM there is no kind Module: the product logs the error and tries again.
            self.log.warning("failed to handle KMM module for DeviceConfig %s: %s", config["metadata"]["name"], error)
            return RETRY_SECONDS
        version = amd_objects.driver_version(config["spec"])
        key = version_labels(config["metadata"]["namespace"], config["metadata"]["name"])[0]
        upgrades = bool(((config["spec"].get("driver") or {}).get("upgradePolicy") or {}).get("enable"))
        outdated = [node for node in nodes if labels_of(node).get(key) not in (None, version)]
        for node in nodes:
            if key not in labels_of(node):
                self._patch_node(kube, node, {key: version})
        busy = [node for node in nodes if labels_of(node).get(key) == version and not self._loaded(config, node)]
        if upgrades and outdated and not busy:
            self._patch_node(kube, outdated[0], {key: version})
        return RETRY_SECONDS if upgrades and outdated else None

    def _operate(self, kube: Kube, config: Object) -> None:
        wanted = amd_objects.workloads(config)
        for workload in wanted:
            self.ensure(kube, workload)
        namespace = config["metadata"]["namespace"]
        keep = {workload["metadata"]["name"] for workload in wanted}
        for workload in self.objects("apps/v1", "DaemonSet", namespace):
            owners = [ref["uid"] for ref in workload["metadata"].get("ownerReferences") or []]
            if config["metadata"]["uid"] in owners and workload["metadata"]["name"] not in keep:
                kube.delete(kube.path_of(workload), propagation="Background")
        if (config["spec"].get("metricsExporter") or {}).get("enable"):
            self.ensure(kube, amd_objects.metrics_service(config))

    def _tell(self, kube: Kube, config: Object, nodes: list[Object]) -> None:
        name, namespace = config["metadata"]["name"], config["metadata"]["namespace"]
        status: Object = {
            "observedGeneration": config["metadata"].get("generation", 1),
            "devicePlugin": amd_objects.counts(self.find("apps/v1", "DaemonSet", f"{name}{amd_objects.PLUGIN}", namespace)),
            "nodeModuleStatus": {node["metadata"]["name"]: self._node_status(config, node) for node in nodes},
        }
        if (config["spec"].get("metricsExporter") or {}).get("enable"):
            status["metricsExporter"] = amd_objects.counts(self.find("apps/v1", "DaemonSet", f"{name}{amd_objects.EXPORTER}", namespace))
        module = self.find(*MODULE, name, namespace)
        if module is not None:
            status["driver"] = (module.get("status") or {}).get("moduleLoader") or {}
        self._conditions(kube, config, status, [condition("Ready", True, "OperatorReady")])

    def _node_status(self, config: Object, node: Object) -> Object:
        if not amd_objects.installs_driver(config["spec"]):
            return {}
        row = self._row(config, node)
        before = ((config.get("status") or {}).get("nodeModuleStatus") or {}).get(node["metadata"]["name"]) or {}
        if row is None:
            return {"status": INSTALLING}
        image, was = row["config"]["containerImage"], before.get("containerImage")
        if not self._loaded(config, node):
            wanted = self._wanted(config, node)
            if wanted is not None and wanted["config"] == row["config"] and before:
                return dict(before)  # it was loaded before a reboot, and will be again
            return {**before, "status": UPGRADING if was else INSTALLING}
        upgraded = before.get("status") in (UPGRADING, UPGRADED) or (was not in (None, image))
        return {
            "containerImage": image,
            "kernelVersion": row["config"]["kernelVersion"],
            "lastTransitionTime": row.get("lastTransitionTime") or now(),
            "status": UPGRADED if upgraded else INSTALLED,
            "bootId": row.get("bootId") or "",
        }

    def _conditions(self, kube: Kube, config: Object, status: Object, told: list[Object]) -> None:
        """Write conditions; `Error` goes away when it is not among them."""
        have = (config.get("status") or {}).get("conditions") or []
        keep = [item for item in have if item["type"] in [new["type"] for new in told]]
        self.set_status(kube, config, {**status, "conditions": merge_conditions(keep, told, now())})

    def _finalize(self, kube: Kube, config: Object) -> float | None:
        """Operands first, then the module; the finalizer goes when KMM has unloaded it everywhere."""
        name, namespace = config["metadata"]["name"], config["metadata"]["namespace"]
        for suffix in (amd_objects.EXPORTER, amd_objects.PLUGIN, amd_objects.LABELLER):
            kube.delete(kube.path("apps/v1", "DaemonSet", namespace, f"{name}{suffix}"), propagation="Background")
        kube.delete(kube.path("v1", "Service", namespace, f"{name}{amd_objects.EXPORTER}"))
        nodes = amd_objects.selected(config, self.objects("v1", "Node"))
        asked = version_labels(namespace, name)
        for node in nodes:
            gone = [key for key in labels_of(node) if amd_labels.is_own(key) or key in asked]
            if gone:
                self._patch_node(kube, node, dict.fromkeys(gone))
        module = self.find(*MODULE, name, namespace)
        if module is not None:
            if not module["metadata"].get("deletionTimestamp"):
                kube.delete(kube.path_of(module))
            return RETRY_SECONDS / self.settings.speed
        finalizers = [item for item in config["metadata"].get("finalizers") or [] if item != amd_objects.FINALIZER]
        kube.patch(kube.path_of(config), {"metadata": {"finalizers": finalizers}})
        return None

    # ---- the nodes

    def _row(self, config: Object, node: Object) -> Object | None:
        """What KMM tells of the module on a node."""
        found = self.find(*NODE_CONFIG, node["metadata"]["name"])
        modules = ((found or {}).get("status") or {}).get("modules")
        return find_entry(modules, config["metadata"]["namespace"], config["metadata"]["name"])

    def _wanted(self, config: Object, node: Object) -> Object | None:
        """What KMM is to load of the module on a node."""
        found = self.find(*NODE_CONFIG, node["metadata"]["name"])
        modules = ((found or {}).get("spec") or {}).get("modules")
        return find_entry(modules, config["metadata"]["namespace"], config["metadata"]["name"])

    def _loaded(self, config: Object, node: Object) -> bool:
        """True when the wanted content is loaded since the node's boot."""
        row, wanted = self._row(config, node), self._wanted(config, node)
        return row is not None and wanted is not None and row["config"] == wanted["config"] and row.get("bootId") == boot_id(node)

    def _config_of(self, pod: Object) -> Object | None:
        name = labels_of(pod).get("daemonset-name") or ""
        return self.find(*CONFIG, name, pod["metadata"].get("namespace"))

    def _driver(self, config: Object, node: Object) -> str | None:
        """Version of the driver that runs on a node: KMM's, else the kernel's own; None without any."""
        row = self._row(config, node)
        if row is not None and row.get("bootId") == boot_id(node):
            return str(row.get("version") or row["config"]["containerImage"].rpartition("-")[2])
        server, current = self._server(node), note(node, CURRENT)
        machine_config = self.find(*MACHINE_CONFIG, current) if current else None
        return INBOX_VERSION if inbox_loaded("amdgpu", server, (machine_config or {}).get("spec")) else None

    def _server(self, node: Object) -> dict[str, Any]:
        return server_of(self, node["metadata"]["name"]) or {"gpus": []}

    def _operand(self, kube: Kube, pod: Object) -> float | None:
        """An operand waits in its init container for a driver, then comes up."""
        role, config = self._role(pod), self._config_of(pod)
        node = self.find("v1", "Node", pod["spec"].get("nodeName") or "")
        if not role or config is None or node is None or pod["metadata"].get("deletionTimestamp") or not is_true(node, "Ready"):
            return None
        image = pod_pull.unpullable(pod, self.scenario.get("image_pull_failures") or [])
        if image is not None and not is_ready(pod):
            self.show_pod(kube, pod, pod_pull.pod_unpulled(pod, image, now()))
            return RETRY_SECONDS
        timer = f"{pod['metadata']['uid']}/{boot_id(node)}"
        if self._driver(config, node) is None:
            self.show_pod(kube, pod, pod_initializing(pod, now(), 0))
            return RETRY_SECONDS
        left = self.remaining("amd-labeller" if role == amd_objects.LABELLER else "amd-plugin", timer)
        if left:
            return left
        self.show_pod(kube, pod, pod_running(pod, now()))
        return None

    def _serve(self, kube: Kube, node: Object) -> None:
        """GPUs while a device plugin runs with a driver under it, labels from the labeller."""
        pods = [pod for pod in self._pods(node["metadata"]["name"]) if is_ready(pod)]
        found = {self._role(pod): self._config_of(pod) for pod in pods}
        plugin, labeller = found.get(amd_objects.PLUGIN), found.get(amd_objects.LABELLER)
        count = len(amd_labels.usable_gpus(self._server(node))) if plugin and self._driver(plugin, node) else 0
        self._resources(kube, node, count, registered=plugin is not None)
        if labeller is not None:
            driver = self._driver(labeller, node)
            wanted: dict[str, str | None] = dict(amd_labels.node_labels(self._server(node), driver)) if driver else {}
            wanted |= {key: None for key in labels_of(node) if amd_labels.is_own(key) and key not in wanted}
            self._patch_node(kube, node, {key: value for key, value in wanted.items() if labels_of(node).get(key) != value})

    def _resources(self, kube: Kube, node: Object, count: int, registered: bool) -> None:
        """The kubelet keeps the capacity of a plugin that has gone for a while; nothing is allocatable then."""
        status = node.get("status") or {}
        allocatable, capacity = ((status.get(part) or {}).get(GPU) for part in ("allocatable", "capacity"))
        if allocatable is None and not registered:
            return
        wanted: Object = {"allocatable": {GPU: str(count)}}
        if registered:
            wanted["capacity"] = {GPU: str(count)}
        if allocatable == str(count) and (not registered or capacity == str(count)):
            return
        try:
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"status": wanted}, subresource="status")
        except NotFound:
            self.log.info("node %s has gone", node["metadata"]["name"])

    def _patch_node(self, kube: Kube, node: Object, labels: dict[str, Any]) -> None:
        if not labels:
            return
        try:
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"metadata": {"labels": labels}})
        except NotFound:
            self.log.info("node %s has gone", node["metadata"]["name"])


def _age(config: Object) -> tuple[str, str]:
    return config["metadata"].get("creationTimestamp") or "", config["metadata"]["name"]
