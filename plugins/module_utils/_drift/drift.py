# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift of one cluster: every declared object looked up among the live ones, and each difference with who and what repairs it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._apply.manifests import MANAGED_BY, MANAGER, describe
from .compare import Difference, Owned, differences

SAME, DIFFERS, MISSING, UNKNOWN = "same", "differs", "missing", "unknown"
LONGEST = 120  # characters of a value that are shown


@dataclass(frozen=True)
class Live:
    """A live object as the snapshot keeps it (`_snapshot/applied.py`)."""

    object: Mapping[str, Any]
    managed_by: str | None = None
    fields: tuple[Mapping[str, Any], ...] = ()

    @property
    def owned(self) -> Owned:
        return tuple((str(note["manager"]), note["fields"]) for note in self.fields)


@dataclass(frozen=True)
class Drift:
    """One declared object. repaired_by: the stage that would set it again, or the tool that looks after it."""

    object: str
    state: str
    stage: str
    repaired_by: str
    fields: tuple[Difference, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        rows = [
            {"path": one.path, "declared": one.declared, "live": one.live, "managers": [name for name in one.managers if name != MANAGER]}
            for one in self.fields
        ]
        return {"object": self.object, "state": self.state, "stage": self.stage, "repaired_by": self.repaired_by, "fields": rows}


def key(obj: Mapping[str, Any]) -> tuple[str, str]:
    """An object whatever the version in which it is written: (group, "Kind namespace/name")."""
    group = str(obj["apiVersion"]).rpartition("/")[0]
    return group, describe(dict(obj))


def declared(calls: Iterable[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """(stage, object) of all calls, each object once, Secrets left out: their values are nobody's to compare."""
    found: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for call in calls:
        for obj in call["objects"]:
            if obj["kind"] != "Secret":
                found.setdefault(key(obj), (str(call["stage"]), obj))
    return list(found.values())


def drift(wanted: Iterable[tuple[str, Mapping[str, Any]]], live: Mapping[tuple[str, str], Live | None]) -> list[Drift]:
    """:param live: what was found; None: looked for and absent; not in it: not looked at."""
    return [_one(stage, obj, live) for stage, obj in wanted]


def _one(stage: str, obj: Mapping[str, Any], live: Mapping[tuple[str, str], Live | None]) -> Drift:
    name = describe(dict(obj))
    if key(obj) not in live:
        return Drift(name, UNKNOWN, stage, stage)
    found = live[key(obj)]
    if found is None:
        return Drift(name, MISSING, stage, stage)
    body = {word: value for word, value in obj.items() if word not in ("apiVersion", "kind", "metadata", "status")}
    meta = {word: obj["metadata"][word] for word in ("labels", "annotations") if obj["metadata"].get(word)}
    meta.get("labels", {}).pop(MANAGED_BY, None)
    differing = tuple(differences({"metadata": meta, **body} if meta else body, found.object, found.owned))
    repairer = found.managed_by if found.managed_by not in (None, MANAGER) else stage
    return Drift(name, DIFFERS if differing else SAME, stage, str(repairer), differing)


def findings(drifts: list[Drift]) -> list[dict[str, Any]]:
    """As findings of the assessment: one for each field that differs and object that is missing, one for all that are as declared."""
    made = [_finding(one.object, "warn", *_words(one, field), _remedy(one)) for one in drifts for field in one.fields]
    made += [_finding(one.object, "warn", "it isn't there", "it is there", _remedy(one)) for one in drifts if one.state == MISSING]
    unknown = [one.object for one in drifts if one.state == UNKNOWN]
    if unknown:
        made.append(_finding(", ".join(unknown[:5]), "unknown", "not looked at", "as declared", "Run on the living cluster, with the right to read it."))
    same = sum(one.state == SAME for one in drifts)
    if same and not made:
        made.append(_finding("cluster", "pass", f"all {same} declared objects are as declared", "as declared", "Nothing."))
    return made


def _words(one: Drift, field: Difference) -> tuple[str, str]:
    others = [name for name in field.managers if name != MANAGER]
    who = f", set by {' and '.join(others)}" if others else ", as the last run set it" if MANAGER in field.managers else ""
    live = "isn't set" if field.live is None else f"is {shown(field.live)}"
    return f"{field.path} {live}{who}", f"{field.path} is {shown(field.declared)}"


def _remedy(one: Drift) -> str:
    if one.repaired_by != one.stage:
        return f"{one.repaired_by} looks after it: change it there, or the declaration here."
    return f"site.yml repairs it (stage {one.stage}); if the change is wanted, declare it."


def shown(value: Any) -> str:
    """A value as short text."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if not isinstance(value, str) else value
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def not_compared(why: str) -> dict[str, Any]:
    """The finding of a cluster whose declared state couldn't be rendered or looked at."""
    return _finding("cluster", "unknown", f"not compared: {why}", "as declared", "Repair what the text names, then run again.")


def _finding(subject: str, status: str, observed: str, expected: str, remedy: str) -> dict[str, Any]:
    return {
        "id": "drift", "status": status, "deciding": False, "blocking": False, "subject": subject, "observed": observed,
        "expected": expected, "remedy": remedy, "source": "the declaration", "path": None, "release": None, "nodes": [],
    }  # fmt: skip


def lines(drifts: list[Drift]) -> list[str]:
    """For the terminal: what differs, or that nothing does."""
    told = [
        f"drift   {item['subject']}: {item['observed']}; declared: {item['expected']}. {item['remedy']}"
        for item in findings(drifts)
        if item["status"] == "warn"
    ]
    same = sum(one.state == SAME for one in drifts)
    return told or [f"no drift: {same} declared objects are as declared"]
