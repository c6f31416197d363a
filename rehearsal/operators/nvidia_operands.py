# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operands of a ClusterPolicy: states in the operator's order, each with its DaemonSets (pure).

Sources: NVIDIA/gpu-operator controllers/state_manager.go (order of states), controllers/object_controls.go, assets/state-*/*.yaml
(names, selectors, init containers). Default images come from the CSV's relatedImages; image versions do not matter here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.operators.nvidia_labels import DEPLOY, OSTREE_LABEL
from rehearsal.operators.objects import Object
from rehearsal.operators.operands import daemon_set

DTK_LABEL = "openshift.driver-toolkit"
DTK_VERSION_LABEL = "openshift.driver-toolkit.rhcos"
DTK_MISSING_LABEL = "openshift.driver-toolkit.rhcos-image-missing"
DEFAULT_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
DRIVER_PREFIX = "nvidia-driver-daemonset"
VALIDATOR_IMAGE = "nvcr.io/nvidia/cloud-native/gpu-operator-validator"
MANAGER_IMAGE = "nvcr.io/nvidia/cloud-native/k8s-driver-manager"
# component of the policy -> image without version
IMAGES = {
    "driver": "nvcr.io/nvidia/driver",
    "toolkit": "nvcr.io/nvidia/k8s/container-toolkit",
    "devicePlugin": "nvcr.io/nvidia/k8s-device-plugin",
    "dcgm": "nvcr.io/nvidia/cloud-native/dcgm",
    "dcgmExporter": "nvcr.io/nvidia/k8s/dcgm-exporter",
    "gfd": "nvcr.io/nvidia/k8s-device-plugin",
    "migManager": "nvcr.io/nvidia/cloud-native/k8s-mig-manager",
    "nodeStatusExporter": VALIDATOR_IMAGE,
    "validator": VALIDATOR_IMAGE,
}
# (state, component, enabled by default, DaemonSet, label under gpu.deploy., init containers)
STATES: list[tuple[str, str, bool, str, str, tuple[str, ...]]] = [
    ("state-driver", "driver", True, DRIVER_PREFIX, "driver", ()),
    ("state-container-toolkit", "toolkit", True, "nvidia-container-toolkit-daemonset", "container-toolkit", ("driver-validation",)),
    (
        "state-operator-validation",
        "validator",
        True,
        "nvidia-operator-validator",
        "operator-validator",
        ("driver-validation", "toolkit-validation", "cuda-validation", "plugin-validation"),
    ),
    ("state-device-plugin", "devicePlugin", True, "nvidia-device-plugin-daemonset", "device-plugin", ("toolkit-validation",)),
    ("state-dcgm", "dcgm", False, "nvidia-dcgm", "dcgm", ("toolkit-validation",)),
    ("state-dcgm-exporter", "dcgmExporter", True, "nvidia-dcgm-exporter", "dcgm-exporter", ("toolkit-validation",)),
    ("gpu-feature-discovery", "gfd", True, "gpu-feature-discovery", "gpu-feature-discovery", ("toolkit-validation",)),
    ("state-mig-manager", "migManager", True, "nvidia-mig-manager", "mig-manager", ("toolkit-validation",)),
    (
        "state-node-status-exporter",
        "nodeStatusExporter",
        False,
        "nvidia-node-status-exporter",
        "node-status-exporter",
        (),
    ),
]


def enabled(policy: Mapping[str, Any], component: str, default: bool) -> bool:
    """True when the policy deploys the component."""
    value = (policy.get(component) or {}).get("enabled")
    return default if value is None else bool(value)


def states(
    policy_object: Object, namespace: str, ostree_versions: list[str], toolkit_images: Mapping[str, str], default_driver: str,
    parameters: Object | None = None,
) -> dict[str, list[Object]]:
    """State name -> its DaemonSets; an empty list for a disabled state.

    `ostree_versions`: those that NFD's labels tell of the GPU nodes. `toolkit_images`: RHCOS version -> driver-toolkit image.
    `parameters`: the ConfigMap with those of the kernel modules.
    """
    policy = policy_object.get("spec") or {}
    made: dict[str, list[Object]] = {}
    for state, component, default, name, label, inits in STATES:
        by_driver_resource = component == "driver" and bool((policy.get("driver") or {}).get("useNvidiaDriverCRD"))
        if not enabled(policy, component, default) or by_driver_resource:
            made[state] = []
        elif component == "driver":
            made[state] = _drivers(policy_object, namespace, ostree_versions, toolkit_images, default_driver, parameters)
        else:
            made[state] = [_operand(policy_object, namespace, component, name, label, inits)]
    return made


def driver_version(policy: Mapping[str, Any], default: str) -> str:
    """Version of the driver that will run; a digest or none means the operator's default."""
    version = str((policy.get("driver") or {}).get("version") or "")
    return version.split("-")[0] if version and not version.startswith("sha256:") else default


def waits_for_ofed(policy: Mapping[str, Any]) -> bool:
    """True when the driver pods must wait for the network driver (legacy nvidia-peermem)."""
    return bool(((policy.get("driver") or {}).get("rdma") or {}).get("enabled"))


def evicts_gpu_pods(policy: Mapping[str, Any]) -> bool:
    """True unless the driver manager is told to leave running GPU pods alone (ENABLE_GPU_POD_EVICTION)."""
    for row in ((policy.get("driver") or {}).get("manager") or {}).get("env") or []:
        if row.get("name") == "ENABLE_GPU_POD_EVICTION":
            return str(row.get("value", "")).lower() != "false"
    return True


def _drivers(
    owner: Object, namespace: str, ostree_versions: list[str], toolkit_images: Mapping[str, str], default_driver: str, parameters: Object | None
) -> list[Object]:
    policy = owner.get("spec") or {}
    driver = policy.get("driver") or {}
    version = driver_version(policy, default_driver)
    image = _image(policy, "driver", f"{version}-rhcos")
    init = [("mofed-validation", f"{VALIDATOR_IMAGE}:default")] if waits_for_ofed(policy) else []
    init.append(("k8s-driver-manager", f"{MANAGER_IMAGE}:default"))
    extra = [("nvidia-peermem-ctr", image)] if waits_for_ofed(policy) else []
    extra += [(f"nvidia-{name}-ctr", image) for name, key in (("gdrcopy", "gdrcopy"), ("fs", "gds")) if enabled(policy, key, False)]
    upgrade = bool((driver.get("upgradePolicy") or {}).get("autoUpgrade"))
    common: dict[str, Any] = {
        "tolerations": _tolerations(policy),
        "init": init,
        "container": "nvidia-driver-ctr",
        "on_delete": upgrade,
    }
    # Without the label, or when told so, the operator falls back to one DaemonSet that builds by itself (and needs entitlement).
    if not ostree_versions or (policy.get("operator") or {}).get("use_ocp_driver_toolkit") is False:
        labels = {"app": DRIVER_PREFIX, "app.kubernetes.io/component": "nvidia-driver"}
        selector = {f"{DEPLOY}driver": "true"}
        made = [daemon_set(DRIVER_PREFIX, namespace, image, owner, pod_labels=labels, node_selector=selector, extra=extra, **common)]
        return _with_parameters(made, parameters)
    made = []
    for rhcos in ostree_versions:
        name = f"{DRIVER_PREFIX}-{rhcos}"
        labels = {"app": name, "app.kubernetes.io/component": "nvidia-driver", DTK_LABEL: "true", DTK_VERSION_LABEL: rhcos}
        if rhcos not in toolkit_images:
            labels[DTK_MISSING_LABEL] = "true"
        selector = {f"{DEPLOY}driver": "true", OSTREE_LABEL: rhcos}
        parts = [("openshift-driver-toolkit-ctr", toolkit_images.get(rhcos, image)), *extra]
        made.append(daemon_set(name, namespace, image, owner, pod_labels=labels, node_selector=selector, extra=parts, **common))
    return _with_parameters(made, parameters)


def parameters_name(policy: Mapping[str, Any]) -> str:
    """The ConfigMap that the policy names for the parameters of the kernel modules; "" without."""
    return str(((policy.get("driver") or {}).get("kernelModuleConfig") or {}).get("name") or "")


def _with_parameters(workloads: list[Object], config_map: Object | None) -> list[Object]:
    """Each file of the ConfigMap is mounted below /drivers, where the driver's container reads the modules' parameters."""
    if config_map is None:
        return workloads
    name, files = config_map["metadata"]["name"], sorted(config_map.get("data") or {})
    for workload in workloads:
        spec = workload["spec"]["template"]["spec"]
        spec["volumes"] = [{"name": name, "configMap": {"name": name, "items": [{"key": file, "path": file} for file in files]}}]
        spec["containers"][0]["volumeMounts"] = [{"name": name, "mountPath": f"/drivers/{file}", "subPath": file, "readOnly": True} for file in files]
    return workloads


def _operand(owner: Object, namespace: str, component: str, name: str, label: str, inits: tuple[str, ...]) -> Object:
    policy = owner.get("spec") or {}
    made = daemon_set(
        name,
        namespace,
        _image(policy, component, "default"),
        owner,
        pod_labels={"app": name, "app.kubernetes.io/part-of": "nvidia-gpu-operator"},
        node_selector={f"{DEPLOY}{label}": "true"},
        tolerations=_tolerations(policy),
        init=[(step, f"{VALIDATOR_IMAGE}:default") for step in inits],
    )
    env = _environment(policy, component)
    if env:
        made["spec"]["template"]["spec"]["containers"][0]["env"] = env
    return made


def _environment(policy: Mapping[str, Any], component: str) -> list[Object]:
    """Environment of an operand; a change of it makes its pods new ones, as in the product."""
    strategy = (policy.get("mig") or {}).get("strategy")
    given = [{"name": row["name"], "value": str(row.get("value", ""))} for row in (policy.get(component) or {}).get("env") or []]
    if component in ("devicePlugin", "gfd") and strategy:
        return [{"name": "MIG_STRATEGY", "value": str(strategy)}, *given]
    return given


def _tolerations(policy: Mapping[str, Any]) -> list[Object]:
    given = (policy.get("daemonsets") or {}).get("tolerations")
    return [DEFAULT_TOLERATION] if given is None else given


def _image(policy: Mapping[str, Any], component: str, tag: str) -> str:
    given = policy.get(component) or {}
    if given.get("repository") and given.get("image"):
        version = str(given.get("version") or tag)
        return f"{given['repository']}/{given['image']}{'@' if version.startswith('sha256:') else ':'}{version}"
    return f"{IMAGES[component]}:{tag}"
