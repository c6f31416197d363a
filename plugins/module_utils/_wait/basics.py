# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions that fit any kind: existence, a condition, a field, labels; and nodes and their resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import because, condition, dig, is_old, mapping
from .model import State, done, failed, one_line, waiting
from .quantity import to_number

# Conditions of a Namespace on its way out (Kubernetes core/v1).
_REMAINING = ("NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure", "NamespaceFinalizersRemaining", "NamespaceContentRemaining")


def exists(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done as soon as the object is there."""
    return done("Exists")


def absent(obj: Mapping[str, Any] | None, options: Mapping[str, Any]) -> State:
    """Done when the object is gone; the finalizers that hold it are named."""
    if obj is None:
        return done("Gone")
    held = mapping(obj, "metadata").get("finalizers") or []
    if dig(obj, "metadata.deletionTimestamp"):
        rest = next((found for kind in _REMAINING if (found := condition(obj, kind)).get("status") == "True"), None)
        if rest:  # a Namespace tells what is still in it
            return waiting("Terminating", because(rest))
        return waiting("Terminating", f"held by finalizers {', '.join(map(str, held))}" if held else "")
    return waiting("Present", "nobody has asked for its deletion yet")


def any_condition(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the condition ``type`` has ``status`` (True) and, when asked for, ``reason``.

    ``fail_reasons`` is a list of reasons of that condition (not in the wanted status) that end the wait.
    """
    kind, wanted = str(options["type"]), str(options.get("status", "True"))
    found = condition(obj, kind)
    if not found:
        return waiting("NoCondition", f"condition {kind} isn't reported yet")
    if is_old(obj, found):
        return waiting("NotObserved", f"condition {kind} is of an earlier specification")
    reason = found.get("reason")
    if found.get("status") == wanted and options.get("reason") in (None, reason):
        return done(kind if wanted == "True" else f"{kind}={wanted}", because(found))
    if reason in (options.get("fail_reasons") or []):
        return failed(
            str(reason),
            f"condition {kind} is {found.get('status')}: {found.get('message')}",
            str(options.get("repair") or "Correct what the message names."),
        )
    return waiting(f"{kind}={found.get('status')}", because(found))


def field(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the field at ``path`` is ``equals``, one of ``in``, or a quantity of ``at_least``; else any value.

    ``fail_in`` is a list of values that end the wait.
    """
    path = str(options["path"])
    value = dig(obj, path)
    shown = f"{path} is {one_line(value, 120) if value is not None else 'not set'}"
    if is_old(obj) and path.startswith("status."):
        return waiting("NotObserved", shown)
    if _fits(value, options):
        return done("Fits", shown)
    if value is not None and value in (options.get("fail_in") or []):
        return failed(
            one_line(value, 60), shown, str(options.get("repair") or "Correct what the object's status names.")
        )
    return waiting("Differs", f"{shown}, wanted {_wish(options)}")


def _fits(value: Any, options: Mapping[str, Any]) -> bool:
    if value is None:
        return False
    if "equals" in options:
        return bool(value == options["equals"] or str(value) == str(options["equals"]))
    if "in" in options:
        return value in options["in"]
    if "at_least" in options:
        have, want = to_number(value), to_number(options["at_least"])
        return have is not None and want is not None and have >= want
    return True


def _wish(options: Mapping[str, Any]) -> str:
    for word in ("equals", "in", "at_least"):
        if word in options:
            return f"{word.replace('_', ' ')} {one_line(options[word], 80)}"
    return "any value"


def labels(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when every label in ``labels`` is there (a null value: any value)."""
    have = mapping(obj, "metadata.labels")
    missing = [
        k if v is None else f"{k}={v}"
        for k, v in options["labels"].items()
        if k not in have or (v is not None and str(have[k]) != str(v))
    ]
    return waiting("LabelsMissing", ", ".join(missing)) if missing else done("Labelled")


def allocatable(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the node offers exactly ``equals`` (or ``at_least``) of the resource.

    A Ready node that offers another number than the inventory holds is not done: 7 of 8 GPUs is a fault, not a start.
    """
    resource = str(options["resource"])
    raw = mapping(obj, "status.allocatable").get(resource)
    have = to_number(raw)
    word = "equals" if "equals" in options else "at_least"
    want = to_number(options[word])
    shown = f"{resource}: {raw if raw is not None else 'none'} allocatable, {options[word]} expected"
    if have is None or want is None or (have != want if word == "equals" else have < want):
        return waiting("NotAllocatable", shown)
    ready = node_ready(obj, {})
    return done("Allocatable", shown) if ready.phase == "done" else waiting(ready.reason, ready.detail)


def node_ready(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the node's Ready condition is True."""
    found = condition(obj, "Ready")
    if found.get("status") == "True":
        return done("Ready")
    return waiting("NodeNotReady", because(found) or "no Ready condition")


def established(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when a CustomResourceDefinition is served (and serves ``version``, when asked for)."""
    refused = condition(obj, "NamesAccepted")
    if refused.get("status") == "False":
        return failed(
            "NamesNotAccepted",
            because(refused),
            "Another CustomResourceDefinition holds these names: remove the one that isn't needed.",
        )
    if condition(obj, "Established").get("status") != "True":
        return waiting("NotEstablished", because(condition(obj, "Established")))
    served = [v.get("name") for v in dig(obj, "spec.versions") or [] if v.get("served")]
    version = options.get("version")
    if version and version not in served:
        return waiting("VersionNotServed", f"{version} isn't among {', '.join(map(str, served))}")
    return done("Established")
