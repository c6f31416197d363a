# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the AMD GPU operator makes of a DeviceConfig: KMM's Module, DaemonSets, a Service (pure).

Source: ROCm/gpu-operator@6df13c17 internal/{kmmmodule,plugin,nodelabeller,metricsexporter,validator}/*.go, internal/utils.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rehearsal.operators.kmm_objects import API as KMM_API
from rehearsal.operators.kmm_objects import ready_label
from rehearsal.operators.kmm_registry import HOST
from rehearsal.operators.objects import Object, labels_of, owner_reference
from rehearsal.operators.operands import daemon_set

API = "amd.com/v1alpha1"
FINALIZER = "amd.node.kubernetes.io/deviceconfig-finalizer"
DEFAULT_IMAGE = f"{HOST}/$MOD_NAMESPACE/amdgpu_kmod"
DEFAULT_DRIVER = "6.2.2"
PLUGIN, LABELLER, EXPORTER = "-device-plugin", "-node-labeller", "-metrics-exporter"
ACCOUNTS = ("kmm-device-plugin", "kmm-module-loader", "node-labeller", "metrics-exporter")
PLUGIN_FLAGS = {"resource_naming_strategy": ["single", "mixed"], "driver_type": ["container", "vf-passthrough", "pf-passthrough"]}
PORT = 5000


def installs_driver(spec: Mapping[str, Any]) -> bool:
    """True when the driver comes by KMM, False when the kernel's own is used."""
    driver = spec.get("driver") or {}
    return bool(driver.get("enable", True)) and driver.get("driverType") != "pf-passthrough"


def driver_version(spec: Mapping[str, Any]) -> str:
    """Version of the driver to build."""
    return str((spec.get("driver") or {}).get("version") or DEFAULT_DRIVER)


def faults(spec: Mapping[str, Any], missing: list[str]) -> list[str]:
    """What the operator's own validation refuses; `missing`: faults of referenced objects, in the operator's words."""
    plugin = spec.get("devicePlugin") or {}
    both = bool((spec.get("draDriver") or {}).get("enable")) and plugin.get("enableDevicePlugin", True)
    found = list(missing)
    if both:
        text = "DRADriver and DevicePlugin cannot be enabled at the same time"
        return [*found, f"devicePlugin {text}", f"draDriver {text}"]
    for key, value in (plugin.get("devicePluginArguments") or {}).items():
        if key not in PLUGIN_FLAGS:
            found.append(f"devicePlugin Invalid flag: {key}")
        elif value not in PLUGIN_FLAGS[key]:
            found.append(f"devicePlugin Invalid flag value: {key}={value}. Supported values: [{' '.join(PLUGIN_FLAGS[key])}]")
    return found


def os_name(node: Object) -> str:
    """`coreos-9.6` of an RHCOS node, by which build configurations and image tags are told apart."""
    image = str((node["status"].get("nodeInfo") or {}).get("osImage") or "").lower()
    version = re.search(r"(\d+\.\d+)", image)
    return f"{'coreos' if 'coreos' in image else 'rhel'}-{version.group(1) if version else image}"


def build_config(config: Object, name: str) -> Object:
    """ConfigMap with the Dockerfile of a build. (Its text is the product's; here only that there is one matters.)"""
    meta = config["metadata"]
    source = bool((config["spec"].get("driver") or {}).get("useSourceImage"))
    text = f"# driver {driver_version(config['spec'])} from {'the source image' if source else 'packages'}\n"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": build_config_name(config, name), "namespace": meta["namespace"], "ownerReferences": [owner_reference(config)]},
        "data": {"dockerfile": text},
    }


def build_config_name(config: Object, name: str) -> str:
    """Name of that ConfigMap."""
    return f"{name}-{config['metadata']['name']}-{config['metadata']['namespace']}"


def module(config: Object, nodes: list[Object]) -> Object:
    """The Module that KMM builds and loads: one mapping for each kernel among the nodes."""
    meta, spec = config["metadata"], config["spec"]
    driver = spec.get("driver") or {}
    version = driver_version(spec)
    mappings: dict[str, Object] = {}
    for node in nodes:
        kernel = str(node["status"]["nodeInfo"]["kernelVersion"]).removesuffix("+")
        name = os_name(node)
        tag = f"{name}-${{KERNEL_FULL_VERSION}}-{version}"[-128:]
        build = {
            "dockerfileConfigMap": {"name": build_config_name(config, name)},
            "buildArgs": [{"name": "DRIVERS_VERSION", "value": version}],
        }
        mappings.setdefault(kernel, {"literal": kernel, "containerImage": f"{driver.get('image') or DEFAULT_IMAGE}:{tag}", "build": build})
    tolerations = [
        *(driver.get("tolerations") or []),
        {"key": "amd-gpu-driver-upgrade", "value": "true", "operator": "Equal", "effect": "NoSchedule"},
        {"key": "amd-dcm", "value": "up", "operator": "Equal"},
        {"key": "amd-gpu-unhealthy", "operator": "Exists", "effect": "NoSchedule"},
    ]
    container = {
        "modprobe": {"moduleName": "amdgpu", "firmwarePath": "firmwareDir/updates", "dirName": "/opt"},
        "version": version,
        "kernelMappings": list(mappings.values()),
    }
    loader = {"container": container, "serviceAccountName": "amd-gpu-operator-kmm-module-loader"}
    return {
        "apiVersion": KMM_API,
        "kind": "Module",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"], "ownerReferences": [owner_reference(config)]},
        "spec": {"selector": spec.get("selector") or {}, "moduleLoader": loader, "tolerations": tolerations},
    }


def workloads(config: Object) -> list[Object]:
    """DaemonSets of a DeviceConfig. Plugin, labeller and exporter have pods with one label in common, as in the product."""
    spec, name = config["spec"], config["metadata"]["name"]
    plugin, exporter = spec.get("devicePlugin") or {}, spec.get("metricsExporter") or {}
    base = dict(spec.get("selector") or {})
    after = {**base, ready_label(config["metadata"]["namespace"], name): ""} if installs_driver(spec) else base
    made = []
    if plugin.get("enableDevicePlugin", True):
        made.append(_workload(config, PLUGIN, "device-plugin", plugin.get("devicePluginImage") or "docker.io/rocm/k8s-device-plugin:rhubi-latest",
                              after, "kmm-device-plugin", plugin.get("devicePluginTolerations")))
    if plugin.get("enableNodeLabeller", True):
        made.append(_workload(config, LABELLER, "node-labeller-container", plugin.get("nodeLabellerImage") or "docker.io/rocm/k8s-node-labeller:rhubi-latest",
                              base, "node-labeller", plugin.get("nodeLabellerTolerations")))
    if exporter.get("enable"):
        image = exporter.get("image") or "docker.io/rocm/device-metrics-exporter:v1.5.0"
        selector = {**(exporter.get("selector") or base), **{key: value for key, value in after.items() if key not in base}}
        made.append(_workload(config, EXPORTER, "metrics-exporter-container", image, selector, "metrics-exporter",
                              exporter.get("tolerations"), {"app.kubernetes.io/name": "metrics-exporter"}))
    return made


def metrics_service(config: Object) -> Object:
    """The Service of the metrics exporter."""
    exporter, meta = config["spec"].get("metricsExporter") or {}, config["metadata"]
    name, port = f"{meta['name']}{EXPORTER}", int(exporter.get("port") or PORT)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": meta["namespace"], "labels": {"app": name}, "ownerReferences": [owner_reference(config)]},
        "spec": {
            "type": exporter.get("serviceType") or "ClusterIP",
            "internalTrafficPolicy": "Local",
            "selector": {"daemonset-name": meta["name"], "app.kubernetes.io/name": "metrics-exporter"},
            "ports": [{"name": "exporter-port", "protocol": "TCP", "port": port, "targetPort": port}],
        },
    }


def selected(config: Object, nodes: list[Object]) -> list[Object]:
    """Nodes that a DeviceConfig is meant for."""
    wanted = (config.get("spec") or {}).get("selector") or {}
    return [node for node in nodes if all(labels_of(node).get(key) == value for key, value in wanted.items())]


def counts(workload: Object | None) -> Object:
    """A DaemonSet's numbers as the DeviceConfig tells them (the product counts available nodes as matching ones)."""
    status = (workload or {}).get("status") or {}
    available = int(status.get("numberAvailable") or 0)
    desired = int(status.get("desiredNumberScheduled") or 0)
    return {"nodesMatchingSelectorNumber": available, "desiredNumber": desired, "availableNumber": available}


def _workload(config: Object, suffix: str, container: str, image: str, selector: dict[str, str], account: str,
              tolerations: list[Object] | None, extra: dict[str, str] | None = None) -> Object:
    meta = config["metadata"]
    made = daemon_set(
        f"{meta['name']}{suffix}", meta["namespace"], image, config, pod_labels={"daemonset-name": meta["name"], **(extra or {})},
        node_selector=selector, tolerations=tolerations, init=[("driver-init", "docker.io/busybox:1.36")], container=container,
    )  # fmt: skip
    made["spec"]["template"]["spec"]["serviceAccountName"] = f"amd-gpu-operator-{account}"
    return made
