# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another team that works on the cluster. Scenario `drain-blocked-by-pdb`: its single replica on a node may not be disrupted.

Such a budget (`minAvailable: 1` for one replica) is what Kubernetes' documentation "Specifying a Disruption Budget" warns of. Taking the
scenario out is the team deleting its budget.
"""

from __future__ import annotations

from rehearsal.operators.runtime import Kube, Object, StandIn
from rehearsal.operators.workloads import deployment, namespace_object

NAMESPACE, NAME = "ledger", "bookkeeper"
BUDGET = ("policy/v1", "PodDisruptionBudget")
FAULT = "drain-blocked-by-pdb"
LOOK_SECONDS = 5.0


class OtherTeam(StandIn):
    """One Deployment that is bound to a node, and its budget."""

    name = "ledger-team"
    watches = [("v1", "Node")]

    def route(self, event: str, obj: Object) -> list[Object]:
        """Only the node of the fault matters."""
        return [obj] if event != "DELETED" and (self.fault(FAULT) or {}).get("node") == obj["metadata"]["name"] else []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """Keep workload and budget as long as the fault is there; then the budget goes, the workload stays."""
        if (self.fault(FAULT) or {}).get("node") != obj["metadata"]["name"]:
            kube.delete(kube.path(*BUDGET, NAMESPACE, NAME))
            self._applied.clear()
            return None
        for item in objects(obj["metadata"]["name"]):
            self.ensure(kube, item)
        return LOOK_SECONDS / self.settings.speed


def objects(node: str) -> list[Object]:
    """The team's namespace, its Deployment of one replica on a node, and the budget."""
    labels = {"app": NAME}
    work = deployment(NAME, NAMESPACE, "registry.redhat.io/ubi9/httpd-24:latest", labels, container="httpd")
    # It may run on GPU nodes, but does not tolerate a cordon: an evicted pod has to wait.
    tolerations = [{"key": key, "operator": "Exists"} for key in ("nvidia.com/gpu", "amd.com/gpu")]
    work["spec"]["template"]["spec"] |= {"nodeSelector": {"kubernetes.io/hostname": node}, "tolerations": tolerations}
    budget: Object = {
        "apiVersion": BUDGET[0],
        "kind": BUDGET[1],
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
    }
    return [namespace_object(NAMESPACE), work, budget]
