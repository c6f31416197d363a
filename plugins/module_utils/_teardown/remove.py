# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes one step's objects away and waits until they are really gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import groupby
from typing import Any

from .._errors import ClusterError, Conflict, KindMissing
from .._wait.targets import parse
from .._watch.wait import Wait
from .decide import CONFIGS, MC_ROLE, Removal
from .model import Item, values

CARDS = "sriovnetworknodepolicies.sriovnetwork.openshift.io"
SRIOV = "sriovnetwork.openshift.io/v1"
ASKED_SECONDS = 60.0
MCO = "machineconfiguration.openshift.io/v1"
WORKER = "worker"  # the pool of a node that leaves a custom one


class Remover:
    """One run over one step. `done` grows with each object, so that a failure can still tell what happened before."""

    def __init__(self, cluster: Any, seconds: float, show: Callable[[str], None], beat: Callable[[], None]) -> None:
        self._cluster, self._seconds, self._show, self._beat = cluster, seconds, show, beat
        self.done: list[str] = []

    def run(self, removal: Removal, followers: list[dict[str, Any]]) -> None:
        """:param followers: what goes by itself with objects of earlier steps, and must be gone first (as `wait_for` wants it).

        :raises ClusterError, WaitFailed: the object at which it stopped.
        """
        self._wait(followers)
        self._release(removal)
        for resource, group in groupby(removal.going, lambda item: item.resource):
            items = list(group)
            for item in items:
                self._delete(item)
            self._wait([item.as_target() for item in items])
            if resource == CONFIGS:
                self._settle(items)
            if resource == CARDS:
                self._free_cards(items)

    def _wait(self, targets: list[dict[str, Any]]) -> None:
        if targets:
            Wait(self._cluster, parse(targets), self._seconds, self._show, beat=self._beat).run()

    def _delete(self, item: Item) -> None:
        """Exactly that object: its uid is the precondition, so one made anew under its name stays."""
        try:
            path = self._cluster.path(item.api_version, item.kind, item.namespace or None, item.name)
            if self._cluster.delete(path, uid=item.uid):
                self.done.append(item.label)
        except KindMissing:
            return
        except Conflict as error:
            error.what, error.where = "An object was made anew while it was about to be removed", item.label
            error.todo = "Run again: it is judged anew then."
            raise
        except ClusterError as error:
            error.where = item.label
            raise

    def _release(self, removal: Removal) -> None:
        """Nodes leave a pool of ours, and run the worker pool's configuration before the pool goes."""
        if not removal.leaving:
            return
        already = values(self._pool(WORKER), ("status", "machineCount"))
        for machine, label in removal.leaving:
            self._cluster.patch(self._cluster.path("v1", "Node", None, machine.name), {"metadata": {"labels": {label: None}}})
            self.done.append(f"Node {machine.name} ({label})")
        machines = (already[0] if already else 0) + len(removal.leaving)
        self._wait([{"api_version": MCO, "kind": "MachineConfigPool", "name": WORKER, "with": {"machines": machines}}])

    def _settle(self, configs: list[Item]) -> None:
        """Pools of others whose machines restart without a MachineConfig of ours."""
        pools = [(item, pool) for item in configs for pool in values(item.data, ("metadata", "labels", MC_ROLE)) if self._pool(pool)]
        self._wait([{"api_version": MCO, "kind": "MachineConfigPool", "name": pool, "with": {"without": item.name}} for item, pool in pools])

    def _free_cards(self, policies: list[Item]) -> None:
        """Nodes give the virtual functions back, some after a drain: an operator that went before that would leave them cordoned."""
        path = self._cluster.path(SRIOV, "SriovNetworkNodeState", policies[0].namespace)
        names = {policy.name for policy in policies}
        until = time.monotonic() + ASKED_SECONDS
        while time.monotonic() < until:  # the operator first takes the policies out of what it asks of the nodes
            states = self._cluster.list(path)
            if not any(names & set(values(state, ("spec", "interfaces", "vfGroups", "policyName"))) for state in states):
                break
            self._beat()
            time.sleep(1.0)
        place = {"api_version": SRIOV, "kind": "SriovNetworkNodeState", "namespace": policies[0].namespace, "with": {"resources": []}}
        self._wait([{**place, "name": state["metadata"]["name"]} for state in self._cluster.list(path)])

    def _pool(self, name: str) -> dict[str, Any]:
        return self._cluster.find(self._cluster.path(MCO, "MachineConfigPool", None, name)) or {}
