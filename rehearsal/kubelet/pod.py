# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one pod: a thread that looks at what is, does the next step, and reports.

Everything that happens (the pod changed, a process ended, a probe answered) comes through a queue, so that the pod's state has
one writer. ``step`` is called after each message and when the time it asked for has come.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.kube import KubeError, NotFound
from rehearsal.kubelet import network, process
from rehearsal.kubelet.container import INIT, MAIN, SIDECAR, Container
from rehearsal.kubelet.events import timestamp
from rehearsal.kubelet.logs import last_lines
from rehearsal.kubelet.node import Node
from rehearsal.kubelet.sandbox import Sandbox
from rehearsal.kubelet.starter import Starter
from rehearsal.kubelet.status import phase_of, pod_status
from rehearsal.kubelet.volumes import MountError
from rehearsal.kubelet.watcher import GRACE_SECONDS, Watcher

Obj = dict[str, Any]
log = logging.getLogger("pod")
RETRY_SECONDS = 5.0  # after trouble with volumes, or with the API
REFRESH_SECONDS = 15.0  # how often Secrets, ConfigMaps and tokens are looked at again
FORCED_SECONDS = 2.0  # for a pod whose object is gone already
MESSAGE_LINES, MESSAGE_BYTES, FALLBACK_BYTES = 80, 4096, 2048


class Pod:
    """One pod on this machine. ``on_end(uid)`` is called when nothing of it is left."""

    def __init__(self, node: Node, obj: Obj, on_end: Callable[[str], None], clock: Callable[[], float] = time.time) -> None:
        self.node, self.obj, self._on_end, self._clock = node, obj, on_end, clock
        self.uid: str = obj["metadata"]["uid"]
        self.box = Sandbox(node, obj)
        self._messages: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._starter = Starter(self.box, lambda *what: self.tell("exit", *what))
        self._watcher = Watcher(self.box, lambda *what: self.tell("probe", *what))
        self.containers = [Container(c, SIDECAR if c.get("restartPolicy") == "Always" else INIT, node.images.runner_of(c))
                           for c in obj["spec"].get("initContainers") or []]
        self.containers += [Container(c, MAIN, node.images.runner_of(c)) for c in obj["spec"]["containers"]]
        self._initialized = self._gone = self._finished = False
        self._silent = False  # nothing to report: it had ended before this kubelet began
        self._deadline: float | None = None  # of the termination
        self._start = clock()
        self._final: tuple[str, str, str] | None = None  # (phase, reason, message) once the pod has ended
        self._published: Obj | None = None
        self._retry_at = self._refresh_at = 0.0
        self._adopt()
        self._thread = threading.Thread(target=self._run, name=f"pod-{obj['metadata']['name']}", daemon=True)

    @property
    def title(self) -> str:
        meta = self.obj["metadata"]
        return f"{meta['name']}_{meta['namespace']}({self.uid})"

    def start(self) -> None:
        self._thread.start()

    def tell(self, *message: Any) -> None:
        """``("pod", obj)``, ``("gone",)``, ``("exit", container, run, code)``, ``("probe", container, run, probe, ok, text)``."""
        self._messages.put(message)

    def _adopt(self) -> None:
        """What an earlier kubelet reported: a pod that has ended stays so, restarts go on counting."""
        status = self.obj.get("status") or {}
        if status.get("phase") in ("Succeeded", "Failed"):
            self._final, self._silent = (status["phase"], status.get("reason", ""), status.get("message", "")), True
        before = {s["name"]: s for key in ("containerStatuses", "initContainerStatuses") for s in status.get(key) or []}
        for container in self.containers:
            told = before.get(container.name) or {}
            if told.get("containerID"):
                container.run, container.restarts, container.was_ready = 1, told.get("restartCount", 0), bool(told.get("ready"))

    # --- the loop ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        wait: float | None = 0.0
        while not self._finished:
            try:
                self._receive(wait)
                wait = self.step(self._clock())
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
            self._handle(self._messages.get(timeout=wait) if wait != 0.0 else self._messages.get_nowait())
            while True:
                self._handle(self._messages.get_nowait())
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
            self._watcher.probed(*message[1:])

    def _changed(self, obj: Obj) -> None:
        """Take the newer picture; a watch may be behind our own last write."""
        if int(obj["metadata"]["resourceVersion"]) >= int(self.obj["metadata"]["resourceVersion"]):
            self.obj = self.box.obj = self.box.volumes.pod = obj

    def step(self, now: float) -> float | None:
        """Do what can be done now; returns the seconds after which something is to be done without a message."""
        times: list[float] = []
        if self._gone or self.obj["metadata"].get("deletionTimestamp"):
            self._terminate(now)
        elif self._final is None:
            times += self._live(now)
        if not self._finished:
            self._publish(now)
        for container in self.containers:
            times += self._watcher.look(container, now)
        return max(0.01, min(times) - now) if times else None

    # --- living --------------------------------------------------------------------------------------------------

    def _live(self, now: float) -> list[float]:
        deadline = self.obj["spec"].get("activeDeadlineSeconds")
        if deadline and now >= self._start + deadline:
            self._fail(now, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
            return []
        times = [self._start + deadline] if deadline else []
        if not self.box.ready and not self._set_up(now):
            return [*times, self._retry_at]
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH_SECONDS
            self.box.volumes.refresh()
        times.append(self._refresh_at)
        for container in self._runnable():
            times += self._ensure(container, now)
        phase = phase_of(self.containers, self._initialized, self._policy)
        if phase in ("Succeeded", "Failed"):
            self._finish(now, phase, "", "")
        return times

    def _set_up(self, now: float) -> bool:
        """Network, volumes, hosts file. False = not possible yet (an event says why)."""
        if waits_for_networks(self.obj):  # Multus says why
            self._retry_at = now + 1.0
            return False
        if now < self._retry_at:
            return False
        try:
            self.box.set_up()
        except (MountError, KubeError, process.StartError) as error:
            self._retry_at = now + RETRY_SECONDS
            self.node.events.send(self.obj, "FailedMount", str(error), warning=True)
        else:
            self._refresh_at = now + REFRESH_SECONDS
        for container in self.containers:
            if not self._inits() or container.kind != MAIN:
                container.waiting = ("ContainerCreating", "")
        return self.box.ready

    def _runnable(self) -> list[Container]:
        """The containers whose turn it is: init containers one by one, sidecars on the way, then all the others."""
        turn: list[Container] = []
        for container in self._inits():
            if container.kind == SIDECAR:
                turn.append(container)
                if not self._initialized and not container.started:
                    return turn
            elif not container.succeeded and not self._initialized:
                return [*turn, container]
        self._initialized = True
        return turn + [c for c in self.containers if c.kind == MAIN]

    def _ensure(self, container: Container, now: float) -> list[float]:
        """Start the container unless it runs, is done, or must wait; returns when to look again."""
        if container.running or (container.terminated and not self._restarts(container)):
            return []
        if now < container.retry_at:
            return [container.retry_at]
        left = container.backoff.remaining(now) if container.terminated else 0.0
        if left:
            self._crash_loop(container)
            return [now + left]
        self._starter.start(container, now)
        return [] if container.running else [container.retry_at]

    def _restarts(self, container: Container) -> bool:
        if container.kind == SIDECAR:
            return True
        if container.kind == INIT:
            return not container.succeeded and self._policy != "Never"
        return self._policy == "Always" or (self._policy == "OnFailure" and not container.succeeded)

    def _crash_loop(self, container: Container) -> None:
        if container.waiting[0] == "CrashLoopBackOff":
            return
        wait = duration(container.backoff.wait)
        container.waiting = ("CrashLoopBackOff", f"back-off {wait} restarting failed container={container.name} pod={self.title}")
        text = f"Back-off restarting failed container {container.name} in pod {self.title}"
        self.node.events.send(self.obj, "BackOff", text, container.name, warning=True, init=container.kind != MAIN)

    def _fail(self, now: float, reason: str, message: str) -> None:
        self.node.events.send(self.obj, reason, message, warning=True)
        self._finish(now, "Failed", reason, message)

    def _finish(self, now: float, phase: str, reason: str, message: str) -> None:
        """The pod has ended by itself; sidecars that still run end with it."""
        self._final = (phase, reason, message)
        for container in self.containers:
            self._watcher.ask_to_end(container, now, FORCED_SECONDS)

    def _ended(self, container: Container, run: int, code: int) -> None:
        if container.run != run:
            return
        if container.forced_code is not None:
            code = container.forced_code
        container.end(self._clock(), code, self._message(container, code))

    def _message(self, container: Container, code: int) -> str:
        """The termination message: the file that the container may write, else (by policy) the end of its log."""
        path = self.box.place(container.name).folder / "termination-log"
        text = path.read_bytes()[:MESSAGE_BYTES].decode("utf-8", "replace") if path.exists() else ""
        if not text and code != 0 and container.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            text = last_lines(self.box.log_path(container.name, container.restarts), MESSAGE_LINES, FALLBACK_BYTES)
        return text

    # --- dying ---------------------------------------------------------------------------------------------------

    def _terminate(self, now: float) -> None:
        """Main containers first, then sidecars, then network, volumes and the object itself."""
        if self._deadline is None:
            grace = self.obj["metadata"].get("deletionGracePeriodSeconds", GRACE_SECONDS)
            self._deadline = now + (FORCED_SECONDS if self._gone else float(grace))
        for kinds in ((MAIN, INIT), (SIDECAR,)):
            if self._end_all([c for c in self.containers if c.kind in kinds and c.running], now):
                return
        self.box.tear_down()
        self._final = self._final or (self._last_phase(), "", "")
        if not self._gone:
            self._publish(now)
            meta = self.obj["metadata"]
            self.node.kube.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", grace_seconds=0, uid=self.uid)
            if meta.get("finalizers"):
                return  # the object stays until its finalizers are gone; DELETED will tell
        self.box.forget()
        self._finished = True

    def _end_all(self, alive: list[Container], now: float) -> bool:
        """Ask them to end; True while one of them still runs."""
        for container in alive:
            if container.kill_at is None:
                self.node.events.send(self.obj, "Killing", f"Stopping container {container.name}", container.name,
                                      init=container.kind != MAIN)
            self._watcher.ask_to_end(container, now, max(1.0, (self._deadline or now) - now))
        return any(container.running for container in alive)

    def _last_phase(self) -> str:
        """Phase of a pod that was ended from outside (only seen by who reads it at that very moment)."""
        mains = [c for c in self.containers if c.kind == MAIN]
        if all(c.succeeded for c in mains):
            return "Succeeded"
        return "Failed" if any(c.run for c in mains) else "Pending"

    # --- reporting -----------------------------------------------------------------------------------------------

    def _publish(self, now: float) -> None:
        """Bring the API's picture up to date, if it differs."""
        phase, reason, message = self._final or (phase_of(self.containers, self._initialized, self._policy), "", "")
        status = pod_status(
            self.obj, self.containers, phase=phase, sandbox=self.box.ready, initialized=self._initialized, pod_ip=self.box.ip,
            host_ip=self.box.host_ip or network.BRIDGE_ADDRESS, start_time=timestamp(self._start), now=timestamp(now),
            reason=reason, message=message)
        if self._silent or status == self._published:
            return
        meta = self.obj["metadata"]
        try:
            self._changed(self.node.kube.apply_status(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", status))
            self._published = status
        except NotFound:
            self.tell("gone")

    # --- small ---------------------------------------------------------------------------------------------------

    @property
    def _policy(self) -> str:
        return str(self.obj["spec"].get("restartPolicy", "Always"))

    def _inits(self) -> list[Container]:
        return [c for c in self.containers if c.kind != MAIN]


def duration(seconds: float) -> str:
    """As Go prints it: 10s, 1m20s, 5m0s."""
    whole = round(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60}s"


def waits_for_networks(pod: Obj) -> bool:
    """True while Multus hasn't attached the additional networks that a pod asks for."""
    notes = pod["metadata"].get("annotations") or {}
    asked = notes.get("k8s.v1.cni.cncf.io/networks") and not pod["spec"].get("hostNetwork")
    return bool(asked) and not notes.get("k8s.v1.cni.cncf.io/network-status")
