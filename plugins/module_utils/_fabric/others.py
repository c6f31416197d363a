# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have made that stands in the way: policies on the same cards, networks and definitions of the same name, policies of NVIDIA's operator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._apply.manifests import is_ours
from .._assess.look import dig, mapping, names, rows, strings, text
from .cards import Card, labels
from .ways import SHARED, SRIOV, WHOLE

Row = Mapping[str, Any]
NAD = "NetworkAttachmentDefinition"
NETWORKS = ("SriovNetwork", "SriovIBNetwork", "MacvlanNetwork", "IPoIBNetwork", "HostDeviceNetwork")
DEFAULT_POLICY = "default"
SECTION = {SHARED: "rdmaSharedDevicePlugin", WHOLE: "sriovDevicePlugin"}


def there(snapshot: Row, kind: str) -> list[Row]:
    return rows(snapshot, "objects", kind) or []


def our_definitions(snapshot: Row) -> set[tuple[str, str]]:
    """(namespace, name) of the NetworkAttachmentDefinitions that operators made of our networks."""
    return {
        (text(one, "spec", "networkNamespace") or "default", text(one, "metadata", "name") or "")
        for kind in NETWORKS
        for one in there(snapshot, kind)
        if is_ours(one)
    }


def problems(
    snapshot: Row, way: str, namespace: str, networks: Iterable[str], cards: list[Card], nodes: list[Row], driver: bool = False
) -> list[str]:
    """Everything of others that must not be overwritten or fought with.

    :param networks: names of the rails' networks in `namespace`.
    :param driver: whether NVIDIA's driver is wanted (`llmd_fabric_driver`).
    """
    wanted = {name for name in networks if name}
    foreign = [_ref(kind, one) for kind in NETWORKS for one in there(snapshot, kind) if not is_ours(one) and text(one, "metadata", "name") in wanted]
    mine = our_definitions(snapshot)
    foreign += [
        f"{NAD} {namespace}/{name}"
        for one in there(snapshot, NAD)
        if text(one, "metadata", "namespace") == namespace and (name := text(one, "metadata", "name") or "") in wanted and (namespace, name) not in mine
    ]
    verb = "is" if len(foreign) == 1 else "are"
    said = f"{names(foreign)} {verb} there already and not ours: remove or rename it, or serve from another namespace."
    found = [said] if foreign else []
    if way == SRIOV:
        found += _policies(snapshot, cards, nodes)
    if way in (SHARED, WHOLE):
        other = [_ref("NicClusterPolicy", one) for one in there(snapshot, "NicClusterPolicy") if not is_ours(one)]
        if other:
            found.append(
                f"{names(other)} is somebody else's, and the operator honours one only. Let its owner give the rails, and declare"
                " llmd_fabric_way: existing."
            )
        found += _node_policies(snapshot, {SECTION[way], *(("ofedDriver",) if driver else ())})
    return found


def _node_policies(snapshot: Row, wanted: set[str]) -> list[str]:
    """The operator's webhook refuses a section in a NicClusterPolicy that any NicNodePolicy has, whatever nodes that is for (26.4 and later)."""
    found = []
    for policy in there(snapshot, "NicNodePolicy"):
        both = sorted(wanted & {str(key) for key, value in mapping(policy, "spec").items() if value is not None})
        if both:
            found.append(
                f"{_ref('NicNodePolicy', policy)} has {names(both)} already, and NVIDIA's network operator lets no NicClusterPolicy have the same."
                " Let its owner give the rails and declare llmd_fabric_way: existing, or declare llmd_fabric_way: sriov."
            )
    return found


def _policies(snapshot: Row, cards: list[Card], nodes: list[Row]) -> list[str]:
    """Two policies on one card make the operator drain the node again and again (sriov-network-operator#718)."""
    found = []
    for policy in there(snapshot, "SriovNetworkNodePolicy"):
        if is_ours(policy) or text(policy, "metadata", "name") == DEFAULT_POLICY:
            continue
        selector = mapping(policy, "spec", "nodeSelector")
        on = {str(text(node, "name")) for node in nodes if all(labels(node).get(key) == value for key, value in selector.items())}
        hit = [card for card in cards if card.node in on and _selects(mapping(policy, "spec", "nicSelector"), card)]
        if hit:
            found.append(
                f"{_ref('SriovNetworkNodePolicy', policy)} of somebody else is on {names([f'{card.node} {card.where}' for card in hit], 3)}."
                " Remove it, give the rails other"
                " cards (llmd_fabric_nics), or use what it makes with llmd_fabric_way: existing."
            )
    return found


def _selects(nics: Mapping[Any, Any], card: Card) -> bool:
    ports = [word.partition("#")[0] for word in strings(nics, "pfNames")]
    places = strings(nics, "rootDevices")
    return bool(
        nics.get("vendor") in (None, "", card.vendor)
        and nics.get("deviceID") in (None, "", card.device)
        and (not ports or card.name in ports)
        and (not places or card.pci in places)
    )


def pool_of_others(snapshot: Row, nodes: list[Row]) -> list[str]:
    """SriovNetworkPoolConfigs of others that select these nodes: a node in two pools never drains."""
    found = []
    for pool in there(snapshot, "SriovNetworkPoolConfig"):
        wanted = mapping(pool, "spec", "nodeSelector", "matchLabels")
        selected = not dig(pool, "spec", "nodeSelector") or any(all(labels(node).get(key) == value for key, value in wanted.items()) for node in nodes)
        if selected and not is_ours(pool):
            found.append(_ref("SriovNetworkPoolConfig", pool))
    return found


def _ref(kind: str, obj: Row) -> str:
    namespace = text(obj, "metadata", "namespace")
    return f"{kind} {namespace + '/' if namespace else ''}{text(obj, 'metadata', 'name')}"
