# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that reboots, for every operator stand-in that makes one do so: silence, a new boot id.

KWOK plays the node's kubelet as long as the node has the label `type: kwok`; during a reboot the label is away.
"""

from __future__ import annotations

import uuid

from rehearsal.operators.runtime import Kube, Object, StandIn, is_true, now

KWOK_LABEL, KWOK_VALUE = "type", "kwok"


def is_away(node: Object) -> bool:
    """True while a node is away for a reboot: KWOK's label is off it and Ready is Unknown."""
    return (node["metadata"].get("labels") or {}).get(KWOK_LABEL) != KWOK_VALUE and not is_true(node, "Ready")


def go_down(kube: Kube, node: Object) -> None:
    """The kubelet falls silent: KWOK lets the node go, Ready becomes Unknown."""
    kube.patch(kube.path_of(node), {"metadata": {"labels": {KWOK_LABEL: None}}})
    stamp = now()
    silent = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    conditions = [{**item, **silent, "lastTransitionTime": stamp} for item in (node.get("status") or {}).get("conditions") or []]
    kube.patch(kube.path_of(node), {"status": {"conditions": conditions}}, subresource="status")


def come_back(operator: StandIn, kube: Kube, node: Object) -> None:
    """A new boot id first, then KWOK may make the node Ready."""
    kube.patch(kube.path_of(node), {"status": {"nodeInfo": {"bootID": str(uuid.uuid4())}}}, subresource="status")
    kube.patch(kube.path_of(node), {"metadata": {"labels": {KWOK_LABEL: KWOK_VALUE}}})
    operator.event(node, "Warning", "Rebooted", f"Node {node['metadata']['name']} has been rebooted")
