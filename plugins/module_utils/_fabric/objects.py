# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a design, in the parts in which they are applied; and what is awaited of each part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import nvidia, sriov
from .ways import EXISTING, SRIOV

Row = Mapping[str, Any]
CARDS, DEVICES, NETWORKS = "cards", "devices", "networks"
PARTS = (CARDS, DEVICES, NETWORKS)
PATIENCE = 900


def objects(fabric: Row, part: str) -> list[dict[str, Any]]:
    """cards: what makes the SR-IOV operator tell of the cards; devices: what gives pods devices; networks: what gives them addresses.

    :param fabric: `llmd_plan.fabric`.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, not {part!r}")
    if not fabric["needed"] or fabric["way"] == EXISTING or fabric["problems"] or not fabric["nodes"]:
        return []
    if part == CARDS:
        return sriov.config(fabric)
    if not fabric["known"]:
        return []
    maker = sriov if fabric["way"] == SRIOV else nvidia
    if part == DEVICES:
        return maker.devices(fabric)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fabric["render"]["namespace"]}}
    made = maker.networks(fabric)
    return [namespace, *made] if made else []


def awaited(fabric: Row, part: str, patience_seconds: int = PATIENCE) -> list[dict[str, Any]]:
    """Targets of wait_for for a part that was applied."""
    if not fabric["needed"] or fabric["way"] == EXISTING or not fabric["nodes"]:
        return []
    render = fabric["render"]
    if part == CARDS:
        return [_state(render, node, "described") for node in fabric["nodes"]]
    if not fabric["known"]:
        return []
    if part == DEVICES:
        return _awaited_devices(fabric, patience_seconds)
    made = [
        {"api_version": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "name": rail["network"], "namespace": render["namespace"],
         "until": "exists"}  # fmt: skip
        for rail in fabric["rails"]
        if rail["network"]
    ]
    if fabric["way"] == SRIOV:
        return made
    own = [{"api_version": one["apiVersion"], "kind": one["kind"], "name": one["metadata"]["name"]} for one in nvidia.networks(fabric)]
    return [*own, *made]


def _awaited_devices(fabric: Row, patience: int) -> list[dict[str, Any]]:
    render = fabric["render"]
    if fabric["way"] == SRIOV:
        resources = [rail["resource"].rpartition("/")[2] for rail in fabric["rails"]]
        listed = [_state(render, node, "synced", {"resources": resources, "patience_seconds": patience}) for node in fabric["nodes"]]
        least = render["functions"]
    else:
        listed = [
            {"api_version": nvidia.API, "kind": "NicClusterPolicy", "name": nvidia.NAME, "with": {"namespace": render["nvidia_namespace"]}},
        ]
        least = 1
    wanted = {rail["resource"]: least for rail in fabric["rails"]}
    return listed + [{"api_version": "v1", "kind": "Node", "name": node, "until": "devices", "with": {"resources": wanted}} for node in fabric["nodes"]]


def _state(render: Row, node: str, until: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"api_version": sriov.API, "kind": "SriovNetworkNodeState", "name": node, "namespace": render["sriov_namespace"], "until": until}
    return {**made, "with": options} if options else made
