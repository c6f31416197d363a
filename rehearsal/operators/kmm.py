# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of Kernel Module Management (KMM): Module → an image for each kernel → worker pods that load it → node labels.

Source: rh-ecosystem-edge/kernel-module-management@0419e2f0 internal/controllers/{module,nmc,node_label_module_version}_reconciler.go,
build_sign_events_reconciler.go (events). An image in the cluster's own registry can be built only when that registry runs. A module
that the kernel has loaded itself cannot be loaded a second time (text of modprobe: assumed), one in use cannot be unloaded.
A node that is cordoned is no target any more: KMM unloads there. That is the product's doing, too.
Builds and their pods are OpenShift's build controller's (openshift/openshift-controller-manager pkg/build; phases and reasons: openshift/api
build/v1): one whose output goes to a registry that doesn't run stays New. Not played: their failures, ModuleImagesConfig, signing, the device
plugin of a Module, preflight validation, finalizers of pods.
"""

from __future__ import annotations

import json
from typing import Any

from rehearsal.operators import kmm_objects as kmm
from rehearsal.operators import pod_logs
from rehearsal.operators.broken_hardware import server_of
from rehearsal.operators.kmm_host import inbox_loaded
from rehearsal.operators.kmm_registry import CONFIG as REGISTRY
from rehearsal.operators.kmm_registry import HOST, is_available
from rehearsal.operators.mco_pool import CURRENT, note
from rehearsal.operators.objects import boot_id
from rehearsal.operators.pod_status import pod_crashing, pod_initializing, pod_running, same_pod_state
from rehearsal.operators.runtime import (
    Conflict,
    Kube,
    Object,
    StandIn,
    is_true,
    labels_of,
    now,
    owner_reference,
)

MODULE, NODE_CONFIG, BUILD = (kmm.API, "Module"), (kmm.API, "NodeModulesConfig"), (kmm.BUILD_API, "Build")
MACHINE_CONFIG = ("machineconfiguration.openshift.io/v1", "MachineConfig")
RETRY_SECONDS = 5.0


class Kmm(StandIn):
    """Modules, the NodeModulesConfig of each node, and the pods that build and load."""

    csv_prefix = "kernel-module-management."
    name = "kmm-operator"
    watches = [MODULE, NODE_CONFIG, BUILD, REGISTRY, MACHINE_CONFIG, ("v1", "Pod"), ("v1", "Node")]
    delays = {"kmm-build": 6.0, "kmm-load": 2.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._built: set[str] = set()  # images
        self._marked: set[str] = set()  # namespaces that have KMM's label
        self._seen: dict[str, Any] = {}

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> list[Object]:
        """Nodes and their configurations wake the modules; pods of KMM wake themselves; the registry wakes what waits for it."""
        if obj["kind"] == "Module":
            return [obj]
        if obj["kind"] == "NodeModulesConfig":
            return [obj, *self.objects(*MODULE)]
        if obj["kind"] in ("Config", "Build"):
            return self.objects(*MODULE)
        if obj["kind"] == "Pod":
            mine = kmm.MODULE_LABEL in labels_of(obj)
            return [] if not mine else [*([obj] if event != "DELETED" else []), *self.objects(*NODE_CONFIG), *self.objects(*MODULE)]
        if obj["kind"] == "Node":
            status = obj.get("status") or {}
            seen = (labels_of(obj), obj.get("spec"), boot_id(obj), is_true(obj, "Ready"), status.get("nodeInfo", {}).get("kernelVersion"))
            if self._seen.get(obj["metadata"]["name"]) == seen and event != "DELETED":
                return []
            self._seen[obj["metadata"]["name"]] = seen
            return [*self.objects(*MODULE), *self.objects(*NODE_CONFIG)]
        return []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """By kind."""
        if obj["kind"] == "Module":
            return self._finalize(kube, obj) if obj["metadata"].get("deletionTimestamp") else self._module(kube, obj)
        if obj["kind"] == "NodeModulesConfig":
            return self._node(kube, obj)
        if obj["kind"] == "Pod" and not obj["metadata"].get("deletionTimestamp"):
            return self._build(kube, obj) if labels_of(obj).get(kmm.TYPE_LABEL) else self._work(kube, obj)
        return None

    # ---- modules

    def _module(self, kube: Kube, module: Object) -> float | None:
        meta = module["metadata"]
        if kmm.FINALIZER not in (meta.get("finalizers") or []):
            kube.patch(kube.path_of(module), {"metadata": {"finalizers": [*(meta.get("finalizers") or []), kmm.FINALIZER]}})
            return None
        if meta["namespace"] not in self._marked:
            kube.patch(kube.path("v1", "Namespace", None, meta["namespace"]), {"metadata": {"labels": {kmm.NAMESPACE_LABEL: ""}}})
            self._marked.add(meta["namespace"])
        targets = [
            node
            for node in self.objects("v1", "Node")
            if _selected(module["spec"].get("selector"), node) and kmm.schedulable(node, module)
        ]
        waits = False
        for node in targets:
            waits = self._target(kube, module, node) or waits
        for config in self.objects(*NODE_CONFIG):
            if config["metadata"]["name"] not in [node["metadata"]["name"] for node in targets]:
                self._configure(kube, config, module, None)
        self._tell(kube, module, targets)
        return RETRY_SECONDS / self.settings.speed if waits else None

    def _target(self, kube: Kube, module: Object, node: Object) -> bool:
        """One node of a module. True when its image is not there yet."""
        name, namespace = module["metadata"]["name"], module["metadata"]["namespace"]
        kernel = str((node["status"].get("nodeInfo") or {}).get("kernelVersion") or "").removesuffix("+")
        mapping = kmm.mapping_for(module, kernel)
        config = self.find(*NODE_CONFIG, node["metadata"]["name"])
        if mapping is None or not self._version_wanted(kube, module, node):
            if config is not None and mapping is None:
                self._configure(kube, config, module, None)
            return False
        if not self._has_image(kube, module, mapping, kernel):
            return True
        row = kmm.entry(module, mapping, kernel)
        if config is None:
            meta = {
                "name": node["metadata"]["name"],
                "labels": {kmm.configured_label(namespace, name): "", kmm.in_use_label(namespace, name): ""},
                "ownerReferences": [owner_reference({**node, "apiVersion": "v1", "kind": "Node"}, controller=False)],
            }
            try:
                body = {"apiVersion": NODE_CONFIG[0], "kind": NODE_CONFIG[1], "metadata": meta, "spec": {"modules": [row]}}
                kube.create(kube.path(*NODE_CONFIG), body)
            except Conflict:
                self.log.info("NodeModulesConfig %s has been made meanwhile", meta["name"])
        else:
            self._configure(kube, config, module, row)
        return False

    def _version_wanted(self, kube: Kube, module: Object, node: Object) -> bool:
        """A module with a version goes to nodes that are labelled with just this version (ordered upgrade)."""
        version = module["spec"]["moduleLoader"]["container"].get("version")
        if not version:
            return True
        asked, worker, schedule = kmm.version_labels(module["metadata"]["namespace"], module["metadata"]["name"])
        labels = labels_of(node)
        if labels.get(asked) != version:
            return False
        if (labels.get(worker), labels.get(schedule)) != (version, version):
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"metadata": {"labels": {worker: version, schedule: version}}})
        return True

    def _has_image(self, kube: Kube, module: Object, mapping: Object, kernel: str) -> bool:
        """True when the image for a kernel exists; else its build is begun, if one is asked for and the registry takes it."""
        image = kmm.image_for(module, mapping, kernel)
        rows = [row for config in self.objects(*NODE_CONFIG) for row in (config.get("spec") or {}).get("modules") or []]
        if image in self._built or any(row["config"]["containerImage"] == image for row in rows):
            return True
        wanted = mapping.get("build") or module["spec"]["moduleLoader"]["container"].get("build")
        if not wanted:
            return not image.startswith(HOST)  # a ready-made image of another registry; nobody has pushed one to the cluster's own
        made = kmm.build(module, image, kernel)
        have = self.find(*BUILD, made["metadata"]["name"], made["metadata"]["namespace"])
        if have is None:
            if self._create(kube, made):
                self.event(module, "Normal", "BuildCreated", f"Build created for kernel {kernel}")
        elif image.startswith(HOST) and not is_available(self.find(*REGISTRY, "cluster")):
            self.set_status(kube, have, {"phase": "New", "reason": "InvalidOutputReference", "message": "Output image could not be resolved."})
        else:
            pod = kmm.build_pod(have)
            if self.find("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"]) is None and self._create(kube, pod):
                self.set_status(kube, have, {"phase": "Pending", "reason": None, "message": None})
        return False

    def _create(self, kube: Kube, obj: Object) -> bool:
        """False when it's there already, and the watch is late."""
        try:
            kube.create(kube.path(obj["apiVersion"], obj["kind"], obj["metadata"]["namespace"]), obj)
        except Conflict:
            return False
        return True

    def _configure(self, kube: Kube, config: Object, module: Object, row: Object | None) -> None:
        """Put a module's entry into a NodeModulesConfig, or take it out; no request when nothing changes."""
        namespace, name = module["metadata"]["namespace"], module["metadata"]["name"]
        rows = (config.get("spec") or {}).get("modules") or []
        if kmm.find_entry(rows, namespace, name) == row:
            return
        label = kmm.configured_label(namespace, name)
        labels: dict[str, str | None] = {label: "" if row else None}
        if row:
            labels[kmm.in_use_label(namespace, name)] = ""
        modules = [*kmm.without(rows, namespace, name), *([row] if row else [])]
        kube.patch(kube.path_of(config), {"metadata": {"labels": labels}, "spec": {"modules": modules}})

    def _tell(self, kube: Kube, module: Object, targets: list[Object]) -> None:
        namespace, name = module["metadata"]["namespace"], module["metadata"]["name"]
        configs = self.objects(*NODE_CONFIG)
        wanted = [config for config in configs if kmm.find_entry((config.get("spec") or {}).get("modules"), namespace, name)]
        loaded = [
            config
            for config in wanted
            if (row := kmm.find_entry((config.get("status") or {}).get("modules"), namespace, name))
            and row["config"] == (kmm.find_entry(config["spec"]["modules"], namespace, name) or {}).get("config")
        ]
        self.set_status(kube, module, {"moduleLoader": kmm.numbers(len(targets), len(wanted), len(loaded))})

    def _finalize(self, kube: Kube, module: Object) -> float | None:
        """A Module goes when no node has it loaded any more."""
        namespace, name = module["metadata"]["namespace"], module["metadata"]["name"]
        busy = False
        for config in self.objects(*NODE_CONFIG):
            self._configure(kube, config, module, None)
            busy = busy or kmm.in_use_label(namespace, name) in labels_of(config)
        finalizers = module["metadata"].get("finalizers") or []
        if not busy and kmm.FINALIZER in finalizers:
            kube.patch(kube.path_of(module), {"metadata": {"finalizers": [item for item in finalizers if item != kmm.FINALIZER]}})
        return None

    # ---- nodes

    def _node(self, kube: Kube, config: Object) -> float | None:
        node = self.find("v1", "Node", config["metadata"]["name"])
        if node is None or config["metadata"].get("deletionTimestamp"):
            return None
        specs, statuses = (config.get("spec") or {}).get("modules") or [], (config.get("status") or {}).get("modules") or []
        labels: dict[str, str | None] = {}
        for row in specs:
            told = kmm.find_entry(statuses, row["namespace"], row["name"])
            if not kmm.schedulable(node, row) or not is_true(node, "Ready"):
                labels[kmm.ready_label(row["namespace"], row["name"])] = None
                continue
            self._load(kube, config, row, told, node)
            loaded = told is not None and told["config"] == row["config"] and told.get("bootId") == boot_id(node)
            labels[kmm.ready_label(row["namespace"], row["name"])] = "" if loaded else None
        for row in statuses:
            if kmm.find_entry(specs, row["namespace"], row["name"]) is None:
                self._unload(kube, config, row, node)
                labels[kmm.ready_label(row["namespace"], row["name"])] = None
        self._collect(kube, config, specs, statuses)
        self._label(kube, node, labels)
        return None

    def _load(self, kube: Kube, config: Object, row: Object, told: Object | None, node: Object) -> None:
        """Bring a node to an entry of its spec: load, reload after a boot, or unload an older content first."""
        if self.find("v1", "Pod", kmm.worker_name(config["metadata"]["name"], row["name"]), row["namespace"]) is not None:
            return
        if told is None or told.get("bootId") != boot_id(node):
            self._pod(kube, kmm.worker_pod(config, row, kmm.LOAD))
        elif told["config"] != row["config"]:
            self._pod(kube, kmm.worker_pod(config, told, kmm.UNLOAD))

    def _unload(self, kube: Kube, config: Object, row: Object, node: Object) -> None:
        if row.get("bootId") != boot_id(node):
            self._report(kube, config, kmm.without(config["status"]["modules"], row["namespace"], row["name"]))
        elif self.find("v1", "Pod", kmm.worker_name(config["metadata"]["name"], row["name"]), row["namespace"]) is None:
            self._pod(kube, kmm.worker_pod(config, row, kmm.UNLOAD))

    def _collect(self, kube: Kube, config: Object, specs: list[Object], statuses: list[Object]) -> None:
        """Take labels off that stand for nothing, and pods of modules that nobody has."""
        wanted = {kmm.in_use_label(row["namespace"], row["name"]) for row in [*specs, *statuses]}
        stale = [key for key in labels_of(config) if key.endswith(".module-in-use") and key not in wanted]
        if stale:
            kube.patch(kube.path_of(config), {"metadata": {"labels": dict.fromkeys(stale)}})
        names = {row["name"] for row in [*specs, *statuses]}
        for pod in self.pods_on(config["metadata"]["name"]):
            if kmm.ACTION_LABEL in labels_of(pod) and labels_of(pod).get(kmm.MODULE_LABEL) not in names:
                kube.delete(kube.path_of(pod))

    def _label(self, kube: Kube, node: Object, labels: dict[str, str | None]) -> None:
        changes = {key: value for key, value in labels.items() if labels_of(node).get(key) != value}
        if not changes:
            return
        kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"metadata": {"labels": changes}})
        for key, value in changes.items():
            namespace, _, name = key.removeprefix("kmm.node.kubernetes.io/").removesuffix(".ready").partition(".")
            word = "loaded into" if value is not None else "unloaded from"
            self.event(node, "Normal", "ModuleLoaded" if value is not None else "ModuleUnloaded", f"Module {namespace}/{name} {word} the kernel")

    def _report(self, kube: Kube, config: Object, modules: list[Object]) -> None:
        self.set_status(kube, config, {"modules": modules})

    def _pod(self, kube: Kube, pod: Object) -> None:
        try:
            kube.create(kube.path("v1", "Pod", pod["metadata"]["namespace"]), pod)
        except Conflict:
            self.log.info("pod %s is there already", pod["metadata"]["name"])

    # ---- pods

    def _build(self, kube: Kube, pod: Object) -> float | None:
        phase = (pod.get("status") or {}).get("phase")
        made = next(iter(self.owners(pod, "Build")), None)
        if made is None:
            return None
        image, kernel = made["spec"]["output"]["to"]["name"], labels_of(pod)[kmm.KERNEL_LABEL]
        if phase == "Succeeded":
            self._built.add(image)
            return None
        if not pod["spec"].get("nodeName"):
            return None
        left = self.remaining("kmm-build", pod)
        if left:
            self.show_pod(kube, pod, pod_running(pod, now()))
            self.set_status(kube, made, {"phase": "Running"})
            return left
        self._built.add(image)
        self.show_pod(kube, pod, kmm.pod_succeeded(pod, now()))
        self.set_status(kube, made, {"phase": "Complete", "outputDockerImageReference": image})
        for module in self.owners(made, "Module"):
            self.event(module, "Normal", "BuildSucceeded", f"Build job succeeded for kernel {kernel}")
        return None

    def _work(self, kube: Kube, pod: Object) -> float | None:
        config = next(iter(self.owners(pod, "NodeModulesConfig")), None)
        node = self.find("v1", "Node", pod["spec"].get("nodeName") or "")
        if config is None or node is None or not is_true(node, "Ready"):
            return None
        left = self.remaining("kmm-load", pod)
        if left:
            self.show_pod(kube, pod, pod_initializing(pod, now(), 0))
            return left
        row = json.loads(pod["metadata"]["annotations"][kmm.CONFIG_NOTE])
        loads = labels_of(pod)[kmm.ACTION_LABEL] == kmm.LOAD
        trouble = self._trouble(row, node) if loads else self._in_use(row, node)
        if trouble:
            self._crash(kube, pod, row, trouble)
            return RETRY_SECONDS / self.settings.speed
        self._done(kube, pod, config, row, node)
        return None

    def _trouble(self, row: Object, node: Object) -> str | None:
        """Why modprobe fails on the node, or None."""
        module = str(row["modprobe"].get("moduleName") or "")
        server = server_of(self, node["metadata"]["name"])
        machine_config = self.find(*MACHINE_CONFIG, note(node, CURRENT)) if note(node, CURRENT) else None
        if module in (row.get("inTreeModulesToRemove") or []) or server is None:
            return None
        if inbox_loaded(module, server, (machine_config or {}).get("spec")):
            return f"modprobe: ERROR: could not insert '{module}': Unknown symbol in module, or unknown parameter (see dmesg)"
        return None

    def _in_use(self, row: Object, node: Object) -> str | None:
        """Why a module cannot be unloaded, or None: pods that run have its devices."""
        module = str(row["modprobe"].get("moduleName") or "")
        resource = {"amdgpu": "amd.com/gpu"}.get(module)
        held = any(
            (pod.get("status") or {}).get("phase") == "Running" and resource in ((item.get("resources") or {}).get("limits") or {})
            for pod in self.pods_on(node["metadata"]["name"])
            for item in pod["spec"]["containers"]
        )
        return f"modprobe: FATAL: Module {module} is in use." if resource and held else None

    def _crash(self, kube: Kube, pod: Object, row: Object, trouble: str) -> None:
        status = pod_crashing(pod, now(), 4, 1, "1m20s")
        if same_pod_state(pod.get("status"), status):
            return
        flags = "-vd" if labels_of(pod)[kmm.ACTION_LABEL] == kmm.LOAD else "-rvd"
        command = f"/sbin/modprobe {flags} /tmp{row['modprobe'].get('dirName') or '/opt'} {row['modprobe'].get('moduleName')}"
        lines = [
            'I "Starting worker" logger="kmm-worker"',
            'I "Reading config" logger="kmm-worker" path="/etc/kmm-worker/config.yaml"',
            f'I "Running modprobe" logger="kmm-worker" command="{command}"',
            f'I "{trouble}" logger="kmm-worker.modprobe.stderr"',
            'E "Fatal error" err="error while waiting on the command: exit status 1" logger="kmm-worker"',
        ]
        pod_logs.write(self.state, pod, "worker", lines)
        self.show_pod(kube, pod, status)
        self.event(pod, "Warning", "BackOff", f"Back-off restarting failed container worker in pod {pod['metadata']['name']}")

    def _done(self, kube: Kube, pod: Object, config: Object, row: Object, node: Object) -> None:
        """The worker has ended well: the node's status tells, then the pod goes."""
        name, namespace = labels_of(pod)[kmm.MODULE_LABEL], pod["metadata"]["namespace"]
        others = kmm.without((config.get("status") or {}).get("modules"), namespace, name)
        if labels_of(pod)[kmm.ACTION_LABEL] == kmm.LOAD:
            spec = kmm.find_entry((config.get("spec") or {}).get("modules"), namespace, name) or {}
            told = {"name": name, "namespace": namespace, "config": row, "bootId": boot_id(node), "lastTransitionTime": now()}
            told |= {key: spec[key] for key in ("serviceAccountName", "version", "tolerations") if spec.get(key)}
            others = [*others, told]
        self.show_pod(kube, pod, kmm.pod_succeeded(pod, now()))
        self._report(kube, config, others)
        kube.delete(kube.path_of(pod))


def _selected(selector: dict[str, str] | None, node: Object) -> bool:
    return all(labels_of(node).get(key) == value for key, value in (selector or {}).items())
