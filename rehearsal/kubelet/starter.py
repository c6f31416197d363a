# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a pod's containers: image, environment, mounts, process; and says in status and events what stands in the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.kubelet import gpu_driver, grants, process, rdma
from rehearsal.kubelet.container import INIT, MAIN, Container
from rehearsal.kubelet.env import ConfigError
from rehearsal.kubelet.logs import LogFile
from rehearsal.kubelet.runners import RUNNERS, Context
from rehearsal.kubelet.sandbox import Sandbox
from rehearsal.kubelet.volumes import MountError

Obj = dict[str, Any]
RETRY_SECONDS = 5.0
PULL_SECONDS = 1.0  # when the profile doesn't say
NETWORK_RESOURCES = ("rdma", "openshift.io", "nvidia.com")  # groups of extended resources that may be network devices
PULL_RETRY_SECONDS = 1.0  # from ErrImagePull to ImagePullBackOff


class Starter:
    """``on_exit(container, run, code)`` is called in another thread when a process has ended."""

    def __init__(self, sandbox: Sandbox, on_exit: Callable[[Container, int, int], None]) -> None:
        self._box = sandbox
        self._node = sandbox.node
        self._on_exit = on_exit

    def start(self, container: Container, now: float) -> None:
        """Start it, or set ``waiting`` and ``retry_at`` to say why not and when to try again."""
        if not self._pull(container, now):
            return
        try:
            started = self._process(container)
        except ConfigError as error:
            self._refused(container, "CreateContainerConfigError", str(error), now + RETRY_SECONDS)
            return
        except (process.StartError, MountError, RehearsalError) as error:
            container.backoff.failed(now, 0.0)
            self._refused(container, "CreateContainerError", str(error), max(container.backoff.until, now + RETRY_SECONDS))
            return
        if container.run:
            container.restarts += 1
        container.begin(now, started.pid if started else None)
        container.waiting = ("ContainerCreating", "")
        self._event(container, "Created", f"Created container: {container.name}")
        self._event(container, "Started", f"Started container {container.name}")
        if started:
            self._node.record(started.pid, True)
            threading.Thread(target=self._wait, args=(container, container.run, started), daemon=True,
                             name=f"wait-{started.pid}").start()
        elif container.kind == INIT:  # an image without a program has nothing to do
            container.end(now, 0, "")

    def _pull(self, container: Container, now: float) -> bool:
        """Whether the image is there; else it's being pulled, or ErrImagePull and ImagePullBackOff take turns."""
        if container.pulled:
            return True
        trouble = self._node.faults.pull_failure(container.image)
        if trouble is not None:
            self._pull_failed(container, trouble, now)
            return False
        place = (self._box.obj["spec"]["nodeName"], container.image)
        if place in self._node.images_there:
            container.pulled = True
            self._event(container, "Pulled", f'Container image "{container.image}" already present on machine')
            return True
        if container.pull_began is None:
            container.pull_began = now
            self._event(container, "Pulling", f'Pulling image "{container.image}"')
        end = container.pull_began + self._node.delay("image-pull", PULL_SECONDS)
        if now < end:
            container.retry_at = end
            return False
        container.pulled = True
        self._node.images_there.add(place)
        took = f"{round((now - container.pull_began) * 1000)}ms"
        self._event(container, "Pulled", f'Successfully pulled image "{container.image}" in {took} ({took} including waiting).')
        return True

    def _pull_failed(self, container: Container, trouble: str, now: float) -> None:
        if now < container.pull.until:
            text = f'Back-off pulling image "{container.image}"'
            container.waiting, container.retry_at = ("ImagePullBackOff", f"{text}: ErrImagePull: {trouble}"), container.pull.until
            self._event(container, "BackOff", text)
            self._event(container, "Failed", "Error: ImagePullBackOff", warning=True)
            return
        container.pull.failed(now)
        container.waiting, container.retry_at = ("ErrImagePull", trouble), now + PULL_RETRY_SECONDS
        self._event(container, "Pulling", f'Pulling image "{container.image}"')
        self._event(container, "Failed", f'Failed to pull image "{container.image}": {trouble}', warning=True)
        self._event(container, "Failed", "Error: ErrImagePull", warning=True)

    def _process(self, container: Container) -> process.Started | None:
        """Start the container's program; None when its image has none here."""
        box, node = self._box, self._node
        env = box.environment(container)
        runner = RUNNERS.get(container.runner or "pause", RUNNERS["pause"])
        nics, granted = self._devices(container)
        env.update(granted)
        launch = runner(Context(box.obj, container.spec, env, box.ip, node.state, node.binaries, node.delay, node.faults.scenario(), nics,
                                lambda: gpu_driver.parameters(node.kube, box.obj["spec"]["nodeName"])))
        number = container.restarts + (1 if container.run else 0)
        box.drop_old_logs(container.name, number)
        with LogFile(box.log_path(container.name, number)) as log:
            if launch is None:
                return None
            mounts = process.volume_mounts(container.spec, box.volumes, env)
            container.env = env
            return process.start(launch, container.spec, env, mounts, box.place(container.name), log, node.pump)

    def _devices(self, container: Container) -> tuple[list[Obj], dict[str, str]]:
        """(NICs whose RDMA devices the container sees, variables that name what it was given)."""
        if not any(name.partition("/")[0] in NETWORK_RESOURCES for name in rdma.wanted(container.spec)):
            return [], {}
        node, where = self._node, self._box.obj["spec"]["nodeName"]
        cards = node.nics(where)
        found, told = grants.granted(self._box.obj, container.spec, cards, rdma.node_state(node.kube, where))
        if found is None:
            found = rdma.devices(container.spec, cards, lambda name: rdma.policy_says_rdma(node.kube, name))
        return found, told

    def _wait(self, container: Container, run: int, started: process.Started) -> None:
        """In a thread of its own: the only one that waits for this process."""
        code = started.wait()
        self._node.record(started.pid, False)
        self._on_exit(container, run, code)

    def _refused(self, container: Container, reason: str, message: str, retry_at: float) -> None:
        container.waiting, container.retry_at = (reason, message), retry_at
        self._event(container, "Failed", f"Error: {message}", warning=True)

    def _event(self, container: Container, reason: str, message: str, warning: bool = False) -> None:
        self._node.events.send(self._box.obj, reason, message, container.name, warning, init=container.kind != MAIN)
