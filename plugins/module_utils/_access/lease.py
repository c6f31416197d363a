# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a cluster as a Lease: who holds it, may we have it, what do we write. Pure: the time is handed in.

All stamps are the API server's clock (its `Date` header), so that two controllers with different clocks agree.
A lease isn't fencing: a run that lost it finds out at its next renewal, and stops there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError

NAMESPACE = "llmd-openshift"
NAME = "llmd-openshift"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
PATH = f"{LEASES}/{NAME}"
DURATION_SECONDS = 137  # OpenShift's own figure: survives 60 s and more of a missing API (openshift/enhancements)
RENEW_SECONDS = 26  # how often a long wait should renew
MACHINE = "llmd.openshift/machine"  # annotation: where the holder's process runs, see `Holder`
PROCESS = "llmd.openshift/process"


class Locked(ClusterError):
    """Another run holds the lock of this cluster, or took it from us."""


@dataclass(frozen=True)
class Holder:
    """A run. `machine` and `process` tell, on the same machine only, whether its process still lives.

    :ivar name: for people and for comparison: "user@host:pid".
    :ivar machine: boot id and pid namespace, empty where the system has none of it (then only the expiry counts).
    :ivar process: "pid:start time" of the controlling process.
    """

    name: str
    machine: str = ""
    process: str = ""


@dataclass(frozen=True)
class State:
    """A Lease, read."""

    holder: str = ""
    acquired: datetime | None = None
    renewed: datetime | None = None
    duration: int = DURATION_SECONDS
    transitions: int = 0
    machine: str = ""
    process: str = ""
    resource_version: str | None = None

    @property
    def expires(self) -> datetime | None:
        """When the lock falls free by itself."""
        return self.renewed + timedelta(seconds=self.duration) if self.renewed else None


def read(lease: dict[str, Any] | None) -> State:
    """The state of a Lease object; none, or one with unreadable fields, is free."""
    if not lease:
        return State()
    spec, meta = lease.get("spec") or {}, lease.get("metadata") or {}
    notes = meta.get("annotations") or {}
    return State(
        holder=str(spec.get("holderIdentity") or ""),
        acquired=_time(spec.get("acquireTime")),
        renewed=_time(spec.get("renewTime")),
        duration=int(spec.get("leaseDurationSeconds") or DURATION_SECONDS),
        transitions=int(spec.get("leaseTransitions") or 0),
        machine=str(notes.get(MACHINE) or ""),
        process=str(notes.get(PROCESS) or ""),
        resource_version=meta.get("resourceVersion"),
    )


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return None


def stamp(moment: datetime) -> str:
    """Kubernetes' MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def decide(state: State, me: Holder, now: datetime, alive: bool | None, takeover: bool) -> str:
    """What to do: `acquired` (free), `renewed` (ours), `taken_over` (expired, dead or by wish).

    :param alive: whether the holder's process lives; None when that can't be known from here.
    :raises Locked: someone else holds it.
    """
    if not state.holder:
        return "acquired"
    if state.holder == me.name:
        return "renewed"
    expired = state.expires is None or state.expires <= now
    if expired or alive is False or takeover:
        return "taken_over"
    raise Locked(
        "Another run works on this cluster",
        f"Lease {NAMESPACE}/{NAME}",
        f"{state.holder} holds it since {_ago(now, state.acquired)}, renewed {_ago(now, state.renewed)}; "
        f"it falls free in {round((state.expires - now).total_seconds()) if state.expires else 0} s",
        "Wait for that run, or declare llmd_lock_takeover: true if you know that it is dead.",
        {"holder": state.holder, "expires": stamp(state.expires) if state.expires else None},
    )


def _ago(now: datetime, moment: datetime | None) -> str:
    if moment is None:
        return "an unknown time"
    seconds = max(0, round((now - moment).total_seconds()))
    text = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    return f"{text} ago ({moment.strftime('%Y-%m-%d %H:%M:%S')} UTC)"


def written(state: State, me: Holder, now: datetime, action: str, duration: int) -> dict[str, Any]:
    """The Lease object to create or replace for the action. Its resourceVersion makes a lost race a Conflict."""
    fresh = action != "renewed"
    return _object(
        state,
        {MACHINE: me.machine, PROCESS: me.process},
        {
            "holderIdentity": me.name,
            "leaseDurationSeconds": duration,
            "acquireTime": stamp(now if fresh or not state.acquired else state.acquired),
            "renewTime": stamp(now),
            "leaseTransitions": state.transitions + (1 if fresh and state.resource_version else 0),
        },
    )


def released(state: State, now: datetime) -> dict[str, Any]:
    """The Lease object of a free lock."""
    spec = {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "renewTime": stamp(now),
        "leaseTransitions": state.transitions,
    }
    return _object(state, {}, spec)


def _object(state: State, annotations: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "name": NAME,
        "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "llmd-openshift"},
        "annotations": {key: value for key, value in annotations.items() if value},
    }
    if state.resource_version:
        meta["resourceVersion"] = state.resource_version
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
