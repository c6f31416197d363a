# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that don't change the verdict but say whether a run can succeed: nodes and operators."""

from __future__ import annotations

from .._plan.decision import ADOPT, INSTALL, KEEP, REFUSE, UPGRADE, Decision
from .._plan.decision import UNKNOWN as UNDECIDED
from .._plan.discovery import missing_classes
from .._plan.operators import decide, needed
from .look import dig, names, rows, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import comes_back, name


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


def image_registry(case: Case) -> list[Finding]:
    """AMD's driver is built in the cluster; its image needs the internal registry, which bare metal starts without."""
    if case.candidates.vendors != ["amd"]:
        return []
    state = text(case.snapshot, "image_registry", "management_state")
    return [case.finding(
        "image-registry", {"Managed": PASS, None: UNKNOWN}.get(state, FAIL), "Config cluster (image registry)",
        f"managementState {state or 'not known'}", "managementState Managed",
        "Give the internal image registry storage and set spec.managementState of configs.imageregistry.operator.openshift.io/cluster to Managed.",
        blocking=state is not None, source="ROCm/gpu-operator docs/installation/openshift-olm.md (KMM pushes the driver image there)",
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
        status = UNKNOWN if ready is None else WARN if ready or comes_back(node) else FAIL
        if comes_back(node):
            observed = f"{observed}; the SR-IOV operator is at work on it ({text(node, 'sriov_state')})"
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
    packages = needed(case.facts, case.declared, case.release, case.path, case.candidates.vendors)
    return [
        _operator(case, decide(case.facts, case.snapshot, case.declared, case.release, package)) for package in packages
    ]


def _operator(case: Case, decision: Decision) -> Finding:
    status = {INSTALL: PASS, ADOPT: PASS, KEEP: PASS, UPGRADE: PASS, REFUSE: FAIL, UNDECIDED: UNKNOWN}[decision.action]
    if status == PASS and decision.warnings:
        status = WARN
    row = case.facts.operators[decision.package]
    return case.finding(
        "operator-available", status, f"operator {decision.package}", "; ".join([decision.why, *decision.warnings]),
        f"{row['title']} in a version that fits RHOAI {case.release}", decision.remedy or "Nothing.", blocking=True, source=row["source"],
    )  # fmt: skip


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
