# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the Local Storage operator and its daemons: discovery of disks; LocalVolume and LocalVolumeSet → PersistentVolumes.

Source: openshift/local-storage-operator release-4.20 pkg/controllers/{localvolumediscovery,localvolume,localvolumeset}/*.go,
pkg/diskmaker/controllers/{lv,lvset}/*.go (events, conditions, words). Binding is the platform's. Not played: metrics, wiping of
released disks (a released volume is simply made anew), `forceWipeDevicesAndDestroyAllData`, symbolic links on the nodes.
"""

from __future__ import annotations

from typing import Any

from rehearsal.operators import local_storage_objects as objects
from rehearsal.operators.broken_hardware import server_of
from rehearsal.operators.local_storage_devices import Disk, by_path, discovered, disks_of, matches
from rehearsal.operators.operands import daemon_set, service_account
from rehearsal.operators.pod_status import is_ready
from rehearsal.operators.runtime import (
    Conflict,
    Kube,
    Object,
    StandIn,
    condition,
    labels_of,
    matches_node_terms,
    merge_conditions,
    now,
    owner_reference,
    soonest,
)
from rehearsal.operators.workloads import related_image

VOLUME, SET = (f"{objects.GROUP}/v1", "LocalVolume"), (f"{objects.GROUP}/v1alpha1", "LocalVolumeSet")
DISCOVERY, RESULT = (f"{objects.GROUP}/v1alpha1", "LocalVolumeDiscovery"), (f"{objects.GROUP}/v1alpha1", "LocalVolumeDiscoveryResult")
LVM_STATUS = ("lvm.topolvm.io/v1alpha1", "LVMVolumeGroupNodeStatus")
PERSISTENT = ("v1", "PersistentVolume")
DISCOVERER, MANAGER = "diskmaker-discovery", "diskmaker-manager"
ONLY_NAME = "auto-discover-devices"  # the daemons look for their configuration under this name
PROBE_SECONDS = 300.0
REQUEUE_SECONDS = 60.0


class LocalStorage(StandIn):
    """The operator and, for each node with a ready daemon, the daemon's part."""

    csv_prefix = "local-storage-operator."
    name = "local-storage-operator"
    watches = [VOLUME, SET, DISCOVERY, RESULT, LVM_STATUS, PERSISTENT, ("apps/v1", "DaemonSet"), ("v1", "Pod"), ("v1", "Node")]
    delays = {"lso-device-age": 3.0, "disk-lifetime": 60.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._nodes: dict[str, Any] = {}

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> list[Object]:
        """All that decides where daemons run and which disks are free wakes everything of this operator."""
        if obj["kind"] in ("LocalVolume", "LocalVolumeSet", "LocalVolumeDiscovery"):
            return [obj]
        if obj["kind"] == "PersistentVolume":
            mine = f"{objects.OWNER}kind" in labels_of(obj)
            return [*self._owners_of(obj), *self.objects(*DISCOVERY)] if mine else []
        if obj["kind"] == "Pod":
            return self._all() if labels_of(obj).get("app") in (DISCOVERER, MANAGER) else []
        if obj["kind"] == "DaemonSet":
            return self._all() if obj["metadata"]["name"] in (DISCOVERER, MANAGER) else []
        if obj["kind"] == "Node":
            if self._nodes.get(obj["metadata"]["name"]) == labels_of(obj) and event != "DELETED":
                return []
            self._nodes[obj["metadata"]["name"]] = labels_of(obj)
            return self._all()
        return self.objects(*DISCOVERY) if obj["kind"] == "LVMVolumeGroupNodeStatus" else []

    def _all(self) -> list[Object]:
        return [*self.objects(*VOLUME), *self.objects(*SET), *self.objects(*DISCOVERY)]

    def _owners_of(self, volume: Object) -> list[Object]:
        return [item for item in (*self.objects(*VOLUME), *self.objects(*SET)) if objects.is_owned(volume, item)]

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """By kind."""
        if not self.in_scope(obj):
            return None
        if obj["kind"] == "LocalVolumeDiscovery":
            return None if obj["metadata"].get("deletionTimestamp") else self._discover(kube, obj)
        if obj["kind"] in ("LocalVolume", "LocalVolumeSet"):
            return self._finalize(kube, obj) if obj["metadata"].get("deletionTimestamp") else self._provide(kube, obj)
        return None

    # ---- discovery

    def _discover(self, kube: Kube, discovery: Object) -> float | None:
        meta = discovery["metadata"]
        self._daemons(kube, DISCOVERER, discovery, [discovery])
        live = self.find("apps/v1", "DaemonSet", DISCOVERER, meta["namespace"])
        status = (live or {}).get("status") or {}
        desired, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberReady") or 0)
        if not desired:
            told, phase = condition("Degraded", False, "", "no discovery daemons are scheduled for running"), "DiscoveryFailed"
        elif desired != ready:
            told, phase = condition("Progressing", False, "", f"running {ready} out of {desired} discovery daemons"), "Discovering"
        else:
            told, phase = condition("Available", True, "", f"successfully running {desired} out of {ready} discovery daemons"), "Discovering"
        self._conditions(kube, discovery, {"phase": phase, "observedGeneration": meta.get("generation", 1)}, [told])
        again = None
        if meta["name"] == ONLY_NAME:
            for node in self._daemon_nodes(DISCOVERER, meta["namespace"]):
                self._report(kube, discovery, node)
                again = PROBE_SECONDS / self.settings.speed
        self._drop_orphans(kube, discovery)
        return again if desired and desired == ready else 5.0

    def _report(self, kube: Kube, discovery: Object, node: str) -> None:
        """What the daemon on a node finds."""
        server = server_of(self, node)
        if server is None:
            return
        wanted = objects.result(discovery, node)
        live = self.find(*RESULT, wanted["metadata"]["name"], wanted["metadata"]["namespace"]) or self.ensure(kube, wanted)
        devices = discovered(disks_of(server, self._held(node), self._gone(node)))
        if ((live.get("status") or {}).get("discoveredDevices")) == devices:
            return
        self.set_status(kube, live, {"discoveredDevices": devices, "discoveredTimeStamp": now()})
        message = "successfully updated discovered device details in the LocalVolumeDiscoveryResult resource"
        self.event(discovery, "Normal", "UpdatedDiscoveredDeviceList", f"{node} - {message}")

    def _drop_orphans(self, kube: Kube, discovery: Object) -> None:
        """Results of nodes that are not selected any more go; without a selector none does."""
        selector = (discovery.get("spec") or {}).get("nodeSelector")
        if not (selector or {}).get("nodeSelectorTerms"):
            return
        for item in self.objects(*RESULT, discovery["metadata"]["namespace"]):
            node = self.find("v1", "Node", item["spec"]["nodeName"])
            if node is not None and not matches_node_terms(selector, node):
                kube.delete(kube.path_of(item))

    # ---- daemons

    def _daemons(self, kube: Kube, name: str, owner: Object, users: list[Object]) -> None:
        """The DaemonSet of all discoveries, or of all volumes and sets: on each node that one of them selects."""
        namespace = owner["metadata"]["namespace"]
        selectors = [(item.get("spec") or {}).get("nodeSelector") for item in users]
        terms = [term for selector in selectors for term in (selector or {}).get("nodeSelectorTerms") or []]
        affinity = None
        if all(selectors) and terms:
            affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
        tolerations = [item for user in users for item in (user.get("spec") or {}).get("tolerations") or []]
        self.ensure(kube, service_account("local-storage-admin", namespace))
        made = daemon_set(name, namespace, related_image(self.csv, "diskmaker"), None, affinity=affinity, tolerations=tolerations)
        made["spec"]["template"]["spec"]["serviceAccountName"] = "local-storage-admin"
        made["metadata"]["ownerReferences"] = [owner_reference(item, controller=item is users[0]) for item in users]
        self.ensure(kube, made)

    def _daemon_nodes(self, app: str, namespace: str) -> list[str]:
        pods = self.objects("v1", "Pod", namespace)
        return sorted({pod["spec"].get("nodeName") or "" for pod in pods if labels_of(pod).get("app") == app and is_ready(pod)} - {""})

    def _held(self, node: str) -> set[str]:
        """Devices of a node that a volume group of LVMS or a bound local volume has."""
        held = {
            device
            for status in self.objects(*LVM_STATUS)
            if status["metadata"]["name"] == node
            for row in (status.get("spec") or {}).get("nodeStatus") or []
            if row.get("status") in ("Ready", "Degraded")
            for device in row.get("devices") or []
        }
        bound = [item for item in self._volumes(node) if (item.get("status") or {}).get("phase") == "Bound"]
        return held | {f"/dev/{item['metadata']['annotations'][objects.DEVICE_NAME]}" for item in bound}

    def _gone(self, node: str) -> set[str]:
        """The disk that the scenario `disk-vanishes` takes away, some time after a volume was made of it."""
        if (self.fault("disk-vanishes") or {}).get("node") != node:
            return set()
        used = sorted(item["metadata"]["annotations"][objects.DEVICE_NAME] for item in self._volumes(node))
        return {f"/dev/{used[0]}"} if used and not self.remaining("disk-lifetime", node) else set()

    def _volumes(self, node: str) -> list[Object]:
        """Local volumes of a node."""
        return [item for item in self.objects(*PERSISTENT) if labels_of(item).get(objects.HOSTNAME) == node
                and objects.DEVICE_NAME in (item["metadata"].get("annotations") or {})]  # fmt: skip

    # ---- volumes and sets

    def _provide(self, kube: Kube, owner: Object) -> float | None:
        meta = owner["metadata"]
        if objects.PROTECTION not in (meta.get("finalizers") or []):
            kube.patch(kube.path_of(owner), {"metadata": {"finalizers": [*(meta.get("finalizers") or []), objects.PROTECTION]}})
            return None
        if (owner["spec"].get("managementState") or "Managed") not in ("Managed", "Force"):
            self._conditions(kube, owner, {"managementState": owner["spec"]["managementState"], "readyReplicas": 0}, None)
            return None
        users = [item for item in (*self.objects(*VOLUME, meta["namespace"]), *self.objects(*SET, meta["namespace"]))
                 if not item["metadata"].get("deletionTimestamp")]  # fmt: skip
        for name in class_names(owner):
            self.ensure(kube, objects.storage_class(name, owner))
        self._daemons(kube, MANAGER, owner, users)
        again = None
        for node in self._daemon_nodes(MANAGER, meta["namespace"]):
            again = soonest(again, self._serve(kube, owner, node))
        self._tell(kube, owner)
        return soonest(again, REQUEUE_SECONDS / self.settings.speed)

    def _serve(self, kube: Kube, owner: Object, name: str) -> float | None:
        """The disk maker of one node, for one LocalVolume or LocalVolumeSet."""
        node, server = self.find("v1", "Node", name), server_of(self, name)
        if node is None or server is None or not matches_node_terms(owner["spec"].get("nodeSelector"), node):
            return None
        self._reclaim(kube, owner, name)
        disks = disks_of(server, self._held(name), self._gone(name))
        if owner["kind"] == "LocalVolume":
            for row in owner["spec"].get("storageClassDevices") or []:
                self._devices(kube, owner, row, name, disks)
            return None
        return self._set(kube, owner, name, disks)

    def _devices(self, kube: Kube, owner: Object, row: Object, node: str, disks: list[Disk]) -> None:
        for path in row.get("devicePaths") or []:
            disk = by_path(path, disks)
            if disk is None:
                why = f"lstat {path}: no such file or directory"
                words = f"unable to add disk {path} to local disk pool: {why}"
                if path.startswith("/dev/disk/by-id/"):
                    words = f"unable to add disk-id {path} to local disk pool: unable to find device at path {path}: {why}"
                self.event(owner, "Warning", "ErrorFindingMatchingDisk", f"{node} - {words}")
            elif not disk.has_children and self._claim(kube, owner, disk, node, row["storageClassName"], row):
                self.event(owner, "Normal", "FoundMatchingDisk", f"{node} - found matching disk {disk.path} with id {disk.by_id}")

    def _set(self, kube: Kube, owner: Object, node: str, disks: list[Disk]) -> float | None:
        """A set waits a minute before it takes a disk, takes it for ever, and no more than `maxDeviceCount` on each node."""
        spec, again = owner["spec"], None
        mine = {item["metadata"]["annotations"][objects.DEVICE_NAME] for item in self._volumes(node) if objects.is_owned(item, owner)}
        count, most = len(mine), spec.get("maxDeviceCount")
        for disk in disks:
            if disk.name in mine or not matches(disk, spec.get("deviceInclusionSpec")):
                continue
            left = self.remaining("lso-device-age", f"{node}/{disk.name}")
            if left:
                again = soonest(again, left)
                self.event(owner, "Normal", "DiscoveredNewDevice", f"{node} - found possible matching disk, waiting 1m0s to claim")
            elif (most is None or count < int(most)) and self._claim(kube, owner, disk, node, spec["storageClassName"], spec):
                count += 1
                self.event(owner, "Normal", "FoundMatchingDisk", f"{node} - provisioning matching disk")
        return again

    def _claim(self, kube: Kube, owner: Object, disk: Disk, node: str, class_name: str, row: Object) -> bool:
        """Make the volume of a disk. False when there is one: this owner's, or (with a warning) someone else's."""
        made = objects.volume(owner, disk, node, class_name, row.get("volumeMode") or "Filesystem", str(row.get("fsType") or ""))
        for item in self._volumes(node):
            if item["metadata"]["annotations"][objects.DEVICE_NAME] == disk.name:
                if item["metadata"]["name"] != made["metadata"]["name"]:
                    where = item["spec"]["local"]["path"]
                    if owner["kind"] == "LocalVolume":
                        self.event(owner, "Warning", "DeviceSymlinkExists", f"{node} - not symlinking, already claimed: [{where}]")
                return False
        try:
            kube.create(kube.path(*PERSISTENT), made)
        except Conflict:
            return False
        return True

    def _reclaim(self, kube: Kube, owner: Object, node: str) -> None:
        """A released volume is cleaned and goes; its disk is found again at the next look."""
        for item in self._volumes(node):
            if objects.is_owned(item, owner) and (item.get("status") or {}).get("phase") == "Released":
                self._remove(kube, item)

    def _remove(self, kube: Kube, volume: Object) -> None:
        keep = [item for item in volume["metadata"].get("finalizers") or [] if item != objects.SYMLINK_DELETER]
        kube.patch(kube.path_of(volume), {"metadata": {"finalizers": keep}})
        kube.delete(kube.path_of(volume))

    def _tell(self, kube: Kube, owner: Object) -> None:
        meta = owner["metadata"]
        live = self.find("apps/v1", "DaemonSet", MANAGER, meta["namespace"])
        if owner["kind"] == "LocalVolume":
            generation = {"group": "apps", "resource": "DaemonSet", "namespace": meta["namespace"], "name": MANAGER,
                          "lastGeneration": ((live or {}).get("metadata") or {}).get("generation", 1)}  # fmt: skip
            status = {"managementState": "Managed", "readyReplicas": 0, "generations": [generation],
                      "observedGeneration": meta.get("generation", 1)}  # fmt: skip
            self._conditions(kube, owner, status, [condition("Available", True, "", "Ready")])
            return
        name = owner["spec"]["storageClassName"]
        total = sum(1 for item in self.objects(*PERSISTENT) if item["spec"].get("storageClassName") == name)
        away = int(((live or {}).get("status") or {}).get("numberUnavailable") or 0)
        scheduled = int(((live or {}).get("status") or {}).get("currentNumberScheduled") or 0)
        daemons = "Not found." if live is None else f"{away}/{scheduled} Unavailable." if away else "Available"
        self._conditions(
            kube,
            owner,
            {"totalProvisionedDeviceCount": total, "observedGeneration": meta.get("generation", 1)},
            [
                condition("Available", True, "", "Operator reconciled successfully."),
                condition("DaemonSetsAvailable", daemons == "Available", "", f"DiskMaker: {daemons}"),
            ],
        )

    def _conditions(self, kube: Kube, obj: Object, status: Object, told: list[Object] | None) -> None:
        """Exactly these conditions: the operator keeps no others."""
        have = (obj.get("status") or {}).get("conditions") or []
        if told is not None:
            keep = [item for item in have if item["type"] in [new["type"] for new in told]]
            status = {**status, "conditions": merge_conditions(keep, told, now())}
        self.set_status(kube, obj, status)

    def _finalize(self, kube: Kube, owner: Object) -> float | None:
        """Free volumes go with their owner; as long as one is in use, the owner stays."""
        mine = [item for item in self.objects(*PERSISTENT) if objects.is_owned(item, owner)]
        for item in mine:
            if (item.get("status") or {}).get("phase") in ("Available", "Released", None):
                self._remove(kube, item)
        if mine:
            kind, meta = owner["kind"].lower(), owner["metadata"]
            if any((item.get("status") or {}).get("phase") == "Bound" for item in mine):
                message = f"{kind} {meta['namespace']}/{meta['name']} has owned persistentvolumes in use"
                self.event(owner, "Warning", "LocalVolumeDeletionFailed", message)
            return 5.0 / self.settings.speed
        for name in class_names(owner):
            kube.delete(kube.path("storage.k8s.io/v1", "StorageClass", None, name))
        keep = [item for item in owner["metadata"].get("finalizers") or [] if item != objects.PROTECTION]
        kube.patch(kube.path_of(owner), {"metadata": {"finalizers": keep}})
        return None


def class_names(owner: Object) -> list[str]:
    """StorageClasses of a LocalVolume or LocalVolumeSet."""
    if owner["kind"] == "LocalVolumeSet":
        return [owner["spec"]["storageClassName"]]
    return [row["storageClassName"] for row in owner["spec"].get("storageClassDevices") or []]
