# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kernel Module Management makes of a Module: the image for a kernel, entries of NodeModulesConfig, pods (pure).

Source: rh-ecosystem-edge/kernel-module-management@0419e2f0 internal/{constants,utils/kmmlabels,nmc/labels,pod/workerpodmanager}.go,
internal/controllers/module_reconciler.go, internal/module/kernelmapper.go (variables of image names).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rehearsal.operators.objects import Object, digest, owner_reference, tolerated
from rehearsal.operators.pod_status import pod_running

API = "kmm.sigs.x-k8s.io/v1beta1"
FINALIZER = "kmm.node.kubernetes.io/module-finalizer"
NAMESPACE_LABEL = "kmm.node.k8s.io/contains-modules"
MODULE_LABEL = "kmm.node.kubernetes.io/module.name"
KERNEL_LABEL = "kmm.node.kubernetes.io/target-kernel"
ACTION_LABEL = "kmm.node.kubernetes.io/worker-action"
CONFIG_NOTE = "kmm.node.kubernetes.io/worker-config"
TYPE_LABEL = "kmm.openshift.io/build.type"
BUILD_API = "build.openshift.io/v1"
LOAD, UNLOAD = "Load", "Unload"
PRESSURES = [{"key": f"node.kubernetes.io/{kind}-pressure", "operator": "Exists", "effect": "NoSchedule"} for kind in ("disk", "memory", "pid")]
WORKER_IMAGE = "registry.redhat.io/kmm/kernel-module-management-worker-rhel9:latest"
BUILDER_IMAGE = "registry.redhat.io/openshift4/ose-docker-builder-rhel9:latest"


def ready_label(namespace: str, name: str) -> str:
    """Node label: the module is loaded."""
    return f"kmm.node.kubernetes.io/{namespace}.{name}.ready"


def version_labels(namespace: str, name: str) -> tuple[str, str, str]:
    """Node labels of an ordered upgrade: the version that is asked for, and the two by which KMM steers its pods."""
    tail = f"{namespace}.{name}"
    beta = "beta.kmm.node.kubernetes.io/version"
    return f"kmm.node.kubernetes.io/version-module.{tail}", f"{beta}-worker-pod.{tail}", f"{beta}-schedule-pod.{tail}"


def configured_label(namespace: str, name: str) -> str:
    """Label of a NodeModulesConfig that has the module in its spec."""
    return f"beta.kmm.node.kubernetes.io/{namespace}.{name}.module-configured"


def in_use_label(namespace: str, name: str) -> str:
    """Label of a NodeModulesConfig that has the module in its spec or status."""
    return f"beta.kmm.node.kubernetes.io/{namespace}.{name}.module-in-use"


def schedulable(node: Object, module: Mapping[str, Any]) -> bool:
    """True when the module's pods may run on the node: all its taints are tolerated. (A cordon is none of those that KMM tolerates.)"""
    spec = node.get("spec") or {}
    taints = list(spec.get("taints") or [])
    if spec.get("unschedulable"):
        taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    return tolerated(taints, [*((module.get("spec") or module).get("tolerations") or []), *PRESSURES])


def mapping_for(module: Object, kernel: str) -> Object | None:
    """The first kernel mapping that fits a kernel, or None."""
    for row in module["spec"]["moduleLoader"]["container"].get("kernelMappings") or []:
        if row.get("literal") == kernel or (row.get("regexp") and re.search(row["regexp"], kernel)):
            return dict(row)
    return None


def image_for(module: Object, mapping: Mapping[str, Any], kernel: str) -> str:
    """The image of a mapping with its variables filled in."""
    container, meta = module["spec"]["moduleLoader"]["container"], module["metadata"]
    image = str(mapping.get("containerImage") or container.get("containerImage") or "")
    parts = re.split(r"[.-]", kernel)
    values = {
        "KERNEL_FULL_VERSION": kernel,
        "KERNEL_VERSION": kernel,
        "KERNEL_XYZ": ".".join(parts[:3]),
        "KERNEL_X": parts[0],
        "KERNEL_Y": parts[1] if len(parts) > 1 else "",
        "KERNEL_Z": parts[2] if len(parts) > 2 else "",
        "MOD_NAME": meta["name"],
        "MOD_NAMESPACE": meta["namespace"],
    }
    return re.sub(r"\$\{?([A-Z_]+)\}?", lambda match: values.get(match.group(1), match.group(0)), image)


def entry(module: Object, mapping: Mapping[str, Any], kernel: str) -> Object:
    """The module's entry in the spec of a node's NodeModulesConfig."""
    loader = module["spec"]["moduleLoader"]
    container = loader["container"]
    removed = mapping.get("inTreeModulesToRemove") or container.get("inTreeModulesToRemove")
    single = mapping.get("inTreeModuleToRemove") or container.get("inTreeModuleToRemove")
    config: Object = {
        "kernelVersion": kernel,
        "containerImage": image_for(module, mapping, kernel),
        "imagePullPolicy": container.get("imagePullPolicy") or "IfNotPresent",
        "insecurePull": False,
        "modprobe": container["modprobe"],
    }
    if removed or single:
        config["inTreeModulesToRemove"] = removed or [single]
    made: Object = {"name": module["metadata"]["name"], "namespace": module["metadata"]["namespace"], "config": config}
    for key, value in (("serviceAccountName", loader.get("serviceAccountName")), ("version", container.get("version")),
                       ("tolerations", [*(module["spec"].get("tolerations") or []), *PRESSURES])):
        if value:
            made[key] = value
    return made


def find_entry(rows: list[Object] | None, namespace: str, name: str) -> Object | None:
    """The entry of a module among those of a spec or status."""
    return next((row for row in rows or [] if (row["namespace"], row["name"]) == (namespace, name)), None)


def without(rows: list[Object] | None, namespace: str, name: str) -> list[Object]:
    """All entries but one module's."""
    return [row for row in rows or [] if (row["namespace"], row["name"]) != (namespace, name)]


def worker_name(node: str, module: str) -> str:
    """Name of the pod that loads or unloads a module on a node."""
    return f"kmm-worker-{node}-{module}"


def worker_pod(config: Object, row: Object, action: str) -> Object:
    """The pod that loads or unloads one module on the node of a NodeModulesConfig; it goes straight to its node."""
    name = worker_name(config["metadata"]["name"], row["name"])
    labels = {
        "app.kubernetes.io/name": "kmm",
        "app.kubernetes.io/component": "worker",
        "app.kubernetes.io/part-of": "kmm",
        MODULE_LABEL: row["name"],
        ACTION_LABEL: action,
    }
    spec: Object = {
        "nodeName": config["metadata"]["name"],
        "restartPolicy": "OnFailure",
        "initContainers": [{"name": "image-extractor", "image": row["config"]["containerImage"], "command": ["/bin/sh", "-c"]}],
        "containers": [{"name": "worker", "image": WORKER_IMAGE, "args": ["kmod", action.lower(), "/etc/kmm-worker/config.yaml"]}],
        "tolerations": row.get("tolerations") or [],
    }
    if row.get("serviceAccountName"):
        spec["serviceAccountName"] = row["serviceAccountName"]
    meta = {
        "name": name,
        "namespace": row["namespace"],
        "labels": labels,
        "annotations": {CONFIG_NOTE: json.dumps(row["config"], sort_keys=True)},
        "ownerReferences": [owner_reference(config)],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def build(module: Object, image: str, kernel: str) -> Object:
    """The Build that makes the image for a kernel; it has no BuildConfig."""
    meta = module["metadata"]
    labels = {MODULE_LABEL: meta["name"], KERNEL_LABEL: kernel[:63], TYPE_LABEL: "build"}
    return {
        "apiVersion": BUILD_API,
        "kind": "Build",
        "metadata": {
            "name": f"{meta['name']}-build-{digest(image, 5)}",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(module)],
        },
        "spec": {
            "serviceAccount": "builder", "source": {"type": "Dockerfile"}, "strategy": {"type": "Docker"},
            "output": {"to": {"kind": "DockerImage", "name": image}},
        },
    }  # fmt: skip


def build_pod(made: Object) -> Object:
    """The pod in which a Build is carried out."""
    meta = made["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{meta['name']}-build",
            "namespace": meta["namespace"],
            "labels": {**meta["labels"], "openshift.io/build.name": meta["name"]},
            "annotations": {"openshift.io/build.name": meta["name"]},
            "ownerReferences": [owner_reference(made)],
        },
        "spec": {"restartPolicy": "Never", "containers": [{"name": "docker-build", "image": BUILDER_IMAGE}], "tolerations": []},
    }


def pod_succeeded(pod: Object, now: str) -> Object:
    """Status of a pod whose containers have all ended well."""
    status = pod_running(pod, now)
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
    containers = [{**item, "ready": False, "started": False, "state": ended} for item in status["containerStatuses"]]
    conditions = [
        {**item, "status": "False", "reason": "PodCompleted"} if item["type"] in ("Ready", "ContainersReady") else item
        for item in status["conditions"]
    ]
    return {**status, "phase": "Succeeded", "containerStatuses": containers, "conditions": conditions}


def numbers(targets: int, wanted: int, loaded: int) -> Object:
    """`status.moduleLoader` of a Module."""
    return {"nodesMatchingSelectorNumber": targets, "desiredNumber": wanted, "availableNumber": loaded}
