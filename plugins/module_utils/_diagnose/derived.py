# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that no single object shows: nodes with fewer GPUs than they have, ports without a link. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import number, rows, text

_RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"}


def derive(snapshot: Mapping[str, Any], nodes: list[str]) -> dict[str, list[str]]:
    """What data/diagnosis.yml asks for by name; only of the nodes that matter."""
    own = [node for node in rows(snapshot, "nodes") or [] if text(node, "name") in nodes]
    return {
        "nodes_short_of_gpus": [line for node in own if (line := _short_of_gpus(node))],
        "ports_down": [
            f"{text(nic, 'name')} of node {text(node, 'name')}"
            for node in own
            for nic in rows(node, "nics") or []
            if text(nic, "state") == "down" and text(nic, "name") and number(nic, "sriov_totalvfs")
        ],
    }


def _short_of_gpus(node: Mapping[str, Any]) -> str:
    """What is wrong with the number of GPUs; GPUs that MIG has cut up are counted otherwise and left out."""
    name, resource = text(node, "name"), _RESOURCES.get(text(node, "accelerators", "vendor") or "")
    whole, offered = number(node, "accelerators", "count"), number(node, "allocatable", resource or "")
    cut = text(node, "accelerators", "mig") not in (None, "", "none")
    if resource and whole is not None and not cut and (offered or 0) < whole:
        return f"node {name} offers {offered or 0:g} of {whole:g} {resource}"
    note = text(node, "accelerators", "health")
    return f"node {name}: {note}" if note else ""
