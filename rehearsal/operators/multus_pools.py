# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address pools in the cluster: whereabouts' IPPools and reservations, and blocks of nv-ipam.

Sources: k8snetworkplumbingwg/whereabouts pkg/storage/kubernetes/ipam.go (objects in openshift-multus, one address a pod and interface, no address
twice in the cluster); Mellanox/nvidia-k8s-ipam api/v1alpha1 (status.allocations of an IPPool: the block of each node).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from rehearsal.operators import multus_ipam
from rehearsal.operators.multus_ipam import Address, NoAddress
from rehearsal.operators.runtime import Conflict, Kube, NotFound, Object

API = "whereabouts.cni.cncf.io/v1alpha1"
POOL, RESERVATION = (API, "IPPool"), (API, "OverlappingRangeIPReservation")
NAMESPACE = "openshift-multus"
NV_POOL = ("nv-ipam.nvidia.com/v1alpha1", "IPPool")
NV_NAMESPACE = "nvidia-network-operator"


class Pools:
    """All pools. Not for several threads: Multus has one worker."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    # ---- whereabouts

    def take(self, pod: Object, ipam: dict[str, Any], interface: str) -> list[str]:
        """One address (with prefix) of each range for a pod's interface. Raises NoAddress."""
        network = str(ipam.get("network_name") or "")
        return [multus_ipam.with_prefix(self._take(pod, row, network, interface, ipam), row) for row in multus_ipam.ranges(ipam)]

    def _take(self, pod: Object, row: dict[str, Any], network: str, interface: str, ipam: dict[str, Any]) -> Address:
        row = {"exclude": ipam.get("exclude") or [], **row}
        pool = self._pool(row, network)
        allocations: dict[str, Object] = (pool.get("spec") or {}).get("allocations") or {}
        reference = pod_reference(pod)
        for index, owner in allocations.items():
            if owner.get("podref") == reference and owner.get("ifname") == interface:
                return multus_ipam.at(index, row)
        taken = [multus_ipam.at(index, row) for index in allocations]
        overlapping = ipam.get("enable_overlapping_ranges", True) is not False
        if overlapping:
            taken += self._reserved(network)
        address = multus_ipam.lowest(row, taken)
        owner = {"id": hashlib.sha256(str(pod["metadata"].get("uid")).encode()).hexdigest(), "podref": reference, "ifname": interface}
        if overlapping:
            self._reserve(address, network, reference, interface)
        self._kube.patch(self._kube.path_of(pool), {"spec": {"allocations": {multus_ipam.offset(address, row): owner}}})
        return address

    def _pool(self, row: dict[str, Any], network: str) -> Object:
        name = multus_ipam.pool_name(row, network)
        have = self._kube.get(self._kube.path(*POOL, NAMESPACE, name))
        if have is not None:
            return {"apiVersion": POOL[0], "kind": POOL[1], **have}
        made = {
            "apiVersion": POOL[0],
            "kind": POOL[1],
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"range": str(multus_ipam.subnet(row)), "allocations": {}},
        }
        self._kube.create(self._kube.path(*POOL, NAMESPACE), made)
        return made

    def _reserved(self, network: str) -> Iterator[Address]:
        prefix = f"{network}-" if network else ""
        for item in self._kube.list(self._kube.path(*RESERVATION, NAMESPACE)):
            name = item["metadata"]["name"]
            if not name.startswith(prefix):
                continue
            try:
                yield multus_ipam.address(_address_text(name.removeprefix(prefix)))
            except ValueError:
                continue  # of another network name

    def _reserve(self, address: Address, network: str, reference: str, interface: str) -> None:
        made = {
            "apiVersion": RESERVATION[0],
            "kind": RESERVATION[1],
            "metadata": {"name": reservation_name(address, network), "namespace": NAMESPACE},
            "spec": {"podref": reference, "ifname": interface},
        }
        try:
            self._kube.create(self._kube.path(*RESERVATION, NAMESPACE), made)
        except Conflict as error:
            raise NoAddress(f"Error getting cluster wide IP allocation: {error.message}") from error

    def release(self, pod: Object) -> None:
        """Give back all that a pod has."""
        self._free(lambda reference: reference == pod_reference(pod))

    def sweep(self) -> None:
        """Give back what pods have that no longer exist."""
        if not any((pool.get("spec") or {}).get("allocations") for pool in self._listed(POOL)):
            return
        alive = {pod_reference(pod) for pod in self._kube.list("/api/v1/pods")}
        self._free(lambda reference: reference not in alive)

    def _free(self, gone: Any) -> None:
        for pool in self._listed(POOL):
            allocations = (pool.get("spec") or {}).get("allocations") or {}
            freed = {index: None for index, owner in allocations.items() if gone(owner.get("podref"))}
            if freed:
                path = self._kube.path(*POOL, NAMESPACE, pool["metadata"]["name"])
                self._kube.patch(path, {"spec": {"allocations": freed}})
        for item in self._listed(RESERVATION):
            if gone((item.get("spec") or {}).get("podref")):
                self._kube.delete(self._kube.path(*RESERVATION, NAMESPACE, item["metadata"]["name"]))

    def _listed(self, kind: tuple[str, str]) -> list[Object]:
        try:
            return self._kube.list(self._kube.path(*kind, NAMESPACE))
        except NotFound:
            return []

    # ---- nv-ipam

    def nv_ipam(self, pod: Object, ipam: dict[str, Any], taken: Iterable[Address]) -> list[str]:
        """One address (with prefix) of the node's block of an nv-ipam IPPool. Raises NoAddress."""
        name, node = str(ipam.get("poolName") or ""), pod["spec"]["nodeName"]
        try:
            pool = self._kube.get(self._kube.path(*NV_POOL, NV_NAMESPACE, name))
        except NotFound:
            raise NoAddress('failed to find plugin "nv-ipam" in path [/opt/multus/bin /var/lib/cni/bin /usr/libexec/cni]') from None
        blocks = ((pool or {}).get("status") or {}).get("allocations") or []
        block = next((item for item in blocks if item["nodeName"] == node), None)
        if pool is None or block is None:
            raise NoAddress(f'rpc error: code = NotFound desc = configuration for pool "{name}", poolType "ippool" not found')
        row = {"range": pool["spec"]["subnet"], "range_start": block["startIP"], "range_end": block["endIP"],
               "exclude": [pool["spec"]["gateway"]] if pool["spec"].get("gateway") else []}  # fmt: skip
        try:
            return [multus_ipam.with_prefix(multus_ipam.lowest(row, taken), row)]
        except NoAddress:
            raise NoAddress(f'rpc error: code = ResourceExhausted desc = no free IPs in the pool "{name}", poolType "ippool"') from None


def pod_reference(pod: Object) -> str:
    """`namespace/name`, as whereabouts refers to pods."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def reservation_name(address: Address, network: str) -> str:
    """Name of the reservation of an address."""
    plain = str(address).replace(":", "-")
    return f"{network}-{plain}" if network else plain


def _address_text(name: str) -> str:
    return name if "." in name else name.replace("-", ":")
