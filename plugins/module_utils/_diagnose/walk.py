# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops one after the other: fine, on the way, broken or not to be read, each in the words of its own objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._wait.fields import dig, items, name_of
from .._wait.model import DONE, FAILED
from .._wait.pods import diagnose, is_well
from .._wait.registry import find
from .hops import HOPS, SOURCES, Hop

OK, WAITING, BROKEN, UNKNOWN = "ok", "waiting", "broken", "unknown"
LINES = 4
_MOVING = ("pd-transfer", "pd-transport", "pd-kv", "pd-external", "offload-", "wep-ranks")  # checks on what moves between Pods or to the CPU


def walk(evidence: Mapping[str, Any], nodes: list[str], packages: list[str]) -> list[dict[str, Any]]:
    """One row a hop, from the client down: hop, title, status, lines.

    :param nodes: the nodes that matter (those that may serve); of other nodes nothing is said.
    :param packages: OLM packages that matter.
    """
    return [_hop(hop, evidence, nodes, packages) for hop in HOPS]


def _hop(hop: Hop, evidence: Mapping[str, Any], nodes: list[str], packages: list[str]) -> dict[str, Any]:
    seen: list[tuple[str, str]] = []
    for kind in hop.kinds:
        seen += [_object(kind, obj) for obj in _objects(kind, evidence) if _matters(kind, obj, nodes, packages)]
    for pod in evidence.get("pods") or []:
        if pod.get("group") in hop.groups:
            seen.append(_pod(pod))
    seen += _SPECIAL.get(hop.name, lambda _evidence: [])(evidence)
    status = next((one for one in (BROKEN, WAITING) if any(state == one for state, _line in seen)), OK if seen else UNKNOWN)
    lines = [line for state, line in seen if state == status and status in (BROKEN, WAITING)]
    lines += [] if seen else [_why_unknown(hop, evidence)]
    return {"hop": hop.name, "title": hop.title, "status": status, "looked_at": len(seen), "lines": [line for line in lines if line][:LINES]}


def _objects(kind: str, evidence: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = (evidence.get("objects") or {}).get(kind)
    return list(rows) if isinstance(rows, list) else []


def _matters(kind: str, obj: Mapping[str, Any], nodes: list[str], packages: list[str]) -> bool:
    if kind == "Node":
        return str(dig(obj, "metadata.name")) in nodes
    if kind == "Subscription":
        return dig(obj, "spec.name") in packages
    if kind == "ClusterServiceVersion":  # operators.coreos.com/PACKAGE.NAMESPACE
        return any(f"operators.coreos.com/{package}." in str(key) for key in dig(obj, "metadata.labels") or {} for package in packages)
    if kind == "ClusterOperator":
        return any(c.get("type") in ("Available", "Degraded") for c in items(obj, "status.conditions"))
    return True


def _object(kind: str, obj: Mapping[str, Any]) -> tuple[str, str]:
    check = find(kind, "ready")
    name = name_of({**obj, "kind": kind})
    if check is None:
        return OK, name
    state = check.judge(obj, {})
    if state.phase == DONE:
        return OK, name
    return (BROKEN if state.phase == FAILED else WAITING), f"{name}: {state.text}"


def _pod(pod: Mapping[str, Any]) -> tuple[str, str]:
    name = name_of({**pod, "kind": "Pod"})
    trouble = diagnose(pod)
    if trouble is not None:
        return BROKEN, trouble.text if trouble.culprit in trouble.text else f"{name}: {trouble.text}"
    if is_well(pod):
        return OK, name
    return WAITING, f"{name}: {dig(pod, 'status.phase') or 'Pending'}, not ready"


def _client(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the proof's own requests met."""
    proof = evidence.get("proof") or {}
    rows = [row for row in proof.get("checks") or [] if row.get("deciding", True)]
    bad = [row for row in rows if row.get("status") == "fail"]
    if bad:
        return [(BROKEN, f"{row.get('id')}: {row.get('observed')}") for row in bad]
    return [(OK, str(row.get("id"))) for row in rows if row.get("status") == "pass"]


def _transfer(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Checks of the proof on what moves between Pods."""
    rows = [row for row in (evidence.get("proof") or {}).get("checks") or [] if any(word in str(row.get("id")) for word in _MOVING)]
    return [(BROKEN if row.get("status") == "fail" else OK, f"{row.get('id')}: {row.get('observed')}") for row in rows if row.get("status") != "unknown"]


def _fabric(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    out = []
    for obj in _objects("SriovNetworkNodeState", evidence):
        state, name = str(dig(obj, "status.syncStatus") or ""), str(dig(obj, "metadata.name"))
        why = str(dig(obj, "status.lastSyncError") or "")
        text = f"SriovNetworkNodeState {name}: {state or 'no status'} {why}".rstrip()
        out.append((OK if state == "Succeeded" else BROKEN if state == "Failed" else WAITING, text))
    return out


_SPECIAL = {"client": _client, "transfer": _transfer, "fabric": _fabric}


def _why_unknown(hop: Hop, evidence: Mapping[str, Any]) -> str:
    resources = [source.resource for source in SOURCES if source.kind in hop.kinds]
    unread = [f"{row['what']} ({row['why']})" for row in evidence.get("unreadable") or [] if row.get("what") in resources]
    return f"not read: {', '.join(unread)}" if unread else "there is nothing to look at"
