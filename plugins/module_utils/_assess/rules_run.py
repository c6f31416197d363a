# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that don't change the verdict but say whether a run can succeed: nodes, operators, storage, gateway."""

from __future__ import annotations

from .._plan.decision import ADOPT, INSTALL, KEEP, REFUSE, Decision
from .._plan.decision import UNKNOWN as UNDECIDED
from .._plan.discovery import missing_classes
from .._plan.operators import decide, needed
from .look import dig, names, number, rows, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import name


def automation(case: Case) -> list[Finding]:
    """What this version of the collection can set up; the assessment covers more."""
    able = case.facts.automation
    vendors = [vendor for vendor in case.candidates.vendors if vendor not in able["vendors"]]
    missing = [f"RHOAI {case.release}"] if case.release not in able["releases"] else []
    missing += [f"the path {case.path}"] if case.path not in able["paths"] else []
    missing += [f"{vendor.upper()} GPUs" for vendor in vendors]
    expected = f"RHOAI {', '.join(able['releases'])}; {', '.join(able['paths'])}; {', '.join(able['vendors'])}"
    return [case.finding(
        "automation", FAIL if missing else PASS, "this collection", f"can't set up {' and '.join(missing)}" if missing else "can set this up", expected,
        "Use assess for them; site sets up what is listed.", blocking=True, source="data/automation.yml",
    )]  # fmt: skip


def node_ready(case: Case) -> list[Finding]:
    """A NotReady node stops the run: it would come back in the middle, without a driver or with half of one."""
    found = []
    for node in case.candidates.gpu:
        ready, schedulable = dig(node, "ready"), dig(node, "schedulable")
        if ready is True and schedulable is True:
            continue
        why = (
            text(node, "conditions", "Ready", "message")
            or text(node, "conditions", "Ready", "reason")
            or "no reason given"
        )
        observed = f"NotReady: {why}" if ready is False else "readiness not known" if ready is None else "cordoned"
        status = UNKNOWN if ready is None else WARN if ready else FAIL
        found.append(case.finding(
            "node-ready", status, f"node {name(node)}", observed, "Ready and schedulable",
            f"See oc describe node {name(node)}; mend it, or leave it out with llmd_node_selector.",
            blocking=True, nodes=(name(node),), source="Node condition Ready",
        ))  # fmt: skip
    if not found and case.candidates.gpu:
        found.append(case.finding(
            "node-ready", PASS, f"node {names(case.candidates.names)}", "Ready and schedulable", "Ready and schedulable", "Nothing.",
            blocking=True, source="Node condition Ready",
        ))  # fmt: skip
    return found


def operators(case: Case) -> list[Finding]:
    vendors = case.candidates.vendors or case.facts.automation["vendors"]
    packages = needed(case.facts, case.declared, case.release, case.path, vendors)
    return [
        _operator(case, decide(case.facts, case.snapshot, case.declared, case.release, package)) for package in packages
    ]


def _operator(case: Case, decision: Decision) -> Finding:
    status = {INSTALL: PASS, ADOPT: PASS, KEEP: PASS, REFUSE: FAIL, UNDECIDED: UNKNOWN}[decision.action]
    if status == PASS and decision.warnings:
        status = WARN
    row = case.facts.operators[decision.package]
    return case.finding(
        "operator-available", status, f"operator {decision.package}", "; ".join([decision.why, *decision.warnings]),
        f"{row['title']} in a version that fits RHOAI {case.release}", decision.remedy or "Nothing.", blocking=True, source=row["source"],
    )  # fmt: skip


def storage_class(case: Case) -> list[Finding]:
    """The declared class must be there; a default class is what Red Hat's installation guide asks for."""
    classes = rows(case.snapshot, "storage_classes")
    wanted = text(case.declared, "storage_class")
    if classes is None:
        return [case.finding(
            "storage-class", UNKNOWN, f"StorageClass {wanted or '(default)'}", "the StorageClasses could not be read", "readable",
            "Grant list on storageclasses.storage.k8s.io.", blocking=bool(wanted), source="storage.k8s.io/v1",
        )]  # fmt: skip
    known = [text(one, "name") or "?" for one in classes]
    default = [text(one, "name") or "?" for one in classes if dig(one, "default") is True]
    if wanted:
        return [case.finding(
            "storage-class", PASS if wanted in known else FAIL, f"StorageClass {wanted}", "there" if wanted in known else "absent", "there",
            f"Known are {names(known) or 'none'}. Set llmd_storage_class to one of them, or leave it out.", blocking=True, source="declaration",
        )]  # fmt: skip
    if default or case.declared.get("model_cache", "lvms") == "lvms":
        observed = f"default is {names(default)}" if default else "no default; LVM Storage will make one"
        return [
            case.finding(
                "storage-class", PASS, "default StorageClass", observed, "one", "Nothing.", source="declaration"
            )
        ]
    return [case.finding(
        "storage-class", FAIL, "default StorageClass", f"none of {names(known)} is the default" if known else "there is no StorageClass", "one",
        "Annotate a StorageClass with storageclass.kubernetes.io/is-default-class=true, name one by llmd_storage_class, or set llmd_model_cache to lvms.",
        blocking=True, source="Red Hat OpenShift AI Self-Managed, Installing, requirements",
    )]  # fmt: skip


def cache_drives(case: Case) -> list[Finding]:
    """LVM Storage needs a drive that isn't the one of the operating system."""
    if case.declared.get("model_cache", "lvms") != "lvms" or case.declared.get("storage_class"):
        return []
    found = []
    for node in case.candidates.gpu:
        count = number(node, "nvme", "count")
        if count is None or count:
            continue
        found.append(case.finding(
            "model-cache-drives", FAIL, f"node {name(node)}", "no NVMe drive", "a free NVMe drive for the model cache",
            "Set llmd_model_cache to none or llmd_storage_class to an existing class, or add a drive.",
            blocking=True, nodes=(name(node),), source="openshift/lvm-operator (deviceSelector)",
        ))  # fmt: skip
    if not found and case.candidates.gpu and not case.declared.get("nvme_paths"):
        found.append(case.finding(
            "model-cache-drives", WARN, "LVM Storage", "no drive is named, so it takes every unused one of the nodes", "the drives it may take",
            "Name them by llmd_nvme_paths (/dev/disk/by-path/...).", source="openshift/lvm-operator (deviceSelector)",
        ))  # fmt: skip
    return found


def gateway_class(case: Case) -> list[Finding]:
    wanted = case.declared.get("gateway_class", "openshift-default")
    classes = rows(case.snapshot, "gateway_classes")
    subject = f"GatewayClass {wanted}"
    expected = "controller openshift.io/gateway-controller/v1, accepted"
    if classes is None:
        return [
            case.finding(
                "gateway-class",
                UNKNOWN,
                subject,
                "could not be read",
                expected,
                "Grant list on gatewayclasses.gateway.networking.k8s.io.",
                blocking=True,
                source="gateway.networking.k8s.io/v1",
            )
        ]
    found = next((one for one in classes if text(one, "name") == wanted), None)
    if found is None:
        return [
            case.finding(
                "gateway-class",
                PASS,
                subject,
                "absent; it will be made",
                expected,
                "Nothing.",
                blocking=True,
                source="gateway.networking.k8s.io/v1",
            )
        ]
    controller, accepted = text(found, "controller"), dig(found, "accepted")
    good = controller == "openshift.io/gateway-controller/v1"
    status = FAIL if not good or accepted is False else UNKNOWN if accepted is None else PASS
    return [case.finding(
        "gateway-class", status, subject, f"controller {controller}, accepted={accepted}", expected,
        f"See oc describe gatewayclass {wanted}; or set llmd_gateway_class to a name that isn't taken.",
        blocking=status == FAIL and not good, source="gateway.networking.k8s.io/v1",
    )]  # fmt: skip


def gateway_address(case: Case) -> list[Finding]:
    """Bare metal gives no address to a Service of type LoadBalancer without a load balancer such as MetalLB."""
    kind = text(case.snapshot, "platform", "type")
    gateways = rows(case.snapshot, "gateways") or []
    ours = next(
        (
            one
            for one in gateways
            if (text(one, "namespace"), text(one, "name")) == ("openshift-ingress", "openshift-ai-inference")
        ),
        None,
    )
    if kind not in ("BareMetal", "None") or text(ours, "address"):
        return []
    crds = dig(case.snapshot, "crds")
    if isinstance(crds, dict) and dig(crds, "ipaddresspools.metallb.io"):
        return []
    return [case.finding(
        "gateway-load-balancer", WARN, f"platform {kind}", "no MetalLB is seen, so the gateway's Service may get no address", "a load balancer",
        "Install MetalLB with an address pool, or give the Service an address in another way.", source="openshift-docs, MetalLB on bare metal",
    )]  # fmt: skip


def second_policies(case: Case) -> list[Finding]:
    """Kinds of which only one object may exist."""
    found = []
    for kind, why in (
        ("ClusterPolicy", "a second one is ignored"),
        ("NodeFeatureDiscovery", "two of them fight over the labels"),
        ("LVMCluster", "a cluster can have one only"),
        ("DataScienceCluster", "a cluster can have one only"),
    ):
        there = rows(case.snapshot, "objects", kind) or []
        if len(there) > 1:
            listed = names([str(dig(one, "metadata", "name")) for one in there])
            found.append(case.finding(
                "single-object", FAIL, kind, f"{len(there)} exist: {listed}", "one", f"Remove all but one; {why}.",
                blocking=True, source="NVIDIA/gpu-operator@a22dbf671f; openshift/lvm-operator",
            ))  # fmt: skip
    return found


def node_features(case: Case) -> list[Finding]:
    """Somebody else's NodeFeatureDiscovery is left as it is, so it must label the classes that the GPU operators look for."""
    there = rows(case.snapshot, "objects", "NodeFeatureDiscovery") or []
    if len(there) != 1:
        return []
    missing = missing_classes(there[0])
    gpu = {"nvidia": "03", "amd": "12"}
    needed_now = [
        gpu[vendor] for vendor in case.candidates.vendors or case.facts.automation["vendors"] if vendor in gpu
    ]
    fatal = [one for one in missing if one in needed_now]
    where = f"NodeFeatureDiscovery {dig(there[0], 'metadata', 'namespace')}/{dig(there[0], 'metadata', 'name')}"
    observed = (
        f"no labels for the PCI classes {', '.join(missing)}" if missing else "labels for all classes that matter"
    )
    return [
        case.finding(
            "node-features",
            FAIL if fatal else WARN if missing else PASS,
            where,
            observed,
            "labels for 02 (network), 03 (display), 12 (accelerators) and 0108 (NVMe)",
            "Add the classes to sources.pci.deviceClassWhitelist in its workerConfig." if missing else "Nothing.",
            blocking=bool(fatal),
            source="kubernetes-sigs/node-feature-discovery@76e6cc8cc0; NVIDIA/gpu-operator@a22dbf671f",
        )
    ]
