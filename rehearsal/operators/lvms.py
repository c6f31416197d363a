# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of LVM Storage (LVMS): LVMCluster → volume groups of the nodes, StorageClasses, status; `vg-manager` on each node.

Source: openshift/lvm-operator v4.20.0 internal/controllers/lvmcluster/{controller,status}.go, resource/*.go,
internal/controllers/vgmanager/{controller,status}.go. Volumes are made in `lvms_provisioner.py`. Not played: failing LVs, extending by
new disks of a running node, thin pool metadata.
"""

from __future__ import annotations

from typing import Any

from rehearsal.operators import lvms_admission
from rehearsal.operators.admission import Webhook
from rehearsal.operators.broken_hardware import server_of
from rehearsal.operators.lvms_devices import UNKNOWN, Found, block_devices, examine, to_wipe
from rehearsal.operators.lvms_status import (
    class_statuses,
    node_is_valid,
    overall,
    resources_condition,
    volume_groups_condition,
)
from rehearsal.operators.operands import daemon_set, service_account
from rehearsal.operators.pod_status import is_ready
from rehearsal.operators.runtime import Kube, NotFound, Object, StandIn, labels_of, now, owner_reference

CLUSTER = ("lvm.topolvm.io/v1alpha1", "LVMCluster")
GROUP = ("lvm.topolvm.io/v1alpha1", "LVMVolumeGroup")
NODE_STATUS = ("lvm.topolvm.io/v1alpha1", "LVMVolumeGroupNodeStatus")
LOGICAL_VOLUME = ("topolvm.io/v1", "LogicalVolume")
STORAGE_CLASS = ("storage.k8s.io/v1", "StorageClass")
SNAPSHOT_CLASS = ("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass")
DRIVER = "topolvm.io"
FINALIZER = "lvmcluster.topolvm.io"
NODE_FINALIZER = "cleanup.vgmanager.node.topolvm.io/"
WIPED = "wiped.devices.lvms.openshift.io/"
TOPOLOGY = "topology.topolvm.io/node"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
POD_LABELS = {
    "app.kubernetes.io/name": "vg-manager",
    "app.kubernetes.io/managed-by": "lvms-operator",
    "app.kubernetes.io/part-of": "lvms-provisioner",
    "app.kubernetes.io/component": "vg-manager",
}
WEBHOOK_PATH = "/validate-lvm-topolvm-io-v1alpha1-lvmcluster"
CONFIGURATION = "vlvmcluster.kb.io-lvms"
LOOK_SECONDS = 30.0  # how often vg-manager looks at the drives again


class Lvms(StandIn):
    """Reconciles the LVMCluster (the operator) and each LVMVolumeGroup on every node (the vg-manager pods)."""

    csv_prefix = "lvms-operator."
    name = "lvms-operator"
    watches = [CLUSTER, GROUP, NODE_STATUS, LOGICAL_VOLUME, STORAGE_CLASS, ("apps/v1", "DaemonSet"), ("v1", "Pod"), ("v1", "Node")]
    delays = {"lvms-vg": 2.0, "disk-lifetime": 60.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lost: dict[str, str] = {}  # node -> the disk that has vanished there

    def start(self, kube: Kube) -> None:
        """Open the admission webhook."""
        self._nodes: dict[str, Any] = {}
        self._webhook = Webhook("vlvmcluster.kb.io", WEBHOOK_PATH, self._judge, self.state / "run" / "webhooks")
        group, version = CLUSTER[0].split("/")
        kube.apply(
            self._webhook.registration(CONFIGURATION, group, version, "lvmclusters", ["CREATE", "UPDATE"]), manager=self.agent()
        )

    def stop(self) -> None:
        """Close the webhook: its registration first, or nobody could write an LVMCluster any more."""
        if hasattr(self, "_webhook"):
            kind = ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")
            try:
                self.kube.delete(self.kube.path(*kind, None, CONFIGURATION))
            finally:
                self._webhook.close()

    def _judge(self, request: Object) -> list[str]:
        existing = self.kube.list(self.kube.path(*CLUSTER, self.namespace)) if request["operation"] == "CREATE" else []
        return lvms_admission.check(request["operation"], request["object"], request.get("oldObject"), self.namespace, existing)

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> list[Object]:
        """Everything that the cluster's status is made of wakes the clusters; nodes and vg-manager pods wake the groups."""
        if obj["kind"] in ("LVMCluster", "LVMVolumeGroup"):
            return [obj, *self._clusters()] if obj["kind"] == "LVMVolumeGroup" else [obj, *self._groups()]
        if obj["kind"] == "Pod":
            mine = labels_of(obj).get("app.kubernetes.io/name") == "vg-manager" and obj["metadata"]["namespace"] == self.namespace
            return self._groups() if mine else []
        if obj["kind"] == "Node":
            seen = (event == "DELETED", sorted(labels_of(obj).items()), repr((obj.get("spec") or {}).get("taints")))
            if self._nodes.get(obj["metadata"]["name"]) == seen:
                return []
            self._nodes[obj["metadata"]["name"]] = seen
            return [*self._clusters(), *self._groups()]
        if obj["kind"] == "LVMVolumeGroupNodeStatus" and event == "ADDED":
            return [*self._clusters(), *self._groups()]
        if obj["kind"] == "DaemonSet" and obj["metadata"]["name"] != "vg-manager":
            return []
        return self._clusters()

    def _clusters(self) -> list[Object]:
        return self.objects(*CLUSTER, self.namespace)

    def _groups(self) -> list[Object]:
        return self.objects(*GROUP, self.namespace)

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """Clusters and groups of the operator's own namespace."""
        if obj["metadata"].get("namespace") != self.namespace:
            return None
        if obj["kind"] == "LVMCluster":
            return self._delete(kube, obj) if obj["metadata"].get("deletionTimestamp") else self._operate(kube, obj)
        if obj["kind"] == "LVMVolumeGroup":
            return self._manage(kube, obj)
        return None

    # ---- the operator

    def _operate(self, kube: Kube, cluster: Object) -> float | None:
        meta = cluster["metadata"]
        if FINALIZER not in (meta.get("finalizers") or []):
            kube.patch(kube.path_of(cluster), {"metadata": {"finalizers": [*(meta.get("finalizers") or []), FINALIZER]}})
            return None
        for obj in self._resources(cluster):
            self.ensure(kube, obj)
        trouble = self._incomplete(cluster)
        if trouble:
            why = f"LVMCluster's resources are not yet fully synchronized: {trouble}"
            self.event(cluster, "Warning", "ResourceReconciliationIncomplete", why)
        self._tell(kube, cluster, trouble)
        return None

    def _resources(self, cluster: Object) -> list[Object]:
        meta, spec = cluster["metadata"], cluster.get("spec") or {}
        classes = (spec.get("storage") or {}).get("deviceClasses") or []
        made: list[Object] = [_csi_driver(), service_account("vg-manager", self.namespace)]
        selectors = [item.get("nodeSelector") for item in classes]
        terms = [term for selector in selectors for term in (selector or {}).get("nodeSelectorTerms") or []]
        affinity = None
        if classes and all(selectors):
            required = {"nodeSelectorTerms": terms}
            affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
        made.append(
            daemon_set(
                "vg-manager",
                self.namespace,
                self._image(),
                cluster,
                pod_labels=POD_LABELS,
                tolerations=spec.get("tolerations"),
                affinity=affinity,
            )
        )
        for item in classes:
            made += [_volume_group(cluster, item, len(classes)), self._storage_class(item, meta)]
            if item.get("thinPoolConfig") and self._has_snapshots():
                made.append(_snapshot_class(item))
        for node in self.objects("v1", "Node"):
            if any(node_is_valid(node, spec, item) for item in classes):
                made.append(_node_status(node["metadata"]["name"], self.namespace, cluster))
        return made

    def _image(self) -> str:
        deployments = ((((self.csv or {}).get("spec") or {}).get("install") or {}).get("spec") or {}).get("deployments") or []
        for item in deployments:
            return str(item["spec"]["template"]["spec"]["containers"][0]["image"])
        return "registry.redhat.io/lvms4/lvms-rhel9-operator:latest"

    def _has_snapshots(self) -> bool:
        try:
            self.kube.path(*SNAPSHOT_CLASS)
        except NotFound:
            return False
        return True

    def _storage_class(self, item: Object, cluster: Object) -> Object:
        name = f"lvms-{item['name']}"
        notes = {"description": "Provides RWO and RWOP Filesystem & Block volumes"}
        defaults = [
            other["metadata"]["name"]
            for other in self.objects(*STORAGE_CLASS)
            if (other["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
        ]
        if item.get("default") and (not defaults or name in defaults) and self.fault("no-default-storageclass") is None:
            notes[DEFAULT_CLASS] = "true"
        return {
            "apiVersion": STORAGE_CLASS[0],
            "kind": STORAGE_CLASS[1],
            "metadata": {"name": name, "annotations": notes, "labels": _managed(cluster)},
            "provisioner": DRIVER,
            "parameters": {"topolvm.io/device-class": item["name"], "csi.storage.k8s.io/fstype": item.get("fstype") or "xfs"},
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        }

    def _incomplete(self, cluster: Object) -> str | None:
        """What is not there yet: ready vg-manager pods, and the CSI driver that they register at each kubelet."""
        workload = self.find("apps/v1", "DaemonSet", "vg-manager", self.namespace)
        status = (workload or {}).get("status") or {}
        wanted = int(status.get("desiredNumberScheduled") or 0)
        if workload is None or int(status.get("observedGeneration") or 0) < int(workload["metadata"].get("generation") or 0):
            return "the DaemonSet is not ready"
        if int(status.get("numberReady") or 0) != wanted:
            return f"the DaemonSet is not ready: {wanted} pods desired, {int(status.get('numberReady') or 0)} ready"
        ready = self._ready_nodes()
        for node in self._valid_nodes(cluster):
            if node not in ready:
                return f"csi node {node} does not have driver {DRIVER}"
        return None

    def _tell(self, kube: Kube, cluster: Object, trouble: str | None) -> None:
        spec = cluster.get("spec") or {}
        nodes, statuses = self.objects("v1", "Node"), self.objects(*NODE_STATUS, self.namespace)
        conditions = [resources_condition(trouble), volume_groups_condition(spec, nodes, statuses)]
        state = overall([item["reason"] for item in conditions])
        told = {"state": state, "ready": state == "Ready", "deviceClassStatuses": class_statuses(statuses)}
        self.set_status(kube, cluster, told, conditions)

    def _valid_nodes(self, cluster: Object) -> list[str]:
        spec = cluster.get("spec") or {}
        classes = (spec.get("storage") or {}).get("deviceClasses") or []
        return [
            node["metadata"]["name"] for node in self.objects("v1", "Node") if any(node_is_valid(node, spec, item) for item in classes)
        ]

    def _delete(self, kube: Kube, cluster: Object) -> float | None:
        if self.objects(*LOGICAL_VOLUME):
            wait = "found PVCs provisioned by topolvm, waiting 10s for their deletion"
            self.event(cluster, "Warning", "DeletionPending", wait)
            return 10.0 / self.settings.speed
        for item in ((cluster.get("spec") or {}).get("storage") or {}).get("deviceClasses") or []:
            kube.delete(kube.path(*STORAGE_CLASS, None, f"lvms-{item['name']}"))
        groups = self._groups()
        for group in groups:
            if not group["metadata"].get("deletionTimestamp"):
                kube.delete(kube.path_of(group))
        if groups:
            return 1.0
        for status in self.objects(*NODE_STATUS, self.namespace):
            kube.delete(kube.path_of(status))
        kube.delete(kube.path("storage.k8s.io/v1", "CSIDriver", None, DRIVER))
        kube.delete(kube.path("apps/v1", "DaemonSet", self.namespace, "vg-manager"), propagation="Background")
        keep = [item for item in cluster["metadata"].get("finalizers") or [] if item != FINALIZER]
        kube.patch(kube.path_of(cluster), {"metadata": {"finalizers": keep}})
        self._applied.clear()
        return None

    # ---- vg-manager

    def _ready_nodes(self) -> set[str]:
        pods = self.objects("v1", "Pod", self.namespace)
        mine = [pod for pod in pods if labels_of(pod).get("app.kubernetes.io/name") == "vg-manager"]
        return {pod["spec"].get("nodeName") or "" for pod in mine if is_ready(pod)}

    def _manage(self, kube: Kube, group: Object) -> float | None:
        """Play the vg-manager of every node for one volume group."""
        meta = group["metadata"]
        if meta.get("deletionTimestamp"):
            self._remove(kube, group)
            return None
        cluster = next(iter(self._clusters()), None)
        again: list[float] = []
        for name in sorted(self._ready_nodes()):
            node = self.find("v1", "Node", name)
            if node is None or cluster is None or not node_is_valid(node, cluster.get("spec") or {}, group["spec"]):
                continue
            finalizer = f"{NODE_FINALIZER}{name}"
            if finalizer not in (meta.get("finalizers") or []):
                kube.patch(kube.path_of(group), {"metadata": {"finalizers": [*(meta.get("finalizers") or []), finalizer]}})
                return None  # the watch brings the group back with its finalizer
            left = self._manage_node(kube, group, node)
            if left:
                again.append(left)
        return min(again) if again else None

    def _manage_node(self, kube: Kube, group: Object, node: Object) -> float | None:
        name = node["metadata"]["name"]
        server = server_of(self, name)
        if server is None:
            return None
        self._register(kube, node)
        if self._wipe(kube, group, name, server):
            return None  # the watch brings the group back with its mark
        gone, left = self._vanished(name, self._owners(name))
        owners = {device: owner for device, owner in self._owners(name).items() if device != UNKNOWN or gone}
        devices = [device for device in block_devices(server, self._wiped(name, server)) if device.name not in gone]
        found = examine(group["metadata"]["name"], group["spec"].get("deviceSelector"), devices, owners, bool(group["spec"].get("thinPoolConfig")))
        if found.error:
            self.event(group, "Warning", found.event, found.error)
            state = "Degraded" if found.used else "Failed"
            self._report(kube, group, name, found, state, sorted([*found.used, *([UNKNOWN] if found.lost else [])]) if found.used else [],
                         found.error)  # fmt: skip
            return LOOK_SECONDS / self.settings.speed
        if found.available:
            wait = self.remaining("lvms-vg", f"{group['metadata']['uid']}/{name}")
            if wait:
                self._report(kube, group, name, found, "Progressing", found.used, None)
                return wait
        names = sorted([*found.used, *(device.name for device in found.available), *([UNKNOWN] if found.lost else [])])
        self._report(kube, group, name, found, "Ready", names, None)
        return left or LOOK_SECONDS / self.settings.speed  # a drive that comes or goes is no event of any object

    def _vanished(self, node: str, owners: dict[str, str]) -> tuple[set[str], float | None]:
        """(the disk that the scenario `disk-vanishes` takes from a node, seconds until it does): some time after it was taken into use."""
        if (self.fault("disk-vanishes") or {}).get("node") != node:
            self._lost.pop(node, None)
            return set(), None
        if node in self._lost:
            return {self._lost[node]}, None
        if not owners:
            return set(), None
        left = self.remaining("disk-lifetime", node)
        if left:
            return set(), left
        self._lost[node] = min(owners)
        return {self._lost[node]}, None

    def _owners(self, node: str) -> dict[str, str]:
        """Device -> volume group on a node, as its status tells."""
        status = self.find(*NODE_STATUS, node, self.namespace)
        rows = ((status or {}).get("spec") or {}).get("nodeStatus") or []
        return {device: row["name"] for row in rows if row.get("status") in ("Ready", "Degraded") for device in row.get("devices") or []}

    def _wiped(self, node: str, server: Any) -> list[str]:
        """Devices that any group has wiped on the node."""
        names: list[str] = []
        for group in self._groups():
            if f"{WIPED}{node}" in (group["metadata"].get("annotations") or {}):
                names += to_wipe(group["spec"].get("deviceSelector"), block_devices(server))
        return names

    def _wipe(self, kube: Kube, group: Object, node: str, server: Any) -> bool:
        key = f"{WIPED}{node}"
        if key in (group["metadata"].get("annotations") or {}) or not to_wipe(group["spec"].get("deviceSelector"), block_devices(server)):
            return False
        note = f"the devices of this volume group have been wiped at {now()} by lvms according to policy."
        kube.patch(kube.path_of(group), {"metadata": {"annotations": {key: note}}})
        return True

    def _report(
        self, kube: Kube, group: Object, node: str, found: Found, state: str, devices: list[str], reason: str | None
    ) -> None:
        row: Object = {
            "name": group["metadata"]["name"],
            "status": state,
            "deviceDiscoveryPolicy": "Preconfigured" if group["spec"].get("deviceSelector") else "RuntimeDynamic",
            "excluded": [{"name": name, "reasons": reasons} for name, reasons in sorted(found.excluded.items())],
        }
        if devices:
            row["devices"] = devices
        if reason:
            row["reason"] = reason
        status = self.find(*NODE_STATUS, node, self.namespace)
        if status is None:
            return  # the operator makes it first; its appearance wakes the group again
        rows = (status.get("spec") or {}).get("nodeStatus") or []
        others = [item for item in rows if item["name"] != row["name"]]
        wanted = sorted([*others, row], key=lambda item: item["name"])
        if wanted != rows:
            kube.patch(kube.path_of(status), {"spec": {"nodeStatus": wanted}})

    def _register(self, kube: Kube, node: Object) -> None:
        """What the kubelet does when the node plugin registers: the topology label and the CSINode's driver."""
        name = node["metadata"]["name"]
        if labels_of(node).get(TOPOLOGY) != name:
            kube.patch(kube.path("v1", "Node", None, name), {"metadata": {"labels": {TOPOLOGY: name}}})
        self.ensure(
            kube,
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "CSINode",
                "metadata": {"name": name, "ownerReferences": [owner_reference({**node, "apiVersion": "v1", "kind": "Node"}, False)]},
                "spec": {"drivers": [{"name": DRIVER, "nodeID": name, "topologyKeys": [TOPOLOGY]}]},
            },
        )

    def _remove(self, kube: Kube, group: Object) -> None:
        """Every node's manager removes its volume group, its row of the node's status, and its finalizer."""
        name = group["metadata"]["name"]
        for status in self.objects(*NODE_STATUS, self.namespace):
            rows = (status.get("spec") or {}).get("nodeStatus") or []
            if any(row["name"] == name for row in rows):
                kube.patch(kube.path_of(status), {"spec": {"nodeStatus": [row for row in rows if row["name"] != name]}})
        keep = [item for item in group["metadata"].get("finalizers") or [] if not item.startswith(NODE_FINALIZER)]
        kube.patch(kube.path_of(group), {"metadata": {"finalizers": keep}})


def _managed(cluster: Object) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": "lvms-operator",
        "owned-by.topolvm.io/kind": "LVMCluster",
        "owned-by.topolvm.io/name": cluster["name"],
        "owned-by.topolvm.io/namespace": cluster["namespace"],
    }


def _csi_driver() -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": DRIVER},
        "spec": {
            "attachRequired": False,
            "podInfoOnMount": True,
            "storageCapacity": True,
            "volumeLifecycleModes": ["Persistent"],
        },
    }


def _volume_group(cluster: Object, item: Object, count: int) -> Object:
    spec = {key: item[key] for key in ("nodeSelector", "deviceSelector", "thinPoolConfig") if item.get(key)}
    return {
        "apiVersion": GROUP[0],
        "kind": GROUP[1],
        "metadata": {
            "name": item["name"],
            "namespace": cluster["metadata"]["namespace"],
            "ownerReferences": [owner_reference(cluster)],
        },
        "spec": {**spec, "default": count == 1 or bool(item.get("default"))},
    }


def _node_status(node: str, namespace: str, cluster: Object) -> Object:
    meta = {"name": node, "namespace": namespace, "ownerReferences": [owner_reference(cluster)]}
    return {"apiVersion": NODE_STATUS[0], "kind": NODE_STATUS[1], "metadata": meta}


def _snapshot_class(item: Object) -> Object:
    return {
        "apiVersion": SNAPSHOT_CLASS[0],
        "kind": SNAPSHOT_CLASS[1],
        "metadata": {"name": f"lvms-{item['name']}"},
        "driver": DRIVER,
        "deletionPolicy": "Delete",
    }
