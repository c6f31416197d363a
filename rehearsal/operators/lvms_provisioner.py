# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of TopoLVM's controller and of the CSI provisioner beside it: claims of LVMS' StorageClasses → volumes on a node.

Sources: topolvm/topolvm (CreateVolume, LogicalVolume, capacity annotation), kubernetes-csi/external-provisioner (selected node,
CSIStorageCapacity, events ProvisioningFailed/ProvisioningSucceeded); openshift/lvm-operator v4.20.0
internal/controllers/persistent-volume-claim/controller.go. Not played: snapshots, clones, raw I/O.
"""

from __future__ import annotations

from rehearsal.operators.broken_hardware import server_of
from rehearsal.operators.lvms import DRIVER, GROUP, LOGICAL_VOLUME, NODE_STATUS, STORAGE_CLASS, TOPOLOGY
from rehearsal.operators.runtime import Conflict, Kube, Object, StandIn, digest, owner_reference
from rehearsal.operators.sizes import binary, group_size, pretty, quantity, wanted_size

CLAIM = ("v1", "PersistentVolumeClaim")
VOLUME = ("v1", "PersistentVolume")
SELECTED = "volume.kubernetes.io/selected-node"
PROVISIONER_NOTES = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
CLASS_PARAMETER = "topolvm.io/device-class"
CAPACITY_NOTE = "capacity.topolvm.io/"


class TopolvmController(StandIn):
    """One volume group a node and class; its free space is what its disks have less all logical volumes."""

    csv_prefix = "lvms-operator."
    name = "topolvm-controller"
    watches = [CLAIM, VOLUME, STORAGE_CLASS, LOGICAL_VOLUME, NODE_STATUS, GROUP, ("v1", "Node")]
    delays = {"lvms-provision": 1.0}

    def route(self, event: str, obj: Object) -> list[Object]:
        """Claims and volumes themselves; what changes free space wakes the rows of the nodes."""
        if obj["kind"] in ("PersistentVolumeClaim", "PersistentVolume"):
            return [obj]
        if obj["kind"] == "LogicalVolume":
            return self.objects(*NODE_STATUS, self.namespace)
        if obj["kind"] == "LVMVolumeGroupNodeStatus":
            return [obj]
        return []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """Provision, grow or remove; publish capacities."""
        if obj["kind"] == "PersistentVolumeClaim":
            return self._claim(kube, obj)
        if obj["kind"] == "PersistentVolume":
            return self._volume(kube, obj)
        if obj["kind"] == "LVMVolumeGroupNodeStatus" and obj["metadata"].get("namespace") == self.namespace:
            return self._publish(kube, obj)
        return None

    def deleted(self, kube: Kube, obj: Object) -> None:
        """A node's status has gone with the LVMCluster: nothing is left to give there."""
        if obj["kind"] == "LVMVolumeGroupNodeStatus":
            node = self.find("v1", "Node", obj["metadata"]["name"])
            if node is not None:
                self._annotate(kube, node, {})

    # ---- claims

    def _claim(self, kube: Kube, claim: Object) -> float | None:
        storage_class = self._class_of(claim)
        if storage_class is None or claim["metadata"].get("deletionTimestamp"):
            return None
        if claim["spec"].get("volumeName"):
            return self._grow(kube, claim, storage_class)
        notes = claim["metadata"].get("annotations") or {}
        if not any(notes.get(key) == DRIVER for key in PROVISIONER_NOTES):
            # The volume controller asks for a volume only when a node is chosen, or at once for Immediate.
            return self._warn_if_too_big(claim, storage_class)
        node = notes.get(SELECTED) or self._widest_node(storage_class)
        if node is None:
            self._refuse(claim, storage_class, f"no node has the device class {_device_class(storage_class)}")
            return 15.0 / self.settings.speed
        if self.fault("pvc-pending") is not None:
            return 5.0 / self.settings.speed  # the sidecar hangs; the volume controller's event ExternalProvisioning is all there is
        left = self.remaining("lvms-provision", claim)
        if left:
            return left
        size = wanted_size(_requested(claim), storage_class["parameters"].get("csi.storage.k8s.io/fstype", ""))
        free = self.free(node, _device_class(storage_class))
        if free is None or size > free:
            why = f"no enough space left on VG: free={free or 0}, requested={size}" if free is not None else "device class is not found"
            self._refuse(claim, storage_class, why)
            self.forget("lvms-provision", claim)
            if SELECTED in notes and free is not None:
                # The provisioner gives the claim back to the scheduler, which may choose another node.
                kube.patch(kube.path_of(claim), {"metadata": {"annotations": {SELECTED: None}}})
                return None
            return 15.0 / self.settings.speed
        self._provision(kube, claim, storage_class, node, size)
        return None

    def _warn_if_too_big(self, claim: Object, storage_class: Object) -> float | None:
        """LVMS' own controller for claims: an event when no node has room."""
        name = _device_class(storage_class)
        free = {
            status["metadata"]["name"]: size
            for status in self.objects(*NODE_STATUS, self.namespace)
            if (size := self.free(status["metadata"]["name"], name)) is not None
        }
        wanted = _requested(claim)
        if any(wanted < size for size in free.values()):
            return None
        told = ",".join(f"node {node} has {pretty(size)} free storage" for node, size in sorted(free.items()))
        asked = claim["spec"]["resources"]["requests"]["storage"]
        self.event(
            claim, "Warning", "NotEnoughCapacity", f"Requested storage ({asked}) is greater than available capacity on any node ({told})."
        )
        return 15.0 / self.settings.speed

    def _class_of(self, claim: Object) -> Object | None:
        name = claim["spec"].get("storageClassName")
        found = self.find(*STORAGE_CLASS, name) if name else None
        return found if found is not None and found.get("provisioner") == DRIVER else None

    def _refuse(self, claim: Object, storage_class: Object, why: str) -> None:
        name = storage_class["metadata"]["name"]
        message = f'failed to provision volume with StorageClass "{name}": rpc error: code = ResourceExhausted desc = {why}'
        self.event(claim, "Warning", "ProvisioningFailed", message)

    def _provision(self, kube: Kube, claim: Object, storage_class: Object, node: str, size: int) -> None:
        meta = claim["metadata"]
        name = f"pvc-{meta['uid']}"
        handle = digest([meta["uid"], node], 32)
        volume_id = f"{handle[:8]}-{handle[8:12]}-{handle[12:16]}-{handle[16:20]}-{handle[20:32]}"
        logical = {
            "apiVersion": LOGICAL_VOLUME[0],
            "kind": LOGICAL_VOLUME[1],
            "metadata": {"name": name},
            "spec": {"name": name, "nodeName": node, "deviceClass": _device_class(storage_class), "size": binary(size)},
        }
        live = kube.apply(logical, manager=self.agent())
        self.set_status(kube, live, {"volumeID": volume_id, "currentSize": binary(size)})
        try:
            kube.create(kube.path(*VOLUME), _volume(name, claim, storage_class, node, size, volume_id))
        except Conflict:
            return  # made before this process was started again
        self.event(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name}")

    def _grow(self, kube: Kube, claim: Object, storage_class: Object) -> float | None:
        volume = self.find(*VOLUME, claim["spec"]["volumeName"])
        if volume is None or (claim.get("status") or {}).get("phase") != "Bound":
            return None
        size = wanted_size(_requested(claim), storage_class["parameters"].get("csi.storage.k8s.io/fstype", ""))
        have = quantity((volume["spec"].get("capacity") or {}).get("storage", 0))
        if size <= have:
            return None
        logical = self.find(*LOGICAL_VOLUME, volume["metadata"]["name"])
        free = self.free(logical["spec"]["nodeName"], logical["spec"].get("deviceClass", "")) if logical else None
        if logical is None or free is None or size - have > free:
            why = f"no enough space left on VG: free={free or 0}, requested={size - have}"
            self.event(claim, "Warning", "VolumeResizeFailed", f"resize volume failed: rpc error: code = ResourceExhausted desc = {why}")
            return 15.0 / self.settings.speed
        kube.patch(kube.path_of(logical), {"spec": {"size": binary(size)}})
        self.set_status(kube, logical, {"currentSize": binary(size)})
        kube.patch(kube.path_of(volume), {"spec": {"capacity": {"storage": binary(size)}}})
        kube.patch(kube.path_of(claim), {"status": {"capacity": {"storage": binary(size)}}}, subresource="status")
        self.event(claim, "Normal", "FileSystemResizeSuccessful", "MountVolume.NodeExpandVolume succeeded for volume")
        return None

    # ---- volumes

    def _volume(self, kube: Kube, volume: Object) -> float | None:
        """A released volume with reclaim policy Delete goes, and its logical volume with it."""
        notes = volume["metadata"].get("annotations") or {}
        if notes.get(PROVISIONED_BY) != DRIVER or (volume.get("status") or {}).get("phase") != "Released":
            return None
        if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
            return None
        kube.delete(kube.path(*LOGICAL_VOLUME, None, volume["metadata"]["name"]))
        kube.delete(kube.path_of(volume))
        return None

    # ---- capacity

    def free(self, node: str, device_class: str) -> int | None:
        """Free bytes of a node's volume group; None when it has none that is Ready."""
        status = self.find(*NODE_STATUS, node, self.namespace)
        rows = ((status or {}).get("spec") or {}).get("nodeStatus") or []
        row = next((item for item in rows if item["name"] == device_class and item.get("status") in ("Ready", "Degraded")), None)
        server = server_of(self, node)
        if row is None or server is None:
            return None
        sizes = {f"/dev/{disk['name']}": int(disk["size_bytes"]) for disk in server["disks"]}
        group = self.find(*GROUP, device_class, self.namespace)
        thin = (group or {}).get("spec", {}).get("thinPoolConfig")
        total = group_size([sizes[name] for name in row.get("devices") or [] if name in sizes], thin)
        used = sum(
            quantity(item["spec"].get("size", 0))
            for item in self.objects(*LOGICAL_VOLUME)
            if item["spec"].get("nodeName") == node and item["spec"].get("deviceClass") == device_class
        )
        return max(0, total - used)

    def _widest_node(self, storage_class: Object) -> str | None:
        free = {
            status["metadata"]["name"]: self.free(status["metadata"]["name"], _device_class(storage_class))
            for status in self.objects(*NODE_STATUS, self.namespace)
        }
        usable = {name: size for name, size in free.items() if size}
        return max(usable, key=lambda name: usable[name]) if usable else None

    def _publish(self, kube: Kube, status: Object) -> float | None:
        """Tell the scheduler how much each class has on the node: an annotation and CSIStorageCapacity objects."""
        name = status["metadata"]["name"]
        node = self.find("v1", "Node", name)
        if node is None:
            return None
        free = {row["name"]: self.free(name, row["name"]) for row in (status.get("spec") or {}).get("nodeStatus") or []}
        known = {key: size for key, size in free.items() if size is not None}
        self._annotate(kube, node, {f"{CAPACITY_NOTE}{key}": str(size) for key, size in known.items()})
        for storage_class in self.objects(*STORAGE_CLASS):
            if storage_class.get("provisioner") == DRIVER and _device_class(storage_class) in known:
                size = known[_device_class(storage_class)]
                self.ensure(kube, _capacity(name, self.namespace, storage_class, size, status))
        return None

    def _annotate(self, kube: Kube, node: Object, wanted: dict[str, str]) -> None:
        have = {key: value for key, value in (node["metadata"].get("annotations") or {}).items() if key.startswith(CAPACITY_NOTE)}
        if have != wanted:
            changes = {**{key: None for key in have}, **wanted}
            kube.patch(kube.path("v1", "Node", None, node["metadata"]["name"]), {"metadata": {"annotations": changes}})


def _requested(claim: Object) -> int:
    return quantity(claim["spec"]["resources"]["requests"]["storage"])


def _device_class(storage_class: Object) -> str:
    return str((storage_class.get("parameters") or {}).get(CLASS_PARAMETER) or "")


def _volume(name: str, claim: Object, storage_class: Object, node: str, size: int, volume_id: str) -> Object:
    meta = claim["metadata"]
    return {
        "apiVersion": VOLUME[0],
        "kind": VOLUME[1],
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: DRIVER}},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": binary(size)},
            "volumeMode": claim["spec"].get("volumeMode") or "Filesystem",
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
            "storageClassName": storage_class["metadata"]["name"],
            "claimRef": {
                "apiVersion": CLAIM[0],
                "kind": CLAIM[1],
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
            },
            "csi": {
                "driver": DRIVER,
                "volumeHandle": volume_id,
                "fsType": storage_class["parameters"].get("csi.storage.k8s.io/fstype") or "xfs",
                "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": DRIVER},
            },
            "nodeAffinity": {
                "required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": TOPOLOGY, "operator": "In", "values": [node]}]}]}
            },
        },
    }


def _capacity(node: str, namespace: str, storage_class: Object, size: int, owner: Object) -> Object:
    name = storage_class["metadata"]["name"]
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIStorageCapacity",
        "metadata": {
            "name": f"csisc-{digest([node, name], 5)}",
            "namespace": namespace,
            "labels": {"csi.storage.k8s.io/drivername": DRIVER, "csi.storage.k8s.io/managed-by": "external-provisioner"},
            "ownerReferences": [owner_reference(owner, controller=False)],
        },
        "storageClassName": name,
        "nodeTopology": {"matchLabels": {TOPOLOGY: node}},
        "capacity": binary(size),
        "maximumVolumeSize": binary(size),
    }
