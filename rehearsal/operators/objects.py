# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure helpers for what operators write: conditions, owner references, labels, merges."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

Object = dict[str, Any]


def condition(type_: str, status: str | bool | None, reason: str = "", message: str = "", **extra: Any) -> Object:
    """One condition without its time; `status` True/False/None becomes "True"/"False"/"Unknown"."""
    word = str(status) if status is not None else "Unknown"
    return {"type": type_, "status": word, "reason": reason, "message": message, **extra}


def merge_conditions(old: list[Object] | None, new: list[Object], now: str, stamp: str = "lastTransitionTime") -> list[Object]:
    """`old` with each of `new` put in; the time moves only when a condition's status does. Order of `old` is kept."""
    result = [copy.deepcopy(item) for item in old or []]
    for wanted in new:
        for index, have in enumerate(result):
            if have.get("type") == wanted["type"]:
                same = have.get("status") == wanted["status"]
                result[index] = {**have, **wanted, stamp: have.get(stamp, now) if same else now}
                break
        else:
            result.append({**wanted, stamp: now})
    return result


def find_condition(obj: Object, type_: str) -> Object | None:
    """The condition of an object's status by type, or None."""
    for item in (obj.get("status") or {}).get("conditions") or []:
        if item.get("type") == type_:
            return item
    return None


def is_true(obj: Object, type_: str) -> bool:
    """True when the object has the condition with status "True"."""
    found = find_condition(obj, type_)
    return found is not None and found["status"] == "True"


def merged(base: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386) of `patch` onto `base`, as a new value."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def owner_reference(owner: Object, controller: bool = True) -> Object:
    """An ownerReferences entry; the real garbage collector then removes the object with its owner."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": controller,
        "blockOwnerDeletion": controller,
    }


def digest(value: Any, length: int = 10) -> str:
    """Short, stable hash of any JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:length]


def labels_of(obj: Object) -> dict[str, str]:
    """Labels of an object, never None."""
    return obj["metadata"].get("labels") or {}


def boot_id(node: Object) -> str:
    """A node's boot id, "" where it has none; it changes with every reboot."""
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get("bootID") or "")


def matches(selector: Object | None, labels: dict[str, str]) -> bool:
    """A metav1 LabelSelector against labels. None selects nothing, {} everything (Kubernetes' own rule)."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(item, labels) for item in selector.get("matchExpressions") or [])


def matches_node_terms(node_selector: Object | None, node: Object) -> bool:
    """A core/v1 NodeSelector (terms are ORed) against a node; None or no terms selects every node."""
    terms = (node_selector or {}).get("nodeSelectorTerms") or []
    if not terms:
        return True
    labels, fields = labels_of(node), {"metadata.name": node["metadata"]["name"]}
    return any(
        all(_expression(item, labels) for item in term.get("matchExpressions") or [])
        and all(_expression(item, fields) for item in term.get("matchFields") or [])
        for term in terms
        if term.get("matchExpressions") or term.get("matchFields")
    )


def _expression(item: Object, labels: dict[str, str]) -> bool:
    operator, value, values = item["operator"], labels.get(item["key"]), item.get("values") or []
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    if operator in ("Gt", "Lt") and value is not None and values:
        try:
            return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
        except ValueError:
            return False
    return False


def tolerated(taints: list[Object] | None, tolerations: list[Object] | None) -> bool:
    """True when every NoSchedule/NoExecute taint of a node is tolerated."""
    def one(taint: Object) -> bool:
        return any(
            toleration.get("effect") in (None, "", taint.get("effect"))
            and (
                (toleration.get("operator") == "Exists" and toleration.get("key") in (None, "", taint["key"]))
                or (toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or ""))
            )
            for toleration in tolerations or []
        )

    return all(one(taint) for taint in taints or [] if taint.get("effect") in ("NoSchedule", "NoExecute"))
