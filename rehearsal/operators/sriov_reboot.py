# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that drains and reboots for the SR-IOV operator: cordon, evictions that budgets may refuse, silence, a new boot id.

Sources: k8snetworkplumbingwg/sriov-network-operator v1.6.0 pkg/drain/drainer.go (whom a drain evicts), pkg/daemon/daemon.go (rebootNode).
"""

from __future__ import annotations

from rehearsal.operators import node_reboot
from rehearsal.operators.mco_node import Counters, must_evict
from rehearsal.operators.runtime import Kube, KubeError, NotFound, Object, StandIn
from rehearsal.operators.sriov_policy import PREFIX


def evicted_by(pod: Object, full: bool) -> bool:
    """True for a pod that the operator's drain removes: of no DaemonSet, not static; unless `full` only those that use its devices."""
    return must_evict(pod) and (full or any(key.startswith(PREFIX) for key in requested(pod)))


def requested(pod: Object) -> set[str]:
    """Names of all resources that a pod's containers request."""
    found: set[str] = set()
    for container in pod["spec"].get("containers") or []:
        found.update((container.get("resources") or {}).get("requests") or {})
    return found


class Nodes:
    """What the operator does to nodes as a whole."""

    def __init__(self, operator: StandIn) -> None:
        self._op = operator
        self._counters = Counters(operator.state / "run" / "counters.json")

    def evict(self, kube: Kube, pods: list[Object]) -> list[str]:
        """Ask for evictions; the refusals' texts when PodDisruptionBudgets stand against them."""
        refusals = []
        for pod in pods:
            meta = pod["metadata"]
            if meta.get("deletionTimestamp"):
                continue
            body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
            try:
                kube.create(f"{kube.path_of(pod)}/eviction", body)
            except NotFound:
                continue
            except KubeError as error:
                refusals.append(f"error when evicting pods/{meta['name']} -n {meta['namespace']}: {error.message}")
        return refusals

    def go_down(self, kube: Kube, node: Object) -> None:
        """The node reboots, and is counted."""
        self.count("reboots", node["metadata"]["name"])
        node_reboot.go_down(kube, node)

    def come_back(self, kube: Kube, node: Object) -> None:
        """A new boot id first, then KWOK may make the node Ready."""
        node_reboot.come_back(self._op, kube, node)

    def count(self, what: str, node: str) -> None:
        """One more of `reboots` or `drains`, in the file in which the machine-config operator counts, too."""
        self._counters.add(what, node)
