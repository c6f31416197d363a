# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Pod answered each request: by the Pods' own counters, which rose by one; else by a header some servers send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A successful request and its Pod (empty: not known), ``by`` counter or header."""

    group: str
    kind: str
    place: int
    pod: str
    by: str


def answers(records: Iterable[Mapping[str, Any]]) -> list[Answer]:
    """The successful requests of the groups in the order they were sent."""
    return [_answer(r) for r in records if r.get("status") == 200]


def _answer(record: Mapping[str, Any]) -> Answer:
    rose = record.get("rose") or {}
    group, kind, place = str(record.get("group")), str(record.get("kind")), int(record.get("place") or 0)
    if len(rose) == 1 and next(iter(rose.values())) == 1:
        return Answer(group, kind, place, str(next(iter(rose))), "counter")
    header = record.get("pod_header")
    # Somebody else's request in the same moment makes the counters ambiguous: then only a header can tell.
    return Answer(group, kind, place, str(header), "header") if header else Answer(group, kind, place, "", "")


def followers(known: Iterable[Answer]) -> tuple[int, int]:
    """Of the requests that repeat a prefix: on the Pod of their group's first one, and all. Unknown ones don't count."""
    first: dict[str, str] = {}
    same = tries = 0
    for answer in known:
        if answer.kind != "shared" or not answer.pod:
            continue
        if answer.group not in first:
            if answer.place == 0:
                first[answer.group] = answer.pod
            continue
        tries += 1
        same += answer.pod == first[answer.group]
    return same, tries


def fresh(known: Iterable[Answer]) -> list[str]:
    """The Pods of all requests whose prefix was new (the first of each group)."""
    return [a.pod for a in known if a.place == 0 and a.pod]
