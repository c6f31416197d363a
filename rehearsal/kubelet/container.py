# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one container is doing, and how the API shows it (pure)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from rehearsal.kubelet.backoff import BackOff, PullBackOff
from rehearsal.kubelet.events import timestamp
from rehearsal.kubelet.probes import Probes

Obj = dict[str, Any]
INIT, SIDECAR, MAIN = "init", "sidecar", "main"


@dataclass
class Container:
    """State of one container of one pod. Times are seconds since the epoch."""

    spec: Obj
    kind: str
    runner: str | None
    pid: int | None = None
    running: bool = False
    waiting: tuple[str, str] = ("PodInitializing", "")  # (reason, message), shown while not running nor terminated
    terminated: Obj | None = None
    last: Obj | None = None  # the run before this one
    restarts: int = 0
    run: int = 0  # counts starts; results of an earlier run are told apart by it
    was_ready: bool = False  # before this kubelet began: it comes back as fast as it can
    started_at: float = 0.0
    ready_at: float | None = None
    container_id: str = ""
    probes: Probes | None = None
    backoff: BackOff = field(default_factory=BackOff)
    pull: PullBackOff = field(default_factory=PullBackOff)
    pulled: bool = False
    pull_began: float | None = None
    kill_at: float | None = None  # SIGKILL then; set when asked to end
    env: dict[str, str] = field(default_factory=dict)  # of the current run
    faulted: bool = False  # the scenario's fault has struck this container once
    struck: bool = False  # … and this run of it
    forced_code: int | None = None  # exit code that the scenario wants to be seen
    retry_at: float = 0.0

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def image(self) -> str:
        return str(self.spec.get("image", ""))

    @property
    def succeeded(self) -> bool:
        return self.terminated is not None and self.terminated["exitCode"] == 0

    @property
    def started(self) -> bool:
        return self.running and (self.probes is None or self.probes.started)

    @property
    def ready(self) -> bool:
        """Ready to serve; an init container that is done counts, too."""
        if self.kind == INIT:
            return self.succeeded
        return self.running and (self.probes is None or self.probes.ready)

    def begin(self, now: float, pid: int | None) -> None:
        self.last = self.terminated or self.last
        self.terminated = None
        self.running, self.pid, self.started_at, self.ready_at = True, pid, now, None
        self.kill_at, self.forced_code, self.struck = None, None, False
        self.run += 1
        self.container_id = f"cri-o://{secrets.token_hex(32)}"
        self.probes = Probes(self.spec, now, eager=self.was_ready) if self.kind != INIT and pid is not None else None
        self.was_ready = False

    def end(self, now: float, code: int, message: str) -> None:
        """The process has ended with ``code`` (128 + signal when a signal ended it)."""
        self.running, self.pid, self.kill_at, self.probes = False, None, None, None
        self.terminated = {
            "exitCode": code, "reason": "Completed" if code == 0 else "Error", "startedAt": timestamp(self.started_at),
            "finishedAt": timestamp(now), "containerID": self.container_id, **({"message": message} if message else {}),
        }
        self.backoff.failed(now, now - self.started_at)

    def status(self) -> Obj:
        """A ContainerStatus."""
        result: Obj = {
            "name": self.name, "image": self.image, "imageID": image_id(self.image) if self.run else "",
            "ready": self.ready, "restartCount": self.restarts, "state": self._state(),
            "lastState": {"terminated": self._last()} if self._last() else {}, "started": self.started,
        }
        if self.container_id:
            result["containerID"] = self.container_id
        if self.kind == INIT:
            result["started"] = False
        return result

    def _in_waiting(self) -> bool:
        return not self.running and (self.terminated is None or self.waiting[0] in ("CrashLoopBackOff", *FAILED_STARTS))

    def _state(self) -> Obj:
        if self.running:
            return {"running": {"startedAt": timestamp(self.started_at)}}
        if self._in_waiting():
            reason, message = self.waiting
            return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        return {"terminated": self.terminated}

    def _last(self) -> Obj | None:
        return (self.terminated or self.last) if self._in_waiting() else self.last


FAILED_STARTS = (
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "ErrImagePull", "ImagePullBackOff",
)


def image_id(image: str) -> str:
    """Repository and digest; an image that is named by a tag gets a digest made from its name."""
    if "@" in image:
        return image
    repository = image.rsplit(":", 1)[0] if ":" in image.rsplit("/", 1)[-1] else image
    return f"{repository}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"
