# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule, in the order of a report. A rule is a function Case -> findings; its words for people are here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import (
    quirks,
    rules_accelerators,
    rules_catalogs,
    rules_fabric,
    rules_model,
    rules_network,
    rules_platform,
    rules_run,
    site_checks,
)
from .model import ARTICLE, Case, Finding


@dataclass(frozen=True)
class Rule:
    """kind: deciding | confirming | run (whether a run can succeed) | note."""

    id: str
    kind: str
    checks: str
    why: str
    remedy: str
    source: str
    apply: Callable[[Case], list[Finding]]


RULES: tuple[Rule, ...] = (
    Rule(
        "release-known",
        "deciding",
        "The release has a row in the support matrix.",
        "Nothing can be said of a release that the data don't know.",
        "Set llmd_release to a release of the matrix, or wait for a version of this collection that knows it.",
        ARTICLE,
        rules_platform.release_known,
    ),
    Rule(
        "openshift-version",
        "deciding",
        "OpenShift is at least the version that the article names for the release.",
        "OLM itself accepts older versions, so nothing else would stop them.",
        "Update OpenShift, or choose a release that takes this version.",
        ARTICLE,
        rules_platform.openshift_version,
    ),
    Rule(
        "accelerator-present",
        "deciding",
        "Some node that may serve has a GPU.",
        "Without one there is nothing to judge.",
        "Add nodes with GPUs, select others with llmd_node_selector, or let Node Feature Discovery look at the nodes.",
        ARTICLE,
        rules_accelerators.accelerator_present,
    ),
    Rule(
        "accelerator-model",
        "deciding",
        "Each GPU model is listed for the path and vendor.",
        "The article lists the models that Red Hat tests and supports.",
        "Serve the path from nodes with a listed model (llmd_node_selector), or ask Red Hat.",
        ARTICLE,
        rules_accelerators.accelerator_model,
    ),
    Rule(
        "accelerator-mixture",
        "deciding",
        "Different GPU models are together only where the article allows it.",
        "P/D disaggregation and wide expert parallelism need equal GPUs.",
        "Serve the path from nodes of one model (llmd_node_selector).",
        ARTICLE,
        rules_accelerators.accelerator_mixture,
    ),
    Rule(
        "fabric-rdma",
        "deciding",
        "Each node has an active RDMA port, for P/D disaggregation and wide expert parallelism.",
        "KV blocks and expert traffic over TCP are too slow; it works and looks right, and isn't.",
        "Connect and bring up an InfiniBand or RoCE port of at least 100 Gb/s on each node, or leave the node out.",
        ARTICLE,
        rules_fabric.rdma,
    ),
    Rule(
        "fabric-port-state",
        "confirming",
        "The state of the RDMA ports could be read.",
        "Before the SR-IOV operator runs, the API shows cards but not their ports.",
        "Install the SR-IOV operator, whose SriovNetworkNodeState shows the ports.",
        "sriovnetwork.openshift.io/v1 SriovNetworkNodeState",
        rules_fabric.port_state,
    ),
    Rule(
        "local-nvme",
        "deciding",
        "The nodes have NVMe drives: required for wide expert parallelism, recommended for scheduling and P/D.",
        "Large models load from local drives.",
        "Add NVMe drives, or leave the nodes out.",
        ARTICLE,
        rules_fabric.nvme,
    ),
    Rule(
        "ethernet-line-rate",
        "confirming",
        "The fastest Ethernet link of a node has the rate that the article names.",
        "The article asks for 25 or 100 GbE.",
        "Use a port of at least 25 Gb/s on the nodes.",
        ARTICLE,
        rules_fabric.ethernet,
    ),
    Rule(
        "pcie-generation",
        "confirming",
        "The GPU's model implies PCIe 5 or newer, for KV cache offload.",
        "Offloading is bound by the link between CPU and GPU.",
        "Measure the host (DCGM field 235, or max_link_speed in sysfs); expect half the transfer rate of a generation 5 link.",
        ARTICLE,
        rules_fabric.pcie,
    ),
    Rule(
        "rdma-ports-per-gpu",
        "confirming",
        "The nodes have an RDMA port for each GPU, and as many as the declared rails.",
        "GPUs that share a port share its bandwidth.",
        "Check the cabling and llmd_rail_subnets.",
        "reference systems of the vendors (DGX, HGX)",
        rules_network.rails,
    ),
    Rule(
        "sriov-capable",
        "confirming",
        "The RDMA cards have virtual functions to give.",
        "The SR-IOV operator can't share a card that has none.",
        "Switch SR-IOV on in the BIOS and in the card's firmware.",
        "openshift-docs, SR-IOV hardware networks",
        rules_network.virtual_functions,
    ),
    Rule(
        "openshift-newer-than-seen",
        "confirming",
        "OpenShift isn't newer than what the data were checked with.",
        "New versions change defaults.",
        "Look for a newer version of this collection, and read the release notes.",
        "data/matrix/ (newest_seen)",
        rules_platform.openshift_newer_than_seen,
    ),
    Rule(
        "control-plane-external",
        "confirming",
        "The control plane isn't hosted elsewhere.",
        "Hosted clusters have no MachineConfigPools.",
        "Change nodes through the NodePool of the hosted cluster.",
        "openshift/api Infrastructure",
        rules_platform.control_plane,
    ),
    Rule(
        "automation",
        "run",
        "This version of the collection can set up the release, path and GPUs.",
        "Assessment covers more than set-up.",
        "Use assess for what site can't set up yet.",
        "data/automation.yml",
        rules_run.automation,
    ),
    Rule(
        "openshift-upgrading",
        "run",
        "No update of OpenShift is under way.",
        "Nodes reboot and versions change under the run.",
        "Wait until the update has ended.",
        "ClusterVersion condition Progressing",
        rules_platform.openshift_upgrading,
    ),
    Rule(
        "openshift-health",
        "run",
        "ClusterVersion is Available and not Failing.",
        "Operators don't install on a cluster that is broken.",
        "Mend the cluster operators that oc get clusteroperators names.",
        "ClusterVersion conditions",
        rules_platform.openshift_health,
    ),
    Rule(
        "pool-health",
        "run",
        "The MachineConfigPools of the GPU nodes are settled.",
        "A node that drains or reboots takes its GPU pods along.",
        "Wait for the update of the pool, or mend its degraded node.",
        "MachineConfigPool conditions",
        rules_platform.pools,
    ),
    Rule(
        "node-ready",
        "run",
        "The GPU nodes are Ready and schedulable.",
        "Drivers are built on the nodes.",
        "Mend the node, uncordon it, or leave it out with llmd_node_selector.",
        "Node condition Ready",
        rules_run.node_ready,
    ),
    Rule(
        "gpu-capacity",
        "run",
        "The declared replicas fit on the ready nodes.",
        "A replica that doesn't fit stays Pending for ever.",
        "Lower llmd_replicas or llmd_gpus_per_replica, or make more nodes ready.",
        "declaration and node facts",
        rules_accelerators.gpu_capacity,
    ),
    Rule(
        "gpu-mig",
        "run",
        "GPUs aren't split by MIG.",
        "A slice isn't a GPU of the article.",
        "Set the node's label nvidia.com/mig.config to all-disabled and wait for mig.config.state success.",
        "NVIDIA/k8s-device-plugin@1b826acc6a internal/lm (labels)",
        rules_accelerators.mig,
    ),
    Rule(
        "gpu-health",
        "run",
        "As many GPUs are allocatable as the node has.",
        "Labels and devices that disagree point at a broken GPU or driver.",
        "See the pods of the GPU operator on the node, and its kernel log for Xid errors.",
        "node labels and status.allocatable",
        rules_accelerators.gpu_health,
    ),
    Rule(
        "operator-available",
        "run",
        "Each operator that the path needs is there in a version that fits, or its catalog offers one.",
        "A missing package shows only minutes later as a Subscription that never resolves.",
        "Install, update or mirror the operator; llmd_operator_catalogs names another catalog.",
        "data/operators/",
        rules_run.operators,
    ),
    Rule(
        "node-features",
        "run",
        "An existing NodeFeatureDiscovery labels the PCI classes of GPUs, network cards and NVMe drives.",
        "The GPU operators find their nodes by these labels; without them they report ready and do nothing.",
        "Add the classes to sources.pci.deviceClassWhitelist of the NodeFeatureDiscovery.",
        "kubernetes-sigs/node-feature-discovery@76e6cc8cc0; NVIDIA/gpu-operator@a22dbf671f",
        rules_run.node_features,
    ),
    Rule(
        "single-object",
        "run",
        "Kinds of which only one object may exist have no second one.",
        "Their operators ignore the second one silently.",
        "Remove all but one.",
        "NVIDIA/gpu-operator@a22dbf671f; openshift/lvm-operator",
        rules_run.second_policies,
    ),
    Rule(
        "storage-class",
        "run",
        "The declared StorageClass exists, or there is a default one, or LVM Storage makes one.",
        "Claims without a class stay Pending.",
        "Name an existing class by llmd_storage_class, mark one as default, or set llmd_model_cache to lvms.",
        "Red Hat OpenShift AI Self-Managed, Installing, requirements",
        rules_run.storage_class,
    ),
    Rule(
        "model-cache-drives",
        "run",
        "The GPU nodes have an NVMe drive for the model cache.",
        "LVM Storage needs an unused drive.",
        "Name the drives by llmd_nvme_paths, or add a drive.",
        "openshift/lvm-operator (deviceSelector)",
        rules_run.cache_drives,
    ),
    Rule(
        "gateway-class",
        "run",
        "The GatewayClass is absent, or belongs to OpenShift's gateway controller and is accepted.",
        "Another controller wouldn't know inference pools.",
        "Set llmd_gateway_class to a name that isn't taken.",
        "gateway.networking.k8s.io/v1",
        rules_run.gateway_class,
    ),
    Rule(
        "gateway-load-balancer",
        "run",
        "Something gives the gateway's Service an address.",
        "Bare metal has no load balancer of its own.",
        "Install MetalLB with an address pool, or give the Service an address in another way.",
        "openshift-docs, MetalLB on bare metal",
        rules_run.gateway_address,
    ),
    Rule(
        "model-memory",
        "run",
        "Weights and KV cache fit into the memory of a replica's GPUs.",
        "vLLM ends at its start when they don't.",
        "Raise llmd_gpus_per_replica, take a smaller or quantized model, or lower llmd_kv_cache_gib_per_gpu.",
        "vLLM engine arguments (--gpu-memory-utilization)",
        rules_model.model_memory,
    ),
    Rule(
        "model-volume",
        "run",
        "The downloaded weights fit onto the volume of a replica.",
        "The download fails after minutes, with a full disk.",
        "Raise llmd_model_cache_gib.",
        "declaration",
        rules_model.model_volume,
    ),
    Rule(
        "host-headroom",
        "run",
        "The declared replicas fit by GPU, CPU and memory together.",
        "A replica that doesn't fit stays Pending for ever.",
        "Lower llmd_cpu_per_replica or llmd_memory_per_replica, or serve from more nodes.",
        "Node status.capacity",
        rules_model.host_headroom,
    ),
    Rule(
        "offload-headroom",
        "run",
        "The offloaded KV cache fits into the replica's memory, and the replicas into the node's.",
        "Pinned host memory counts against the pod's limit, so the kernel ends a pod that has too little.",
        "Declare llmd_kv_offload_gib, and raise llmd_memory_per_replica above it.",
        "Kubernetes, memory limits",
        rules_model.offload_headroom,
    ),
    Rule(
        "network-overlap",
        "run",
        "Pod, service, machine and rail networks have no address in common.",
        "Packets for an address that two networks have go to the wrong one.",
        "Choose other subnets in llmd_rail_subnets.",
        "openshift-docs, OVN-Kubernetes address ranges",
        rules_network.overlaps,
    ),
    Rule(
        "rail-addresses",
        "run",
        "Each rail's subnet has an address for each GPU node.",
        "Pods stay in ContainerCreating when the addresses are used up.",
        "Take larger subnets in llmd_rail_subnets.",
        "declaration and node facts",
        rules_network.rail_room,
    ),
    Rule(
        "pod-addresses",
        "run",
        "The pod network has pieces left for further nodes.",
        "No node can join a cluster whose pod network is used up.",
        "Add a cluster network.",
        "Network spec.clusterNetwork hostPrefix",
        rules_network.pod_room,
    ),
    Rule(
        "disconnected",
        "run",
        "A cluster with mirror sets, or without its default catalogs, isn't asked to fetch a model from the internet.",
        "The download would hang until its deadline.",
        "Mirror the model (oci://, s3:// or pvc://).",
        "config.openshift.io/v1 ImageDigestMirrorSet, OperatorHub",
        rules_catalogs.disconnected,
    ),
    Rule(
        "operator-catalog",
        "run",
        "Operators of the path come from the catalogs that the data or the declaration name.",
        "Another catalog may serve other builds under the same name.",
        "Declare llmd_operator_catalogs if the catalog is a mirror.",
        "data/operators/",
        rules_catalogs.other_catalogs,
    ),
    Rule(
        "site-checks",
        "note",
        "The rules that the site declares (llmd_site_checks).",
        "Every site has its own.",
        "The check's own remedy.",
        "llmd_site_checks",
        site_checks.site_checks,
    ),
    Rule(
        "known-quirks",
        "note",
        "Known-bad pairs of versions and traps (data/quirks/).",
        "Somebody has met them before.",
        "The quirk's own remedy.",
        "data/quirks/",
        quirks.quirks,
    ),
)


def known_ids(others: list[str]) -> set[str]:
    """Every id that a finding can have, given those of quirks and site checks: what waivers may name."""
    return {rule.id for rule in RULES if rule.kind != "note"} | {"support-tier"} | set(others)


VERDICT = ("deciding", "confirming")


def evaluate(case: Case, kinds: tuple[str, ...] = ()) -> list[Finding]:
    """The findings of all rules, or of those kinds only: a verdict needs no more than VERDICT."""
    return [finding for rule in RULES if not kinds or rule.kind in kinds for finding in rule.apply(case)]
