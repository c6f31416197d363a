# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody approves of a plan, and what a later plan would do beyond it. Pure.

A run that stopped half way leaves less to do, which is no difference: nothing is done that wasn't approved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .._assess.look import mapping, names, rows, strings, text
from .._wait.model import one_line
from .model import CREATE, KEEP

SCHEMA = 1
Row = Mapping[str, Any]
# Steps whose changes are the operators', which count by version.
OPERATORS = "operators"


# Options that say how a run goes about it, and shape nothing on the cluster.
_OF_THE_RUN = frozenset({
    "api_url", "approved_plan", "approved_steps", "assess_fail_on", "ca_cert", "cluster_id", "context", "explain", "export", "host", "kubeconfig",
    "lock_takeover", "maintenance_window", "must_gather", "output_dir", "proxy", "reboot_minutes", "redact_names", "snapshot", "stop_after_nodes",
    "timeout_minutes", "token", "validate_certs", "allow_disruption",
})  # fmt: skip


def of(plan: Row, cluster: str | None, declared: Row) -> dict[str, Any]:
    """The part of a plan that is approved, with its digest. Small: what is kept is left out."""
    held = {
        "schema": SCHEMA,
        "cluster": cluster,
        "complete": plan["complete"],
        "declared": {name: value for name, value in sorted(declared.items()) if name not in _OF_THE_RUN and value not in (None, [], {}, "")},
        "operators": {one["package"]: one["csv"] for one in plan["operators"] if one["pending"] and one["csv"]},
        "steps": [_step(step) for step in plan["steps"] if _busy(step)],
    }
    return {**held, "digest": digest(held)}


def _busy(step: Row) -> bool:
    return bool(step["disruption"]["kinds"]) or any(change["action"] != KEEP for change in step["changes"])


def _step(step: Row) -> dict[str, Any]:
    changes = [] if step["id"] == OPERATORS else [change for change in step["changes"] if change["action"] != KEEP]
    return {
        "id": step["id"],
        "title": step["title"],
        "changes": {change["object"]: f"{change['action']}: {change.get('why', '')}".rstrip(": ") for change in changes},
        "kinds": step["disruption"]["kinds"],
        "nodes": step["disruption"]["nodes"],
    }


def digest(approved: Row) -> str:
    """SHA-256 over everything but the digest itself."""
    held = {key: value for key, value in approved.items() if key != "digest"}
    return hashlib.sha256(json.dumps(held, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def malformed(approved: Any) -> str:
    """Why that isn't what `of` made; empty when it is."""
    if not isinstance(approved, dict) or not isinstance(approved.get("operators"), dict) or rows(approved, "steps") is None:
        return "operators and steps are missing"
    if approved.get("schema") != SCHEMA:
        return f"its form is {approved.get('schema')!r}, this version of the collection reads {SCHEMA}"
    return "" if approved.get("digest") == digest(approved) else "it was changed after it was made (its digest doesn't fit)"


def differences(approved: Row, now: Row) -> list[str]:
    """What the plan of now (`of`) would do that isn't in the approved one."""
    found = [] if approved.get("cluster") == now.get("cluster") else [f"it was approved for cluster {approved.get('cluster')}, this is {now.get('cluster')}"]
    before, after = mapping(approved, "declared"), mapping(now, "declared")
    found += [
        f"llmd_{name} is {_shown(after.get(name))}, {_shown(before.get(name))} is approved"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    versions = mapping(approved, "operators")
    found += [
        f"{csv} would be installed, {f'{versions[package]} is' if package in versions else f'{package} is not'} approved"
        for package, csv in mapping(now, "operators").items()
        if versions.get(package) != csv
    ]
    told = {text(step, "id"): step for step in rows(approved, "steps") or []}
    complete = approved.get("complete") is not False
    return found + [line for step in rows(now, "steps") or [] for line in _beyond(told.get(text(step, "id"), {}), step, complete)]


def _shown(value: Any) -> str:
    return "not set" if value is None else one_line(json.dumps(value, ensure_ascii=False), 80)


def _beyond(approved: Row, now: Row, complete: bool) -> list[str]:
    title, told = now["title"], mapping(approved, "changes")
    beyond = [f"{title}: {what} of {where}" for where, what in mapping(now, "changes").items() if not _covered(told.get(where), what)]
    kinds = [kind for kind in strings(now, "kinds") if kind not in strings(approved, "kinds")]
    # Approved before Node Feature Discovery told which nodes have GPUs: it was said of all of them.
    unknown = not complete and bool(strings(approved, "kinds")) and not strings(approved, "nodes")
    nodes = [] if unknown else [node for node in strings(now, "nodes") if node not in strings(approved, "nodes")]
    if kinds or nodes:  # whom it disturbs is told first
        return [f"{title}: {' and '.join(strings(now, 'kinds'))} on {names(nodes or strings(now, 'nodes')) or 'nodes'}", *beyond]
    return beyond


def _covered(approved: str | None, now: str) -> bool:
    """Whoever approved that an object is made approved that a later run finishes it."""
    return approved is not None and (approved == now or approved.startswith(CREATE))


def message(found: list[str], shown: int = 6) -> str:
    """For people; empty without a difference."""
    if not found:
        return ""
    more = f"; and {len(found) - shown} more" if len(found) > shown else ""
    return (
        f"Nothing of the plan was done, because it isn't the one that was approved: {'; '.join(found[:shown])}{more}. "
        "Run plan again, have the new plan approved, and give that one."
    )
