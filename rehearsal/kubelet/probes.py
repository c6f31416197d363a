# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a probe runs and what its results add up to (pure; the clock is handed in).

Defaults and meaning of the fields: Kubernetes API reference, Probe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]
EAGER_SECONDS, EAGER_PERIOD = 60.0, 1.0  # of containers that come back with a saved state


@dataclass(frozen=True)
class ProbeSpec:
    kind: str  # startup | liveness | readiness
    handler: Obj
    initial_delay: float
    period: float
    timeout: float
    successes: int
    failures: int
    grace_seconds: int | None

    @classmethod
    def read(cls, kind: str, probe: Obj) -> ProbeSpec:
        return cls(
            kind=kind,
            handler={key: probe[key] for key in ("httpGet", "tcpSocket", "exec", "grpc") if key in probe},
            initial_delay=float(probe.get("initialDelaySeconds") or 0),
            period=float(probe.get("periodSeconds") or 10),
            timeout=float(probe.get("timeoutSeconds") or 1),
            successes=int(probe.get("successThreshold") or 1),
            failures=int(probe.get("failureThreshold") or 3),
            grace_seconds=probe.get("terminationGracePeriodSeconds"),
        )


@dataclass
class Probe:
    """One probe of one running container.

    ``good`` is the verdict so far: readiness starts as False, liveness as True, startup as None (not known yet).

    ``eager``: the container was ready when the cluster's state was saved, and is awaited. It's looked at from the start on and every
    second, for a minute; what fails in that time counts for nothing. Liveness is never eager: it only takes away.
    """

    spec: ProbeSpec
    started: float
    eager: bool = False
    good: bool | None = field(init=False)
    due: float = field(init=False)
    running: bool = False
    streak: int = 0
    streak_good: bool | None = None

    def __post_init__(self) -> None:
        self.good = {"readiness": False, "liveness": True, "startup": None}[self.spec.kind]
        self.eager = self.eager and self.spec.kind != "liveness"
        self.due = self.started + (0.0 if self.eager else self.spec.initial_delay)

    def begin(self, now: float) -> None:
        self.running = True
        self.eager = self.eager and now < self.started + EAGER_SECONDS
        self.due = now + (EAGER_PERIOD if self.eager else self.spec.period)

    def result(self, success: bool) -> bool:
        """Count a result; True when the verdict has changed."""
        self.running = False
        if self.eager and not success:
            return False
        self.eager = False
        if success == self.streak_good:
            self.streak += 1
        else:
            self.streak, self.streak_good = 1, success
        enough = self.spec.successes if success else self.spec.failures
        if self.streak < enough or self.good == success:
            return False
        self.good = success
        return True


class Probes:
    """The probes of one container: nothing else runs until the startup probe has succeeded."""

    def __init__(self, container: Obj, started: float, eager: bool = False) -> None:
        self.all = {
            kind: Probe(ProbeSpec.read(kind, container[f"{kind}Probe"]), started, eager)
            for kind in ("startup", "liveness", "readiness") if container.get(f"{kind}Probe")
        }

    @property
    def started(self) -> bool:
        return "startup" not in self.all or self.all["startup"].good is True

    @property
    def ready(self) -> bool:
        return self.started and ("readiness" not in self.all or self.all["readiness"].good is True)

    def dead(self) -> Probe | None:
        """The probe that says that the container must be restarted."""
        for kind in ("startup", "liveness"):
            probe = self.all.get(kind)
            if probe and probe.good is False:
                return probe
        return None

    def due(self, now: float) -> list[Probe]:
        return [p for p in self._active() if not p.running and p.due <= now]

    def next_due(self) -> float | None:
        return min((p.due for p in self._active() if not p.running), default=None)

    def _active(self) -> list[Probe]:
        if not self.started:
            return [self.all["startup"]]
        return [probe for kind, probe in self.all.items() if kind != "startup"]
