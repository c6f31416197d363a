# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes, renews and frees the lock of a cluster. The only file of this folder that writes to an API."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from ansible_collections.llmd.openshift.plugins.module_utils._errors import Conflict, NotFound

from . import lease, process

TRIES = 4  # two runs that start together: one of them loses the race and reads again


class Api(Protocol):
    """What is needed of a cluster (`_k8s.Cluster`)."""

    def get(self, path: str) -> dict[str, Any] | None: ...
    def apply(self, obj: dict[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]: ...
    def create(self, path: str, obj: dict[str, Any]) -> dict[str, Any]: ...
    def replace(self, path: str, obj: dict[str, Any]) -> dict[str, Any]: ...
    def server_time(self) -> datetime: ...


NAMESPACE_OBJECT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": lease.NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "llmd-openshift"}},
}


def acquire(
    api: Api, me: lease.Holder, takeover: bool = False, check: bool = False, duration: int = lease.DURATION_SECONDS
) -> dict[str, Any]:
    """Takes or renews the lock: `{"action", "holder", "previous", "expires", "made_namespace"}`. In check mode only looks.

    :raises Locked: another run holds it.
    """
    made = False
    for attempt in range(TRIES):
        found = api.get(lease.PATH)
        made = made or (found is None and _ensure_namespace(api, check))
        state = lease.read(found)
        now = api.server_time()
        action = lease.decide(state, me, now, process.alive(state.process, state.machine), takeover)
        if check:
            return {**_told(action, me, state, None), "made_namespace": made}
        obj = lease.written(state, me, now, action, duration)
        try:
            result = api.replace(lease.PATH, obj) if state.resource_version else api.create(lease.LEASES, obj)
        except (Conflict, NotFound):
            if attempt == TRIES - 1:
                raise
            continue
        return {**_told(action, me, state, lease.read(result).expires), "made_namespace": made}
    raise AssertionError("unreachable")


def _ensure_namespace(api: Api, check: bool) -> bool:
    """Makes the namespace of the lock; True when it was (or would be) made."""
    if api.get(f"/api/v1/namespaces/{lease.NAMESPACE}") is not None:
        return False
    if not check:
        api.apply(NAMESPACE_OBJECT)
    return True


def release(api: Api, me: lease.Holder) -> dict[str, Any]:
    """Frees the lock if it is ours; anything else is left as it is. Doing it twice is fine."""
    for _attempt in range(TRIES):
        state = lease.read(api.get(lease.PATH))
        if state.holder != me.name:
            return _told("none", me, state, None)
        try:
            api.replace(lease.PATH, lease.released(state, api.server_time()))
        except (Conflict, NotFound):
            continue
        return _told("released", me, state, None)
    return _told("none", me, lease.read(api.get(lease.PATH)), None)


def _told(action: str, me: lease.Holder, state: lease.State, expires: datetime | None) -> dict[str, Any]:
    previous = state.holder if state.holder and state.holder != me.name else None
    return {
        "action": action,
        "holder": me.name,
        "previous": previous,
        "expires": lease.stamp(expires) if expires else None,
    }


def renew_if_held(api: Api, me: lease.Holder) -> bool:
    """Renews the lock when this run has it; True when it did. A run without lock (a single task) needs none.

    :raises Locked: another run has taken it over meanwhile; this one must stop.
    """
    state = lease.read(api.get(lease.PATH))
    if not state.holder:
        return False
    if state.holder != me.name:
        raise lease.Locked(
            "The lock of this cluster was taken over",
            f"Lease {lease.NAMESPACE}/{lease.NAME}",
            f"{state.holder} holds it now",
            "This run stops, so that two runs don't change the cluster. Run again when the other has ended.",
        )
    acquire(api, lease.Holder(me.name, state.machine, state.process), duration=state.duration)
    return True


class Renewal:
    """Keeps the lock from inside a long wait: call `tick` as often as you like, it asks and writes every 26 s."""

    def __init__(self, api: Api, me: lease.Holder, clock: Callable[[], float] = time.monotonic) -> None:
        self._api, self._me, self._clock = api, me, clock
        self._next = clock() + lease.RENEW_SECONDS

    def tick(self) -> bool:
        """Renews when due; True when it did. :raises Locked: the lock was taken over."""
        if self._clock() < self._next:
            return False
        self._next = self._clock() + lease.RENEW_SECONDS
        return renew_if_held(self._api, self._me)
