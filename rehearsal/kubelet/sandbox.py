# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surroundings of one pod's containers: network, volumes, names, logs - what a runtime calls the pod's sandbox."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

from rehearsal.kubelet import hosts, network, process
from rehearsal.kubelet.container import Container
from rehearsal.kubelet.env import environment, field, resource_field, service_environment
from rehearsal.kubelet.logs import LogFile
from rehearsal.kubelet.node import Node
from rehearsal.kubelet.runners.base import PATH, Launch
from rehearsal.kubelet.volumes import Volumes

Obj = dict[str, Any]
# Process 1 of a pod whose containers share their process ids; it also buries what the others leave
PAUSE = ["/bin/bash", "-c", "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"]


class Sandbox:
    """``obj`` is kept up to date by the pod."""

    def __init__(self, node: Node, obj: Obj) -> None:
        self.node, self.obj = node, obj
        self.uid: str = obj["metadata"]["uid"]
        self.namespace: str = obj["metadata"]["namespace"]
        self.folder = node.folder / "pods" / self.uid
        self.ready = False
        self.ip = self.host_ip = self.netns = ""
        self.pause: int | None = None
        self._allocatable: dict[str, str] = {}
        self._hosts_lock = threading.Lock()
        self.volumes = Volumes(obj, self.folder / "volumes", node.folder / "claims", node.kube, node.config,
                               self.field, lambda ref: resource_field(self.obj, {}, ref, self._allocatable))

    def set_up(self) -> None:
        """Raises MountError or KubeError when it isn't possible yet; may then be called again."""
        self._find_node()
        self.volumes.set_up()
        if self.obj["spec"].get("hostNetwork"):
            self.ip, self.netns = self.host_ip, f"/proc/{os.getpid()}/ns/net"
        else:
            self.ip = self.node.addresses.get(self.uid)
            self.netns = str(network.create(self.uid, self.ip))
        for name in ("resolv.conf", "hosts"):
            (self.folder / name).write_text("", encoding="utf-8")
        self.ready = True
        self.write_hosts()
        if self.obj["spec"].get("shareProcessNamespace"):
            with LogFile(self.folder / "pause.log") as log:
                started = process.start(Launch(PAUSE), {"name": "pause"}, {"PATH": PATH}, [], self.place("pause"), log, self.node.pump)
            self.pause = started.pid
            self.node.record(started.pid, True)

    def _find_node(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        node = self.node.kube.get(f"/api/v1/nodes/{self.obj['spec']['nodeName']}") or {}
        status = node.get("status") or {}
        addresses = {a["type"]: a["address"] for a in status.get("addresses") or []}
        self.host_ip = addresses.get("InternalIP", network.BRIDGE_ADDRESS)
        self._allocatable = status.get("allocatable") or {}

    def tear_down(self) -> None:
        """All containers have ended. Safe to call twice."""
        if self.pause is not None:
            process.send(self.pause, process.KILL)
            os.waitpid(self.pause, 0)
            self.node.record(self.pause, False)
            self.pause = None
        if not self.obj["spec"].get("hostNetwork"):
            network.remove(self.uid)
        self.volumes.tear_down()
        self.ready = False

    def forget(self) -> None:
        """The pod's object is gone: so are its files, its logs, its address."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.log_folder(), ignore_errors=True)
        self.node.addresses.release(self.uid)
        self.node.events.forget(self.uid)

    # --- what containers need ------------------------------------------------------------------------------------

    def place(self, container: str) -> process.Place:
        return process.Place(
            self.folder / "containers" / container, self.netns, hosts.hostname(self.obj), self.folder / "hosts",
            self.folder / "resolv.conf", f"/proc/{self.pause}/ns/pid" if self.pause else None)

    def environment(self, container: Container) -> dict[str, str]:
        """Raises ConfigError when a Secret, ConfigMap or key is missing."""
        links = self.obj["spec"].get("enableServiceLinks", True) is not False
        base = {"PATH": PATH, "HOSTNAME": hosts.hostname(self.obj), "HOME": "/",
                **service_environment(self.node.services.all(), self.namespace, links)}
        return environment(
            container.spec, base, lambda kind, name: self.node.config.text(kind, self.namespace, name), self.namespace,
            self.field, lambda ref: resource_field(self.obj, container.spec, ref, self._allocatable))

    def field(self, path: str) -> str:
        return field(self.obj, path, self.host_ip, self.ip)

    def write_hosts(self) -> None:
        """Write /etc/hosts in place (containers have this very file mounted)."""
        if not self.ready:
            return
        text = hosts.hosts(self.obj, self.ip, self.node.services.all(), self.node.slices.all())
        path = self.folder / "hosts"
        with self._hosts_lock:
            if path.exists() and path.read_text(encoding="utf-8") != text:
                with path.open("r+", encoding="utf-8") as out:
                    out.write(text)
                    out.truncate()

    # --- logs ----------------------------------------------------------------------------------------------------

    def log_folder(self) -> Path:
        meta = self.obj["metadata"]
        return self.node.logs / f"{meta['namespace']}_{meta['name']}_{self.uid}"

    def log_path(self, container: str, number: int) -> Path:
        """The log of run ``number`` (0 is the first)."""
        return self.log_folder() / container / f"{number}.log"

    def drop_old_logs(self, container: str, number: int) -> None:
        """Keep the log of run ``number`` and of the one before, as kubelets do."""
        for path in (self.log_folder() / container).glob("*.log*"):
            head = path.name.split(".")[0]
            if head.isdigit() and int(head) < number - 1:
                path.unlink(missing_ok=True)
