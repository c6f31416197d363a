# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NodeFeatureDiscovery, the NVIDIA ClusterPolicy and the AMD DeviceConfig.

A ClusterPolicy is ``ready`` also when there is nothing to do (no NFD labels, no GPU nodes): its reason decides, and
the nodes' allocatable GPUs, which a target asks for with ``nodes`` (see ``targets.py``). Source: NVIDIA/gpu-operator
``controllers/clusterpolicy_controller.go`` and ``internal/conditions`` (states, types and reasons).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import basics
from .fields import because, condition, dig, integer, is_old, is_true, mapping
from .model import DONE, State, done, failed, waiting
from .quantity import to_number

# A device plugin registers all its devices at once; after a change of MIG it starts anew.
COUNT_GRACE = 60.0
MIG_STATE = "nvidia.com/mig.config.state"

_EMPTY_READY = {
    "NFDLabelsMissing": "Install NodeFeatureDiscovery and check that nodes have feature.node.kubernetes.io/pci-10de.present.",
    "NoGPUNodes": "Check that the nodes hold NVIDIA GPUs and that NodeFeatureDiscovery whitelists PCI class 03.",
}


def feature_discovery(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the NodeFeatureDiscovery's Available condition is True and Degraded isn't."""
    degraded = condition(obj, "Degraded")
    if degraded.get("status") == "True":
        return failed("Degraded", because(degraded), "Look at the Pods in its namespace.", grace=60)
    available = condition(obj, "Available")
    if available.get("status") == "True" and not is_old(obj, available):
        return done("Available")
    return waiting("Progressing", because(condition(obj, "Progressing")) or because(available))


def cluster_policy(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when state is ready *and* the Ready condition's reason says that operands were really deployed."""
    state = str(dig(obj, "status.state") or "")
    ready, error = condition(obj, "Ready"), condition(obj, "Error")
    if state == "ignored":
        return failed(
            "Ignored",
            "another ClusterPolicy is the active one; the operator honours one only",
            "Keep one ClusterPolicy: oc get clusterpolicy",
        )
    if ready.get("reason") in _EMPTY_READY:
        return failed(
            str(ready["reason"]),
            f"state is {state or 'not set'}, but no GPU is set up: {ready.get('message')}",
            _EMPTY_READY[str(ready["reason"])],
            grace=120,
        )
    if error.get("status") == "True" and error.get("reason") == "ReconcileFailed":
        return failed("ReconcileFailed", because(error), "Correct the field that the message names.", grace=60)
    if state == "ready" and ready.get("status") in (None, "True"):
        return done("ready", because(ready))
    return waiting(state or "NoStatus", because(error) if error.get("status") == "True" else because(ready))


def gpus(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the node offers exactly as many GPUs as its bus shows (``equals`` of ``resource``). Other numbers than none don't heal."""
    state = basics.allocatable(obj, options)
    if state.phase == DONE:
        return state
    if mapping(obj, "metadata.labels").get(MIG_STATE) == "failed":
        layout = mapping(obj, "metadata.labels").get("nvidia.com/mig.config")
        return failed(
            "MigFailed", f"its MIG layout {layout} was set up half way ({MIG_STATE} is failed); {state.detail}",
            "Read the log of nvidia-mig-manager on that node; set its label nvidia.com/mig.config to all-disabled, and free its GPUs for that.",
        )  # fmt: skip
    have, want = to_number(mapping(obj, "status.allocatable").get(options["resource"])), to_number(options["equals"])
    if not have or want is None or have == want:
        return state
    if have < want:
        todo = "A GPU has failed or fallen off the bus: look for Xid 79 and NVRM in the kernel's log of that node; restart it, or have the GPU replaced."
        return failed("TooFewGpus", state.detail, todo, grace=COUNT_GRACE)
    todo = "MIG or time slicing cuts its GPUs: switch that off, or leave the node out (llmd_node_selector)."
    return failed("TooManyGpus", state.detail, todo, grace=COUNT_GRACE)


def device_config(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when Ready is True and driver and device plugin run on every node that the selector matches, at least on one.

    Source: ROCm/gpu-operator ``api/v1alpha1/deviceconfig_types.go`` (numbers) and ``internal/conditions`` (types and reasons).
    """
    error = condition(obj, "Error")
    if error.get("status") == "True":
        return failed(str(error.get("reason") or "Error"), because(error), "Correct the field that the message names.", grace=60)
    parts = ["driver", "devicePlugin"] if dig(obj, "spec.driver.enable") is not False else ["devicePlugin"]
    counts = {part: _counts(obj, part) for part in parts}
    matching = max((count[0] for count in counts.values()), default=0)
    if is_true(obj, "Ready") and not matching:
        todo = "Check feature.node.kubernetes.io/amd-gpu on the nodes, and the NodeFeatureRule that makes it."
        return failed("NoMatchingNodes", "it is ready, but its selector matches no node", todo, grace=120)
    text = ", ".join(f"{part} on {available} of {nodes}" for part, (nodes, available) in counts.items())
    if is_true(obj, "Ready") and all(nodes == available == matching for nodes, available in counts.values()):
        return done("Ready", text)
    return waiting("NotReady", because(condition(obj, "Ready")) or text)


def _counts(obj: Mapping[str, Any], part: str) -> tuple[int, int]:
    """(nodes that match, nodes on which it is available)."""
    return integer(obj, f"status.{part}.nodesMatchingSelectorNumber"), integer(obj, f"status.{part}.availableNumber")
