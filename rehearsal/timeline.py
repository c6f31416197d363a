# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who did what and when in a rehearsal, and how often: read from its audit log, its start log, its counters and the cluster's Events.

A row: ``{"at": time, "source": "start"|"api"|"event", "who": str, "what": str, "object": "resource namespace/name", "outside": bool,
"code": int, "ms": float}``; code and ms only for requests. ``outside``: by a client on the host, not by a part of the rehearsal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

WRITES = ("create", "update", "patch", "delete", "deletecollection")
INSIDE = ("system:kube-", "system:node", "system:apiserver", "rehearsal:", "system:serviceaccount:openshift-operator-lifecycle-manager:")
Row = dict[str, Any]


def rows(audit: Iterable[Row], reads: bool = False) -> Iterator[Row]:
    """The finished requests of an audit log; without ``reads`` only those that change something."""
    for event in audit:
        if event.get("stage") != "ResponseComplete" or not (reads or event.get("verb") in WRITES):
            continue
        began, ended = _time(event["requestReceivedTimestamp"]), _time(event["stageTimestamp"])
        yield {
            "at": event["requestReceivedTimestamp"],
            "source": "api",
            "who": agent(event),
            "what": event["verb"],
            "object": _object(event),
            "outside": outside(event),
            "code": (event.get("responseStatus") or {}).get("code", 0),
            "ms": round((ended - began) / timedelta(milliseconds=1), 1),
        }


def counters(audit: Iterable[Row], nodes: Row | None = None) -> Row:
    """Requests and writes by client, answers by status code; reboots and drains by node (``nodes``: counters.json)."""
    requests: Counter[str] = Counter()
    writes: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    sums = {"requests": 0, "writes": 0, "outside_requests": 0, "outside_writes": 0}
    for event in audit:
        if event.get("stage") not in ("ResponseComplete", "ResponseStarted"):
            continue
        if event["stage"] == "ResponseStarted" and event.get("verb") != "watch":
            continue
        if event["stage"] == "ResponseComplete" and event.get("verb") == "watch":
            continue  # was counted when it began
        name, far = agent(event), outside(event)
        write = event.get("verb") in WRITES
        requests[name] += 1
        writes[name] += write
        sums["requests"] += 1
        sums["writes"] += write
        sums["outside_requests"] += far
        sums["outside_writes"] += far and write
        code = (event.get("responseStatus") or {}).get("code", 0)
        if code >= 400:
            refused[str(code)] += 1
    clients = {name: {"requests": count, "writes": writes[name]} for name, count in requests.most_common()}
    found = {what: dict((nodes or {}).get(what) or {}) for what in ("reboots", "drains")}
    return {
        "api": {**sums, "by_client": clients, "refused": dict(sorted(refused.items()))},
        "reboots": sum(found["reboots"].values()),
        "drains": sum(found["drains"].values()),
        "by_node": found,
    }


def events(items: Iterable[Row]) -> Iterator[Row]:
    """The cluster's Events as rows."""
    for item in items:
        about = item.get("involvedObject") or {}
        place = "/".join(part for part in (about.get("namespace"), about.get("name")) if part)
        yield {
            "at": _stamp(item.get("lastTimestamp") or item.get("eventTime") or item["metadata"]["creationTimestamp"]),
            "source": "event",
            "who": item.get("reportingComponent") or (item.get("source") or {}).get("component") or "",
            "what": f"{item.get('reason', '')}: {item.get('message', '')}",
            "object": f"{about.get('kind', '')} {place}".strip(),
            "outside": False,
        }


def start(log: Iterable[str], started_at: str) -> Iterator[Row]:
    """The steps of the start (logs/up.log), as rows."""
    begun = datetime.fromisoformat(started_at)
    for line in log:
        seconds, _, what = line.strip().partition(" s  ")
        try:
            moment = begun + timedelta(seconds=float(seconds))
        except ValueError:
            continue
        yield {"at": _stamp(moment.isoformat()), "source": "start", "who": "rehearsal", "what": what, "object": "", "outside": False}


def audit_log(state: Path) -> Iterator[Row]:
    """The audit log's events, the rotated part first; a line that is being written at this moment is left out."""
    for path in [*sorted(state.glob("audit-*.log")), state / "audit.log"]:
        if path.exists():
            with path.open("rb") as log:
                for line in log:
                    if line.endswith(b"\n"):
                        yield json.loads(line)


def node_counters(state: Path) -> Row:
    """Reboots and drains by node; empty when there were none."""
    try:
        found: Row = json.loads((state / "run" / "counters.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def outside(event: Row) -> bool:
    """True for a request of a client on the host: not one of the rehearsal's own parts."""
    user = (event.get("user") or {}).get("username", "")
    return not user.startswith(INSIDE)


def agent(event: Row) -> str:
    """The client's name: its user agent without versions, else its user."""
    name = str(event.get("userAgent") or "").split("/")[0].split(" ")[0]
    return name or str((event.get("user") or {}).get("username", ""))


def _object(event: Row) -> str:
    ref = event.get("objectRef")
    if not ref:
        return str(event.get("requestURI", "")).partition("?")[0]
    resource = "/".join(part for part in (ref.get("resource"), ref.get("subresource")) if part)
    place = "/".join(part for part in (ref.get("namespace"), ref.get("name")) if part)
    return f"{resource} {place}".strip()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stamp(text: str) -> str:
    """Every time as the audit log writes it, so that rows sort by their text."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
