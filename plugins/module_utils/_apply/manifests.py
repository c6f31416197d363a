# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects as it is given: is it usable, in which order does it go, and what is each called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._snapshot.values import mapping

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "llmd-openshift"
SELECTOR = f"{MANAGED_BY}={OURS}"
MANAGER = "llmd-openshift"  # the field manager of server-side apply

# What others stand on goes first; what can block others (webhooks) goes last; the rest keeps its given order.
FIRST = (
    "Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "ServiceAccount", "ClusterRole", "Role",
    "ClusterRoleBinding", "RoleBinding", "Secret", "ConfigMap", "OperatorGroup",
)  # fmt: skip
LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
FORBIDDEN_META = (
    "resourceVersion",
    "uid",
    "managedFields",
    "creationTimestamp",
    "generation",
    "selfLink",
    "generateName",
)


def describe(obj: dict[str, Any]) -> str:
    """ "Kind namespace/name", or "Kind name" where there is no namespace."""
    meta = obj.get("metadata") or {}
    place = f"{meta['namespace']}/" if meta.get("namespace") else ""
    return f"{obj.get('kind')} {place}{meta.get('name')}"


def problems(objects: list[Any]) -> list[str]:
    """Everything that is wrong with the list, one sentence each; empty when it can be applied."""
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    for position, obj in enumerate(objects):
        wrong = _problem(obj)
        if wrong:
            found.append(f"object {position + 1}: {wrong}")
            continue
        key = (str(obj["apiVersion"]).rpartition("/")[0], describe(obj))
        if key in seen:
            found.append(f"object {position + 1}: {describe(obj)} is in the list twice")
        seen.add(key)
    return found


def _problem(obj: Any) -> str | None:
    if not isinstance(obj, dict):
        return "not a mapping"
    missing = [key for key in ("apiVersion", "kind") if not isinstance(obj.get(key), str) or not obj[key]]
    if missing:
        return f"{' and '.join(missing)} missing"
    meta = obj.get("metadata")
    if not isinstance(meta, dict) or not isinstance(meta.get("name"), str) or not meta["name"]:
        return f"{obj['kind']} without metadata.name"
    if str(obj["kind"]).endswith("List") and "items" in obj:
        return f"{describe(obj)} is a list; give its items"
    bad = [key for key in FORBIDDEN_META if key in meta]
    if bad:
        return f"{describe(obj)} sets metadata.{', metadata.'.join(bad)}, which only the API server may (read back from a cluster?)"
    labels = meta.get("labels")
    if labels is not None and not isinstance(labels, dict):
        return f"{describe(obj)} has labels that are no mapping"
    return None


def ordered(objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects in an order in which each finds what it stands on."""

    def rank(obj: dict[str, Any]) -> int:
        kind = obj["kind"]
        if kind in FIRST:
            return FIRST.index(kind)
        return len(FIRST) + 1 if kind in LAST else len(FIRST)

    return sorted(objects, key=rank)


def is_ours(live: Any) -> bool:
    """Whether an object of the cluster carries our label; False of anything that isn't an object."""
    return bool(mapping(live, "metadata", "labels").get(MANAGED_BY) == OURS)


def labelled(obj: dict[str, Any]) -> dict[str, Any]:
    """A copy that carries our label."""
    meta = obj["metadata"]
    return {**obj, "metadata": {**meta, "labels": {**(meta.get("labels") or {}), MANAGED_BY: OURS}}}


def unlabelled(obj: dict[str, Any]) -> dict[str, Any]:
    """A copy without our label, should the declaration have it: someone else's object never becomes ours."""
    meta = obj["metadata"]
    if MANAGED_BY not in (meta.get("labels") or {}):
        return obj
    return {**obj, "metadata": {**meta, "labels": {k: v for k, v in meta["labels"].items() if k != MANAGED_BY}}}


def secret_values(objects: Iterable[Any], shortest: int = 6) -> set[str]:
    """Values of the Secrets in the list, to be hidden wherever Ansible prints arguments (short ones would hide too much)."""
    found: set[str] = set()
    for obj in objects:
        if isinstance(obj, dict) and obj.get("kind") == "Secret":
            for part in (obj.get("data"), obj.get("stringData")):
                if isinstance(part, dict):
                    found |= {value for value in part.values() if isinstance(value, str) and len(value) >= shortest}
    return found


def without_values(obj: dict[str, Any]) -> dict[str, Any]:
    """The object; of a Secret only who it is."""
    return {key: value for key, value in obj.items() if key not in ("data", "stringData")} if obj["kind"] == "Secret" else obj


def defined_kinds(objects: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """(group, kind) of the CRDs in the list: kinds that this very list brings."""
    found: set[tuple[str, str]] = set()
    for obj in objects:
        spec = obj.get("spec")
        if obj["kind"] == "CustomResourceDefinition" and isinstance(spec, dict):
            found.add((str(spec.get("group")), str((spec.get("names") or {}).get("kind"))))
    return found
