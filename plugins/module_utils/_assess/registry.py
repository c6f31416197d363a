# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule, in the order of a report. A rule is a function Case -> findings; its words for people are here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import quirks, rules_accelerators, rules_fabric, rules_platform, rules_run, site_checks
from .model import Case, Finding


@dataclass(frozen=True)
class Rule:
    """kind: deciding | confirming | run (whether a run can succeed) | note."""

    id: str
    kind: str
    checks: str
    why: str
    apply: Callable[[Case], list[Finding]]


RULES: tuple[Rule, ...] = (
    Rule("release-known", "deciding", "The release has a row in the support matrix.", "Nothing can be said of a release that the data don't know.", rules_platform.release_known),
    Rule("openshift-version", "deciding", "OpenShift is at least the version that the article names for the release.", "OLM itself accepts older versions, so nothing else would stop them.", rules_platform.openshift_version),
    Rule("accelerator-present", "deciding", "Some node that may serve has a GPU.", "Without one there is nothing to judge.", rules_accelerators.accelerator_present),
    Rule("accelerator-model", "deciding", "Each GPU model is listed for the path and vendor.", "The article lists the models that Red Hat tests and supports.", rules_accelerators.accelerator_model),
    Rule("accelerator-mixture", "deciding", "Different GPU models are together only where the article allows it.", "P/D disaggregation and wide expert parallelism need equal GPUs.", rules_accelerators.accelerator_mixture),
    Rule("fabric-rdma", "deciding", "Each node has an active RDMA port, for P/D disaggregation and wide expert parallelism.", "KV blocks and expert traffic over TCP are too slow; it works and looks right, and isn't.", rules_fabric.rdma),
    Rule("fabric-port-state", "confirming", "The state of the RDMA ports could be read.", "Before the SR-IOV operator runs, the API shows cards but not their ports.", rules_fabric.port_state),
    Rule("local-nvme", "deciding", "The nodes have NVMe drives: required for wide expert parallelism, recommended for scheduling and P/D.", "Large models load from local drives.", rules_fabric.nvme),
    Rule("ethernet-line-rate", "confirming", "The fastest Ethernet link of a node has the rate that the article names.", "The article asks for 25 or 100 GbE.", rules_fabric.ethernet),
    Rule("pcie-generation", "confirming", "The GPU's model implies PCIe 5 or newer, for KV cache offload.", "Offloading is bound by the link between CPU and GPU.", rules_fabric.pcie),
    Rule("openshift-newer-than-seen", "confirming", "OpenShift isn't newer than what the data were checked with.", "New versions change defaults.", rules_platform.openshift_newer_than_seen),
    Rule("control-plane-external", "confirming", "The control plane isn't hosted elsewhere.", "Hosted clusters have no MachineConfigPools.", rules_platform.control_plane),
    Rule("automation", "run", "This version of the collection can set up the release, path and GPUs.", "Assessment covers more than set-up.", rules_run.automation),
    Rule("openshift-upgrading", "run", "No update of OpenShift is under way.", "Nodes reboot and versions change under the run.", rules_platform.openshift_upgrading),
    Rule("openshift-health", "run", "ClusterVersion is Available and not Failing.", "Operators don't install on a cluster that is broken.", rules_platform.openshift_health),
    Rule("pool-health", "run", "The MachineConfigPools of the GPU nodes are settled.", "A node that drains or reboots takes its GPU pods along.", rules_platform.pools),
    Rule("node-ready", "run", "The GPU nodes are Ready and schedulable.", "Drivers are built on the nodes.", rules_run.node_ready),
    Rule("gpu-capacity", "run", "The declared replicas fit on the ready nodes.", "A replica that doesn't fit stays Pending for ever.", rules_accelerators.gpu_capacity),
    Rule("gpu-mig", "run", "GPUs aren't split by MIG.", "A slice isn't a GPU of the article.", rules_accelerators.mig),
    Rule("gpu-health", "run", "As many GPUs are allocatable as the node has.", "Labels and devices that disagree point at a broken GPU or driver.", rules_accelerators.gpu_health),
    Rule("operator-available", "run", "Each operator that the path needs is there in a version that fits, or its catalog offers one.", "A missing package shows only minutes later as a Subscription that never resolves.", rules_run.operators),
    Rule("node-features", "run", "An existing NodeFeatureDiscovery labels the PCI classes of GPUs, network cards and NVMe drives.", "The GPU operators find their nodes by these labels; without them they report ready and do nothing.", rules_run.node_features),
    Rule("single-object", "run", "Kinds of which only one object may exist have no second one.", "Their operators ignore the second one silently.", rules_run.second_policies),
    Rule("storage-class", "run", "The declared StorageClass exists, or there is a default one, or LVM Storage makes one.", "Claims without a class stay Pending.", rules_run.storage_class),
    Rule("model-cache-drives", "run", "The GPU nodes have an NVMe drive for the model cache.", "LVM Storage needs an unused drive.", rules_run.cache_drives),
    Rule("gateway-class", "run", "The GatewayClass is absent, or belongs to OpenShift's gateway controller and is accepted.", "Another controller wouldn't know inference pools.", rules_run.gateway_class),
    Rule("gateway-load-balancer", "run", "Something gives the gateway's Service an address.", "Bare metal has no load balancer of its own.", rules_run.gateway_address),
    Rule("site-checks", "note", "The rules that the site declares (llmd_site_checks).", "Every site has its own.", site_checks.site_checks),
    Rule("known-quirks", "note", "Known-bad pairs of versions and traps (data/quirks/).", "Somebody has met them before.", quirks.quirks),
)  # fmt: skip


def known_ids(others: list[str]) -> set[str]:
    """Every id that a finding can have, given those of quirks and site checks: what waivers may name."""
    return {rule.id for rule in RULES if rule.kind != "note"} | {"support-tier"} | set(others)


VERDICT = ("deciding", "confirming")


def evaluate(case: Case, kinds: tuple[str, ...] = ()) -> list[Finding]:
    """The findings of all rules, or of those kinds only: a verdict needs no more than VERDICT."""
    return [finding for rule in RULES if not kinds or rule.kind in kinds for finding in rule.apply(case)]
