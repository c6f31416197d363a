# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on storage: the StorageClass, and drives for the model cache."""

from __future__ import annotations

from .._apply.manifests import is_ours
from .._storage.drives import drives as chosen_drives
from .look import dig, drives, names, number, rows, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import Node, name


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
    if not _local(case):
        return []
    found = []
    for node in case.candidates.gpu:
        lacking = _no_drive(node)
        if not lacking:
            continue
        found.append(case.finding(
            "model-cache-drives", FAIL, f"node {name(node)}", lacking, "a free NVMe drive for the model cache",
            "Set llmd_model_cache to none or llmd_storage_class to an existing class, or add a drive.",
            blocking=True, nodes=(name(node),), source="openshift/lvm-operator (deviceSelector)",
        ))  # fmt: skip
    return found


def _local(case: Case) -> bool:
    return case.declared.get("model_cache", "lvms") == "lvms" and not case.declared.get("storage_class")


def drive_choice(case: Case) -> list[Finding]:
    """Only drives that hold nothing are handed to LVM Storage; a LVMCluster of somebody else is used as it is."""
    there = rows(case.snapshot, "objects", "LVMCluster") or []
    ours = [one for one in there if is_ours(one)]
    if not _local(case) or not case.candidates.gpu or (there and not ours):
        return []
    choice = chosen_drives(case.candidates.gpu, case.declared, ours[0] if ours else None)
    expected = "empty drives, by names that stay"
    source = "openshift/lvm-operator, openshift/local-storage-operator"
    if choice.problems:
        return [case.finding(
            "drive-choice", FAIL, "NVMe drives", problem, expected,
            "Correct llmd_nvme_paths or llmd_nvme_min_gib, free a drive yourself (nothing here ever wipes one), or set llmd_storage_class.",
            blocking=True, source=source,
        ) for problem in choice.problems]  # fmt: skip
    if choice.paths:
        seen = f"{names(list(choice.paths), 4)}; left alone: {names([f'{node} {one}' for node in choice.refused for one in choice.refused[node]], 4) or 'none'}"
        return [case.finding("drive-choice", PASS, "NVMe drives", seen, expected, "Nothing.", source=source)]
    return [case.finding(
        "drive-choice", WARN, "NVMe drives", "no drive is named and nobody has looked at them, so LVM Storage takes every one on which it finds nothing",
        expected, "Name them by llmd_nvme_paths (/dev/disk/by-path/...), or let the Local Storage Operator's LocalVolumeDiscovery look at them.", source=source,
    )]  # fmt: skip


def _no_drive(node: Node) -> str | None:
    """Why LVM Storage can't take a drive of the node; None where it can, or nobody knows."""
    if number(node, "nvme", "count") == 0:
        return "no NVMe drive"
    devices = rows(node, "nvme", "devices") or []
    if not devices or drives(node) or any(dig(one, "in_use") is not True for one in devices):
        return None
    return "all NVMe drives are in use: " + names([f"{text(one, 'name')} ({text(one, 'why') or 'no reason given'})" for one in devices], 3)
