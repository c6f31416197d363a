# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of awaited objects: reading what a task says, all mistakes at once, and what a target stands for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import name_of, steps
from .model import DONE, FAILED, State, blamed_on, waiting
from .registry import Check, find, known

_KEYS = ("api_version", "kind", "name", "namespace", "label_selector", "until", "with")
# Every node that Node Feature Discovery has described has it, whatever its hardware.
_DESCRIBED = {"feature.node.kubernetes.io/kernel-version.full": None}
_NODE = {"api_version": "v1", "kind": "Node"}


class TargetError(ValueError):
    """The list of awaited objects is wrong; ``problems`` has one line a mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, eq=False)  # identity: two wishes for one object with other options are two targets
class Target:
    """One awaited object, or (with ``label_selector``) all objects of a kind with those labels."""

    api_version: str
    kind: str
    check: Check
    until: str
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``Kind namespace/name``; with the condition when it isn't the kind's usual one."""
        place = f"{self.namespace}/" if self.namespace else ""
        base = f"{self.kind} {place}{self.name or '[' + self.label_selector + ']'}"
        return base if self.until == "ready" else f"{base} ({self._condition()})"

    def _condition(self) -> str:
        for word in ("resource", "type", "path"):
            if word in self.options:
                return f"{self.until} {self.options[word]}"
        return self.until

    def judge(self, obj: Mapping[str, Any] | None) -> State:
        """The state of the one object; None when it isn't there."""
        if obj is None and not self.check.judges_absence:
            return waiting("Missing", "it doesn't exist yet")
        return self.check.judge(obj, self.options)

    def judge_all(self, objects: Iterable[Mapping[str, Any]]) -> State:
        """The state of a selected set: the first failure, else done when all are and ``minimum`` exist."""
        states = [(name_of({**o, "kind": self.kind}), self.judge(o)) for o in objects]
        for name, state in states:
            if state.phase == FAILED:
                return state if state.culprit else blamed_on(state, name)
        ready = sum(s.phase == DONE for _name, s in states)
        wanted = max(len(states), int(self.options.get("minimum", 1)))
        if self.check.judges_absence:
            wanted = len(states)
        if ready == wanted:
            return State(DONE, states[0][1].reason if states else "Gone", f"{ready} of {wanted}")
        slow = next((f"{n} {s.text}" for n, s in states if s.phase != DONE), "no such object yet")
        return waiting("Progressing", f"{ready} of {wanted}; {slow}")


def parse(raw: Any) -> list[Target]:
    """Targets from a task's ``objects``; raises :class:`TargetError` with every mistake."""
    if not isinstance(raw, list):
        raise TargetError(["objects: a list of awaited objects is needed"])
    problems: list[str] = []
    targets: list[Target] = []
    for place, item in enumerate(raw):
        found = _problems(item)
        if found:
            problems += [f"objects[{place}]: {p}" for p in found]
        else:
            targets += _expand(item)
    if problems:
        raise TargetError(problems)
    return list({t.key: t for t in targets}.values())


def _problems(item: Any) -> list[str]:
    if not isinstance(item, Mapping):
        return [f"is {type(item).__name__}, must be a mapping with api_version, kind, name"]
    out = [f"unknown key {k!r}{_nearest(str(k), _KEYS)}" for k in item if k not in _KEYS]
    out += [f"{k} is missing" for k in ("api_version", "kind") if not item.get(k)]
    if bool(item.get("name")) == bool(item.get("label_selector")):
        out.append("give either name or label_selector")
    options = {} if item.get("with") is None else item["with"]
    if not isinstance(options, Mapping):
        return [*out, "with: must be a mapping of options"]
    return out + _check_problems(str(item.get("kind") or ""), str(item.get("until") or "ready"), options)


def _check_problems(kind: str, until: str, options: Mapping[str, Any]) -> list[str]:
    check = find(kind, until)
    if check is None:
        names = known(kind)
        return [f"until: {until!r} isn't known for kind {kind}{_nearest(until, names)} (known: {', '.join(names)})"]
    allowed = check.options | {"minimum"}
    out = [f"with.{k}: unknown for {until}{_nearest(str(k), allowed)}" for k in options if k not in allowed]
    out += [f"with.{k} is missing for {until}" for k in sorted(check.required) if k not in options]
    if check.one_of and len(check.one_of & set(options)) != 1:
        out.append(f"with: give exactly one of {', '.join(sorted(check.one_of))} for {until}")
    if until == "field" and "path" in options:
        try:
            steps(str(options["path"]))
        except ValueError as error:
            out.append(f"with.path: {error}")
    if "labels" in options and not isinstance(options["labels"], Mapping):
        out.append("with.labels: must be a mapping of label -> value (or null for any value)")
    return out


def _nearest(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _expand(item: Mapping[str, Any]) -> list[Target]:
    """A target and the node targets it stands for (``with.nodes`` of GPU operators and NodeFeatureDiscovery)."""
    own = _one(item)
    nodes = own.options.get("nodes")
    if own.kind in ("ClusterPolicy", "DeviceConfig") and isinstance(nodes, Mapping):
        resource = str(own.options.get("resource", "nvidia.com/gpu"))
        return [
            own,
            *(
                _one({**_NODE, "name": n, "until": "gpus", "with": {"resource": resource, "equals": c}})
                for n, c in nodes.items()
            ),
        ]
    if own.kind == "NodeFeatureDiscovery" and isinstance(nodes, list):
        labels = own.options.get("labels") or _DESCRIBED
        return [own, *(_one({**_NODE, "name": n, "until": "labels", "with": {"labels": labels}}) for n in nodes)]
    return [own]


def _one(item: Mapping[str, Any]) -> Target:
    kind, until = str(item["kind"]), str(item.get("until") or "ready")
    check = find(kind, until)
    if check is None:
        raise TargetError([f"until: {until!r} isn't known for kind {kind}"])
    return Target(
        str(item["api_version"]),
        kind,
        check,
        until,
        str(item.get("name") or ""),
        str(item.get("namespace") or ""),
        str(item.get("label_selector") or ""),
        dict(item.get("with") or {}),
    )
