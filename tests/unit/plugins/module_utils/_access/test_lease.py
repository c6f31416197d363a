# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock: who may have it, what is written, and two runs that race for it."""

from __future__ import annotations

import os
import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._access import lease, lock, process
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Conflict

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ME, OTHER = lease.Holder("me@a:1"), lease.Holder("other@b:2", "boot/pid", "2:77")


def held(by: lease.Holder, age: float = 10) -> dict[str, Any]:
    obj = lease.written(lease.State(), by, NOW - timedelta(seconds=age), "acquired", 137)
    obj["metadata"]["resourceVersion"] = "5"
    return obj


class Shelf:
    """A store of one object with the API's rules for create and replace; not an API, just optimistic locking."""

    def __init__(self, obj: dict[str, Any] | None = None) -> None:
        self.obj, self.now, self.version = obj, NOW, 5
        self.before_write: list[Any] = []

    def get(self, path: str) -> dict[str, Any] | None:
        return deepcopy(self.obj)

    def apply(self, obj: dict[str, Any], **_options: Any) -> dict[str, Any]:
        return obj

    def server_time(self) -> datetime:
        return self.now

    def _store(self, obj: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.obj = deepcopy(obj)
        self.obj["metadata"]["resourceVersion"] = str(self.version)
        return deepcopy(self.obj)

    def _interfere(self) -> None:
        if self.before_write:
            self.obj = self._store(self.before_write.pop(0))

    def create(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        self._interfere()
        if self.obj is not None:
            raise Conflict("exists", path, "AlreadyExists", "")
        return self._store(obj)

    def replace(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        self._interfere()
        if self.obj is None or obj["metadata"].get("resourceVersion") != self.obj["metadata"]["resourceVersion"]:
            raise Conflict("changed", path, "stale", "")
        return self._store(obj)


def test_the_namespace_is_made_with_the_first_lock_only():
    shelf = Shelf()
    assert lock.acquire(shelf, ME, check=True)["made_namespace"] is True and shelf.obj is None
    assert lock.acquire(shelf, ME)["made_namespace"] is True
    assert lock.acquire(shelf, ME)["made_namespace"] is False


def test_free_lock_is_taken_and_then_renewed_with_its_first_time():
    shelf = Shelf()
    assert lock.acquire(shelf, ME)["action"] == "acquired"
    first = lease.read(shelf.obj)
    shelf.now = NOW + timedelta(seconds=60)
    assert lock.acquire(shelf, ME)["action"] == "renewed"
    state = lease.read(shelf.obj)
    assert (state.acquired, state.renewed, state.transitions) == (first.acquired, shelf.now, 0)


def test_held_lock_names_owner_age_and_expiry():
    with pytest.raises(lease.Locked) as caught:
        lock.acquire(Shelf(held(OTHER, age=37)), ME)
    text = str(caught.value)
    assert "other@b:2" in text and "37 s ago" in text and "in 100 s" in text and "llmd_lock_takeover" in text


def test_expired_lock_is_taken_over_and_counted():
    shelf = Shelf(held(OTHER, age=138))
    told = lock.acquire(shelf, ME)
    assert (told["action"], told["previous"]) == ("taken_over", "other@b:2")
    assert lease.read(shelf.obj).transitions == 1


def test_takeover_by_wish_and_by_certain_death():
    assert lock.acquire(Shelf(held(OTHER)), ME, takeover=True)["action"] == "taken_over"
    gone = lease.Holder("dead@a:2", process.machine(), "999999999:1")
    assert lock.acquire(Shelf(held(gone)), ME)["action"] == "taken_over"


def test_living_process_of_this_machine_keeps_its_lock():
    alive = lease.Holder("x@a:2", process.machine(), process.describe(os.getpid()))
    assert process.alive(alive.process, alive.machine) is True
    with pytest.raises(lease.Locked):
        lock.acquire(Shelf(held(alive)), ME)


@pytest.mark.parametrize(
    ("what", "machine", "expected"),
    [
        ("1:1", "elsewhere/pid", None),
        ("", None, None),
        ("x:1", None, None),
        ("999999999:1", None, False),
        ("1:1", None, False),
    ],
)
def test_what_is_known_about_a_process(what, machine, expected):
    assert process.alive(what, process.machine() if machine is None else machine) is expected


def test_ended_process_is_dead():
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    described = process.describe(child.pid)
    assert process.alive(described, process.machine()) is True
    child.communicate()
    assert process.alive(described, process.machine()) is False


def test_lost_race_reads_again_and_is_refused():
    shelf = Shelf()
    shelf.before_write = [held(OTHER)]
    with pytest.raises(lease.Locked):
        lock.acquire(shelf, ME)
    assert lease.read(shelf.obj).holder == OTHER.name


def test_lost_answer_of_our_own_write_is_no_conflict():
    shelf = Shelf()
    shelf.before_write = [held(ME)]
    assert lock.acquire(shelf, ME)["action"] == "renewed"


def test_check_mode_looks_and_writes_nothing():
    shelf = Shelf(held(OTHER, age=200))
    before = deepcopy(shelf.obj)
    assert lock.acquire(shelf, ME, check=True)["action"] == "taken_over"
    assert shelf.obj == before


def test_release_only_ours_and_twice():
    shelf = Shelf(held(ME))
    assert lock.release(shelf, ME)["action"] == "released"
    assert lock.release(shelf, ME)["action"] == "none"
    assert lock.acquire(shelf, OTHER)["action"] == "acquired"
    assert lock.release(shelf, ME)["action"] == "none"
    assert lease.read(shelf.obj).holder == OTHER.name


def test_renewal_is_due_every_26_seconds_and_notices_a_takeover():
    clock = [0.0]
    shelf = Shelf(held(ME))
    renewal = lock.Renewal(shelf, ME, lambda: clock[0])
    assert renewal.tick() is False
    clock[0] = 27
    assert renewal.tick() is True and renewal.tick() is False
    lock.acquire(shelf, OTHER, takeover=True)
    clock[0] = 60
    with pytest.raises(lease.Locked):
        renewal.tick()


def test_renewal_takes_no_lock_that_nobody_asked_for():
    shelf = Shelf()
    assert lock.renew_if_held(shelf, ME) is False and shelf.obj is None


def test_renewal_keeps_what_is_known_about_the_process():
    shelf = Shelf(held(lease.Holder(ME.name, "boot/pid", "1:2")))
    assert lock.renew_if_held(shelf, ME) is True
    assert (lease.read(shelf.obj).machine, lease.read(shelf.obj).process) == ("boot/pid", "1:2")


def test_unreadable_lease_is_free():
    assert lease.read({"spec": {"holderIdentity": None, "renewTime": "yesterday"}}).expires is None
    assert (
        lease.decide(lease.read({"spec": {"holderIdentity": "x", "renewTime": "odd"}}), ME, NOW, None, False)
        == "taken_over"
    )
