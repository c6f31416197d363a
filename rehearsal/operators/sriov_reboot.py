# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that drains and reboots for the SR-IOV operator: cordon, evictions that budgets may refuse, silence, a new boot id.

Sources: k8snetworkplumbingwg/sriov-network-operator v1.6.0 pkg/drain/drainer.go (whom a drain evicts), pkg/daemon/daemon.go (rebootNode).
KWOK plays the node's kubelet as long as the node has the label `type: kwok`; during a reboot the label is away.
"""

from __future__ import annotations

import uuid

from rehearsal.operators.mco_node import Counters, must_evict
from rehearsal.operators.runtime import Kube, KubeError, NotFound, Object, StandIn, is_true, now
from rehearsal.operators.sriov_policy import PREFIX

KWOK_LABEL, KWOK_VALUE = "type", "kwok"


def evicted_by(pod: Object, full: bool) -> bool:
    """True for a pod that the operator's drain removes: of no DaemonSet, not static; unless `full` only those that use its devices."""
    return must_evict(pod) and (full or any(key.startswith(PREFIX) for key in requested(pod)))


def requested(pod: Object) -> set[str]:
    """Names of all resources that a pod's containers request."""
    found: set[str] = set()
    for container in pod["spec"].get("containers") or []:
        found.update((container.get("resources") or {}).get("requests") or {})
    return found


def boot_id(node: Object) -> str:
    """The node's boot id; it changes with every reboot."""
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get("bootID") or "")


def is_away(node: Object) -> bool:
    """True while a node is away for a reboot: KWOK's label is off it and Ready is Unknown."""
    return (node["metadata"].get("labels") or {}).get(KWOK_LABEL) != KWOK_VALUE and not is_true(node, "Ready")


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
        """The kubelet falls silent: KWOK lets the node go, Ready becomes Unknown."""
        self.count("reboots", node["metadata"]["name"])
        kube.patch(kube.path_of(node), {"metadata": {"labels": {KWOK_LABEL: None}}})
        silent = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        conditions = [{**item, **silent, "lastTransitionTime": now()} for item in (node.get("status") or {}).get("conditions") or []]
        kube.patch(kube.path_of(node), {"status": {"conditions": conditions}}, subresource="status")

    def come_back(self, kube: Kube, node: Object) -> None:
        """A new boot id first, then KWOK may make the node Ready."""
        kube.patch(kube.path_of(node), {"status": {"nodeInfo": {"bootID": str(uuid.uuid4())}}}, subresource="status")
        kube.patch(kube.path_of(node), {"metadata": {"labels": {KWOK_LABEL: KWOK_VALUE}}})
        self._op.event(node, "Warning", "Rebooted", f"Node {node['metadata']['name']} has been rebooted")

    def count(self, what: str, node: str) -> None:
        """One more of `reboots` or `drains`, in the file in which the machine-config operator counts, too."""
        self._counters.add(what, node)
