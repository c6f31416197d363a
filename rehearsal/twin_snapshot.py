# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a saved snapshot: a cluster's facts as one small JSON document (schema 1; docs/architecture.md, 3.3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.twin_facts import Devices, Facts, Obj, devices_of_labels

SCHEMA = 1
KIB = 1024


def read(path: Path) -> Facts:
    """All facts of the file. Raises RehearsalError (bad input) when it is none, or of another schema."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        snapshot = document.get("snapshot", document)
        known = snapshot.get("schema")
    except (OSError, ValueError, AttributeError) as error:
        raise _bad(path, f"it can't be read as JSON ({' '.join(str(error).split())[:120]})") from error
    if known != SCHEMA or not snapshot.get("nodes"):
        raise _bad(path, f"its schema is {known!r}, not {SCHEMA}" if known != SCHEMA else "it has no nodes")
    facts = Facts(str(path))
    openshift = snapshot.get("openshift") or {}
    done = [row["version"] for row in openshift.get("history") or [] if row.get("state") == "Completed"]
    facts.version = str((done or [openshift.get("version") or ""])[0])
    facts.platform = dict(snapshot.get("platform") or {})
    facts.nodes = [_node(row) for row in snapshot["nodes"]]
    facts.devices = {row["name"]: _devices(row) for row in snapshot["nodes"]}
    facts.objects = [*_version(openshift), *_network(snapshot.get("networks")), *_pools(snapshot), *_storage(snapshot)]
    facts.operators = list(_operators(snapshot, facts.left_out))
    facts.left_out += [f"{kind}: its objects aren't carried over" for kind, objects in sorted((snapshot.get("objects") or {}).items()) if objects]
    facts.left_out.append("ClusterOperators: a snapshot doesn't hold them; they are those of the release")
    return facts


def _bad(path: Path, why: str) -> RehearsalError:
    return RehearsalError("no snapshot is found", str(path), why, "Give a must-gather folder, or a snapshot.json of a report", code=BAD_INPUT)


def _node(row: Obj) -> Obj:
    labels = {**(row.get("labels") or {}), **{f"node-role.kubernetes.io/{role}": "" for role in row.get("roles") or []}}
    conditions = [{"type": kind, **{key: value for key, value in state.items() if value is not None}} for kind, state in (row.get("conditions") or {}).items()]
    extended = {key: {name: str(count) for name, count in (row.get(key) or {}).items()} for key in ("capacity", "allocatable")}
    size: Obj = {}
    if row.get("cpu"):
        size["cpu"] = str(row["cpu"])
    if row.get("memory_bytes"):
        size["memory"] = f"{row['memory_bytes'] // KIB}Ki"
    info = {
        "kernelVersion": row.get("kernel"), "osImage": row.get("os_image"), "kubeletVersion": row.get("kubelet"),
        "containerRuntimeVersion": row.get("runtime"), "architecture": row.get("arch"),
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": row["name"], "labels": labels},
        "spec": {"taints": row.get("taints") or [], **({"unschedulable": True} if row.get("schedulable") is False else {})},
        "status": {
            "capacity": {**size, **extended["capacity"]}, "allocatable": {**size, **extended["allocatable"]}, "conditions": conditions,
            "nodeInfo": {key: value for key, value in info.items() if value},
        },
    }  # fmt: skip


def _devices(row: Obj) -> Devices:
    found = devices_of_labels(row.get("labels") or {})
    accelerators = row.get("accelerators") or {}
    found.gpu_product = found.gpu_product or accelerators.get("product")
    found.gpu_count = found.gpu_count or accelerators.get("count")
    ids = list(accelerators.get("pci_ids") or [])
    if ids and len(ids) == 1 and found.gpu_count:
        ids *= found.gpu_count
    found.pci += [(identity, "0302") for identity in ids]
    nics = row.get("nics")
    found.nics_known = nics is not None
    found.pci += [(nic["pci_id"], nic.get("class") or "0200") for nic in nics or [] if nic.get("pci_id")]
    found.nic_names = [nic["name"] for nic in nics or [] if nic.get("name")]
    found.disks = [(disk["name"], disk.get("size_bytes")) for disk in (row.get("nvme") or {}).get("devices") or []]
    found.numa_nodes = row.get("numa_nodes") or found.numa_nodes
    return found


def _version(openshift: Obj) -> list[Obj]:
    """ClusterVersion with what is known of it; the rest is the release's (twin.py lays it over)."""
    conditions = [{"type": kind, "lastTransitionTime": "2000-01-01T00:00:00Z", **{k: v for k, v in state.items() if v is not None}}
                  for kind, state in (openshift.get("conditions") or {}).items()]
    history = [{"version": row["version"], "state": row["state"], "startedTime": row.get("started"), "completionTime": row.get("completed"),
                "image": "", "verified": True} for row in openshift.get("history") or []]
    if not history:
        return []
    status = {"history": history, "conditions": conditions, "desired": {"version": openshift.get("version") or history[0]["version"], "image": ""}}
    return [{"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion", "metadata": {"name": "version"},
             "spec": {"channel": openshift.get("channel") or ""}, "status": status}]


def _network(networks: Obj | None) -> list[Obj]:
    if not networks or not networks.get("cluster"):
        return []
    prefixes = networks.get("host_prefixes") or []
    rows = [{"cidr": cidr, **({"hostPrefix": prefixes[at]} if at < len(prefixes) else {})} for at, cidr in enumerate(networks["cluster"])]
    common: Obj = {"clusterNetwork": rows, "networkType": networks.get("type") or "", "serviceNetwork": networks.get("service") or []}
    status = {**common, **({"clusterNetworkMTU": networks["mtu"]} if networks.get("mtu") else {})}
    return [{"apiVersion": "config.openshift.io/v1", "kind": "Network", "metadata": {"name": "cluster"}, "spec": common, "status": status}]


def _pools(snapshot: Obj) -> list[Obj]:
    """Pools of one's own by their name's role: a snapshot doesn't say how a pool selects its nodes."""
    found = []
    for row in snapshot.get("pools") or []:
        name, key = row["name"], "machineconfiguration.openshift.io/role"
        roles = [name] if name in ("master", "worker") else ["worker", name]
        spec = {"paused": bool(row.get("paused")), "nodeSelector": {"matchLabels": {f"node-role.kubernetes.io/{name}": ""}},
                "machineConfigSelector": {"matchExpressions": [{"key": key, "operator": "In", "values": roles}]}}
        found.append({"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfigPool", "metadata": {"name": name}, "spec": spec})
    return found


def _storage(snapshot: Obj) -> list[Obj]:
    note = "storageclass.kubernetes.io/is-default-class"
    return [
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": row["name"], "annotations": {note: "true"} if row.get("default") else {}},
         "provisioner": row["provisioner"], "volumeBindingMode": row.get("binding_mode") or "Immediate"}
        for row in snapshot.get("storage_classes") or []
    ]  # fmt: skip


def _operators(snapshot: Obj, left_out: list[str]) -> Any:
    groups = {row.get("namespace"): row for row in snapshot.get("operator_groups") or []}
    for row in snapshot.get("operators") or []:
        if not row.get("installed_csv") or not row.get("subscription"):
            left_out.append(f"operator {row.get('package')} ({row.get('namespace')}): no Subscription that had installed something")
            continue
        targets = (groups.get(row["namespace"]) or {}).get("targets")
        yield {
            "package": row["package"], "namespace": row["namespace"], "name": row["subscription"], "channel": row.get("channel"),
            "catalog": row.get("catalog"), "csv": row["installed_csv"], "approval": row.get("approval") or "Automatic",
            "group": _group(groups.get(row["namespace"]), targets), "labels": {}, "annotations": {},
        }  # fmt: skip


def _group(group: Obj | None, targets: list[str] | None) -> Obj | None:
    """Spec of the namespace's OperatorGroup; None when there was none."""
    if group is None:
        return None
    return {"targetNamespaces": targets} if targets and not group.get("all_namespaces") else {}
