# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NicNodePolicy beside NicClusterPolicy: what both can have, how their objects are told apart, where they may not meet (pure).

Sources: Mellanox/network-operator @b06827e (v26.4) api/v1alpha1/nicnodepolicy_types.go, pkg/state/state_skel.go (names), pkg/policyoverlap/overlap.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from rehearsal.operators.objects import Object, labels_of

POLICY = ("mellanox.com/v1alpha1", "NicClusterPolicy")
NODE_POLICY = ("mellanox.com/v1alpha1", "NicNodePolicy")
KINDS = (POLICY[1], NODE_POLICY[1])
OWNER_LABEL = "ds-owner"
SECTIONS = ("ofedDriver", "rdmaSharedDevicePlugin", "sriovDevicePlugin")
NODE_STATES = ("state-OFED", "state-RDMA-device-plugin", "state-SRIOV-device-plugin")
SAFE = "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand


def owner_label(policy: Object) -> str:
    """The value of `ds-owner` on a policy's DaemonSets and their pods."""
    return POLICY[1] if policy["kind"] == POLICY[1] else f"nnp-{policy['metadata']['name']}"


def suffix(policy: Object) -> str:
    """What the names of a NicNodePolicy's objects end in; a NicClusterPolicy's have kept theirs."""
    return "" if policy["kind"] == POLICY[1] else f"-{policy['metadata']['name']}"


def hashed_suffix(policy: Object) -> str:
    """The same for DaemonSets, whose names must stay short."""
    return "" if policy["kind"] == POLICY[1] else f"-{short_hash(policy['metadata']['name'])}"


def short_hash(text: str) -> str:
    """FNV-1a in letters that make no words."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return "".join(SAFE[ord(digit) % len(SAFE)] for digit in str(value))


def selector(policy: Object) -> dict[str, str]:
    """Labels of the nodes that a NicNodePolicy is for; a NicClusterPolicy has none (its affinity is for the scheduler)."""
    return dict((policy.get("spec") or {}).get("nodeSelector") or {}) if policy["kind"] == NODE_POLICY[1] else {}


def selects(policy: Object, node: Object) -> bool:
    """True when a policy is for a node; one without a selector is for all."""
    return all(labels_of(node).get(key) == value for key, value in selector(policy).items())


def conflicts(policy: Object, others: Iterable[Object]) -> str:
    """Why a policy can't be let in beside those of the other kind: a section may be in one kind only. "" when it can."""
    found = []
    for other in others:
        cluster, node = (policy, other) if policy["kind"] == POLICY[1] else (other, policy)
        both = [key for key in SECTIONS if (cluster.get("spec") or {}).get(key) is not None and (node.get("spec") or {}).get(key) is not None]
        name = node["metadata"]["name"]
        for key in both:
            if policy is node:
                found.append(f'NicClusterPolicy already defines {key}; NicNodePolicy "{name}" cannot also define it')
            else:
                found.append(f'NicNodePolicy "{name}" already defines {key}; NicClusterPolicy cannot also define it')
    return "; ".join(found)


def overlap(policies: Iterable[Object], nodes: Iterable[Object]) -> str:
    """Which nodes several NicNodePolicies select, whatever is in them. "" when none."""
    listed, found = list(policies), []
    for node in sorted(nodes, key=lambda one: str(one["metadata"]["name"])):
        chosen = sorted(policy["metadata"]["name"] for policy in listed if selects(policy, node))
        if len(chosen) > 1:
            found.append(f'node "{node["metadata"]["name"]}" is selected by policies: [{", ".join(chosen)}]')
    return f"node selector overlap detected: {'; '.join(found)}" if found else ""
