# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that the Local Storage operator makes: StorageClasses, PersistentVolumes, discovery results (pure).

Source: openshift/local-storage-operator release-4.20 assets/templates/*.yaml, pkg/common/{names,types,provisioner_utils}.go,
pkg/diskmaker/discovery/sync_result.go.
"""

from __future__ import annotations

import hashlib

from rehearsal.operators.local_storage_devices import Disk, capacity, volume_name
from rehearsal.operators.objects import Object

GROUP = "local.storage.openshift.io"
OWNER = "storage.openshift.com/owner-"
PROTECTION = "storage.openshift.com/local-volume-protection"
SYMLINK_DELETER = "storage.openshift.com/lso-symlink-deleter"
DEVICE_NAME, DEVICE_ID = "storage.openshift.com/device-name", "storage.openshift.com/device-id"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
HOSTNAME = "kubernetes.io/hostname"
FOLDER = "/mnt/local-storage"
NAME_LIMIT = 253


def owner_labels(owner: Object) -> dict[str, str]:
    """Labels of a StorageClass that say whose it is."""
    meta = owner["metadata"]
    return {f"{GROUP}/owner-kind": owner["kind"], f"{GROUP}/owner-name": meta["name"], f"{GROUP}/owner-namespace": meta["namespace"]}


def storage_class(name: str, owner: Object) -> Object:
    """The class of a LocalVolume or LocalVolumeSet: nothing is provisioned, a claim waits for its pod."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "labels": owner_labels(owner)},
        "provisioner": "kubernetes.io/no-provisioner",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def volume(owner: Object, disk: Disk, node: str, class_name: str, mode: str, fstype: str) -> Object:
    """The PersistentVolume of one disk; it can be used on its node only."""
    file = (disk.by_id or disk.path).rpartition("/")[2]
    meta = owner["metadata"]
    labels = {HOSTNAME: node, f"{OWNER}kind": owner["kind"], f"{OWNER}name": meta["name"], f"{OWNER}namespace": meta["namespace"]}
    if owner["kind"] == "LocalVolume":
        labels |= {
            "storage.openshift.com/local-volume-owner-name": meta["name"],
            "storage.openshift.com/local-volume-owner-namespace": meta["namespace"],
        }
    notes = {DEVICE_NAME: disk.name, PROVISIONED_BY: f"local-volume-provisioner-{node}"}
    if disk.by_id:
        notes[DEVICE_ID] = file
    local = {"path": f"{FOLDER}/{class_name}/{file}", **({"fsType": fstype} if fstype and mode == "Filesystem" else {})}
    selector = {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [node]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name(file, node, class_name), "labels": labels, "annotations": notes, "finalizers": [SYMLINK_DELETER],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": capacity(disk.size)},
            "volumeMode": mode,
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": class_name,
            "local": local,
            "nodeAffinity": {"required": {"nodeSelectorTerms": [selector]}},
        },
    }  # fmt: skip


def is_owned(found: Object, owner: Object) -> bool:
    """True when a PersistentVolume was made for this LocalVolume or LocalVolumeSet."""
    labels, meta = found["metadata"].get("labels") or {}, owner["metadata"]
    wanted = {f"{OWNER}kind": owner["kind"], f"{OWNER}name": meta["name"], f"{OWNER}namespace": meta["namespace"]}
    return all(labels.get(key) == value for key, value in wanted.items())


def result(discovery: Object, node: str) -> Object:
    """The LocalVolumeDiscoveryResult of a node, without its status."""
    name = f"discovery-result-{node}"
    if len(name) > NAME_LIMIT:
        name = f"discovery-result-{hashlib.sha256(node.encode()).hexdigest()[:32]}"
    meta = discovery["metadata"]
    reference = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "LocalVolumeDiscovery", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "LocalVolumeDiscoveryResult",
        "metadata": {
            "name": name, "namespace": meta["namespace"], "labels": {"discovery-result-node": node}, "ownerReferences": [reference],
        },
        "spec": {"nodeName": node},
    }  # fmt: skip
