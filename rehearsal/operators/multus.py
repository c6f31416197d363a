# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of Multus and whereabouts on the nodes: additional networks of pods, their addresses, and the words when one cannot be attached.

Sources: k8snetworkplumbingwg/multus-cni pkg/{multus,k8sclient} (order, errors, events, annotation network-status), CRI-O's and the kubelet's
event FailedCreatePodSandBox; k8snetworkplumbingwg/whereabouts. A part of the platform: it runs always. A simulated pod, and a real one, starts only
after this annotation is there. Not played: the interfaces themselves, status of pods without additional networks, DHCP.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from rehearsal.kubelet.events import Events
from rehearsal.operators import multus_ipam, multus_plugins
from rehearsal.operators.multus_networks import (
    NETWORKS,
    STATUS,
    BadRequest,
    Network,
    check_isolation,
    plugins,
    requested,
)
from rehearsal.operators.multus_plugins import Failed, NodeView
from rehearsal.operators.multus_pools import Pools
from rehearsal.operators.objects import boot_id
from rehearsal.operators.runtime import Kube, KubeError, NotFound, Object, StandIn
from rehearsal.operators.simulated_kubelet import image_rows, pattern, uses
from rehearsal.operators.sriov_networks import NAD, RESOURCE_NOTE
from rehearsal.operators.sriov_nics import Cards
from rehearsal.operators.sriov_reboot import requested as requested_resources

SRIOV_STATE = ("sriovnetwork.openshift.io/v1", "SriovNetworkNodeState")
SRIOV_NAMESPACE, SRIOV_PREFIX = "openshift-sriov-network-operator", "openshift.io/"
DEFAULT_NETWORK = "ovn-kubernetes"
RETRY_SECONDS = 10.0


def networks_of(pod: Object) -> str:
    """The annotation that asks for networks; "" for a pod of the host's network, whose sandbox has no CNI."""
    if (pod.get("spec") or {}).get("hostNetwork"):
        return ""
    return str((pod["metadata"].get("annotations") or {}).get(NETWORKS) or "")


def told(pod: Object) -> list[Object]:
    """What network-status says of a pod already."""
    text = (pod["metadata"].get("annotations") or {}).get(STATUS)
    try:
        found = json.loads(text) if text else []
    except ValueError:
        return []
    return found if isinstance(found, list) else []


class Multus(StandIn):
    """Pods with the annotation `networks`, one after the other."""

    name = "multus"
    watches = [("v1", "Pod"), NAD, ("v1", "Node")]

    def start(self, kube: Kube) -> None:
        """Give addresses of pods back that have gone while nobody looked (whereabouts' reconciler)."""
        rows = image_rows()
        self._real = [pattern(rows, held=True), pattern(rows, held=False)]
        self._events = Events(kube)
        self._cards = Cards(self.state / "run" / "nics.json")
        self._pools = Pools(kube)
        self._pools.sweep()

    def route(self, event: str, obj: Object) -> Iterable[Object]:
        """Pods with networks wake themselves; a new definition wakes those that wait."""
        if obj["kind"] == "Pod":
            return [obj] if event != "DELETED" and networks_of(obj) else []
        if obj["kind"] == NAD[1] and event != "DELETED":
            return [pod for pod in self.objects("v1", "Pod") if networks_of(pod) and not told(pod)]
        return []

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """Attach what a bound pod asks for; complete the status when the pod has its address."""
        if obj["kind"] != "Pod" or not networks_of(obj) or not (obj.get("spec") or {}).get("nodeName"):
            return None
        if (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            self._pools.release(obj)
            return None
        if obj["metadata"].get("deletionTimestamp"):
            return None
        have = told(obj)
        if have:
            self._complete(kube, obj, have)
            return None
        try:
            entries = self._attach(obj)
        except (BadRequest, Failed, multus_ipam.NoAddress) as error:
            self._pools.release(obj)
            self._refuse(kube, obj, str(error))
            return RETRY_SECONDS / self.settings.speed
        self._annotate(kube, obj, [self._default(obj), *(entry for entry, _ in entries)])
        for entry, addresses in entries:
            self.event(obj, "Normal", "AddedInterface", f"Add {entry['interface']} [{' '.join(addresses)}] from {entry['name']}")
        return None

    def deleted(self, kube: Kube, obj: Object) -> None:
        """The pod has gone, and its addresses are free."""
        if obj["kind"] == "Pod" and networks_of(obj):
            self._pools.release(obj)

    # ---- attaching

    def _attach(self, pod: Object) -> list[tuple[Object, list[str]]]:
        """Elements of network-status, each with its addresses and their prefixes. Raises BadRequest, Failed or NoAddress."""
        try:
            networks = requested(pod)
        except BadRequest as error:
            raise BadRequest(f"{_loading(pod)}GetPodNetwork: {error}") from error
        found = [(network, *self._definition(pod, network)) for network in networks]
        view = self._view(pod)
        taken: list[str] = []
        entries = []
        for number, (network, definition, chain) in enumerate(found, 1):
            interface = network.interface or f"net{number}"
            entries.append(self._one(pod, network, definition, chain, interface, view, taken))
        return entries

    def _definition(self, pod: Object, network: Network) -> tuple[Object, list[dict[str, Any]]]:
        try:
            check_isolation(pod, network)
            definition = self.find(*NAD, network.name, network.namespace)
            if definition is None:
                text = (
                    f"cannot find a network-attachment-definition ({network.name}) in namespace ({network.namespace}): "
                    f'network-attachment-definitions.k8s.cni.cncf.io "{network.name}" not found'
                )
                self.event(pod, "Warning", "NoNetworkFound", text)
                raise BadRequest(f"GetNetworkDelegates: failed getting the delegate: getKubernetesDelegate: {text}")
            return definition, plugins(definition)
        except BadRequest as error:
            raise BadRequest(f"{_loading(pod)}{error}") from error

    def _one(
        self, pod: Object, network: Network, definition: Object, chain: list[dict[str, Any]], interface: str, view: NodeView, taken: list[str]
    ) -> tuple[Object, list[str]]:
        meta = pod["metadata"]
        resource = (definition["metadata"].get("annotations") or {}).get(RESOURCE_NOTE)
        device = self._device(pod, resource, view, taken) if resource else None
        name = json.loads(definition["spec"]["config"]).get("name") or network.name
        try:
            multus_plugins.check(chain, view, device)
            ipam = chain[0].get("ipam") or {}
            addresses = self._addresses(pod, network, name, ipam, interface)
        except (Failed, multus_ipam.NoAddress) as error:
            where = f"[{meta['namespace']}/{meta['name']}/{meta.get('uid', '')}:{name}]"
            raise Failed(f'{where}: error adding container to network "{name}": {error}') from error
        mac = network.mac or (device or {}).get("mac") or multus_plugins.made_up_mac(str(meta.get("uid")), interface)
        plain = [text.partition("/")[0] for text in addresses]
        return multus_plugins.status_entry(str(network), interface, plain, mac, device), addresses

    def _addresses(self, pod: Object, network: Network, name: str, ipam: dict[str, Any], interface: str) -> list[str]:
        kind = ipam.get("type")
        if not kind:
            return []
        if kind == "whereabouts":
            return self._pools.take(pod, ipam, interface)
        if kind == "static":
            return multus_ipam.static(ipam, network.addresses)
        if kind == "host-local":
            taken = self._on_node(pod, str(network))
            return [multus_ipam.with_prefix(multus_ipam.lowest(row, taken), row) for row in multus_ipam.host_local_rows(ipam)]
        if kind == "dhcp":
            raise multus_ipam.NoAddress("error calling DHCP.Allocate: no more tries")
        if kind == "nv-ipam":
            return self._pools.nv_ipam(pod, ipam, self._on_node(pod, str(network)))
        raise Failed(f'failed to find plugin "{kind}" in path [/opt/multus/bin /var/lib/cni/bin /usr/libexec/cni]')

    def _on_node(self, pod: Object, network: str) -> list[multus_ipam.Address]:
        """Addresses that other pods of the node have in a network."""
        rows = [entry for other in self.pods_on(pod["spec"]["nodeName"]) for entry in told(other) if entry.get("name") == network]
        return [multus_ipam.address(text) for entry in rows for text in entry.get("ips") or []]

    # ---- the node

    def _view(self, pod: Object) -> NodeView:
        node = self.find("v1", "Node", pod["spec"]["nodeName"])
        server = next((item for item in self.profile["nodes"] if item["name"] == pod["spec"]["nodeName"]), None)
        nics = self._cards.interfaces(server, self.scenario, boot_id(node or {})) if server else []
        state = self._state(pod["spec"]["nodeName"])
        mode = (((state or {}).get("status") or {}).get("system") or {}).get("rdmaMode") or "shared"
        devices = multus_plugins.devices_of(state, SRIOV_PREFIX)
        # Whole cards, as the SR-IOV device plugin of NVIDIA's network operator hands them out.
        whole = [{"pciAddress": nic["pci"], "mac": nic["mac"], "rdma": nic.get("rdma"), "role": nic["role"]} for nic in nics]
        return NodeView({nic["name"]: nic for nic in nics}, mode, {**devices, "": [item for item in whole if item["role"] != "machine"]})

    def _state(self, node: str) -> Object | None:
        try:
            return self.kube.get(self.kube.path(*SRIOV_STATE, SRIOV_NAMESPACE, node))
        except NotFound:
            return None  # the SR-IOV operator isn't installed

    def _device(self, pod: Object, resource: str, view: NodeView, taken: list[str]) -> Object | None:
        """The next device of a resource that no pod of the node has; None for a pod that doesn't ask for the resource."""
        if resource not in requested_resources(pod):
            return None
        rows = view.devices.get(resource) or (view.devices.get("") if resource.startswith("nvidia.com/") else None) or []
        used = {entry["device-info"]["pci"]["pci-address"] for other in self.pods_on(pod["spec"]["nodeName"])
                for entry in told(other) if "device-info" in entry}  # fmt: skip
        for device in rows:
            if device["pciAddress"] not in used and device["pciAddress"] not in taken:
                taken.append(device["pciAddress"])
                return device
        return None

    # ---- telling

    def _default(self, pod: Object) -> Object:
        address = (pod.get("status") or {}).get("podIP")
        mac = "0a:58:" + ":".join(f"{int(part):02x}" for part in address.split(".")) if address else "0a:58:00:00:00:00"
        return multus_plugins.status_entry(DEFAULT_NETWORK, "eth0", [address] if address else [], mac, None, default=True)

    def _complete(self, kube: Kube, pod: Object, have: list[Object]) -> None:
        """The address of the first interface is known later than the others'."""
        wanted = [self._default(pod), *have[1:]]
        if wanted != have and (pod.get("status") or {}).get("podIP"):
            self._annotate(kube, pod, wanted)

    def _annotate(self, kube: Kube, pod: Object, entries: list[Object]) -> None:
        try:
            kube.patch(kube.path_of(pod), {"metadata": {"annotations": {STATUS: json.dumps(entries, indent=4)}}})
        except NotFound:
            self._pools.release(pod)

    def _refuse(self, kube: Kube, pod: Object, text: str) -> None:
        self._events.send(pod, "FailedCreatePodSandBox", sandbox_failure(pod, text), warning=True)
        if any(uses(pod, images) for images in self._real):
            return  # its own kubelet tells
        waiting = [
            {"name": item["name"], "image": item["image"], "imageID": "", "ready": False, "started": False, "restartCount": 0, "lastState": {},
             "state": {"waiting": {"reason": "ContainerCreating"}}}
            for item in pod["spec"]["containers"]
        ]  # fmt: skip
        if (pod.get("status") or {}).get("containerStatuses") == waiting:
            return
        try:
            kube.patch(kube.path_of(pod), {"status": {"phase": "Pending", "containerStatuses": waiting}}, subresource="status")
        except KubeError as error:
            self.log.info("pod %s: %s", pod["metadata"]["name"], error)


def _loading(pod: Object) -> str:
    meta = pod["metadata"]
    return (
        f"Multus: [{meta['namespace']}/{meta['name']}/{meta.get('uid', '')}]: error loading k8s delegates k8s args: TryLoadPodDelegates: "
        "error in getting k8s network for pod: "
    )


def sandbox_failure(pod: Object, text: str) -> str:
    """The kubelet's words around an error of Multus, as CRI-O passes it on."""
    meta = pod["metadata"]
    name, namespace, uid = meta["name"], meta["namespace"], meta.get("uid", "")
    sandbox = hashlib.sha256(f"{uid}".encode()).hexdigest()
    return (
        f"Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_{name}_{namespace}_{uid}_0"
        f'({sandbox}): error adding pod {namespace}_{name} to CNI network "multus-cni-network": plugin type="multus-shim" '
        f'name="multus-cni-network" failed (add): CmdAdd (shim): CNI request failed with status 400: \'ContainerID:"{sandbox[:12]}" '
        f"ERRORED: error configuring pod [{namespace}/{name}] networking: {text}'"
    )
