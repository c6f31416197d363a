# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes out the nodes of a profile: every server's devices with all facts of their models.

A node as stand-ins, seed and kubelet see it::

    {"name": "gpu-0", "roles": ["worker"], "labels": {}, "taints": [],
     "arch": "amd64", "system": {"vendor", "product", "serial"},
     "cpu": {"vendor_id", "family", "model_id", "name", "sockets", "cores", "threads", "threads_per_core", "flags": [...]},
     "memory_gib": 2048, "numa_nodes": 2, "pcie_generation": 5, "hugepages_1gi": 0,
     "gpus":  [{"model", "pci", "numa", "rail", "health", "pci_id", "class", "subsystem", "vendor", "product", "memory_mib",
                "family", "compute", "pcie_generation", "mig_capable", "multiprocessors", "sriov_totalvfs", "uuid", "clique"}],
     "nics":  [{"model", "name", "pci", "numa", "role", "rail", "rdma", "mtu", "state", "mac", "pci_id", "class", "subsystem",
                "driver", "link_layer", "speed_mbps", "firmware", "psid", "product", "sriov_totalvfs"}],
     "disks": [{"model", "name", "pci", "numa", "holds", "size_bytes", "pci_id", "class", "rotational", "transport",
                "serial", "path", "by_path", "by_id"}],
     "extras": [{"pci_id", "class"}]}

``clique`` is the NVLink domain of a GPU (``<cluster uuid>.<clique id>``), where GPUs of several nodes share one.
``holds`` is what is on a disk: nothing, os, partitions, filesystem, lvm, ceph, raid. ``None`` stands for "has none".
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from typing import Any

Devices = Mapping[str, Mapping[str, Mapping[str, Any]]]


def expand_nodes(profile: Mapping[str, Any], devices: Devices) -> tuple[list[dict[str, Any]], list[str]]:
    """All nodes of a profile that its schema has accepted, and the faults that the schema can't see."""
    faults = _faults(profile, devices)
    if faults:
        return [], faults
    nodes = [
        _node(name, group, profile["servers"][group["server"]], devices)
        for group in profile["nodes"]
        for name in _node_names(group)
    ]
    return nodes, []


def _node_names(group: Mapping[str, Any]) -> list[str]:
    count = group.get("count")
    return [group["name"]] if count is None else [f"{group['name']}-{index}" for index in range(count)]


def _node(name: str, group: Mapping[str, Any], server: Mapping[str, Any], devices: Devices) -> dict[str, Any]:
    cpu = dict(devices["cpus"][server["cpu"]["model"]])
    sockets = server["cpu"]["sockets"]
    cores = sockets * cpu.pop("cores_per_socket")
    arch = cpu.pop("arch")
    return {
        "name": name,
        "roles": list(group["roles"]),
        "labels": dict(group.get("labels", {})),
        "taints": [dict(taint) for taint in group.get("taints", [])],
        "arch": arch,
        "system": {**server["system"], "serial": _digest(name, "serial")[:7].upper()},
        "cpu": {**cpu, "sockets": sockets, "cores": cores, "threads": cores * cpu["threads_per_core"]},
        "memory_gib": server["memory_gib"],
        "numa_nodes": server["numa_nodes"],
        "pcie_generation": server["pcie_generation"],
        "hugepages_1gi": server.get("hugepages_1gi", 0),
        "gpus": [
            {**_gpu(name, row, devices["gpus"]), "clique": group.get("nvlink_clique")} for row in server.get("gpus", [])
        ],
        "nics": [_nic(name, row, devices["nics"]) for row in server["nics"]],
        "disks": [_disk(name, row, devices["disks"]) for row in server["disks"]],
        "extras": [dict(devices["extras"][model]) for model in server.get("extras", [])],
    }


def _gpu(node: str, row: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    seed = _digest(node, row["pci"])
    uuid = f"GPU-{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}"
    return {"rail": None, "health": "ok", **models[row["model"]], **row, "uuid": uuid}


def _nic(node: str, row: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    seed = _digest(node, row["pci"], row["name"])
    # 02 marks a locally administered address: it can belong to no vendor's card.
    mac = ":".join(["02", *(seed[at : at + 2] for at in range(0, 10, 2))])
    return {"rail": None, "rdma": None, "mtu": 1500, "state": "up", "mac": mac, **models[row["model"]], **row}


def _disk(node: str, row: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    disk = {"pci": None, "numa": 0, "holds": "nothing", **models[row["model"]], **row}
    disk["serial"] = f"S{_digest(node, row['name'])[:13].upper()}"
    disk["path"] = f"/dev/{disk['name']}"
    model = models_name(str(models[row["model"]]["model"]))
    if disk["transport"] == "nvme":
        disk["by_path"] = f"/dev/disk/by-path/pci-{disk['pci']}-nvme-1"
        disk["by_id"] = f"/dev/disk/by-id/nvme-{model}_{disk['serial']}"
    else:
        port = "abcdefghijklmnopqrstuvwxyz".index(disk["name"][-1]) + 1
        disk["by_path"] = f"/dev/disk/by-path/pci-{disk['pci'] or '0000:00:17.0'}-ata-{port}"
        disk["by_id"] = f"/dev/disk/by-id/{'ata' if disk['transport'] == 'sata' else 'scsi'}-{model}_{disk['serial']}"
    disk["model"] = str(models[row["model"]]["model"])
    return disk


def models_name(text: str) -> str:
    """A model's name as udev writes it into links: blanks become underscores."""
    return text.replace(" ", "_")


def _faults(profile: Mapping[str, Any], devices: Devices) -> list[str]:
    faults: list[str] = []
    for name, server in profile["servers"].items():
        faults += _server_faults(f"servers.{name}", server, devices)
    seen: set[str] = set()
    for index, group in enumerate(profile["nodes"]):
        where = f"nodes.{index}"
        if group["server"] not in profile["servers"]:
            faults.append(f"{where}.server: unknown server {_hint(group['server'], profile['servers'])}")
        faults += [f"{where}.name: node '{name}' is there twice" for name in _node_names(group) if name in seen]
        seen.update(_node_names(group))
    roles = {role for group in profile["nodes"] for role in group["roles"]}
    for role in ("control-plane", "worker"):
        if role not in roles:
            faults.append(f"nodes: no node has the role '{role}'")
    return faults


def _server_faults(where: str, server: Mapping[str, Any], devices: Devices) -> list[str]:
    faults = []
    if server["cpu"]["model"] not in devices["cpus"]:
        faults.append(f"{where}.cpu.model: unknown model {_hint(server['cpu']['model'], devices['cpus'])}")
    for kind in ("gpus", "nics", "disks"):
        for index, row in enumerate(server.get(kind, [])):
            at = f"{where}.{kind}.{index}"
            model = devices[kind].get(row["model"])
            if model is None:
                faults.append(f"{at}.model: unknown model {_hint(row['model'], devices[kind])}")
            elif model.get("transport") == "nvme" and "pci" not in row:
                faults.append(f"{at}.pci: an NVMe drive needs its PCI address")
            if row.get("numa", 0) >= server["numa_nodes"]:
                faults.append(f"{at}.numa: {row['numa']}, but the server has only {server['numa_nodes']} NUMA nodes")
    for index, model in enumerate(server.get("extras", [])):
        if model not in devices["extras"]:
            faults.append(f"{where}.extras.{index}: unknown model {_hint(model, devices['extras'])}")
    faults += _twice(
        where,
        "PCI address",
        [row["pci"] for kind in ("gpus", "nics", "disks") for row in server.get(kind, []) if "pci" in row],
    )
    faults += _twice(where, "device name", [row["name"] for kind in ("nics", "disks") for row in server[kind]])
    if not any(row["role"] == "machine" for row in server["nics"]):
        faults.append(f"{where}.nics: none has the role 'machine' (the node's own network)")
    if sum(row.get("holds") == "os" for row in server["disks"]) != 1:
        faults.append(f"{where}.disks: exactly one must hold the os")
    return faults


def _twice(where: str, what: str, values: list[str]) -> list[str]:
    return [f"{where}: {what} {value} is used twice" for value in sorted({v for v in values if values.count(v) > 1})]


def _hint(word: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"'{word}': {hint}Known: {', '.join(sorted(known))}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
