# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on features: those of NodeFeatureRule objects (evaluated by the master) and of the worker's `sources.custom` (pure).

Source: kubernetes-sigs/node-feature-discovery v0.19.0 pkg/apis/nfd/nodefeaturerule/{expression,rule}.go, pkg/nfd-master/nfd-master.go,
docs/usage/customization-guide.md. Not played: labelsTemplate, varsTemplate, taints, extendedResources, `type: version`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Object = dict[str, Any]
PREFIX = "feature.node.kubernetes.io/"
BACK = "rule.matched"  # the feature that earlier rules' labels and vars make
NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "Gt": lambda left, right: left > right,
    "Ge": lambda left, right: left >= right,
    "Lt": lambda left, right: left < right,
    "Le": lambda left, right: left <= right,
}
RANGES: dict[str, Callable[[int, int, int], bool]] = {
    "GtLt": lambda low, value, high: low < value < high,
    "GeLe": lambda low, value, high: low <= value <= high,
}
WITHOUT_VALUE = ("", "Exists", "DoesNotExist", "IsTrue", "IsFalse")
NOT_PLAYED = ("labelsTemplate", "varsTemplate", "taints", "extendedResources")


class BadRule(ValueError):
    """A rule that NFD cannot evaluate: it logs this and goes on with the next rule."""


def evaluate(rules: Iterable[Mapping[str, Any]], found: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """(labels, annotations, faults) of rules in their order on the features of one node. Names get NFD's prefix when they have none."""
    labels: dict[str, str] = {}
    notes: dict[str, str] = {}
    faults: list[str] = []
    features = {**found, "attributes": {**found.get("attributes", {}), BACK: {"elements": {}}}}
    back = features["attributes"][BACK]["elements"]
    for rule in rules:
        name = str(rule.get("name") or "")
        faults += [f"rule {name}: {part} is not played" for part in NOT_PLAYED if rule.get(part)]
        try:
            if not matches(rule, features):
                continue
        except BadRule as error:
            faults.append(f"rule {name}: {error}")
            continue
        back |= {**(rule.get("labels") or {}), **(rule.get("vars") or {})}
        for key, value in (rule.get("labels") or {}).items():
            _label(labels, prefixed(key), _dynamic(str(value), features), faults)
        notes |= {prefixed(key): str(value) for key, value in (rule.get("annotations") or {}).items()}
    return labels, notes, faults


def matches(rule: Mapping[str, Any], features: Mapping[str, Any]) -> bool:
    """True when a rule's `matchFeatures` and at least one of its `matchAny` match. Raises BadRule."""
    any_of = rule.get("matchAny") or []
    if any_of and not any(_all(item.get("matchFeatures") or [], features) for item in any_of):
        return False
    return _all(rule.get("matchFeatures") or [], features)


def prefixed(name: str) -> str:
    """A label's name with NFD's prefix, unless it has one."""
    return name if "/" in name else PREFIX + name


def _all(terms: Iterable[Mapping[str, Any]], features: Mapping[str, Any]) -> bool:
    return all(_term(term, features) for term in terms)


def _term(term: Mapping[str, Any], features: Mapping[str, Any]) -> bool:
    """One feature: its flags, its attributes, or any one of its instances must match all expressions."""
    name = str(term.get("feature") or "").lower()
    candidates: list[tuple[Mapping[str, Any], bool]] = []  # (elements, whether they have values)
    for part, valued in (("flags", False), ("attributes", True)):
        if name in features.get(part, {}):
            candidates.append((features[part][name].get("elements") or {}, valued))
    instances = features.get("instances", {}).get(name, {}).get("elements") or []
    candidates += [(item["attributes"], True) for item in instances]
    expressions, names = term.get("matchExpressions") or {}, term.get("matchName")
    return any(
        all(_expression(expression, key in elements, elements.get(key) if valued else None) for key, expression in expressions.items())
        and (names is None or any(_expression(names, True, key) for key in elements))
        for elements, valued in candidates
    )


def _expression(expression: Mapping[str, Any], there: bool, value: Any) -> bool:
    op, wanted = str(expression.get("op") or ""), [str(item) for item in expression.get("value") or []]
    if op in WITHOUT_VALUE and wanted:
        raise BadRule(f"invalid expression, 'value' field must be empty for Op \"{op}\" (have {wanted})")
    if op == "":
        return True
    if op in ("Exists", "DoesNotExist"):
        return there is (op == "Exists")
    if op not in ("In", "NotIn", "InRegexp", "IsTrue", "IsFalse", *NUMBERS, *RANGES):
        raise BadRule(f'invalid Op "{op}"')
    if not there or value is None:
        return False  # also for NotIn: what is not there is in no relation to anything
    text = str(value)
    if op in ("IsTrue", "IsFalse"):
        return text == ("true" if op == "IsTrue" else "false")
    if op in NUMBERS or op in RANGES:
        return _numeric(op, text, wanted)
    if not wanted:
        raise BadRule(f"invalid expression, 'value' field must be non-empty for Op \"{op}\"")
    if op == "InRegexp":
        return any(_search(pattern, text) for pattern in wanted)
    return (text in wanted) is (op == "In")


def _numeric(op: str, text: str, wanted: list[str]) -> bool:
    count = 1 if op in NUMBERS else 2
    if len(wanted) != count:
        raise BadRule(f"invalid expression, 'value' field must contain exactly {'one element' if count == 1 else 'two elements'} for Op \"{op}\"")
    numbers = []
    for item in (text, *wanted):
        if not re.fullmatch(r"[+-]?\d+", item):
            raise BadRule(f'not a number "{item}"')
        numbers.append(int(item))
    return NUMBERS[op](*numbers) if op in NUMBERS else RANGES[op](numbers[1], numbers[0], numbers[2])


def _search(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise BadRule(f"'value' field must only contain valid regexps for Op \"InRegexp\" ({error})") from error


def _dynamic(value: str, features: Mapping[str, Any]) -> str | None:
    """`@domain.feature.element` stands for an attribute's value; None when there is no such attribute."""
    if not value.startswith("@"):
        return value
    feature, _, element = value[1:].rpartition(".")
    found = features.get("attributes", {}).get(feature, {}).get("elements", {}).get(element)
    return None if found is None else str(found)


def _label(labels: dict[str, str], name: str, value: str | None, faults: list[str]) -> None:
    space = name.split("/", 1)[0]
    mine = space.endswith(("feature.node.kubernetes.io", "profile.node.kubernetes.io"))
    if value is None:
        faults.append(f"ignoring label {name}: its dynamic value is not found")
    elif (space == "kubernetes.io" or space.endswith(".kubernetes.io")) and not mine:
        faults.append(f'ignoring label {name}: namespace "{space}" is not allowed')
    else:
        labels[name] = value
