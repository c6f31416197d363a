# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SR-IOV config daemon does on one node: NodeState status, firmware, virtual functions, the request to drain or reboot.

Source: k8snetworkplumbingwg/sriov-network-operator v1.6.0 pkg/daemon/daemon.go, pkg/plugins/{generic,mellanox} (when a drain or a reboot
is needed, texts). A change that fails leaves the node `InProgress` for ever: this release tells the reason only in the daemon's log; up to
4.18 (assumed) it is `Failed` with the reason in lastSyncError. Not played: systemd mode, bridges, externally managed cards.
"""

from __future__ import annotations

import json
from typing import Any

from rehearsal.operators import pod_logs, sriov_policy
from rehearsal.operators.node_reboot import is_away
from rehearsal.operators.objects import boot_id
from rehearsal.operators.pod_status import is_ready
from rehearsal.operators.runtime import Kube, Object, is_true, labels_of
from rehearsal.operators.sriov_base import SriovBase
from rehearsal.operators.sriov_drain import COMPLETE, CURRENT, DESIRED, DRAIN, DRAINING, IDLE, NODE_STATE, REBOOT, note
from rehearsal.operators.sriov_ids import MELLANOX
from rehearsal.operators.sriov_nics import FAULTS

DAEMON, PLUGIN = "sriov-network-config-daemon", "sriov-device-plugin"
STUCK = "sriov-daemon-stuck"
IN_PROGRESS, SUCCEEDED, FAILED = "InProgress", "Succeeded", "Failed"
RESYNC_SECONDS, RETRY_SECONDS = 30.0, 5.0  # at --speed 1
EXCLUSIVE, SHARED = "ib_core.netns_mode=0", "ib_core.netns_mode=1"
CURRENT_CONFIG = "machineconfiguration.openshift.io/currentConfig"
MACHINE_CONFIG = ("machineconfiguration.openshift.io/v1", "MachineConfig")


class ApplyError(Exception):
    """The daemon cannot bring the node where the NodeState wants it."""


class Daemon:
    """The config daemons of all nodes."""

    def __init__(self, operator: SriovBase) -> None:
        self._op = operator
        self._applied: dict[str, tuple[str, int]] = {}  # node -> (uid of the daemon's pod, generation) that was applied
        self._told: dict[str, str] = {}  # node -> the sync status last written: the copy at hand may be older than that
        self._quiet: dict[str, list[Any]] = {}  # node -> all that its state depends on, when it was last found to be as asked

    def pod(self, node: str, app: str) -> Object | None:
        """The ready pod of a DaemonSet of the operator on a node."""
        for pod in self._op.pods_on(node):
            if pod["metadata"].get("namespace") == self._op.namespace and labels_of(pod).get("app") == app and is_ready(pod):
                return pod
        return None

    def advance(self, kube: Kube, state: Object, node: Object) -> float | None:
        """One round of the daemon of a node. Returns seconds until the next."""
        name, boot = node["metadata"]["name"], boot_id(node)
        if is_away(node) or self._op.cards.node(name).get("rebooting") == boot:
            return self._rebooting(kube, node, boot)
        pod = self.pod(name, DAEMON)
        server = self._op.server(name)
        if pod is None or server is None or not is_true(node, "Ready"):
            return None
        if self._is_stuck(name):
            return RETRY_SECONDS / self._op.settings.speed
        self._op.cards.booted(server, self._op.scenario, boot)
        if note(state, CURRENT) == "" or note(state, DESIRED) == "":
            return None  # the drain controller makes them first
        mark = (pod["metadata"]["uid"], int(state["metadata"].get("generation") or 1))
        facts = [mark, boot, state, note(node, CURRENT_CONFIG), self._op.cards.stamp(), [self._op.scenario.get(fault) for fault in FAULTS]]
        if self._quiet.get(name) == facts:
            return RESYNC_SECONDS / self._op.settings.speed  # nothing has changed since all was well
        cards = self.cards(node)
        if self._applied.get(name) == mark and not self._drifted(state, node, cards):
            self._quiet[name] = facts
            self._tell(kube, state, node, self._told.get(name, SUCCEEDED), None)
            return RESYNC_SECONDS / self._op.settings.speed
        return self._change(kube, state, node, cards, mark)

    def cards(self, node: Object) -> list[Object]:
        """`status.interfaces` as the node's kernel shows them now."""
        server = self._op.server(node["metadata"]["name"])
        if server is None:
            return []
        return sriov_policy.interfaces(self._op.cards.interfaces(server, self._op.scenario, boot_id(node)))

    def _is_stuck(self, name: str) -> bool:
        return (self._op.fault(STUCK) or {}).get("node") == name

    # ---- a change

    def _change(self, kube: Kube, state: Object, node: Object, cards: list[Object], mark: tuple[str, int]) -> float | None:
        state = self._tell(kube, state, node, IN_PROGRESS, None)
        try:
            reboot = self._needs_reboot(state, node)
            drain = reboot or self._needs_drain(state, node, cards)
            away = note(state, CURRENT) == COMPLETE or self._op.config_spec().get("disableDrain")
            if (drain or note(state, CURRENT) != IDLE) and not away:
                self._request(kube, state, node, REBOOT if reboot else DRAIN)
                return RESYNC_SECONDS / self._op.settings.speed
            left = self._op.remaining("sriov-apply", f"{state['metadata']['uid']}/{mark}/{boot_id(node)}")
            if left:
                return left
            if reboot:
                return self._reboot(kube, state, node)
            self._apply(state, node, cards)
        except ApplyError as error:
            self._complain(node["metadata"]["name"], str(error))
            if self._op.minor() <= 18:
                self._tell(kube, state, node, FAILED, str(error))
            return RETRY_SECONDS / self._op.settings.speed
        self._done(kube, state, node, mark)
        return RESYNC_SECONDS / self._op.settings.speed

    def _complain(self, node: str, text: str) -> None:
        """In the log of the daemon's pod."""
        self._op.log.warning("node %s: %s", node, text)
        pod = self.pod(node, DAEMON)
        if pod is not None:
            words = {"level": "error", "logger": "Apply", "msg": "generic plugin fail to apply", "error": text}
            pod_logs.write(self._op.state, pod, DAEMON, [json.dumps(words)])

    def _done(self, kube: Kube, state: Object, node: Object, mark: tuple[str, int]) -> None:
        plugin = self.pod(node["metadata"]["name"], PLUGIN)
        if plugin is not None:
            kube.delete(kube.path_of(plugin))  # it reads its devices anew at its start
        self._request(kube, state, node, IDLE)
        self._applied[node["metadata"]["name"]] = mark
        self._tell(kube, state, node, SUCCEEDED, "")

    def _request(self, kube: Kube, state: Object, node: Object, wish: str) -> None:
        """Write the wish onto the node and its NodeState; a drain that is on its way is left alone."""
        if wish != IDLE and note(state, CURRENT) == DRAINING:
            return
        for obj, key in ((node, NODE_STATE), (state, DESIRED)):
            if note(obj, key) != wish:
                kube.patch(kube.path_of(obj), {"metadata": {"annotations": {key: wish}}})

    # ---- what a change needs

    def _needs_drain(self, state: Object, node: Object, cards: list[Object]) -> bool:
        """True when virtual functions that exist must change; the first ones of a card disturb nobody."""
        asked = {item["pciAddress"]: item for item in asked_of(state)}
        managed = self._managed(node)
        for card in cards:
            if not card.get("numVfs"):
                continue
            item = asked.get(card["pciAddress"])
            if item is not None and sriov_policy.differs(item, card):
                return True
            if item is None and card["pciAddress"] in managed:
                return True
        return False

    def _managed(self, node: Object) -> set[str]:
        server = self._op.server(node["metadata"]["name"])
        nics = self._op.cards.interfaces(server, self._op.scenario, boot_id(node)) if server else []
        return {nic["pci"] for nic in nics if nic["managed"]}

    def _needs_reboot(self, state: Object, node: Object) -> bool:
        """Write kernel arguments and firmware parameters; True when they take effect only at a reboot."""
        kernel = self._kernel_arguments(state, node)
        return self._firmware(state, node) or kernel

    def _firmware(self, state: Object, node: Object) -> bool:
        """Set the firmware of NVIDIA's cards to what is asked. Raises ApplyError."""
        name = node["metadata"]["name"]
        server = self._op.server(name)
        if server is None or "mellanox" in (self._op.config_spec().get("disablePlugins") or []):
            return False
        nics = {nic["pci"]: nic for nic in self._op.cards.interfaces(server, self._op.scenario, boot_id(node))}
        asked = {item["pciAddress"]: item for item in asked_of(state)}
        needed = False
        for pci, nic in nics.items():
            if not nic["pci_id"].startswith(MELLANOX):
                continue
            item = asked.get(pci)
            if item is None:
                if nic["managed"] and not any(other[:-1] == pci[:-1] for other in asked):
                    self._op.cards.set_firmware(name, pci, vfs=0)  # takes effect at some later reboot
                continue
            # Both ports of a card share one number of virtual functions.
            total = max(other["numVfs"] for address, other in asked.items() if address[:-1] == pci[:-1])
            self._op.cards.set_firmware(name, pci, vfs=total)
            needed = needed or nic["firmware_vfs"] != total
            needed = self._link_type(name, nic, item) or needed
        return needed

    def _link_type(self, node: str, nic: Object, item: Object) -> bool:
        wish = str(item.get("linkType") or "").upper()
        have = sriov_policy.LINK_TYPES[nic["link_layer"]]
        if not wish or wish == have:
            return False
        if wish not in ("ETH", "IB"):
            raise ApplyError(
                f"mellanox-plugin OnNodeStateChange(): Not supported link type: {item['linkType']}, supported link types: [eth, ETH, ib, and IB]"
            )
        layer = next(layer for layer, short in sriov_policy.LINK_TYPES.items() if short == wish)
        self._op.cards.set_firmware(node, nic["pci"], link=layer)
        return True

    def _kernel_arguments(self, state: Object, node: Object) -> bool:
        """True when the running kernel lacks an argument, or has one that must go."""
        name = node["metadata"]["name"]
        kept = self._op.cards.node(name)
        wanted: list[str] = []
        if any(group.get("deviceType") == sriov_policy.VFIO for item in asked_of(state) for group in item["vfGroups"]):
            server = self._op.server(name) or {"cpu": {}}
            intel = server["cpu"].get("vendor_id") != "AMD"
            wanted += ["intel_iommu=on", "iommu=pt"] if intel else ["iommu=pt"]
        mode = ((state.get("spec") or {}).get("system") or {}).get("rdmaMode")
        wanted += {"exclusive": [EXCLUSIVE], "shared": [SHARED]}.get(str(mode), [])
        have = set(kept.get("arguments") or []) | self._machine_arguments(node)
        extra = [item for item in (EXCLUSIVE, SHARED) if item in have and item not in wanted]
        keep = [item for item in kept.get("arguments") or [] if item not in extra]
        self._op.cards.remember(name, next_arguments=sorted({*keep, *wanted}))
        return bool(extra) or any(item not in have for item in wanted)

    def _machine_arguments(self, node: Object) -> set[str]:
        """Kernel arguments that the machine-config operator has given to the node."""
        config = self._op.find(*MACHINE_CONFIG, note(node, CURRENT_CONFIG))
        words = ((config or {}).get("spec") or {}).get("kernelArguments") or []
        return {part for word in words for part in str(word).split()}

    def _drifted(self, state: Object, node: Object, cards: list[Object]) -> bool:
        by_address = {card["pciAddress"]: card for card in cards}
        for item in asked_of(state):
            card = by_address.get(item["pciAddress"])
            if card is not None and sriov_policy.differs(item, card):
                return True
        return False

    # ---- doing it

    def _apply(self, state: Object, node: Object, cards: list[Object]) -> None:
        """Make and remove virtual functions. Raises ApplyError."""
        name, boot = node["metadata"]["name"], boot_id(node)
        asked = {item["pciAddress"]: item for item in asked_of(state)}
        managed = self._managed(node)
        for card in cards:
            item = asked.get(card["pciAddress"])
            if item is None:
                if card["pciAddress"] in managed:
                    self._op.cards.configure(name, card["pciAddress"], boot, num=0, mtu=0, eswitch="legacy", groups=[], managed=False)
                continue
            count, most = item["numVfs"], card.get("totalvfs", 0)
            if count > most:
                raise ApplyError(f"cannot config SRIOV device: NumVfs ({count}) is larger than TotalVfs ({most})")
            self._op.cards.configure(
                name,
                card["pciAddress"],
                boot,
                num=count,
                mtu=item.get("mtu", 0),
                eswitch=item.get("eSwitchMode", "legacy"),
                groups=item["vfGroups"],
                managed=True,
            )

    def _reboot(self, kube: Kube, state: Object, node: Object) -> float:
        name = node["metadata"]["name"]
        reset = bool((self._op.config_spec().get("featureGates") or {}).get("mellanoxFirmwareReset"))
        self._op.cards.remember(name, rebooting=boot_id(node), reset=reset)
        self._op.event(state, "Normal", "RebootNode", "Reboot node has been initiated")
        self._op.nodes.go_down(kube, node)
        return self._rebooting(kube, node, boot_id(node)) or 1.0

    def _rebooting(self, kube: Kube, node: Object, boot: str) -> float | None:
        """A node that this daemon has sent away comes back after the delay; any other absence is somebody else's."""
        name = node["metadata"]["name"]
        if self._op.cards.node(name).get("rebooting") != boot:
            return None
        left = self._op.remaining("reboot", f"{name}/{boot}")
        if left:
            return left
        self._op.nodes.come_back(kube, kube.get(kube.path_of(node)) or node)
        self._op.cards.remember(name, rebooting="")
        return 1.0

    # ---- telling

    def _tell(self, kube: Kube, state: Object, node: Object, sync: str, error: str | None) -> Object:
        """Write the status; `error` None keeps the last one. A changed sync status is an event, too. Returns the NodeState as it is then."""
        before = (state.get("status") or {}).get("syncStatus") or "Unknown"
        self._told[node["metadata"]["name"]] = sync
        exclusive = EXCLUSIVE in {*(self._op.cards.node(node["metadata"]["name"]).get("arguments") or []), *self._machine_arguments(node)}
        status: Object = {
            "interfaces": self.cards(node),
            "syncStatus": sync,
            "system": {"rdmaMode": "exclusive" if exclusive else "shared"},
        }
        if error is not None:
            status["lastSyncError"] = error
        if self._op.set_status(kube, state, status) and before != sync:
            text = f"Status changed from: {before} to: {sync}"
            self._op.event(state, "Normal", "SyncStatusChanged", f"{text}. Last Error: {error}" if error else text)
        return {**state, "status": {**(state.get("status") or {}), **status}}


def asked_of(state: Object) -> list[Object]:
    """`spec.interfaces` of a NodeState."""
    return list((state.get("spec") or {}).get("interfaces") or [])
