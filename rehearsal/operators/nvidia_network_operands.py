# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operands of a NicClusterPolicy or NicNodePolicy: states in the operator's order, each with its workloads (pure).

Sources: Mellanox/network-operator @b06827e (v26.4) pkg/state/factory.go (order), pkg/state/state_*.go, manifests/state-*/*.y*ml (names, labels,
node selectors), api/v1alpha1/nicclusterpolicyconditions.go. Only what a node or a client can see is made; ib-kubernetes, telemetry, NIC
configuration and Spectrum-X run as pods that do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.operators.nvidia_network_policies import (
    OWNER_LABEL,
    hashed_suffix,
    owner_label,
    selector,
    selects,
    short_hash,
    suffix,
)
from rehearsal.operators.objects import Object, labels_of, tolerated
from rehearsal.operators.operands import daemon_set, operand_deployment

NFD = "feature.node.kubernetes.io/"
MELLANOX_LABEL = f"{NFD}pci-15b3.present"
OS_ID, OS_VERSION = f"{NFD}system-os_release.ID", f"{NFD}system-os_release.VERSION_ID"
OSTREE, KERNEL = f"{NFD}system-os_release.OSTREE_VERSION", f"{NFD}kernel-version.full"
OFED_WAIT = "network.nvidia.com/operator.mofed.wait"
OFED_LABEL = "nvidia.com/ofed-driver"
MOFED, RDMA_PLUGIN, SRIOV_PLUGIN = "mofed", "rdma-shared-dp-ds", "network-operator-sriov-device-plugin"
GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
READY_NODES = {MELLANOX_LABEL: "true", OFED_WAIT: "false"}
INIT_IMAGE = "nvcr.io/nvidia/mellanox/network-operator-init-container:default"
# state -> (path of its section in the spec, condition type)
STATES: dict[str, tuple[tuple[str, ...], str]] = {
    "state-multus-cni": (("secondaryNetwork", "multus"), "MultusCNIReady"),
    "state-container-networking-plugins": (("secondaryNetwork", "cniPlugins"), "CNIPluginsReady"),
    "state-ipoib-cni": (("secondaryNetwork", "ipoib"), "IPoIBCNIReady"),
    "state-OFED": (("ofedDriver",), "OFEDDriverReady"),
    "state-SRIOV-device-plugin": (("sriovDevicePlugin",), "SRIOVDevicePluginReady"),
    "state-RDMA-device-plugin": (("rdmaSharedDevicePlugin",), "RDMASharedDevicePluginReady"),
    "state-ib-kubernetes": (("ibKubernetes",), "IBKubernetesReady"),
    "state-nv-ipam-cni": (("nvIpam",), "NVIPAMReady"),
    "state-nic-feature-discovery": (("nicFeatureDiscovery",), "NICFeatureDiscoveryReady"),
    "state-doca-telemetry-service": (("docaTelemetryService",), "DOCATelemetryServiceReady"),
    "state-nic-configuration-operator": (("nicConfigurationOperator",), "NICConfigurationOperatorReady"),
    "state-spectrum-x-operator": (("spectrumXOperator",), "SpectrumXOperatorReady"),
}
# state -> DaemonSet and its node selector; Deployments beside them are not waited for by the operator
PLAIN: dict[str, tuple[str, dict[str, str]]] = {
    "state-multus-cni": ("kube-multus-ds", {}),
    "state-container-networking-plugins": ("cni-plugins-ds", {}),
    "state-ipoib-cni": ("kube-ipoib-cni-ds", {}),
    "state-SRIOV-device-plugin": (SRIOV_PLUGIN, READY_NODES),
    "state-RDMA-device-plugin": (RDMA_PLUGIN, READY_NODES),
    "state-nv-ipam-cni": ("nv-ipam-node", {}),
    "state-nic-feature-discovery": ("nic-feature-discovery-ds", {MELLANOX_LABEL: "true"}),
    "state-doca-telemetry-service": ("doca-telemetry-service", {MELLANOX_LABEL: "true"}),
    "state-nic-configuration-operator": ("nic-configuration-daemon", READY_NODES),
    "state-spectrum-x-operator": ("spectrum-x-flowcontroller", {MELLANOX_LABEL: "true"}),
}
DEPLOYMENTS = {
    "state-ib-kubernetes": "ib-kubernetes",
    "state-nv-ipam-cni": "nv-ipam-controller",
    "state-nic-configuration-operator": "nic-configuration-operator",
}


class StateError(ValueError):
    """A state cannot be rendered; the text goes into appliedStates."""


def section(spec: Mapping[str, Any], state: str) -> dict[str, Any] | None:
    """The part of the spec that switches a state on, or None."""
    value: Any = spec
    for key in STATES[state][0]:
        value = (value or {}).get(key)
    return value if isinstance(value, dict) else None


def image(part: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Image of a section; repository and version may come from spec.global. Raises StateError."""
    part = part.get("operator") or part  # the NIC configuration operator has two images
    common = spec.get("global") or {}
    values = {key: part.get(key) or common.get(key) for key in ("repository", "version")}
    for key, value in values.items():
        if not value:
            raise StateError(f"{key} is required")
    version = str(values["version"])
    return f"{values['repository']}/{part.get('image')}{'@' if version.startswith('sha256:') else ':'}{version}"


def workloads(policy: Object, state: str, namespace: str, nodes: list[Object], toolkits: Mapping[str, str]) -> list[Object]:
    """DaemonSets and Deployments of a state that is switched on. Raises StateError."""
    spec = policy.get("spec") or {}
    part = section(spec, state) or {}
    if state == "state-OFED":
        return ofed(policy, namespace, nodes, toolkits)
    source = image(part, spec)
    found = []
    if state in PLAIN:
        name, labels = PLAIN[state]
        found.append(_daemon(policy, namespace, name, source, labels))
    if state in DEPLOYMENTS:
        found.append(operand_deployment(DEPLOYMENTS[state], namespace, source, policy, tolerations=_masters()))
    return found


def ofed(policy: Object, namespace: str, nodes: list[Object], toolkits: Mapping[str, str]) -> list[Object]:
    """One driver DaemonSet for each kernel of the nodes that NFD says have a Mellanox card. Raises StateError."""
    spec = policy.get("spec") or {}
    tolerations = [*(spec.get("tolerations") or []), GPU_TOLERATION]
    pools: dict[str, Object] = {}
    for node in nodes:
        if labels_of(node).get(MELLANOX_LABEL) != "true" or not selects(policy, node):
            continue
        if tolerated((node.get("spec") or {}).get("taints"), [*tolerations, *_by_controller()]):
            pools.setdefault(labels_of(node).get(KERNEL, ""), node)
    found = []
    for kernel, node in sorted(pools.items()):
        labels = labels_of(node)
        rhcos = labels.get(OSTREE)
        if not rhcos:
            raise StateError(f"failed to create k8s objects from manifest: failed to render objects: required NFD Label missing: {OSTREE}")
        if rhcos not in toolkits:
            raise StateError(
                "failed to create k8s objects from manifest: failed to render objects: failed to get OpenShift DTK image : "
                f"failed to find DTK image for RHCOS version: {rhcos}"
            )
        found.append(_mofed(policy, namespace, labels, kernel, toolkits[rhcos]))
    return found


def _mofed(policy: Object, namespace: str, labels: Mapping[str, str], kernel: str, toolkit: str) -> Object:
    spec = policy.get("spec") or {}
    system = f"{labels.get(OS_ID, '')}{labels.get(OS_VERSION, '')}"
    app = f"{MOFED}-{system}-{short_hash(kernel)}{hashed_suffix(policy)}"
    arch = labels.get("kubernetes.io/arch", "amd64")
    source = image(spec["ofedDriver"], spec)
    source = source if "@" in source else f"{source}-{system}-{arch}"
    pod_labels = {"app": app, OFED_LABEL: "", OWNER_LABEL: owner_label(policy)}
    fits = {MELLANOX_LABEL: "true", **{key: labels[key] for key in (OS_ID, OS_VERSION, KERNEL, OSTREE) if key in labels}}
    made = daemon_set(
        f"{app}-ds",
        namespace,
        source,
        policy,
        pod_labels=pod_labels,
        node_selector={**fits, **selector(policy)},
        tolerations=[*(spec.get("tolerations") or []), GPU_TOLERATION],
        affinity=_affinity(spec),
        init=[("network-operator-init-container", INIT_IMAGE)],
        container="mofed-container",
        extra=[("openshift-driver-toolkit-ctr", toolkit)],
        on_delete=True,
    )
    made["spec"]["template"]["spec"]["hostNetwork"] = True
    made["spec"]["template"]["spec"]["serviceAccountName"] = "ofed-driver"
    return made


def pod_app(policy: Object, name: str) -> str:
    """The label `app` of the pods of a DaemonSet in PLAIN."""
    return f"{name.removesuffix('-ds')}{suffix(policy)}"


def _daemon(policy: Object, namespace: str, name: str, source: str, fits: dict[str, str]) -> Object:
    spec = policy.get("spec") or {}
    made = daemon_set(
        f"{name}{hashed_suffix(policy)}",
        namespace,
        source,
        policy,
        pod_labels={"app": pod_app(policy, name), OWNER_LABEL: owner_label(policy)},
        node_selector={**fits, **selector(policy)},
        container=name,
        tolerations=[*(spec.get("tolerations") or []), GPU_TOLERATION],
        affinity=_affinity(spec),
    )
    made["spec"]["template"]["spec"]["hostNetwork"] = True
    return made


def _affinity(spec: Mapping[str, Any]) -> Object | None:
    return {"nodeAffinity": spec["nodeAffinity"]} if spec.get("nodeAffinity") else None


def _masters() -> list[Object]:
    return [{"key": f"node-role.kubernetes.io/{role}", "operator": "Exists", "effect": "NoSchedule"} for role in ("master", "control-plane")]


def _by_controller() -> list[Object]:
    """Tolerations that the DaemonSet controller adds to every pod of the host's network."""
    keys = (("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("unschedulable", "NoSchedule"), ("network-unavailable", "NoSchedule"))
    return [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect} for key, effect in keys]


def daemon_set_ready(live: Object | None) -> bool:
    """Ready as the operator sees it: at least one pod is wanted, and all of the newest template are available."""
    status = (live or {}).get("status") or {}
    wanted = int(status.get("desiredNumberScheduled") or 0)
    available, updated = int(status.get("numberAvailable") or 0), int(status.get("updatedNumberScheduled") or 0)
    return wanted != 0 and wanted == available == updated
