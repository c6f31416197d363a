# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from an installed version to the one that a release wants, through the channels of a catalog. Pure.

A PackageManifest lists a channel's versions but not what each may replace, so the edges are facts (`updates` of data/operators/). In a channel OLM offers the
newest version whose range holds the installed one, and no other: whoever wants to arrive elsewhere changes the channel on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._data import versions

Row = Mapping[str, Any]
LONGEST = 6


@dataclass(frozen=True)
class Hop:
    """One update by OLM: the channel in which it is offered, and the CSV that it brings."""

    channel: str
    csv: str


@dataclass(frozen=True)
class Route:
    """hops: empty where there is no way; why and remedy say then what is in it."""

    hops: tuple[Hop, ...] = ()
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Graph:
    """The edges of a package; offered: what the cluster's catalog has, by channel (None: not read, the facts are believed)."""

    row: Row
    offered: Mapping[str, Sequence[str]] | None = None

    def csv(self, version: str) -> str:
        return f"{self.row['csv_prefix']}.{version}"

    def channels(self, first: Iterable[str]) -> list[str]:
        return list(dict.fromkeys([*first, *(str(update["channel"]) for update in self.row["updates"])]))

    def offer(self, channel: str, installed: versions.Version, supported: bool = True) -> versions.Version | None:
        """What OLM offers in a channel to somebody who has this version. supported: without what only Red Hat's support opens."""
        found = [
            to
            for update in self.row["updates"]
            if update["channel"] == channel and not (supported and update.get("support"))
            if (to := versions.parse(update["to"])) is not None and to > installed and self._has(channel, update["to"])
            if versions.within(installed, update["at_least"], update.get("below") or update["to"])
        ]
        return max(found, default=None)

    def _has(self, channel: str, version: str) -> bool:
        return self.offered is None or self.csv(version) in self.offered.get(channel, ())


def route(graph: Graph, installed: versions.Version, channel: str | None, wanted: Row) -> Route:
    """wanted: the row of `versions` for the release (bounds, csv, channels). Every stop is of the installed release or of the wanted one."""
    low, high = versions.parse(wanted.get("at_least")), versions.parse(wanted.get("below"))
    if high is not None and installed >= high:
        return Route(
            why=f"{installed} is installed, which is newer than {_goal(wanted)}, and OLM never goes back",
            remedy=f'Declare llmd_release: "{installed.minor}", or remove the operator (playbooks/teardown.yml) and install it anew.',
        )
    ends = {installed.minor, *([low.minor] if low else [])}
    found = _search(graph, installed, channel, wanted, ends)
    return Route(found) if found else _none(graph, installed, channel, wanted, ends)


def _goal(wanted: Row) -> str:
    """ "3.3" of a row that fits from 3.3.0 on."""
    low = versions.parse(wanted.get("at_least"))
    return low.minor if low else str(wanted["csv"])


def _search(graph: Graph, installed: versions.Version, channel: str | None, wanted: Row, ends: set[str] | None, supported: bool = True) -> tuple[Hop, ...]:
    """Breadth first, so with the fewest updates. ends: releases that may be passed; None: all."""
    queue: deque[tuple[versions.Version, str | None, tuple[Hop, ...]]] = deque([(installed, channel, ())])
    seen = {installed}
    goals: list[tuple[bool, bool, versions.Version, tuple[Hop, ...]]] = []
    while queue:
        at, here, hops = queue.popleft()
        if hops and _fits(at, wanted):
            exact = hops[-1].csv == wanted["csv"]
            goals.append((exact, hops[-1].channel in wanted["channels"], at, hops))
            if exact:
                break
        if len(hops) == LONGEST:
            continue
        for name in graph.channels([*([here] if here else []), *wanted["channels"]]):
            to = graph.offer(name, at, supported)
            if to is None or to in seen or (ends is not None and to.minor not in ends):
                continue
            seen.add(to)
            queue.append((to, name, (*hops, Hop(name, graph.csv(str(to))))))
    return max(goals, key=lambda goal: goal[:3])[3] if goals else ()


def _fits(version: versions.Version, wanted: Row) -> bool:
    faulty = any(versions.parse(one["version"]) == version for one in wanted.get("avoid", []))
    return not faulty and versions.within(version, wanted.get("at_least"), wanted.get("below"))


def _none(graph: Graph, installed: versions.Version, channel: str | None, wanted: Row, ends: set[str]) -> Route:
    """Why there is no way, and what to do: a release between, support, a catalog that lacks it, or none at all."""
    bare = Graph(graph.row)
    between = _search(graph, installed, channel, wanted, None) or _search(bare, installed, channel, wanted, None)
    passed = [hop.csv.removeprefix(f"{graph.row['csv_prefix']}.") for hop in between]
    others = [version for text in passed if (version := versions.parse(text)) is not None and version.minor not in ends]
    if others:
        return Route(
            why=f"OLM goes from {installed} to {_goal(wanted)} by {', '.join(passed)} only, and one release is taken at a time",
            remedy=f'Declare llmd_release: "{others[0].minor}" first; when that is proven, go on to the next.',
        )
    known = _search(bare, installed, channel, wanted, ends)
    if known:
        lacking = ", ".join(f"{hop.csv} in channel {hop.channel}" for hop in known)
        return Route(why=f"the catalog offers no update from {installed} to {_goal(wanted)}", remedy=f"Mirror {lacking}, then run again.")
    helped = _search(bare, installed, channel, wanted, None, supported=False)
    if helped:
        return Route(
            why=f"OLM has an update from {installed} to {_goal(wanted)} only in channel {helped[0].channel}, which Red Hat's support opens for a case",
            remedy="Open a support case for the upgrade; or remove OpenShift AI (playbooks/teardown.yml) and install the wanted release anew.",
        )
    return Route(
        why=f"no channel has an update from {installed} to {_goal(wanted)}",
        remedy=f'Declare llmd_release: "{installed.minor}", or remove the operator (playbooks/teardown.yml) and install the wanted release anew.',
    )
