# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a failure mode of data/diagnosis.yml show in the evidence? Each match gives the lines that say where it was seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._data import expressions
from .._wait.fields import dig, items
from .._wait.model import one_line

Evidence = Mapping[str, Any]
Sign = Mapping[str, Any]
LINES_SHOWN = 5
FINDING = "proof:"  # how a line begins that our own requests gave
_CONDITION = ("type", "status", "reason", "message")


def seen(row: Mapping[str, Any], evidence: Evidence) -> list[str]:
    """Where the mode shows; empty when it doesn't. With `together`, every sign must show; else one is enough."""
    found = [_one(sign, evidence) for sign in row["signs"]]
    if row.get("together") and not all(found):
        return []
    lines = [line for sign in found for line in sign]
    return list(dict.fromkeys(lines))[:LINES_SHOWN]


def _one(sign: Sign, evidence: Evidence) -> list[str]:
    kind = next(iter(sign))
    return MATCHERS[kind](sign[kind], evidence)


def _condition(sign: Sign, evidence: Evidence) -> list[str]:
    """A condition of an object: type, and what of status, reason and message is asked for."""
    out = []
    for obj in _objects(sign["kind"], evidence):
        places = (obj.get("status") or {}, *items(obj, "status.parents"), *items(obj, "status.listeners"))
        out += [_said(obj, found) for place in places for found in items(place, "conditions") if _fits(sign, found, _CONDITION)]
    return out


def _event(sign: Sign, evidence: Evidence) -> list[str]:
    return [
        f"event of {row.get('kind')} {row.get('namespace') or ''}/{row.get('name')}: {row.get('reason')}: {_short(row.get('message'))}"
        for row in evidence.get("events") or []
        if _fits(sign, row, ("kind", "reason", "message"))
    ]


def _container(sign: Sign, evidence: Evidence) -> list[str]:
    """A container that waits or has ended: reason, message, exit code."""
    out = []
    for pod in _pods(sign.get("of"), evidence):
        for status in (*items(pod, "status.initContainerStatuses"), *items(pod, "status.containerStatuses")):
            for state in ("state.waiting", "state.terminated", "lastState.terminated"):
                found = dig(status, state)
                if state.startswith("last") and status.get("ready") and dig(found, "reason") != "OOMKilled":
                    continue  # it has recovered; only want of memory comes again by itself
                if isinstance(found, Mapping) and _fits(sign, found, ("reason", "message", "exitCode")):
                    out.append(f"container {status.get('name')} of {_name(pod)}: {found.get('reason')} {_short(found.get('message'))}".rstrip())
    return out


def _pod(sign: Sign, evidence: Evidence) -> list[str]:
    """A condition or the phase of a Pod."""
    out = []
    for pod in _pods(sign.get("of"), evidence):
        if "type" in sign:
            out += [_said(pod, found) for found in items(pod, "status.conditions") if _fits(sign, found, _CONDITION)]
        if "phase" in sign and _fits(sign, pod.get("status") or {}, ("phase", "reason", "message")):
            out.append(f"{_name(pod)} {dig(pod, 'status.phase')} {dig(pod, 'status.reason') or ''}: {_short(dig(pod, 'status.message'))}")
    return out


def _log(sign: Sign, evidence: Evidence) -> list[str]:
    """The last line of a log that fits, a container each."""
    wanted, groups = re.compile(sign["text"]), sign.get("of")
    out = []
    for log in evidence.get("logs") or []:
        if log.get("over") or (groups and log.get("group") not in groups):
            continue
        line = next((line for line in reversed(str(log.get("text") or "").splitlines()) if wanted.search(line)), None)
        if line is not None:
            out.append(f"log of {log.get('namespace')}/{log.get('pod')} {log.get('container')}: {_short(line)}")
    return out


def _finding(sign: Sign, evidence: Evidence) -> list[str]:
    """A check of the proof that isn't passed."""
    rows = dig(evidence, "proof.checks") or []
    wanted = sign.get("status") or ["fail"]
    return [
        f"{FINDING} {row.get('id')} {row.get('status')}: {_short(row.get('observed'))}"
        for row in rows
        if row.get("status") in wanted and _fits(sign, row, ("id", "observed"))
    ]


def _field(sign: Sign, evidence: Evidence) -> list[str]:
    """A field of an object at a path (as in wait_for); any value, or one that fits."""
    out = []
    for obj in _objects(sign["kind"], evidence):
        value = dig(obj, sign["path"])
        if value is not None and re.search(sign.get("value", ""), str(value)):
            out.append(f"{_name(obj)} {sign['path']}: {_short(value)}")
    return out


def _expression(sign: Sign, evidence: Evidence) -> list[str]:
    """JMESPath over the evidence that gives a list of texts, or one."""
    result, _trouble = expressions.search(str(sign["find"]), evidence)
    rows = result if isinstance(result, list) else [result] if result not in (None, "", False) else []
    return [f"{sign['says']}: {_short(row)}" if not isinstance(row, bool) else str(sign["says"]) for row in rows if row not in (None, "", [], {})]


def _absent(sign: Sign, evidence: Evidence) -> list[str]:
    """A kind that the API doesn't serve, or of which there is no object. What couldn't be read is not absent."""
    unread = {row.get("what"): row.get("why") for row in evidence.get("unreadable") or []}
    resource = sign["resource"]
    if unread.get(resource) == "absent":
        return [f"the API doesn't serve {resource}"]
    if resource in unread:
        return []
    rows = (evidence.get("objects") or {}).get(sign["kind"])
    return [f"there is no {sign['kind']}"] if rows == [] and sign.get("objects", False) else []


MATCHERS: dict[str, Callable[[Sign, Evidence], list[str]]] = {
    "condition": _condition,
    "event": _event,
    "container": _container,
    "pod": _pod,
    "log": _log,
    "finding": _finding,
    "field": _field,
    "expression": _expression,
    "absent": _absent,
}


def _fits(sign: Sign, found: Mapping[str, Any], keys: Iterable[str]) -> bool:
    """Every key that the sign names is a regular expression that its text holds; type, status and kind are whole words."""
    for key in keys:
        if key not in sign:
            continue
        text = str(found.get(key) if found.get(key) is not None else "")
        whole = key in ("type", "status", "kind", "exitCode") and key in found
        if not (re.fullmatch(str(sign[key]), text) if whole else re.search(str(sign[key]), text)):
            return False
    return True


def _objects(kind: str, evidence: Evidence) -> list[Mapping[str, Any]]:
    rows = (evidence.get("objects") or {}).get(kind)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _pods(groups: Any, evidence: Evidence) -> list[Mapping[str, Any]]:
    return [pod for pod in evidence.get("pods") or [] if not groups or pod.get("group") in groups]


def _name(obj: Mapping[str, Any]) -> str:
    space = dig(obj, "metadata.namespace")
    return f"{obj.get('kind')} {f'{space}/' if space else ''}{dig(obj, 'metadata.name')}"


def _said(obj: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """A condition in one line."""
    return f"{_name(obj)} {found.get('type')}={found.get('status')} {found.get('reason') or ''}: {_short(found.get('message'))}"


def _short(text: Any) -> str:
    return one_line(text, 300)
