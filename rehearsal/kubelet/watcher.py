# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches over running containers: ends those that were asked to end, probes, and does what the scenario wants to be broken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rehearsal.kubelet import probe_run, process
from rehearsal.kubelet.container import MAIN, Container
from rehearsal.kubelet.faults import DEFAULT_CODE
from rehearsal.kubelet.logs import LogFile
from rehearsal.kubelet.probes import Probe
from rehearsal.kubelet.sandbox import Sandbox

Obj = dict[str, Any]
GRACE_SECONDS = 30
LOOK_SECONDS = 5.0  # how often a hung process is looked at, in case the fault has been taken out of the scenario
OnProbe = Callable[[Container, int, Probe, bool, str], None]


def _terminate(pid: int) -> None:
    process.send(pid, process.CONTINUE)  # a hung one must be able to hear
    process.send(pid, process.TERMINATE)


class Watcher:
    """``on_probe`` is called in another thread with a probe's result."""

    def __init__(self, sandbox: Sandbox, on_probe: OnProbe) -> None:
        self._box = sandbox
        self._node = sandbox.node
        self._on_probe = on_probe

    def look(self, container: Container, now: float) -> list[float]:
        """Do what is due; returns when to look again."""
        if not container.running or container.pid is None:
            return []
        if container.kill_at is not None:
            if now < container.kill_at:
                return [container.kill_at]
            process.send(container.pid, process.KILL)
            return [now + 1.0]
        if container.ready_at is None and container.ready:
            container.ready_at = now
        times = self._strike(container, now)
        if container.probes is None:
            return times
        dead = container.probes.dead()
        if dead:
            return self._restart(container, dead, now)
        for probe in container.probes.due(now):
            probe.begin(now)
            self._node.probes.submit(self._probe, container, container.run, container.pid, probe)
        following = container.probes.next_due()
        return [*times, following] if following is not None else times

    def ask_to_end(self, container: Container, now: float, grace: float) -> None:
        """The preStop hook, then SIGTERM; SIGKILL after ``grace`` seconds, which the hook is a part of."""
        if not container.running or container.kill_at is not None:
            return
        if container.pid is None:
            container.end(now, 0, "")
            return
        container.kill_at = now + grace
        hook = (container.spec.get("lifecycle") or {}).get("preStop")
        if hook is None:
            _terminate(container.pid)
            return
        threading.Thread(target=self._pre_stop, args=(container, container.run, container.pid, hook, grace), daemon=True).start()

    def _pre_stop(self, container: Container, run: int, pid: int, hook: Obj, grace: float) -> None:
        """In a thread of its own: hooks sleep. Whatever becomes of it, the container is then told to end."""

        def execute(argv: list[str]) -> Any:
            return process.execute(pid, argv, container.env, container.spec.get("workingDir") or "/", grace)

        try:
            if "sleep" in hook:
                time.sleep(min(float(hook["sleep"].get("seconds") or 0), grace))
                good, text = True, ""
            else:
                good, text = probe_run.run(hook, container.spec, self._box.ip, grace, execute)
        except Exception as error:  # the process ended meanwhile, or the command hangs
            good, text = False, str(error)
        if container.run == run and container.running:
            if not good:
                self._node.events.send(self._box.obj, "FailedPreStopHook", f"PreStopHook failed: {text}", container.name, warning=True)
            _terminate(pid)

    def probed(self, container: Container, run: int, probe: Probe, good: bool, text: str) -> None:
        """Count a result (in the pod's own thread)."""
        if container.run != run or not container.running:
            return
        if not good and not probe.eager:
            message = f"{probe.spec.kind.capitalize()} probe failed: {text}"
            self._node.events.send(self._box.obj, "Unhealthy", message, container.name, warning=True, init=container.kind != MAIN)
        probe.result(good)

    def _restart(self, container: Container, dead: Probe, now: float) -> list[float]:
        text = f"Container {container.name} failed {dead.spec.kind} probe, will be restarted"
        self._node.events.send(self._box.obj, "Killing", text, container.name, init=container.kind != MAIN)
        grace = dead.spec.grace_seconds or self._box.obj["spec"].get("terminationGracePeriodSeconds") or GRACE_SECONDS
        self.ask_to_end(container, now, float(grace))
        return [container.kill_at] if container.kill_at else []

    def _strike(self, container: Container, now: float) -> list[float]:
        """The scenario's fault for this container, when its time has come."""
        fault, pid = self._node.faults.of_image(container.image), container.pid or 0
        if fault is None:
            if container.faulted:  # repaired
                container.faulted = container.struck = False
                process.send(pid, process.CONTINUE)
            return []
        left = self._node.faults.seconds(fault, container, now)
        if left is None or left > 0:
            return [] if left is None else [now + left]
        if not container.struck and fault.get("log"):
            with LogFile(self._box.log_path(container.name, container.restarts)) as log:
                log.write("stderr", str(fault["log"]).encode())
        container.faulted = container.struck = True
        if fault["action"] == "hang":
            process.send(pid, process.STOP)
            return [now + LOOK_SECONDS]
        container.forced_code = int(fault.get("code", DEFAULT_CODE))
        process.send(pid, process.KILL)
        return []

    def _probe(self, container: Container, run: int, pid: int, probe: Probe) -> None:
        """In a thread of the pool."""
        spec = probe.spec

        def execute(argv: list[str]) -> Any:
            return process.execute(pid, argv, container.env, container.spec.get("workingDir") or "/", spec.timeout)

        try:
            good, text = probe_run.run(spec.handler, container.spec, self._box.ip, spec.timeout, execute)
        except Exception as error:  # whatever it is, it's a failed probe and not the end of probing
            good, text = False, str(error)
        self._on_probe(container, run, probe, good, text)
