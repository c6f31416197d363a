# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hops and recognised failure modes -> the likely cause, what follows from it, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import match
from .hops import ORDER
from .walk import BROKEN, UNKNOWN, WAITING, walk


def judge(evidence: Mapping[str, Any], modes: Sequence[Mapping[str, Any]], nodes: list[str], packages: list[str]) -> dict[str, Any]:
    """The diagnosis: {status: fine|found|unrecognised|unknown, cause, also, hops, unreadable}.

    The cause is the recognised mode that lies deepest on the way, since what is above rests on it; a mode that says what it explains
    goes before those, and what the cluster shows before what only our own requests met. Trouble that no mode describes is told in the
    product's own words, and never called fine.
    """
    hops = walk(evidence, nodes, packages)
    found = [{**_shown(row), "evidence": lines} for row in modes if (lines := match.seen(row, evidence))]
    found.sort(key=lambda row: -ORDER[row["hop"]])
    explained = {name for row in found for name in row["explains"]}
    found.sort(key=lambda row: (row["id"] in explained, all(line.startswith(match.FINDING) for line in row["evidence"])))
    broken = [hop for hop in hops if hop["status"] in (BROKEN, WAITING)]
    cause = found[0] if found else _unrecognised(broken)
    status = "found" if found else "unrecognised" if broken else _quiet(hops)
    return {"status": status, "cause": cause, "also": found[1:], "hops": hops, "unreadable": list(evidence.get("unreadable") or [])}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "hop": row["hop"], "cause": row["cause"], "repair": row["repair"], "source": row["source"],
            "explains": list(row.get("explains") or [])}  # fmt: skip


def _unrecognised(broken: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The deepest hop in trouble, in its own words."""
    if not broken:
        return None
    hop = next((one for one in reversed(broken) if one["status"] == BROKEN), broken[-1])
    return {"id": "unrecognised", "hop": hop["hop"], "cause": f"{hop['title']}: {hop['lines'][0] if hop['lines'] else hop['status']}",
            "evidence": hop["lines"],
            "repair": "This isn't one of the known failure modes: follow the message, or open a support case with the bundle (llmd_bundle).",
            "source": "the object's own status", "explains": []}  # fmt: skip


def _quiet(hops: list[dict[str, Any]]) -> str:
    """Nothing is broken: fine only when the service itself could be looked at."""
    seen = {hop["hop"]: hop["status"] for hop in hops}
    return "unknown" if UNKNOWN in (seen["service"], seen["pods"]) else "fine"


def summary(diagnosis: Mapping[str, Any], subject: str) -> str:
    """The diagnosis in one message."""
    cause = diagnosis["cause"]
    if cause is None:
        words = {"fine": "nothing is wrong that the API or the proof can show", "unknown": "its objects can't be read, or aren't there"}
        return f"{subject}: {words[diagnosis['status']]}."
    return f"{subject}: the likely cause is {cause['cause']} Seen: {'; '.join(cause['evidence'][:2])}. What to do: {cause['repair']}"


def lines(diagnosis: Mapping[str, Any]) -> list[str]:
    """For the terminal: the way, then the cause."""
    mark = {"ok": "ok", "waiting": "waits", "broken": "BROKEN", "unknown": "unknown"}
    out = [f"  {mark[hop['status']]:8}{hop['title']}{'' if not hop['lines'] else ': ' + hop['lines'][0]}" for hop in diagnosis["hops"]]
    cause = diagnosis["cause"]
    if cause is None:
        return [*out, f"cause    none found ({diagnosis['status']})"]
    out += [f"cause    {cause['cause']} [{cause['id']}]", *(f"  seen   {line}" for line in cause["evidence"]), f"  do     {cause['repair']}"]
    return [*out, *(f"also     {row['cause']} [{row['id']}]" for row in diagnosis["also"])]
