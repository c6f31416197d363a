# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the MIG manager's pod does on a node when the label `nvidia.com/mig.config` changes.

pending (its GPU clients are sent away by their labels) → success or failed (the clients come back); `rebooting` between, when a
workload holds the GPUs and the manager may reboot (`migManager.env` WITH_REBOOT). Source: NVIDIA/mig-parted@bd7160f4
pkg/mig/reconfigure/reconfigure.go, deployments/container/reconfigure-mig.sh. Scenario `mig-half-done`: half of the GPUs are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.operators import nvidia_mig
from rehearsal.operators.node_reboot import is_away
from rehearsal.operators.nvidia_labels import DEPLOY, healthy_gpus
from rehearsal.operators.nvidia_mig import Layout, NoSuchLayout
from rehearsal.operators.runtime import Kube, Object, StandIn, is_true, labels_of
from rehearsal.operators.sriov_reboot import Nodes

CONFIG, STATE = "nvidia.com/mig.config", "nvidia.com/mig.config.state"
PENDING, REBOOTING, SUCCESS, FAILED = "pending", "rebooting", "success", "failed"
CLIENTS = ("device-plugin", "gpu-feature-discovery", "dcgm-exporter", "dcgm")
PAUSED = "paused-for-mig-change"
HALF_DONE = "mig-half-done"


class MigManager:
    """Layouts of all nodes: what the GPUs remember, here and (for a fresh process) in the node's labels."""

    def __init__(
        self, operator: StandIn, server: Callable[[Object], dict[str, Any]], patch_node: Callable[[Kube, Object, Object], None],
        uses_gpu: Callable[[Object], bool],
    ) -> None:
        self._op, self._server, self._patch_node, self._uses_gpu = operator, server, patch_node, uses_gpu
        self._layouts: dict[str, list[Layout | None]] = {}
        self._nodes = Nodes(operator)
        self._told: dict[str, str] = {}  # node -> the configuration whose end was told

    def layouts(self, node: Object) -> list[Layout | None]:
        """The layout of each GPU of a node that works."""
        name, gpus = node["metadata"]["name"], healthy_gpus(self._server(node))
        if name not in self._layouts:
            done = labels_of(node).get(STATE) == SUCCESS
            self._layouts[name] = _all(labels_of(node).get(CONFIG) or nvidia_mig.OFF, gpus) if done else [None] * len(gpus)
        return self._layouts[name][: len(gpus)]

    def advance(self, kube: Kube, node: Object, env: Mapping[str, str]) -> float | None:
        """One step towards the layout that the node's label asks for. Returns seconds until the next look."""
        labels, name = labels_of(node), node["metadata"]["name"]
        wanted, state = labels.get(CONFIG) or "", labels.get(STATE) or ""
        timer = f"{name}/{wanted}"
        if not wanted:
            return None
        if state == REBOOTING:
            return self._reboot(kube, node, timer)
        if state in (SUCCESS, FAILED) and self._told.get(name) == wanted:
            return None
        gpus = healthy_gpus(self._server(node))
        try:
            target = _layouts(wanted, gpus)
        except NoSuchLayout as error:
            self._op.log.info("node %s: %s", name, error)
            self._end(kube, node, FAILED, wanted)
            return None
        if self.layouts(node) == target and state != PENDING:
            self._end(kube, node, SUCCESS, wanted)
            return None
        if state != PENDING:
            paused = {f"{DEPLOY}{part}": PAUSED for part in CLIENTS if labels.get(f"{DEPLOY}{part}") not in (None, "false")}
            self._patch_node(kube, node, {"labels": {STATE: PENDING, **paused}})
            return 1.0 / self._op.settings.speed
        left = self._op.remaining("mig-reconfigure", timer)
        if left:
            return left
        return self._apply(kube, node, wanted, target, env)

    def _apply(self, kube: Kube, node: Object, wanted: str, target: list[Layout | None], env: Mapping[str, str]) -> float | None:
        name = node["metadata"]["name"]
        self._op.forget("mig-reconfigure", f"{name}/{wanted}")
        held = [pod for pod in self._op.pods_on(name) if self._uses_gpu(pod) and (pod.get("status") or {}).get("phase") == "Running"]
        if held and env.get("WITH_REBOOT", "").lower() == "true":
            self._patch_node(kube, node, {"labels": {STATE: REBOOTING}})
            self._nodes.go_down(kube, node)
            return 1.0
        if held:
            self._op.log.info("node %s: MIG layout cannot be changed: in use by another client", name)
            self._end(kube, node, FAILED, wanted)
            return None
        if (self._op.fault(HALF_DONE) or {}).get("node") == name:
            half = len(target) // 2
            self._layouts[name] = [*target[:half], *self.layouts(node)[half:]]
            self._end(kube, node, FAILED, wanted)
            return None
        self._layouts[name] = target
        self._end(kube, node, SUCCESS, wanted)
        return None

    def _reboot(self, kube: Kube, node: Object, timer: str) -> float | None:
        left = self._op.remaining("reboot", timer)
        if left:
            return left
        if is_away(node):
            self._nodes.come_back(kube, node)
            return 1.0
        if not is_true(node, "Ready"):
            return 1.0
        self._op.forget("reboot", timer)
        wanted = labels_of(node)[CONFIG]
        self._layouts[node["metadata"]["name"]] = _all(wanted, healthy_gpus(self._server(node)))
        self._end(kube, node, SUCCESS, wanted)
        return None

    def _end(self, kube: Kube, node: Object, state: str, wanted: str) -> None:
        """Tell the end, and let the GPU's clients come back."""
        labels = labels_of(node)
        back = {f"{DEPLOY}{part}": "true" for part in CLIENTS if labels.get(f"{DEPLOY}{part}") == PAUSED}
        self._told[node["metadata"]["name"]] = wanted
        if labels.get(STATE) != state or back:
            self._patch_node(kube, node, {"labels": {STATE: state, **back}})


def _layouts(name: str, gpus: list[Mapping[str, Any]]) -> list[Layout | None]:
    return [nvidia_mig.layout(name, gpu) for gpu in gpus]


def _all(name: str, gpus: list[Mapping[str, Any]]) -> list[Layout | None]:
    """The layouts of a configuration; MIG off where it is not known."""
    try:
        return _layouts(name, gpus)
    except NoSuchLayout:
        return [None] * len(gpus)
