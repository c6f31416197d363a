# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SR-IOV operator's SriovNetworkNodeState, and NicClusterPolicy and networks of NVIDIA's network operator.

A config daemon that can't do what it is asked stays ``InProgress`` and tells why in its log only (up to 4.18 it said ``Failed``), so what it was
asked is compared with what the cards can do. Sources: openshift/sriov-network-operator release-4.20 ``pkg/daemon``, ``pkg/consts`` (annotations);
Mellanox/network-operator ``api/v1alpha1/nicclusterpolicy_types.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import condition, dig, integer, is_old, items, mapping
from .model import State, done, failed, waiting

DESIRED, CURRENT = "sriovnetwork.openshift.io/desired-state", "sriovnetwork.openshift.io/current-state"
IDLE, DRAINING, REBOOT = "Idle", "Draining", "Reboot_Required"
PATIENCE = 900
_DAEMON = "oc logs -n {namespace} -l app=sriov-network-config-daemon --field-selector spec.nodeName={name}"


def described(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the node's config daemon has told of its cards."""
    found = items(obj, "status.interfaces")
    if found:
        return done("Described", f"{len(found)} cards")
    if dig(obj, "status.syncStatus") == "Succeeded":
        return failed("NoCards", "the SR-IOV operator finds no card that it supports", "Leave the node out with llmd_node_selector.", grace=60)
    return waiting("NotDescribed", "the SR-IOV config daemon hasn't told of the node's cards yet")


def synced(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when every card that our policies ask for has its virtual functions, and the node is back at work.

    Options: ``resources``, the policies' resource names; ``patience_seconds``, how long a standstill may last.
    """
    patience = float(options.get("patience_seconds", PATIENCE))
    if dig(obj, "status.syncStatus") == "Failed":
        return failed("Failed", str(dig(obj, "status.lastSyncError") or "no reason is given"), f"See {_log(obj)}.", grace=60)
    if not items(obj, "status.interfaces"):
        return described(obj, options)
    wanted = set(options.get("resources") or [])
    asked = [card for card in items(obj, "spec.interfaces") if wanted & {group.get("resourceName") for group in items(card, "vfGroups")}]
    seen = {str(group.get("resourceName")) for card in asked for group in items(card, "vfGroups")}
    if wanted - seen:
        todo = "Compare the policies' rootDevices with status.interfaces of this SriovNetworkNodeState."
        return failed("NotAsked", f"no card of the node is asked for {', '.join(sorted(wanted - seen))} yet", todo, grace=patience)
    cards = {str(card.get("pciAddress")): card for card in items(obj, "status.interfaces")}
    late = [card for card in asked if integer(cards.get(str(card.get("pciAddress"))), "numVfs") != integer(card, "numVfs")]
    busy = _note(obj, CURRENT) not in ("", IDLE) or dig(obj, "status.syncStatus") != "Succeeded"
    if not late and not busy:
        return done("Succeeded", f"{len(asked)} cards")
    return _under_way(obj, late, cards, patience)


def _under_way(obj: Mapping[str, Any], late: list[Mapping[str, Any]], cards: Mapping[str, Mapping[str, Any]], patience: float) -> State:
    if _note(obj, CURRENT) == DRAINING:
        text = "the SR-IOV operator drains the node"
        todo = "Look for PodDisruptionBudgets without room (oc get pdb -A) and for pods that don't end; the drain goes on by itself then."
        return failed("DrainBlocked", f"{text}, and some pod doesn't leave", todo, grace=2 * patience)
    # It hasn't begun: what its cards had before says nothing yet.
    if dig(obj, "status.syncStatus") == "Succeeded" and late:
        pod = f"-n {_namespace(obj)} -l app=sriov-network-config-daemon --field-selector spec.nodeName={_name(obj)}"
        todo = f"Restart it: oc delete pod {pod}; before that, see {_log(obj)}."
        return failed("DaemonSilent", "the SR-IOV config daemon of the node doesn't react to its policies", todo, grace=patience)
    short = [card for card in late if integer(card, "numVfs") > integer(cards.get(str(card.get("pciAddress"))), "totalvfs")]
    if short:
        have = cards.get(str(short[0].get("pciAddress"))) or {}
        many = f" and {len(short) - 1} more" if len(short) > 1 else ""
        card, most = f"{short[0].get('name')} at {short[0].get('pciAddress')}{many}", integer(have, "totalvfs")
        text = f"{card} can have {most} virtual functions, {integer(short[0], 'numVfs')} are asked"
        if not integer(have, "totalvfs"):
            todo = "Switch SR-IOV on in the node's BIOS (SR-IOV, and Above 4G Decoding), then restart it"
        else:
            todo = "Give the card more PCI address space in the BIOS, or declare fewer with llmd_fabric_vfs"
        loop = "; where the node restarts again and again, declare llmd_fabric_firmware_reset: true."
        return failed("NotEnoughFunctions", text, f"{todo}{loop if _note(obj, DESIRED) == REBOOT else '.'}", grace=patience)
    if _note(obj, DESIRED) == REBOOT:
        text = "the node restarts, so that the firmware settings of its cards load"
        todo = "See whether the node comes back; where it restarts again and again, its cards keep their power: declare llmd_fabric_firmware_reset: true."
        return failed("NotBack", text, todo, grace=2 * patience)
    waits = "its turn to drain" if _note(obj, DESIRED) not in ("", IDLE) else "the SR-IOV config daemon makes virtual functions"
    return failed("InProgress", waits, f"See {_log(obj)}.", grace=4 * patience)


def node_devices(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the node gives at least so many devices of each resource. Option ``resources``: name -> number."""
    have = mapping(obj, "status.allocatable")
    wanted = {str(name): int(count) for name, count in options["resources"].items()}
    late = [f"{name} {have.get(name, 'none')} of {count}" for name, count in wanted.items() if not str(have.get(name, "")).isdigit() or int(have[name]) < count]
    if not late:
        return done("Allocatable", f"{len(wanted)} resources")
    return waiting("NotAllocatable", f"{late[0]}{f' and {len(late) - 1} more' if len(late) > 1 else ''}")


def nic_cluster_policy(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the state is ready: every section's pods run. Option ``namespace``: where they are."""
    state = str(dig(obj, "status.state") or "")
    if state == "ignore":
        return failed("ignore", str(dig(obj, "status.reason") or "the operator honours another name only"), "Its name must be nic-cluster-policy.")
    late = [
        f"{row.get('name')}{': ' + str(row['message']) if row.get('message') else ''}"
        for row in items(obj, "status.appliedStates")
        if row.get("state") not in ("ready", "ignore")
    ]
    if state == "ready" and is_old(obj, condition(obj, "Ready")):  # conditions came with 26.4; before, nothing tells
        return waiting("NotSeen", "the operator hasn't looked at the last change yet")
    if state == "ready":
        return done("ready")
    if state == "error":
        return failed("error", "; ".join(late) or str(dig(obj, "status.reason") or ""), "Correct the section that the message names.", grace=60)
    return waiting(state or "NoStatus", "; ".join(late))


def nvidia_network(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when NVIDIA's network operator has made the NetworkAttachmentDefinition."""
    state = str(dig(obj, "status.state") or "")
    if state == "error":
        return failed("error", str(dig(obj, "status.reason") or "no reason is given"), "Correct the field that the message names.", grace=60)
    return done("ready") if state == "ready" else waiting(state or "NoStatus", str(dig(obj, "status.reason") or ""))


def _note(obj: Mapping[str, Any], key: str) -> str:
    return str(mapping(obj, "metadata.annotations").get(key) or "")


def _name(obj: Mapping[str, Any]) -> str:
    return str(dig(obj, "metadata.name"))


def _namespace(obj: Mapping[str, Any]) -> str:
    return str(dig(obj, "metadata.namespace"))


def _log(obj: Mapping[str, Any]) -> str:
    return _DAEMON.format(namespace=_namespace(obj), name=_name(obj))
