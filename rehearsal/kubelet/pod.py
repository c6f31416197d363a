# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one pod: a thread that looks at what is, does the next step, and reports.

Everything that happens (the pod changed, a process ended, a probe answered) comes through a queue, so that the pod's state has
one writer. ``step`` is called after each message and when the time it asked for has come.
"""

from __future__ import annotations

import logging
import os
import queue
import shutil
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.kube import Kube, KubeError, NotFound
from rehearsal.kubelet import hosts, network, probe_run, process
from rehearsal.kubelet.cluster import Config, Store
from rehearsal.kubelet.container import INIT, MAIN, SIDECAR, Container
from rehearsal.kubelet.env import ConfigError, environment, field, resource_field, service_environment
from rehearsal.kubelet.events import Events, timestamp
from rehearsal.kubelet.faults import DEFAULT_CODE, Faults
from rehearsal.kubelet.images import Images
from rehearsal.kubelet.logs import LogFile, Pump, last_lines
from rehearsal.kubelet.probes import Probe
from rehearsal.kubelet.runners import RUNNERS, Context
from rehearsal.kubelet.runners.base import PATH
from rehearsal.kubelet.status import phase_of, pod_status
from rehearsal.kubelet.volumes import MountError, Volumes

Obj = dict[str, Any]
log = logging.getLogger("pod")
RETRY_SECONDS = 5.0  # after trouble with volumes or configuration
REFRESH_SECONDS = 15.0  # how often Secrets, ConfigMaps and tokens are looked at again
GRACE_SECONDS = 30
FORCED_SECONDS = 2.0  # for a pod whose object is gone already
DRAIN_SECONDS = 0.05  # for the last output of a process that has ended
MESSAGE_LINES, MESSAGE_BYTES, FALLBACK_BYTES = 80, 4096, 2048


@dataclass
class Node:
    """What the pods of a kubelet share."""

    kube: Kube
    state: Path
    binaries: dict[str, str]
    delay: Callable[[str, float], float]
    images: Images
    faults: Faults
    events: Events
    config: Config
    services: Store
    slices: Store
    addresses: network.Addresses
    pump: Pump
    probes: Executor
    record: Callable[[str, int, bool], None]  # (pod uid, process id, running): for a kubelet that starts again

    @property
    def folder(self) -> Path:
        return self.state / "run" / "kubelet"

    @property
    def logs(self) -> Path:
        return self.state / "logs" / "pods"


class Pod:
    """One pod on this machine."""

    def __init__(self, node: Node, obj: Obj, on_end: Callable[[str], None]) -> None:
        self.node, self.obj, self._on_end = node, obj, on_end
        self.uid: str = obj["metadata"]["uid"]
        self.messages: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.containers = [Container(c, SIDECAR if c.get("restartPolicy") == "Always" else INIT, self._runner(c))
                           for c in obj["spec"].get("initContainers") or []]
        self.containers += [Container(c, MAIN, self._runner(c)) for c in obj["spec"]["containers"]]
        self.folder = node.folder / "pods" / self.uid
        self.ip = self.host_ip = self.netns = ""
        self._allocatable: dict[str, str] = {}
        self._sandbox = self._initialized = self._gone = self._finished = False
        self._deadline: float | None = None  # of the termination
        self._start = time.time()
        self._silent = False  # nothing to report: it had ended before this kubelet began
        self._final: tuple[str, str, str] | None = None  # (phase, reason, message) once the pod has ended
        self._published: Obj | None = None
        self._retry_at = 0.0
        self._refresh_at = 0.0
        self._hosts_lock = threading.Lock()
        self._volumes = Volumes(obj, self.folder / "volumes", node.folder / "claims", node.kube, node.config,
                                self._field, lambda ref: resource_field(self.obj, {}, ref, self._allocatable))
        self._adopt()
        self._thread = threading.Thread(target=self._run, name=f"pod-{obj['metadata']['name']}", daemon=True)

    def _adopt(self) -> None:
        """What an earlier kubelet reported: a pod that has ended stays so, restarts go on counting."""
        status = self.obj.get("status") or {}
        if status.get("phase") in ("Succeeded", "Failed"):
            self._final, self._silent = (status["phase"], status.get("reason", ""), status.get("message", "")), True
        before = {s["name"]: s for key in ("containerStatuses", "initContainerStatuses") for s in status.get(key) or []}
        for container in self.containers:
            if (before.get(container.name) or {}).get("containerID"):
                container.run, container.restarts = 1, before[container.name].get("restartCount", 0)

    @property
    def title(self) -> str:
        meta = self.obj["metadata"]
        return f"{meta['name']}_{meta['namespace']}({self.uid})"

    def start(self) -> None:
        self._thread.start()

    def tell(self, *message: Any) -> None:
        """``("pod", obj)``, ``("gone",)``, ``("exit", container, run, status)``, ``("probe", container, run, probe, ok, text)``."""
        self.messages.put(message)

    # --- the loop ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        wait: float | None = 0.0
        while not self._finished:
            try:
                self._receive(wait)
                wait = self.step(time.time())
            except (RehearsalError, KubeError, OSError) as error:
                log.warning("%s: %s", self.title, error)
                wait = RETRY_SECONDS
            except Exception:
                log.exception("%s: unexpected", self.title)
                wait = RETRY_SECONDS
        self._on_end(self.uid)

    def _receive(self, wait: float | None) -> None:
        """Handle one message, or time out, then all others that are there."""
        try:
            self._handle(self.messages.get(timeout=wait) if wait != 0.0 else self.messages.get_nowait())
            while True:
                self._handle(self.messages.get_nowait())
        except queue.Empty:
            return

    def _handle(self, message: tuple[Any, ...]) -> None:
        kind = message[0]
        if kind == "pod":
            self._changed(message[1])
        elif kind == "gone":
            self._gone = True
        elif kind == "exit":
            self._ended(*message[1:])
        elif kind == "probe":
            self._probed(*message[1:])

    def _changed(self, obj: Obj) -> None:
        """Take the newer picture; a watch may be behind our own last write."""
        if int(obj["metadata"]["resourceVersion"]) >= int(self.obj["metadata"]["resourceVersion"]):
            self.obj = self._volumes.pod = obj

    def step(self, now: float) -> float | None:
        """Do what can be done now; returns the seconds after which something is to be done without a message."""
        times: list[float] = []
        if self._gone or self.obj["metadata"].get("deletionTimestamp"):
            times += self._terminate(now)
        elif self._final is None:
            times += self._live(now)
        if not self._finished:
            self._publish(now)
        for container in self.containers:
            times += self._watch_over(container, now)
        return max(0.01, min(times) - now) if times else None

    # --- living --------------------------------------------------------------------------------------------------

    def _live(self, now: float) -> list[float]:
        deadline = self.obj["spec"].get("activeDeadlineSeconds")
        if deadline and now >= self._start + deadline:
            self._fail(now, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
            return []
        times = [self._start + deadline] if deadline else []
        if not self._sandbox:
            if now < self._retry_at:
                return [*times, self._retry_at]
            if not self._set_up(now):
                self._retry_at = now + RETRY_SECONDS
                return [*times, self._retry_at]
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH_SECONDS
            self._volumes.refresh()
        times.append(self._refresh_at)
        for container in self._runnable():
            times += self._ensure(container, now)
        self._conclude(now)
        return times

    def _set_up(self, now: float) -> bool:
        """Network, volumes, hosts file. False = not possible yet (the event says why)."""
        try:
            self._find_node()
            self._volumes.set_up()
        except (MountError, KubeError) as error:
            self.node.events.send(self.obj, "FailedMount", str(error), warning=True)
            self._wait_all("ContainerCreating")
            return False
        if self.obj["spec"].get("hostNetwork"):
            self.ip, self.netns = self.host_ip, f"/proc/{os.getpid()}/ns/net"
        else:
            self.ip = self.node.addresses.get(self.uid)
            self.netns = str(network.create(self.uid, self.ip))
        (self.folder / "resolv.conf").write_text("", encoding="utf-8")
        (self.folder / "hosts").write_text("", encoding="utf-8")
        self._sandbox = True
        self.write_hosts()
        self._refresh_at = now + REFRESH_SECONDS
        for container in self.containers:
            if container.kind == MAIN:
                container.waiting = ("ContainerCreating", "") if not self._inits() else ("PodInitializing", "")
        return True

    def _find_node(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        node = self.node.kube.get(f"/api/v1/nodes/{self.obj['spec']['nodeName']}") or {}
        status = node.get("status") or {}
        addresses = {a["type"]: a["address"] for a in status.get("addresses") or []}
        self.host_ip = addresses.get("InternalIP", network.BRIDGE_ADDRESS)
        self._allocatable = status.get("allocatable") or {}

    def _runnable(self) -> list[Container]:
        """The containers whose turn it is: init containers one by one, sidecars on the way, then all the others."""
        turn: list[Container] = []
        for container in self._inits():
            if container.kind == SIDECAR:
                turn.append(container)
                if not self._initialized and not container.started:
                    return turn
            elif not container.succeeded:
                return [*turn, container]
        self._initialized = True
        return turn + [c for c in self.containers if c.kind == MAIN]

    def _ensure(self, container: Container, now: float) -> list[float]:
        """Start the container unless it runs, is done, or must wait; returns when to look again."""
        if container.running or (container.terminated and not self._restarts(container)):
            return []
        if now < container.retry_at:
            return [container.retry_at]
        if container.terminated:
            left = container.backoff.remaining(now)
            if left:
                self._crash_loop(container)
                return [now + left]
        if not self._pull(container, now):
            return [container.retry_at]
        self._start_container(container, now)
        return [] if container.running else [container.retry_at]

    def _restarts(self, container: Container) -> bool:
        policy = self.obj["spec"].get("restartPolicy", "Always")
        if container.kind == SIDECAR:
            return True
        if container.kind == INIT:
            return not container.succeeded and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and not container.succeeded)

    def _crash_loop(self, container: Container) -> None:
        if container.waiting[0] != "CrashLoopBackOff":
            text = f"back-off {_duration(container.backoff.wait)} restarting failed container={container.name} pod={self.title}"
            container.waiting = ("CrashLoopBackOff", text)
            self.node.events.send(self.obj, "BackOff",
                                  f"Back-off restarting failed container {container.name} in pod {self.title}",
                                  container.name, warning=True, init=container.kind != MAIN)

    def _pull(self, container: Container, now: float) -> bool:
        """Whether the image is there; else ErrImagePull and ImagePullBackOff take turns."""
        if container.pulled:
            return True
        trouble = self.node.faults.pull_failure(container.image)
        init = container.kind != MAIN
        if trouble is None:
            container.pulled = True
            text = f'Container image "{container.image}" already present on machine'
            self.node.events.send(self.obj, "Pulled", text, container.name, init=init)
            return True
        if now < container.pull.until:
            text = f'Back-off pulling image "{container.image}"'
            container.waiting = ("ImagePullBackOff", f"{text}: ErrImagePull: {trouble}")
            self.node.events.send(self.obj, "BackOff", text, container.name, init=init)
            self.node.events.send(self.obj, "Failed", "Error: ImagePullBackOff", container.name, warning=True, init=init)
            container.retry_at = container.pull.until
            return False
        container.pull.failed(now)
        container.waiting = ("ErrImagePull", trouble)
        send = self.node.events.send
        send(self.obj, "Pulling", f'Pulling image "{container.image}"', container.name, init=init)
        send(self.obj, "Failed", f'Failed to pull image "{container.image}": {trouble}', container.name, warning=True, init=init)
        send(self.obj, "Failed", "Error: ErrImagePull", container.name, warning=True, init=init)
        container.retry_at = now + 1.0
        return False

    def _start_container(self, container: Container, now: float) -> None:
        init = container.kind != MAIN
        try:
            pid = self._process(container)
        except ConfigError as error:
            self._not_started(container, "CreateContainerConfigError", str(error), now + RETRY_SECONDS)
            return
        except (process.StartError, MountError, RehearsalError) as error:
            container.backoff.failed(now, 0.0)
            self._not_started(container, "CreateContainerError", str(error), max(container.backoff.until, now + RETRY_SECONDS))
            return
        if container.run:
            container.restarts += 1
        container.begin(now, pid)
        container.waiting = ("ContainerCreating", "")
        self.node.events.send(self.obj, "Created", f"Created container: {container.name}", container.name, init=init)
        self.node.events.send(self.obj, "Started", f"Started container {container.name}", container.name, init=init)
        if pid is None:
            if container.kind == INIT:  # an image without a program has nothing to do
                container.end(now, 0, "")
            return
        self.node.record(self.uid, pid, True)
        threading.Thread(target=self._wait_for, args=(container, container.run, pid), daemon=True,
                         name=f"wait-{pid}").start()

    def _not_started(self, container: Container, reason: str, message: str, retry_at: float) -> None:
        container.waiting, container.retry_at = (reason, message), retry_at
        self.node.events.send(self.obj, "Failed", f"Error: {message}", container.name, warning=True, init=container.kind != MAIN)

    def _process(self, container: Container) -> int | None:
        """Start the container's program; None when its image has none here."""
        env = self._environment(container)
        runner = RUNNERS.get(container.runner or "pause", RUNNERS["pause"])
        node = self.node
        launch = runner(Context(self.obj, container.spec, env, self.ip, node.state, node.binaries, node.delay, node.faults.scenario()))
        number = container.restarts + (1 if container.run else 0)
        self._drop_old_logs(container.name, number)
        if launch is None:
            LogFile(self.log_path(container.name, number)).close()
            return None
        place = process.Place(self.folder / "containers" / container.name, self.netns, hosts.hostname(self.obj),
                              self.folder / "hosts", self.folder / "resolv.conf")
        mounts = process.volume_mounts(container.spec, self._volumes, env)
        container.env = env
        with LogFile(self.log_path(container.name, number)) as log_file:
            return process.start(launch, container.spec, env, mounts, place, log_file, self.node.pump)

    def _environment(self, container: Container) -> dict[str, str]:
        spec, namespace = self.obj["spec"], self.obj["metadata"]["namespace"]
        links = spec.get("enableServiceLinks", True) is not False
        base = {"PATH": PATH, "HOSTNAME": hosts.hostname(self.obj), "HOME": "/",
                **service_environment(self.node.services.all(), namespace, links)}
        return environment(
            container.spec, base, lambda kind, name: self.node.config.text(kind, namespace, name), namespace, self._field,
            lambda ref: resource_field(self.obj, container.spec, ref, self._allocatable))

    def _conclude(self, now: float) -> None:
        """See whether the pod has ended by itself."""
        policy = self.obj["spec"].get("restartPolicy", "Always")
        phase = phase_of(self.containers, self._initialized, policy)
        if phase in ("Succeeded", "Failed"):
            self._finish(now, phase, "", "")

    def _fail(self, now: float, reason: str, message: str) -> None:
        self.node.events.send(self.obj, reason, message, warning=True)
        self._finish(now, "Failed", reason, message)

    def _finish(self, now: float, phase: str, reason: str, message: str) -> None:
        self._final = (phase, reason, message)
        for container in self.containers:
            self._ask_to_end(container, now, FORCED_SECONDS)

    # --- dying ---------------------------------------------------------------------------------------------------

    def _terminate(self, now: float) -> list[float]:
        """Main containers first, then sidecars, then network, volumes and the object itself."""
        if self._deadline is None:
            grace = self.obj["metadata"].get("deletionGracePeriodSeconds", GRACE_SECONDS)
            self._deadline = now + (FORCED_SECONDS if self._gone else float(grace))
        for kinds in ((MAIN, INIT), (SIDECAR,)):
            alive = [c for c in self.containers if c.kind in kinds and c.running]
            for container in alive:
                if container.kill_at is None:
                    self.node.events.send(self.obj, "Killing", f"Stopping container {container.name}", container.name)
                self._ask_to_end(container, now, max(1.0, self._deadline - now))
            if any(c.running for c in alive):
                return []
        self._tear_down()
        self._final = self._final or (self._last_phase(), "", "")
        if not self._gone:
            self._publish(now)
            meta = self.obj["metadata"]
            self.node.kube.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", grace_seconds=0, uid=self.uid)
            if meta.get("finalizers"):
                return []  # the object stays until its finalizers are gone; DELETED will tell
        self._clean()
        return []

    def _last_phase(self) -> str:
        """Phase of a pod that was ended from outside (only seen by who reads it at that very moment)."""
        mains = [c for c in self.containers if c.kind == MAIN]
        return "Succeeded" if mains and all(c.succeeded for c in mains) else "Failed" if any(c.run for c in mains) else "Pending"

    def _tear_down(self) -> None:
        if not self.obj["spec"].get("hostNetwork"):
            network.remove(self.uid)
        self._volumes.tear_down()
        self._sandbox = False

    def _clean(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._log_folder(), ignore_errors=True)
        self.node.addresses.release(self.uid)
        self.node.events.forget(self.uid)
        self._finished = True

    def _ask_to_end(self, container: Container, now: float, grace: float) -> None:
        if not container.running or container.kill_at is not None:
            return
        container.kill_at = now + grace
        if container.pid is None:
            container.end(now, 0, "")
        else:
            _signal(container.pid, signal.SIGCONT)  # a hung one must be able to hear
            _signal(container.pid, signal.SIGTERM)

    # --- watching over running containers --------------------------------------------------------------------------

    def _watch_over(self, container: Container, now: float) -> list[float]:
        """Kill times, faults and probes of a running container; returns when to look again."""
        if not container.running or container.pid is None:
            return []
        if container.kill_at is not None:
            if now >= container.kill_at:
                _signal(container.pid, signal.SIGKILL)
                return [now + 1.0]
            return [container.kill_at]
        times = self._strike(container, now)
        if container.probes is None or container.kill_at is not None:
            return times
        dead = container.probes.dead()
        if dead:
            self.node.events.send(self.obj, "Killing", f"Container {container.name} failed {dead.spec.kind} probe, will be restarted",
                                  container.name)
            grace = dead.spec.grace_seconds or self.obj["spec"].get("terminationGracePeriodSeconds") or GRACE_SECONDS
            self._ask_to_end(container, now, float(grace))
            return [container.kill_at] if container.kill_at else []
        for probe in container.probes.due(now):
            probe.begin(now)
            self.node.probes.submit(self._probe, container, container.run, container.pid, probe)
        following = container.probes.next_due()
        return [*times, following] if following is not None else times

    def _strike(self, container: Container, now: float) -> list[float]:
        """The scenario's fault for this container, when its time has come."""
        if container.ready_at is None and container.ready:
            container.ready_at = now
        fault, pid = self.node.faults.of_image(container.image), container.pid or 0
        if fault is None:
            if container.faulted:  # repaired
                container.faulted = container.struck = False
                _signal(pid, signal.SIGCONT)
            return []
        left = self.node.faults.seconds(fault, container, now)
        if left is None or left > 0:
            return [] if left is None else [now + left]
        if not container.struck and fault.get("log"):
            with LogFile(self.log_path(container.name, container.restarts)) as log_file:
                log_file.write("stderr", str(fault["log"]).encode())
        container.faulted = container.struck = True
        if fault["action"] == "hang":
            _signal(pid, signal.SIGSTOP)
            return [now + RETRY_SECONDS]  # looks again, in case the fault has been taken out of the scenario
        container.forced_code = int(fault.get("code", DEFAULT_CODE))
        _signal(pid, signal.SIGKILL)
        return []

    def _probe(self, container: Container, run: int, pid: int, probe: Probe) -> None:
        """In a thread of the pool."""
        spec = probe.spec

        def execute(argv: list[str]) -> Any:
            return process.execute(pid, argv, container.env, container.spec.get("workingDir") or "/", spec.timeout)

        try:
            good, text = probe_run.run(spec.handler, container.spec, self.ip, spec.timeout, execute)
        except Exception as error:  # whatever it is, it's a failed probe and not the end of probing
            good, text = False, str(error)
        self.tell("probe", container, run, probe, good, text)

    def _probed(self, container: Container, run: int, probe: Probe, good: bool, text: str) -> None:
        if container.run != run or not container.running:
            return
        if not good:
            title = probe.spec.kind.capitalize()
            self.node.events.send(self.obj, "Unhealthy", f"{title} probe failed: {text}", container.name, warning=True)
        probe.result(good)

    # --- ends ----------------------------------------------------------------------------------------------------

    def _wait_for(self, container: Container, run: int, pid: int) -> None:
        """In a thread of its own: the only one that waits for this process."""
        _, status = os.waitpid(pid, 0)
        time.sleep(DRAIN_SECONDS)
        self.node.record(self.uid, pid, False)
        self.tell("exit", container, run, status)

    def _ended(self, container: Container, run: int, status: int) -> None:
        if container.run != run:
            return
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
        if container.forced_code is not None:
            code = container.forced_code
        container.end(time.time(), code, self._message(container, code))

    def _message(self, container: Container, code: int) -> str:
        """The termination message: the file that the container may write, else (by policy) the end of its log."""
        path = self.folder / "containers" / container.name / "termination-log"
        text = path.read_bytes()[:MESSAGE_BYTES].decode("utf-8", "replace") if path.exists() else ""
        if not text and code != 0 and container.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            text = last_lines(self.log_path(container.name, container.restarts), MESSAGE_LINES, FALLBACK_BYTES)
        return text

    # --- reporting -----------------------------------------------------------------------------------------------

    def _publish(self, now: float) -> None:
        """Bring the API's picture up to date, if it differs."""
        policy = self.obj["spec"].get("restartPolicy", "Always")
        phase, reason, message = self._final or (phase_of(self.containers, self._initialized, policy), "", "")
        for container in self.containers:
            if container.ready_at is None and container.running and container.ready:
                container.ready_at = now
        status = pod_status(
            self.obj, self.containers, phase=phase, sandbox=self._sandbox, initialized=self._initialized, pod_ip=self.ip,
            host_ip=self.host_ip or network.BRIDGE_ADDRESS, start_time=timestamp(self._start), now=timestamp(now),
            reason=reason, message=message)
        if self._silent or status == self._published:
            return
        meta = self.obj["metadata"]
        try:
            self._changed(self.node.kube.apply_status(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", status))
            self._published = status
        except NotFound:
            self._gone = True
            self.tell("gone")

    def write_hosts(self) -> None:
        """Write /etc/hosts in place (containers have this very file mounted)."""
        if not self._sandbox:
            return
        text = hosts.hosts(self.obj, self.ip, self.node.services.all(), self.node.slices.all())
        path = self.folder / "hosts"
        with self._hosts_lock:
            if path.exists() and path.read_text(encoding="utf-8") != text:
                with path.open("r+", encoding="utf-8") as out:
                    out.write(text)
                    out.truncate()

    def log_path(self, container: str, number: int) -> Path:
        return self._log_folder() / container / f"{number}.log"

    def _log_folder(self) -> Path:
        meta = self.obj["metadata"]
        return self.node.logs / f"{meta['namespace']}_{meta['name']}_{self.uid}"

    def _drop_old_logs(self, container: str, number: int) -> None:
        """Keep this run's log and the one before, as kubelets do."""
        for path in (self._log_folder() / container).glob("*.log*"):
            if path.name.split(".")[0].isdigit() and int(path.name.split(".")[0]) < number - 1:
                path.unlink(missing_ok=True)

    # --- small ---------------------------------------------------------------------------------------------------

    def _runner(self, container: Obj) -> str | None:
        return self.node.images.runner(container.get("image", ""))

    def _inits(self) -> list[Container]:
        return [c for c in self.containers if c.kind != MAIN]

    def _field(self, path: str) -> str:
        return field(self.obj, path, self.host_ip, self.ip)

    def _wait_all(self, reason: str) -> None:
        for container in self.containers:
            if container.run == 0:
                container.waiting = (reason, "") if container.kind != MAIN or not self._inits() else ("PodInitializing", "")


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it has ended meanwhile; its waiting thread reports that


def _duration(seconds: float) -> str:
    """As Go prints it: 10s, 1m20s, 5m0s."""
    whole = round(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60}s"
