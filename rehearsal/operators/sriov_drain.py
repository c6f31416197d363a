# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SR-IOV operator's drain controller: who may drain now, pause of the machine-config pool, cordon, evictions, uncordon.

Source: k8snetworkplumbingwg/sriov-network-operator v1.6.0 controllers/drain_controller*.go, pkg/drain/drainer.go,
pkg/platforms/openshift/openshift.go (the pool is paused for the drain; it is unpaused when the last of its nodes is done, also when somebody
else had paused it before: the operator's own trap).
"""

from __future__ import annotations

from rehearsal.operators import mco_pool
from rehearsal.operators.objects import matches
from rehearsal.operators.runtime import Kube, Object, labels_of
from rehearsal.operators.sriov_admission import max_unavailable
from rehearsal.operators.sriov_base import API, SriovBase
from rehearsal.operators.sriov_reboot import evicted_by

NODE_STATE = "sriovnetwork.openshift.io/state"  # the daemon's wish on the Node; on a MachineConfigPool: Idle or Paused
DESIRED, CURRENT = "sriovnetwork.openshift.io/desired-state", "sriovnetwork.openshift.io/current-state"
IDLE, DRAIN, REBOOT = "Idle", "Drain_Required", "Reboot_Required"
DRAINING, COMPLETE = "Draining", "DrainComplete"
PAUSED = "Paused"
POOL = ("machineconfiguration.openshift.io/v1", "MachineConfigPool")
STATE = (API, "SriovNetworkNodeState")
POOL_CONFIG = (API, "SriovNetworkPoolConfig")
RETRY_SECONDS = 5.0


def note(obj: Object, key: str) -> str:
    """An annotation, "" when absent."""
    return str((obj["metadata"].get("annotations") or {}).get(key) or "")


class Drains:
    """The controller for all nodes."""

    def __init__(self, operator: SriovBase) -> None:
        self._op = operator

    def advance(self, kube: Kube, state: Object, node: Object) -> float | None:
        """One step for one node. Returns seconds until the next, None when it waits for the daemon."""
        missing = [(obj, key) for obj, key in ((state, CURRENT), (state, DESIRED), (node, NODE_STATE)) if not note(obj, key)]
        for obj, key in missing:
            kube.patch(kube.path_of(obj), {"metadata": {"annotations": {key: IDLE}}})
        if missing:
            return None
        wish, now = note(node, NODE_STATE), note(state, CURRENT)
        if wish == IDLE:
            return self._finish(kube, state, node) if now in (DRAINING, COMPLETE) else None
        if wish not in (DRAIN, REBOOT) or now == COMPLETE:
            return None
        if now == IDLE:
            if not self._may_start(kube, node):
                return RETRY_SECONDS / self._op.settings.speed
            self._mark(kube, state, DRAINING)
        return self._drain(kube, state, node, wish == REBOOT)

    def _mark(self, kube: Kube, state: Object, word: str) -> None:
        kube.patch(kube.path_of(state), {"metadata": {"annotations": {CURRENT: word}}})

    # ---- how many at once

    def _may_start(self, kube: Kube, node: Object) -> bool:
        """True while fewer nodes of the node's SriovNetworkPoolConfig drain than it allows; one at a time without any.

        The states are listed anew: the watch may not know yet that another node was marked a moment ago.
        """
        configs = [item for item in self._op.objects(*POOL_CONFIG) if not ((item["spec"].get("ovsHardwareOffloadConfig") or {}).get("name"))]
        mine = [item for item in configs if matches(item["spec"].get("nodeSelector") or {}, labels_of(node))]
        if len(mine) > 1:
            self._op.log.error("node %s is part of more then one pool", node["metadata"]["name"])
            return False
        nodes = self._op.objects("v1", "Node")
        if mine:
            members = [item for item in nodes if matches(mine[0]["spec"].get("nodeSelector") or {}, labels_of(item))]
            most = max_unavailable(mine[0]["spec"].get("maxUnavailable"), len(members))
        else:
            taken = [item for item in nodes if any(matches(c["spec"].get("nodeSelector") or {}, labels_of(item)) for c in configs)]
            members, most = [item for item in nodes if item not in taken], 1
        names = {item["metadata"]["name"] for item in members}
        states = kube.list(kube.path(*STATE, namespace=self._op.namespace))
        busy = [item for item in states if item["metadata"]["name"] in names and note(item, CURRENT) in (DRAINING, COMPLETE)]
        return most == -1 or len(busy) < most

    # ---- drain

    def _drain(self, kube: Kube, state: Object, node: Object, full: bool) -> float | None:
        name = node["metadata"]["name"]
        if not self._pause(kube, node):
            return RETRY_SECONDS / self._op.settings.speed
        alone = len(self._op.objects("v1", "Node")) == 1
        if not (full and alone):
            if not (node.get("spec") or {}).get("unschedulable"):
                kube.patch(kube.path_of(node), {"spec": {"unschedulable": True}})
            left = [pod for pod in self._op.pods_on(name) if evicted_by(pod, full)]
            refusals = self._op.nodes.evict(kube, left)
            if left:
                self._op.forget("drain", f"sriov/{name}")
                if refusals:
                    self._op.log.info("node %s: %s", name, refusals[0])
                    self._op.event(state, "Warning", "DrainController", "failed to drain node")
                return RETRY_SECONDS / self._op.settings.speed
        wait = self._op.remaining("drain", f"sriov/{name}")
        if wait:
            return wait
        self._op.forget("drain", f"sriov/{name}")
        self._op.nodes.count("drains", name)
        self._mark(kube, state, COMPLETE)
        self._op.event(state, "Warning", "DrainController", "node drain completed")
        return None

    def _finish(self, kube: Kube, state: Object, node: Object) -> float | None:
        if (node.get("spec") or {}).get("unschedulable"):
            kube.patch(kube.path_of(node), {"spec": {"unschedulable": None}})
        self._unpause(kube, node)
        self._mark(kube, state, IDLE)
        self._op.event(state, "Warning", "DrainController", "node un drain completed")
        return None

    # ---- the machine-config pool

    def _pool(self, node: Object) -> Object | None:
        pools = self._op.objects(*POOL)
        name, _ = mco_pool.pool_of(node, pools)
        return next((pool for pool in pools if pool["metadata"]["name"] == name), None)

    def _pause(self, kube: Kube, node: Object) -> bool:
        """Pause the node's pool; False while the machine-config operator is at work on it.

        The pool is read anew: a pause that was taken off a moment ago holds nobody back.
        """
        known = self._pool(node)
        pool = kube.get(kube.path_of(known)) if known else None
        if pool is None:
            return False
        spec, status = pool.get("spec") or {}, pool.get("status") or {}
        target, reached = ((part.get("configuration") or {}).get("name") for part in (spec, status))
        if note(pool, NODE_STATE) == PAUSED and spec.get("paused"):
            return True
        if not target or target != reached:
            return False
        self._set_pause(kube, pool, True)
        fresh = kube.get(kube.path_of(pool)) or {}
        if ((fresh.get("spec") or {}).get("configuration") or {}).get("name") == target:
            return True
        # The machine-config operator began in the meantime: it goes first.
        self._set_pause(kube, pool, False)
        return False

    def _set_pause(self, kube: Kube, pool: Object, paused: bool) -> None:
        word = PAUSED if paused else IDLE
        kube.patch(kube.path_of(pool), {"metadata": {"annotations": {NODE_STATE: word}}, "spec": {"paused": paused}})

    def _unpause(self, kube: Kube, node: Object) -> None:
        """The last node of a pool takes the pause off: none of the others drains or waits to."""
        pool = self._pool(node)
        if pool is None or note(pool, NODE_STATE) != PAUSED:
            return
        for state in self._op.objects(*STATE):
            other = self._op.find("v1", "Node", state["metadata"]["name"])
            if other is None or other["metadata"]["name"] == node["metadata"]["name"] or note(other, NODE_STATE) in ("", IDLE):
                continue
            theirs = self._pool(other)
            if theirs is not None and theirs["metadata"]["name"] == pool["metadata"]["name"]:
                return
        self._set_pause(kube, pool, False)
