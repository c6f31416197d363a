# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory, enough of one to run stand-ins without any process."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kube import Conflict, KubeError, NotFound
from rehearsal.operators.informers import key_of
from rehearsal.operators.objects import merged
from rehearsal.operators.runtime import StandIn
from rehearsal.operators.settings import Settings

Object = dict[str, Any]


class FakeKube:
    """The verbs of rehearsal.kube on a dict. Paths are "<apiVersion>|<kind>|<namespace>|<name>"."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.writes: list[str] = []
        self.missing: set[str] = set()
        self.blocked: set[str] = set()  # pods that a disruption budget protects
        self._uids = itertools.count(1)

    def add(self, obj: Object) -> Object:
        obj = copy.deepcopy(obj)
        number = next(self._uids)
        meta = obj["metadata"]
        meta.setdefault("uid", f"uid-{number}")
        meta.setdefault("generation", 1)
        meta.setdefault("creationTimestamp", f"2026-01-01T00:00:{number:02d}Z")
        self.objects[self.path_of(obj)] = obj
        return obj

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        if kind in self.missing:
            raise NotFound(404, "KindMissing", kind)
        return f"{api_version}|{kind}|{namespace or ''}|{name or ''}"

    def path_of(self, obj: Object) -> str:
        meta = obj["metadata"]
        return self.path(obj["apiVersion"], obj["kind"], meta.get("namespace"), meta["name"])

    def get(self, path: str) -> Object | None:
        return self.objects.get(path)

    def list(self, path: str, **_: Any) -> list[Object]:
        prefix = path.rstrip("|")
        return [obj for key, obj in self.objects.items() if key.startswith(prefix)]

    def create(self, path: str, obj: Object) -> Object:
        if path.endswith("/eviction"):
            return self._evict(path.removesuffix("/eviction"))
        if self.path_of(obj) in self.objects:
            raise Conflict(409, "AlreadyExists", path)
        if obj["kind"] != "Event":
            self.writes.append(f"create {obj['kind']} {obj['metadata']['name']}")
        return self.add(obj)

    def _evict(self, path: str) -> Object:
        name = path.split("|")[3]
        if name in self.blocked:
            raise KubeError(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")
        self.writes.append(f"evict {name}")
        return self.objects.pop(path)

    def apply(self, obj: Object, manager: str = "", force: bool = True) -> Object:
        self.writes.append(f"apply {obj['kind']} {obj['metadata']['name']}")
        have = self.objects.get(self.path_of(obj))
        return self.add(merged(have, obj) if have else obj)

    def apply_status(self, path: str, status: Object, manager: str = "") -> Object:
        return self.patch(path, {"status": status}, subresource="status")

    def patch(self, path: str, patch: Object, kind: str = "merge", subresource: str | None = None) -> Object:
        if path not in self.objects:
            raise NotFound(404, "NotFound", path)
        self.writes.append(f"patch {path.split('|')[1]} {path.split('|')[3]}" + (" status" if subresource else ""))
        self.objects[path] = merged(self.objects[path], patch)
        return self.objects[path]

    def delete(self, path: str, **_: Any) -> Object | None:
        self.writes.append(f"delete {path.split('|')[1]} {path.split('|')[3]}")
        return self.objects.pop(path, None)


class FakeInformers:
    """Informers whose store is the fake cluster itself."""

    def __init__(self, kube: FakeKube) -> None:
        self.kube = kube

    def of(self, api_version: str, kind: str) -> Any:
        kube = self.kube

        class View:
            def objects(self) -> list[Object]:
                return [obj for obj in kube.objects.values() if (obj["apiVersion"], obj["kind"]) == (api_version, kind)]

            def on_node(self, node: str) -> list[Object]:
                return [obj for obj in self.objects() if obj["spec"].get("nodeName") == node]

            def find(self, key: Any) -> Object | None:
                return next((obj for obj in self.objects() if key_of(obj) == key), None)

        return View()


class World:
    """A fake cluster, its settings, and the stand-ins that run on it."""

    def __init__(self, folder: Path, profile: Object, openshift: Object) -> None:
        self.kube = FakeKube()
        self.settings = Settings(
            None,
            {"profile": profile, "openshift": openshift, "scenario": {}, "kubeconfig": "", "state": str(folder), "speed": 1.0},
        )

    def run(self, cls: type[StandIn], csv: Object | None = None) -> Any:
        """A stand-in on this cluster; events it wrote are in `events(...)`."""
        stand_in = cls(self.settings, self.kube, FakeInformers(self.kube), csv)  # type: ignore[arg-type]
        stand_in._add = lambda *_: None
        return stand_in

    def no_delays(self) -> None:
        """Every named delay is over at once."""
        self.settings.data["profile"]["delays"] = dict.fromkeys(
            ("nfd-scan", "driver-build", "toolkit-ready", "device-plugin", "gfd-labels", "validator", "lvms-vg", "lvms-provision",
             "mco-render", "drain", "reboot"), 0.0
        )  # fmt: skip

    def events(self, reason: str) -> list[Object]:
        return [obj for obj in self.kube.objects.values() if obj["kind"] == "Event" and obj["reason"] == reason]

    def node(self, name: str, labels: Object | None = None, ready: bool = True, **spec: Any) -> Object:
        status = {
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
            "nodeInfo": {"bootID": "boot-1", "kernelVersion": "5.14.0-570.49.1.el9_6.x86_64"},
        }
        meta = {"name": name, "labels": {"type": "kwok", **(labels or {})}}
        return self.kube.add({"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": status})

    def pod(self, name: str, node: str, namespace: str = "app", **extra: Any) -> Object:
        meta = {"name": name, "namespace": namespace, **extra.pop("metadata", {})}
        spec = {"nodeName": node, "containers": [{"name": "c", "image": "example.com/app:1"}], **extra}
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        return self.kube.add({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})


@pytest.fixture
def server() -> Object:
    """One GPU server as rehearsal.hardware writes it out."""
    def disk(number: int, holds: str = "nothing") -> Object:
        return {
            "name": f"nvme{number}n1", "pci": f"0000:6{number}:00.0", "holds": holds, "size_bytes": 3840755982336, "rotational": False,
            "transport": "nvme", "pci_id": "144d:a824", "class": "0108", "by_path": f"/dev/disk/by-path/pci-0000:6{number}:00.0-nvme-1",
            "by_id": f"/dev/disk/by-id/nvme-X_S{number}",
        }  # fmt: skip

    gpu = {
        "pci_id": "10de:2335", "class": "0302", "subsystem": "10de:18be", "vendor": "nvidia", "product": "NVIDIA H200", "memory_mib": 143771,
        "family": "hopper", "compute": "9.0", "mig_capable": True, "sriov_totalvfs": 20, "health": "ok",
    }  # fmt: skip
    nic = {"name": "ens1", "pci": "0000:1a:00.0", "link_layer": "Ethernet", "pci_id": "15b3:1021", "class": "0200", "subsystem": "15b3:0041", "driver": "mlx5_core", "speed_mbps": 400000,
           "mtu": 9000, "state": "up", "sriov_totalvfs": 16}  # fmt: skip
    return {
        "name": "gpu-0", "roles": ["worker"], "arch": "amd64", "system": {"vendor": "Dell Inc.", "product": "PowerEdge XE9680"},
        "cpu": {"vendor_id": "Intel", "family": 6, "model_id": 143, "sockets": 2, "threads_per_core": 2, "flags": ["AVX", "AVX2"]},
        "memory_gib": 2048, "numa_nodes": 2, "hugepages_1gi": 0, "gpus": [dict(gpu) for _ in range(8)], "nics": [nic],
        "disks": [disk(0, "os"), disk(1), disk(2)], "extras": [{"pci_id": "10de:22a3", "class": "0680"}],
    }  # fmt: skip


@pytest.fixture
def openshift() -> Object:
    """What the stand-ins read of a release."""
    return {"version": "4.20.20", "rhcos": {"ostree_version": "9.6.20250925-0", "rhel": "9.6", "kernel": "5.14.0-570.49.1.el9_6"}}


@pytest.fixture
def world(tmp_path: Path, server: Object, openshift: Object) -> World:
    """An empty cluster with one GPU server in its profile."""
    return World(tmp_path, {"nodes": [server], "delays": {}}, openshift)
