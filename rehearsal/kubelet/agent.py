# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the pods that are run here, and keeps what all of them need: names, Services, logs, the table of processes."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rehearsal.kube import Kube, KubeError
from rehearsal.kubelet import api, network, services
from rehearsal.kubelet.cluster import Config, Store
from rehearsal.kubelet.events import Events
from rehearsal.kubelet.execute import Inside
from rehearsal.kubelet.faults import Faults
from rehearsal.kubelet.images import Images
from rehearsal.kubelet.logs import Pump
from rehearsal.kubelet.node import Node
from rehearsal.kubelet.pod import Pod
from rehearsal.operators import pod_logs
from rehearsal.operators.settings import Settings
from rehearsal.operators.sriov_nics import faulty_nics

Obj = dict[str, Any]
log = logging.getLogger("kubelet")
PROBE_THREADS = 12
SETTLE_SECONDS = 0.2  # changes of Services and endpoints come in bunches


class Agent:
    """One kubelet for all nodes of the rehearsal: a pod may be bound to any of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kube = Kube.from_kubeconfig(settings.kubeconfig, "kubelet")
        self.folder = settings.state / "run" / "kubelet"
        for name in ("pods", "claims"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.images = Images.load(settings.openshift, scenario=settings.scenario)
        self._pods: dict[str, Pod] = {}
        self._lock = threading.Lock()
        self._names_changed = threading.Event()
        self._processes = Processes(self.folder / "processes.json")
        self._forwarder = services.Forwarder()
        touched = self._names_changed.set
        self.node = Node(
            kube=self.kube, state=settings.state, binaries=settings.data.get("bin") or {}, delay=settings.delay,
            images=self.images, faults=Faults(lambda: settings.scenario, settings.speed), events=Events(self.kube),
            config=Config(self.kube), services=Store(self.kube, "/api/v1/services", touched),
            slices=Store(self.kube, "/apis/discovery.k8s.io/v1/endpointslices", touched),
            addresses=network.Addresses(self.folder / "addresses.json"), pump=Pump(),
            probes=ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe"), images_there=set(), record=self._processes.record,
            nics=self._nics,
        )

    def run(self) -> None:
        """Start everything; then watch pods for ever."""
        self._processes.end_leftovers()
        pki = self.settings.state / "run" / "pki"
        api.serve(self._find_log, self._find_process, pki / "kubelet.crt", pki / "kubelet.key")
        self._forwarder.start()
        self._forget_gone()
        for store in (self.node.services, self.node.slices):
            threading.Thread(target=store.run, name="names", daemon=True).start()
        threading.Thread(target=self._follow_names, name="hosts", daemon=True).start()
        log.info("watching pods")
        self.kube.watch("/api/v1/pods", self._on_pod)

    def _nics(self, node: str) -> list[Obj]:
        """The node's cards as they are now: what a scenario did to cables and cards shows in pods, too."""
        server = next((row for row in self.settings.profile.get("nodes") or [] if row["name"] == node), None)
        return faulty_nics(server, self.settings.scenario) if server else []

    # --- pods ----------------------------------------------------------------------------------------------------

    def _on_pod(self, event: str, obj: Obj) -> None:
        uid = obj["metadata"]["uid"]
        with self._lock:
            pod = self._pods.get(uid)
        if event == "DELETED":
            if pod:
                pod.tell("gone")
        elif pod:
            pod.tell("pod", obj)
        elif obj["spec"].get("nodeName") and self.images.is_real(obj):
            self._adopt(uid, obj)

    def _adopt(self, uid: str, obj: Obj) -> None:
        pod = Pod(self.node, obj, self._ended)
        with self._lock:
            self._pods[uid] = pod
        log.info("pod %s on %s", pod.title, obj["spec"]["nodeName"])
        pod.start()

    def _ended(self, uid: str) -> None:
        with self._lock:
            pod = self._pods.pop(uid, None)
        if pod:
            log.info("pod %s has gone", pod.title)

    def _forget_gone(self) -> None:
        """Addresses, folders and logs of pods that don't exist any more (they went while no kubelet ran)."""
        alive = {pod["metadata"]["uid"] for pod in self.kube.list("/api/v1/pods")}
        for uid in self.node.addresses.keep_only(alive):
            network.remove(uid)
        for folder in (self.folder / "pods").iterdir():
            if folder.name not in alive:
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self.node.logs.glob("*_*_*"):
            if folder.name.rpartition("_")[2] not in alive:
                shutil.rmtree(folder, ignore_errors=True)

    # --- names ---------------------------------------------------------------------------------------------------

    def _follow_names(self) -> None:
        """After each bunch of changes: the pods' hosts files, and where Services lead."""
        while True:
            self._names_changed.wait()
            time.sleep(SETTLE_SECONDS)
            self._names_changed.clear()
            self._forwarder.update(*services.table(self.node.services.all(), self.node.slices.all()))
            with self._lock:
                pods = list(self._pods.values())
            for pod in pods:
                try:
                    pod.box.write_hosts()
                except OSError as error:
                    log.warning("hosts file of %s: %s", pod.title, error)

    # --- logs and commands ---------------------------------------------------------------------------------------

    def _named(self, namespace: str, name: str) -> Pod | None:
        with self._lock:
            pods = [p for p in self._pods.values()
                    if (p.obj["metadata"]["namespace"], p.obj["metadata"]["name"]) == (namespace, name)]
        return pods[-1] if pods else None

    def _find_process(self, namespace: str, name: str, container: str) -> Inside | api.Refusal:
        pod = self._named(namespace, name)
        if pod is None:
            return api.Refusal(501, f"pod {namespace}/{name} is only simulated in this rehearsal: it has no process to run a command beside")
        found = next((c for c in pod.containers if c.name == container), None)
        if found is None or not found.running:
            return api.Refusal(500, f'container not found ("{container}")')
        if found.pid is None:
            return api.Refusal(501, f"container {container} of pod {namespace}/{name} has no process in this rehearsal: its image has no program here")
        return Inside(found.pid, found.env, found.spec.get("workingDir") or "/")

    def _find_log(self, namespace: str, name: str, container: str, previous: bool) -> api.Found:
        pod = self._named(namespace, name)
        if pod is None:
            return self._other_log(namespace, name, container)
        found = next((c for c in pod.containers if c.name == container), None)
        if found is None:
            return api.Refusal(400, f"container {container} is not valid for pod {name}")
        number = found.restarts - 1 if previous else found.restarts
        if number < 0:
            return api.Refusal(400, f'previous terminated container "{container}" in pod "{name}" not found')
        alive = _Alive(lambda: found.running and found.restarts == number)
        return pod.box.log_path(container, number), alive

    def _other_log(self, namespace: str, name: str, container: str) -> api.Found:
        """The log that an operator stand-in wrote for a pod that it plays, or why there is none."""
        try:
            pod = self.kube.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
        except KubeError as error:
            return api.Refusal(500, f"can't look up pod {namespace}/{name}: {error}")
        played = pod_logs.path(self.settings.state, pod["metadata"]["uid"], container) if pod else None
        if played is not None and played.exists():
            return played, threading.Event()  # not set: nothing follows
        if pod and not self.images.is_real(pod):
            return api.Refusal(501, f"pod {namespace}/{name} is only simulated in this rehearsal: it has no process and no log")
        return api.Refusal(404, f"pod {namespace}/{name} is not running on this node")


class _Alive(threading.Event):
    """An event that is set as long as a condition holds."""

    def __init__(self, holds: Any) -> None:
        super().__init__()
        self._holds = holds

    def is_set(self) -> bool:
        return bool(self._holds())


class Processes:
    """The containers' processes on disk, so that a kubelet that starts anew can end what an earlier one left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}  # process id -> its start time: an id may be used again by another process

    def record(self, pid: int, running: bool) -> None:
        with self._lock:
            if running:
                self._known[str(pid)] = start_time(pid)
            else:
                self._known.pop(str(pid), None)
            self._path.write_text(json.dumps({"sandbox": sandbox_id(), "pids": self._known}), encoding="utf-8")

    def end_leftovers(self) -> None:
        """Only processes of this very sandbox, and only the very same ones."""
        try:
            saved = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if saved.get("sandbox") != sandbox_id():
            return
        for pid, started in saved.get("pids", {}).items():
            if started and start_time(int(pid)) == started:
                log.info("ending process %s of an earlier kubelet", pid)
                os.kill(int(pid), signal.SIGKILL)


def sandbox_id() -> str:
    return os.readlink("/proc/self/ns/pid")


def start_time(pid: int) -> str:
    """Field 22 of /proc/PID/stat; "" when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
